/* SPDX-License-Identifier: MIT */
/*
 * dns-persist-01: is the record of each name that is to be proved by it in
 * the DNS?  Then the challenge can be answered as it is; else dns-01 has to
 * do, if the name has a provider.
 */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/event.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"

enum { LOOKS_MAX = 4 };			/* at once */

#define TYPE CHALLENGE_DNS_PERSIST_01

static const char *
account_uri(const struct authz *z)
{
	return z->challenge != NULL && z->challenge->account_uri != NULL ?
	    z->challenge->account_uri : z->op->a.kid;
}

/* " add: NAME. IN TXT VALUE", as far as it is known. */
static void
tell_record(const struct authz *z, char *out, size_t size)
{
	char fqdn[PERSIST_FQDN_SIZE], *value, *text;
	struct error unused;

	out[0] = '\0';
	if (z->challenge == NULL)
		return;
	value = persist_value(z->challenge->issuers[0], account_uri(z),
	    z->got->wildcard, 0, &unused);
	if (value == NULL)
		return;
	text = persist_zone_text(value);
	persist_fqdn(z->name->name, fqdn);
	(void)text_printf(out, size, "; add: %s. IN TXT %s", fqdn, text);
	free(text);
	free(value);
}

int
authorize_persist_fall_back(struct authz *z, const char *why,
    struct error *err)
{
	const struct acme_challenge *dns01 = authorize_find_challenge(z->got,
	    CHALLENGE_DNS_01);
	char record[1200], code[64];

	if (z->name->provider != NULL && dns01 != NULL) {
		event_emit(z->op->a.env->certs, z->op->a.conf->name,
		    STEP_AUTHORIZE, LOGL_WARNING, "%s: not by dns-persist-01 "
		    "but by dns-01: %s", z->name->name, why);
		z->type = CHALLENGE_DNS_01;
		z->challenge = dns01;
		return 0;
	}
	tell_record(z, record, sizeof(record));
	(void)text_printf(code, sizeof(code), "persist:%s",
	    z->challenge == NULL ? "not-offered" : "record");
	return error_set(err, ERR_REJECTED, code, "%s: %s; and dns-01 cannot "
	    "take its place: %s%s", z->name->name, why,
	    z->name->provider == NULL ? "no provider is configured" :
	    "the CA does not offer it", record);
}

/* Is dns-01 to be taken without a look? */
static bool
is_settled(struct authz *z)
{
	const struct acme_challenge *dns01 = authorize_find_challenge(z->got,
	    CHALLENGE_DNS_01);
	const struct cert *c = certs_find(z->op->a.env->certs,
	    z->op->a.conf->name);
	struct error unused;

	if (z->name->provider == NULL || dns01 == NULL)
		return false;
	/* Answered before a restart. */
	if (dns01->status == ACME_PROCESSING) {
		z->type = CHALLENGE_DNS_01;
		z->challenge = dns01;
		return true;
	}
	return c != NULL && c->avoids_persist && authorize_persist_fall_back(
	    z, "the CA refused it the last time", &unused) == 0;
}

static void	look_next(struct authorize_op *);

static void
looked(const struct error *err, const struct persist_look_reply *reply,
    void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;
	char why[1000], at[TEXT_TIME_MAX];
	struct error failed;

	z->look = NULL;
	op->pending--;
	if (err == NULL && reply->verdict.match == PERSIST_RIGHT) {
		event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "%s: its dns-persist-01 record is there%s%s",
		    z->name->name, reply->verdict.until != 0 ?
		    ", good until " : "", reply->verdict.until != 0 ?
		    text_time(reply->verdict.until, at) : "");
	} else {
		if (err == NULL)
			(void)text_printf(why, sizeof(why), "the record at "
			    "%s %s", reply->zone->fqdn, reply->verdict.why);
		else
			(void)text_printf(why, sizeof(why), "%s", err->msg);
		if (authorize_persist_fall_back(z, why, &failed) == -1) {
			if (err != NULL)
				failed.kind = err->kind;
			authorize_name_failed(z, &failed);
			authorize_finish(op, &failed, NULL);
			return;
		}
	}
	look_next(op);
}

static void
look_at(struct authz *z)
{
	struct authorize_op *op = z->op;
	const struct persist_want want = {
		.issuers = (const char *const *)z->challenge->issuers,
		.account = account_uri(z),
		.now = clock_now(),
	};

	op->pending++;
	z->look = persist_look_start(zones_dns(op->a.zones), z->name->name,
	    &want, looked, z);
}

static void
look_next(struct authorize_op *op)
{
	while (op->next_look < op->n_authzs && op->pending < LOOKS_MAX) {
		struct authz *z = &op->authzs[op->next_look++];

		/* One that is processing was answered before a restart. */
		if (z->challenge != NULL && z->type == TYPE &&
		    !is_settled(z) && z->challenge->status == ACME_PENDING)
			look_at(z);
	}
	if (op->pending == 0)
		authorize_plan(op);
}

void
authorize_persist_start(struct authorize_op *op)
{
	op->next_look = 0;
	look_next(op);
}

void
authorize_persist_clear(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		persist_look_cancel(op->authzs[i].look);
		op->authzs[i].look = NULL;
	}
}

void
authorize_persist_remember(struct authorize_op *op)
{
	struct cert *c = certs_find(op->a.env->certs, op->a.conf->name);

	if (c == NULL)
		return;
	c->avoids_persist = false;
	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct authz *z = &op->authzs[i];

		if (z->type == TYPE && z->got != NULL &&
		    z->got->status == ACME_INVALID)
			c->avoids_persist = true;
	}
}
