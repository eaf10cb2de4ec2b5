/* SPDX-License-Identifier: MIT */
#include "daemon/dns/addrs.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/resolver.h"

struct dns_addrs_op {
	struct resolver_op *queries[2];	/* A, AAAA */
	size_t		 pending;
	char		 name[DNAME_SIZE];
	struct dns_addrs_reply reply;
	struct error	 err;		/* of the last that failed */
	dns_addrs_done_cb *done;
	void		*arg;
};

void
dns_addrs_cancel(struct dns_addrs_op *op)
{
	if (op == NULL)
		return;
	resolver_cancel(op->queries[0]);
	resolver_cancel(op->queries[1]);
	free(op);
}

static void
answered(struct dns_addrs_op *op, const struct error *err,
    const ldns_pkt *pkt)
{
	struct dns_addrs_reply *r = &op->reply;
	size_t n = 0;

	if (err != NULL)
		op->err = *err;
	else
		n = dnsmsg_addresses(pkt, op->name, r->list + r->n,
		    DNS_ADDRS_MAX - r->n);
	for (; n > 0; n--, r->n++) {
		size_t used = strlen(r->text);

		(void)text_printf(r->text + used, sizeof(r->text) - used,
		    "%s%s", r->n > 0 ? ", " : "", r->list[r->n].text);
	}
	if (--op->pending > 0)
		return;
	/* One kind is enough. */
	if (op->reply.n == 0 && op->err.kind != ERR_NONE)
		op->done(&op->err, NULL, op->arg);
	else
		op->done(NULL, &op->reply, op->arg);
	dns_addrs_cancel(op);
}

static void
a_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct dns_addrs_op *op = arg;

	op->queries[0] = NULL;
	answered(op, err, pkt);
}

static void
aaaa_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct dns_addrs_op *op = arg;

	op->queries[1] = NULL;
	answered(op, err, pkt);
}

struct dns_addrs_op *
dns_addrs_start(struct dns *dns, const char *name, unsigned timeout_ms,
    dns_addrs_done_cb *done, void *arg)
{
	struct dns_addrs_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	op->pending = 2;
	(void)text_printf(op->name, sizeof(op->name), "%s", name);
	op->queries[0] = resolver_start(dns, name, LDNS_RR_TYPE_A,
	    timeout_ms, a_done, op);
	op->queries[1] = resolver_start(dns, name, LDNS_RR_TYPE_AAAA,
	    timeout_ms, aaaa_done, op);
	return op;
}
