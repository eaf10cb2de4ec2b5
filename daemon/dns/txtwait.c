/* SPDX-License-Identifier: MIT */
#include "daemon/dns/txtwait.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/dnsq.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/txtwait_priv.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define QUERY_MS 2000
#define PAUSE_MIN_MS 25
#define PAUSE_MAX_MS 5000
#define PAUSE_RESOLVER_MS 250		/* it has a cache: no hurry */
#define PATIENCE_MS 30000
#define FALLBACK_MS 6000		/* no answer from any server */
#define CUT_MS 3000			/* the change is in another zone */
#define CHECK_MS 2000			/* why is one late? */

/* Queries in flight: of one operation, of one server that answers, of one
 * that does not (so that it keeps no others waiting), of the daemon. */
enum { MAX_OP = 64, MAX_HOST = 16, MAX_SILENT = 4, MAX_ALL = 256 };

static void
stop_query(struct tw_target *t)
{
	if (t->query == NULL)
		return;
	dnsq_cancel(t->query);
	t->query = NULL;
	t->host->in_flight--;
	t->op->in_flight--;
	(*dns_in_flight(t->op->dns))--;
}

void
txtwait_cancel(struct txtwait_op *op)
{
	if (op == NULL)
		return;
	for (size_t i = 0; i < op->n_targets; i++) {
		stop_query(op->targets[i]);
		free(op->targets[i]);
	}
	for (size_t i = 0; i < op->n_hosts; i++)
		free(op->hosts[i]);
	for (size_t i = 0; i < op->n_groups; i++) {
		zone_clear(&op->groups[i].zone);
		free(op->groups[i].items);
	}
	for (size_t i = 0; i < op->n_items; i++)
		free(op->items[i].value);
	nscheck_cancel(op->check);
	timer_clear(&op->poll);
	timer_clear(&op->deadline);
	free(op->targets);
	free(op->hosts);
	free(op->groups);
	free(op->items);
	free(op);
}

static void
finish(struct txtwait_op *op, const struct error *err)
{
	struct txtwait_reply reply = { "" };

	if (err == NULL)
		txtwait_note(op, reply.note, sizeof(reply.note));
	op->done(err, err == NULL ? &reply : NULL, op->arg);
	txtwait_cancel(op);
}

/* Whom to ask for what */

static struct tw_host *
find_host(struct txtwait_op *op, const struct dns_server *s, bool is_resolver)
{
	struct tw_host *h;

	for (size_t i = 0; i < op->n_hosts; i++) {
		h = op->hosts[i];
		if (h->is_resolver == is_resolver &&
		    dnsaddr_equal(&h->server, s))
			return h;
	}
	h = xcalloc(1, sizeof(*h));
	h->server = *s;
	h->is_resolver = is_resolver;
	op->hosts = xreallocarray(op->hosts, op->n_hosts + 1,
	    sizeof(struct tw_host *));
	op->hosts[op->n_hosts++] = h;
	return h;
}

static void
add_target(struct txtwait_op *op, size_t group, const struct dns_server *s,
    bool is_resolver, int64_t now)
{
	struct tw_target *t = xcalloc(1, sizeof(*t));

	t->op = op;
	t->group = group;
	t->host = find_host(op, s, is_resolver);
	t->due = now;
	t->since = now;
	(void)text_printf(t->shows, sizeof(t->shows), "gives no reply");
	op->targets = xreallocarray(op->targets, op->n_targets + 1,
	    sizeof(struct tw_target *));
	op->targets[op->n_targets++] = t;
}

/* From now on the resolvers are asked for this name, no one else. */
static void
use_resolvers(struct txtwait_op *op, size_t group, int64_t now)
{
	const struct dns_server *s;
	size_t n;

	for (size_t i = 0; i < op->n_targets; i++) {
		if (op->targets[i]->group == group) {
			stop_query(op->targets[i]);
			op->targets[i]->is_dropped = true;
		}
	}
	op->groups[group].uses_resolvers = true;
	s = dns_resolvers(op->dns, &n);
	for (size_t i = 0; i < n; i++)
		add_target(op, group, &s[i], true, now);
}

static void
add_item(struct txtwait_op *op, const struct txtwait_item *in)
{
	struct tw_item *item = &op->items[op->n_items];
	struct tw_group *g;
	size_t i = 0;

	item->value = xstrdup(in->value);
	item->present = in->present;
	while (i < op->n_groups &&
	    strcmp(op->groups[i].name, in->zone->fqdn) != 0)
		i++;
	g = &op->groups[i];
	if (i == op->n_groups) {
		op->n_groups++;
		(void)text_printf(g->name, sizeof(g->name), "%s",
		    in->zone->fqdn);
		zone_copy(&g->zone, in->zone);
		(void)text_printf(g->changed_zone, sizeof(g->changed_zone),
		    "%s", in->changed_zone != NULL ? in->changed_zone : "");
		(void)text_printf(g->changed_server,
		    sizeof(g->changed_server), "%s",
		    in->changed_server != NULL ? in->changed_server : "");
		g->has_servers = in->zone->n_servers > 0;
		for (size_t k = 0; k < in->zone->n_servers; k++)
			add_target(op, i, &in->zone->servers[k], false,
			    op->began);
		if (!g->has_servers || op->whom == TXTWAIT_RESOLVERS)
			use_resolvers(op, i, op->began);
	}
	g->items = xreallocarray(g->items, g->n_items + 1,
	    sizeof(*g->items));
	g->items[g->n_items++] = op->n_items++;
}

/* Replies */

static int64_t
pause_ms(const struct tw_target *t, int64_t now)
{
	int64_t ms = (now - t->op->began) / 20;
	int64_t least = t->host->is_resolver ? PAUSE_RESOLVER_MS :
	    PAUSE_MIN_MS;

	return ms < least ? least : ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
}

static void
take_unusable(struct tw_target *t, const struct error *err,
    const ldns_pkt *pkt)
{
	char rcode[DNSMSG_RCODE_MAX];

	t->is_usable = false;
	t->is_refused = err != NULL && strcmp(err->code, "dns:refused") == 0;
	t->is_unreachable = err != NULL &&
	    strcmp(err->code, "dns:unreachable") == 0;
	if (t->is_refused)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "gives no reply (nobody listens there)");
	else if (t->is_unreachable)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "gives no reply (no route to it)");
	else if (err != NULL && strcmp(err->code, "dns:timeout") != 0)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "gives no usable reply");
	else if (err != NULL)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "gives no reply");
	else if (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NOERROR ||
	    ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "is not authoritative");
	else
		(void)text_printf(t->shows, sizeof(t->shows), "answers %s",
		    dnsmsg_rcode((unsigned)ldns_pkt_get_rcode(pkt), rcode));
}

/* What it shows, in words, if that is not all that is wanted. */
static void
take_usable(struct tw_target *t, const ldns_pkt *pkt, int64_t now)
{
	const struct tw_group *g = &t->op->groups[t->group];
	size_t n = 0, missing = 0, found = 0, stale = 0;
	bool has;

	for (size_t i = 0; i < g->n_items; i++) {
		const struct tw_item *item = &t->op->items[g->items[i]];

		n = t->op->is_caa ? dnsmsg_caa(pkt, g->name, item->value,
		    &has) : dnsmsg_txt(pkt, g->name, item->value, &has);
		if (item->present && has)
			found++;
		else if (item->present)
			missing++;
		else if (has)
			stale++;
	}
	t->is_usable = true;
	t->is_refused = t->is_unreachable = false;
	t->since = now;
	t->has_agreed = missing == 0 && stale == 0;
	t->op->groups[t->group].was_answered = true;
	if (missing == 0)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "still shows %zu old value%s", stale,
		    stale == 1 ? "" : "s");
	else if (n == 0)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "has no record");
	else if (found > 0)
		(void)text_printf(t->shows, sizeof(t->shows),
		    "shows %zu of %zu values", found, found + missing);
	else
		(void)text_printf(t->shows, sizeof(t->shows),
		    "shows %zu other value%s", n, n == 1 ? "" : "s");
}

static bool
is_usable_reply(const struct tw_target *t, const ldns_pkt *pkt)
{
	if (ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR &&
	    ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NXDOMAIN)
		return false;
	return t->host->is_resolver || ldns_pkt_aa(pkt);
}

static void
query_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct tw_target *t = arg;
	struct txtwait_op *op = t->op;
	int64_t now = clock_mono_ms();

	t->query = NULL;
	t->host->in_flight--;
	op->in_flight--;
	(*dns_in_flight(op->dns))--;
	if (err != NULL && err->kind == ERR_CONFIG) {
		finish(op, err);	/* a name that cannot be asked for */
		return;
	}
	t->host->is_answering = err == NULL;
	t->was_asked = true;
	if (err == NULL && is_usable_reply(t, reply->pkt))
		take_usable(t, reply->pkt, now);
	else
		take_unusable(t, err, err == NULL ? reply->pkt : NULL);
	t->due = now + pause_ms(t, now);
	/* One look for all the replies of this turn. */
	timer_set(&op->poll, 0);
}

/* Decisions */

bool
txtwait_is_dead(const struct tw_target *t, int64_t now)
{
	if (t->is_usable || t->has_agreed)
		return false;
	return t->is_unreachable || now - t->since >= t->op->patience_ms;
}

/*
 * One look at everything.  False if some name still has to wait: a server
 * that counts does not agree, or none agrees yet.
 */
static bool
review(struct txtwait_op *op, int64_t now)
{
	for (size_t i = 0; i < op->n_groups; i++) {
		op->groups[i].any_agrees = op->groups[i].any_pends = false;
		op->groups[i].any_hope = false;
	}
	for (size_t i = 0; i < op->n_targets; i++) {
		const struct tw_target *t = op->targets[i];
		struct tw_group *g = &op->groups[t->group];

		if (t->is_dropped)
			continue;
		if (t->has_agreed)
			g->any_agrees = true;
		else if (!txtwait_is_dead(t, now))
			g->any_pends = true;
		if (!t->is_refused && !t->is_unreachable)
			g->any_hope = true;
	}
	for (size_t i = 0; i < op->n_groups; i++) {
		if (op->groups[i].any_pends || !op->groups[i].any_agrees)
			return false;
	}
	return true;
}

/* Where no server has ever answered, or can, the resolvers take over. */
static void
fall_back(struct txtwait_op *op, int64_t now)
{
	for (size_t i = 0; i < op->n_groups; i++) {
		const struct tw_group *g = &op->groups[i];

		if (!g->uses_resolvers && !g->was_answered &&
		    (!g->any_hope || now - op->began >= op->fallback_ms))
			use_resolvers(op, i, now);
	}
}

/* Queries */

static bool
may_ask(const struct txtwait_op *op, const struct tw_target *t, int64_t now)
{
	if (t->is_dropped || t->has_agreed || t->query != NULL ||
	    t->due > now)
		return false;
	/* An operation that has one in flight will come here again. */
	if (op->in_flight >= MAX_OP ||
	    (*dns_in_flight(op->dns) >= MAX_ALL && op->in_flight > 0))
		return false;
	return t->host->in_flight <
	    (t->host->is_answering ? MAX_HOST : MAX_SILENT);
}

static void
ask_due(struct txtwait_op *op, int64_t now)
{
	size_t first = op->cursor;

	for (size_t k = 0; k < op->n_targets; k++) {
		size_t i = (first + k) % op->n_targets;
		struct tw_target *t = op->targets[i];
		struct dnsq_args a = { .server = &t->host->server,
		    .name = op->groups[t->group].name,
		    .type = op->is_caa ? LDNS_RR_TYPE_CAA : LDNS_RR_TYPE_TXT,
		    .rd = t->host->is_resolver,
		    .timeout_ms = QUERY_MS };

		if (!may_ask(op, t, now))
			continue;
		t->host->in_flight++;
		op->in_flight++;
		(*dns_in_flight(op->dns))++;
		t->query = dnsq_start(dns_loop(op->dns), &a, query_done, t);
		op->cursor = i + 1;
	}
}

static void
earliest(int64_t *at, int64_t when, int64_t now)
{
	if (when > now && when < *at)
		*at = when;
}

/* Wake up when the next thing can happen that no reply brings about. */
static void
arm(struct txtwait_op *op, int64_t now)
{
	int64_t at = now + PAUSE_MAX_MS;

	earliest(&at, op->began + op->fallback_ms, now);
	earliest(&at, op->began + CUT_MS, now);
	earliest(&at, op->told_at + TW_PROGRESS_MS, now);
	for (size_t i = 0; i < op->n_targets; i++) {
		const struct tw_target *t = op->targets[i];

		if (t->is_dropped || t->has_agreed)
			continue;
		earliest(&at, t->since + op->patience_ms, now);
		if (t->query == NULL)
			earliest(&at, t->due, now);
	}
	timer_set(&op->poll, at - now);
}

/* The servers agree.  True if the resolvers are to be asked as well. */
static bool
go_on(struct txtwait_op *op, int64_t now)
{
	bool any = false;

	if (op->whom != TXTWAIT_BOTH || op->is_second)
		return false;
	txtwait_note(op, op->first_note, sizeof(op->first_note));
	op->is_second = true;
	for (size_t i = 0; i < op->n_groups; i++) {
		if (op->groups[i].uses_resolvers)
			continue;	/* they were asked already */
		use_resolvers(op, i, now);
		any = true;
	}
	return any;
}

/* Above a delegation nobody will ever see it: there is nothing to wait for. */
static bool
give_up_cut(struct txtwait_op *op, int64_t now)
{
	struct error err;

	for (size_t i = 0; i < op->n_groups; i++) {
		const struct tw_group *g = &op->groups[i];

		if (!txtwait_is_cut(g) || g->any_agrees ||
		    now - op->began < CUT_MS)
			continue;
		txtwait_explain_cut(g, &err);
		finish(op, &err);
		return true;
	}
	return false;
}

static void
poll_cb(void *arg)
{
	struct txtwait_op *op = arg;
	int64_t now = clock_mono_ms();

	if (review(op, now) && !go_on(op, now)) {
		finish(op, NULL);
		return;
	}
	if (give_up_cut(op, now))
		return;
	fall_back(op, now);
	ask_due(op, now);
	txtwait_tell(op, now);
	arm(op, now);
}

static void
checked(const struct nscheck_reply *reply, void *arg)
{
	struct txtwait_op *op = arg;
	struct error err;

	op->check = NULL;
	txtwait_explain(op, reply, &err);
	finish(op, &err);
}

/* Time is up.  Before that is told: who has which version of the zone? */
static void
deadline_cb(void *arg)
{
	struct txtwait_op *op = arg;
	size_t n_more;
	const struct tw_group *late = txtwait_late(op, &n_more);
	struct error err;

	if (late != NULL && txtwait_is_cut(late)) {
		txtwait_explain_cut(late, &err);
		finish(op, &err);
		return;
	}
	timer_clear(&op->poll);
	for (size_t i = 0; i < op->n_targets; i++)
		stop_query(op->targets[i]);
	if (late != NULL && late->zone.n_servers > 1 &&
	    late->zone.apex[0] != '\0' && !late->uses_resolvers) {
		op->check = nscheck_start(op->dns, &late->zone, CHECK_MS,
		    checked, op);
		return;
	}
	txtwait_explain(op, NULL, &err);
	finish(op, &err);
}

struct txtwait_op *
txtwait_start(struct dns *dns, const struct txtwait_args *a,
    txtwait_done_cb *done, void *arg)
{
	struct txtwait_op *op = xcalloc(1, sizeof(*op));
	unsigned patience = a->patience_ms > 0 ? a->patience_ms : PATIENCE_MS;

	if (patience > a->timeout_ms / 2)
		patience = a->timeout_ms / 2;
	op->dns = dns;
	op->done = done;
	op->arg = arg;
	op->whom = a->whom;
	op->is_caa = a->is_caa;
	op->progress = a->progress;
	op->began = clock_mono_ms();
	op->told_at = op->began - TW_PROGRESS_MS;
	op->timeout_ms = a->timeout_ms;
	op->patience_ms = patience;
	op->fallback_ms = patience < FALLBACK_MS ? patience : FALLBACK_MS;
	timer_init(&op->poll, dns_loop(dns), poll_cb, op);
	timer_init(&op->deadline, dns_loop(dns), deadline_cb, op);
	op->items = xcalloc(a->n_items + 1, sizeof(*op->items));
	op->groups = xcalloc(a->n_items + 1, sizeof(*op->groups));
	for (size_t i = 0; i < a->n_items; i++)
		add_item(op, &a->items[i]);
	timer_set(&op->poll, 0);
	timer_set(&op->deadline, a->timeout_ms);
	return op;
}
