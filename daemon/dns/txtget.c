/* SPDX-License-Identifier: MIT */
#include "daemon/dns/txtget.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/dnsq.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define VALUES_MAX 100			/* of one name */

enum { IN_FLIGHT_MAX = 4 };

/* One address. */
struct host {
	struct txtget_op *op;
	struct dns_server server;
	struct dnsq_op	*query;
	char		 label[DNSADDR_LABEL_MAX];
	bool		 has_answered;	/* usably */
	char		 failure[64];	/* else: "did not answer" */
	char		**values;
	size_t		 n_values;
};

struct txtget_op {
	struct dns	*dns;
	char		 name[DNAME_SIZE];
	unsigned	 timeout_ms;
	bool		 is_cached;	/* the hosts are the resolvers */
	struct host	*hosts;
	size_t		 n_hosts, next;
	unsigned	 in_flight;
	char		 note[512];
	struct timer	 go;
	txtget_done_cb	*done;
	void		*arg;
};

static void
drop_hosts(struct txtget_op *op)
{
	for (size_t i = 0; i < op->n_hosts; i++) {
		struct host *h = &op->hosts[i];

		dnsq_cancel(h->query);
		for (size_t k = 0; k < h->n_values; k++)
			free(h->values[k]);
		free(h->values);
	}
	free(op->hosts);
	op->hosts = NULL;
	op->n_hosts = op->next = 0;
}

void
txtget_cancel(struct txtget_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->go);
	drop_hosts(op);
	free(op);
}

static void
use_hosts(struct txtget_op *op, const struct dns_server *servers, size_t n)
{
	op->hosts = xcalloc(n, sizeof(*op->hosts));
	op->n_hosts = n;
	for (size_t i = 0; i < n; i++) {
		struct host *h = &op->hosts[i];

		h->op = op;
		h->server = servers[i];
		(void)dnsaddr_label(&servers[i], h->label);
	}
}

static void
add_note(struct txtget_op *op, const char *text, const char *more)
{
	size_t len = strlen(op->note);

	(void)text_printf(op->note + len, sizeof(op->note) - len, "%s%s%s%s",
	    len > 0 ? ", " : "", text, more[0] != '\0' ? " " : "", more);
}

static void
fail(struct txtget_op *op)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:no-answer",
	    "no server answers for the TXT records of %s: %s", op->name,
	    op->note[0] != '\0' ? op->note : "there is no server to ask");
	op->done(&err, NULL, op->arg);
	txtget_cancel(op);
}

static void
succeed(struct txtget_op *op)
{
	struct txtget_set *sets = xcalloc(op->n_hosts, sizeof(*sets));
	struct txtget_reply reply = { .sets = sets,
	    .is_cached = op->is_cached };

	for (size_t i = 0; i < op->n_hosts; i++) {
		const struct host *h = &op->hosts[i];

		if (h->has_answered)
			sets[reply.n_sets++] = (struct txtget_set){ h->label,
			    (const char *const *)h->values, h->n_values };
	}
	memcpy(reply.note, op->note, sizeof(reply.note));
	op->done(NULL, &reply, op->arg);
	free(sets);
	txtget_cancel(op);
}

/* All of them have answered, or never will. */
static void
all_asked(struct txtget_op *op)
{
	const struct dns_server *resolvers;
	size_t answered = 0, n;

	for (size_t i = 0; i < op->n_hosts; i++) {
		const struct host *h = &op->hosts[i];

		answered += h->has_answered;
		if (!h->has_answered)
			add_note(op, h->label, h->failure);
	}
	if (answered > 0) {
		succeed(op);
	} else if (op->is_cached) {
		fail(op);
	} else {
		drop_hosts(op);
		op->is_cached = true;
		resolvers = dns_resolvers(op->dns, &n);
		use_hosts(op, resolvers, n);
		timer_set(&op->go, 0);
	}
}

static void
read_values(struct host *h, const ldns_pkt *pkt)
{
	char *value;

	while (h->n_values < VALUES_MAX && (value = dnsmsg_txt_value(pkt,
	    h->op->name, h->n_values)) != NULL) {
		h->values = xreallocarray(h->values, h->n_values + 1,
		    sizeof(*h->values));
		h->values[h->n_values++] = value;
	}
}

static void
query_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct host *h = arg;
	struct txtget_op *op = h->op;
	char text[DNSMSG_RCODE_MAX];

	h->query = NULL;
	op->in_flight--;
	if (err != NULL && err->kind == ERR_CONFIG) {
		struct error copy = *err;

		op->done(&copy, NULL, op->arg);
		txtget_cancel(op);
		return;
	}
	if (err != NULL) {
		(void)text_printf(h->failure, sizeof(h->failure),
		    "did not answer");
	} else if (ldns_pkt_get_rcode(reply->pkt) != LDNS_RCODE_NOERROR &&
	    ldns_pkt_get_rcode(reply->pkt) != LDNS_RCODE_NXDOMAIN) {
		(void)text_printf(h->failure, sizeof(h->failure),
		    "answered %s", dnsmsg_rcode((unsigned)
		    ldns_pkt_get_rcode(reply->pkt), text));
	} else if (!op->is_cached && !ldns_pkt_aa(reply->pkt)) {
		(void)text_printf(h->failure, sizeof(h->failure),
		    "is not authoritative");
	} else {
		h->has_answered = true;
		read_values(h, reply->pkt);
	}
	timer_set(&op->go, 0);
}

static void
go_cb(void *arg)
{
	struct txtget_op *op = arg;

	while (op->next < op->n_hosts && op->in_flight < IN_FLIGHT_MAX) {
		struct host *h = &op->hosts[op->next++];
		struct dnsq_args a = { .server = &h->server,
		    .name = op->name, .type = LDNS_RR_TYPE_TXT,
		    .rd = op->is_cached, .timeout_ms = op->timeout_ms };

		op->in_flight++;
		h->query = dnsq_start(dns_loop(op->dns), &a, query_done, h);
	}
	if (op->in_flight == 0)
		all_asked(op);
}

struct txtget_op *
txtget_start(struct dns *dns, const struct zone *zone, unsigned timeout_ms,
    txtget_done_cb *done, void *arg)
{
	struct txtget_op *op = xcalloc(1, sizeof(*op));

	op->dns = dns;
	op->timeout_ms = timeout_ms;
	op->done = done;
	op->arg = arg;
	(void)text_printf(op->name, sizeof(op->name), "%s", zone->fqdn);
	timer_init(&op->go, dns_loop(dns), go_cb, op);
	use_hosts(op, zone->servers, zone->n_servers);
	timer_set(&op->go, 0);
	return op;
}
