/* SPDX-License-Identifier: MIT */
#include "daemon/engine/authorize.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/engine/accounts.h"
#include "daemon/engine/authzwait.h"
#include "daemon/engine/cleanup.h"
#include "daemon/engine/orderwait.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/rounds.h"
#include "daemon/engine/zones.h"
#include "providers/provider.h"

#define PROVIDER_TIMEOUT_MS	180000
#define IDLE_TIMEOUT_MS		30000
#define VALIDATION_TIMEOUT_MS	300000
#define SPENT_TIMEOUT_MS	120000
#define ROOM_TIMEOUT_MS		600000
#define ROOM_POLL_MS		500

/* One authorization of the order. */
struct authz {
	struct authorize_op *op;
	const char	*url;		/* the order's */
	struct acme_op	*acme_op;
	struct acme_authz *got;		/* NULL: not fetched yet */
	const struct acme_challenge *challenge;	/* dns-01; in got */
	const struct conf_name *name;
	const struct conf_provider *provider;
	const struct zone *zone;
	unsigned	 round;		/* in which it is to be proved */
	struct txtrec	*txt;		/* NULL: not in this round */
	struct authzwait_op *wait;
	struct error	 answer_err;	/* the CA refused the answer */
};

/* One call of a provider: all values of one record name. */
struct add {
	struct authorize_op *op;
	struct provider_run_op *run;
	struct authz	**authzs;
	size_t		 n_authzs;
};

struct authorize_op {
	struct authorize_args a;
	struct timer	 begin;
	struct cleanup_wait_op *idle;
	unsigned	 round, n_rounds;
	struct timer	 room;
	int64_t		 room_since;	/* 0: not waiting for it */
	struct timer	 settle;	/* propagation_delay */
	struct authz	*authzs;
	size_t		 n_authzs;
	struct add	*adds;
	size_t		 n_adds;
	unsigned	 pending;	/* operations of this stage under way */
	struct error	 add_err;	/* of the first add that failed */
	struct store_sync_op *sync;
	struct txtwait_op *wait;
	struct orderwait_op *poll;
	bool		 is_judged;
	char		 dns_note[512];	/* what txtwait could not confirm */
	struct acme_order *invalid;	/* while the reasons are fetched */
	authorize_done_cb *done;
	void		*arg;
};

static void
say(struct authorize_op *op, enum log_level level, const char *text)
{
	event_emit(op->a.engine, op->a.conf->name, STEP_AUTHORIZE, level, "%s",
	    text);
}

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

void
authorize_cancel(struct authorize_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->begin);
	timer_clear(&op->room);
	timer_clear(&op->settle);
	cleanup_wait_cancel(op->idle);
	orderwait_cancel(op->poll);
	txtwait_cancel(op->wait);
	store_sync_cancel(op->sync);
	drop_adds(op);
	if (op->a.zones != NULL)
		zones_wait(op->a.zones, NULL, NULL);
	for (size_t i = 0; i < op->n_authzs; i++) {
		acme_cancel(op->authzs[i].acme_op);
		authzwait_cancel(op->authzs[i].wait);
		txtrec_release(op->authzs[i].txt);
		acme_authz_free(op->authzs[i].got);
	}
	acme_order_free(op->invalid);
	free(op->authzs);
	free(op);
}

static void
finish(struct authorize_op *op, const struct error *err,
    const struct acme_order *order)
{
	struct error copy;

	if (err != NULL) {		/* it may point into what we free */
		copy = *err;
		err = &copy;
	}
	zones_wait(op->a.zones, NULL, NULL);
	op->a.zones = NULL;		/* done may free what we borrow */
	op->done(err, order, op->arg);
	authorize_cancel(op);
}

/* --- the CA decides --- */

/* Add the CA's reason for one failed authorization to err. */
static void
add_reason(struct error *err, const struct authz *z)
{
	const struct acme_authz *got = z->got;
	size_t used = strlen(err->msg);

	if (got == NULL || got->status == ACME_VALID)
		return;
	for (size_t i = 0; i < got->n_challenges; i++) {
		const struct acme_challenge *c = &got->challenges[i];

		if (c->error == NULL)
			continue;
		if (used == 0)
			*err = *c->error;
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    "%s%s%s: %s", used > 0 ? "; " : "",
		    got->wildcard ? "*." : "", got->identifier,
		    c->error->msg);
		text_clean(err->msg);
		return;
	}
}

static void
explain(struct authorize_op *op)
{
	struct error err = { .kind = ERR_REJECTED };

	for (size_t i = 0; i < op->n_authzs; i++)
		add_reason(&err, &op->authzs[i]);
	if (err.msg[0] == '\0' && op->invalid->error != NULL)
		err = *op->invalid->error;
	if (err.msg[0] == '\0')
		(void)error_set(&err, ERR_REJECTED, "acme:invalid",
		    "the CA made the order invalid and gave no reason");
	if (op->dns_note[0] != '\0') {
		size_t used = strlen(err.msg);

		(void)text_printf(err.msg + used, sizeof(err.msg) - used,
		    " (before: %s)", op->dns_note);
		text_clean(err.msg);
	}
	finish(op, &err, NULL);
}

static void
reason_done(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	op->pending--;
	if (err == NULL) {
		acme_authz_free(z->got);
		z->got = acme_authz_dup(authz);
		z->challenge = NULL;
	}
	if (op->pending == 0)
		explain(op);
}

static void
decided(const struct error *err, const struct acme_order *order, void *arg)
{
	struct authorize_op *op = arg;

	op->poll = NULL;
	if (err != NULL || order->status != ACME_INVALID) {
		finish(op, err, order);
		return;
	}
	op->invalid = acme_order_dup(order);
	for (size_t i = 0; i < op->n_authzs; i++) {
		op->authzs[i].acme_op = acme_authz_get_start(
		    op->a.account->acme, op->authzs[i].url, reason_done,
		    &op->authzs[i]);
		op->pending++;
	}
}

static void
poll_order(struct authorize_op *op)
{
	struct orderwait_args args = {
		.loop = op->a.engine->a.loop,
		.acme = op->a.account->acme,
		.url = op->a.order->url,
		.pace_ms = &op->a.account->pace.validation_ms,
		.timeout_ms = VALIDATION_TIMEOUT_MS,
	};

	op->poll = orderwait_start(&args, decided, op);
	if (op->a.idle != NULL)
		op->a.idle(op->arg);
}

static void	round_begin(struct authorize_op *);

static void
next_round(void *arg)
{
	struct authorize_op *op = arg;

	op->idle = NULL;
	op->round++;
	round_begin(op);
}

/* This round's names are proved: make room for the values of the next. */
static void
round_end(struct authorize_op *op)
{
	op->is_judged = false;
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->txt == NULL)
			continue;
		if (z->provider->type->max_values > 0)
			txtrec_spend(z->txt);
		else
			txtrec_release(z->txt);
		z->txt = NULL;
	}
	op->idle = cleanup_wait_start(op->a.engine->cleanup, op->a.conf->name,
	    CLEANUP_SPENT, SPENT_TIMEOUT_MS, next_round, op);
}

static void
round_decided(const struct error *err, const struct acme_authz *authz,
    void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->wait = NULL;
	op->pending--;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	if (authz->status != ACME_VALID)
		op->n_rounds = op->round + 1;	/* the order is lost */
	if (op->pending > 0)
		return;
	if (op->round + 1 >= op->n_rounds)
		poll_order(op);
	else
		round_end(op);
}

/* All challenges of this round are answered. */
static void
wait_for_verdict(struct authorize_op *op)
{
	struct authzwait_args args = {
		.loop = op->a.engine->a.loop,
		.acme = op->a.account->acme,
		.timeout_ms = VALIDATION_TIMEOUT_MS,
	};

	if (op->round + 1 >= op->n_rounds) {
		poll_order(op);
		return;
	}
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->txt == NULL)
			continue;
		args.url = z->url;
		z->wait = authzwait_start(&args, round_decided, z);
		op->pending++;
	}
}

/* Is there still something to be answered?  Then the CA meant its refusal. */
static void
recheck_done(const struct error *err, const struct acme_authz *authz,
    void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	op->pending--;
	if (err == NULL && authz->status == ACME_PENDING) {
		for (size_t i = 0; i < authz->n_challenges; i++) {
			if (strcmp(authz->challenges[i].url,
			    z->challenge->url) == 0 &&
			    authz->challenges[i].status == ACME_PENDING)
				err = &z->answer_err;
		}
	}
	if (err != NULL)
		finish(op, err, NULL);
	else if (op->pending == 0)
		wait_for_verdict(op);
}

static void
answered(const struct error *err, void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	if (err != NULL && err->kind == ERR_REJECTED) {
		/* Answered before a restart, it may be decided by now. */
		z->answer_err = *err;
		z->acme_op = acme_authz_get_start(op->a.account->acme, z->url,
		    recheck_done, z);
		return;
	}
	op->pending--;
	if (err != NULL)
		finish(op, err, NULL);
	else if (op->pending == 0)
		wait_for_verdict(op);
}

static void
answer_all(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		/* One that is processing was answered before a restart. */
		if (z->txt == NULL || z->challenge->status != ACME_PENDING)
			continue;
		z->acme_op = acme_challenge_start(op->a.account->acme,
		    z->challenge->url, answered, z);
		op->pending++;
	}
	op->is_judged = true;
	say(op, LOGL_INFO, "asking the CA to look");
	if (op->pending == 0)
		wait_for_verdict(op);
}

/* --- the DNS --- */

static void
settle_cb(void *arg)
{
	answer_all(arg);
}

/* All see the records, or nobody is to be asked. */
static void
settle(struct authorize_op *op)
{
	int64_t delay_s = op->a.conf->propagation_delay_s;
	char span[TEXT_SPAN_MAX];

	if (delay_s == 0) {
		answer_all(op);
		return;
	}
	event_emit(op->a.engine, op->a.conf->name, STEP_AUTHORIZE, LOGL_INFO,
	    "waiting %s more, as propagation_delay says",
	    text_span(delay_s, span));
	timer_set(&op->settle, delay_s * 1000);
}

static void
shown(const struct error *err, const struct txtwait_reply *reply, void *arg)
{
	struct authorize_op *op = arg;

	op->wait = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	if (reply->note[0] != '\0') {
		(void)text_printf(op->dns_note, sizeof(op->dns_note), "%s",
		    reply->note);
		say(op, LOGL_WARNING, reply->note);
	}
	settle(op);
}

static void
wait_progress(const char *line, void *arg)
{
	say(arg, LOGL_INFO, line);
}

static enum txtwait_whom
whom(const struct conf_cert *conf)
{
	return conf->propagation == PROPAGATION_RESOLVERS ?
	    TXTWAIT_RESOLVERS : conf->propagation == PROPAGATION_BOTH ?
	    TXTWAIT_BOTH : TXTWAIT_AUTHORITATIVE;
}

static void
wait_for_dns(struct authorize_op *op)
{
	struct txtwait_item *items = xcalloc(op->n_authzs, sizeof(*items));
	struct txtwait_args args = {
		.items = items,
		.whom = whom(op->a.conf),
		.timeout_ms =
		    (unsigned)op->a.conf->propagation_timeout_s * 1000,
		.progress = wait_progress,
	};

	if (op->a.conf->propagation == PROPAGATION_NONE) {
		free(items);
		settle(op);
		return;
	}
	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct txtrec *t = op->authzs[i].txt;

		if (t == NULL)
			continue;
		items[args.n_items++] = (struct txtwait_item){
			.zone = txtrec_zone(t),
			.value = txtrec_value(t),
			.present = true,
		};
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
	if (err != NULL && op->add_err.kind == ERR_NONE)
		op->add_err = *err;
	if (op->pending > 0)
		return;		/* an add cut short might land after its
				   removal: let them all come back */
	if (op->add_err.kind != ERR_NONE)
		finish(op, &op->add_err, NULL);
	else
		wait_for_dns(op);
}

static void
add_start(struct add *add)
{
	struct authorize_op *op = add->op;
	const struct authz *first = add->authzs[0];
	const char **values = xcalloc(add->n_authzs, sizeof(*values));
	struct provider_run_args args = {
		.provider = first->provider,
		.is_add = true,
		.cert = op->a.conf->name,
		.identifier = txtrec_identifier(first->txt),
		.fqdn = txtrec_fqdn(first->txt),
		.zone = txtrec_zone(first->txt)->apex,
		.values = values,
		.n_values = add->n_authzs,
		.timeout_ms = PROVIDER_TIMEOUT_MS,
	};

	for (size_t i = 0; i < add->n_authzs; i++)
		values[i] = txtrec_value(add->authzs[i]->txt);
	event_emit(op->a.engine, op->a.conf->name, STEP_AUTHORIZE, LOGL_INFO,
	    "adding %zu TXT value%s at %s through provider %s", args.n_values,
	    args.n_values == 1 ? "" : "s", args.fqdn,
	    txtrec_provider(first->txt));
	op->pending++;
	add->run = provider_run_start(&op->a.engine->env, &args, added, add);
	free(values);
}

static bool
is_same_call(const struct authz *a, const struct authz *b)
{
	return strcmp(txtrec_fqdn(a->txt), txtrec_fqdn(b->txt)) == 0 &&
	    a->provider == b->provider;
}

/* The journal is on disk: call the providers. */
static void
journaled(const struct error *err, void *arg)
{
	struct authorize_op *op = arg;

	op->sync = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
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
	for (size_t i = 0; i < op->n_adds; i++)
		add_start(&op->adds[i]);
}

/* --- rounds: what a provider cannot hold at once --- */

/* Write the journal. */
static void
round_claim(struct authorize_op *op)
{
	char value[ACME_TXT_SIZE];

	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->challenge == NULL || z->round != op->round)
			continue;
		acme_dns01_value(op->a.account->acme, z->challenge->token,
		    value);
		z->txt = cleanup_claim(op->a.engine->cleanup,
		    op->a.conf->name, z->provider->name,
		    dname_base(z->name->name), z->zone, value);
	}
	op->sync = store_sync_start(op->a.engine->a.store, journaled, op);
}

/* What holds no more than the provider's max_values. */
static const char *
place_of(const struct authz *z)
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
		    y->provider == z->provider &&
		    strcmp(place_of(y), place_of(z)) == 0)
			mine++;
	}
	others = cleanup_count_others(op->a.engine->cleanup,
	    op->a.conf->name, z->provider->name, place_of(z),
	    z->provider->type->shares_values, &other);
	return others + mine > max ? other : NULL;
}

static void
wait_for_room(struct authorize_op *op, const struct authz *z,
    const char *other)
{
	int64_t now = clock_mono_ms();
	struct error err;

	if (op->room_since == 0) {
		op->room_since = now;
		event_emit(op->a.engine, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "waiting for certificate \"%s\", which has its "
		    "TXT value in %s: provider %s holds no more than %u",
		    other, place_of(z), z->provider->name,
		    z->provider->type->max_values);
	}
	if (now - op->room_since < ROOM_TIMEOUT_MS) {
		timer_set(&op->room, ROOM_POLL_MS);
		return;
	}
	(void)error_set(&err, ERR_TRANSIENT, "engine:no-room",
	    "%s still has the TXT value of certificate \"%s\", and provider "
	    "%s holds no more than %u", place_of(z), other,
	    z->provider->name, z->provider->type->max_values);
	finish(op, &err, NULL);
}

static void
round_begin(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *z = &op->authzs[i];
		const char *other;

		if (z->challenge == NULL || z->round != op->round)
			continue;
		other = in_the_way(op, z);
		if (other != NULL) {
			wait_for_room(op, z, other);
			return;
		}
	}
	op->room_since = 0;
	round_claim(op);
}

static void
room_cb(void *arg)
{
	round_begin(arg);
}

/* Authorizations and zones are known: what is to be proved when? */
static void
plan(struct authorize_op *op)
{
	struct round_item *items = xcalloc(op->n_authzs, sizeof(*items));
	struct error err = { .kind = ERR_NONE };
	size_t n = 0;

	for (size_t i = 0; i < op->n_authzs && err.kind == ERR_NONE; i++) {
		struct authz *z = &op->authzs[i];

		if (z->challenge == NULL)
			continue;
		z->zone = zones_get(op->a.zones, z->name->name, &err);
		if (z->zone == NULL)
			continue;
		z->provider = zones_provider(op->a.zones, z->name->name);
		items[n++] = (struct round_item){ place_of(z), z->provider,
		    0 };
	}
	op->n_rounds = rounds_plan(items, n);
	for (size_t i = op->n_authzs; i-- > 0 && err.kind == ERR_NONE;) {
		if (op->authzs[i].challenge != NULL)
			op->authzs[i].round = items[--n].round;
	}
	free(items);
	if (err.kind != ERR_NONE) {
		finish(op, &err, NULL);
	} else if (op->n_rounds == 0) {
		say(op, LOGL_INFO, "every name is authorized already");
		poll_order(op);
	} else {
		if (op->n_rounds > 1)
			event_emit(op->a.engine, op->a.conf->name,
			    STEP_AUTHORIZE, LOGL_INFO, "proving the names in "
			    "%u rounds: the provider cannot hold all TXT "
			    "values of one name at once", op->n_rounds);
		round_begin(op);
	}
}

static void
stage_done(struct authorize_op *op)
{
	if (op->pending == 0)
		plan(op);
}

/* --- authorizations and zones --- */

static const struct conf_name *
find_name(const struct conf_cert *conf, const struct acme_authz *authz)
{
	for (size_t i = 0; i < conf->n_names; i++) {
		const char *name = conf->names[i].name;

		if (dname_is_wildcard(name) == authz->wildcard &&
		    strcasecmp(dname_base(name), authz->identifier) == 0)
			return &conf->names[i];
	}
	return NULL;
}

static int
no_challenge(const struct acme_authz *authz, struct error *err)
{
	char offered[200] = "";

	for (size_t i = 0; i < authz->n_challenges; i++) {
		size_t used = strlen(offered);

		(void)text_printf(offered + used, sizeof(offered) - used,
		    "%s%s", i > 0 ? ", " : "", authz->challenges[i].type);
	}
	return error_set(err, ERR_REJECTED, "acme:no-dns-01",
	    "%s: the CA offers no dns-01 challenge, only: %s",
	    authz->identifier, offered[0] != '\0' ? offered : "nothing");
}

/* Which challenge is to be answered?  None if it is valid already. */
static int
choose(struct authz *z, struct error *err)
{
	const struct acme_authz *got = z->got;

	if (got->status == ACME_VALID)
		return 0;
	z->name = find_name(z->op->a.conf, got);
	if (z->name == NULL)
		return error_set(err, ERR_REJECTED, "acme:malformed",
		    "the order has an authorization for %s%s, which was not "
		    "asked for", got->wildcard ? "*." : "", got->identifier);
	if (got->status != ACME_PENDING) {
		(void)error_set(err, ERR_REJECTED, "acme:authorization",
		    "the authorization for %s is %s", got->identifier,
		    acme_status_name(got->status));
		if (got->status == ACME_INVALID) {
			err->msg[0] = '\0';
			add_reason(err, z);
			if (err->msg[0] == '\0')
				(void)error_set(err, ERR_REJECTED,
				    "acme:authorization", "%s: the "
				    "authorization is invalid",
				    got->identifier);
		}
		return -1;
	}
	for (size_t i = 0; i < got->n_challenges; i++) {
		if (strcmp(got->challenges[i].type, "dns-01") == 0)
			z->challenge = &got->challenges[i];
	}
	return z->challenge != NULL ? 0 : no_challenge(got, err);
}

static void
authz_done(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;
	struct error failed;

	z->acme_op = NULL;
	op->pending--;
	if (err == NULL) {
		z->got = acme_authz_dup(authz);
		if (choose(z, &failed) == -1)
			err = &failed;
	}
	if (err != NULL)
		finish(op, err, NULL);
	else
		stage_done(op);
}

static void
zones_found(void *arg)
{
	struct authorize_op *op = arg;

	op->pending--;
	stage_done(op);
}

static void
begin(void *arg)
{
	struct authorize_op *op = arg;

	op->idle = NULL;
	op->pending = (unsigned)op->n_authzs + 1;
	for (size_t i = 0; i < op->n_authzs; i++)
		op->authzs[i].acme_op = acme_authz_get_start(
		    op->a.account->acme, op->authzs[i].url, authz_done,
		    &op->authzs[i]);
	zones_wait(op->a.zones, zones_found, op);
}

static void
begin_cb(void *arg)
{
	struct authorize_op *op = arg;

	op->idle = cleanup_wait_start(op->a.engine->cleanup,
	    op->a.conf->name, CLEANUP_IDLE, IDLE_TIMEOUT_MS, begin, op);
}

bool
authorize_is_judged(const struct authorize_op *op)
{
	return op->is_judged;
}

struct authorize_op *
authorize_start(const struct authorize_args *a, authorize_done_cb *done,
    void *arg)
{
	struct authorize_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	op->n_authzs = a->order->n_authz;
	op->authzs = xcalloc(op->n_authzs, sizeof(*op->authzs));
	for (size_t i = 0; i < op->n_authzs; i++) {
		op->authzs[i].op = op;
		op->authzs[i].url = a->order->authz_urls[i];
	}
	timer_init(&op->begin, a->engine->a.loop, begin_cb, op);
	timer_init(&op->room, a->engine->a.loop, room_cb, op);
	timer_init(&op->settle, a->engine->a.loop, settle_cb, op);
	timer_set(&op->begin, 0);
	return op;
}
