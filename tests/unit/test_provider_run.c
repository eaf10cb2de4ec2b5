/* SPDX-License-Identifier: MIT */
/*
 * The runner, driven by step tables made for it: what it does with every
 * answer of a reader, the zones it tries, the queue, the limits.
 */
#include "tests/unit/unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/provider_values.h"
#include "daemon/io/loop.h"
#include "tests/unit/rest_fake.h"
#include "tests/unit/rig.h"

enum { OPT_BASE_URL, OPT_SECRET };
static const struct provider_opt opts[] = {
	[OPT_BASE_URL] = { .name = "base_url", .required = true },
	[OPT_SECRET] = { .name = "secret", .secret = true },
	PROVIDER_ZONE_OPTS,
	{ .name = NULL }
};

static struct rig rig;
static struct fake *fake;
static struct rig_run run;
/* What the next reader calls return, in turn; then NEXT for ever. */
static enum rest_next script[512];
static unsigned n_script, at_script;
static char seen[20000];			/* what the builders saw */

static unsigned work_wait_ms;		/* that a builder asks for */

struct priv {
	int	pages;
};

static void
note(const char *a, const char *b, const char *c)
{
	size_t n = strlen(seen);

	(void)text_printf(seen + n, sizeof(seen) - n, "%s%s%s ", a, b, c);
}

static enum rest_next
script_next(struct error *err)
{
	enum rest_next next = at_script < n_script ? script[at_script++] :
	    REST_NEXT;

	if (next == REST_FAIL)
		(void)error_set(err, ERR_REJECTED, "test:no", "no");
	return next;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct priv *x = c->priv;

	/* Nothing survives from one pass to the next but the zone's id. */
	assert_int_equal(x->pages, 0);
	assert_null(c->memo);
	note("zone:", c->zone, c->zone_id);
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/zone");
	preq_query(rq, "name", c->zone);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (!jsonx_bool(a->json, "found", false))
		return REST_NO_ZONE;
	(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "#%s", c->zone);
	return REST_NEXT;
}

static int
work_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct priv *x = c->priv;
	unsigned *keep = c->keep;

	x->pages++;
	(*keep)++;
	if (c->memo == NULL)
		c->memo = json_array();
	note("work:", c->value, c->n_batch > 1 ? "+" : "");
	preq_start(rq, "POST", "/work");
	preq_path(rq, c->value);
	preq_wait(rq, work_wait_ms);
	return 0;
}

static enum rest_next
work_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (rest_header(a, "X-Test") == NULL)
		return REST_FAIL;	/* without a reason: a bug */
	(void)text_printf(c->new_handle, c->new_handle_size, "h-%s", c->value);
	return script_next(err);
}

static enum rest_next
work_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 409 ? REST_NEXT : REST_FAIL;
}

static int
skipped_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	note("skipped", "", "");
	return 0;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "work", work_request, work_reply, work_refused },
	{ "last", skipped_request, NULL, NULL },
	{ .name = NULL }
};

static const struct provider test_provider = {
	.name = "test", .title = "Test", .opts = opts, .add = add,
	.remove = add, .priv_size = sizeof(struct priv),
	.keep_size = sizeof(unsigned), .no_zone_help = "is it paid for?",
};
static struct provider type;		/* a copy that tests change */

static const char *zone_there = "example.test";
static int status_work;			/* 0: 200 */
static const char *work_message;

static void
handler(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	if (strcmp(r->path, "/zone") == 0) {
		a->json = json_pack("{s:b}", "found",
		    strcmp(fake_query(r, "name"), zone_there) == 0);
		return;
	}
	fake_reply_header(r, "X-Test", "1");
	a->status = status_work == 0 ? 200 : status_work;
	a->json = json_pack("{s:s}", "message", work_message != NULL ?
	    work_message : "you sent s3cret-key, bad");
}

static int
setup(void **state)
{
	char url[64];

	type = test_provider;
	rig_init(&rig, &type);
	fake = fake_new(rig.loop, handler, NULL);
	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d", fake->port);
	rig_set(&rig, "base_url", url);
	n_script = at_script = 0;
	seen[0] = '\0';
	zone_there = "example.test";
	status_work = 0;
	work_wait_ms = 0;
	return 0;
}

static int
teardown(void **state)
{
	fake_free(fake);
	rig_clear(&rig);
	return 0;
}

#define FQDN "_acme-challenge.w.example.test"

static void
plan(unsigned n, enum rest_next next)
{
	while (n-- > 0)
		script[n_script++] = next;
}

static void
go(const char *zone, const char *const *values)
{
	rig_do(&rig, &run, true, FQDN, zone, values, NULL);
}

static void
test_values(void **state)
{
	go("example.test", VALUES("a", "b"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen, "zone:example.test work:a skipped "
	    "zone:example.test#example.test work:b skipped ");
	assert_string_equal(run.handles[0], "h-a");
	assert_string_equal(run.handles[1], "h-b");
	/* The id is remembered for other names of the zone, too. */
	seen[0] = '\0';
	rig_do(&rig, &run, false, "x.example.test", "example.test",
	    VALUES("a"), VALUES("h-a"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen,
	    "zone:example.test#example.test work:a skipped ");
	go("example.test", VALUES(NULL));
	assert_int_equal(run.err.kind, ERR_NONE);
}

static void
test_batch(void **state)
{
	type.takes_batch = true;
	go("example.test", VALUES("a", "b", "c"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen, "zone:example.test work:a+ skipped ");
	assert_string_equal(run.handles[2], "h-a");
}

/* The time to come back may be in the body. */
static void
failed_in_body(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	(void)error_set(err, ERR_RATELIMIT, "provider:throttled", "later");
	err->retry_at = clock_now() + 90;
}

static void
test_retry_at_of_body(void **state)
{
	time_t now = clock_now();

	type.failed = failed_in_body;
	status_work = 400;
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_RATELIMIT);
	assert_in_range(run.err.retry_at - now, 88, 92);
	assert_int_equal(fake->n_requests, 2);	/* the zone, and one try */
}

static void
test_max_values(void **state)
{
	type.max_values = 1;
	go("example.test", VALUES("a", "b"));
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "provider:max-values");
	assert_int_equal(fake->n_requests, 0);
	rig_do(&rig, &run, false, FQDN, "", VALUES("a", "b"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);	/* removing is fine */
}

static void
test_rounds(void **state)
{
	static const struct {
		enum rest_next next;
		unsigned n;
		const char *code;	/* NULL: success */
		unsigned n_work;
	} cases[] = {
		{ REST_AGAIN, 500, NULL, 501 },
		{ REST_AGAIN, 501, "provider:unfinished", 501 },
		{ REST_POLL, 5, NULL, 6 },
		{ REST_REPEAT, 5, NULL, 6 },
		{ REST_REPEAT, 6, "provider:conflict", 6 },
		{ REST_DONE, 1, NULL, 1 },
		{ REST_FAIL, 1, "test:no", 1 },
	};

	type.no_retry = true;
	rig.env.poll_ms = 1;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		n_script = at_script = 0;
		seen[0] = '\0';
		fake_reset(fake);
		rig_env(&rig);
		plan(cases[i].n, cases[i].next);
		go("example.test", VALUES("a"));
		if (cases[i].code == NULL)
			assert_int_equal(run.err.kind, ERR_NONE);
		else
			assert_string_equal(run.err.code, cases[i].code);
		assert_int_equal(fake->n_writes, cases[i].n_work);
		assert_int_equal(strstr(seen, "skipped") != NULL,
		    cases[i].code == NULL && cases[i].next != REST_DONE);
	}
}

static void
test_poll_pauses(void **state)
{
	int64_t t0 = clock_mono_ms();

	rig.env.poll_ms = 10;
	plan(3, REST_POLL);		/* 10 + 20 + 40 */
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_in_range(run.done_at - t0, 65, 10000);
}

static void
test_zones(void **state)
{
	go("", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen, "zone:" FQDN " zone:w.example.test "
	    "zone:example.test work:a skipped ");
	/* Known now. */
	seen[0] = '\0';
	go("", VALUES("a"));
	assert_string_equal(seen,
	    "zone:example.test#example.test work:a skipped ");
	/* Gone since: a failure makes us look again, from the longest on. */
	seen[0] = '\0';
	zone_there = "w.example.test";
	plan(2, REST_NEXT);
	script[at_script] = REST_FAIL;
	go("", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen, "zone:example.test#example.test work:a "
	    "zone:" FQDN " zone:w.example.test work:a skipped ");
	/* The DNS knows better: its apex is tried first, then the rest. */
	seen[0] = '\0';
	go("example.test", VALUES("a"));
	assert_string_equal(seen, "zone:example.test zone:" FQDN
	    " zone:w.example.test#w.example.test work:a skipped ");
	/* An apex that has nothing to do with the name is not believed. */
	zone_there = "elsewhere.test";
	go("elsewhere.test", VALUES("a"));
	assert_null(strstr(seen, "elsewhere"));
}

static void
test_no_zone(void **state)
{
	zone_there = "";
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "provider:no-zone");
	assert_string_equal(run.err.msg, "dns1: find zone: no zone for " FQDN
	    " (asked for example.test, " FQDN ", w.example.test, test); "
	    "is it paid for?");
}

static void
test_status(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
		const char *code;
		unsigned n_work;
	} cases[] = {
		{ 204, ERR_NONE, "", 1 },
		{ 302, ERR_REJECTED, "provider:refused", 1 },
		{ 400, ERR_REJECTED, "provider:refused", 1 },
		{ 401, ERR_CONFIG, "provider:credentials", 1 },
		{ 403, ERR_CONFIG, "provider:credentials", 1 },
		{ 404, ERR_REJECTED, "provider:refused", 1 },
		{ 408, ERR_TRANSIENT, "provider:unavailable", 3 },
		{ 409, ERR_NONE, "", 1 },	/* work_refused() says */
		{ 429, ERR_RATELIMIT, "provider:throttled", 3 },
		{ 500, ERR_TRANSIENT, "provider:unavailable", 3 },
		{ 503, ERR_TRANSIENT, "provider:unavailable", 3 },
	};

	rig_set(&rig, "secret", "s3cret-key");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		rig_env(&rig);
		fake_reset(fake);
		status_work = cases[i].status;
		go("example.test", VALUES("a"));
		assert_int_equal(run.err.kind, cases[i].kind);
		assert_int_equal(fake->n_writes, cases[i].n_work);
		if (cases[i].kind == ERR_NONE)
			continue;
		assert_string_equal(run.err.code, cases[i].code);
		assert_non_null(strstr(run.err.msg, "dns1: work: HTTP "));
		assert_non_null(strstr(run.err.msg, "you sent ***, bad"));
	}
}

/* A secret that is longer than what is shown of an answer. */
static void
test_secret_cut_off(void **state)
{
	char secret[600], *words;

	memset(secret, 'k', sizeof(secret) - 1);
	memcpy(secret, "begin-0123456789", 16);
	secret[sizeof(secret) - 1] = '\0';
	rig_set(&rig, "secret", secret);
	words = xasprintf("you sent %s, bad", secret);
	work_message = words;
	status_work = 401;
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.msg,
	    "dns1: work: HTTP 401: you sent ***");
	work_message = NULL;
	free(words);
}

/* Until the fake has seen n requests; then it must not see more. */
static void
expect_requests(unsigned n)
{
	for (int i = 0; i < 500 && fake->n_requests < n; i++)
		rig_spin(&rig, 10);
	rig_spin(&rig, 30);
	assert_int_equal(fake->n_requests, n);
}

/* One name at a time, no more than max_calls, and all of them in the end. */
static void
test_queue(void **state)
{
	struct rig_run runs[12];
	char fqdn[64];

	type.max_calls = 3;
	go("example.test", VALUES("a"));	/* HTTP/1.1: more connections */
	fake_reset(fake);
	rig.env.request_ms = 1000;
	fake_fail(fake, FAULT_SILENT, 1, 0);
	for (unsigned i = 0; i < 12; i++) {
		/* Six names, each twice. */
		(void)text_printf(fqdn, sizeof(fqdn), "n%u.example.test",
		    i / 2);
		rig_start(&rig, &runs[i], true, fqdn, "example.test",
		    VALUES("a"), NULL);
	}
	expect_requests(3);
	/* One waiting and two active ones leave; others take their place. */
	provider_run_cancel(runs[1].op);
	provider_run_cancel(runs[0].op);
	provider_run_cancel(runs[2].op);
	expect_requests(5);
	fake->fault = FAULT_NONE;
	for (unsigned i = 3; i < 12; i++) {
		rig_wait(&rig, &runs[i]);
		assert_int_equal(runs[i].err.kind, ERR_NONE);
	}
	for (unsigned i = 5; i < 12; i += 2)
		assert_true(runs[i].done_at >= runs[i - 1].done_at);
	assert_int_equal(runs[0].calls + runs[1].calls + runs[2].calls, 0);
}

static struct rig_run ordered[12];

/* Timers that are set in one callback all fire in the same microsecond. */
static void
start_ordered_cb(void *arg)
{
	char value[8];

	for (unsigned i = 0; i < N_ELEMENTS(ordered); i++) {
		(void)text_printf(value, sizeof(value), "v%u", i);
		rig_start(&rig, &ordered[i], true, FQDN, "example.test",
		    VALUES(value), NULL);
	}
}

/*
 * Calls for one name come one after the other, in the order in which they
 * were begun, also when the first has to be repeated: two at once would lose
 * a value with vendors that replace whole sets.
 */
static void
test_order(void **state)
{
	static const char *const first[] = {	/* its attempts, by fault */
		"zone:example.test zone:example.test work:v0 skipped ",
		"zone:example.test work:v0 zone:example.test work:v0 skipped "
	};
	char want[sizeof(seen)];
	struct timer t;

	for (unsigned f = 0; f < N_ELEMENTS(first); f++) {
		rig_env(&rig);
		fake_fail(fake, FAULT_500, f + 1, 1);
		seen[0] = '\0';
		timer_init(&t, rig.loop, start_ordered_cb, NULL);
		timer_set(&t, 0);
		loop_turn(rig.loop);
		(void)text_printf(want, sizeof(want), "%s", first[f]);
		for (unsigned i = 0; i < N_ELEMENTS(ordered); i++) {
			size_t n = strlen(want);

			rig_wait(&rig, &ordered[i]);
			assert_int_equal(ordered[i].err.kind, ERR_NONE);
			if (i > 0)
				(void)text_printf(want + n, sizeof(want) - n,
				    "zone:example.test#example.test work:v%u "
				    "skipped ", i);
		}
		assert_string_equal(seen, want);
	}
}

/* Two sections may lead to one zone; so may one before and after a reload. */
static void
test_order_of_accounts(void **state)
{
	static char names[2][5] = { "dns1", "dns2" };
	struct rig_run first, second;
	struct rig other;
	char url[64];

	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d", fake->port);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		rig_env(&rig);
		other = rig;
		other.conf.values = NULL;
		rig_options(&other, &type);
		other.conf.name = names[i];
		rig_set(&other, "base_url", url);
		rig_set(&other, "secret", "changed");
		seen[0] = '\0';
		rig_start(&rig, &first, true, FQDN, "example.test",
		    VALUES("a"), NULL);
		rig_start(&other, &second, true, FQDN, "example.test",
		    VALUES("b"), NULL);
		rig_wait(&rig, &first);
		rig_wait(&rig, &second);
		assert_string_equal(seen, "zone:example.test work:a skipped "
		    "zone:example.test work:b skipped ");
		provider_values_free(other.conf.values);
	}
}

static void
test_deadline(void **state)
{
	rig.env.request_ms = 5000;
	rig.timeout_ms = 300;
	fake_fail(fake, FAULT_SILENT, 1, 0);
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_TRANSIENT);
	assert_string_equal(run.err.code, "provider:timeout");
	assert_non_null(strstr(run.err.msg, "still at step find zone"));
	/* A pause that would end too late is not begun. */
	rig.env.retry_ms[0] = 1000;
	fake_fail(fake, FAULT_500, 1, 0);
	go("example.test", VALUES("a"));
	assert_string_equal(run.err.code, "provider:unavailable");
}

static void
test_deadline_in_queue(void **state)
{
	struct rig_run first;

	rig.env.request_ms = 5000;
	fake_fail(fake, FAULT_SILENT, 1, 0);
	rig_start(&rig, &first, true, FQDN, "", VALUES("a"), NULL);
	rig.timeout_ms = 50;
	go("", VALUES("a"));
	assert_string_equal(run.err.code, "provider:timeout");
	assert_non_null(strstr(run.err.msg, "waiting for other calls"));
	provider_run_cancel(first.op);
}

static void
test_gap(void **state)
{
	int64_t t0 = clock_mono_ms();

	type.gap_ms = 20;
	go("example.test", VALUES("a", "b", "c"));	/* 4 requests */
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_in_range(run.done_at - t0, 60, 10000);
}

static void
test_wait(void **state)
{
	int64_t t0 = clock_mono_ms();

	work_wait_ms = 50;
	go("example.test", VALUES("a", "b"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_in_range(run.done_at - t0, 100, 10000);
}

/* What a provider keeps lives until the options change, and no longer. */
static void
test_keep(void **state)
{
	seen[0] = '\0';
	go("example.test", VALUES("a"));
	assert_null(strstr(seen, "#"));
	go("example.test", VALUES("a"));
	assert_non_null(strstr(seen, "#example.test"));
	rig_set(&rig, "secret", "another");
	seen[0] = '\0';
	go("example.test", VALUES("a"));
	assert_null(strstr(seen, "#"));
}

static void
test_bug(void **state)
{
	/* No X-Test header on the 200 of a fault: FAIL without an error. */
	zone_there = "example.test";
	go("example.test", VALUES("a"));
	fake->handler = NULL;
	fake_fail(fake, FAULT_BARE, 1, 0);
	go("example.test", VALUES("a"));
	assert_int_equal(run.err.kind, ERR_INTERNAL);
	assert_string_equal(run.err.code, "provider:bug");
}

/* --- a provider with start and cancel --- */

struct provider_op {
	struct timer	 timer;
	provider_done_cb *done;
	void		*arg;
	const struct provider_call *call;
};
static int live, fails;

static void
other_free(struct provider_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->timer);
	live--;
	free(op);
}

static void
other_cb(void *arg)
{
	struct provider_op *op = arg;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "test:down", "down");
	(void)text_printf(op->call->new_handle, op->call->new_handle_size,
	    "o-%s", op->call->value);
	op->done(fails-- > 0 ? &err : NULL, op->arg);
	other_free(op);
}

static struct provider_op *
other_start(struct provider_env *env, const struct provider_call *c,
    bool is_add, provider_done_cb *done, void *arg)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));

	note(c->zone, "/", c->value);
	assert_string_equal(c->cert, "cert1");
	op->done = done;
	op->arg = arg;
	op->call = c;
	live++;
	timer_init(&op->timer, env->loop, other_cb, op);
	timer_set(&op->timer, 1);
	return op;
}

static const struct provider other_provider = {
	.name = "other", .title = "Other", .opts = opts,
	.start = other_start, .cancel = other_free,
};

static void
test_other(void **state)
{
	type = other_provider;
	fails = 2;
	go("", VALUES("a", "b"));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_string_equal(seen, "/a /a /a /b ");
	assert_string_equal(run.handles[1], "o-b");
	assert_int_equal(live, 0);
	fails = 3;
	go("example.test", VALUES("a", "b"));
	assert_string_equal(run.err.code, "test:down");
	assert_string_equal(run.err.msg, "dns1: down");
	type.no_retry = true;
	fails = 1;
	seen[0] = '\0';
	rig_set(&rig, "zone", "z.test");
	go("example.test", VALUES("a", "b"));
	assert_string_equal(run.err.code, "test:down");
	assert_string_equal(seen, "z.test/a ");
	rig_start(&rig, &run, true, FQDN, "", VALUES("a"), NULL);
	while (live == 0)
		loop_turn(rig.loop);
	provider_run_cancel(run.op);
	assert_int_equal(live, 0);
	rig_spin(&rig, 10);
	assert_int_equal(run.calls, 0);
}

static bool
has_base_url(const struct provider *p)
{
	for (size_t i = 0; p->opts[i].name != NULL; i++) {
		if (strcmp(p->opts[i].name, "base_url") == 0)
			return p->opts[i].required;
	}
	return false;
}

/* Do the credentials' names elsewhere stand in it, as ALI_KEY or Ali_Key? */
static bool
tells_other_names(const char *doc)
{
	for (const char *s = doc; (s = strchr(s, '_')) != NULL; s++) {
		if (s > doc && isalnum((unsigned char)s[-1]) &&
		    isupper((unsigned char)s[1]))
			return true;
	}
	return false;
}

static void
test_registry(void **state)
{
	const struct provider *p, *before = NULL;
	struct provider_values *values;
	struct error err;

	for (size_t i = 0; (p = provider_registry[i]) != NULL; i++) {
		assert_ptr_equal(provider_find(p->name), p);
		if (before != NULL)
			assert_true(strcmp(before->name, p->name) < 0);
		before = p;
		assert_non_null(p->title);
		assert_non_null(p->doc);
		if (!tells_other_names(p->doc))
			assert_string_equal(p->name, "builtin");
		assert_non_null(p->opts);
		if (p->start != NULL) {
			assert_non_null(p->cancel);
			assert_null(p->add);
		} else {
			assert_non_null(p->add);
			assert_non_null(p->remove);
			assert_true(p->base_url != NULL || has_base_url(p));
		}
		values = provider_values_new(p);
		for (int j = 0; p->opts[j].name != NULL; j++) {
			assert_non_null(p->opts[j].help);
			if (p->opts[j].fallback != NULL)
				assert_int_equal(provider_values_set(values, j,
				    &p->opts[j].fallback, 1, &err), 0);
			for (int k = 0; k < j; k++)
				assert_string_not_equal(p->opts[j].name,
				    p->opts[k].name);
		}
		provider_values_free(values);
	}
	assert_null(provider_find("nonesuch"));
	assert_null(provider_find(""));
}

static void
test_help(void **state)
{
	char out[64];

	assert_string_equal(provider_relative("a.b.c.test", "c.test", "@", out,
	    sizeof(out)), "a.b");
	assert_string_equal(provider_relative("c.test", "c.test", "@", out,
	    sizeof(out)), "@");
	assert_string_equal(provider_relative("c.test", "c.test", "", out,
	    sizeof(out)), "");
	assert_true(provider_txt_is("abc", "abc"));
	assert_true(provider_txt_is("\"abc\"", "abc"));
	assert_true(provider_txt_is("\"a\" \"bc\"", "abc"));
	assert_true(provider_txt_is("\"a\\\"b\"", "a\"b"));
	assert_true(provider_txt_is("\"\"", ""));
	assert_true(provider_txt_is("\"a\\;b\\059c\" ", "a;b;c"));
	assert_true(provider_txt_is(" a\\; b", "a; b"));
	assert_false(provider_txt_is("\"ab\\", "ab"));
	assert_false(provider_txt_is("\\097\\09", "a"));
	assert_false(provider_txt_is("a\\000", "a"));
	assert_false(provider_txt_is("\"ab\"", "abc"));
	assert_false(provider_txt_is("\"abcd\"", "abc"));
	assert_false(provider_txt_is("\"abc\"x", "abc"));
	assert_false(provider_txt_is("ABC", "abc"));
	assert_false(provider_txt_is("", "abc"));
}

/* Quotes or not, blanks or tabs, tags in any case: one record. */
static void
test_caa_is(void **state)
{
	const struct provider_call c = { .is_caa = true };
	static const char ours[] = "0 issue \"ca.test; accounturi=https://x\"";
	char out[PROVIDER_CONTENT_SIZE];
	struct provider_caa caa;

	assert_true(provider_value_is(&c, ours, ours));
	assert_true(provider_value_is(&c, "0  ISSUE\tca.test; "
	    "accounturi=https://x", ours));
	assert_false(provider_value_is(&c, "128 issue \"ca.test; "
	    "accounturi=https://x\"", ours));
	assert_false(provider_value_is(&c, "0 issuewild \"ca.test; "
	    "accounturi=https://x\"", ours));
	assert_false(provider_value_is(&c, "0 issue \"CA.test; "
	    "accounturi=https://x\"", ours));
	assert_false(provider_value_is(&c, "issue ca.test", ours));
	assert_false(provider_value_is(&c, "", ours));
	assert_false(provider_caa_read("0 issue \"\"", &caa));
	assert_false(provider_caa_read("256 issue \"x\"", &caa));
	assert_false(provider_caa_read("0 aTagThatIsMuchTooLong x", &caa));
	assert_string_equal(provider_content(&c, ours, out), ours);
	assert_true(provider_is_type(&c, "caa"));
	assert_false(provider_is_type(&c, "TXT"));
	assert_false(provider_is_type(&c, NULL));
}

static void
test_set(void **state)
{
	static const char *const batch[] = { "a", "b" };
	const struct provider_call c = { .batch = batch, .n_batch = 2 };
	static const struct {
		const char *set;
		size_t held;
		const char *added, *removed;
	} cases[] = {
		{ "[]", 0, "[\"\\\"a\\\"\",\"\\\"b\\\"\"]", "[]" },
		{ "[\"x\"]", 0, "[\"x\",\"\\\"a\\\"\",\"\\\"b\\\"\"]",
		    "[\"x\"]" },
		{ "[\"b\",\"x\",\"\\\"b\\\"\"]", 1,
		    "[\"x\",\"\\\"a\\\"\",\"\\\"b\\\"\"]", "[\"x\"]" },
		{ "[\"a\",7,\"b\"]", 2,
		    "[7,\"\\\"a\\\"\",\"\\\"b\\\"\"]", "[7]" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		json_t *set = json_loads(cases[i].set, 0, NULL);
		json_t *more = provider_set_changed(&c, set, true);
		json_t *less = provider_set_changed(&c, set, false);
		char *text;

		assert_int_equal(provider_set_holds(&c, set), cases[i].held);
		text = json_dumps(more, JSON_COMPACT);
		assert_string_equal(text, cases[i].added);
		free(text);
		text = json_dumps(less, JSON_COMPACT);
		assert_string_equal(text, cases[i].removed);
		free(text);
		json_decref(set);
		json_decref(more);
		json_decref(less);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_values), T(test_batch), T(test_max_values),
		T(test_retry_at_of_body), T(test_rounds), T(test_poll_pauses),
		T(test_zones), T(test_no_zone), T(test_status),
		T(test_secret_cut_off), T(test_queue), T(test_order),
		T(test_order_of_accounts),
		T(test_deadline), T(test_deadline_in_queue), T(test_gap),
		T(test_wait),
		T(test_keep), T(test_bug), T(test_other),
		cmocka_unit_test(test_registry), cmocka_unit_test(test_help),
		cmocka_unit_test(test_caa_is),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
