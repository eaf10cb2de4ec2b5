/* SPDX-License-Identifier: MIT */
/* Clients that are wrong, slow, silent or many. */
#include "tests/unit/control_rig.h"

#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/mem.h"

static void
test_oversized(void **state)
{
	struct crig *r = *state;
	struct client *c;
	char *big = xmalloc(API_BODY_MAX + 2);

	memset(big, ' ', API_BODY_MAX + 1);
	big[API_BODY_MAX + 1] = '\0';
	exchange(r, "POST", "/v1/renew", big, 413, "");
	/* Just as long as is allowed. */
	big[API_BODY_MAX] = '\0';
	memcpy(big, "{\"names\": [\"a.example\"]}", 24);
	exchange(r, "POST", "/v1/renew", big, 202, "started");

	/* Announced, but never sent. */
	c = client_new(r);
	say(c, "POST /v1/renew HTTP/1.1\r\nContent-Length: 99999999999\r\n"
	    "\r\n{");
	await(r, c, "HTTP/1.1 413");
	client_free(c);

	/* Without end, in chunks. */
	c = client_new(r);
	say(c, "POST /v1/renew HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < API_BODY_MAX / 4096 + 4 && c->len == 0; i++) {
		(void)dprintf(c->fd, "1000\r\n%.4096s\r\n", big);
		turn(r, c);
	}
	await(r, c, "HTTP/1.1 413");
	client_free(c);

	/* Headers. */
	memset(big, 'h', API_BODY_MAX);
	c = client_new(r);
	say(c, "GET /v1/status HTTP/1.1\r\nX: ");
	(void)dprintf(c->fd, "%.20000s\r\n\r\n", big);
	await(r, c, NULL);
	assert_null(strstr(c->in, "200 OK"));
	client_free(c);
	free(big);
}

static void
test_malformed(void **state)
{
	static const char *const cases[] = {
		"\r\n\r\n", "GET\r\n\r\n", "GET /v1/status\r\n\r\n",
		"GET /v1/status HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
		"GET /v1/status HTTP/1.1\r\nno colon\r\n\r\n",
		"POST /v1/renew HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST /v1/renew HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		("POST /v1/renew HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		    "\r\nzz\r\n"),
		"CONNECT a:1 HTTP/1.1\r\n\r\n",
		"GET http://[::1/ HTTP/1.1\r\n\r\n",
	};
	struct crig *r = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct client *c = client_new(r);

		say(c, cases[i]);
		(void)shutdown(c->fd, SHUT_WR);
		await(r, c, NULL);
		if (strstr(c->in, "200 OK") != NULL)
			fail_msg("accepted: %s", cases[i]);
		client_free(c);
	}
	exchange(r, "GET", "/v1/status", "", 200, "a.example");
}

static void
test_keepalive_and_pipeline(void **state)
{
	struct crig *r = *state;
	struct client *c = client_new(r);

	say(c, "GET /metrics HTTP/1.1\r\n\r\nGET /v1/status HTTP/1.1\r\n\r\n");
	await(r, c, "acmed_up 1");
	await(r, c, "www.example");
	c->len = 0;
	say(c, "GET /metrics HTTP/1.1\r\n\r\n");
	await(r, c, "acmed_up 1");
	client_free(c);
}

/* A silent client, and one that sends a byte now and then. */
static void
test_slow_clients(void **state)
{
	struct crig *r = *state;
	struct client *silent, *slow;
	int64_t end;

	control_test_limits(r->ctl, 40, 30000);
	silent = client_new(r);
	slow = client_new(r);
	say(slow, "GET /v1/status HTTP/1.1\r\nX: ");
	end = clock_mono_ms() + 5000;
	while (!(slow->eof && silent->eof) && clock_mono_ms() < end) {
		turn(r, slow);
		turn(r, silent);
		(void)send(slow->fd, "x", 1, MSG_NOSIGNAL);
		(void)poll(NULL, 0, 2);
	}
	assert_true(silent->eof);
	assert_true(slow->eof);
	client_free(silent);
	client_free(slow);
	exchange(r, "GET", "/v1/status", "", 200, "a.example");
}

/* A long status: begun, and with what is read of it. */
static struct client *
begin_long(struct crig *r)
{
	struct client *c = client_new(r);

	fake_engine_many(r->engine, 8000);
	say(c, "GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");
	await(r, c, "200 OK");
	return c;
}

/* Take up to len bytes, without the server; 0: the end, -1: nothing is there.
 * in has the last of it. */
static ssize_t
sip(struct client *c, size_t len)
{
	ssize_t n;

	if (c->len > 100) {
		memmove(c->in, c->in + c->len - 100, 100);
		c->len = 100;
	}
	n = recv(c->fd, c->in + c->len, len, 0);
	if (n > 0)
		c->len += (size_t)n;
	c->in[c->len] = '\0';
	return n;
}

static bool
is_complete(const struct client *c)
{
	return strstr(c->in, "\n]}\n\r\n0\r\n\r\n") != NULL;
}

/* Who reads a little at a time gets it all, who stops does not. */
static void
test_slow_readers(void **state)
{
	struct crig *r = *state;
	struct client *slow, *lazy;
	int64_t begin, got = 0;
	ssize_t n = -1;

	control_test_limits(r->ctl, 90, 30000);
	lazy = begin_long(r);
	slow = begin_long(r);
	begin = clock_mono_ms();
	while (n != 0) {
		/* 200 kB/s */
		while (n != 0 && got < (clock_mono_ms() - begin) * 200) {
			n = sip(slow, 1000);
			if (n == -1)
				break;
			got += n;
		}
		turn(r, NULL);
		(void)poll(NULL, 0, 5);
	}
	assert_true(is_complete(slow));
	while (sip(lazy, 32768) != 0)
		turn(r, NULL);
	assert_false(is_complete(lazy));
	client_free(slow);
	client_free(lazy);
}

/* The loop was held up for longer than a client may be: not their fault. */
static void
test_held_up(void **state)
{
	struct crig *r = *state;
	struct client *c;

	control_test_limits(r->ctl, 100, 30000);
	c = begin_long(r);
	for (int i = 0; i < 3; i++) {
		while (sip(c, 32768) > 0)
			;
		(void)poll(NULL, 0, 300);
		turn(r, NULL);
	}
	while (sip(c, 32768) != 0)
		turn(r, NULL);
	assert_true(is_complete(c));
	client_free(c);
}

static void
test_200_connections(void **state)
{
	struct crig *r = *state;
	struct client *c[200];
	size_t idle = 63, n = N_ELEMENTS(c);

	for (size_t i = 0; i < n; i++) {
		c[i] = client_new(r);
		if (i >= idle)
			say_request(c[i], "GET", "/v1/status", "");
		turn(r, NULL);
	}
	for (size_t i = idle; i < n; i++) {
		await(r, c[i], NULL);
		assert_non_null(strstr(c[i]->in, "a.example"));
	}
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
}

/* All places taken by idlers: they go, the one that waits is served. */
static void
test_idlers(void **state)
{
	struct crig *r = *state;
	struct client *c[70];
	size_t n = N_ELEMENTS(c);

	control_test_limits(r->ctl, 150, 30000);
	for (size_t i = 0; i < n; i++)
		c[i] = client_new(r);
	say_request(c[n - 1], "GET", "/v1/status", "");
	run_for(r, c[n - 1], 50);
	assert_int_equal(c[n - 1]->len, 0);
	await(r, c[n - 1], "a.example");
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
}

/* Clients and streams of every age when the server goes. */
static void
test_free_with_clients(void **state)
{
	struct crig *r = *state;
	struct client *c[4];

	for (size_t i = 0; i < 4; i++)
		c[i] = client_new(r);
	say(c[1], "GET /v1/st");
	say_request(c[2], "GET", "/v1/events", "");
	say_request(c[3], "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}");
	await(r, c[2], "200 OK");
	await(r, c[3], "200 OK");
	control_free(r->ctl);
	r->ctl = NULL;
	assert_int_equal(fake_engine_subs(r->engine), 0);
	for (size_t i = 0; i < 4; i++) {
		await(r, c[i], NULL);
		client_free(c[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRIG_TEST(test_oversized),
		CRIG_TEST(test_malformed),
		CRIG_TEST(test_keepalive_and_pipeline),
		CRIG_TEST(test_slow_clients),
		CRIG_TEST(test_slow_readers),
		CRIG_TEST(test_held_up),
		CRIG_TEST(test_200_connections),
		CRIG_TEST(test_idlers),
		CRIG_TEST(test_free_with_clients),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
