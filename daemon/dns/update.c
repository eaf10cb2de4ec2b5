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
#include "daemon/io/loop.h"

#define SOA_TIMEOUT_MS 3000
#define COUNT_TIMEOUT_MS 5000
#define MANY_VALUES 50			/* worth a word when an add fails */
#define NS_MAX 4

/* How the server is asked for the zone. */
enum how { BY_UDP, BY_TCP, SIGNED };

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
	enum how	 how;
	/* The server has delegated cut ("": nothing) to another. */
	char		 cut[DNAME_SIZE], cut_to[DNAME_SIZE];
	bool		 is_found;	/* zone was asked for, not given */
	struct error	 why;		/* of an update in the wrong zone; kind
					   ERR_NONE: none */
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
	op->done(err, op->zone, op->arg);
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
explain_rcode(const struct update_op *op, unsigned rcode, bool is_signed,
    struct error *err)
{
	char text[DNSMSG_RCODE_MAX], now[TEXT_TIME_MAX];

	(void)dnsmsg_rcode(rcode, text);
	switch (rcode) {
	case LDNS_RCODE_REFUSED:
		/* PowerDNS says so of all that is wrong with a signature. */
		if (!is_signed)
			return error_set(err, ERR_CONFIG, "dns:tsig", "the "
			    "server refuses the update (REFUSED) without a "
			    "signature of its own, so that key %s is not what "
			    "it expects: see key_name, key_secret and "
			    "key_algorithm, the clock (here it is %s), and "
			    "whether it takes updates from this address",
			    op->key.name, text_time(clock_now(), now));
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
		return explain_rcode(op, rcode, t->is_signed, err);
	if (!t->is_signed)
		return error_set(err, ERR_TRANSIENT, "dns:unsigned",
		    "the reply to the update is not signed");
	if (!t->is_verified)
		return error_set(err, ERR_TRANSIENT, "dns:unsigned",
		    "the reply to the update is not signed by key %s",
		    op->key.name);
	return 0;
}

/* The server's time, with which it is tried once more; false: it was. */
static bool
take_time(struct update_op *op, const struct tsig_reply *t)
{
	if (t->error != TSIG_BADTIME || !t->is_verified ||
	    t->server_time == 0 || op->is_retry)
		return false;
	op->is_retry = true;
	op->clock_off = (int64_t)t->server_time - (int64_t)clock_now();
	log_debug(NULL, "%s: our clock is off by %lld s", op->server.text,
	    (long long)-op->clock_off);
	timer_set(&op->step, 0);
	return true;
}

/* Ask for the zone again, signed: the key may have a view of its own. */
static void
walk_signed(struct update_op *op)
{
	op->how = SIGNED;
	op->zone[0] = op->cut[0] = '\0';
	op->at = op->fqdn;
	timer_set(&op->step, 0);
}

/* --- an add that failed: are there too many values? --- */

static void
counted(const struct error *qerr, const struct dnsq_reply *reply, void *arg)
{
	struct update_op *op = arg;
	size_t n = 0;
	bool has;

	op->query = NULL;
	if (qerr == NULL)
		n = dnsmsg_txt(reply->pkt, op->fqdn, "", &has);
	if (n >= MANY_VALUES)
		(void)error_set(&op->why, ERR_CONFIG, "dns:too-many", "the "
		    "server could not do the update (SERVFAIL): there are %zu "
		    "other values at %s, and BIND for one takes no more than "
		    "100; remove them", n, op->fqdn);
	fail(op, &op->why);
}

static void
count_values(struct update_op *op, const struct error *err)
{
	struct dnsq_args a = { .server = &op->server, .name = op->fqdn,
	    .type = LDNS_RR_TYPE_TXT, .by_tcp = true,
	    .timeout_ms = COUNT_TIMEOUT_MS };

	op->why = *err;
	op->query = dnsq_start(op->loop, &a, counted, op);
}

/* --- the update --- */

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
	if (take_time(op, &t))
		return;
	if (judge(op, reply->wire[3] & 0x0f, &t, &err) == 0) {
		finish(op, NULL);
	} else if (strcmp(err.code, "dns:zone") == 0 && op->is_found &&
	    op->how != SIGNED) {
		op->why = err;
		walk_signed(op);
	} else if (strcmp(err.code, "dns:servfail") == 0 &&
	    op->update.is_add && !op->update.is_caa) {
		count_values(op, &err);
	} else {
		fail(op, &err);
	}
}

/* Sign *msg and send it; msg is freed. */
static void
send_signed(struct update_op *op, uint8_t *msg, size_t len,
    dnsq_done_cb *done)
{
	struct dnsq_args a = { .server = &op->server, .msg_len = len,
	    .timeout_ms = time_left(op) };
	struct error err;

	if (tsig_sign(&op->key, (uint64_t)(clock_now() + op->clock_off), &msg,
	    &a.msg_len, &op->mac, &err) == -1) {
		free(msg);
		fail(op, &err);
		return;
	}
	a.msg = msg;
	op->query = dnsq_start(op->loop, &a, done, op);
	free(msg);
}

static void
send_update(struct update_op *op)
{
	uint8_t *msg = NULL;
	struct error err;
	size_t len;

	if (dnsmsg_update(&op->update, (uint16_t)arc4random(), &msg, &len,
	    &err) == -1) {
		free(msg);
		fail(op, &err);
		return;
	}
	send_signed(op, msg, len, sent_done);
}

/* --- the zone --- */

/* It has: an update above a delegation would be taken, and seen by nobody. */
static bool
is_cut_off(const struct update_op *op)
{
	return op->update.is_add && op->cut[0] != '\0' &&
	    strlen(op->cut) > strlen(op->zone);
}

static void
zone_found(struct update_op *op)
{
	struct error err;

	op->is_found = true;
	if (!is_cut_off(op)) {
		timer_set(&op->step, 0);
		return;
	}
	(void)error_set(&err, ERR_CONFIG, "dns:zone-cut", "%s is in zone %s, "
	    "which this server has delegated to %s, but the update would "
	    "change its own zone %s, where nobody sees the record; set server "
	    "to the primary of %s", op->fqdn, op->cut, op->cut_to, op->zone,
	    op->cut);
	fail(op, &err);
}

/* One label up; at the end there is no zone. */
static void
walk(struct update_op *op, const ldns_pkt *pkt)
{
	char names[NS_MAX][DNAME_SIZE], below[DNAME_SIZE];
	char rcode[DNSMSG_RCODE_MAX];
	struct error err;

	if (pkt != NULL && !ldns_pkt_aa(pkt) && op->cut[0] == '\0' &&
	    dnsmsg_referral(pkt, "", op->fqdn, below, names, NS_MAX) > 0) {
		(void)text_printf(op->cut, sizeof(op->cut), "%s", below);
		(void)text_printf(op->cut_to, sizeof(op->cut_to), "%s",
		    names[0]);
	}
	op->zone[0] = '\0';
	op->at = dname_parent(op->at);
	if (op->at != NULL && op->at[0] != '\0') {
		timer_set(&op->step, 0);
		return;
	}
	if (op->how != SIGNED) {
		walk_signed(op);
		return;
	}
	if (op->why.kind != ERR_NONE) {
		fail(op, &op->why);
		return;
	}
	(void)error_set(&err, ERR_CONFIG, "dns:zone",
	    "the server has no zone for %s%s%s%s", op->fqdn,
	    pkt == NULL ? "" : " (it answers ", pkt == NULL ? "" :
	    dnsmsg_rcode((unsigned)ldns_pkt_get_rcode(pkt), rcode),
	    pkt == NULL ? "" : ")");
	fail(op, &err);
}

/* Only what it serves itself: not a referral, not its cache. */
static void
take_soa(struct update_op *op, const ldns_pkt *pkt)
{
	if (pkt != NULL && ldns_pkt_aa(pkt) &&
	    dnsmsg_apex(pkt, op->at, op->zone))
		zone_found(op);
	else
		walk(op, pkt);
}

static void
soa_done(const struct error *qerr, const struct dnsq_reply *reply, void *arg)
{
	struct update_op *op = arg;

	op->query = NULL;
	if (qerr == NULL) {
		take_soa(op, reply->pkt);
	} else if (op->how == BY_UDP && qerr->kind == ERR_TRANSIENT) {
		op->how = BY_TCP;
		timer_set(&op->step, 0);
	} else {
		finish(op, qerr);
	}
}

static void
signed_soa_done(const struct error *qerr, const struct dnsq_reply *reply,
    void *arg)
{
	struct update_op *op = arg;
	struct tsig_reply t;
	struct error err;
	ldns_pkt *pkt;

	op->query = NULL;
	if (qerr != NULL) {
		if (op->why.kind != ERR_NONE)
			fail(op, &op->why);
		else
			finish(op, qerr);
		return;
	}
	if (tsig_check(&op->key, &op->mac, reply->wire, reply->wire_len, &t,
	    &err) == -1) {
		fail(op, &err);
		return;
	}
	if (take_time(op, &t))
		return;
	if ((reply->wire[3] & 0x0f) == LDNS_RCODE_NOTAUTH && t.is_signed &&
	    t.error != 0) {
		(void)explain_tsig(op, &t, &err);
		fail(op, &err);
		return;
	}
	pkt = dnsmsg_parse(reply->wire, reply->wire_len);
	take_soa(op, pkt);
	ldns_pkt_free(pkt);
}

static void
ask_signed(struct update_op *op)
{
	struct error err;
	uint8_t *msg;
	size_t len;

	if (dnsmsg_query(op->at, LDNS_RR_TYPE_SOA, false,
	    (uint16_t)arc4random(), &msg, &len, &err) == -1)
		fail(op, &err);
	else
		send_signed(op, msg, len, signed_soa_done);
}

static void
step_cb(void *arg)
{
	struct update_op *op = arg;
	struct dnsq_args a = { .server = &op->server, .name = op->at,
	    .type = LDNS_RR_TYPE_SOA, .by_tcp = op->how == BY_TCP };

	if (op->zone[0] != '\0') {
		send_update(op);
		return;
	}
	if (op->how == SIGNED) {
		ask_signed(op);
		return;
	}
	/* Silence over UDP must leave time for TCP. */
	a.timeout_ms = time_left(op) / 3 + 1;
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
	    .n_values = op->n_values, .is_add = a->is_add,
	    .is_caa = a->is_caa, .ttl = a->ttl };
	op->deadline = clock_mono_ms() + a->timeout_ms;
	timer_init(&op->step, loop, step_cb, op);
	timer_set(&op->step, 0);
	return op;
}
