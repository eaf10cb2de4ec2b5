/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define ADD_TIMEOUT_MS	60000
#define SEE_TIMEOUT_MS	120000
#define GONE_TIMEOUT_MS	30000
#define ROOM_TIMEOUT_MS	30000
#define ROOM_POLL_MS	500

/* As long as a real value, and made of the same letters: some vendors look. */
#define VALUE_LEN	43
_Static_assert(VALUE_LEN + 1 == ACME_TXT_SIZE, "VALUE_LEN");
#define VALUE_HEAD	CLEANUP_PROBE_HEAD

/*
 * A TXT value on its way through the provider.  It has a row in the journal
 * like any other, so that it is removed whatever becomes of us.
 */
struct probe {
	struct pf_check	*check;
	const struct conf_provider *provider;
	const struct zone *zone;
	struct txtrec	*txt;		/* ours; NULL: not yet, or not more */
	struct txtrec	*going;		/* given up; tells when it is gone */
	struct store_sync_op *sync;
	struct provider_run_op *run;
	struct txtwait_op *wait;
	struct nscheck_op *nscheck;
	struct timer	 timer;		/* for room; then for its removal */
	int64_t		 room_by;	/* monotonic ms */
	char		 note[512];	/* of txtwait */
	char		 doubt[600];	/* not shown, but that is no proof */
	struct error	 err;		/* what failed; told when it is gone */
};

void
pf_probe_cancel(struct probe *p)
{
	if (p == NULL)
		return;
	timer_clear(&p->timer);
	store_sync_cancel(p->sync);
	provider_run_cancel(p->run);
	txtwait_cancel(p->wait);
	nscheck_cancel(p->nscheck);
	if (p->going != NULL)
		txtrec_untell(p->going);
	if (p->txt != NULL)
		txtrec_remove(p->txt);
	free(p);
}

static const char *
what_to_do(const struct error *err)
{
	if (strcmp(err->code, "provider:no-zone") == 0)
		return "see which zones these credentials may change; set "
		    "alias_provider if the zone is at another provider";
	if (strcmp(err->code, "dns:zone-cut") == 0)
		return "set alias_provider, or a name's own provider, to one "
		    "that has that zone";
	if (strcmp(err->code, "dns:too-many") == 0)
		return "remove the old TXT records of that name, which other "
		    "clients have left";
	if (strcmp(err->code, "dns:stale") == 0)
		return "check that the zone's servers receive the provider's "
		    "changes; a slow provider needs a longer "
		    "propagation_timeout";
	switch (err->kind) {
	case ERR_TRANSIENT:
	case ERR_RATELIMIT:
		return "try again later; see that this machine reaches the "
		    "provider";
	case ERR_INTERNAL:
		return "see this machine: its disk, memory and descriptors";
	case ERR_NONE:
	case ERR_REJECTED:
	case ERR_CONFIG:
	case ERR_KIND_END:
		break;
	}
	return "see the provider's credentials, and what they allow; "
	    "acmectl providers TYPE tells what is needed";
}

static void	give_up(struct probe *, const struct error *);

/* The value is gone, or not yet (still_err). */
static void
conclude(struct probe *p, const struct error *still_err)
{
	struct pf_check *c = p->check;
	const char *fqdn = p->zone->fqdn, *by = p->provider->name;
	bool stays = p->provider->type->cannot_remove;

	timer_clear(&p->timer);
	if (p->err.kind != ERR_NONE)
		pf_tell(c, PF_FAIL, what_to_do(&p->err), "%s: %s", fqdn,
		    p->err.msg);
	else if (still_err != NULL)
		pf_tell(c, PF_WARN, "acmed tries on; see: acmectl status",
		    "a TXT value was added at %s through provider \"%s\", but "
		    "is not removed yet: %s", fqdn, by, still_err->msg);
	else if (p->doubt[0] != '\0')
		pf_tell(c, PF_WARN, "a renewal waits for propagation_timeout",
		    "provider \"%s\" took a TXT value for %s, but it was not "
		    "seen: %s", by, fqdn, p->doubt);
	else
		pf_tell(c, p->note[0] != '\0' ? PF_WARN : PF_OK, NULL,
		    "a TXT value was added at %s through provider \"%s\"%s%s"
		    "%s%s", fqdn, by, c->pc->cc->propagation ==
		    PROPAGATION_NONE ? "" : ", seen", stays ?
		    "; it stays until another takes its place" :
		    " and removed", p->note[0] != '\0' ? "; " : "", p->note);
}

static void
gone(const struct error *err, void *arg)
{
	struct probe *p = arg;

	p->going = NULL;
	conclude(p, err);
}

static void
slow_cb(void *arg)
{
	struct probe *p = arg;
	struct error err;

	txtrec_untell(p->going);
	p->going = NULL;
	(void)error_set(&err, ERR_TRANSIENT, "dns:stale", "it is not seen "
	    "gone after %d s", GONE_TIMEOUT_MS / 1000);
	conclude(p, &err);
}

/*
 * Nothing was seen in the time that a check takes.  If servers are behind the
 * one that took the change, a renewal would wait in vain.
 */
static void
serials_seen(const struct nscheck_reply *reply, void *arg)
{
	struct probe *p = arg;
	char label[DNSADDR_LABEL_MAX];

	p->nscheck = NULL;
	for (size_t i = 0; i < reply->n_servers; i++) {
		const struct nscheck_server *s = &reply->servers[i];

		if (!s->is_behind)
			continue;
		(void)error_set(&p->err, ERR_TRANSIENT, "dns:stale", "%s; %s "
		    "still shows serial %lu of zone %s, the newest is %lu: "
		    "the change does not reach it", p->doubt,
		    dnsaddr_label(s->server, label),
		    (unsigned long)s->serial, p->zone->apex,
		    (unsigned long)reply->newest);
		break;
	}
	give_up(p, NULL);
}

static void
give_up(struct probe *p, const struct error *err)
{
	struct loop *loop = p->check->pc->pf->env->loop;

	if (err != NULL)
		p->err = *err;
	p->going = p->txt;
	p->txt = NULL;
	timer_init(&p->timer, loop, slow_cb, p);
	timer_set(&p->timer, GONE_TIMEOUT_MS);
	txtrec_remove_and_tell(p->going, gone, p);
}

static unsigned
see_timeout(const struct conf_cert *cc)
{
	return cc->propagation_timeout_s * 1000 > SEE_TIMEOUT_MS ?
	    SEE_TIMEOUT_MS : (unsigned)cc->propagation_timeout_s * 1000;
}

static void
shown(const struct error *err, const struct txtwait_reply *reply, void *arg)
{
	struct probe *p = arg;
	bool is_short = see_timeout(p->check->pc->cc) == SEE_TIMEOUT_MS;

	p->wait = NULL;
	if (err == NULL) {
		memcpy(p->note, reply->note, sizeof(p->note));
	} else if (is_short && strcmp(err->code, "dns:stale") == 0) {
		/* A renewal would have waited longer. */
		(void)text_printf(p->doubt, sizeof(p->doubt), "%s", err->msg);
		p->nscheck = nscheck_start(zones_dns(p->check->pc->zones),
		    p->zone, PREFLIGHT_TIMEOUT_MS / 3, serials_seen, p);
		return;
	}
	give_up(p, err);
}

static void
progress(const char *line, void *arg)
{
	struct probe *p = arg;

	pf_wait(p->check, line);
}

static void
added(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct probe *p = arg;
	const struct conf_cert *cc = p->check->pc->cc;
	struct txtwait_item item = { .zone = p->zone, .present = true,
	    .changed_zone = err == NULL ? reply->zone : NULL,
	    .changed_server = err == NULL ? reply->server : NULL };
	struct txtwait_args args = {
		.items = &item,
		.n_items = 1,
		.whom = cc->propagation == PROPAGATION_RESOLVERS ?
		    TXTWAIT_RESOLVERS : TXTWAIT_AUTHORITATIVE,
		.timeout_ms = see_timeout(cc),
		.patience_ms = PREFLIGHT_TIMEOUT_MS / 3,
		.progress = progress,
	};

	p->run = NULL;
	if (err != NULL) {
		if (reply != NULL && reply->handles[0][0] != '\0')
			txtrec_set_handle(p->txt, reply->handles[0]);
		if (reply != NULL && reply->is_undone)
			txtrec_set_refused(p->txt);
		give_up(p, err);
		return;
	}
	txtrec_set_added(p->txt, reply->handles[0]);
	if (cc->propagation == PROPAGATION_NONE) {
		give_up(p, NULL);
		return;
	}
	item.value = txtrec_value(p->txt);
	p->wait = txtwait_start(zones_dns(p->check->pc->zones), &args, shown,
	    p);
}

static void
journaled(const struct error *err, void *arg)
{
	struct probe *p = arg;
	struct pf_cert *pc = p->check->pc;
	const char *value = txtrec_value(p->txt);
	const char *handle = txtrec_handle(p->txt);
	struct provider_run_args args = {
		.provider = p->provider,
		.is_add = true,
		.cert = pc->cc->name,
		.identifier = dname_base(p->check->name->name),
		.fqdn = p->zone->fqdn,
		.zone = p->zone->apex,
		.values = &value,
		.handles = &handle,
		.n_values = 1,
		.timeout_ms = ADD_TIMEOUT_MS,
	};

	p->sync = NULL;
	if (err != NULL)
		give_up(p, err);
	else
		p->run = provider_run_start(pc->pf->env->providers, &args,
		    added,
		    p);
}

/* Where the provider holds few values, those of a run under way go first. */
static void
room_cb(void *arg)
{
	struct probe *p = arg;
	struct pf_cert *pc = p->check->pc;
	const struct preflight_env *env = pc->pf->env;
	const struct provider *type = p->provider->type;
	char value[VALUE_LEN + 1], *text = NULL;
	const char *other = NULL;

	if (type->max_values > 0 && cleanup_count_others(env->cleanup, NULL,
	    p->provider->name, type->shares_values ? p->zone->apex :
	    p->zone->fqdn, type->shares_values, &other) + 1 >
	    type->max_values) {
		if (clock_mono_ms() < p->room_by)
			timer_set(&p->timer, ROOM_POLL_MS);
		else
			pf_tell(p->check, PF_WARN, "check again when it is "
			    "done", "%s is not tried: certificate \"%s\" has "
			    "its TXT value there, and provider \"%s\" holds "
			    "no more than %u", p->zone->fqdn, other,
			    p->provider->name, type->max_values);
		return;
	}
	if (type->wants_key_auth != NULL &&
	    type->wants_key_auth(p->provider->values)) {
		char token[VALUE_LEN + 1];

		pf_random_value(VALUE_HEAD, token, sizeof(token));
		text = xasprintf("%s.of-acmectl-check", token);
		acme_dns01_value_of(text, value);
	} else {
		pf_random_value(VALUE_HEAD, value, sizeof(value));
	}
	p->txt = cleanup_acquire(env->cleanup, pc->cc->name, p->provider->name,
	    dname_base(p->check->name->name), p->zone, value);
	if (text != NULL)
		txtrec_set_handle(p->txt, text);
	free(text);
	txtrec_set_probe(p->txt);
	txtrec_set_conf(p->txt, pc->pf->conf);
	p->sync = store_sync_start(env->store, journaled, p);
}

static void
probe_check(struct pf_check *c)
{
	struct probe *p = xcalloc(1, sizeof(*p));

	p->check = c;
	p->zone = c->zone;
	p->provider = zones_provider(c->pc->zones, c->name->name);
	p->room_by = clock_mono_ms() + ROOM_TIMEOUT_MS;
	timer_init(&p->timer, c->pc->pf->env->loop, room_cb, p);
	c->probe = p;
	room_cb(p);
}

/* Has another name the same record, through the same provider? */
static bool
is_planned(const struct pf_cert *pc, const struct conf_name *name,
    const struct zone *zone)
{
	const struct pf_check *c;

	TAILQ_FOREACH(c, &pc->checks, link) {
		if (c->is_probe && strcmp(c->zone->fqdn, zone->fqdn) == 0 &&
		    zones_provider(pc->zones, c->name->name) ==
		    zones_provider(pc->zones, name->name))
			return true;
	}
	return false;
}

void
pf_probe_plan(struct pf_cert *pc, const struct conf_name *name)
{
	struct error ignored;
	const struct zone *zone = zones_get(pc->zones, name->name, &ignored);
	struct pf_check *c;

	/* That there is no zone is told already. */
	if (zone == NULL || is_planned(pc, name, zone))
		return;
	c = pf_check_add(pc, name, "probe", probe_check);
	c->zone = zone;
	c->is_probe = true;
}
