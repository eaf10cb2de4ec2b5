/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/txtget.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define NAME "_validation-persist.example.test"
#define ACCOUNT "https://ca.test/acct/1"
#define RIGHT "ca.test; accounturi=" ACCOUNT "; policy=wildcard"
#define TXT LDNS_RR_TYPE_TXT

enum { N_SERVERS = 3 };

static const struct fake_rr nothing[] = { { .qname = NULL } };
static const struct fake_rr right[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v=spf1 -all" },
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = RIGHT },
	{ .qname = NULL }
};
static const struct fake_rr until[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT,
	    .data = RIGHT "; persistUntil=1800000000" },
	{ .qname = NULL }
};
static const struct fake_rr old[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT,
	    .data = RIGHT "; persistUntil=5" },
	{ .qname = NULL }
};
static const struct fake_rr plain[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT,
	    .data = "ca.test; accounturi=" ACCOUNT },
	{ .qname = NULL }
};
static const struct fake_rr elsewhere[] = {	/* not at the name asked */
	{ .qname = NAME, .qtype = TXT, .owner = "x.test", .type = TXT,
	    .data = RIGHT },
	{ .qname = NULL }
};

struct world {
	struct loop	*loop;
	struct fakedns	 fake[N_SERVERS], resolver;
	struct dns	*dns;
	struct dns_server servers[N_SERVERS];
	struct persist_look_op *op;
	int		 calls;
	struct error	 err;
	struct persist_verdict verdict;
	char		 note[512], values[1024];
};

/* The zone that is found: this world's servers. */
static struct world *here;
static struct zone zone_here;
static struct timer zone_timer;
static zone_done_cb *zone_done;
static void *zone_arg;
static bool zone_fails;

struct zone_op	*__wrap_zone_start(struct dns *, const char *, unsigned,
		    zone_done_cb *, void *);
void		 __wrap_zone_cancel(struct zone_op *);

static void
zone_cb(void *arg)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:resolver", "no resolver");
	if (zone_fails)
		zone_done(&err, NULL, zone_arg);
	else
		zone_done(NULL, &zone_here, zone_arg);
}

struct zone_op *
__wrap_zone_start(struct dns *dns, const char *fqdn, unsigned ms,
    zone_done_cb *done, void *arg)
{
	assert_string_equal(fqdn, NAME);
	zone_done = done;
	zone_arg = arg;
	timer_init(&zone_timer, here->loop, zone_cb, NULL);
	timer_set(&zone_timer, 0);
	return (struct zone_op *)&zone_timer;
}

void
__wrap_zone_cancel(struct zone_op *op)
{
	if (op != NULL)
		timer_clear(&zone_timer);
}

static void
world_init(struct world *w)
{
	const char *resolvers[2] = { NULL, NULL };
	struct error err;

	memset(w, 0, sizeof(*w));
	here = w;
	zone_fails = false;
	w->loop = loop_new();
	for (int i = 0; i < N_SERVERS; i++) {
		fakedns_init(&w->fake[i], w->loop, 2 + i, right);
		w->servers[i] = w->fake[i].server;
		(void)snprintf(w->servers[i].name, DNAME_SIZE, "ns%d.test",
		    i + 1);
	}
	fakedns_init(&w->resolver, w->loop, 9, nothing);
	w->resolver.mode = FAKE_LAME;	/* as resolvers are */
	resolvers[0] = w->resolver.server.text;
	w->dns = dns_new(w->loop, resolvers, &err);
	zone_here = (struct zone){ .fqdn = NAME, .apex = "example.test",
	    .servers = w->servers, .n_servers = N_SERVERS };
}

static void
world_clear(struct world *w)
{
	dns_free(w->dns);
	for (int i = 0; i < N_SERVERS; i++)
		fakedns_clear(&w->fake[i]);
	fakedns_clear(&w->resolver);
	loop_free(w->loop);
}

static void
looked(const struct error *err, const struct persist_look_reply *r, void *arg)
{
	struct world *w = arg;

	w->op = NULL;
	w->calls++;
	if (err != NULL) {
		w->err = *err;
		return;
	}
	w->verdict = r->verdict;
	assert_string_equal(r->zone->apex, "example.test");
	memcpy(w->note, r->note, sizeof(w->note));
	for (size_t i = 0; i < r->n_values; i++)
		(void)text_printf(w->values + strlen(w->values),
		    sizeof(w->values) - strlen(w->values), "%s|",
		    r->values[i]);
}

static void
look(struct world *w, const char *name)
{
	static const char *const issuers[] = { "ca.test", NULL };
	struct persist_want want = { .issuers = issuers, .account = ACCOUNT,
	    .now = 1700000000 };

	w->op = persist_look_start(w->dns, name, &want, looked, w);
	assert_int_equal(w->calls, 0);
	fakedns_run(w->loop, &w->calls, 12000);
	assert_int_equal(w->calls, 1);
}

static void
test_servers(void **state)
{
	static const struct {
		const char	*what, *name;
		const struct fake_rr *rrs[N_SERVERS];
		enum persist_match want;
		time_t		 until;
		const char	*why;		/* or NULL: none */
		const char	*values;
	} cases[] = {
		{ "all", "example.test", { right, right, right },
		    PERSIST_RIGHT, 0, NULL, "v=spf1 -all|" RIGHT "|" },
		{ "one has none", "example.test", { right, nothing, right },
		    PERSIST_NONE, 0, "is not there at ns2.test (127.0.0.3",
		    "v=spf1 -all|" RIGHT "|" },
		{ "the first has none", "example.test", { nothing, right,
		    right }, PERSIST_NONE, 0, "is not there at ns1.test",
		    "v=spf1 -all|" RIGHT "|" },
		{ "nobody has one", "example.test", { nothing, elsewhere,
		    nothing }, PERSIST_NONE, 0, "is not there", "" },
		{ "the earliest end counts", "example.test", { right, until,
		    right }, PERSIST_RIGHT, 1800000000, NULL, NULL },
		{ "one is old", "example.test", { until, right, old },
		    PERSIST_EXPIRED, 5, "00:00:05Z at ns3.test", NULL },
		{ "plain for a name", "example.test", { plain, plain,
		    plain }, PERSIST_RIGHT, 0, NULL, NULL },
		{ "plain for a wildcard", "*.example.test", { plain, plain,
		    plain }, PERSIST_NO_WILDCARD, 0, "policy=wildcard",
		    NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_init(&w);
		for (int k = 0; k < N_SERVERS; k++)
			w.fake[k].rrs = cases[i].rrs[k];
		look(&w, cases[i].name);
		if (w.err.kind != ERR_NONE ||
		    w.verdict.match != cases[i].want ||
		    w.verdict.until != cases[i].until ||
		    (cases[i].why == NULL) != (w.verdict.why[0] == '\0') ||
		    (cases[i].why != NULL &&
		    strstr(w.verdict.why, cases[i].why) == NULL) ||
		    (cases[i].values != NULL &&
		    strcmp(w.values, cases[i].values) != 0))
			fail_msg("%s: %s: %s: %s", cases[i].what,
			    persist_match_name(w.verdict.match),
			    w.verdict.why, w.values);
		assert_string_equal(w.note, "");
		assert_int_equal(w.resolver.n_queries, 0);
		world_clear(&w);
	}
}

/* Who gives no usable answer does not count, and is named. */
static void
test_dead_server(void **state)
{
	struct world w;

	world_init(&w);
	w.fake[0].mode = FAKE_REFUSED;
	w.fake[2].mode = FAKE_LAME;
	look(&w, "example.test");
	assert_int_equal(w.verdict.match, PERSIST_RIGHT);
	assert_non_null(strstr(w.note, "ns1.test (127.0.0.2"));
	assert_non_null(strstr(w.note, "answered REFUSED, ns3.test"));
	assert_non_null(strstr(w.note, "is not authoritative"));
	world_clear(&w);
}

static void
test_resolvers(void **state)
{
	struct world w;

	for (int no_servers = 0; no_servers < 2; no_servers++) {
		world_init(&w);
		for (int i = 0; i < N_SERVERS; i++)
			w.fake[i].mode = FAKE_SERVFAIL;
		if (no_servers)
			zone_here.n_servers = 0;
		w.resolver.rrs = right;
		look(&w, "example.test");
		assert_int_equal(w.verdict.match, PERSIST_RIGHT);
		assert_true(w.resolver.saw_rd);
		world_clear(&w);
	}
	world_init(&w);
	for (int i = 0; i < N_SERVERS; i++)
		w.fake[i].mode = FAKE_REFUSED;
	w.resolver.mode = FAKE_SERVFAIL;
	look(&w, "example.test");
	assert_string_equal(w.err.code, "dns:no-answer");
	assert_int_equal(w.err.kind, ERR_TRANSIENT);
	assert_non_null(strstr(w.err.msg, "ns1.test"));
	assert_non_null(strstr(w.err.msg, "answered SERVFAIL"));
	world_clear(&w);
	world_init(&w);
	zone_fails = true;
	look(&w, "example.test");
	assert_string_equal(w.err.code, "dns:resolver");
	world_clear(&w);
}

static void
test_cancel(void **state)
{
	struct persist_want want = { .account = ACCOUNT };
	int never = 0;
	struct world w;

	persist_look_cancel(NULL);
	for (int turns = 0; turns < 3; turns++) {
		world_init(&w);
		w.op = persist_look_start(w.dns, "example.test", &want,
		    looked, &w);
		for (int i = 0; i < turns; i++)
			loop_turn(w.loop);
		if (w.calls == 0)
			persist_look_cancel(w.op);
		w.calls = 0;
		fakedns_run(w.loop, &never, 50);
		assert_int_equal(w.calls, 0);
		world_clear(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_dead_server),
		cmocka_unit_test(test_resolvers),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
