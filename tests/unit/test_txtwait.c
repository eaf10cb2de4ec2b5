/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/zone.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/dns/txtwait.h"
#include "daemon/io/loop.h"

#define NAME "_acme-challenge.example.test"
#define TXT LDNS_RR_TYPE_TXT

enum { N_SERVERS = 3, NOBODY = -1 };

static const struct fake_rr at_once[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "other" },
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v1" },
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v2" },
	{ .qname = NULL }
};
static const struct fake_rr third[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v1" },
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v2", .from = 3 },
	{ .qname = NULL }
};
static const struct fake_rr others[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "other" },
	{ .qname = NULL }
};
static const struct fake_rr elsewhere[] = {	/* not at the name asked */
	{ .qname = NAME, .qtype = TXT, .owner = "x.test", .type = TXT,
	    .data = "v1" },
	{ .qname = NULL }
};
static const struct fake_rr going[] = {
	{ .qname = NAME, .qtype = TXT, .type = TXT, .data = "v1",
	    .until = 3 },
	{ .qname = NULL }
};
static const struct fake_rr nothing[] = { { .qname = NULL } };

/* What the callbacks saw. */
struct seen {
	struct txtwait_op *op;
	int		 calls;
	struct error	 err;
	struct txtwait_reply reply;
	int		 lines;
	char		 line[512];
};

static void
done(const struct error *err, const struct txtwait_reply *reply, void *arg)
{
	struct seen *s = arg;

	s->op = NULL;
	s->calls++;
	memset(&s->err, 0, sizeof(s->err));
	if (err != NULL)
		s->err = *err;
	else
		s->reply = *reply;
}

static void
progress(const char *line, void *arg)
{
	struct seen *s = arg;

	s->lines++;
	(void)snprintf(s->line, sizeof(s->line), "%s", line);
}

/* Servers, a resolver behind them, and a zone that names the servers. */
struct world {
	struct loop	*loop;
	struct fakedns	 fake[N_SERVERS], resolver;
	struct dns	*dns;
	struct dns_server servers[N_SERVERS];
	struct zone	 zone;
	struct seen	 seen;
};

static void
world_init(struct world *w)
{
	const char *resolvers[2] = { NULL, NULL };
	struct error err;

	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	for (int i = 0; i < N_SERVERS; i++) {
		fakedns_init(&w->fake[i], w->loop, 2 + i, nothing);
		w->servers[i] = w->fake[i].server;
	}
	fakedns_init(&w->resolver, w->loop, 9, nothing);
	w->resolver.mode = FAKE_LAME;	/* as resolvers are */
	resolvers[0] = w->resolver.server.text;
	w->dns = dns_new(w->loop, resolvers, &err);
	assert_non_null(w->dns);
	(void)snprintf(w->zone.fqdn, sizeof(w->zone.fqdn), NAME);
	(void)snprintf(w->zone.apex, sizeof(w->zone.apex), "example.test");
	w->zone.servers = w->servers;
	w->zone.n_servers = N_SERVERS;
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
begin(struct world *w, enum txtwait_whom whom,
    const struct txtwait_item *items, size_t n, unsigned timeout_ms,
    unsigned patience_ms)
{
	struct txtwait_args a = { .items = items, .n_items = n,
	    .whom = whom, .timeout_ms = timeout_ms, .patience_ms = patience_ms,
	    .progress = progress };

	w->seen.op = txtwait_start(w->dns, &a, done, &w->seen);
	assert_int_equal(w->seen.calls, 0);
}

struct behaviour {
	int		 mode;		/* enum fake_mode or NOBODY */
	const struct fake_rr *rrs;
};

static const struct waitcase {
	const char	*what;
	struct behaviour servers[N_SERVERS];
	const struct fake_rr *resolver;	/* NULL: has nothing */
	enum txtwait_whom whom;
	bool		 gone;		/* wait for absence */
	enum err_kind	 kind;
	const char	*says;		/* in the note or the error */
	int		 lines;		/* of progress, at least */
	bool		 tcp;		/* must have been used */
	unsigned	 at_least_ms, at_most_ms;
} cases[] = {
	{ .what = "all show at once", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_NORMAL, at_once }, { FAKE_NORMAL, at_once } },
	    .at_most_ms = 100 },
	{ .what = "one at the third poll", .servers = { { FAKE_NORMAL,
	    at_once }, { FAKE_NORMAL, third }, { FAKE_NORMAL, at_once } },
	    .lines = 1, .at_least_ms = 50, .at_most_ms = 250 },
	{ .what = "one never", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_NORMAL, others }, { FAKE_NORMAL, at_once } },
	    .kind = ERR_TRANSIENT, .lines = 1,
	    .says = "ns3.test (127.0.0.3:PORT) shows 1 other value" },
	{ .what = "none has a record", .servers = { { FAKE_NORMAL, nothing },
	    { FAKE_NORMAL, nothing }, { FAKE_NORMAL, elsewhere } },
	    .kind = ERR_TRANSIENT, .lines = 1,
	    .says = "ns3.test (127.0.0.3:PORT) has no record" },
	{ .what = "a dead one", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_SILENT, nothing }, { FAKE_NORMAL, third } }, .lines = 0,
	    .says = "ns3.test (127.0.0.3:PORT) gives no reply",
	    .at_least_ms = 200, .at_most_ms = 400 },
	{ .what = "one where nobody listens", .servers = { { FAKE_NORMAL,
	    at_once }, { NOBODY, nothing }, { FAKE_NORMAL, at_once } },
	    .lines = 1, .says = "nobody listens", .at_least_ms = 200,
	    .at_most_ms = 400 },
	{ .what = "one REFUSED", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_REFUSED, at_once }, { FAKE_NORMAL, at_once } },
	    .lines = 1, .at_least_ms = 200, .at_most_ms = 400,
	    .says = "ns3.test (127.0.0.3:PORT) answers REFUSED" },
	{ .what = "one lame", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_LAME, at_once }, { FAKE_NORMAL, at_once } },
	    .lines = 1, .at_least_ms = 200, .at_most_ms = 400,
	    .says = "ns3.test (127.0.0.3:PORT) is not authoritative" },
	{ .what = "a dead one does not excuse another", .servers = {
	    { FAKE_NORMAL, nothing }, { FAKE_SILENT, nothing },
	    { FAKE_NORMAL, nothing } }, .kind = ERR_TRANSIENT, .lines = 0,
	    .says = "ns4.test (127.0.0.4:PORT) has no record" },
	{ .what = "over TCP", .servers = { { FAKE_TRUNCATED, at_once },
	    { FAKE_TRUNCATED, at_once }, { FAKE_TRUNCATED, at_once } },
	    .tcp = true, .at_most_ms = 100 },
	{ .what = "forged ids", .servers = { { FAKE_WRONG_ID, at_once },
	    { FAKE_WRONG_ID, at_once }, { FAKE_WRONG_NAME, at_once } },
	    .at_most_ms = 100 },
	{ .what = "garbage", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_GARBAGE, at_once }, { FAKE_NORMAL, at_once } },
	    .at_least_ms = 200, .at_most_ms = 400, .says = "ns3.test" },
	{ .what = "all firewalled", .servers = { { FAKE_SILENT, nothing },
	    { FAKE_SILENT, nothing }, { FAKE_SILENT, nothing } },
	    .resolver = at_once, .says = "asked the resolvers",
	    .at_least_ms = 200, .at_most_ms = 400 },
	{ .what = "all refused: at once", .servers = { { NOBODY, nothing },
	    { NOBODY, nothing }, { NOBODY, nothing } },
	    .resolver = at_once, .says = "asked the resolvers",
	    .at_most_ms = 150 },
	{ .what = "resolver has not", .servers = { { NOBODY, nothing },
	    { NOBODY, nothing }, { NOBODY, nothing } },
	    .kind = ERR_TRANSIENT, .says = "resolver 127.0.0.9:PORT has no "
	    "record", .lines = 1 },
	{ .what = "resolvers only", .servers = { { FAKE_NORMAL, nothing },
	    { FAKE_SILENT, nothing }, { FAKE_NORMAL, others } },
	    .whom = TXTWAIT_RESOLVERS, .resolver = at_once,
	    .at_most_ms = 100 },
	{ .what = "resolvers only, but they have not", .servers = {
	    { FAKE_NORMAL, at_once }, { FAKE_NORMAL, at_once },
	    { FAKE_NORMAL, at_once } }, .whom = TXTWAIT_RESOLVERS,
	    .kind = ERR_TRANSIENT, .lines = 1,
	    .says = "resolver 127.0.0.9:PORT has no record" },
	{ .what = "both", .servers = { { FAKE_NORMAL, at_once },
	    { FAKE_NORMAL, third }, { FAKE_NORMAL, at_once } },
	    .whom = TXTWAIT_BOTH, .resolver = at_once, .lines = 1,
	    .at_least_ms = 50, .at_most_ms = 250 },
	{ .what = "both, a dead one is still told", .servers = {
	    { FAKE_NORMAL, at_once }, { FAKE_SILENT, nothing },
	    { FAKE_NORMAL, at_once } }, .whom = TXTWAIT_BOTH,
	    .resolver = at_once, .at_least_ms = 200, .at_most_ms = 400,
	    .says = "ns3.test (127.0.0.3:PORT) gives no reply" },
	{ .what = "both, but the resolver has not", .servers = {
	    { FAKE_NORMAL, at_once }, { FAKE_NORMAL, at_once },
	    { FAKE_NORMAL, at_once } }, .whom = TXTWAIT_BOTH,
	    .kind = ERR_TRANSIENT, .lines = 1,
	    .says = "resolver 127.0.0.9:PORT has no record" },
	{ .what = "gone at the third poll", .servers = { { FAKE_NORMAL,
	    nothing }, { FAKE_NORMAL, going }, { FAKE_NORMAL, others } },
	    .gone = true, .lines = 1, .at_most_ms = 250 },
	{ .what = "never gone", .servers = { { FAKE_NORMAL, nothing },
	    { FAKE_NORMAL, at_once }, { FAKE_NORMAL, others } },
	    .gone = true, .lines = 1, .kind = ERR_TRANSIENT,
	    .says = "ns3.test (127.0.0.3:PORT) still shows 2 old values" },
};

/* "PORT" in says is the port of whoever is meant. */
static bool
contains(const struct world *w, const char *text, const char *says)
{
	const char *port = strstr(says, "PORT");
	const struct dns_server *all[N_SERVERS + 1];
	char want[256];

	if (port == NULL)
		return strstr(text, says) != NULL;
	for (int i = 0; i < N_SERVERS; i++)
		all[i] = &w->fake[i].server;
	all[N_SERVERS] = &w->resolver.server;
	for (int i = 0; i <= N_SERVERS; i++) {
		(void)snprintf(want, sizeof(want), "%.*s%s%s",
		    (int)(port - says), says, strchr(all[i]->text, ':') + 1,
		    port + 4);
		if (strstr(text, want) != NULL)
			return true;
	}
	return false;
}

static void
run_case(const struct waitcase *c)
{
	struct txtwait_item items[2];
	struct world w;
	int64_t ms = clock_mono_ms();
	unsigned n_tcp = 0;
	const char *text;

	world_init(&w);
	for (int i = 0; i < N_SERVERS; i++) {
		w.fake[i].rrs = c->servers[i].rrs;
		if (c->servers[i].mode == NOBODY)
			fakedns_nobody(&w.servers[i], 2 + i);
		else
			w.fake[i].mode = (enum fake_mode)c->servers[i].mode;
	}
	if (c->resolver != NULL)
		w.resolver.rrs = c->resolver;
	for (int i = 0; i < 2; i++)
		items[i] = (struct txtwait_item){ .zone = &w.zone,
		    .value = i == 0 ? "v1" : "v2", .present = !c->gone };
	begin(&w, c->whom, items, 2, 600, 200);
	fakedns_run(w.loop, &w.seen.calls, 3000);
	ms = clock_mono_ms() - ms;
	text = w.seen.err.kind == ERR_NONE ? w.seen.reply.note :
	    w.seen.err.msg;
	for (int i = 0; i < N_SERVERS; i++)
		n_tcp += w.fake[i].n_tcp;
	if (w.seen.calls != 1 || w.seen.err.kind != c->kind ||
	    (c->says != NULL && !contains(&w, text, c->says)) ||
	    (c->says == NULL && text[0] != '\0') ||
	    w.seen.lines < c->lines || (c->lines == 0 && c->says == NULL &&
	    w.seen.lines > 0) || (n_tcp > 0 && c->kind == ERR_NONE) != c->tcp ||
	    ms < c->at_least_ms ||
	    (c->at_most_ms > 0 && ms > c->at_most_ms * 10))
		fail_msg("%s: calls %d, kind %s, \"%s\", %d lines (%s), "
		    "%u tcp, %lld ms", c->what, w.seen.calls,
		    err_kind_name(w.seen.err.kind), text, w.seen.lines,
		    w.seen.line, n_tcp, (long long)ms);
	assert_int_equal(*dns_in_flight(w.dns), 0);
	assert_false(w.fake[0].saw_rd);
	if (c->whom == TXTWAIT_RESOLVERS)
		assert_int_equal(w.fake[0].n_queries, 0);
	if (c->resolver != NULL)
		assert_true(w.resolver.saw_rd);
	world_clear(&w);
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		run_case(&cases[i]);
}

/* A server that agreed is not asked again. */
static void
test_asked_once(void **state)
{
	struct txtwait_item item;
	struct world w;

	world_init(&w);
	w.fake[0].rrs = w.fake[2].rrs = at_once;
	w.fake[1].rrs = third;
	item = (struct txtwait_item){ .zone = &w.zone, .value = "v2",
	    .present = true };
	begin(&w, TXTWAIT_AUTHORITATIVE, &item, 1, 1000, 0);
	fakedns_run(w.loop, &w.seen.calls, 3000);
	assert_int_equal(w.seen.err.kind, ERR_NONE);
	assert_int_equal(w.fake[0].n_queries, 1);
	assert_int_equal(w.fake[1].n_queries, 3);
	world_clear(&w);
}

/* A hundred names, one of three servers dead: the others do not starve. */
static void
test_many(void **state)
{
	enum { N = 100 };
	static struct fake_rr rrs[N + 1];
	static char names[N][64];
	static struct zone zones[N];
	static struct txtwait_item items[N];
	struct world w;

	world_init(&w);
	for (int i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]),
		    "_acme-challenge.n%d.example.test", i);
		rrs[i] = (struct fake_rr){ .qname = names[i], .qtype = TXT,
		    .type = TXT, .data = "v" };
		zones[i] = w.zone;
		memcpy(zones[i].fqdn, names[i], sizeof(names[i]));
		items[i] = (struct txtwait_item){ .zone = &zones[i],
		    .value = "v", .present = true };
	}
	w.fake[0].rrs = w.fake[2].rrs = rrs;
	w.fake[1].mode = FAKE_SILENT;
	begin(&w, TXTWAIT_AUTHORITATIVE, items, N, 4000, 400);
	fakedns_run(w.loop, &w.seen.calls, 6000);
	assert_int_equal(w.seen.calls, 1);
	assert_int_equal(w.seen.err.kind, ERR_NONE);
	assert_non_null(strstr(w.seen.reply.note, "gives no reply"));
	assert_int_equal(w.fake[0].n_queries, N);
	assert_true(w.fake[1].n_queries <= 16);
	world_clear(&w);
}

/* No servers known: the resolvers, at once.  No items: done. */
static void
test_no_servers(void **state)
{
	struct txtwait_item item;
	struct world w;

	world_init(&w);
	w.zone.n_servers = 0;
	w.resolver.rrs = at_once;
	item = (struct txtwait_item){ .zone = &w.zone, .value = "v1",
	    .present = true };
	begin(&w, TXTWAIT_AUTHORITATIVE, &item, 1, 1000, 0);
	fakedns_run(w.loop, &w.seen.calls, 3000);
	assert_int_equal(w.seen.err.kind, ERR_NONE);
	assert_non_null(strstr(w.seen.reply.note, "asked the resolvers"));
	w.seen.calls = 0;
	begin(&w, TXTWAIT_AUTHORITATIVE, NULL, 0, 1000, 0);
	fakedns_run(w.loop, &w.seen.calls, 3000);
	assert_int_equal(w.seen.calls, 1);
	assert_int_equal(w.seen.err.kind, ERR_NONE);
	world_clear(&w);
}

static void
test_cancel(void **state)
{
	struct txtwait_item item;
	int never = 0;
	struct world w;

	txtwait_cancel(NULL);
	for (int midway = 0; midway < 3; midway++) {
		world_init(&w);
		w.fake[1].mode = FAKE_SILENT;
		w.fake[2].mode = FAKE_TRUNCATED;
		item = (struct txtwait_item){ .zone = &w.zone, .value = "v1",
	    .present = true };
		begin(&w, TXTWAIT_AUTHORITATIVE, &item, 1, 1000, 0);
		if (midway > 0)
			fakedns_run(w.loop, &never, midway == 1 ? 2 : 40);
		txtwait_cancel(w.seen.op);
		assert_int_equal(*dns_in_flight(w.dns), 0);
		fakedns_run(w.loop, &never, 5);
		assert_int_equal(w.seen.calls, 0);
		world_clear(&w);
	}
}

/* Time is up: why it is so. */
static void
test_why(void **state)
{
	static const struct {
		const char	*zone, *server, *code, *says;
	} whys[] = {
		{ "test", "", "dns:zone-cut", "is in zone example.test, whose "
		    "server is ns2.test (127.0.0.2:PORT), but the provider "
		    "has changed zone test, above the delegation" },
		{ "example.test", "192.0.2.9", "dns:stale", "the update went "
		    "to 192.0.2.9, which is none of them" },
		{ "sub.example.test", "192.0.2.9", "dns:stale",
		    "is sub.example.test delegated?" },
		{ "", "", "dns:stale", "ns3.test (127.0.0.3:PORT) has no "
		    "record" },
	};

	for (size_t i = 0; i < N_ELEMENTS(whys); i++) {
		struct world w;
		struct txtwait_item item = { .value = "v1", .present = true,
		    .changed_zone = whys[i].zone,
		    .changed_server = whys[i].server };

		world_init(&w);
		item.zone = &w.zone;
		begin(&w, TXTWAIT_AUTHORITATIVE, &item, 1, 200, 0);
		fakedns_run(w.loop, &w.seen.calls, 5000);
		if (w.seen.calls != 1 || strcmp(w.seen.err.code,
		    whys[i].code) != 0 || !contains(&w, w.seen.err.msg,
		    whys[i].says))
			fail_msg("%zu: %s: %s", i, w.seen.err.code,
			    w.seen.err.msg);
		world_clear(&w);
	}
}

/* The resolvers took over, and have nothing: what did the servers say? */
static void
test_fallen_back(void **state)
{
	struct txtwait_item item = { .value = "v1", .present = true };
	struct world w;

	world_init(&w);
	for (int i = 0; i < N_SERVERS; i++)
		w.fake[i].mode = FAKE_SERVFAIL;
	item.zone = &w.zone;
	begin(&w, TXTWAIT_AUTHORITATIVE, &item, 1, 600, 200);
	fakedns_run(w.loop, &w.seen.calls, 5000);
	assert_string_equal(w.seen.err.code, "dns:stale");
	if (!contains(&w, w.seen.err.msg, "resolver 127.0.0.9:PORT has no "
	    "record; the resolvers were asked since no server of the zone") ||
	    !contains(&w, w.seen.err.msg,
	    "ns4.test (127.0.0.4:PORT) answers SERVFAIL"))
		fail_msg("%s", w.seen.err.msg);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_fallen_back),
		cmocka_unit_test(test_asked_once),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_servers),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
