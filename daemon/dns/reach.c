/* SPDX-License-Identifier: MIT */
#include "daemon/dns/reach.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsq.h"
#include "daemon/io/loop.h"

#define TCP_AFTER_MS 2000	/* nearly all answer before that */

struct view {
	struct reach_op	*op;
	struct dns_server server;
	struct dnsq_op	*udp, *tcp;
	char		 said[160];	/* of UDP; "": nothing yet */
	bool		 has_tcp;
};

struct reach_op {
	struct dns	*dns;
	char		 name[DNAME_SIZE];
	unsigned	 timeout_ms;
	struct view	 views[RESOLVERS_MAX];
	size_t		 n_views;
	size_t		 pending;	/* questions under way */
	struct timer	 tcp_at;
	reach_done_cb	*done;
	void		*arg;
};

void
reach_cancel(struct reach_op *op)
{
	if (op == NULL)
		return;
	for (size_t i = 0; i < op->n_views; i++) {
		dnsq_cancel(op->views[i].udp);
		dnsq_cancel(op->views[i].tcp);
	}
	timer_clear(&op->tcp_at);
	free(op);
}

static void
finish(struct reach_op *op, const struct error *err)
{
	op->done(err, op->arg);
	reach_cancel(op);
}

static void
fail(struct reach_op *op)
{
	struct error err;
	char said[400] = "";

	for (size_t i = 0; i < op->n_views; i++) {
		const struct view *v = &op->views[i];
		size_t used = strlen(said);

		(void)text_printf(said + used, sizeof(said) - used, "%s%s%s",
		    used > 0 ? "; " : "", v->said, v->has_tcp ?
		    " over UDP, but does over TCP" : "");
	}
	(void)error_set(&err, ERR_TRANSIENT, "dns:resolver", "no resolver "
	    "answers: %s", op->n_views > 0 ? said : "there is none in "
	    "/etc/resolv.conf");
	finish(op, &err);
}

static void
tcp_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct view *v = arg;

	v->tcp = NULL;
	v->has_tcp = err == NULL;
	if (--v->op->pending == 0)
		fail(v->op);
}

static void
udp_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct view *v = arg;

	v->udp = NULL;
	if (err == NULL) {
		finish(v->op, NULL);
		return;
	}
	(void)text_printf(v->said, sizeof(v->said), "%s", err->msg);
	if (--v->op->pending == 0)
		fail(v->op);
}

static void
ask_by_tcp(void *arg)
{
	struct reach_op *op = arg;

	for (size_t i = 0; i < op->n_views; i++) {
		struct view *v = &op->views[i];
		struct dnsq_args args = { .server = &v->server,
		    .name = op->name, .type = LDNS_RR_TYPE_SOA, .rd = true,
		    .by_tcp = true,
		    .timeout_ms = op->timeout_ms - TCP_AFTER_MS };

		if (v->udp == NULL)	/* it is not silent: refused */
			continue;
		op->pending++;
		v->tcp = dnsq_start(dns_loop(op->dns), &args, tcp_done, v);
	}
}

static void
begin_cb(void *arg)
{
	fail(arg);
}

struct reach_op *
reach_start(struct dns *dns, const char *name, unsigned timeout_ms,
    reach_done_cb *done, void *arg)
{
	struct reach_op *op = xcalloc(1, sizeof(*op));
	const struct dns_server *servers = dns_resolvers(dns, &op->n_views);

	op->dns = dns;
	op->timeout_ms = timeout_ms;
	op->done = done;
	op->arg = arg;
	(void)text_printf(op->name, sizeof(op->name), "%s", name);
	timer_init(&op->tcp_at, dns_loop(dns), op->n_views > 0 ? ask_by_tcp :
	    begin_cb, op);
	timer_set(&op->tcp_at, op->n_views > 0 ? TCP_AFTER_MS : 0);
	for (size_t i = 0; i < op->n_views; i++) {
		struct view *v = &op->views[i];
		struct dnsq_args args = { .server = &v->server,
		    .name = op->name, .type = LDNS_RR_TYPE_SOA, .rd = true,
		    .timeout_ms = timeout_ms };

		v->op = op;
		v->server = servers[i];
		op->pending++;
		v->udp = dnsq_start(dns_loop(dns), &args, udp_done, v);
	}
	return op;
}
