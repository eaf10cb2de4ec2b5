/* SPDX-License-Identifier: MIT */
#include "daemon/dns/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/resolver.h"
#include "daemon/io/loop.h"

enum { MAX_CNAMES = 8, MAX_NS = 16, MAX_SERVERS = 32, MAX_PER_NAME = 8 };

struct zone_op;

/* The addresses of one server, A or AAAA. */
struct lookup {
	struct zone_op	*op;
	struct resolver_op *query;
	size_t		 ns;		/* whose */
};

struct zone_op {
	struct dns	*dns;
	zone_done_cb	*done;
	void		*arg;
	int64_t		 deadline;	/* monotonic ms */
	struct zone	 zone;
	char		 at[DNAME_SIZE];	/* asked for its SOA */
	unsigned	 n_cnames;

	struct resolver_op *cname;
	struct resolver_op *soa;
	struct resolver_op *ns;
	char		 target[DNAME_SIZE];	/* of the CNAME; "" if none */
	struct timer	 next;		/* the turn after both replies */
	struct error	 err;		/* kind ERR_NONE: none yet */

	char		 names[MAX_NS][DNAME_SIZE];
	size_t		 n_names;
	struct lookup	 lookups[2 * MAX_NS];
	size_t		 n_running;
};

void
zone_clear(struct zone *z)
{
	free(z->servers);
	memset(z, 0, sizeof(*z));
}

void
zone_copy(struct zone *to, const struct zone *from)
{
	*to = *from;
	to->servers = NULL;
	if (from->n_servers > 0)
		to->servers = xmemdup(from->servers,
		    from->n_servers * sizeof(*from->servers));
}

void
zone_cancel(struct zone_op *op)
{
	if (op == NULL)
		return;
	resolver_cancel(op->cname);
	resolver_cancel(op->soa);
	resolver_cancel(op->ns);
	for (size_t i = 0; i < 2 * MAX_NS; i++)
		resolver_cancel(op->lookups[i].query);
	timer_clear(&op->next);
	zone_clear(&op->zone);
	free(op);
}

static void
finish(struct zone_op *op, const struct error *err)
{
	op->done(err, err == NULL ? &op->zone : NULL, op->arg);
	zone_cancel(op);
}

static struct resolver_op *
ask(struct zone_op *op, const char *name, unsigned type,
    resolver_done_cb *done, void *arg)
{
	int64_t left = op->deadline - clock_mono_ms();

	return resolver_start(op->dns, name, type,
	    left > 0 ? (unsigned)left : 0, done, arg);
}

/* Addresses */

/*
 * Without an IPv6 network (or IPv4) such addresses are left out, unless they
 * are all that a server has: then it is for txtwait to report it.
 */
static void
drop_unroutable(struct zone *z)
{
	bool routable[MAX_SERVERS];
	size_t n = 0;

	for (size_t i = 0; i < z->n_servers; i++)
		routable[i] = dnsaddr_is_routable(&z->servers[i]);
	for (size_t i = 0; i < z->n_servers; i++) {
		bool keep = routable[i];

		for (size_t k = 0; k < z->n_servers && !routable[i]; k++) {
			if (strcmp(z->servers[k].name,
			    z->servers[i].name) == 0 && routable[k])
				break;
			keep = k + 1 == z->n_servers;
		}
		if (keep) {
			if (n != i)
				z->servers[n] = z->servers[i];
			routable[n] = routable[i];
			n++;
		}
	}
	z->n_servers = n;
}

static void
add_servers(struct zone *z, const struct dns_server *found, size_t n)
{
	for (size_t i = 0; i < n && z->n_servers < MAX_SERVERS; i++) {
		size_t k = 0;

		while (k < z->n_servers &&
		    !dnsaddr_equal(&z->servers[k], &found[i]))
			k++;
		if (k < z->n_servers)
			continue;
		z->servers = xreallocarray(z->servers, z->n_servers + 1,
		    sizeof(*z->servers));
		z->servers[z->n_servers++] = found[i];
	}
}

static void
lookup_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct lookup *l = arg;
	struct zone_op *op = l->op;
	struct dns_server found[MAX_PER_NAME];

	l->query = NULL;
	/* A server whose address is not known is left out. */
	if (err == NULL)
		add_servers(&op->zone, found, dnsmsg_addresses(pkt,
		    op->names[l->ns], found, MAX_PER_NAME));
	if (--op->n_running > 0)
		return;
	drop_unroutable(&op->zone);
	finish(op, NULL);
}

static void
ns_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->ns = NULL;
	if (err != NULL) {
		finish(op, err);
		return;
	}
	op->n_names = dnsmsg_ns(pkt, op->zone.apex, op->names, MAX_NS);
	if (op->n_names == 0) {
		finish(op, NULL);
		return;
	}
	op->n_running = 2 * op->n_names;
	for (size_t i = 0; i < op->n_running; i++) {
		struct lookup *l = &op->lookups[i];

		l->op = op;
		l->ns = i / 2;
		l->query = ask(op, op->names[l->ns], i % 2 == 0 ?
		    LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, lookup_done, l);
	}
}

/* The zone */

static void	soa_done(const struct error *, const ldns_pkt *, void *);
static void	cname_done(const struct error *, const ldns_pkt *, void *);

static void
begin(struct zone_op *op)
{
	op->zone.apex[0] = '\0';
	op->target[0] = '\0';
	(void)text_printf(op->at, sizeof(op->at), "%s", op->zone.fqdn);
	op->cname = ask(op, op->zone.fqdn, LDNS_RR_TYPE_CNAME, cname_done, op);
	op->soa = ask(op, op->at, LDNS_RR_TYPE_SOA, soa_done, op);
}

static void
follow(struct zone_op *op)
{
	struct error err;

	if (op->n_cnames++ >= MAX_CNAMES) {
		(void)error_set(&err, ERR_REJECTED, "dns:cname-loop",
		    "more than %d CNAMEs, at last from %s to %s", MAX_CNAMES,
		    op->zone.fqdn, op->target);
		finish(op, &err);
		return;
	}
	(void)text_printf(op->zone.fqdn, sizeof(op->zone.fqdn), "%s",
	    op->target);
	begin(op);
}

/* One label up, until there is none left. */
static void
walk(struct zone_op *op)
{
	const char *up = dname_parent(op->at);

	if (up == NULL || up[0] == '\0') {
		finish(op, NULL);
		return;
	}
	memmove(op->at, up, strlen(up) + 1);
	op->soa = ask(op, op->at, LDNS_RR_TYPE_SOA, soa_done, op);
}

/* Both replies about the name are there. */
static void
next_cb(void *arg)
{
	struct zone_op *op = arg;

	if (op->target[0] != '\0')
		follow(op);
	else if (op->err.kind != ERR_NONE)
		finish(op, &op->err);
	else if (op->zone.apex[0] != '\0')
		op->ns = ask(op, op->zone.apex, LDNS_RR_TYPE_NS, ns_done, op);
	else
		walk(op);
}

static void
settle(struct zone_op *op)
{
	if (op->cname == NULL && op->soa == NULL)
		timer_set(&op->next, 0);
}

static void
soa_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->soa = NULL;
	if (err != NULL)
		op->err = *err;
	else if (!dnsmsg_apex(pkt, op->at, op->zone.apex))
		op->zone.apex[0] = '\0';
	settle(op);
}

static void
cname_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct zone_op *op = arg;

	op->cname = NULL;
	if (err != NULL)
		op->err = *err;
	else if (!dnsmsg_cname(pkt, op->zone.fqdn, op->target))
		op->target[0] = '\0';
	settle(op);
}

struct zone_op *
zone_start(struct dns *dns, const char *fqdn, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	struct zone_op *op = xcalloc(1, sizeof(*op));

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	op->deadline = clock_mono_ms() + timeout_ms;
	(void)text_printf(op->zone.fqdn, sizeof(op->zone.fqdn), "%s", fqdn);
	timer_init(&op->next, dns_loop(dns), next_cb, op);
	begin(op);
	return op;
}
