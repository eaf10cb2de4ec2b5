/* SPDX-License-Identifier: MIT */
#include "daemon/dns/update.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/dnsq.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define SOA_TIMEOUT_MS 3000

struct update_op {
	struct loop	*loop;
	update_done_cb	*done;
	void		*arg;
	struct dns_server server;
	struct tsig_key	 key;
	struct dnsmsg_update update;	/* points to the members below */
	char		 zone[DNAME_SIZE];
	char		 fqdn[DNAME_SIZE];
	char		**values;
	size_t		 n_values;
	const char	*at;		/* asked for its SOA; part of fqdn */
	int64_t		 deadline;	/* monotonic ms */
	int64_t		 clock_off;	/* seconds to add to our time */
	bool		 is_retry;	/* after BADTIME */
	struct tsig_mac	 mac;		/* of the request */
	struct dnsq_op	*query;
	struct timer	 step;		/* what to do next, from the loop */
};

void
update_cancel(struct update_op *op)
{
	if (op == NULL)
		return;
	dnsq_cancel(op->query);
	timer_clear(&op->step);
	tsig_key_clear(&op->key);
	for (size_t i = 0; i < op->n_values; i++)
		free(op->values[i]);
	free(op->values);
	free(op);
}

static void
finish(struct update_op *op, const struct error *err)
{
	op->done(err, op->arg);
	update_cancel(op);
}

static unsigned
time_left(const struct update_op *op)
{
	int64_t left = op->deadline - clock_mono_ms();

	return left > 1 ? (unsigned)left : 1;
}

/* Add the server in front of the message. */
static void
fail(struct update_op *op, struct error *err)
{
	char label[DNSADDR_LABEL_MAX];

	(void)error_wrap(err, "%s", dnsaddr_label(&op->server, label));
	finish(op, err);
}

/* What the server's error means, RFC 2136 section 2.2, RFC 8945 section 5. */

static int
explain_tsig(const struct update_op *op, const struct tsig_reply *t,
    struct error *err)
{
	const char *name = op->key.name;
	int64_t off = (int64_t)clock_now() - (int64_t)t->server_time;

	switch (t->error) {
	case TSIG_BADSIG:
		return error_set(err, ERR_CONFIG, "dns:tsig", "the server "
		    "refused the TSIG signature (BADSIG): key_secret of key "
		    "%s is wrong", name);
	case TSIG_BADKEY:
		return error_set(err, ERR_CONFIG, "dns:tsig", "the server "
		    "refused the TSIG key (BADKEY): it does not know key %s "
		    "with that key_algorithm, or the key may not change %s",
		    name, op->fqdn);
	case TSIG_BADTIME:
		if (t->server_time == 0)
			return error_set(err, ERR_CONFIG, "dns:tsig", "the "
			    "server refused the time of the TSIG signature "
			    "(BADTIME)");
		return error_set(err, ERR_CONFIG, "dns:tsig", "the server "
		    "refused the time of the TSIG signature (BADTIME): the "
		    "clock of this machine is %lld s %s the server's",
		    (long long)(off < 0 ? -off : off),
		    off < 0 ? "behind" : "ahead of");
	case TSIG_BADTRUNC:
		return error_set(err, ERR_CONFIG, "dns:tsig", "the server "
		    "refused the TSIG signature (BADTRUNC)");
	default:
		return error_set(err, ERR_CONFIG, "dns:tsig", "the server "
		    "refused the TSIG signature (error %u)", t->error);
	}
}

static int
explain_rcode(const struct update_op *op, unsigned rcode, struct error *err)
{
	char text[DNSMSG_RCODE_MAX];

	(void)dnsmsg_rcode(rcode, text);
	switch (rcode) {
	case LDNS_RCODE_REFUSED:
		return error_set(err, ERR_CONFIG, "dns:refused-update",
		    "the server refuses the update (REFUSED): its update "
		    "policy does not let key %s change the TXT records of %s",
		    op->key.name, op->fqdn);
	case LDNS_RCODE_NOTAUTH:
		return error_set(err, ERR_CONFIG, "dns:zone", "the server is "
		    "not authoritative for zone %s, or does not let key %s "
		    "update it (NOTAUTH)", op->zone, op->key.name);
	case LDNS_RCODE_NOTZONE:
		return error_set(err, ERR_CONFIG, "dns:zone", "%s is not in "
		    "zone %s (NOTZONE)", op->fqdn, op->zone);
	case LDNS_RCODE_NOTIMPL:
		return error_set(err, ERR_CONFIG, "dns:refused-update",
		    "the server does not do dynamic updates (NOTIMP)");
	case LDNS_RCODE_SERVFAIL:
		return error_set(err, ERR_TRANSIENT, "dns:servfail",
		    "the server could not do the update of %s (SERVFAIL)",
		    op->fqdn);
	default:
		return error_set(err, ERR_REJECTED, "dns:update",
		    "the server answers the update of %s with %s", op->fqdn,
		    text);
	}
}

/* 0 if the update is done. */
static int
judge(const struct update_op *op, unsigned rcode,
    const struct tsig_reply *t, struct error *err)
{
	if (rcode == LDNS_RCODE_NOTAUTH && t->is_signed && t->error != 0)
		return explain_tsig(op, t, err);
	if (rcode != LDNS_RCODE_NOERROR)
		return explain_rcode(op, rcode, err);
	if (!t->is_signed)
		return error_set(err, ERR_TRANSIENT, "dns:unsigned",
		    "the reply to the update is not signed");
	if (!t->is_verified)
		return error_set(err, ERR_TRANSIENT, "dns:unsigned",
		    "the reply to the update is not signed by key %s",
		    op->key.name);
	return 0;
}

static void
sent_done(const struct error *qerr, const struct dnsq_reply *reply, void *arg)
{
	struct update_op *op = arg;
	struct tsig_reply t;
	struct error err;

	op->query = NULL;
	if (qerr != NULL) {
		finish(op, qerr);	/* names the server already */
		return;
	}
	if (tsig_check(&op->key, &op->mac, reply->wire, reply->wire_len, &t,
	    &err) == -1) {
		fail(op, &err);
		return;
	}
	if (t.error == TSIG_BADTIME && t.is_verified && t.server_time != 0 &&
	    !op->is_retry) {
		op->is_retry = true;
		op->clock_off = (int64_t)t.server_time -
		    (int64_t)clock_now();
		log_debug(NULL, "%s: our clock is off by %lld s",
		    op->server.text, (long long)-op->clock_off);
		timer_set(&op->step, 0);
		return;
	}
	if (judge(op, reply->wire[3] & 0x0f, &t, &err) == -1)
		fail(op, &err);
	else
		finish(op, NULL);
}

static void
send_update(struct update_op *op)
{
	struct dnsq_args a = { .server = &op->server };
	uint8_t *msg = NULL;
	struct error err;

	if (dnsmsg_update(&op->update, (uint16_t)arc4random(), &msg,
	    &a.msg_len, &err) == -1 ||
	    tsig_sign(&op->key, (uint64_t)(clock_now() + op->clock_off), &msg,
	    &a.msg_len, &op->mac, &err) == -1) {
		free(msg);
		fail(op, &err);
		return;
	}
	a.msg = msg;
	a.timeout_ms = time_left(op);
	op->query = dnsq_start(op->loop, &a, sent_done, op);
	free(msg);
}

/* The zone */

static void
soa_done(const struct error *qerr, const struct dnsq_reply *reply, void *arg)
{
	struct update_op *op = arg;
	struct error err;

	op->query = NULL;
	if (qerr != NULL) {
		finish(op, qerr);
		return;
	}
	/* Only what it serves itself: not a referral, not its cache. */
	if (ldns_pkt_aa(reply->pkt) &&
	    dnsmsg_apex(reply->pkt, op->at, op->zone)) {
		timer_set(&op->step, 0);
		return;
	}
	op->zone[0] = '\0';
	op->at = dname_parent(op->at);
	if (op->at == NULL || op->at[0] == '\0') {
		(void)error_set(&err, ERR_CONFIG, "dns:zone",
		    "the server has no zone for %s", op->fqdn);
		fail(op, &err);
		return;
	}
	timer_set(&op->step, 0);
}

static void
step_cb(void *arg)
{
	struct update_op *op = arg;
	struct dnsq_args a = { .server = &op->server, .name = op->at,
	    .type = LDNS_RR_TYPE_SOA };

	if (op->zone[0] != '\0') {
		send_update(op);
		return;
	}
	a.timeout_ms = time_left(op);
	if (a.timeout_ms > SOA_TIMEOUT_MS)
		a.timeout_ms = SOA_TIMEOUT_MS;
	op->query = dnsq_start(op->loop, &a, soa_done, op);
}

struct update_op *
update_start(struct loop *loop, const struct update_args *a,
    update_done_cb *done, void *arg)
{
	struct update_op *op = xcalloc(1, sizeof(*op));

	op->loop = loop;
	op->done = done;
	op->arg = arg;
	op->server = *a->server;
	tsig_key_copy(&op->key, a->key);
	(void)text_printf(op->zone, sizeof(op->zone), "%s", a->zone);
	(void)text_printf(op->fqdn, sizeof(op->fqdn), "%s", a->fqdn);
	op->values = xcalloc(a->n_values, sizeof(*op->values));
	while (op->n_values < a->n_values) {
		op->values[op->n_values] = xstrdup(a->values[op->n_values]);
		op->n_values++;
	}
	op->at = op->fqdn;
	op->update = (struct dnsmsg_update){ .zone = op->zone,
	    .fqdn = op->fqdn, .values = (const char *const *)op->values,
	    .n_values = op->n_values, .is_add = a->is_add, .ttl = a->ttl };
	op->deadline = clock_mono_ms() + a->timeout_ms;
	timer_init(&op->step, loop, step_cb, op);
	timer_set(&op->step, 0);
	return op;
}
