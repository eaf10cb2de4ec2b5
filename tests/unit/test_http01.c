/* SPDX-License-Identifier: MIT */
/* The web server of http-01, spoken to over the loopback, mostly rudely. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/http01/http01.h"
#include "daemon/io/loop.h"

#define PATH "/.well-known/acme-challenge/"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define WAIT_MS 3000

struct env {
	struct loop	*loop;
	struct http01	*http01;
	uint16_t	 port;
	char		 v4[32], v6[32];
	char		*addresses[3];
};

struct client {
	int		 fd;
	char		 in[16384];
	size_t		 len;
	bool		 eof;
};

static void
nothing_cb(void *arg)
{
}

/* One turn of at most some ms. */
static void
turn(struct loop *loop)
{
	struct timer t;

	timer_init(&t, loop, nothing_cb, NULL);
	timer_set(&t, 2);
	loop_turn(loop);
	timer_clear(&t);
}

/* A port that is free now for both families. */
static uint16_t
free_port(void)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sin6);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin6, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin6, &len) == -1)
		skip();
	close(fd);
	return ntohs(sin6.sin6_port);
}

static int
setup(void **state)
{
	struct env *e = xcalloc(1, sizeof(*e));
	struct error err;

	e->port = free_port();
	(void)text_printf(e->v4, sizeof(e->v4), "127.0.0.1:%u", e->port);
	(void)text_printf(e->v6, sizeof(e->v6), "[::1]:%u", e->port);
	e->addresses[0] = e->v4;
	e->addresses[1] = e->v6;
	e->loop = loop_new();
	e->http01 = http01_new(e->loop);
	if (http01_listen(e->http01, e->addresses, &err) == -1)
		fail_msg("%s", err.msg);
	if (http01_put(e->http01, "tok-1", "tok-1.thumb", &err) == -1)
		fail_msg("%s", err.msg);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;

	http01_free(e->http01);
	loop_free(e->loop);
	free(e);
	return 0;
}

static int
try_connect(const struct env *e, int family)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(e->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(e->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(family, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	if ((family == AF_INET ?
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) :
	    connect(fd, (struct sockaddr *)&sin6, sizeof(sin6))) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct client *
client_new(struct env *e, int family)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->fd = try_connect(e, family);
	assert_int_not_equal(c->fd, -1);
	return c;
}

static void
client_free(struct client *c)
{
	close(c->fd);
	free(c);
}

static void
client_send(struct client *c, const char *data, size_t len)
{
	/* It may be closed already. */
	(void)!send(c->fd, data, len, MSG_NOSIGNAL);
}

static void
client_read(struct client *c)
{
	ssize_t n;

	while (!c->eof && (n = recv(c->fd, c->in + c->len,
	    sizeof(c->in) - 1 - c->len, MSG_DONTWAIT)) >= 0) {
		c->len += (size_t)n;
		c->eof = n == 0;
		assert_true(c->len < sizeof(c->in) - 1);
	}
	if (!c->eof && errno != EAGAIN)
		c->eof = true;		/* reset */
	c->in[c->len] = '\0';
}

/* Until the server has closed. */
static void
client_wait(struct env *e, struct client *c)
{
	int64_t by_ms = clock_mono_ms() + WAIT_MS;

	for (; !c->eof && clock_mono_ms() < by_ms; client_read(c))
		turn(e->loop);
	if (!c->eof)
		fail_msg("not closed; got: %s", c->in);
}

/* Send, wait for the end, and see the status line and the body. */
static void
expect(struct env *e, int family, const char *data, size_t len,
    const char *status, const char *body)
{
	struct client *c = client_new(e, family);
	const char *got;

	client_send(c, data, len);
	client_wait(e, c);
	if (strncmp(c->in, status, strlen(status)) != 0)
		fail_msg("sent %.60s: got %s", data, c->in);
	got = strstr(c->in, "\r\n\r\n");
	if (body != NULL) {
		assert_non_null(got);
		assert_string_equal(got + 4, body);
	} else {
		assert_null(strstr(c->in, "thumb"));
	}
	client_free(c);
}

static void
test_requests(void **state)
{
	static const char ok[] = "HTTP/1.1 200 ", none[] = "HTTP/1.1 404 ";
	static const char text[] = "tok-1.thumb";
	static const struct {
		const char	*data, *status, *body;
	} cases[] = {
		{ GET(PATH "tok-1"), ok, text },
		{ GET(PATH "tok-1?x=1"), ok, text },
		{ "GET " PATH "tok-1 HTTP/1.1\r\nHost: b.test:8080\r\n"
		    "Connection: keep-alive\r\n\r\n", ok, text },
		{ "GET " PATH "tok-1 HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ",
		    text },
		{ "GET http://c.test" PATH "tok-1 HTTP/1.1\r\n"
		    "Host: c.test\r\n\r\n", ok, text },
		{ "HEAD " PATH "tok-1 HTTP/1.1\r\nHost: a\r\n\r\n", ok, "" },
		/* A second request in one connection is not looked at. */
		{ GET(PATH "tok-1") GET(PATH "tok-1"), ok, text },
		{ GET(PATH "tok-2"), none, NULL },
		{ GET(PATH "tok-"), none, NULL },
		{ GET(PATH "tok-11"), none, NULL },
		{ GET(PATH "tok%2d1"), none, NULL },
		{ GET(PATH), none, NULL },
		{ GET(PATH "x/../tok-1"), none, NULL },
		{ GET(PATH "/tok-1"), none, NULL },
		{ GET("/"), none, NULL },
		{ GET("/../../../../etc/passwd"), none, NULL },
		{ GET("/tok-1"), none, NULL },
		{ "POST " PATH "tok-1 HTTP/1.1\r\nHost: a\r\n"
		    "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 ", NULL },
		{ "PUT " PATH "tok-1 HTTP/1.1\r\nHost: a\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		    "HTTP/1.1 ", NULL },
		{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 ",
		    NULL },
		{ "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 ", NULL },
		{ "\r\n\r\n", "HTTP/1.1 400 ", NULL },
		{ "GET\r\n\r\n", "HTTP/1.1 400 ", NULL },
		{ "GET /\r\n\r\n", "HTTP/1.1 400 ", NULL },
		{ "GET / FTP/1.1\r\n\r\n", "HTTP/1.1 400 ", NULL },
		{ "GET / HTTP/9.9\r\n\r\n", "HTTP/", NULL },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 ",
		    NULL },
		{ "\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400 ", NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		expect(*state, i % 2 ? AF_INET6 : AF_INET, cases[i].data,
		    strlen(cases[i].data), cases[i].status, cases[i].body);
}

static void
test_headers(void **state)
{
	struct env *e = *state;
	struct client *c = client_new(e, AF_INET);

	client_send(c, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")));
	client_wait(e, c);
	assert_non_null(strstr(c->in,
	    "Content-Type: application/octet-stream\r\n"));
	assert_non_null(strstr(c->in, "Content-Length: 11\r\n"));
	assert_non_null(strstr(c->in, "Connection: close\r\n"));
	client_free(c);
	/* As long as the body of the GET, RFC 9110 section 9.3.2. */
	c = client_new(e, AF_INET);
	client_send(c, "HEAD " PATH "tok-1 HTTP/1.1\r\n\r\n",
	    strlen("HEAD " PATH "tok-1 HTTP/1.1\r\n\r\n"));
	client_wait(e, c);
	assert_non_null(strstr(c->in, "Content-Length: 11\r\n"));
	client_free(c);
}

static void
test_too_long(void **state)
{
	size_t len = 100000;
	char *data = xcalloc(1, len + 1);

	/* A request line without end, and one header of that kind. */
	memset(data, 'a', len);
	memcpy(data, "GET /", 5);
	expect(*state, AF_INET, data, len, "", NULL);
	memcpy(data, "GET / HTTP/1.1\r\nA: ", 19);
	expect(*state, AF_INET, data, len, "", NULL);
	/* Zeros. */
	memset(data, 0, len);
	expect(*state, AF_INET, data, len, "", NULL);
	free(data);
}

/* It is dropped on time though it never pauses; others are served. */
static void
test_slow(void **state)
{
	struct env *e = *state;
	int64_t begun = clock_mono_ms(), sent = begun;
	struct client *c;
	struct error err;

	http01_test_limit(e->http01, 200);
	c = client_new(e, AF_INET);
	client_send(c, "GET / HTTP/1.1\r\nA: ", 19);
	while (!c->eof) {
		if (clock_mono_ms() - sent >= 5) {
			client_send(c, "a", 1);
			sent = clock_mono_ms();
		}
		turn(e->loop);
		client_read(c);
		assert_true(clock_mono_ms() - begun < WAIT_MS);
	}
	assert_true(clock_mono_ms() - begun >= 150);
	client_free(c);
	/* This one evhttp would keep after its answer. */
	expect(e, AF_INET, "CONNECT a.test:443 HTTP/1.1\r\n\r\n", 31,
	    "HTTP/1.1 501 ", NULL);
	assert_int_equal(http01_put(e->http01, "tok-2", "x", &err), 0);
	expect(e, AF_INET, GET(PATH "tok-2"), strlen(GET(PATH "tok-2")),
	    "HTTP/1.1 200 ", "x");
}

/* Those who hold connections do not keep the CA out. */
static void
test_many(void **state)
{
	enum { N = 300 };
	struct env *e = *state;
	int fds[N];

	for (size_t i = 0; i < N; i++) {
		fds[i] = try_connect(e, AF_INET);
		assert_int_not_equal(fds[i], -1);
		if (i % 16 == 0)
			turn(e->loop);
	}
	for (int i = 0; i < 20; i++)
		turn(e->loop);
	expect(e, AF_INET, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")),
	    "HTTP/1.1 200 ", "tok-1.thumb");
	for (size_t i = 0; i < N; i++)
		close(fds[i]);
}

static void
test_tokens(void **state)
{
	struct env *e = *state;
	struct error err;

	assert_int_equal(http01_put(e->http01, "tok-1", "new", &err), 0);
	expect(e, AF_INET, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")),
	    "HTTP/1.1 200 ", "new");
	http01_drop(e->http01, "tok-1");
	http01_drop(e->http01, "tok-1");
	expect(e, AF_INET, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")),
	    "HTTP/1.1 404 ", "not found\n");
	assert_int_equal(http01_put(e->http01, "../x", "new", &err), -1);
	assert_string_equal(err.code, "http01:token");
}

/* A reload keeps what stays, closes what goes, and reports what fails. */
static void
test_reload(void **state)
{
	struct env *e = *state;
	char *only_v6[] = { e->v6, NULL }, *none[] = { NULL };
	char *passed[] = { (char[]){ "systemd" }, NULL };
	struct client *c = client_new(e, AF_INET);
	struct error err;

	turn(e->loop);
	assert_int_equal(http01_listen(e->http01, only_v6, &err), 0);
	turn(e->loop);
	assert_int_equal(try_connect(e, AF_INET), -1);
	/* An open connection is served still. */
	client_send(c, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")));
	client_wait(e, c);
	assert_non_null(strstr(c->in, "tok-1.thumb"));
	client_free(c);
	expect(e, AF_INET6, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")),
	    "HTTP/1.1 200 ", "tok-1.thumb");
	assert_int_equal(http01_listen(e->http01, none, &err), 0);
	assert_int_equal(try_connect(e, AF_INET6), -1);
	assert_int_equal(http01_put(e->http01, "tok-3", "x", &err), -1);
	assert_string_equal(err.code, "http:listen");
	assert_int_equal(http01_listen(e->http01, passed, &err), -1);
	assert_non_null(strstr(err.msg, "acmed-http.socket"));
	assert_int_equal(http01_put(e->http01, "tok-3", "x", &err), -1);
	assert_non_null(strstr(err.msg, "acmed-http.socket"));
}

/* Told at once, and mended when it is needed. */
static void
test_taken(void **state)
{
	struct env *e = *state;
	struct http01 *second = http01_new(e->loop);
	struct error err;

	assert_int_equal(http01_listen(second, e->addresses, &err), -1);
	assert_string_equal(err.code, "http:listen");
	if (strstr(err.msg, e->v4) == NULL ||
	    strstr(err.msg, "another web server") == NULL)
		fail_msg("%s", err.msg);
	assert_int_equal(http01_put(second, "tok-9", "y", &err), -1);
	assert_string_equal(err.code, "http:listen");
	http01_free(e->http01);
	e->http01 = second;
	assert_int_equal(http01_put(second, "tok-9", "y", &err), 0);
	expect(e, AF_INET, GET(PATH "tok-9"), strlen(GET(PATH "tok-9")),
	    "HTTP/1.1 200 ", "y");
}

/* The end comes in the middle of requests. */
static void
test_end(void **state)
{
	struct env *e = *state;
	struct client *a = client_new(e, AF_INET);
	struct client *b = client_new(e, AF_INET);

	client_send(a, "GET / HT", 8);
	client_send(b, GET(PATH "tok-1"), strlen(GET(PATH "tok-1")));
	turn(e->loop);
	http01_free(e->http01);
	e->http01 = NULL;
	client_wait(e, a);
	client_wait(e, b);
	client_free(a);
	client_free(b);
	http01_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests), TEST(test_headers), TEST(test_too_long),
		TEST(test_slow), TEST(test_many), TEST(test_tokens),
		TEST(test_reload), TEST(test_taken), TEST(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
