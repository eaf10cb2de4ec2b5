/* SPDX-License-Identifier: MIT */
#include "daemon/dns/nscheck.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/dnsq.h"
#include "daemon/dns/resolver.h"
#include "daemon/dns/zone.h"

enum { MAX_NS = 16 };

/* One question, by UDP or by TCP; out is where its failure goes. */
struct ask {
	struct nscheck_op *op;
	struct dnsq_op	*query;
	const struct dns_server *server;
	char		*out;
	struct nscheck_server *about;
};

struct nscheck_op {
	struct dns	*dns;
	struct zone	 zone;
	struct nscheck_server *servers;
	struct ask	*asks;		/* two for each server */
	struct resolver_op *ns;
	size_t		 pending;
	struct nscheck_reply reply;
	nscheck_done_cb	*done;
	void		*arg;
};

void
nscheck_cancel(struct nscheck_op *op)
{
	if (op == NULL)
		return;
	resolver_cancel(op->ns);
	for (size_t i = 0; i < 2 * op->zone.n_servers; i++)
		dnsq_cancel(op->asks[i].query);
	free(op->asks);
	free(op->servers);
	zone_clear(&op->zone);
	free(op);
}

/* Serial number arithmetic, RFC 1982 section 3.2. */
static bool
is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(1) << 31;
}

static void
compare_serials(struct nscheck_op *op)
{
	struct nscheck_reply *r = &op->reply;
	bool has_newest = false;

	for (size_t i = 0; i < r->n_servers; i++) {
		const struct nscheck_server *s = &op->servers[i];

		if (s->has_serial && (!has_newest ||
		    is_newer(s->serial, r->newest)))
			r->newest = s->serial;
		has_newest |= s->has_serial;
	}
	for (size_t i = 0; i < r->n_servers; i++) {
		struct nscheck_server *s = &op->servers[i];

		s->is_behind = s->has_serial && s->serial != r->newest;
		r->n_behind += s->is_behind;
	}
}

static void
one_done(struct nscheck_op *op)
{
	if (--op->pending > 0)
		return;
	compare_serials(op);
	for (size_t i = 0; i < op->zone.n_servers; i++)
		op->reply.n_bad += op->servers[i].udp[0] != '\0' ||
		    op->servers[i].tcp[0] != '\0';
	op->done(&op->reply, op->arg);
	nscheck_cancel(op);
}

/* The error begins with the server's label, which our caller prints, too. */
static const char *
without_label(const struct dns_server *server, const char *msg)
{
	char label[DNSADDR_LABEL_MAX];
	size_t len = strlen(dnsaddr_label(server, label));

	if (strncmp(msg, label, len) == 0 && strncmp(msg + len, ": ", 2) == 0)
		return msg + len + 2;
	return msg;
}

static void
answered(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	char rcode[DNSMSG_RCODE_MAX], apex[DNAME_SIZE];
	struct ask *a = arg;
	unsigned rc;

	a->query = NULL;
	if (err != NULL) {
		(void)text_printf(a->out, NSCHECK_TEXT_MAX, "%s",
		    without_label(a->server, err->msg));
		one_done(a->op);
		return;
	}
	rc = (unsigned)ldns_pkt_get_rcode(reply->pkt);
	if (rc != LDNS_RCODE_NOERROR)
		(void)text_printf(a->out, NSCHECK_TEXT_MAX,
		    "answers %s: it does not serve the zone",
		    dnsmsg_rcode(rc, rcode));
	else if (!ldns_pkt_aa(reply->pkt) ||
	    !dnsmsg_apex(reply->pkt, a->op->zone.apex, apex) ||
	    strcmp(apex, a->op->zone.apex) != 0)
		(void)text_printf(a->out, NSCHECK_TEXT_MAX,
		    "is lame: it answers without authority for the zone");
	else if (dnsmsg_serial(reply->pkt, apex, &a->about->serial))
		a->about->has_serial = true;
	one_done(a->op);
}

static bool
has_address(const struct zone *z, const char *name)
{
	for (size_t i = 0; i < z->n_servers; i++) {
		if (strcmp(z->servers[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
names_known(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct nscheck_op *op = arg;
	char names[MAX_NS][DNAME_SIZE];
	size_t n, used;

	op->ns = NULL;
	n = err == NULL ? dnsmsg_ns(pkt, op->zone.apex, names, MAX_NS) : 0;
	for (size_t i = 0; i < n; i++) {
		used = strlen(op->reply.homeless);
		if (!has_address(&op->zone, names[i]))
			(void)text_printf(op->reply.homeless + used,
			    sizeof(op->reply.homeless) - used, "%s%s",
			    used > 0 ? ", " : "", names[i]);
	}
	one_done(op);
}

struct nscheck_op *
nscheck_start(struct dns *dns, const struct zone *zone, unsigned timeout_ms,
    nscheck_done_cb *done, void *arg)
{
	struct nscheck_op *op = xcalloc(1, sizeof(*op));
	size_t n = zone->n_servers;

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	zone_copy(&op->zone, zone);
	op->servers = xcalloc(n + 1, sizeof(*op->servers));
	op->asks = xcalloc(2 * n + 1, sizeof(*op->asks));
	op->reply.servers = op->servers;
	op->reply.n_servers = n;
	op->pending = 2 * n + 1;
	for (size_t i = 0; i < 2 * n; i++) {
		struct ask *a = &op->asks[i];
		struct nscheck_server *s = &op->servers[i / 2];
		struct dnsq_args args = {
			.server = &op->zone.servers[i / 2],
			.name = op->zone.apex,
			.type = LDNS_RR_TYPE_SOA,
			.by_tcp = i % 2 == 1,
			.timeout_ms = timeout_ms,
		};

		s->server = args.server;
		a->op = op;
		a->server = args.server;
		a->about = s;
		a->out = args.by_tcp ? s->tcp : s->udp;
		a->query = dnsq_start(dns_loop(dns), &args, answered, a);
	}
	op->ns = resolver_start(dns, op->zone.apex, LDNS_RR_TYPE_NS,
	    timeout_ms, names_known, op);
	return op;
}
