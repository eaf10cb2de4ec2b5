/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define ANSWER_S 60		/* for the CA to look, and to decide */
#define PROVIDER_TIMEOUT_MS	180000
#define ROOM_TIMEOUT_MS		600000	/* for one certificate to go */
#define ROOM_POLL_MS		500

static void
drop_adds(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_adds; i++) {
		provider_run_cancel(op->adds[i].run);
		free(op->adds[i].authzs);
	}
	free(op->adds);
	op->adds = NULL;
	op->n_adds = 0;
}

/* --- the DNS --- */

static void
settle_cb(void *arg)
{
	authorize_published(arg);
}

/* All see the records, or nobody is to be asked. */
static void
settle(struct authorize_op *op)
{
	int64_t delay_s = op->a.conf->propagation_delay_s;
	char span[TEXT_SPAN_MAX];

	if (delay_s == 0) {
		authorize_published(op);
		return;
	}
	event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
	    LOGL_INFO,
	    "waiting %s more, as propagation_delay says",
	    text_span(delay_s, span));
	timer_set(&op->settle, delay_s * 1000);
}

static void
shown(const struct error *err, const struct txtwait_reply *reply, void *arg)
{
	struct authorize_op *op = arg;

	for (size_t i = 0; err != NULL && i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->txt != NULL && txtwait_is_late(op->wait,
		    txtrec_fqdn(z->txt)))
			authorize_name_failed(z, err);
	}
	op->wait = NULL;
	if (err != NULL) {
		authorize_finish(op, err, NULL);
		return;
	}
	if (reply->note[0] != '\0') {
		(void)text_printf(op->dns_note, sizeof(op->dns_note), "%s",
		    reply->note);
		authorize_say(op, LOGL_WARNING, reply->note);
	}
	settle(op);
}

static void
wait_progress(const char *line, void *arg)
{
	authorize_say(arg, LOGL_INFO, line);
}

static enum txtwait_whom
whom(const struct conf_cert *conf)
{
	return conf->propagation == PROPAGATION_RESOLVERS ?
	    TXTWAIT_RESOLVERS : conf->propagation == PROPAGATION_BOTH ?
	    TXTWAIT_BOTH : TXTWAIT_AUTHORITATIVE;
}

/* After that the CA would not look any more; 0: it does not say. */
static time_t
ends_at(const struct authorize_op *op)
{
	time_t end = op->a.order->expires;

	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *z = &op->authzs[i];

		if (z->challenge != NULL && z->got->expires != 0 &&
		    (end == 0 || z->got->expires < end))
			end = z->got->expires;
	}
	return end;
}

/* In a CA's short profiles an authorization lives an hour: what is shown later
 * than that, less the time to answer, is shown in vain. */
static unsigned
wait_ms(const struct authorize_op *op)
{
	int64_t wait_s = op->a.conf->propagation_timeout_s;
	int64_t most = ends_at(op) != 0 ? (int64_t)ends_at(op) - clock_now() -
	    op->a.conf->propagation_delay_s - ANSWER_S : wait_s;

	if (most < ANSWER_S)		/* or one of the clocks is wrong */
		most = wait_s < ANSWER_S ? wait_s : ANSWER_S;
	return (unsigned)(wait_s < most ? wait_s : most) * 1000;
}

static void
wait_for_dns(struct authorize_op *op)
{
	struct txtwait_item *items = xcalloc(op->n_authzs, sizeof(*items));
	struct txtwait_args args = {
		.items = items,
		.whom = whom(op->a.conf),
		.timeout_ms = wait_ms(op),
		.progress = wait_progress,
	};

	place_give(op->a.place);
	if (op->a.conf->propagation == PROPAGATION_NONE) {
		free(items);
		settle(op);
		return;
	}
	for (size_t i = 0; i < op->n_adds; i++) {
		const struct add *add = &op->adds[i];

		for (size_t k = 0; k < add->n_authzs; k++) {
			const struct txtrec *t = add->authzs[k]->txt;

			items[args.n_items++] = (struct txtwait_item){
				.zone = txtrec_zone(t),
				.value = txtrec_value(t),
				.present = true,
				.changed_zone = add->zone,
				.changed_server = add->server,
			};
		}
	}
	op->wait = txtwait_start(zones_dns(op->a.zones), &args, shown, op);
	free(items);
}

/* --- the provider --- */

static void
added(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct add *add = arg;
	struct authorize_op *op = add->op;

	add->run = NULL;
	op->pending--;
	for (size_t i = 0; err == NULL && i < add->n_authzs; i++)
		txtrec_set_added(add->authzs[i]->txt, reply->handles[i]);
	/* What failed may have been done, and cleanup wants its handle. */
	for (size_t i = 0; err != NULL && reply != NULL && i < add->n_authzs;
	    i++) {
		if (reply->handles[i][0] != '\0')
			txtrec_set_handle(add->authzs[i]->txt,
			    reply->handles[i]);
	}
	if (err == NULL) {
		(void)text_printf(add->zone, sizeof(add->zone), "%s",
		    reply->zone);
		(void)text_printf(add->server, sizeof(add->server), "%s",
		    reply->server);
	}
	for (size_t i = 0; err != NULL && reply != NULL && reply->is_undone &&
	    i < add->n_authzs; i++)
		txtrec_set_refused(add->authzs[i]->txt);
	for (size_t i = 0; err != NULL && i < add->n_authzs; i++)
		authorize_name_failed(add->authzs[i], err);
	if (err != NULL && op->add_err.kind == ERR_NONE)
		op->add_err = *err;
	if (op->pending > 0)
		return;		/* an add cut short might land after its
				   removal: let them all come back */
	if (op->add_err.kind != ERR_NONE)
		authorize_finish(op, &op->add_err, NULL);
	else
		wait_for_dns(op);
}

/* In the order in which the provider is called; the caller frees. */
static char *
all_identifiers(const struct authorize_op *op)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < op->n_adds; i++) {
		const struct add *add = &op->adds[i];

		for (size_t k = 0; k < add->n_authzs; k++) {
			char *longer = xasprintf("%s%s%s", all,
			    all[0] != '\0' ? "," : "",
			    txtrec_identifier(add->authzs[k]->txt));

			free(all);
			all = longer;
		}
	}
	return all;
}

static void
add_start(struct add *add, const char *all)
{
	struct authorize_op *op = add->op;
	const struct authz *first = add->authzs[0];
	const char **values = xcalloc(add->n_authzs, sizeof(*values));
	const char **handles = xcalloc(add->n_authzs, sizeof(*handles));
	bool wants_handles = first->provider->type->wants_key_auth != NULL &&
	    first->provider->type->wants_key_auth(first->provider->values);
	struct provider_run_args args = {
		.provider = first->provider,
		.is_add = true,
		.cert = cert_tried_name(op->a.conf->name),
		.identifier = txtrec_identifier(first->txt),
		.all_identifiers = all,
		.fqdn = txtrec_fqdn(first->txt),
		.zone = txtrec_zone(first->txt)->apex,
		.values = values,
		.handles = wants_handles ? handles : NULL,
		.n_values = add->n_authzs,
		.timeout_ms = PROVIDER_TIMEOUT_MS,
	};

	for (size_t i = 0; i < add->n_authzs; i++) {
		values[i] = txtrec_value(add->authzs[i]->txt);
		handles[i] = txtrec_handle(add->authzs[i]->txt);
	}
	event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
	    LOGL_INFO,
	    "adding %zu TXT value%s at %s through provider %s", args.n_values,
	    args.n_values == 1 ? "" : "s", args.fqdn,
	    txtrec_provider(first->txt));
	op->pending++;
	add->run = provider_run_start(op->a.env->providers, &args, added, add);
	free(values);
	free(handles);
}

static bool
is_same_call(const struct authz *a, const struct authz *b)
{
	return strcmp(txtrec_fqdn(a->txt), txtrec_fqdn(b->txt)) == 0 &&
	    a->provider == b->provider;
}

void
authorize_dns_publish(struct authorize_op *op)
{
	char *all;

	drop_adds(op);
	op->adds = xcalloc(op->n_authzs, sizeof(*op->adds));
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];
		struct add *add = NULL;

		if (z->txt == NULL)
			continue;
		for (size_t k = 0; k < op->n_adds && add == NULL; k++) {
			if (is_same_call(op->adds[k].authzs[0], z))
				add = &op->adds[k];
		}
		if (add == NULL) {
			add = &op->adds[op->n_adds++];
			add->op = op;
			add->authzs = xcalloc(op->n_authzs,
			    sizeof(*add->authzs));
		}
		add->authzs[add->n_authzs++] = z;
	}
	if (op->n_adds > 0)
		op->unpublished++;
	all = all_identifiers(op);
	for (size_t i = 0; i < op->n_adds; i++)
		add_start(&op->adds[i], all);
	free(all);
}

void
authorize_dns_acquire(struct authorize_op *op)
{
	char value[ACME_TXT_SIZE];

	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (!authorize_is_in_round(z) || z->zone == NULL)
			continue;
		acme_dns01_value(op->a.account->acme, z->challenge->token,
		    value);
		z->txt = cleanup_acquire(op->a.env->cleanup,
		    op->a.conf->name, z->provider->name,
		    dname_base(z->name->name), z->zone, value);
		if (z->provider->type->wants_key_auth != NULL &&
		    z->provider->type->wants_key_auth(z->provider->values)) {
			/* In the journal before the call: removal needs it. */
			char *text = acme_key_authorization(
			    op->a.account->acme, z->challenge->token);

			txtrec_set_handle(z->txt, text);
			free(text);
		}
	}
}

void
authorize_dns_round_end(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->txt == NULL)
			continue;
		if (z->provider->type->max_values > 0)
			txtrec_remove(z->txt);
		else
			txtrec_release(z->txt);
		z->txt = NULL;
	}
}

/* --- rounds: what a provider cannot hold at once --- */

const char *
authorize_dns_place(const struct authz *z)
{
	return z->provider->type->shares_values ? z->zone->apex :
	    z->zone->fqdn;
}

/*
 * The certificate whose values must go before those of z can have their
 * place, or NULL.
 */
static const char *
in_the_way(const struct authorize_op *op, const struct authz *z)
{
	unsigned max = z->provider->type->max_values, mine = 0, others;
	const char *other = NULL;

	if (max == 0)
		return NULL;
	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *y = &op->authzs[i];

		if (y->challenge != NULL && y->round == z->round &&
		    y->zone != NULL && y->provider == z->provider &&
		    strcmp(authorize_dns_place(y), authorize_dns_place(z)) == 0)
			mine++;
	}
	others = cleanup_count_others(op->a.env->cleanup,
	    op->a.conf->name, z->provider->name, authorize_dns_place(z),
	    z->provider->type->shares_values, &other);
	return others + mine > max ? other : NULL;
}

static void
wait_for_room(struct authorize_op *op, const struct authz *z,
    const char *other)
{
	int64_t now = clock_mono_ms();
	struct error err;

	if (op->room_holder == NULL)
		event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "waiting for certificate \"%s\", which has its "
		    "TXT value in %s: provider %s holds no more than %u",
		    other, authorize_dns_place(z), z->provider->name,
		    z->provider->type->max_values);
	/* Many may wait for the same name: each that goes is progress. */
	if (op->room_holder == NULL || strcmp(op->room_holder, other) != 0) {
		free(op->room_holder);
		op->room_holder = xstrdup(other);
		op->room_since = now;
	}
	if (now - op->room_since < ROOM_TIMEOUT_MS) {
		place_give(op->a.place);
		timer_set(&op->room, ROOM_POLL_MS);
		return;
	}
	(void)error_set(&err, ERR_TRANSIENT, "engine:no-room",
	    "%s still has the TXT value of certificate \"%s\", and provider "
	    "%s holds no more than %u", authorize_dns_place(z), other,
	    z->provider->name, z->provider->type->max_values);
	authorize_finish(op, &err, NULL);
}

bool
authorize_dns_has_room(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *z = &op->authzs[i];
		const char *other;

		if (!authorize_is_in_round(z) || z->zone == NULL)
			continue;
		other = in_the_way(op, z);
		if (other != NULL) {
			wait_for_room(op, z, other);
			return false;
		}
	}
	free(op->room_holder);
	op->room_holder = NULL;
	return true;
}

static void
room_cb(void *arg)
{
	authorize_round_begin(arg);
}

void
authorize_dns_init(struct authorize_op *op)
{
	timer_init(&op->room, op->a.env->loop, room_cb, op);
	timer_init(&op->settle, op->a.env->loop, settle_cb, op);
}

void
authorize_dns_clear(struct authorize_op *op)
{
	timer_clear(&op->room);
	timer_clear(&op->settle);
	txtwait_cancel(op->wait);
	drop_adds(op);
	free(op->room_holder);
	for (size_t i = 0; i < op->n_authzs; i++)
		txtrec_release(op->authzs[i].txt);
}
