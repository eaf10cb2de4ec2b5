/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"
#include "daemon/io/http_priv.h"
#include "daemon/io/loop.h"
#include "tests/unit/httpd.h"

struct result {
	struct http_op	*op;
	int		 calls;
	bool		 ok;
	struct error	 err;
	int		 status;
	char		 body[8192];
	char		 header[64];	/* all values of X-A */
};

static struct loop *loop;
static struct http *http;
static int port;

static int
setup(void **state)
{
	loop = loop_new();
	http = http_new(loop, "acmed-test/1");
	httpd_reset();
	return 0;
}

static int
teardown(void **state)
{
	http_free(http);
	loop_free(loop);
	return 0;
}

static void
done_cb(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct result *r = arg;
	const char *value;

	assert_non_null(r->op);
	r->op = NULL;
	r->calls++;
	r->ok = err == NULL;
	if (err != NULL) {
		assert_null(reply);
		r->err = *err;
		return;
	}
	r->status = reply->status;
	assert_int_equal(strlen(reply->body), reply->body_len);
	(void)text_printf(r->body, sizeof(r->body), "%s", reply->body);
	r->header[0] = '\0';
	for (size_t i = 0;
	    (value = http_reply_header(reply, "x-A", i)) != NULL; i++) {
		size_t used = strlen(r->header);

		(void)text_printf(r->header + used, sizeof(r->header) - used,
		    "%s|", value);
	}
}

static struct http_args
args_for(const char *method, const char *path, char url[128])
{
	(void)text_printf(url, 128, "http://127.0.0.1:%d%s", port, path);
	return (struct http_args){ .method = method, .url = url,
	    .max_reply = 5000, .timeout_ms = 5000, .allow_plain = true,
	    .proxy = "" };
}

static void
run(struct result *r)
{
	int64_t end = clock_mono_ms() + 10000;

	assert_int_equal(r->calls, 0);	/* not before start returned */
	while (r->calls == 0 && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(r->calls, 1);
}

static struct result
fetch(const struct http_args *args)
{
	static struct result r;

	memset(&r, 0, sizeof(r));
	r.op = http_start(http, args, done_cb, &r);
	run(&r);
	return r;
}

static struct result
get(const char *path)
{
	char url[128];
	struct http_args args = args_for("GET", path, url);

	return fetch(&args);
}

static void
test_replies(void **state)
{
	static const struct {
		const char *method, *path;
		int status;		/* 0: an error */
		const char *text;	/* the body, or the error's code */
		const char *header;
	} cases[] = {
		{ "GET", "/ok", 200, "hello", "one|two|" },
		{ "HEAD", "/ok", 200, "", "one|two|" },
		{ "GET", "/status/404", 404, "yes", "" },
		{ "POST", "/status/500", 500, "yes", "" },
		{ "GET", "/chunked", 200, "abcde", "" },
		{ "GET", "/interim", 200, "final", "" },
		{ "GET", "/redirect", 200, "hello", "one|two|" },
		{ "HEAD", "/redirect", 200, "", "one|two|" },
		{ "POST", "/redirect", 302, "moved", "redirect|" },
		{ "DELETE", "/redirect", 302, "moved", "redirect|" },
		{ "GET", "/loop", 0, "http:redirect", "" },
		{ "GET", "/file", 0, "http:redirect", "" },
		{ "GET", "/size/5000", 200, NULL, "" },
		{ "GET", "/size/5001", 0, "http:too-large", "" },
		{ "GET", "/headers/100", 200, "", "" },
		{ "GET", "/headers/101", 0, "http:too-large", "" },
		{ "GET", "/headers/long", 0, "http:too-large", "" },
		{ "GET", "/headers/endless", 0, "http:too-large", "" },
		{ "GET", "/garbage", 0, "http:io", "" },
		{ "GET", "/short", 0, "http:io", "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char url[128];
		struct http_args args = args_for(cases[i].method,
		    cases[i].path, url);
		struct result r = fetch(&args);

		if (r.ok != (cases[i].status != 0))
			fail_msg("%s: %s", cases[i].path, r.err.msg);
		if (!r.ok) {
			assert_string_equal(r.err.code, cases[i].text);
			assert_int_equal(r.err.kind,
			    strcmp(cases[i].text, "http:io") == 0 ?
			    ERR_TRANSIENT : ERR_REJECTED);
			assert_non_null(strstr(r.err.msg, "127.0.0.1"));
			continue;
		}
		assert_int_equal(r.status, cases[i].status);
		if (cases[i].text != NULL)
			assert_string_equal(r.body, cases[i].text);
		else
			assert_int_equal(strlen(r.body), 5000);
		assert_string_equal(r.header, cases[i].header);
	}
	assert_int_equal(http_requests(http), N_ELEMENTS(cases));
}

static void
test_request(void **state)
{
	static const struct http_header headers[] = {
		{ "X-Test", "value", false }, { "X-Empty", "", false },
		{ "Content-Type", "application/jose+json", false },
	};
	static const char *const methods[] = { "POST", "PUT", "PATCH",
	    "DELETE" };
	char url[128];

	for (size_t i = 0; i < N_ELEMENTS(methods); i++) {
		struct http_args args = args_for(methods[i], "/echo", url);
		struct result r;

		args.headers = headers;
		args.n_headers = N_ELEMENTS(headers);
		args.body = "{\"a\": 1}";
		args.body_len = 8;
		r = fetch(&args);
		assert_true(r.ok);
		assert_int_equal(strncmp(r.body, methods[i],
		    strlen(methods[i])), 0);
		assert_non_null(strstr(r.body, "\r\nX-Test: value\r\n"));
		assert_non_null(strstr(r.body, "\r\nX-Empty:\r\n"));
		assert_non_null(strstr(r.body,
		    "\r\nContent-Type: application/jose+json\r\n"));
		assert_non_null(strstr(r.body, "\r\nContent-Length: 8\r\n"));
		assert_non_null(strstr(r.body,
		    "\r\nUser-Agent: acmed-test/1\r\n"));
		assert_non_null(strstr(r.body, "\r\n\r\n{\"a\": 1}"));
		assert_null(strcasestr(r.body, "\r\nExpect"));
		assert_null(strcasestr(r.body, "\r\nAccept-Encoding"));
		/* The same handle again: nothing of it may be left. */
		r = get("/echo");
		assert_int_equal(strncmp(r.body, "GET ", 4), 0);
		assert_null(strcasestr(r.body, "\r\nX-"));
		assert_null(strcasestr(r.body, "\r\nContent-"));
	}
	assert_int_equal(httpd_connections(), 1);
}

static void
test_big_post(void **state)
{
	char url[128], body[3000];
	struct http_args args = args_for("POST", "/echo", url);
	struct result r;

	memset(body, 'p', sizeof(body));
	args.body = body;
	args.body_len = sizeof(body);
	r = fetch(&args);
	assert_true(r.ok);
	assert_null(strcasestr(r.body, "\r\nContent-Type"));
	assert_non_null(strstr(r.body, "\r\nContent-Length: 3000\r\n"));
	/* An empty POST says so. */
	args.body = NULL;
	args.body_len = 0;
	r = fetch(&args);
	assert_non_null(strstr(r.body, "\r\nContent-Length: 0\r\n"));
}

static void
test_bad_arguments(void **state)
{
	static const struct http_header bad_value[] = {
		{ "X", "a\r\nY: b", true } };
	static const struct http_header bad_name[] = { { "X Y", "a", true } };
	static const struct {
		const char *url, *method, *proxy, *ca_file;
		const struct http_header *header;
		const char *code;
		bool allow_plain;
	} cases[] = {
		{ "http://127.0.0.1/", "GET", "", NULL, NULL, "http:url",
		    false },
		{ "ftp://127.0.0.1/", "GET", "", NULL, NULL, "http:url", true },
		{ "file:///etc/hostname", "GET", "", NULL, NULL, "http:url",
		    true },
		{ "127.0.0.1/", "GET", "", NULL, NULL, "http:url", true },
		{ "https://a b/", "GET", "", NULL, NULL, "http:url", true },
		{ "", "GET", "", NULL, NULL, "http:url", true },
		{ "https://u:hunter2@127.0.0.1/", "GET", "", NULL, NULL,
		    "http:url", false },
		{ "https://u:hunter2@127.0.0.1:bad/?hunter2", "GET", "", NULL,
		    NULL, "http:url", false },
		{ "https://127.0.0.1/", "G T", "", NULL, NULL, "http:url",
		    false },
		{ "https://127.0.0.1/", "GET", "ftp://u:hunter2@p/", NULL,
		    NULL, "http:proxy", false },
		{ "https://127.0.0.1/", "GET", "", "/nonexistent/ca.pem", NULL,
		    "http:ca-file", false },
		{ "https://127.0.0.1/", "GET", "", NULL, bad_value,
		    "http:header", false },
		{ "https://127.0.0.1/", "GET", "", NULL, bad_name,
		    "http:header", false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct http_args args = { .method = cases[i].method,
		    .url = cases[i].url, .proxy = cases[i].proxy,
		    .ca_file = cases[i].ca_file, .headers = cases[i].header,
		    .n_headers = cases[i].header != NULL,
		    .timeout_ms = 1000, .allow_plain = cases[i].allow_plain };
		struct result r = fetch(&args);

		assert_false(r.ok);
		if (strcmp(r.err.code, cases[i].code) != 0)
			fail_msg("%s: %s", cases[i].url, r.err.msg);
		assert_int_equal(r.err.kind, ERR_CONFIG);
		assert_null(strstr(r.err.msg, "hunter2"));
		if (cases[i].ca_file != NULL)
			assert_non_null(strstr(r.err.msg, cases[i].ca_file));
	}
}

/* A CA file that has no certificates; nobody listens, and it is said first. */
static void
test_empty_ca_file(void **state)
{
	char path[] = "/tmp/acmed-test-ca-XXXXXX", url[128];
	struct http_args args = { .method = "GET", .url = url,
	    .ca_file = path, .timeout_ms = 5000, .proxy = "" };
	struct result r;
	int fd = mkstemp(path);

	assert_int_not_equal(fd, -1);
	close(fd);
	(void)text_printf(url, sizeof(url), "https://127.0.0.1:%d/ok", port);
	r = fetch(&args);
	unlink(path);
	assert_false(r.ok);
	assert_string_equal(r.err.code, "http:ca-file");
	assert_non_null(strstr(r.err.msg, path));
}

static void
test_no_server(void **state)
{
	struct http_args args = { .method = "GET", .proxy = "",
	    .url = "https://127.0.0.1:1/", .timeout_ms = 5000 };
	char url[128];
	struct result r = fetch(&args);

	assert_false(r.ok);
	assert_string_equal(r.err.code, "http:connect");
	assert_int_equal(r.err.kind, ERR_TRANSIENT);
	/* No TLS there. */
	(void)text_printf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	args.url = url;
	args.timeout_ms = 50;
	r = fetch(&args);
	assert_false(r.ok);
	assert_int_equal(r.err.kind, ERR_TRANSIENT);
	args.url = "https://nonexistent.invalid/";
	args.timeout_ms = 8000;
	r = fetch(&args);
	assert_false(r.ok);
	assert_non_null(strstr(r.err.msg, "nonexistent.invalid"));
}

static void
test_timeout(void **state)
{
	static const char *const paths[] = { "/hang", "/midway" };
	char url[128];

	for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
		struct http_args args = args_for("GET", paths[i], url);
		int64_t begin = clock_mono_ms(), took;
		struct result r;

		args.timeout_ms = 40;
		r = fetch(&args);
		took = clock_mono_ms() - begin;
		assert_false(r.ok);
		assert_string_equal(r.err.code, "http:timeout");
		assert_int_equal(r.err.kind, ERR_TRANSIENT);
		assert_in_range(took, 39, 2000);
	}
}

/* Waiting for a connection counts, too. */
static void
test_timeout_in_queue(void **state)
{
	struct result first = { 0 }, second = { 0 };
	char url[128];
	struct http_args args = args_for("GET", "/hang", url);

	first.op = http_start(http, &args, done_cb, &first);
	args.timeout_ms = 40;
	second.op = http_start(http, &args, done_cb, &second);
	run(&second);
	assert_string_equal(second.err.code, "http:timeout");
	assert_non_null(strstr(second.err.msg, "no free connection"));
	assert_int_equal(first.calls, 0);
	http_cancel(first.op);
}

static void
stop_cb(void *arg)
{
	*(bool *)arg = true;
}

static void
turn_for(int64_t ms)
{
	struct timer t;
	bool stop = false;

	timer_init(&t, loop, stop_cb, &stop);
	timer_set(&t, ms);
	while (!stop)
		loop_turn(loop);
}

static void
test_cancel(void **state)
{
	static const char *const paths[] = { "/ok", "/hang", "/midway",
	    "not a path" };
	char url[128];

	http_cancel(NULL);
	for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
		struct http_args args = args_for("GET", paths[i], url);
		struct result r = { 0 };

		/* At once. */
		http_cancel(http_start(http, &args, done_cb, &r));
		turn_for(2);
		assert_int_equal(r.calls, 0);
		if (i == 0 || i == 3)
			continue;
		/* Midway. */
		r.op = http_start(http, &args, done_cb, &r);
		turn_for(10);
		http_cancel(r.op);
		turn_for(2);
		assert_int_equal(r.calls, 0);
	}
	assert_true(get("/ok").ok);
}

struct pair {
	struct result	 own;
	struct http_op	*other;
};

static void
cancel_other_cb(const struct error *err, const struct http_reply *reply,
    void *arg)
{
	struct pair *p = arg;

	done_cb(err, reply, &p->own);
	http_cancel(p->other);
	p->other = NULL;
}

static void
never_cb(const struct error *err, const struct http_reply *reply, void *arg)
{
	fail_msg("done after cancel");
}

/* A done may cancel others. */
static void
test_cancel_from_done(void **state)
{
	static const char *const others[] = { "/ok", "/hang", "/midway" };
	char url[128], other_url[128];

	for (size_t i = 0; i < N_ELEMENTS(others); i++) {
		struct http_args args = args_for("GET", "/ok", url);
		struct http_args other = args_for("GET", others[i],
		    other_url);
		struct pair p = { 0 };

		p.own.op = http_start(http, &args, cancel_other_cb, &p);
		p.other = http_start(http, &other, never_cb, NULL);
		run(&p.own);
		assert_true(p.own.ok);
		turn_for(5);
	}
}

static void
again_cb(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct result *r = arg;
	char url[128];
	struct http_args args = args_for("GET", "/ok", url);

	assert_null(err);
	r->op = http_start(http, &args, done_cb, r);
}

static void
test_start_from_done(void **state)
{
	struct result r = { 0 };
	char url[128];
	struct http_args args = args_for("GET", "/ok", url);

	r.op = http_start(http, &args, again_cb, &r);
	run(&r);
	assert_true(r.ok);
	assert_int_equal(http_requests(http), 2);
	assert_int_equal(http_connections(http), 1);
}

static void
test_many(void **state)
{
	enum { N = 300 };
	static struct result r[N];
	char url[128];
	struct http_args args = args_for("GET", "/slow", url);

	memset(r, 0, sizeof(r));
	for (int i = 0; i < N; i++)
		r[i].op = http_start(http, &args, done_cb, &r[i]);
	for (int i = 0; i < N; i++) {
		while (r[i].calls == 0)
			loop_turn(loop);
		if (!r[i].ok)
			fail_msg("%d: %s", i, r[i].err.msg);
		assert_string_equal(r[i].body, "slow");
	}
	assert_in_range(httpd_most_open(), 2, 6);
	assert_in_range(httpd_connections(), 2, 6);
	assert_int_equal(http_connections(http), httpd_connections());
}

/* It is the first of those that wait. */
static void
test_urgent(void **state)
{
	enum { N = 60 };
	static struct result r[N], first;
	char url[128];
	struct http_args args = args_for("GET", "/slow", url);
	int over = 0;

	memset(r, 0, sizeof(r));
	for (int i = 0; i < N; i++)
		r[i].op = http_start(http, &args, done_cb, &r[i]);
	args.urgent = true;
	memset(&first, 0, sizeof(first));
	first.op = http_start(http, &args, done_cb, &first);
	run(&first);
	assert_true(first.ok);
	for (int i = 0; i < N; i++) {
		over += r[i].calls;
		if (r[i].calls == 0)
			http_cancel(r[i].op);
	}
	assert_in_range(over, 0, N / 2);
}

/* Of HTTP/1.1, a connection without an answer is closed: the others, of which
 * there are several, are as good as before. */
static void
test_kept_after_timeout(void **state)
{
	char url[128];
	struct http_args args = args_for("GET", "/hang", url);

	args.timeout_ms = 100;
	assert_true(get("/ok").ok);
	assert_false(fetch(&args).ok);
	for (int i = 0; i < 4; i++)
		assert_true(get("/ok").ok);
	assert_int_equal(http_connections(http), 2);
}

/* What the server does to idle connections is no failure of ours. */
static void
test_stale_connection(void **state)
{
	char url[128];
	struct http_args args = args_for("POST", "/reused", url);
	struct result r;

	assert_true(get("/closing").ok);
	turn_for(5);
	assert_true(get("/ok").ok);
	assert_int_equal(httpd_connections(), 2);
	args.body = "x";
	args.body_len = 1;
	r = fetch(&args);
	assert_true(r.ok);
	assert_string_equal(r.body, "fresh");
	assert_int_equal(httpd_connections(), 3);
}

static void
nowhere(const char *data, size_t len, void *arg)
{
}

/* Answers without end leave the others their places. */
static void
test_streams(void **state)
{
	enum { N = 8 };
	struct http_op *streams[N];
	char url[128], other[128];
	struct http_args args = args_for("GET", "/hang", url);

	assert_true(get("/ok").ok);
	args.data = nowhere;
	args.once = true;
	for (int i = 0; i < N; i++)
		streams[i] = http_start(http, &args, done_cb, NULL);
	turn_for(50);
	args = args_for("GET", "/ok", other);
	args.timeout_ms = 1000;
	assert_true(fetch(&args).ok);
	for (int i = 0; i < N; i++)
		http_cancel(streams[i]);
}

/* A lost answer is not a lost change: that is for the caller to look into. */
static void
test_once(void **state)
{
	char url[128];
	struct http_args args = args_for("POST", "/lost", url);
	struct result r;

	assert_true(get("/ok").ok);
	args.body = "x";
	args.body_len = 1;
	args.once = true;
	r = fetch(&args);
	assert_false(r.ok);
	assert_int_equal(r.err.kind, ERR_TRANSIENT);
	assert_string_equal(r.err.code, "http:io");
	assert_int_equal(httpd_connections(), 2);
	args.once = false;
	assert_true(get("/ok").ok);	/* on a kept one */
	assert_int_equal(httpd_connections(), 2);
	assert_false(fetch(&args).ok);
	assert_int_equal(httpd_connections(), 3);	/* sent twice */
}

static void
test_secret_is_not_redirected(void **state)
{
	static const struct http_header header = { "Authorization",
	    "Bearer hunter2", true };
	char url[128];
	struct http_args args = args_for("GET", "/redirect", url);
	struct result r;

	args.headers = &header;
	args.n_headers = 1;
	r = fetch(&args);
	assert_int_equal(r.status, 302);
	args.n_headers = 0;
	args.secret_url = true;
	r = fetch(&args);
	assert_int_equal(r.status, 302);
}

/* Requests are shown at debug, but nothing that is secret. */
static void
test_log(void **state)
{
	static const struct http_header header = { "Authorization",
	    "Bearer hunter2", true };
	char name[] = "/tmp/acmed-test-log-XXXXXX", url[128], text[4096];
	struct http_args args = args_for("GET", "/ok?key=hunter2", url);
	int fd = mkstemp(name), saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(fd != -1 && saved != -1);
	unlink(name);
	args.headers = &header;
	args.n_headers = 1;
	args.timeout_ms = 20;
	log_set_level(LOGL_DEBUG);
	(void)dup2(fd, STDERR_FILENO);
	(void)fetch(&args);
	args.timeout_ms = 5000;
	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d/status/204",
	    port);
	(void)fetch(&args);
	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d/hunter2",
	    port);
	args.secret_url = true;
	(void)fetch(&args);
	(void)dup2(saved, STDERR_FILENO);
	log_set_level(LOGL_NOTICE);
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	close(saved);
	assert_true(n > 0);
	text[n] = '\0';
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "/status/204 -> 204, "));
	assert_non_null(strstr(text, "/ok failed after "));
	assert_non_null(strstr(text, "GET http://127.0.0.1:"));
}

static void
test_retry_at(void **state)
{
	/* 784111777 is Sun, 06 Nov 1994 08:49:37 GMT; now is later. */
	enum { NOW = 800000000, THEN = 784111777 };
	static const struct {
		const char *retry, *date;
		time_t at;
	} cases[] = {
		{ "120", NULL, NOW + 120 }, { "0", NULL, NOW },
		{ "99999999999999999999999", NULL, NOW + 365 * 86400 },
		{ "", NULL, 0 }, { "-1", NULL, 0 }, { "1.5", NULL, 0 },
		{ "12 s", NULL, 0 }, { "soon", NULL, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", NULL, NOW },
		{ "Tue, 09 May 1995 06:14:20 GMT", NULL, NOW + 60 },
		{ "Tuesday, 09-May-95 06:14:20 GMT", NULL, NOW + 60 },
		{ "Tue May  9 06:14:20 1995", NULL, NOW + 60 },
		{ "Fri May 19 06:14:20 1995", NULL, NOW + 60 + 864000 },
		/* The server's clock differs. */
		{ "Sun, 06 Nov 1994 08:50:37 GMT",
		    "Sun, 06 Nov 1994 08:49:37 GMT", NOW + 60 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", "yesterday", NOW },
		{ "60", "Sun, 06 Nov 1994 08:49:37 GMT", NOW + 60 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", NULL, NOW + 365 * 86400 },
		{ "Tue, 09 May 1995 06:14:20", NULL, 0 },
		{ "Tue, 09 May 1995 06:14:20 CET", NULL, 0 },
		{ "Tue, 09 May 1995 06:14:20 GMT x", NULL, 0 },
		{ "Mon, 08 Mai 1995 06:14:20 GMT", NULL, 0 },
		{ "Mon, 31 Feb 1995 06:14:20 GMT", NULL, 0 },
		{ "Tue, 09 May 1995 24:14:20 GMT", NULL, 0 },
		{ "Tue, 9 May 1995 06:14:20 GMT", NULL, 0 },
		{ "Tue, 09 May 1995", NULL, 0 },
		{ "Tue May  9 06:14:20 95      ", NULL, 0 },
	};

	clock_test_set(NOW);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct http_headers h = { 0 };
		struct http_reply reply = { .status = 429, .headers = &h };
		char line[128];
		time_t at;

		assert_int_equal(http_reply_retry_at(&reply), 0);
		(void)text_printf(line, sizeof(line), "retry-after: %s\r\n",
		    cases[i].retry);
		assert_true(http_headers_add(&h, line, strlen(line)));
		(void)text_printf(line, sizeof(line), "date: %s\r\n",
		    cases[i].date);
		if (cases[i].date != NULL)
			assert_true(http_headers_add(&h, line, strlen(line)));
		assert_int_equal(http_reply_date(&reply), cases[i].date !=
		    NULL && cases[i].date[0] == 'S' ? THEN : 0);
		at = http_reply_retry_at(&reply);
		if (at != cases[i].at)
			fail_msg("%s: %lld", cases[i].retry, (long long)at);
		http_headers_clear(&h);
	}
	clock_test_set(0);
}

/* What is no header must not become one, nor end up in the one before. */
static void
test_odd_headers(void **state)
{
	static const struct { const char *line; size_t len; } odd[] = {
		{ "no colon\r\n", 10 }, { ": x\r\n", 5 },
		{ " X-A: folded\r\n", 14 }, { "X-A: a\0b\r\n", 10 },
		{ "", 0 },
	};
	struct http_headers h = { 0 };
	struct http_reply reply = { .headers = &h };

	for (size_t i = 0; i < N_ELEMENTS(odd); i++)
		assert_true(http_headers_add(&h, odd[i].line, odd[i].len));
	assert_null(http_reply_header(&reply, "X-A", 0));
	assert_true(http_headers_add(&h, "X-A:\r\n", 6));
	assert_string_equal(http_reply_header(&reply, "X-A", 0), "");
	assert_null(http_reply_header(&reply, "X-A", 1));
	http_headers_clear(&h);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_replies), T(test_request), T(test_big_post),
		T(test_bad_arguments), T(test_empty_ca_file),
		T(test_no_server), T(test_timeout), T(test_timeout_in_queue),
		T(test_cancel), T(test_cancel_from_done),
		T(test_start_from_done), T(test_many), T(test_urgent),
		T(test_kept_after_timeout), T(test_stale_connection),
		T(test_streams),
		T(test_once),
		T(test_secret_is_not_redirected),
		T(test_log), cmocka_unit_test(test_retry_at),
		cmocka_unit_test(test_odd_headers),
	};

	int failed;

	(void)signal(SIGPIPE, SIG_IGN);
	port = httpd_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpd_stop();
	return failed;
}
