/* SPDX-License-Identifier: MIT */
/* The control server, spoken to over its real socket on the same loop. */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/provider_text.h"
#include "common/text.h"
#include "daemon/control/control.h"
#include "daemon/control/providers.h"
#include "daemon/io/loop.h"
#include "daemon/persist/persist_job.h"
#include "tests/fake/fake_engine.h"

struct env {
	struct loop	*loop;
	struct engine	*engine;
	struct control	*ctl;
	char		 dir[64];
	char		 path[80];
	bool		 reload_fails;
};

struct client {
	int	fd;
	char	in[65536];
	size_t	len;
	bool	eof;
};

static json_t *
reload_cb(void *arg, struct error *err, json_t *lines)
{
	struct env *env = arg;

	if (!env->reload_fails)
		return json_pack("{s:[s], s:[], s:[]}", "added", "new.example",
		    "removed", "changed");
	(void)error_set(err, ERR_CONFIG, "conf:invalid", "2 mistakes");
	(void)json_array_append_new(lines, json_string("f:1: one"));
	(void)json_array_append_new(lines, json_string("f:2: two"));
	return NULL;
}

static int
setup(void **state)
{
	struct env *env = xcalloc(1, sizeof(*env));
	struct error err;

	(void)text_printf(env->dir, sizeof(env->dir), "/tmp/acmed-test-XXXXXX");
	assert_non_null(mkdtemp(env->dir));
	(void)text_printf(env->path, sizeof(env->path), "%s/run/s", env->dir);
	env->loop = loop_new();
	env->engine = fake_engine_new();
	env->ctl = control_new(env->loop, env->engine, env->path, reload_cb,
	    env, &err);
	assert_non_null(env->ctl);
	*state = env;
	return 0;
}

static int
teardown(void **state)
{
	struct env *env = *state;
	char sub[80];

	control_free(env->ctl);
	assert_int_equal(access(env->path, F_OK), -1);
	fake_engine_free(env->engine);
	loop_free(env->loop);
	(void)text_printf(sub, sizeof(sub), "%s/run", env->dir);
	(void)rmdir(sub);
	(void)rmdir(env->dir);
	free(env);
	return 0;
}

static struct client *
client_new(struct env *env)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)text_printf(sun.sun_path, sizeof(sun.sun_path), "%s", env->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_return_code(connect(c->fd, (struct sockaddr *)&sun,
	    sizeof(sun)), errno);
	return c;
}

static void
client_free(struct client *c)
{
	(void)close(c->fd);
	free(c);
}

/* Let the server work, and take what it sends. */
static void
turn(struct env *env, struct client *c)
{
	ssize_t n;

	(void)event_base_loop(loop_base(env->loop), EVLOOP_NONBLOCK);
	if (c == NULL || c->eof)
		return;
	n = read(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len);
	if (n > 0)
		c->len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		c->eof = true;
	c->in[c->len] = '\0';
}

/* Until want shows up, or (NULL) the end.  The test fails after 5 s. */
static void
await(struct env *env, struct client *c, const char *want)
{
	int64_t end = clock_mono_ms() + 5000;

	while (clock_mono_ms() < end) {
		turn(env, c);
		if (want != NULL ? strstr(c->in, want) != NULL : c->eof)
			return;
		if (c->eof)
			break;
		(void)poll(NULL, 0, 1);
	}
	fail_msg("no %s in: %s", want == NULL ? "end" : want, c->in);
}

static void
run_for(struct env *env, struct client *c, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end) {
		turn(env, c);
		(void)poll(NULL, 0, 1);
	}
}

static void
say(struct client *c, const char *text)
{
	assert_int_equal(write(c->fd, text, strlen(text)), strlen(text));
}

static void
say_request(struct client *c, const char *method, const char *path,
    const char *body)
{
	char *text = xasprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close"
	    "\r\nContent-Length: %zu\r\n\r\n%s", method, path, strlen(body),
	    body);

	say(c, text);
	free(text);
}

/* One whole exchange; the answer must begin with status and have want. */
static void
exchange(struct env *env, const char *method, const char *path,
    const char *body, int status, const char *want)
{
	struct client *c = client_new(env);
	char head[32];

	(void)text_printf(head, sizeof(head), "HTTP/1.1 %d ", status);
	say_request(c, method, path, body);
	await(env, c, NULL);
	if (strncmp(c->in, head, strlen(head)) != 0 ||
	    strstr(c->in, want) == NULL)
		fail_msg("%s %s: no %d %s in: %s", method, path, status, want,
		    c->in);
	client_free(c);
}

/* What acmectl and acmed --list-providers make of it is read, too. */
static void
test_providers(void **state)
{
	struct error err;
	json_t *j = providers_list(), *o;
	char *text = provider_text(j);
	size_t i;

	assert_non_null(strstr(text, "cloudflare     Cloudflare\n"));
	free(text);
	json_array_foreach(json_object_get(j, "providers"), i, o) {
		const char *name = json_string_value(json_object_get(o,
		    "name"));
		json_t *one = providers_one(name, &err);

		assert_non_null(one);
		text = provider_text(one);
		assert_non_null(strstr(text, "\nIn acmed.conf:\n"));
		for (const char *line = text; *line != '\0';) {
			size_t len = strcspn(line, "\n");

			if (len > 100)
				fail_msg("%s: %.*s", name, (int)len, line);
			line += len + (line[len] == '\n');
		}
		free(text);
		json_decref(one);
	}
	json_decref(j);
	j = providers_one("cloudflare", &err);
	text = provider_text(j);
	assert_non_null(strstr(text, "  ttl (number, 60 to 86400, "
	    "default 60)\n      TTL of the records in seconds\n"));
	assert_non_null(strstr(text, "  api_token, api_token_file (text, "
	    "secret, required)\n"));
	assert_non_null(strstr(text, "  provider \"cloudflare\" {\n"
	    "      type = \"cloudflare\"\n"
	    "      api_token_file = \"/etc/acmed/secrets/cloudflare-api_token"
	    "\"\n  }\n"));
	free(text);
	json_decref(j);
	assert_null(providers_one("cloudflair", &err));
	assert_string_equal(err.msg, "there is no provider type "
	    "\"cloudflair\"; did you mean \"cloudflare\"?");
	assert_null(providers_one("cloudxns", &err));
	assert_non_null(strstr(err.msg, "the service ended"));
}

static void
test_routes(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
		const char *want;
	} cases[] = {
		{ "GET", "/v1/status", "", 200, "\"name\":\"b.example\"" },
		{ "GET", "/v1/certificates/a.example", "", 200,
		    "{\"name\":\"a.example\"" },
		{ "GET", "/v1/certificates/%61.example", "", 200,
		    "{\"name\":\"a.example\"" },
		{ "GET", "/v1/certificates/none", "", 404,
		    "\"engine:unknown-cert\",\"msg\":\"no certificate "
		    "\\\"none\\\"" },
		{ "GET", "/v1/certificates/", "", 400, "control:request" },
		{ "GET", "/v1/certificates/a%00b", "", 400,
		    "control:request" },
		{ "GET", "/v1/providers", "", 200,
		    "{\"name\":\"cloudflare\",\"title\":\"Cloudflare\"}" },
		{ "GET", "/v1/providers/cloudflare", "", 200,
		    "{\"name\":\"cloudflare\",\"title\":\"Cloudflare\"," },
		{ "GET", "/v1/providers/none", "", 404,
		    "control:unknown-provider" },
		{ "POST", "/v1/providers", "", 405, "Allow: GET" },
		{ "POST", "/v1/notify-test", "", 202, "{\"started\":[" },
		{ "POST", "/v1/notify-test", "{\"channel\":\"ops\"}", 202,
		    "{\"started\":[\"ops\"]}" },
		{ "POST", "/v1/notify-test", "{\"channel\":\"x\"}", 404,
		    "notify:unknown-channel" },
		{ "POST", "/v1/notify-test", "{\"chanel\":\"x\"}", 400,
		    "control:request" },
		{ "GET", "/v1/notify-test/results", "", 200,
		    "{\"running\":false,\"results\":[]}" },
		{ "GET", "/metrics", "", 200, "\r\n\r\nacmed_up 1\n"
		    "# TYPE g0 gauge\ng0{name=\"a.example\"} 1\n" },
		{ "GET", "/metrics", "", 200, "text/plain; version=0.0.4" },
		{ "POST", "/v1/reload", "", 200,
		    "\"added\":[\"new.example\"]" },
		{ "GET", "/", "", 404, "control:not-found" },
		{ "GET", "/v1/statusx", "", 404, "control:not-found" },
		{ "GET", "*", "", 404, "control:not-found" },
		{ "POST", "/v1/status", "", 405, "Allow: GET" },
		{ "GET", "/v1/renew", "", 405, "Allow: POST" },
		{ "DELETE", "/v1/certificates/a.example", "", 405,
		    "control:method" },
		{ "HEAD", "/v1/status", "", 405, "\r\n\r\n" },
		{ "BREW", "/v1/status", "", 501, "" },
		{ "GET", "/v1/events?cert=none", "", 404,
		    "engine:unknown-cert" },
		{ "GET", "/v1/events?name=a.example", "", 400,
		    "control:request" },
		{ "GET", "/v1/events?&&=", "", 400, "control:request" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		exchange(*state, cases[i].method, cases[i].path, cases[i].body,
		    cases[i].status, cases[i].want);
}

static void
test_persist_bodies(void **state)
{
	struct env *env = *state;
	static const char *const bad[] = { "", "[]", "{}", "{\"name\": 1}",
	    "{\"name\": \"a\", \"do\": \"wipe\"}",
	    "{\"name\": \"a\", \"until\": \"tomorrow\"}",
	    "{\"name\": \"a\", \"until\": 1}",
	    "{\"name\": \"a\", \"until\": -1}",
	    "{\"name\": \"a\", \"until\": 253402300800}",
	    "{\"name\": \"a\", \"when\": 1}" };
	static const struct {
		const char	*body;
		enum persist_act act;
		time_t		 until;
		bool		 ok;
	} good[] = {
		{ "{\"name\": \"a\"}", PERSIST_SHOW, 0, true },
		{ "{\"name\": \"a\", \"do\": \"write\", \"until\": "
		    "4102444800}", PERSIST_WRITE, 4102444800, true },
		{ "{\"name\": \"a\", \"do\": \"remove\"}",
		    PERSIST_REMOVE, 0, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		exchange(env, "POST", "/v1/persist", bad[i], 400,
		    i == 0 ? "json:syntax" : "control:request");
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		struct client *c = client_new(env);

		say_request(c, "POST", "/v1/persist", good[i].body);
		run_for(env, c, 20);
		assert_int_equal(fake_engine_jobs(env->engine), 1);
		assert_string_equal(c->in, "");
		assert_int_equal(fake_engine_job_args(env->engine)->act,
		    good[i].act);
		assert_int_equal(fake_engine_job_args(env->engine)->until,
		    good[i].until);
		fake_engine_job_end(env->engine, good[i].ok);
		await(env, c, NULL);
		assert_non_null(strstr(c->in, good[i].ok ? "HTTP/1.1 200 " :
		    "HTTP/1.1 409 "));
		assert_non_null(strstr(c->in, good[i].ok ?
		    "{\"certificate\":\"a.example\"" :
		    "persist:no-issuer"));
		client_free(c);
	}
}

/* It may take longer than an idle connection is left open; one whose client
 * leaves is broken off; there are not too many. */
static void
test_persist_long(void **state)
{
	static const char body[] = "{\"name\": \"a\"}";
	struct env *env = *state;
	struct client *many[8], *c;

	control_test_limits(env->ctl, 100, 50);
	for (size_t i = 0; i < N_ELEMENTS(many); i++) {
		many[i] = client_new(env);
		say_request(many[i], "POST", "/v1/persist", body);
	}
	run_for(env, NULL, 1500);
	assert_int_equal(fake_engine_jobs(env->engine), 8);
	exchange(env, "POST", "/v1/persist", body, 503, "control:busy");
	client_free(many[0]);
	run_for(env, NULL, 1200);
	assert_int_equal(fake_engine_jobs(env->engine), 7);
	c = client_new(env);
	say_request(c, "POST", "/v1/persist", body);
	run_for(env, c, 20);
	assert_int_equal(fake_engine_jobs(env->engine), 8);
	for (size_t i = 1; i < N_ELEMENTS(many); i++) {
		fake_engine_job_end(env->engine, true);
		await(env, many[i], NULL);
		client_free(many[i]);
	}
	/* The last one ends with the server. */
	assert_int_equal(fake_engine_jobs(env->engine), 1);
	client_free(c);
}

static void
test_renew_bodies(void **state)
{
	struct env *env = *state;
	static const struct {
		const char *body;
		int status;
		const char *want;
	} cases[] = {
		{ "", 400, "json:syntax" },
		{ "{", 400, "json:syntax" },
		{ "[]", 400, "control:request" },
		{ "{}", 400, "control:request" },
		{ "{\"names\": []}", 400, "control:request" },
		{ "{\"names\": \"a.example\"}", 400, "control:request" },
		{ "{\"names\": [\"a.example\", 1]}", 400, "control:request" },
		{ "{\"names\": [null]}", 400, "control:request" },
		{ "{\"names\": [\"a.example\"], \"follow\": 1}", 400,
		    "control:request" },
		{ "{\"names\": [\"a.example\"], \"folow\": true}", 400,
		    "control:request" },
		{ "{\"names\": [\"a.example\", \"c.example\"]}", 404,
		    "engine:unknown-cert" },
		{ "{\"names\": [\"c.example\"], \"follow\": true}", 404,
		    "engine:unknown-cert" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		exchange(env, "POST", "/v1/renew", cases[i].body,
		    cases[i].status, cases[i].want);
	assert_string_equal(fake_engine_renewed(env->engine), "");
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\", \"a.example\", \"b.example\"]}", 202,
	    "{\"started\":[\"b.example\",\"a.example\"]}");
	assert_string_equal(fake_engine_renewed(env->engine),
	    "b.example a.example ");
	fake_engine_set_stopping(env->engine, true);
	exchange(env, "POST", "/v1/renew", "{\"names\": [\"a.example\"]}",
	    503, "engine:stopping");
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 503,
	    "engine:stopping");
	assert_int_equal(fake_engine_subs(env->engine), 0);
}

static void
test_deploy_bodies(void **state)
{
	struct env *env = *state;
	static const struct {
		const char *path, *body;
		int status;
		const char *want;
	} cases[] = {
		{ "deploy", "", 400, "json:syntax" },
		{ "deploy", "{}", 400, "control:request" },
		{ "deploy", "{\"name\": 1}", 400, "control:request" },
		{ "deploy", "{\"name\": \"a.example\", \"force\": true}", 400,
		    "control:request" },
		{ "rollback", "{\"name\": \"a.example\", \"target\": \"x\"}",
		    400, "control:request" },
		{ "deploy", "{\"name\": \"a.example\", \"target\": \"x\"}",
		    409, "engine:no-target" },
		{ "deploy", "{\"name\": \"a.example\", \"target\": \"x\", "
		    "\"follow\": true}", 409, "engine:no-target" },
		{ "deploy", "{\"name\": \"a.example\"}", 202,
		    "{\"started\":[\"a.example\"]}" },
		{ "deploy", "{\"name\": \"b.example\", \"target\": \"web\"}",
		    202, "{\"started\":[\"b.example\"]}" },
		{ "rollback", "{\"name\": \"a.example\"}", 202, "started" },
		{ "rollback", "{\"name\": \"a.example\", \"force\": true}",
		    202, "started" },
		{ "rollback", "{\"name\": \"c.example\"}", 404,
		    "engine:unknown-cert" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *path = xasprintf("/v1/%s", cases[i].path);

		exchange(env, "POST", path, cases[i].body, cases[i].status,
		    cases[i].want);
		free(path);
	}
	assert_string_equal(fake_engine_renewed(env->engine),
	    "deploy::a.example deploy:web:b.example rollback::a.example "
	    "rollback:force:a.example rollback::");
	fake_engine_set_instant(env->engine, true);
	exchange(env, "POST", "/v1/deploy", "{\"name\": \"a.example\", "
	    "\"follow\": true}", 200, "\"ok\":true}\n\r\n0\r\n\r\n");
	assert_int_equal(fake_engine_subs(env->engine), 0);
}

static void
test_reload_fails(void **state)
{
	struct env *env = *state;

	env->reload_fails = true;
	exchange(env, "POST", "/v1/reload", "", 409,
	    "\"lines\":[\"f:1: one\",\"f:2: two\"]");
	exchange(env, "POST", "/v1/reload", "", 409,
	    "\"code\":\"conf:invalid\"");
}

static void
test_follow(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env);

	say_request(c, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\", \"b.example\"], \"follow\": true}");
	await(env, c, "application/jsonl");
	assert_string_equal(fake_engine_renewed(env->engine),
	    "a.example b.example ");
	fake_engine_step(env->engine, "www.example", "order", "not ours");
	fake_engine_step(env->engine, "a.example", "order", "first");
	await(env, c, "\"msg\":\"first\"}\n");
	fake_engine_end(env->engine, "a.example", true);
	await(env, c, "\"ok\":true}\n");
	/* A run that begins again is not what was asked for. */
	fake_engine_step(env->engine, "a.example", "order", "again");
	run_for(env, c, 20);
	assert_false(c->eof);
	fake_engine_end(env->engine, "b.example", false);
	await(env, c, NULL);
	assert_non_null(strstr(c->in, "\"ok\":false}\n\r\n0\r\n\r\n"));
	assert_null(strstr(c->in, "not ours"));
	assert_null(strstr(c->in, "again"));
	assert_int_equal(fake_engine_subs(env->engine), 0);
	client_free(c);
}

/* What happens inside engine_renew_now() is not lost. */
static void
test_follow_instant(void **state)
{
	struct env *env = *state;

	fake_engine_set_instant(env->engine, true);
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 200,
	    "\"msg\":\"begun\"}\n");
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 200,
	    "\"ok\":true}\n\r\n0\r\n\r\n");
}

/* What the CA asked to wait is refused, and nothing else begins either. */
static void
test_held(void **state)
{
	struct env *env = *state;

	fake_engine_set_held(env->engine, true);
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\", \"b.example\"]}", 503,
	    "\"code\":\"engine:held\"");
	assert_string_equal(fake_engine_renewed(env->engine), "");
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\"], \"force\": false}", 503, "held");
	exchange(env, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\"], \"force\": true}", 202, "started");
	assert_string_equal(fake_engine_renewed(env->engine), "b.example ");
}

/* HTTP/1.0 knows no chunks. */
static void
test_follow_http10(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env);
	static const char body[] =
	    "{\"names\": [\"a.example\"], \"follow\": true}";
	char *text = xasprintf("POST /v1/renew HTTP/1.0\r\n"
	    "Content-Length: %zu\r\n\r\n%s", strlen(body), body);

	say(c, text);
	free(text);
	await(env, c, "\r\n\r\n");
	run_for(env, c, 5);
	fake_engine_end(env->engine, "a.example", true);
	await(env, c, NULL);
	assert_non_null(strstr(c->in, "\"ok\":true}\n"));
	client_free(c);
}

static void
test_events(void **state)
{
	struct env *env = *state;
	struct client *all = client_new(env), *one = client_new(env);

	control_test_limits(env->ctl, 30, 60);
	say_request(all, "GET", "/v1/events", "");
	say_request(one, "GET", "/v1/events?cert=b.example", "");
	await(env, all, "200 OK");
	await(env, one, "200 OK");
	fake_engine_step(env->engine, "a.example", "order", "for a");
	fake_engine_end(env->engine, "b.example", true);
	await(env, all, "for a");
	await(env, all, "b.example");
	await(env, one, "b.example");
	/* The sign of life; and no time limit though the client is silent. */
	await(env, all, "\r\n1\r\n\n\r\n");
	await(env, one, "\r\n1\r\n\n\r\n");
	assert_null(strstr(one->in, "for a"));
	assert_false(all->eof);
	client_free(all);
	client_free(one);
}

static void
test_leave_midway(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env);

	say_request(c, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}");
	await(env, c, "200 OK");
	fake_engine_step(env->engine, "a.example", "order", "first");
	client_free(c);
	fake_engine_step(env->engine, "a.example", "order", "second");
	run_for(env, NULL, 20);
	assert_int_equal(fake_engine_subs(env->engine), 0);
	fake_engine_step(env->engine, "a.example", "order", "third");
	exchange(env, "GET", "/v1/status", "", 200, "a.example");
}

/* One that does not read is dropped; one beside it that reads is not. */
static void
test_backlog(void **state)
{
	struct env *env = *state;
	struct client *lazy = client_new(env), *keen = client_new(env);
	char msg[2000];

	memset(msg, 'x', sizeof(msg) - 1);
	msg[sizeof(msg) - 1] = '\0';
	say_request(lazy, "GET", "/v1/events", "");
	await(env, lazy, "200 OK");
	say_request(keen, "GET", "/v1/events", "");
	await(env, keen, "200 OK");
	for (size_t i = 0; i < 800; i++) {
		fake_engine_step(env->engine, "a.example", "order", msg);
		turn(env, keen);
		keen->len = 0;
	}
	assert_int_equal(fake_engine_subs(env->engine), 1);
	assert_false(keen->eof);
	while (!lazy->eof) {
		turn(env, lazy);
		lazy->len = 0;
	}
	client_free(lazy);
	client_free(keen);
}

static void
test_check_bodies(void **state)
{
	static const struct {
		const char	*body;
		int		 status;
		const char	*want;
	} cases[] = {
		{ "{\"names\": [\"a.exampl\"]}", 404, "engine:unknown-cert" },
		{ "{\"names\": \"a.example\"}", 400, "control:request" },
		{ "{\"names\": [1]}", 400, "control:request" },
		{ "{\"names\": [\"a.example\", null]}", 400,
		    "control:request" },
		{ "{\"names\": {}}", 400, "control:request" },
		{ "{\"probe\": 1}", 400, "control:request" },
		{ "{\"other\": 1}", 400, "control:request" },
		{ "[", 400, "json:syntax" },
	};
	struct env *env = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		exchange(env, "POST", "/v1/check", cases[i].body,
		    cases[i].status, cases[i].want);
	exchange(env, "GET", "/v1/check", "", 405, "control:method");
	assert_string_equal(fake_engine_checked(env->engine), "");
}

static void
test_check(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env);

	say_request(c, "POST", "/v1/check",
	    "{\"names\": [\"a.example\", \"b.example\"]}");
	await(env, c, "200 OK");
	fake_engine_check_line(env->engine, "first");
	await(env, c, "\"first\"}\n");
	assert_false(c->eof);
	fake_engine_check_line(env->engine, NULL);
	await(env, c, NULL);
	client_free(c);
	c = client_new(env);
	say_request(c, "POST", "/v1/check", "{\"probe\": false}");
	await(env, c, "200 OK");
	fake_engine_check_stop(env->engine);
	await(env, c, "engine:stopping");
	await(env, c, NULL);
	client_free(c);
	/* Without a body: all, with a probe.  Who leaves, ends it. */
	c = client_new(env);
	say_request(c, "POST", "/v1/check", "");
	await(env, c, "200 OK");
	assert_string_equal(fake_engine_checked(env->engine),
	    "a.example b.example +-+");
	assert_int_equal(fake_engine_checks(env->engine), 1);
	client_free(c);
	run_for(env, NULL, 20);
	assert_int_equal(fake_engine_checks(env->engine), 0);
}

static void
test_check_limits(void **state)
{
	struct env *env = *state;
	struct client *c[5];
	char *text = xmalloc(20000);

	for (size_t i = 0; i < 5; i++) {
		c[i] = client_new(env);
		say_request(c[i], "POST", "/v1/check", "");
		await(env, c[i], i < 4 ? "200 OK" : "control:busy");
	}
	assert_int_equal(fake_engine_checks(env->engine), 4);
	/* Nobody reads. */
	memset(text, 'x', 19999);
	text[19999] = '\0';
	for (int i = 0; i < 200; i++)
		fake_engine_check_line(env->engine, text);
	assert_int_equal(fake_engine_checks(env->engine), 0);
	run_for(env, NULL, 20);
	for (size_t i = 0; i < 5; i++)
		client_free(c[i]);
	c[0] = client_new(env);
	say_request(c[0], "POST", "/v1/check", "");
	await(env, c[0], "200 OK");
	client_free(c[0]);
	run_for(env, NULL, 20);
	free(text);
}

static void
test_too_many_streams(void **state)
{
	struct env *env = *state;
	struct client *c[33];
	size_t n = N_ELEMENTS(c);

	for (size_t i = 0; i < n; i++) {
		c[i] = client_new(env);
		say_request(c[i], "GET", "/v1/events", "");
		await(env, c[i], i < n - 1 ? "200 OK" : "control:busy");
	}
	exchange(env, "GET", "/v1/status", "", 200, "a.example");
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
	run_for(env, NULL, 20);
	assert_int_equal(fake_engine_subs(env->engine), 0);
}

static void
test_oversized(void **state)
{
	struct env *env = *state;
	struct client *c;
	char *big = xmalloc(API_BODY_MAX + 2);

	memset(big, ' ', API_BODY_MAX + 1);
	big[API_BODY_MAX + 1] = '\0';
	exchange(env, "POST", "/v1/renew", big, 413, "");
	/* Just as long as is allowed. */
	big[API_BODY_MAX] = '\0';
	memcpy(big, "{\"names\": [\"a.example\"]}", 24);
	exchange(env, "POST", "/v1/renew", big, 202, "started");

	/* Announced, but never sent. */
	c = client_new(env);
	say(c, "POST /v1/renew HTTP/1.1\r\nContent-Length: 99999999999\r\n"
	    "\r\n{");
	await(env, c, "HTTP/1.1 413");
	client_free(c);

	/* Without end, in chunks. */
	c = client_new(env);
	say(c, "POST /v1/renew HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < 20 && c->len == 0; i++) {
		(void)dprintf(c->fd, "1000\r\n%.4096s\r\n", big);
		turn(env, c);
	}
	await(env, c, "HTTP/1.1 413");
	client_free(c);

	/* Headers. */
	memset(big, 'h', API_BODY_MAX);
	c = client_new(env);
	say(c, "GET /v1/status HTTP/1.1\r\nX: ");
	(void)dprintf(c->fd, "%.20000s\r\n\r\n", big);
	await(env, c, NULL);
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
	struct env *env = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct client *c = client_new(env);

		say(c, cases[i]);
		(void)shutdown(c->fd, SHUT_WR);
		await(env, c, NULL);
		if (strstr(c->in, "200 OK") != NULL)
			fail_msg("accepted: %s", cases[i]);
		client_free(c);
	}
	exchange(env, "GET", "/v1/status", "", 200, "a.example");
}

/* Read to the end of a chunked reply; the number of lines with what. */
static size_t
count_lines(struct env *env, struct client *c, const char *what)
{
	int64_t end = clock_mono_ms() + 60000;
	size_t n = 0;

	while (clock_mono_ms() < end) {
		char *line = c->in, *nl;
		bool is_end;

		turn(env, c);
		for (; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
			*nl = '\0';
			n += strstr(line, what) != NULL;
		}
		is_end = c->len >= 5 && memcmp(c->in + c->len - 5, "0\r\0\r",
		    5) == 0;
		c->len = strlen(line);
		memmove(c->in, line, c->len + 1);
		if (is_end)
			return n;
		assert_false(c->eof);
	}
	fail_msg("no end after %zu lines", n);
	return 0;
}

/* What is long is made as the client reads it. */
static void
test_long_replies(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env), *leaves = client_new(env);
	size_t shown;

	fake_engine_many(env->engine, 20000);
	say(leaves, "GET /v1/status HTTP/1.1\r\n\r\n");
	await(env, leaves, "x0000001");
	client_free(leaves);
	say(c, "GET /v1/status HTTP/1.1\r\n\r\n");
	run_for(env, NULL, 200);
	shown = fake_engine_shown(env->engine);
	assert_in_range(shown, 100, 12000);
	run_for(env, NULL, 200);
	assert_int_equal(fake_engine_shown(env->engine), shown);
	assert_int_equal(count_lines(env, c, "\"state\":\"valid\"}"),
	    20003);
	say(c, "GET /metrics HTTP/1.1\r\n\r\n");
	assert_int_equal(count_lines(env, c, "\"x"), 40000);
	say(c, "GET /v1/status?after=x0019990 HTTP/1.1\r\n\r\n");
	await(env, c, "x0020000");
	assert_null(strstr(c->in, "x0019990"));
	client_free(c);
}

/* It is JSON in any case, one certificate a line. */
static void
test_pages(void **state)
{
	static const char *const wrong[] = { "limit=x", "limit=-1", "limit=",
	    "limit=1x", "limit=99999999999999999999", "afte=a", "after" };

	exchange(*state, "GET", "/v1/status", "", 200,
	    "{\"version\":\"test\",\"cleanup\":[],\"certificates\":[\n"
	    "{\"name\":\"a.example\",\"state\":\"valid\"},\n"
	    "{\"name\":\"b.example\",\"state\":\"valid\"},\n"
	    "{\"name\":\"www.example\",\"state\":\"valid\"}\n]}\n");
	exchange(*state, "GET", "/v1/status?limit=1&after=aa", "", 200,
	    "\"certificates\":[\n{\"name\":\"b.example\",\"state\":"
	    "\"valid\"}\n]}\n");
	exchange(*state, "GET", "/v1/status?limit=0", "", 200,
	    "\"certificates\":[\n]}\n");
	for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
		char *path = xasprintf("/v1/status?%s", wrong[i]);

		exchange(*state, "GET", path, "", 400, "control:request");
		free(path);
	}
}

static void
test_keepalive_and_pipeline(void **state)
{
	struct env *env = *state;
	struct client *c = client_new(env);

	say(c, "GET /metrics HTTP/1.1\r\n\r\nGET /v1/status HTTP/1.1\r\n\r\n");
	await(env, c, "acmed_up 1");
	await(env, c, "www.example");
	c->len = 0;
	say(c, "GET /metrics HTTP/1.1\r\n\r\n");
	await(env, c, "acmed_up 1");
	client_free(c);
}

/* A silent client, and one that sends a byte now and then. */
static void
test_slow_clients(void **state)
{
	struct env *env = *state;
	struct client *silent, *slow;
	int64_t end;

	control_test_limits(env->ctl, 40, 30000);
	silent = client_new(env);
	slow = client_new(env);
	say(slow, "GET /v1/status HTTP/1.1\r\nX: ");
	end = clock_mono_ms() + 5000;
	while (!(slow->eof && silent->eof) && clock_mono_ms() < end) {
		turn(env, slow);
		turn(env, silent);
		(void)send(slow->fd, "x", 1, MSG_NOSIGNAL);
		(void)poll(NULL, 0, 2);
	}
	assert_true(silent->eof);
	assert_true(slow->eof);
	client_free(silent);
	client_free(slow);
	exchange(env, "GET", "/v1/status", "", 200, "a.example");
}

static void
test_200_connections(void **state)
{
	struct env *env = *state;
	struct client *c[200];
	size_t idle = 63, n = N_ELEMENTS(c);

	for (size_t i = 0; i < n; i++) {
		c[i] = client_new(env);
		if (i >= idle)
			say_request(c[i], "GET", "/v1/status", "");
		turn(env, NULL);
	}
	for (size_t i = idle; i < n; i++) {
		await(env, c[i], NULL);
		assert_non_null(strstr(c[i]->in, "a.example"));
	}
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
}

/* All places taken by idlers: they go, the one that waits is served. */
static void
test_idlers(void **state)
{
	struct env *env = *state;
	struct client *c[70];
	size_t n = N_ELEMENTS(c);

	control_test_limits(env->ctl, 150, 30000);
	for (size_t i = 0; i < n; i++)
		c[i] = client_new(env);
	say_request(c[n - 1], "GET", "/v1/status", "");
	run_for(env, c[n - 1], 50);
	assert_int_equal(c[n - 1]->len, 0);
	await(env, c[n - 1], "a.example");
	for (size_t i = 0; i < n; i++)
		client_free(c[i]);
}

/* Clients and streams of every age when the server goes. */
static void
test_free_with_clients(void **state)
{
	struct env *env = *state;
	struct client *c[4];

	for (size_t i = 0; i < 4; i++)
		c[i] = client_new(env);
	say(c[1], "GET /v1/st");
	say_request(c[2], "GET", "/v1/events", "");
	say_request(c[3], "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}");
	await(env, c[2], "200 OK");
	await(env, c[3], "200 OK");
	control_free(env->ctl);
	env->ctl = NULL;
	assert_int_equal(fake_engine_subs(env->engine), 0);
	for (size_t i = 0; i < 4; i++) {
		await(env, c[i], NULL);
		client_free(c[i]);
	}
}

/* A socket that nobody listens at any more. */
static void
leave_stale(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_return_code(bind(fd, (struct sockaddr *)&sun, sizeof(sun)),
	    errno);
	(void)close(fd);
}

/* Whose mode keeps us out: nobody can say whether it is in use. */
static void
test_socket_of_another(void **state)
{
	struct env *env = *state;
	bool is_root = geteuid() == 0;
	struct error err;

	control_free(env->ctl);
	leave_stale(env->path);
	assert_return_code(chmod(env->path, 0), errno);
	assert_return_code(chmod(env->dir, 0711), errno);
	if (is_root)
		assert_return_code(seteuid(65534), errno);
	env->ctl = control_new(env->loop, env->engine, env->path, reload_cb,
	    env, &err);
	if (is_root)
		assert_return_code(seteuid(0), errno);
	assert_null(env->ctl);
	assert_non_null(strstr(err.msg, "may not try"));
	assert_non_null(strstr(err.msg, "if none runs: rm "));
	assert_null(strstr(err.msg, "another acmed"));
	assert_return_code(access(env->path, F_OK), errno);
	assert_return_code(unlink(env->path), errno);
}

static void
test_socket_file(void **state)
{
	struct env *env = *state;
	struct error err;
	struct stat st;
	char *path;
	glob_t g;

	assert_return_code(stat(env->path, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0660);

	/* One that answers keeps its socket. */
	assert_null(control_new(env->loop, env->engine, env->path, reload_cb,
	    env, &err));
	assert_non_null(strstr(err.msg, "another acmed answers there"));
	exchange(env, "GET", "/v1/status", "", 200, "a.example");

	/* What a crash left is replaced, and nothing is left beside it. */
	control_free(env->ctl);
	assert_int_equal(access(env->path, F_OK), -1);
	leave_stale(env->path);
	env->ctl = control_new(env->loop, env->engine, env->path, reload_cb,
	    env, &err);
	assert_non_null(env->ctl);
	exchange(env, "GET", "/v1/status", "", 200, "a.example");
	path = xasprintf("%s/.acmed-*", env->dir);
	assert_int_equal(glob(path, GLOB_PERIOD, NULL, &g), GLOB_NOMATCH);
	free(path);

	assert_null(control_new(env->loop, env->engine, env->dir, reload_cb,
	    env, &err));
	assert_string_equal(err.code, "control:socket");
	assert_non_null(strstr(err.msg, "no socket"));
	path = xasprintf("%s/no/such/s", env->dir);
	assert_null(control_new(env->loop, env->engine, path, reload_cb, env,
	    &err));
	assert_non_null(strstr(err.msg, path));
	free(path);
	path = xasprintf("%s/%0200d", env->dir, 0);
	assert_null(control_new(env->loop, env->engine, path, reload_cb, env,
	    &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	free(path);
}

/* As another user, through a socket whose mode somebody has opened. */
static void
test_forbidden(void **state)
{
	struct env *env = *state;
	struct client *c;
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();		/* only root can be somebody else */
	(void)chmod(env->dir, 0755);
	(void)chmod(env->path, 0666);
	pid = fork();
	assert_return_code(pid, errno);
	if (pid == 0) {
		/* Connect as nobody, and hand the answer on by exit status. */
		char in[4096];
		ssize_t n;

		if (setresgid(65534, 65534, 65534) == -1 ||
		    setresuid(65534, 65534, 65534) == -1)
			_exit(9);
		c = client_new(env);
		(void)fcntl(c->fd, F_SETFL, 0);
		say_request(c, "GET", "/v1/status", "");
		n = read(c->fd, in, sizeof(in) - 1);
		in[n > 0 ? n : 0] = '\0';
		_exit(strstr(in, "HTTP/1.1 403") != NULL &&
		    strstr(in, API_ERR_FORBIDDEN) != NULL ? 0 : 1);
	}
	for (int i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) == 0; i++)
		run_for(env, NULL, 1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_routes),
		cmocka_unit_test(test_providers),
		T(test_persist_bodies),
		T(test_persist_long),
		T(test_renew_bodies),
		T(test_check_bodies),
		T(test_check),
		T(test_check_limits),
		T(test_deploy_bodies),
		T(test_reload_fails),
		T(test_follow),
		T(test_follow_instant),
		T(test_held),
		T(test_follow_http10),
		T(test_events),
		T(test_leave_midway),
		T(test_backlog),
		T(test_long_replies),
		T(test_pages),
		T(test_too_many_streams),
		T(test_oversized),
		T(test_malformed),
		T(test_keepalive_and_pipeline),
		T(test_slow_clients),
		T(test_200_connections),
		T(test_idlers),
		T(test_free_with_clients),
		T(test_socket_file),
		T(test_socket_of_another),
		T(test_forbidden),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
