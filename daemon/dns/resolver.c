/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolver.h"

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
#include "daemon/io/loop.h"

/* How long one resolver may take before the next is asked: a first answer
 * over a cold cache takes a second or two. */
#define TRY_MS 2500
#define ROUNDS 2

struct resolver_op {
	struct dns	*dns;
	resolver_done_cb *done;
	void		*arg;
	char		 name[DNAME_SIZE];
	unsigned	 type;
	int64_t		 deadline;	/* monotonic ms */
	struct dns_server servers[RESOLVERS_MAX];
	size_t		 n_servers;
	size_t		 first;		/* index of the first asked */
	size_t		 n_tried;
	bool		 timed_out;	/* one did, in this round */
	char		 said[1024];	/* what each did, for the error */
	struct dnsq_op	*query;
	struct timer	 next;
};

void
resolver_cancel(struct resolver_op *op)
{
	if (op == NULL)
		return;
	dnsq_cancel(op->query);
	timer_clear(&op->next);
	free(op);
}

static void
fail(struct resolver_op *op)
{
	char *type = ldns_rr_type2str((ldns_rr_type)op->type);
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:resolver",
	    "no resolver answers for %s %s: %s", op->name,
	    type == NULL ? "?" : type, op->said[0] == '\0' ? "out of time" :
	    op->said);
	free(type);
	op->done(&err, NULL, op->arg);
	resolver_cancel(op);
}

/* Add "SERVER: WHAT" to the error that may come, each only once. */
static void
note(struct resolver_op *op, const char *text)
{
	size_t len = strlen(op->said);

	if (strstr(op->said, text) == NULL)
		(void)text_printf(op->said + len, sizeof(op->said) - len,
		    "%s%s", len == 0 ? "" : "; ", text);
}

static void
query_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct resolver_op *op = arg;
	size_t i = (op->first + op->n_tried - 1) % op->n_servers;
	char text[128], rcode[DNSMSG_RCODE_MAX];

	op->query = NULL;
	if (err != NULL && err->kind == ERR_CONFIG) {
		op->done(err, NULL, op->arg);
		resolver_cancel(op);
		return;
	}
	if (err == NULL) {
		unsigned rc = (unsigned)ldns_pkt_get_rcode(reply->pkt);

		/* A server for tests that knows no SOA: no zone is known. */
		if (rc == LDNS_RCODE_NOERROR || rc == LDNS_RCODE_NXDOMAIN ||
		    rc == LDNS_RCODE_NOTIMPL) {
			dns_prefer(op->dns, &op->servers[i]);
			op->done(NULL, reply->pkt, op->arg);
			resolver_cancel(op);
			return;
		}
		(void)text_printf(text, sizeof(text), "%s: %s",
		    op->servers[i].text, dnsmsg_rcode(rc, rcode));
		note(op, text);
	} else {
		if (strcmp(err->code, "dns:timeout") == 0)
			op->timed_out = true;
		note(op, err->msg);
	}
	timer_set(&op->next, 0);
}

static void
next_cb(void *arg)
{
	struct resolver_op *op = arg;
	int64_t left = op->deadline - clock_mono_ms();
	struct dnsq_args a = { .name = op->name, .type = op->type,
	    .rd = true };

	/* Only a resolver that was silent is worth asking again. */
	if (left <= 0 || op->n_tried >= ROUNDS * op->n_servers ||
	    (op->n_tried == op->n_servers && !op->timed_out)) {
		fail(op);
		return;
	}
	a.server = &op->servers[(op->first + op->n_tried) % op->n_servers];
	op->n_tried++;
	/* The last of all may have all the time that is left. */
	a.timeout_ms = (unsigned)(left > TRY_MS &&
	    op->n_tried < ROUNDS * op->n_servers ? TRY_MS : left);
	op->query = dnsq_start(dns_loop(op->dns), &a, query_done, op);
}

struct resolver_op *
resolver_start(struct dns *dns, const char *name, unsigned type,
    unsigned timeout_ms, resolver_done_cb *done, void *arg)
{
	struct resolver_op *op = xcalloc(1, sizeof(*op));
	const struct dns_server *servers = dns_resolvers(dns, &op->n_servers);

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	(void)text_printf(op->name, sizeof(op->name), "%s", name);
	op->type = type;
	op->deadline = clock_mono_ms() + timeout_ms;
	memcpy(op->servers, servers, op->n_servers * sizeof(*servers));
	op->first = dns_preferred(dns);
	timer_init(&op->next, dns_loop(dns), next_cb, op);
	/* A query never calls back from its start: begin at once. */
	if (timeout_ms > 0)
		next_cb(op);
	else
		timer_set(&op->next, 0);
	return op;
}
