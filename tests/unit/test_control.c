/* SPDX-License-Identifier: MIT */
/* Requests and what they are answered with. */
#include "tests/unit/control_rig.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/provider_text.h"
#include "daemon/control/providers.h"
#include "daemon/engine/engine.h"
#include "daemon/persist/persist_job.h"

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
		{ "GET", "/v1/configuration", "", 200,
		    "\"file\":\"/nowhere/acmed.conf\"" },
		{ "POST", "/v1/configuration", "{}", 400, "files" },
		{ "POST", "/v1/revoke", "{\"name\":\"a.example\","
		    "\"reason\":\"lost\"}", 400, "keyCompromise" },
		{ "POST", "/v1/revoke", "{\"name\":\"a.example\","
		    "\"by\":\"me\"}", 400, "neither" },
		{ "POST", "/v1/accounts", "{\"name\":\"a\","
		    "\"do\":\"\"}", 400, "must be one of" },
		{ "POST", "/v1/pause", "{\"name\":\"none\"}", 404,
		    "engine:unknown-cert" },
		{ "POST", "/v1/pause", "{\"name\":\"a.example\",\"until\":1}",
		    400, "until" },
		{ "POST", "/v1/resume", "{\"name\":\"a.example\"}", 200,
		    "\"name\":\"a.example\"" },
		{ "POST", "/v1/delete", "{\"name\":1}", 400, "name" },
		{ "POST", "/v1/reload", "{\"follow\":[]}", 400, "follow" },
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

/* A question about a certificate that does not exist gives no command. */
static void
test_unknown(void **state)
{
	struct crig *r = *state;

	exchange(r, "GET", "/v1/certificates/none", "", 404,
	    "engine:unknown-cert");
	exchange(r, "GET", "/v1/events?cert=none", "", 404,
	    "engine:unknown-cert");
	assert_int_equal(fake_engine_renew_calls(r->engine), 0);
}

static void
test_persist_bodies(void **state)
{
	struct crig *r = *state;
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
		exchange(r, "POST", "/v1/persist", bad[i], 400,
		    i == 0 ? "json:syntax" : "control:request");
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		struct client *c = client_new(r);

		say_request(c, "POST", "/v1/persist", good[i].body);
		run_for(r, c, 20);
		assert_int_equal(fake_engine_jobs(r->engine), 1);
		assert_string_equal(c->in, "");
		assert_int_equal(fake_engine_job_args(r->engine)->act,
		    good[i].act);
		assert_int_equal(fake_engine_job_args(r->engine)->until,
		    good[i].until);
		fake_engine_job_end(r->engine, good[i].ok);
		await(r, c, NULL);
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
	struct crig *r = *state;
	struct client *many[8], *c;

	control_test_limits(r->ctl, 100, 50);
	for (size_t i = 0; i < N_ELEMENTS(many); i++) {
		many[i] = client_new(r);
		say_request(many[i], "POST", "/v1/persist", body);
	}
	run_for(r, NULL, 1500);
	assert_int_equal(fake_engine_jobs(r->engine), 8);
	exchange(r, "POST", "/v1/persist", body, 503, "control:busy");
	client_free(many[0]);
	run_for(r, NULL, 1200);
	assert_int_equal(fake_engine_jobs(r->engine), 7);
	c = client_new(r);
	say_request(c, "POST", "/v1/persist", body);
	run_for(r, c, 20);
	assert_int_equal(fake_engine_jobs(r->engine), 8);
	for (size_t i = 1; i < N_ELEMENTS(many); i++) {
		fake_engine_job_end(r->engine, true);
		await(r, many[i], NULL);
		client_free(many[i]);
	}
	/* The last one ends with the server. */
	assert_int_equal(fake_engine_jobs(r->engine), 1);
	client_free(c);
}

static void
test_renew_bodies(void **state)
{
	struct crig *r = *state;
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
		/* Neither may renew for real. */
		{ "{\"names\": [\"a.example\"], \"directory\": "
		    "\"https://ca.example/dir\"}", 400, "control:request" },
		{ "{\"names\": [\"a.example\"], \"dry_run\": true, "
		    "\"new_key\": true}", 400, "control:request" },
		{ "{\"names\": [\"a.example\", \"c.example\"]}", 404,
		    "engine:unknown-cert" },
		{ "{\"names\": [\"c.example\"], \"follow\": true}", 404,
		    "engine:unknown-cert" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		exchange(r, "POST", "/v1/renew", cases[i].body,
		    cases[i].status, cases[i].want);
	assert_string_equal(fake_engine_renewed(r->engine), "");
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\", \"a.example\", \"b.example\"]}", 202,
	    "{\"started\":[\"b.example\",\"a.example\"]}");
	assert_string_equal(fake_engine_renewed(r->engine),
	    "b.example a.example ");
	fake_engine_set_stopping(r->engine, true);
	exchange(r, "POST", "/v1/renew", "{\"names\": [\"a.example\"]}",
	    503, "engine:stopping");
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\"], \"follow\": true}", 503,
	    "engine:stopping");
	/* Whoever follows several that are only tried waits for none. */
	exchange(r, "POST", "/v1/renew", "{\"names\": [\"a.example\", "
	    "\"b.example\"], \"dry_run\": true, \"follow\": true}", 503,
	    "engine:stopping");
	assert_int_equal(fake_engine_subs(r->engine), 0);
}

static void
test_import_bodies(void **state)
{
	struct crig *r = *state;
	static const struct {
		const char *what, *body;
		int status;
		const char *want;
	} cases[] = {
		{ "account", "", 400, "control:request" },
		/* What is no JSON is not shown again: there is a key in it. */
		{ "account", "{\"key\": \"s3cret\"", 400,
		    "{\"kind\":\"rejected\",\"code\":\"control:request\"" },
		{ "account", "{\"account\": \"a\", \"directory\": \"u\"}", 400,
		    "control:request" },
		{ "account", "{\"account\": \"a\", \"directory\": \"u\", "
		    "\"key\": 1}", 400, "control:request" },
		{ "account", "{\"account\": \"a\", \"directory\": \"u\", "
		    "\"key\": \"k\", \"more\": 1}", 400,
		    "control:request" },
		{ "account", "{\"account\": \"b\", \"directory\": \"u\", "
		    "\"key\": {\"kty\": \"EC\"}}", 200, "\"jwk\":true" },
		{ "account", "{\"account\": \"a.example\", "
		    "\"directory\": \"u\", \"key\": \"k\"}", 409,
		    "import:exists" },
		{ "certificate", "{\"name\": \"b\", \"key\": \"k\"}", 400,
		    "control:request" },
		{ "certificate", "{\"name\": \"b\", \"key\": \"k\", "
		    "\"chain\": \"c\", \"check\": true}", 200,
		    "\"check\":true" },
		{ "certificate", "{\"name\": \"a.example\", \"key\": "
		    "\"k\", \"chain\": \"c\"}", 409, "import:exists" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *path = xasprintf("/v1/import/%s", cases[i].what);

		exchange(r, "POST", path, cases[i].body, cases[i].status,
		    cases[i].want);
		free(path);
	}
}

/* What the CA asked to wait is refused, and nothing else begins either. */
static void
test_held(void **state)
{
	struct crig *r = *state;

	fake_engine_set_held(r->engine, true);
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"a.example\", \"b.example\"]}", 503,
	    "\"code\":\"engine:held\"");
	assert_string_equal(fake_engine_renewed(r->engine), "");
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\"], \"force\": false}", 503, "held");
	exchange(r, "POST", "/v1/renew",
	    "{\"names\": [\"b.example\"], \"force\": true}", 202, "started");
	assert_string_equal(fake_engine_renewed(r->engine), "b.example ");
}

static void
test_deploy_bodies(void **state)
{
	struct crig *r = *state;
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

		exchange(r, "POST", path, cases[i].body, cases[i].status,
		    cases[i].want);
		free(path);
	}
	assert_string_equal(fake_engine_renewed(r->engine),
	    "deploy::a.example deploy:web:b.example rollback::a.example "
	    "rollback:force:a.example rollback::");
	fake_engine_set_instant(r->engine, true);
	exchange(r, "POST", "/v1/deploy", "{\"name\": \"a.example\", "
	    "\"follow\": true}", 200, "\"ok\":true}\n\r\n0\r\n\r\n");
	assert_int_equal(fake_engine_subs(r->engine), 0);
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
	struct crig *r = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		exchange(r, "POST", "/v1/check", cases[i].body,
		    cases[i].status, cases[i].want);
	exchange(r, "GET", "/v1/check", "", 405, "control:method");
	assert_string_equal(fake_engine_checked(r->engine), "");
}

static void
test_reload_fails(void **state)
{
	struct crig *r = *state;

	r->reload_fails = true;
	exchange(r, "POST", "/v1/reload", "", 409,
	    "\"lines\":[\"f:1: one\",\"f:2: two\"]");
	exchange(r, "POST", "/v1/reload", "", 409,
	    "\"code\":\"conf:invalid\"");
}

/* Read to the end of a chunked reply; the number of lines with what. */
static size_t
count_lines(struct crig *r, struct client *c, const char *what)
{
	int64_t end = clock_mono_ms() + 60000;
	size_t n = 0;

	while (clock_mono_ms() < end) {
		char *line = c->in, *nl;
		bool is_end;

		turn(r, c);
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
	struct crig *r = *state;
	struct client *c = client_new(r), *leaves = client_new(r);
	size_t shown;

	fake_engine_many(r->engine, 20000);
	say(leaves, "GET /v1/status HTTP/1.1\r\n\r\n");
	await(r, leaves, "x0000001");
	client_free(leaves);
	say(c, "GET /v1/status HTTP/1.1\r\n\r\n");
	run_for(r, NULL, 200);
	shown = fake_engine_shown(r->engine);
	assert_in_range(shown, 100, 12000);
	run_for(r, NULL, 200);
	assert_int_equal(fake_engine_shown(r->engine), shown);
	assert_int_equal(count_lines(r, c, "\"state\":\"valid\"}"),
	    20003);
	say(c, "GET /metrics HTTP/1.1\r\n\r\n");
	/* The fake has none of ENGINE_GAUGE_SERVED. */
	assert_int_equal(count_lines(r, c, "\"x"),
	    20000 * (ENGINE_GAUGE_END - 1));
	say(c, "GET /v1/status?after=x0019990 HTTP/1.1\r\n\r\n");
	await(r, c, "x0020000");
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRIG_TEST(test_routes),
		CRIG_TEST(test_unknown),
		cmocka_unit_test(test_providers),
		CRIG_TEST(test_persist_bodies),
		CRIG_TEST(test_persist_long),
		CRIG_TEST(test_renew_bodies),
		CRIG_TEST(test_import_bodies),
		CRIG_TEST(test_check_bodies),
		CRIG_TEST(test_deploy_bodies),
		CRIG_TEST(test_reload_fails),
		CRIG_TEST(test_held),
		CRIG_TEST(test_long_replies),
		CRIG_TEST(test_pages),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
