/* SPDX-License-Identifier: MIT */
#include "daemon/dns/zone_servers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/resolver.h"
#include "daemon/dns/server.h"

enum { SERVERS_MAX = 32, PER_NAME_MAX = 8 };

/* The addresses of one server, A or AAAA. */
struct lookup {
	struct zone_servers_op *op;
	struct resolver_op *query;
	size_t		 name;		/* whose */
};

struct zone_servers_op {
	struct dns	*dns;
	zone_servers_done_cb *done;
	void		*arg;
	char		 names[ZONE_NS_MAX][DNAME_SIZE];
	struct lookup	 lookups[2 * ZONE_NS_MAX];
	size_t		 n_running;
	char		*told;
	unsigned	 told_timeout_ms;
	struct server_op *server;
	struct dns_server servers[SERVERS_MAX];
	size_t		 n_servers;
};

void
zone_servers_cancel(struct zone_servers_op *op)
{
	if (op == NULL)
		return;
	for (size_t i = 0; i < 2 * ZONE_NS_MAX; i++)
		resolver_cancel(op->lookups[i].query);
	server_cancel(op->server);
	free(op->told);
	free(op);
}

/*
 * Without an IPv6 network (or IPv4) such addresses are left out, unless they
 * are all that a server has: then it is for txtwait to report it.
 */
static void
drop_unroutable(struct zone_servers_op *op)
{
	bool routable[SERVERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < op->n_servers; i++)
		routable[i] = dnsaddr_is_routable(&op->servers[i]);
	for (size_t i = 0; i < op->n_servers; i++) {
		bool keep = routable[i];

		for (size_t k = 0; k < op->n_servers && !routable[i]; k++) {
			if (strcmp(op->servers[k].name,
			    op->servers[i].name) == 0 && routable[k])
				break;
			keep = k + 1 == op->n_servers;
		}
		if (keep) {
			if (n != i)
				op->servers[n] = op->servers[i];
			routable[n] = routable[i];
			n++;
		}
	}
	op->n_servers = n;
}

static void
add_servers(struct zone_servers_op *op, const struct dns_server *found,
    size_t n)
{
	for (size_t i = 0; i < n && op->n_servers < SERVERS_MAX; i++) {
		size_t k = 0;

		while (k < op->n_servers &&
		    !dnsaddr_equal(&op->servers[k], &found[i]))
			k++;
		if (k < op->n_servers)
			continue;
		op->servers[op->n_servers++] = found[i];
	}
}

static void
finish(struct zone_servers_op *op)
{
	drop_unroutable(op);
	op->done(op->servers, op->n_servers, op->arg);
	zone_servers_cancel(op);
}

static void
server_found(const struct error *err, const struct dns_server *list,
    size_t n, void *arg)
{
	struct zone_servers_op *op = arg;

	op->server = NULL;
	if (err == NULL)
		add_servers(op, list, n);
	finish(op);
}

static void
ask_told(struct zone_servers_op *op)
{
	op->server = server_start(op->dns, op->told, op->told_timeout_ms,
	    server_found, op);
}

static void
lookup_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct lookup *l = arg;
	struct zone_servers_op *op = l->op;
	struct dns_server found[PER_NAME_MAX];

	l->query = NULL;
	/* A server whose address is not known is left out. */
	if (err == NULL)
		add_servers(op, found, dnsmsg_addresses(pkt,
		    op->names[l->name], found, PER_NAME_MAX));
	if (--op->n_running > 0)
		return;
	if (op->n_servers == 0 && op->told != NULL)
		ask_told(op);
	else
		finish(op);
}

struct zone_servers_op *
zone_servers_start(struct dns *dns, const struct zone_servers_args *args,
    zone_servers_done_cb *done, void *arg)
{
	struct zone_servers_op *op = xcalloc(1, sizeof(*op));

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	op->told = args->told != NULL ? xstrdup(args->told) : NULL;
	op->told_timeout_ms = args->told_timeout_ms;
	memcpy(op->names, args->names, args->n_names * sizeof(*args->names));
	op->n_running = 2 * args->n_names;
	for (size_t i = 0; i < op->n_running; i++) {
		struct lookup *l = &op->lookups[i];

		l->op = op;
		l->name = i / 2;
		l->query = resolver_start(dns, op->names[l->name],
		    i % 2 == 0 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA,
		    args->timeout_ms, lookup_done, l);
	}
	if (op->n_running == 0)
		ask_told(op);
	return op;
}
