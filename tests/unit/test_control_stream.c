/* SPDX-License-Identifier: MIT */
/* Replies that go on: runs that are followed, events, checks. */
#include "tests/unit/control_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static void
test_follow(void **state)
{
	struct crig *r = *state;
	struct client *c = client_new(r);

	say_request(c, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\", \"b.example\"], \"follow\": true}");
	await(r, c, "application/jsonl");
	assert_string_equal(fake_engine_renewed(r->engine),
	    "a.example b.example ");
	fake_engine_step(r->engine, "www.example", "order", "not ours");
	fake_engine_step(r->engine, "a.example", "order", "first");
	await(r, c, "\"msg\":\"first\"}\n");
	fake_engine_end(r->engine, "a.example", true);
	await(r, c, "\"ok\":true}\n");
	/* A run that begins again is not what was asked for. */
	fake_engine_step(r->engine, "a.example", "order", "again");
	run_for(r, c, 20);
	assert_false(c->eof);
	fake_engine_end(r->engine, "b.example", false);
	await(r, c, NULL);
	assert_non_null(strstr(c->in, "\"ok\":false}\n\r\n0\r\n\r\n"));
	assert_null(strstr(c->in, "not ours"));
	assert_null(strstr(c->in, "again"));
	assert_int_equal(fake_engine_subs(r->engine), 0);
	client_free(c);
}

/* What happens inside engine_renew_now() is not lost. */
static void
test_follow_instant(void **state)
{
	struct crig *r = *state;

	fake_engine_set_instant(r->engine, true);
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 200,
	    "\"msg\":\"begun\"}\n");
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 200,
	    "\"ok\":true}\n\r\n0\r\n\r\n");
}

/* HTTP/1.0 knows no chunks. */
static void
test_follow_http10(void **state)
{
	struct crig *r = *state;
	struct client *c = client_new(r);
	static const char body[] =
	    "{\"names\": [\"a.example\"], \"follow\": true}";
	char *text = xasprintf("POST /v1/renew HTTP/1.0\r\n"
	    "Content-Length: %zu\r\n\r\n%s", strlen(body), body);

	say(c, text);
	free(text);
	await(r, c, "\r\n\r\n");
	run_for(r, c, 5);
	fake_engine_end(r->engine, "a.example", true);
	await(r, c, NULL);
	assert_non_null(strstr(c->in, "\"ok\":true}\n"));
	client_free(c);
}

static void
test_events(void **state)
{
	struct crig *r = *state;
	struct client *all = client_new(r), *one = client_new(r);

	control_test_limits(r->ctl, 30, 60);
	say_request(all, "GET", "/v1/events", "");
	say_request(one, "GET", "/v1/events?cert=b.example", "");
	await(r, all, "200 OK");
	await(r, one, "200 OK");
	fake_engine_step(r->engine, "a.example", "order", "for a");
	fake_engine_end(r->engine, "b.example", true);
	await(r, all, "for a");
	await(r, all, "b.example");
	await(r, one, "b.example");
	/* The sign of life; and no time limit though the client is silent. */
	await(r, all, "\r\n1\r\n\n\r\n");
	await(r, one, "\r\n1\r\n\n\r\n");
	assert_null(strstr(one->in, "for a"));
	assert_false(all->eof);
	client_free(all);
	client_free(one);
}

static void
test_leave_midway(void **state)
{
	struct crig *r = *state;
	struct client *c = client_new(r);

	say_request(c, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}");
	await(r, c, "200 OK");
	fake_engine_step(r->engine, "a.example", "order", "first");
	client_free(c);
	fake_engine_step(r->engine, "a.example", "order", "second");
	run_for(r, NULL, 20);
	assert_int_equal(fake_engine_subs(r->engine), 0);
	fake_engine_step(r->engine, "a.example", "order", "third");
	exchange(r, "GET", "/v1/status", "", 200, "a.example");
}

/* One that does not read is dropped; one beside it that reads is not. */
static void
test_backlog(void **state)
{
	struct crig *r = *state;
	struct client *lazy = client_new(r), *keen = client_new(r);
	char msg[2000];

	memset(msg, 'x', sizeof(msg) - 1);
	msg[sizeof(msg) - 1] = '\0';
	say_request(lazy, "GET", "/v1/events", "");
	await(r, lazy, "200 OK");
	say_request(keen, "GET", "/v1/events", "");
	await(r, keen, "200 OK");
	for (size_t i = 0; i < 800; i++) {
		fake_engine_step(r->engine, "a.example", "order", msg);
		turn(r, keen);
		keen->len = 0;
	}
	assert_int_equal(fake_engine_subs(r->engine), 1);
	assert_false(keen->eof);
	while (!lazy->eof) {
		turn(r, lazy);
		lazy->len = 0;
	}
	client_free(lazy);
	client_free(keen);
}

static void
test_check(void **state)
{
	struct crig *r = *state;
	struct client *c = client_new(r);

	say_request(c, "POST", "/v1/check",
	    "{\"names\": [\"a.example\", \"b.example\"]}");
	await(r, c, "200 OK");
	fake_engine_check_line(r->engine, "first");
	await(r, c, "\"first\"}\n");
	assert_false(c->eof);
	fake_engine_check_line(r->engine, NULL);
	await(r, c, NULL);
	client_free(c);
	c = client_new(r);
	say_request(c, "POST", "/v1/check", "{\"probe\": false}");
	await(r, c, "200 OK");
	fake_engine_check_stop(r->engine);
	await(r, c, "engine:stopping");
	await(r, c, NULL);
	client_free(c);
	/* Without a body: all, with a probe.  Who leaves, ends it. */
	c = client_new(r);
	say_request(c, "POST", "/v1/check", "");
	await(r, c, "200 OK");
	assert_string_equal(fake_engine_checked(r->engine),
	    "a.example b.example +-+");
	assert_int_equal(fake_engine_checks(r->engine), 1);
	client_free(c);
	run_for(r, NULL, 20);
	assert_int_equal(fake_engine_checks(r->engine), 0);
}

static void
test_check_limits(void **state)
{
	struct crig *r = *state;
	struct client *c[5];
	char *text = xmalloc(20000);

	for (size_t i = 0; i < 5; i++) {
		c[i] = client_new(r);
		say_request(c[i], "POST", "/v1/check", "");
		await(r, c[i], i < 4 ? "200 OK" : "control:busy");
	}
	assert_int_equal(fake_engine_checks(r->engine), 4);
	/* Nobody reads. */
	memset(text, 'x', 19999);
	text[19999] = '\0';
	for (int i = 0; i < 200; i++)
		fake_engine_check_line(r->engine, text);
	assert_int_equal(fake_engine_checks(r->engine), 0);
	run_for(r, NULL, 20);
	for (size_t i = 0; i < 5; i++)
		client_free(c[i]);
	c[0] = client_new(r);
	say_request(c[0], "POST", "/v1/check", "");
	await(r, c[0], "200 OK");
	client_free(c[0]);
	run_for(r, NULL, 20);
	free(text);
}

static void
test_too_many_streams(void **state)
{
	struct crig *r = *state;
	struct client *c[33];
	size_t n = N_ELEMENTS(c);

	for (size_t i = 0; i < n; i++) {
		c[i] = client_new(r);
		say_request(c[i], "GET", "/v1/events", "");
		await(r, c[i], i < n - 1 ? "200 OK" : "control:busy");
	}
	exchange(r, "GET", "/v1/status", "", 200, "a.example");
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
	run_for(r, NULL, 20);
	assert_int_equal(fake_engine_subs(r->engine), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRIG_TEST(test_check),
		CRIG_TEST(test_check_limits),
		CRIG_TEST(test_follow),
		CRIG_TEST(test_follow_instant),
		CRIG_TEST(test_follow_http10),
		CRIG_TEST(test_events),
		CRIG_TEST(test_leave_midway),
		CRIG_TEST(test_backlog),
		CRIG_TEST(test_too_many_streams),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
