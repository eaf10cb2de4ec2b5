/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/renewal/authzwait.h"
#include "daemon/renewal/orderwait.h"
#include "daemon/renewal/rounds.h"

#define IDLE_TIMEOUT_MS		30000

void
authorize_say(struct authorize_op *op, enum log_level level, const char *text)
{
	event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE, level,
	    "%s",
	    text);
}

void
authorize_cancel(struct authorize_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->begin);
	place_cancel(op->taking);
	cleanup_wait_cancel(op->idle);
	orderwait_cancel(op->poll);
	store_sync_cancel(op->sync);
	authorize_dns_clear(op);
	authorize_http_clear(op);
	authorize_alpn_clear(op);
	authorize_persist_clear(op);
	if (op->a.zones != NULL)
		zones_wait(op->a.zones, NULL, NULL);
	for (size_t i = 0; i < op->n_authzs; i++) {
		acme_cancel(op->authzs[i].acme_op);
		authzwait_cancel(op->authzs[i].wait);
		acme_authz_free(op->authzs[i].got);
	}
	acme_order_free(op->invalid);
	free(op->authzs);
	free(op);
}

void
authorize_name_failed(struct authz *z, const struct error *err)
{
	if (z->name != NULL)
		z->op->a.failed(z->name->name, err, z->op->arg);
}

void
authorize_finish(struct authorize_op *op, const struct error *err,
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

/* Who puts the records of a name where?  Nobody, if it is proved otherwise. */
static int
find_zone(struct authz *z, struct error *err)
{
	if (!challenge_is_txt(z->type))
		return 0;
	z->zone = zones_get(z->op->a.zones, z->name->name, err);
	if (z->zone == NULL)
		return -1;
	z->provider = zones_provider(z->op->a.zones, z->name->name);
	return 0;
}

/* Give each its round; how many there are. */
static unsigned
plan_rounds(struct authorize_op *op)
{
	struct round_item *items = xcalloc(op->n_authzs, sizeof(*items));
	size_t n = 0;
	unsigned rounds, at_least = 0;

	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *z = &op->authzs[i];

		if (z->challenge != NULL)
			at_least = 1;
		if (z->zone != NULL)
			items[n++] = (struct round_item){
			    authorize_dns_place(z), z->provider, 0 };
	}
	rounds = rounds_plan(items, n);
	for (size_t i = op->n_authzs; i-- > 0;) {
		if (op->authzs[i].zone != NULL)
			op->authzs[i].round = items[--n].round;
	}
	free(items);
	return rounds > at_least ? rounds : at_least;
}

void
authorize_plan(struct authorize_op *op)
{
	struct error err, first = { .kind = ERR_NONE };

	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->challenge == NULL || find_zone(z, &err) == 0)
			continue;
		authorize_name_failed(z, &err);
		if (first.kind == ERR_NONE)
			first = err;
	}
	if (first.kind != ERR_NONE) {
		authorize_finish(op, &first, NULL);
		return;
	}
	op->n_rounds = plan_rounds(op);
	if (op->n_rounds == 0) {
		authorize_say(op, LOGL_INFO,
		    "every name is authorized already");
		authorize_poll_order(op);
		return;
	}
	if (op->n_rounds > 1)
		event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "proving the names in %u rounds: the provider "
		    "cannot hold all TXT values of one name at once",
		    op->n_rounds);
	authorize_round_begin(op);
}

static void
stage_done(struct authorize_op *op)
{
	if (op->pending > 0)
		return;
	op->a.fetched(op->arg);
	authorize_persist_start(op);
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
no_challenge(const struct authz *z, struct error *err)
{
	const char *wanted = challenge_type_name(z->type);
	const struct acme_authz *got = z->got;
	char offered[200] = "", code[64];

	for (size_t i = 0; i < got->n_challenges; i++) {
		size_t used = strlen(offered);

		(void)text_printf(offered + used, sizeof(offered) - used,
		    "%s%s", i > 0 ? ", " : "", got->challenges[i].type);
	}
	(void)text_printf(code, sizeof(code), "acme:no-%s", wanted);
	return error_set(err, ERR_REJECTED, code,
	    "%s: the CA offers no %s challenge, only: %s", got->identifier,
	    wanted, offered[0] != '\0' ? offered : "nothing");
}

const struct acme_challenge *
authorize_find_challenge(const struct acme_authz *got, enum challenge_type type)
{
	for (size_t i = 0; i < got->n_challenges; i++) {
		if (strcmp(got->challenges[i].type,
		    challenge_type_name(type)) == 0)
			return &got->challenges[i];
	}
	return NULL;
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
		return error_set(err, ERR_REJECTED, "acme:badReply",
		    "the order has an authorization for %s%s, which was not "
		    "asked for", got->wildcard ? "*." : "", got->identifier);
	if (got->status != ACME_PENDING) {
		(void)error_set(err, ERR_REJECTED, "acme:authorization",
		    "the authorization for %s is %s", got->identifier,
		    acme_status_name(got->status));
		if (got->status == ACME_INVALID) {
			err->msg[0] = '\0';
			authorize_add_reason(err, z);
			if (err->msg[0] == '\0')
				(void)error_set(err, ERR_REJECTED,
				    "acme:authorization", "%s: the "
				    "authorization is invalid",
				    got->identifier);
		}
		return -1;
	}
	z->type = z->name->challenge;
	z->challenge = authorize_find_challenge(got, z->type);
	if (z->challenge == NULL && z->type == CHALLENGE_DNS_PERSIST_01)
		return authorize_persist_fall_back(z,
		    "the CA does not offer it", err);
	return z->challenge != NULL ? 0 : no_challenge(z, err);
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
		if (choose(z, &failed) == -1) {
			authorize_name_failed(z, &failed);
			err = &failed;
		}
	}
	if (err != NULL)
		authorize_finish(op, err, NULL);
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

	op->idle = cleanup_wait_start(op->a.env->cleanup,
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
	timer_init(&op->begin, a->env->loop, begin_cb, op);
	authorize_dns_init(op);
	timer_set(&op->begin, 0);
	return op;
}
