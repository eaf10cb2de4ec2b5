/* SPDX-License-Identifier: MIT */
/*
 * What each service is sent, and how its answers are read.  The signatures
 * were made with the Python programs in the vendors' documents; Feishu's is
 * the example they print.
 */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/io/http.h"
#include "daemon/notify/webhook.h"
#include "daemon/rest/preq_run.h"

#define NOW 1800000000

static const char *
body(const struct preq *rq)
{
	size_t len;

	return preq_get_body(rq, &len);
}

/* As it will be sent; the caller frees. */
static char *
url(struct preq *rq)
{
	struct http_args a;
	struct error err;

	assert_int_equal(preq_finish(rq, true, &a, &err), 0);
	assert_true(a.secret_url);
	assert_string_equal(a.method, "POST");
	return xstrdup(a.url);
}

static char *
path_of(const struct preq *rq, const char *path)
{
	json_t *j = json_loads(body(rq), 0, NULL);
	const char *s = jsonx_str(j, path);
	char *copy = s != NULL ? xstrdup(s) : NULL;

	json_decref(j);
	return copy;
}

static struct preq *
make(enum notify_template template,
    const char *to, const char *secret, const char *text, int64_t ms)
{
	struct conf_notify conf = {
		.kind = NOTIFY_WEBHOOK, .template = template,
		.url = (char *)(uintptr_t)to,
		.secret = (char *)(uintptr_t)secret,
		.chat = (char *)(uintptr_t)"-100",
	};
	struct channel_args a = { .conf = &conf, .subject = "[acmed] 续期",
	    .text = text, .json = "{\"a\":1}", .level = NLEV_CRITICAL,
	    .id = "1@h", .target = "" };

	struct preq *rq = preq_new(NULL, false);

	webhook_request(rq, &a, ms);
	return rq;
}

static void
is_url(struct preq *rq, const char *want)
{
	char *got = url(rq);

	assert_string_equal(got, want);
	free(got);
}

static void
test_signatures(void **state)
{
	struct preq *rq;
	char *s;

	rq = make(TEMPLATE_DINGTALK, "https://d/send?access_token=t",
	    "this is secret", "x", INT64_C(1577262236757));
	is_url(rq, "https://d/send?access_token=t&timestamp="
	    "1577262236757&sign=hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6"
	    "EZQM%3D");
	preq_free(rq);
	rq = make(TEMPLATE_FEISHU, "https://f/hook/x", "demo", "x",
	    INT64_C(1599360473999));
	s = path_of(rq, "sign");
	assert_string_equal(s, "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
	free(s);
	s = path_of(rq, "timestamp");
	assert_string_equal(s, "1599360473");
	free(s);
	is_url(rq, "https://f/hook/x");
	preq_free(rq);
	rq = make(TEMPLATE_JSON, "https://j/", "k", "x", 0);
	assert_string_equal(body(rq), "{\"a\":1}");
	assert_string_equal(preq_get_header(rq, "X-Acmed-Signature"),
	    "sha256=c3a92ff9"
	    "e274cdcce27a58c15a78ec6dcbbdbd0038a87e7a11baef2028fd8bff");
	preq_free(rq);
}

static void
test_bodies(void **state)
{
	static const struct {
		enum notify_template template;
		const char *url, *path, *want;
	} cases[] = {
		{ TEMPLATE_DINGTALK, "https://d/", "text.content",
		    "[acmed] 续期\n\na<b>&c" },
		{ TEMPLATE_WECOM, "https://d/", "text.content",
		    "[acmed] 续期\n\na<b>&c" },
		{ TEMPLATE_FEISHU, "https://d/", "content.text",
		    "[acmed] 续期\n\na<b>&c" },
		{ TEMPLATE_SLACK, "https://d/", "text",
		    "[acmed] 续期\n\na&lt;b&gt;&amp;c" },
		{ TEMPLATE_TELEGRAM, "https://d/", "text",
		    "[acmed] 续期\n\na<b>&c" },
		{ TEMPLATE_TELEGRAM, "https://d/", "chat_id", "-100" },
		{ TEMPLATE_WECOM, "https://d/", "msgtype", "text" },
		{ TEMPLATE_FEISHU, "https://d/", "msg_type", "text" },
	};
	struct preq *rq;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *got;

		rq = make(cases[i].template, cases[i].url, NULL, "a<b>&c", 0);
		got = path_of(rq, cases[i].path);
		assert_non_null(got);
		assert_string_equal(got, cases[i].want);
		free(got);
		preq_free(rq);
	}
	rq = make(TEMPLATE_TELEGRAM, "https://t/bot1:x", NULL, "x", 0);
	is_url(rq, "https://t/bot1:x/sendMessage");
	preq_free(rq);
	rq = make(TEMPLATE_NTFY, "https://n/topic", "tk", "body", 0);
	assert_string_equal(body(rq), "body");
	assert_string_equal(preq_get_header(rq, "Title"),
	    "=?UTF-8?B?W2FjbWVkXSDnu63mnJ8=?=");
	assert_string_equal(preq_get_header(rq, "Priority"), "5");
	assert_string_equal(preq_get_header(rq, "Authorization"), "Bearer tk");
	preq_free(rq);
}

/* The longest text that a service takes, cut between characters. */
static void
test_limits(void **state)
{
	static const struct {
		enum notify_template template;
		const char *path;
		size_t max;
	} cases[] = {
		{ TEMPLATE_DINGTALK, "text.content", 20000 },
		{ TEMPLATE_WECOM, "text.content", 2048 },
		{ TEMPLATE_FEISHU, "content.text", 20000 },
		{ TEMPLATE_SLACK, "text", 40000 },
		{ TEMPLATE_TELEGRAM, "text", 4096 },
		{ TEMPLATE_NTFY, NULL, 4096 },
	};
	char *big = xcalloc(1, 30001);

	for (size_t i = 0; i < 30000; i += 3)
		memcpy(big + i, "续", 3);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct preq *rq;
		char *got;

		rq = make(cases[i].template, "https://x/", NULL, big, 0);
		got = cases[i].path != NULL ? path_of(rq, cases[i].path) :
		    xstrdup(body(rq));
		assert_non_null(got);	/* else it was not UTF-8 */
		assert_true(strlen(got) <= cases[i].max);
		assert_true(strlen(got) > 2000);
		assert_string_equal(got + strlen(got) - 4, "\n...");
		free(got);
		preq_free(rq);
	}
	free(big);
}

static void
test_verdicts(void **state)
{
	static const struct {
		enum notify_template template;
		int status;
		const char *body;
		enum err_kind kind;
		const char *says;
		time_t retry_at;
	} cases[] = {
		{ TEMPLATE_JSON, 204, "", ERR_NONE, NULL, 0 },
		{ TEMPLATE_JSON, 500, "oops", ERR_TRANSIENT, "oops", 0 },
		{ TEMPLATE_JSON, 401, "who?", ERR_CONFIG, "who?", 0 },
		{ TEMPLATE_JSON, 302, "", ERR_CONFIG, "(302)", 0 },
		{ TEMPLATE_JSON, 429, "", ERR_RATELIMIT, "(429)", 0 },
		{ TEMPLATE_JSON, 413, "big", ERR_REJECTED, "big", 0 },
		{ TEMPLATE_DINGTALK, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}",
		    ERR_NONE, NULL, 0 },
		{ TEMPLATE_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":"
		    "\"sign not match\"}", ERR_CONFIG,
		    "DingTalk says: sign not match (310000)", 0 },
		{ TEMPLATE_DINGTALK, 200, "{\"errcode\":130101,\"errmsg\":"
		    "\"send too fast\"}", ERR_TRANSIENT, "send too fast", 0 },
		{ TEMPLATE_DINGTALK, 200, "<html>", ERR_TRANSIENT, "<html>",
		    0 },
		{ TEMPLATE_DINGTALK, 200, "{}", ERR_CONFIG, "no reason", 0 },
		{ TEMPLATE_WECOM, 200, "{\"errcode\":93000,\"errmsg\":"
		    "\"invalid webhook url\\u001b[2J\"}", ERR_CONFIG,
		    "WeCom says: invalid webhook url [2J (93000)", 0 },
		{ TEMPLATE_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"x\"}",
		    ERR_TRANSIENT, "(45009)", 0 },
		{ TEMPLATE_FEISHU, 200, "{\"code\":0,\"msg\":\"success\"}",
		    ERR_NONE, NULL, 0 },
		{ TEMPLATE_FEISHU, 200, "{\"StatusCode\":0}", ERR_NONE, NULL,
		    0 },
		{ TEMPLATE_FEISHU, 200, "{\"code\":19021,\"msg\":\"sign match "
		    "fail\"}", ERR_CONFIG, "sign match fail (19021)", 0 },
		{ TEMPLATE_FEISHU, 400, "{\"code\":9499,\"msg\":\"too many\"}",
		    ERR_TRANSIENT, "too many", 0 },
		{ TEMPLATE_SLACK, 200, "ok", ERR_NONE, NULL, 0 },
		{ TEMPLATE_SLACK, 404, "no_service", ERR_CONFIG, "no_service",
		    0 },
		{ TEMPLATE_TELEGRAM, 200, "{\"ok\":true}", ERR_NONE, NULL,
		    0 },
		{ TEMPLATE_TELEGRAM, 429, "{\"ok\":false,\"error_code\":429,"
		    "\"description\":\"Too Many Requests\",\"parameters\":"
		    "{\"retry_after\":7}}", ERR_RATELIMIT, "Too Many",
		    NOW + 7 },
		{ TEMPLATE_TELEGRAM, 200, "{\"ok\":false,\"error_code\":400,"
		    "\"description\":\"chat not found\"}", ERR_CONFIG,
		    "chat not found (400)", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err = { .kind = ERR_NONE };
		int rc = webhook_verdict(cases[i].template, cases[i].status,
		    cases[i].body, strlen(cases[i].body), NOW, &err);

		if (err.kind != cases[i].kind || (rc == 0) !=
		    (cases[i].kind == ERR_NONE) || (cases[i].says != NULL &&
		    strstr(err.msg, cases[i].says) == NULL))
			fail_msg("case %zu: %d, %s", i, err.kind, err.msg);
		if (rc == -1)
			assert_int_equal(err.retry_at, cases[i].retry_at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
