/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_check.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/meta.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/caa.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/reach.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define LATENCY_MS 3

struct fake_check fake_check;

void
fake_check_reset(struct loop *loop)
{
	memset(&fake_check, 0, sizeof(fake_check));
	fake_check.loop = loop;
	fake_check.identities[0] = "ca.test";
}

static void
begin(struct timer *t, loop_cb *cb, void *arg)
{
	if (++fake_check.in_flight > fake_check.most)
		fake_check.most = fake_check.in_flight;
	timer_init(t, fake_check.loop, cb, arg);
	timer_set(t, LATENCY_MS);
}

static void
end(struct timer *t, void *op)
{
	timer_clear(t);
	fake_check.in_flight--;
	free(op);
}

struct acme_meta_op {
	struct timer	 answer;
	acme_meta_done_cb *done;
	void		*arg;
};

void
acme_meta_cancel(struct acme_meta_op *op)
{
	if (op != NULL)
		end(&op->answer, op);
}

static void
meta_cb(void *arg)
{
	struct acme_meta_op *op = arg;
	struct acme_meta meta = { .terms = fake_check.terms,
	    .eab_required = fake_check.eab_required,
	    .caa_identities = fake_check.identities };

	if (fake_check.meta_err.kind != ERR_NONE)
		op->done(&fake_check.meta_err, NULL, op->arg);
	else
		op->done(NULL, &meta, op->arg);
	acme_meta_cancel(op);
}

struct acme_meta_op *
acme_meta_start(struct http *http, const struct acme_meta_args *a,
    acme_meta_done_cb *done, void *arg)
{
	struct acme_meta_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	fake_check.n_metas++;
	begin(&op->answer, meta_cb, op);
	return op;
}

struct caa_op {
	struct timer	 answer;
	bool		 is_refused;
	caa_done_cb	*done;
	void		*arg;
};

void
caa_cancel(struct caa_op *op)
{
	if (op != NULL)
		end(&op->answer, op);
}

static void
caa_cb(void *arg)
{
	struct caa_op *op = arg;
	struct caa_reply reply = { .is_allowed = !op->is_refused,
	    .at = "a.test", .refusal = { "not you", "add the record" } };

	op->done(NULL, &reply, op->arg);
	caa_cancel(op);
}

struct caa_op *
caa_start(struct dns *dns, const struct caa_args *a, caa_done_cb *done,
    void *arg)
{
	struct caa_op *op = xcalloc(1, sizeof(*op));

	op->is_refused = fake_check.caa_refused != NULL &&
	    strcmp(a->name, fake_check.caa_refused) == 0;
	(void)text_printf(fake_check.caa_account,
	    sizeof(fake_check.caa_account), "%s", a->account);
	(void)text_printf(fake_check.caa_method,
	    sizeof(fake_check.caa_method), "%s", a->method);
	op->done = done;
	op->arg = arg;
	fake_check.n_caas++;
	begin(&op->answer, caa_cb, op);
	return op;
}

struct dnssec_op {
	struct timer	 answer;
	dnssec_done_cb	*done;
	void		*arg;
};

void
dnssec_cancel(struct dnssec_op *op)
{
	if (op != NULL)
		end(&op->answer, op);
}

static void
dnssec_cb(void *arg)
{
	struct dnssec_op *op = arg;
	struct dnssec_reply reply = { .state = fake_check.dnssec,
	    .resolver = "192.0.2.9" };

	op->done(NULL, &reply, op->arg);
	dnssec_cancel(op);
}

struct dnssec_op *
dnssec_start(struct dns *dns, const char *apex, unsigned timeout_ms,
    dnssec_done_cb *done, void *arg)
{
	struct dnssec_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	fake_check.n_dnssecs++;
	begin(&op->answer, dnssec_cb, op);
	return op;
}

struct nscheck_op {
	struct timer	 answer;
	struct zone	 zone;
	nscheck_done_cb	*done;
	void		*arg;
};

void
nscheck_cancel(struct nscheck_op *op)
{
	if (op == NULL)
		return;
	zone_clear(&op->zone);
	end(&op->answer, op);
}

static void
nscheck_cb(void *arg)
{
	struct nscheck_op *op = arg;
	struct nscheck_server s = { .server = op->zone.servers };
	struct nscheck_reply reply = { .servers = &s, .n_servers = 1 };

	if (fake_check.dead_tcp != NULL &&
	    strcmp(op->zone.apex, fake_check.dead_tcp) == 0) {
		(void)text_printf(s.tcp, sizeof(s.tcp), "does not answer");
		reply.n_bad = 1;
	}
	op->done(&reply, op->arg);
	nscheck_cancel(op);
}

struct nscheck_op *
nscheck_start(struct dns *dns, const struct zone *zone, unsigned timeout_ms,
    nscheck_done_cb *done, void *arg)
{
	struct nscheck_op *op = xcalloc(1, sizeof(*op));

	zone_copy(&op->zone, zone);
	op->done = done;
	op->arg = arg;
	fake_check.n_nschecks++;
	begin(&op->answer, nscheck_cb, op);
	return op;
}

struct reach_op {
	struct timer	 answer;
	reach_done_cb	*done;
	void		*arg;
};

void
reach_cancel(struct reach_op *op)
{
	if (op != NULL)
		end(&op->answer, op);
}

static void
reach_cb(void *arg)
{
	struct reach_op *op = arg;
	const struct error *err = fake_check.reach_err.kind == ERR_NONE ?
	    NULL : &fake_check.reach_err;

	op->done(err, op->arg);
	reach_cancel(op);
}

struct reach_op *
reach_start(struct dns *dns, const char *name, unsigned timeout_ms,
    reach_done_cb *done, void *arg)
{
	struct reach_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	fake_check.n_reaches++;
	begin(&op->answer, reach_cb, op);
	return op;
}

struct dns_addrs_op {
	struct timer	 answer;
	dns_addrs_done_cb *done;
	void		*arg;
};

void
dns_addrs_cancel(struct dns_addrs_op *op)
{
	if (op != NULL)
		end(&op->answer, op);
}

static void
addrs_cb(void *arg)
{
	struct dns_addrs_op *op = arg;
	struct dns_addrs_reply reply = { .n = fake_check.addresses != NULL };
	struct error ignored;

	if (reply.n > 0 && dnsaddr_parse(fake_check.addresses,
	    &reply.list[0], &ignored) == -1)
		abort();
	if (reply.n > 0)
		(void)text_printf(reply.text, sizeof(reply.text), "%s",
		    fake_check.addresses);
	op->done(NULL, &reply, op->arg);
	dns_addrs_cancel(op);
}

struct dns_addrs_op *
dns_addrs_start(struct dns *dns, const char *name, unsigned timeout_ms,
    dns_addrs_done_cb *done, void *arg)
{
	struct dns_addrs_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	begin(&op->answer, addrs_cb, op);
	return op;
}
