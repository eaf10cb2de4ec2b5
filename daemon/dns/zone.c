/* SPDX-License-Identifier: MIT */
#include "daemon/dns/zone.h"

#include <stdbool.h>
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
#include "daemon/dns/resolver.h"
#include "daemon/dns/server.h"
#include "daemon/dns/zone_servers.h"
#include "daemon/io/loop.h"

enum { MAX_CNAMES = 8, MAX_CUTS = 4, MAX_PROBES = 4 };

#define PROBE_MS 3000
#define TOLD_MS 6000			/* of what can be done without */

struct zone_op;

/* The question for a CNAME, to one authoritative server. */
struct probe {
	struct zone_op	*op;
	struct dnsq_op	*query;
};

struct zone_op {
	struct dns	*dns;
	zone_done_cb	*done;
	void		*arg;
	int64_t		 deadline;	/* monotonic ms */
	struct zone	 zone;
	char		 at[DNAME_SIZE];	/* asked for its SOA */
	char		 home[DNAME_SIZE];	/* the first apex found */
	unsigned	 n_cnames, n_cuts;
	bool		 is_exact;

	/* Is the alias a wildcard's?  Then a sibling has it, too. */
	char		 sibling[DNAME_SIZE];
	char		 target[DNAME_SIZE];
	struct resolver_op *sibling_query;
	struct dnsq_op	*sibling_probe;

	/* The zone or server that was told. */
	struct server_op *server;
	struct dnsq_op	*check;		/* is the server there? */
	struct error	 err;		/* of the resolvers, while that runs */

	struct resolver_op *soa;
	struct resolver_op *ns;
	struct timer	 failed;	/* tells err from the loop */
	struct resolver_op *cname;	/* where no server can be asked */
	struct probe	 probes[MAX_PROBES];
	size_t		 n_probing;

	char		 names[ZONE_NS_MAX][DNAME_SIZE];
	size_t		 n_names;
	struct zone_servers_op *servers;
};

void
zone_clear(struct zone *z)
{
	free(z->servers);
	free(z->aliases);
	memset(z, 0, sizeof(*z));
}

void
zone_copy(struct zone *to, const struct zone *from)
{
	*to = *from;
	to->servers = NULL;
	to->aliases = NULL;
	if (from->n_servers > 0)
		to->servers = xmemdup(from->servers,
		    from->n_servers * sizeof(*from->servers));
	if (from->n_aliases > 0)
		to->aliases = xmemdup(from->aliases,
		    from->n_aliases * sizeof(*from->aliases));
}

void
zone_cancel(struct zone_op *op)
{
	if (op == NULL)
		return;
	resolver_cancel(op->cname);
	resolver_cancel(op->sibling_query);
	dnsq_cancel(op->sibling_probe);
	server_cancel(op->server);
	dnsq_cancel(op->check);
	timer_clear(&op->failed);
	resolver_cancel(op->soa);
	resolver_cancel(op->ns);
	for (size_t i = 0; i < MAX_PROBES; i++)
		dnsq_cancel(op->probes[i].query);
	zone_servers_cancel(op->servers);
	zone_clear(&op->zone);
	free(op);
}

static void
finish(struct zone_op *op, const struct error *err)
{
	op->zone.is_elsewhere = strcmp(op->home, op->zone.apex) != 0;
	op->done(err, err == NULL ? &op->zone : NULL, op->arg);
	zone_cancel(op);
}

/* For the next question to the resolvers. */
static unsigned
time_left(const struct zone_op *op)
{
	int64_t left = op->deadline - clock_mono_ms();
	const struct dns_told *told = dns_told(op->dns, op->zone.fqdn);

	/* A silent resolver must leave time to go on without it. */
	if (told != NULL && told->apex[0] != '\0' && left > TOLD_MS)
		left = TOLD_MS;
	return left > 0 ? (unsigned)left : 0;
}

static struct resolver_op *
ask(struct zone_op *op, const char *name, unsigned type,
    resolver_done_cb *done, void *arg)
{
	return resolver_start(op->dns, name, type, time_left(op), done, arg);
}

/* Addresses */

static void	probe(struct zone_op *);

static void
set_servers(struct zone *z, const struct dns_server *list, size_t n)
{
	free(z->servers);
	z->servers = n > 0 ? xmemdup(list, n * sizeof(*list)) : NULL;
	z->n_servers = n;
}

static void
servers_known(const struct dns_server *list, size_t n, void *arg)
{
	struct zone_op *op = arg;

	op->servers = NULL;
	set_servers(&op->zone, list, n);
	probe(op);
}

/* The resolvers may name none: then the server that the configuration names. */
static void
look_up(struct zone_op *op)
{
	const struct dns_told *told = dns_told(op->dns, op->zone.fqdn);
	struct zone_servers_args args = {
		.names = (const char (*)[DNAME_SIZE])op->names,
		.n_names = op->n_names,
		.timeout_ms = time_left(op),
		.told = op->zone.is_told && told != NULL ? told->server : NULL,
		.told_timeout_ms = TOLD_MS,
	};

	if (args.n_names == 0 && args.told == NULL)
		probe(op);
	else
		op->servers = zone_servers_start(op->dns, &args,
		    servers_known, op);
}

static void
ns_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->ns = NULL;
	if (err != NULL && !op->zone.is_told) {
		finish(op, err);
		return;
	}
	op->n_names = err != NULL ? 0 :
	    dnsmsg_ns(pkt, op->zone.apex, op->names, ZONE_NS_MAX);
	look_up(op);
}

/* The zone */

static void	soa_done(const struct error *, const ldns_pkt *, void *);

/*
 * The zone of the name above is looked for: were the resolvers asked for the
 * name itself, they would remember that it does not exist, and the CA may be
 * asking the same ones a moment later.
 */
static void
begin(struct zone_op *op)
{
	const char *up = dname_parent(op->zone.fqdn);

	if (up == NULL || strchr(up, '.') == NULL)
		up = op->zone.fqdn;
	op->zone.apex[0] = '\0';
	op->zone.is_told = false;
	op->zone.n_servers = 0;
	op->n_cuts = 0;
	(void)text_printf(op->at, sizeof(op->at), "%s", up);
	op->soa = ask(op, op->at, LDNS_RR_TYPE_SOA, soa_done, op);
}

/* The name is an alias of target. */
static void
follow(struct zone_op *op, const char *target)
{
	struct error err;

	if (op->n_cnames++ >= MAX_CNAMES) {
		(void)error_set(&err, ERR_REJECTED, "dns:cname-loop",
		    "more than %d CNAMEs, at last from %s to %s", MAX_CNAMES,
		    op->zone.fqdn, target);
		finish(op, &err);
		return;
	}
	op->zone.aliases = xreallocarray(op->zone.aliases,
	    op->zone.n_aliases + 1, sizeof(*op->zone.aliases));
	memcpy(op->zone.aliases[op->zone.n_aliases++], op->zone.fqdn,
	    sizeof(op->zone.fqdn));
	(void)text_printf(op->zone.fqdn, sizeof(op->zone.fqdn), "%s", target);
	begin(op);
}

/* NULL: nobody knows.  Then the alias is taken for what it seems to be. */
static void
sibling_known(struct zone_op *op, const ldns_pkt *pkt)
{
	char target[DNAME_SIZE];

	if (pkt != NULL && dnsmsg_cname(pkt, op->sibling, target) &&
	    strcmp(target, op->target) == 0)
		finish(op, NULL);
	else
		follow(op, op->target);
}

static void
sibling_resolved(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->sibling_query = NULL;
	sibling_known(op, pkt);
}

static void
sibling_probed(const struct error *err, const struct dnsq_reply *reply,
    void *arg)
{
	struct zone_op *op = arg;

	op->sibling_probe = NULL;
	sibling_known(op, reply != NULL ? reply->pkt : NULL);
}

/* The name has an alias, said server (NULL: the resolvers). */
static void
take_alias(struct zone_op *op, const char *target,
    const struct dns_server *server)
{
	const char *up = dname_parent(op->zone.fqdn);
	struct dnsq_args args = {
		.server = server,
		.name = op->sibling,
		.type = LDNS_RR_TYPE_CNAME,
		.timeout_ms = PROBE_MS,
	};

	if (op->is_exact) {
		finish(op, NULL);
		return;
	}
	if (op->n_cnames > 0 || up == NULL || !text_printf(op->sibling,
	    sizeof(op->sibling), "%08x.%s", (unsigned)arc4random(), up)) {
		follow(op, target);
		return;
	}
	(void)text_printf(op->target, sizeof(op->target), "%s", target);
	if (server == NULL)
		op->sibling_query = ask(op, op->sibling, LDNS_RR_TYPE_CNAME,
		    sibling_resolved, op);
	else
		op->sibling_probe = dnsq_start(dns_loop(op->dns), &args,
		    sibling_probed, op);
}

static void
cname_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;
	char target[DNAME_SIZE];

	op->cname = NULL;
	if (err == NULL && dnsmsg_cname(pkt, op->zone.fqdn, target))
		take_alias(op, target, NULL);
	else
		finish(op, op->zone.is_told ? NULL : err);
}

static void
stop_probes(struct zone_op *op)
{
	for (size_t i = 0; i < MAX_PROBES; i++) {
		dnsq_cancel(op->probes[i].query);
		op->probes[i].query = NULL;
	}
	op->n_probing = 0;
}

/* Does the name live in a zone of its own below this one? */
static bool
is_cut(struct zone_op *op, const ldns_pkt *pkt)
{
	char below[DNAME_SIZE];
	size_t n;

	if (op->n_cuts >= MAX_CUTS)
		return false;
	n = dnsmsg_referral(pkt, op->zone.apex, op->zone.fqdn, below,
	    op->names, ZONE_NS_MAX);
	if (n == 0)
		return false;
	op->n_cuts++;
	op->n_names = n;
	(void)text_printf(op->zone.apex, sizeof(op->zone.apex), "%s", below);
	op->zone.n_servers = 0;
	return true;
}

static void
probe_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct probe *p = arg;
	struct zone_op *op = p->op;
	char target[DNAME_SIZE];

	p->query = NULL;
	op->n_probing--;
	if (err == NULL && dnsmsg_cname(reply->pkt, op->zone.fqdn, target)) {
		stop_probes(op);
		take_alias(op, target, &op->zone.servers[p - op->probes]);
	} else if (err == NULL && dnsmsg_is_authoritative(reply->pkt)) {
		finish(op, NULL);
	} else if (err == NULL && is_cut(op, reply->pkt)) {
		stop_probes(op);
		look_up(op);
	} else if (op->n_probing == 0) {
		op->cname = ask(op, op->zone.fqdn, LDNS_RR_TYPE_CNAME,
		    cname_done, op);
	}
}

/* Ask the zone's own servers for an alias; the first usable answer counts. */
static void
probe(struct zone_op *op)
{
	struct dnsq_args args = {
		.name = op->zone.fqdn,
		.type = LDNS_RR_TYPE_CNAME,
		.timeout_ms = PROBE_MS,
	};

	if (op->zone.n_servers == 0) {
		op->cname = ask(op, op->zone.fqdn, LDNS_RR_TYPE_CNAME,
		    cname_done, op);
		return;
	}
	for (size_t i = 0; i < op->zone.n_servers && i < MAX_PROBES; i++) {
		struct probe *p = &op->probes[i];

		p->op = op;
		args.server = &op->zone.servers[i];
		op->n_probing++;
		p->query = dnsq_start(dns_loop(op->dns), &args, probe_done, p);
	}
}

/* --- why no resolver answers: is the zone's server down? --- */

static void
add_server_state(struct zone_op *op, const char *text)
{
	struct error why = op->err;

	(void)error_set(&op->err, why.kind, why.code, "%s; the provider's "
	    "server %s", why.msg, text);
	finish(op, &op->err);
}

static void
server_checked(const struct error *err, const struct dnsq_reply *reply,
    void *arg)
{
	struct zone_op *op = arg;
	char label[DNSADDR_LABEL_MAX], text[512], rcode[DNSMSG_RCODE_MAX];

	op->check = NULL;
	if (err != NULL) {
		add_server_state(op, err->msg);
		return;
	}
	(void)dnsaddr_label(&op->zone.servers[0], label);
	if (dnsmsg_is_authoritative(reply->pkt))
		(void)text_printf(text, sizeof(text), "%s does answer: see "
		    "the resolvers, or give the provider its zone", label);
	else
		(void)text_printf(text, sizeof(text), "%s: answers %s%s",
		    label, dnsmsg_rcode((unsigned)ldns_pkt_get_rcode(
		    reply->pkt), rcode), ldns_pkt_get_rcode(reply->pkt) ==
		    LDNS_RCODE_NOERROR ? " without authority" : "");
	add_server_state(op, text);
}

static void
server_known(const struct error *err, const struct dns_server *list,
    size_t n, void *arg)
{
	struct zone_op *op = arg;
	struct dnsq_args args = { .name = op->at, .type = LDNS_RR_TYPE_SOA,
	    .timeout_ms = PROBE_MS };

	op->server = NULL;
	if (err != NULL) {
		add_server_state(op, err->msg);
		return;
	}
	set_servers(&op->zone, list, 1);
	args.server = &op->zone.servers[0];
	op->check = dnsq_start(dns_loop(op->dns), &args, server_checked, op);
}

/* Their words name the resolvers alone, which may only pass it on. */
static void
explain(struct zone_op *op, const struct error *err)
{
	const struct dns_told *told = dns_told(op->dns, op->zone.fqdn);

	if (told == NULL || told->server == NULL ||
	    err->kind != ERR_TRANSIENT) {
		finish(op, err);
		return;
	}
	op->err = *err;
	op->server = server_start(op->dns, told->server, PROBE_MS,
	    server_known, op);
}

static void
apex_known(struct zone_op *op)
{
	if (op->n_cnames == 0)
		(void)text_printf(op->home, sizeof(op->home), "%s",
		    op->zone.apex);
	op->ns = ask(op, op->zone.apex, LDNS_RR_TYPE_NS, ns_done, op);
}

/* The resolvers do not know; does the configuration? */
static bool
take_told(struct zone_op *op)
{
	const struct dns_told *told = dns_told(op->dns, op->zone.fqdn);

	if (told == NULL || told->apex[0] == '\0' ||
	    strlen(told->apex) <= strlen(op->zone.apex))
		return false;
	(void)text_printf(op->zone.apex, sizeof(op->zone.apex), "%s",
	    told->apex);
	op->zone.is_told = true;
	apex_known(op);
	return true;
}

/* One label up, until there is none left. */
static void
walk(struct zone_op *op)
{
	const char *up = dname_parent(op->at);

	if (up == NULL || up[0] == '\0') {
		if (!take_told(op))
			probe(op);
		return;
	}
	memmove(op->at, up, strlen(up) + 1);
	op->soa = ask(op, op->at, LDNS_RR_TYPE_SOA, soa_done, op);
}

static void
soa_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->soa = NULL;
	if (err != NULL) {
		if (!take_told(op))
			explain(op, err);
		return;
	}
	if (!dnsmsg_apex(pkt, op->at, op->zone.apex)) {
		walk(op);
		return;
	}
	/* A top-level domain: they do not know the zone itself. */
	if (strchr(op->zone.apex, '.') == NULL && take_told(op))
		return;
	apex_known(op);
}

static void
failed_cb(void *arg)
{
	struct zone_op *op = arg;

	finish(op, &op->err);
}

static struct zone_op *
start(struct dns *dns, const char *fqdn, bool is_exact, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	struct zone_op *op = xcalloc(1, sizeof(*op));

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	op->is_exact = is_exact;
	op->deadline = clock_mono_ms() + timeout_ms;
	timer_init(&op->failed, dns_loop(dns), failed_cb, op);
	if (strlen(fqdn) > DNAME_MAX) {
		(void)error_set(&op->err, ERR_CONFIG, "dns:name", "%.60s... "
		    "has %zu characters, and a name in the DNS has no more "
		    "than %d: such a name cannot be proved by a TXT record",
		    fqdn, strlen(fqdn), DNAME_MAX);
		timer_set(&op->failed, 0);
		return op;
	}
	(void)text_printf(op->zone.fqdn, sizeof(op->zone.fqdn), "%s", fqdn);
	begin(op);
	return op;
}

struct zone_op *
zone_start(struct dns *dns, const char *fqdn, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	return start(dns, fqdn, false, timeout_ms, done, arg);
}

struct zone_op *
zone_start_exact(struct dns *dns, const char *fqdn, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	return start(dns, fqdn, true, timeout_ms, done, arg);
}
