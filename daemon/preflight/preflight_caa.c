/* SPDX-License-Identifier: MIT */
/*
 * preflight_caa - may the CA issue (RFC 8659)?  And the record that lets no
 * other account do so (RFC 8657): named in a hint, or written through the
 * name's provider, which takes nothing away: what others have there stays.
 */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/caa.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zones.h"
#include "providers/provider.h"

#define ADD_TIMEOUT_MS	60000
#define SEE_TIMEOUT_MS	120000
#define TURN_MS		50	/* until the one before it is done */

/* A record on its way. */
struct pf_caa {
	struct pf_check	*check;
	const struct conf_provider *provider;
	char		 at[DNAME_SIZE];
	struct caa_own	 own;
	bool		 is_first;	/* there is no CAA record yet */
	struct zone_op	*finding;
	struct zone	 zone;
	struct provider_run_op *run;
	struct txtwait_op *wait;
};

void
pf_caa_cancel(struct pf_caa *x)
{
	if (x == NULL)
		return;
	zone_cancel(x->finding);
	provider_run_cancel(x->run);
	txtwait_cancel(x->wait);
	zone_clear(&x->zone);
	free(x);
}

/* --- is it told already? --- */

static bool
is_planned(const struct pf_cert *pc, const char *record)
{
	for (char **s = pc->records; s != NULL && *s != NULL; s++) {
		if (strcmp(*s, record) == 0)
			return true;
	}
	return false;
}

static void
plan_record(struct pf_cert *pc, const char *record)
{
	size_t n = 0;

	while (pc->records != NULL && pc->records[n] != NULL)
		n++;
	pc->records = xreallocarray(pc->records, n + 2,
	    sizeof(*pc->records));
	pc->records[n] = xstrdup(record);
	pc->records[n + 1] = NULL;
}

/* --- writing it --- */

static void
publish(struct pf_check *c, const char *why, const char *record)
{
	char *fix = xasprintf("publish by hand: %s", record);

	pf_tell(c, PF_FAIL, fix, "%s", why);
	free(fix);
}

/* What makes it useless stays, and is told. */
static void
tell_added(struct pf_caa *x, const char *note)
{
	struct pf_check *c = x->check;
	char *fix = NULL;

	if (x->own.wide[0] != '\0')
		fix = xasprintf("as long as \"%s\" stays at %s, every account "
		    "of that CA may issue: remove that record", x->own.wide,
		    x->at);
	pf_tell(c, fix != NULL || note[0] != '\0' ? PF_WARN : PF_OK, fix,
	    "added through provider \"%s\", and seen%s%s: %s",
	    x->provider->name, note[0] != '\0' ? "; " : "", note, c->record);
	free(fix);
}

static void
seen(const struct error *err, const struct txtwait_reply *reply, void *arg)
{
	struct pf_caa *x = arg;

	x->wait = NULL;
	if (err != NULL)
		pf_tell(x->check, PF_WARN, "look again later: acmectl check "
		    "--write-caa", "added through provider \"%s\", but not "
		    "seen: %s", x->provider->name, err->msg);
	else
		tell_added(x, reply->note);
}

static void
progress(const char *line, void *arg)
{
	struct pf_caa *x = arg;

	pf_wait(x->check, line);
}

static void
added(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct pf_caa *x = arg;
	struct txtwait_item item = { .zone = &x->zone,
	    .value = x->own.content, .present = true,
	    .changed_zone = err == NULL ? reply->zone : NULL,
	    .changed_server = err == NULL ? reply->server : NULL };
	struct txtwait_args args = { .is_caa = true, .items = &item,
	    .n_items = 1, .whom = TXTWAIT_AUTHORITATIVE,
	    .timeout_ms = SEE_TIMEOUT_MS,
	    .patience_ms = PREFLIGHT_TIMEOUT_MS / 3, .progress = progress };

	x->run = NULL;
	if (err != NULL) {
		publish(x->check, err->msg, x->check->record);
		free(x->check->record);
		x->check->record = NULL;
		return;
	}
	x->wait = txtwait_start(zones_dns(x->check->pc->zones), &args, seen,
	    x);
}

static void
write_record(struct pf_caa *x)
{
	const char *value = x->own.content;
	struct provider_run_args args = {
		.provider = x->provider,
		.is_add = true,
		.is_caa = true,
		.cert = x->check->pc->cc->name,
		.identifier = x->at,
		.fqdn = x->at,
		.zone = x->zone.apex,
		.values = &value,
		.n_values = 1,
		.timeout_ms = ADD_TIMEOUT_MS,
	};

	x->run = provider_run_start(x->check->pc->pf->env->providers, &args,
	    added, x);
}

static void
show_record(struct pf_caa *x)
{
	struct pf_check *c = x->check;
	char *fix = NULL;

	if (x->own.wide[0] != '\0')
		fix = xasprintf("as long as \"%s\" stays there, every account "
		    "of that CA may issue: remove that record", x->own.wide);
	pf_tell(c, fix != NULL ? PF_WARN : PF_OK, fix, "to be added through "
	    "provider \"%s\"%s%s%s: %s", x->provider->name, x->is_first ?
	    "; with it no other CA may issue for " : "; the other CAA records "
	    "of ", x->at, x->is_first ? " and the names below it that have no "
	    "CAA records of their own" : " stay", c->record);
	free(fix);
}

static void
found(const struct error *err, const struct zone *zone, void *arg)
{
	struct pf_caa *x = arg;
	struct pf_check *c = x->check;

	x->finding = NULL;
	if (err != NULL) {
		publish(c, err->msg, c->record);
	} else if (zone->n_aliases > 0) {
		pf_tell(c, PF_FAIL, "a CA asks there: publish it at that "
		    "name, or one above both", "%s is an alias (CNAME) of %s, "
		    "beside which no CAA record can be", x->at, zone->fqdn);
	} else {
		zone_copy(&x->zone, zone);
		if (c->pc->pf->caa == PREFLIGHT_CAA_WRITE)
			write_record(x);
		else
			show_record(x);
		return;
	}
	free(c->record);
	c->record = NULL;
}

static void
own_begin(struct pf_check *c, const struct caa_reply *reply)
{
	const struct conf_provider *p = c->name->provider;
	char *record = xasprintf("%s. CAA %s", reply->own_at,
	    reply->own.content), *why = NULL;
	struct pf_caa *x;

	if (p == NULL)
		why = xstrdup("no provider is configured for this name that "
		    "could write the record");
	else if (!p->type->takes_caa)
		why = xasprintf("acmed cannot write CAA records through "
		    "provider \"%s\" (%s)", p->name, p->type->name);
	if (is_planned(c->pc, record)) {
		pf_tell(c, PF_OK, NULL, "the record above is for this name as "
		    "well");
	} else if (why != NULL) {
		publish(c, why, record);
	} else {
		x = xcalloc(1, sizeof(*x));
		c->caa_own = x;
		x->check = c;
		x->provider = p;
		x->own = reply->own;
		x->is_first = reply->at[0] == '\0';
		(void)text_printf(x->at, sizeof(x->at), "%s", reply->own_at);
		plan_record(c->pc, record);
		c->record = xstrdup(record);
		x->finding = zone_start(zones_dns(c->pc->zones), x->at,
		    PREFLIGHT_TIMEOUT_MS, found, x);
	}
	free(why);
	free(record);
}

static void
own_judged(struct pf_check *c, const struct caa_reply *reply)
{
	const struct caa_own *own = &reply->own;
	char *fix;

	/* A property that no CA knows: no record of ours helps. */
	if (!reply->is_allowed && strncmp(reply->refusal.why, "the critical",
	    12) == 0) {
		pf_tell(c, PF_FAIL, reply->refusal.fix, "%s",
		    reply->refusal.why);
	} else if (c->ca->kid == NULL) {
		fix = xasprintf("acmectl account register %s",
		    c->ca->account->name);
		pf_tell(c, PF_FAIL, fix, "account \"%s\" is not registered "
		    "yet, and a record has to name its URL",
		    c->ca->account->name);
		free(fix);
	} else if (own->is_there && own->wide[0] != '\0') {
		pf_tell(c, PF_WARN, "remove that record, if no other account "
		    "of yours needs it", "the record of this account is at %s "
		    "already, but \"%s\" lets every account of that CA issue",
		    reply->own_at, own->wide);
	} else if (own->is_there) {
		pf_tell(c, PF_OK, NULL, "nothing to do: the CAA records of %s "
		    "let %s issue for this account, and for no other that "
		    "they do not name", reply->own_at, c->ca->identities[0]);
	} else {
		own_begin(c, reply);
	}
}

/* --- may it issue? --- */

static void
judged(const struct error *err, const struct caa_reply *reply, void *arg)
{
	struct pf_check *c = arg;
	const char *ca = c->ca->identities[0];
	char *hint = NULL;

	c->caa = NULL;
	if (err == NULL && c->pc->pf->caa != PREFLIGHT_CAA_HINT) {
		own_judged(c, reply);
		return;
	}
	/* Where there are several CAs, it would keep the others out. */
	if (err == NULL && reply->narrow[0] != '\0' &&
	    conf_n_issuers(c->pc->cc) == 1)
		hint = xasprintf("to let only this account of the CA issue "
		    "(RFC 8657), run acmectl check --write-caa, or publish %s",
		    reply->narrow);
	if (err != NULL)
		pf_tell(c, PF_FAIL, "fix the zone: a CA that gets no answer "
		    "to its question for CAA refuses", "CAA: %s", err->msg);
	else if (!reply->is_allowed)
		pf_tell(c, PF_FAIL, reply->refusal.fix, "%s",
		    reply->refusal.why);
	else if (reply->at[0] == '\0')
		pf_tell(c, PF_OK, hint, "no CAA records: every CA may issue");
	else
		pf_tell(c, PF_OK, hint, "the CAA records of %s let %s issue",
		    reply->at, ca);
	free(hint);
}

/* Of one certificate one after the other: names may have one record. */
static bool
is_its_turn(const struct pf_check *c)
{
	const struct pf_check *one;

	TAILQ_FOREACH(one, &c->pc->checks, link) {
		if (one == c)
			return true;
		if (!one->is_done && strcmp(one->what, c->what) == 0)
			return false;
	}
	return true;
}

static void
caa_check(struct pf_check *c)
{
	const struct pf_ca *ca = c->ca;
	struct caa_args args = {
		.name = c->name->name,
		.identities = (const char *const *)ca->identities,
		.account = ca->kid != NULL ? ca->kid : "",
		.method = challenge_type_name(c->name->challenge),
		.methods = ca->methods,
		.timeout_ms = PREFLIGHT_TIMEOUT_MS,
	};

	if (ca->err.kind != ERR_NONE)
		pf_tell(c, PF_WARN, NULL, "CAA is not looked at: the CA does "
		    "not answer");
	else if (ca->identities[0] == NULL)
		pf_tell(c, PF_OK, NULL, "CAA is not looked at: the CA does "
		    "not say what CAA records name it (caaIdentities)");
	else if (c->pc->pf->caa != PREFLIGHT_CAA_HINT && !is_its_turn(c))
		timer_set(&c->again, TURN_MS);
	else
		c->caa = caa_start(zones_dns(c->pc->zones), &args, judged, c);
}

void
pf_caa_plan(struct pf_cert *pc, const struct conf_name *name)
{
	for (unsigned i = 0; i < conf_n_issuers(pc->cc); i++)
		pf_check_add(pc, name, "caa", caa_check)->ca = pc->cas[i];
}
