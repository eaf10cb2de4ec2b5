/* SPDX-License-Identifier: MIT */
/* The status listener over TCP: whom it answers, what, and how much of it. */
#include "tests/unit/control_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/status/host.h"
#include "daemon/status/status.h"

enum { CLIENTS = 150 };	/* more would wait in connect() */

struct env {
	struct crig	*rig;
	struct status	*status;
	struct conf	 conf;
	char		 address[64], other[64];
	char		*listen[3], *hosts[2];
	int		 port, taken_port;
	int		 taken;		/* a socket of somebody else's */
};

/* Listening somewhere on 127.0.0.1. */
static int
listen_somewhere(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(bind(fd, (struct sockaddr *)&sin, sizeof(sin)),
	    errno);
	assert_return_code(listen(fd, 5), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&sin, &len),
	    errno);
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
setup(void **state)
{
	static char host[] = "acmed.example";
	struct env *e = xcalloc(1, sizeof(*e));
	struct error err;
	void *rig;

	assert_int_equal(crig_setup(&rig), 0);
	e->rig = rig;
	(void)close(listen_somewhere(&e->port));
	e->taken = listen_somewhere(&e->taken_port);
	(void)text_printf(e->address, sizeof(e->address), "127.0.0.1:%d",
	    e->port);
	(void)text_printf(e->other, sizeof(e->other), "127.0.0.1:%d",
	    e->taken_port);
	e->listen[0] = e->address;
	e->hosts[0] = host;
	e->conf.refs = 1000;
	e->conf.status_listen = e->listen;
	e->conf.status_hosts = e->hosts;
	e->status = status_new(e->rig->loop, e->rig->engine);
	assert_int_equal(status_listen(e->status, &e->conf, &err), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;
	void *rig = e->rig;

	status_free(e->status);
	(void)close(e->taken);
	free(e);
	return crig_teardown(&rig);
}

static struct client *
tcp_client(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port) };
	struct client *c = xcalloc(1, sizeof(*c));

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		client_free(c);
		return NULL;
	}
	(void)evutil_make_socket_nonblocking(c->fd);
	return c;
}

/* One whole exchange; the client, whose c->in has the answer. */
static struct client *
ask(struct env *e, const char *request)
{
	struct client *c = tcp_client(e->port);

	assert_non_null(c);
	say(c, request);
	await(e->rig, c, NULL);
	return c;
}

static void
test_routes(void **state)
{
	static const struct {
		const char *line, *host, *more;
		int status;
		const char *want;
	} cases[] = {
		{ "GET /metrics", "127.0.0.1:9780", "", 200, "acmed_up 1\n" },
		{ "GET /v1/status", "localhost", "", 200,
		    "\"name\":\"b.example\"" },
		{ "GET /v1/status?limit=1&after=a.example", "[::1]:9780", "",
		    200, "\"name\":\"b.example\"" },
		{ "GET /v1/certificates/a.example", "localhost:1", "", 200,
		    "\"state\":\"valid\"" },
		{ "GET /v1/certificates/none", "localhost", "", 404,
		    "engine:unknown-cert" },
		{ "GET /healthz", "ACMED.example.", "", 200, "\r\n\r\nok\n" },
		{ "HEAD /metrics", "localhost", "", 200, "\r\n\r\n" },
		{ "HEAD /healthz", "localhost", "", 200, "\r\n\r\n" },
		{ "HEAD /v1/events", "localhost", "", 200, "\r\n\r\n" },
		/* Of others. */
		{ "GET /metrics", "evil.example", "", 421, "status_hosts" },
		{ "GET /metrics", "evil.example:9780", "", 421, "" },
		{ "GET /metrics", "127.0.0.1.evil.example", "", 421, "" },
		{ "GET /metrics", "acmed.example.evil.example", "", 421, "" },
		{ "GET http://evil.example/metrics", "localhost", "", 421,
		    "" },
		{ "GET /healthz", "2130706433", "", 421, "" },
		{ "GET /healthz", "", "", 421, "" },
		/* No commands. */
		{ "POST /v1/reload", "localhost", "", 405,
		    "Allow: GET, HEAD" },
		{ "POST /v1/renew", "localhost", "Content-Length: 2\r\n", 413,
		    "" },
		{ "DELETE /v1/status", "localhost", "", 405, "" },
		{ "OPTIONS /v1/status", "localhost", "", 405, "" },
		{ "BREW /", "localhost", "", 501, "" },
		{ "GET /v1/configuration", "localhost", "", 404,
		    "control:not-found" },
		{ "GET /v1/providers", "localhost", "", 404, "" },
		{ "GET /../v1/status", "localhost", "", 404, "" },
		{ "GET /healthz", "localhost", "Content-Length: 30\r\n", 413,
		    "" },
	};
	struct env *e = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("%s HTTP/1.1\r\nHost: %s\r\n"
		    "Connection: close\r\n%s\r\n", cases[i].line,
		    cases[i].host, cases[i].more), head[32];
		struct client *c = ask(e, text);

		(void)text_printf(head, sizeof(head), "HTTP/1.1 %d ",
		    cases[i].status);
		if (strncmp(c->in, head, strlen(head)) != 0 ||
		    strstr(c->in, cases[i].want) == NULL)
			fail_msg("%s: no %d %s in: %s", text, cases[i].status,
			    cases[i].want, c->in);
		/* Nothing of ours is for other pages, or to be kept. */
		if (cases[i].status != 413 && cases[i].status != 501 &&
		    (strstr(c->in, "Cache-Control: no-store\r\n") == NULL ||
		    strstr(c->in, "X-Content-Type-Options: nosniff\r\n") ==
		    NULL || strstr(c->in, "Access-Control") != NULL))
			fail_msg("%s: headers: %s", text, c->in);
		if (strncmp(cases[i].line, "HEAD", 4) == 0)
			assert_string_equal(strstr(c->in, "\r\n\r\n"),
			    "\r\n\r\n");
		client_free(c);
		free(text);
	}
	/* Old HTTP, as load balancers ask. */
	client_free(ask(e, "GET /healthz HTTP/1.0\r\n\r\n"));
	assert_string_equal(fake_engine_renewed(e->rig->engine), "");
}

/* Of what is long HEAD says what GET says: not how long the first piece is. */
static void
test_long_head(void **state)
{
	struct env *e = *state;
	struct client *c;

	fake_engine_many(e->rig->engine, 5000);
	c = ask(e, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	assert_non_null(strstr(c->in, "HTTP/1.1 200 "));
	assert_null(strstr(c->in, "Content-Length"));
	assert_non_null(strstr(c->in, "Transfer-Encoding: chunked\r\n"));
	assert_string_equal(strstr(c->in, "\r\n\r\n"), "\r\n\r\n");
	client_free(c);
}

static void
test_hosts(void **state)
{
	static char name[] = "status.example.com";
	char *names[] = { name, NULL };
	static const struct { const char *host; bool ours; } cases[] = {
		{ "box.example.net", true }, { "BOX:9780", true },
		{ "box.example", false }, { "bo", false },
		{ "status.example.com", true }, { "status", false },
		{ "192.0.2.7", true }, { "[2001:db8::1]", true },
		{ "[2001:db8::1]:80", true }, { "[x]", false },
		{ "[]", false }, { ":80", false }, { "", false },
		{ "localhost:80:80", false }, { "a@localhost", false },
		{ "localhost.", true }, { ".", false },
	};
	char longest[600];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		if (host_is_ours(cases[i].host, "box.example.net", names) !=
		    cases[i].ours)
			fail_msg("%s", cases[i].host);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(host_is_ours(longest, "box", names));
}

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" \
    "Connection: close\r\n\r\n"

static void
test_health(void **state)
{
	struct env *e = *state;
	struct client *c;

	/* More certificates than are looked at in one turn. */
	fake_engine_many(e->rig->engine, 2500);
	c = ask(e, HEALTH);
	assert_non_null(strstr(c->in, "HTTP/1.1 200 "));
	client_free(c);
	fake_engine_set_ill(e->rig->engine, true);
	c = ask(e, HEALTH);
	assert_non_null(strstr(c->in, "HTTP/1.1 503 "));
	assert_non_null(strstr(c->in, "\r\n\r\nconfiguration: "
	    "/nowhere/acmed.conf:3: x\nb.example: missing\n"));
	client_free(c);
}

static void
test_events(void **state)
{
	struct env *e = *state;
	struct client *c = tcp_client(e->port);

	say(c, "GET /v1/events?cert=a.example HTTP/1.1\r\n"
	    "Host: 127.0.0.1\r\n\r\n");
	await(e->rig, c, "jsonl");
	fake_engine_step(e->rig->engine, "b.example", "order", "not this");
	fake_engine_step(e->rig->engine, "a.example", "order", "<this>");
	await(e->rig, c, "<this>");
	assert_null(strstr(c->in, "not this"));
	client_free(c);
	run_for(e->rig, NULL, 50);
	assert_int_equal(fake_engine_subs(e->rig->engine), 0);
}

/* Who is slow or silent makes room, and streams leave room for others. */
static void
test_bounds(void **state)
{
	struct env *e = *state;
	struct client *c[CLIENTS], *one;
	int64_t end = clock_mono_ms() + 10000;
	size_t refused = 0;

	for (size_t i = 0; i < CLIENTS; i++) {
		c[i] = tcp_client(e->port);
		assert_non_null(c[i]);
		if (i % 2 == 0)
			say(c[i], "GET /healthz HT");
		turn(e->rig, NULL);
	}
	one = ask(e, HEALTH);
	assert_non_null(strstr(one->in, "ok\n"));
	client_free(one);
	for (size_t i = 0; i < CLIENTS; i++)
		client_free(c[i]);
	for (size_t i = 0; i < 40; i++) {
		c[i] = tcp_client(e->port);
		say(c[i], "GET /v1/events HTTP/1.1\r\nHost: [::1]\r\n\r\n");
	}
	while (refused < 8 && clock_mono_ms() < end) {
		refused = 0;
		for (size_t i = 0; i < 40; i++) {
			turn(e->rig, c[i]);
			refused += strstr(c[i]->in, " 503 ") != NULL;
		}
	}
	assert_int_equal(refused, 8);
	one = ask(e, HEALTH);
	assert_non_null(strstr(one->in, "ok\n"));
	client_free(one);
	for (size_t i = 0; i < 40; i++)
		client_free(c[i]);
	/* Too long a header. */
	one = tcp_client(e->port);
	say(one, "GET /healthz HTTP/1.1\r\nX: ");
	for (int i = 0; i < 40; i++) {
		char x[1001];

		memset(x, 'x', 1000);
		x[1000] = '\0';
		if (write(one->fd, x, 1000) == -1)
			break;
		turn(e->rig, one);
	}
	await(e->rig, one, NULL);
	assert_null(strstr(one->in, "200 OK"));
	client_free(one);
}

/* A client that sends a byte now and then is dropped all the same. */
static void
test_slow(void **state)
{
	struct env *e = *state;
	struct client *c = tcp_client(e->port);
	int64_t end = clock_mono_ms() + 5000;

	status_test_limits(e->status, 100, 1000, 1000);
	while (!c->eof && clock_mono_ms() < end) {
		(void)send(c->fd, "G", 1, MSG_NOSIGNAL);
		run_for(e->rig, c, 20);
	}
	assert_true(c->eof);
	client_free(c);
}

/* A reload opens, closes and moves; what is taken costs nothing that was. */
static void
test_listen(void **state)
{
	struct env *e = *state;
	struct client *c;
	struct error err;

	e->listen[0] = e->other;
	assert_int_equal(status_listen(e->status, &e->conf, &err), -1);
	assert_string_equal(err.code, "status:listen");
	assert_non_null(strstr(err.msg, e->other));
	client_free(ask(e, HEALTH));		/* where it was */

	/* The port is free now: it is tried again, and moves there. */
	(void)close(e->taken);
	status_test_limits(e->status, 30000, 30000, 50);
	run_for(e->rig, NULL, 150);
	assert_null(tcp_client(e->port));
	e->port = e->taken_port;
	client_free(ask(e, HEALTH));

	/* One of two is enough to close what is not asked for any more. */
	e->taken = listen_somewhere(&e->taken_port);
	(void)text_printf(e->address, sizeof(e->address), "127.0.0.1:%d",
	    e->taken_port);
	e->listen[0] = e->address;
	e->listen[1] = e->other;
	assert_int_equal(status_listen(e->status, &e->conf, &err), -1);
	client_free(ask(e, HEALTH));

	c = tcp_client(e->port);
	e->listen[0] = NULL;
	assert_int_equal(status_listen(e->status, &e->conf, &err), 0);
	assert_null(tcp_client(e->port));
	await(e->rig, c, NULL);			/* who was there, too */
	client_free(c);
	e->listen[0] = (char[]){ STATUS_SYSTEMD };
	e->listen[1] = NULL;
	assert_int_equal(status_listen(e->status, &e->conf, &err), -1);
	assert_non_null(strstr(err.msg, "acmed-status.socket"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routes),
		TEST(test_long_head),
		cmocka_unit_test(test_hosts),
		TEST(test_health),
		TEST(test_events),
		TEST(test_bounds),
		TEST(test_slow),
		TEST(test_listen),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
