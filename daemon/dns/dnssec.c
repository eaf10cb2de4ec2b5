/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dnssec.h"

#include <ldns/ldns.h>
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

/* What one resolver is being asked. */
enum question {
	Q_ZONE,			/* the zone's SOA */
	Q_UNCHECKED,		/* the same with CD: it was SERVFAIL */
	Q_TOP			/* the top-level domain's DS: the root's zone
				   is signed, so whoever validates says AD */
};

struct view {
	struct dnssec_op *op;
	struct dns_server server;
	enum question	 question;
	struct dnsq_op	*query;
};

struct dnssec_op {
	struct dns	*dns;
	char		 apex[DNAME_SIZE];
	int64_t		 deadline;	/* monotonic ms */
	struct view	 views[RESOLVERS_MAX];
	size_t		 n_views;
	size_t		 pending;
	bool		 is_known;	/* one has seen the zone */
	struct dnssec_reply reply;
	char		 said[512];	/* what went wrong */
	dnssec_done_cb	*done;
	void		*arg;
};

static void	ask(struct view *, enum question);

void
dnssec_cancel(struct dnssec_op *op)
{
	if (op == NULL)
		return;
	for (size_t i = 0; i < op->n_views; i++)
		dnsq_cancel(op->views[i].query);
	free(op);
}

static void
view_end(struct view *v)
{
	struct dnssec_op *op = v->op;
	struct error err;

	if (--op->pending > 0)
		return;
	if (op->is_known) {
		op->done(NULL, &op->reply, op->arg);
	} else {
		(void)error_set(&err, ERR_TRANSIENT, "dns:resolver",
		    "no resolver knows the zone %s: %s", op->apex, op->said);
		op->done(&err, NULL, op->arg);
	}
	dnssec_cancel(op);
}

static void
saw(struct view *v, enum dnssec_state state)
{
	struct dnssec_op *op = v->op;

	op->is_known = true;
	if (state > op->reply.state) {
		op->reply.state = state;
		(void)text_printf(op->reply.resolver,
		    sizeof(op->reply.resolver), "%s", v->server.text);
	}
	view_end(v);
}

static void
failed(struct view *v, const char *what)
{
	struct dnssec_op *op = v->op;
	size_t used = strlen(op->said);

	(void)text_printf(op->said + used, sizeof(op->said) - used, "%s%s",
	    used > 0 ? "; " : "", what);
	view_end(v);
}

static void
answered(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct view *v = arg;
	char text[128], name[DNSMSG_RCODE_MAX];
	unsigned rcode;
	bool is_good;

	v->query = NULL;
	/* It did know the zone. */
	if (err != NULL && v->question == Q_TOP) {
		saw(v, DNSSEC_UNKNOWN);
		return;
	}
	if (err != NULL) {
		failed(v, err->msg);
		return;
	}
	rcode = (unsigned)ldns_pkt_get_rcode(reply->pkt);
	is_good = rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
	if (v->question == Q_TOP) {
		saw(v, is_good && ldns_pkt_ad(reply->pkt) ? DNSSEC_INSECURE :
		    DNSSEC_UNKNOWN);
	} else if (is_good && v->question == Q_UNCHECKED) {
		saw(v, DNSSEC_BROKEN);
	} else if (is_good && ldns_pkt_ad(reply->pkt)) {
		saw(v, DNSSEC_SECURE);
	} else if (is_good) {
		ask(v, Q_TOP);
	} else if (rcode == LDNS_RCODE_SERVFAIL && v->question == Q_ZONE) {
		ask(v, Q_UNCHECKED);
	} else {
		(void)text_printf(text, sizeof(text), "%s: %s",
		    v->server.text, dnsmsg_rcode(rcode, name));
		failed(v, text);
	}
}

static void
ask(struct view *v, enum question question)
{
	struct dnssec_op *op = v->op;
	const char *dot = strrchr(op->apex, '.');
	int64_t left = op->deadline - clock_mono_ms();
	struct dnsq_args a = {
		.server = &v->server,
		.name = question != Q_TOP ? op->apex : dot != NULL ? dot + 1 :
		    op->apex,
		.type = question == Q_TOP ? LDNS_RR_TYPE_DS :
		    LDNS_RR_TYPE_SOA,
		.rd = true,
		.wants_ad = question != Q_UNCHECKED,
		.no_check = question == Q_UNCHECKED,
		.timeout_ms = left > 1 ? (unsigned)left : 1,
	};

	v->question = question;
	v->query = dnsq_start(dns_loop(op->dns), &a, answered, v);
}

struct dnssec_op *
dnssec_start(struct dns *dns, const char *apex, unsigned timeout_ms,
    dnssec_done_cb *done, void *arg)
{
	struct dnssec_op *op = xcalloc(1, sizeof(*op));
	const struct dns_server *servers = dns_resolvers(dns, &op->n_views);

	op->dns = dns;
	op->done = done;
	op->arg = arg;
	op->deadline = clock_mono_ms() + timeout_ms;
	(void)text_printf(op->apex, sizeof(op->apex), "%s", apex);
	op->pending = op->n_views;
	for (size_t i = 0; i < op->n_views; i++) {
		op->views[i].op = op;
		op->views[i].server = servers[i];
		ask(&op->views[i], Q_ZONE);
	}
	return op;
}
