/* SPDX-License-Identifier: MIT */
/*
 * fuzz_provider - what DNS vendors answer, to every provider that is a table of
 * steps, and the runner of these.  The first line is the provider and "add" or
 * "remove", each other one an option and its value; then come the answers, each
 * after a line "%%": the status, headers, an empty line, the body.  When there
 * are no more, the vendor is away.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/http_priv.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"
#include "tests/fake/fake_time.h"
#include "tests/fuzz/fuzz.h"

#define REQUESTS_MAX 3000	/* 500 pages of each of six steps */
#define VALUE "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"

struct call {
	struct http_op	 op;
	struct timer	 answer;
};

/* Instead of io/http: the next answer of the input. */
static char *next_reply;
static unsigned n_requests;

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static void
check_error(const struct error *err)
{
	need(err->kind > ERR_NONE && err->kind < ERR_KIND_END);
	need(strcmp(err->code, "provider:bug") != 0);
	for (const char *p = err->msg; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

static char *
cut(char **text, const char *mark)
{
	char *begin = *text, *end;

	if (begin == NULL)
		return NULL;
	end = strstr(begin, mark);
	if (end == NULL) {
		*text = NULL;
	} else {
		*end = '\0';
		*text = end + strlen(mark);
	}
	return begin;
}

static void
answer_cb(void *arg)
{
	struct call *call = arg;
	struct http_headers headers = { 0 };
	struct http_reply reply = { .headers = &headers, .body = "" };
	char *text = cut(&next_reply, "\n%%\n"), *line;
	struct error err;

	if (text == NULL) {
		(void)error_set(&err, ERR_TRANSIENT, "http:timeout",
		    "api.test: no complete answer within 30 s");
		call->op.done(&err, NULL, call->op.arg);
		http_cancel(&call->op);
		return;
	}
	line = cut(&text, "\n");
	reply.status = (int)(strtoul(line, NULL, 10) % 600);
	if (reply.status < 200)
		reply.status = 200;
	while ((line = cut(&text, "\n")) != NULL && line[0] != '\0')
		(void)http_headers_add(&headers, line, strlen(line));
	if (text != NULL)
		reply.body = text;
	reply.body_len = strlen(reply.body);
	call->op.done(NULL, &reply, call->op.arg);
	http_headers_clear(&headers);
	http_cancel(&call->op);
}

struct http_op *
http_start(struct http *h, const struct http_args *args, http_done_cb *done,
    void *arg)
{
	struct call *call = xcalloc(1, sizeof(*call));

	/* It ends by itself, whatever it is told. */
	need(++n_requests < REQUESTS_MAX);
	/* Azure's managed identity is asked for on the machine itself. */
	need(strncmp(args->url, "https://", 8) == 0 ||
	    strncmp(args->url, "http://169.254.169.254/", 23) == 0);
	for (const char *p = args->url; *p != '\0'; p++)
		need(*p > ' ' && *p < 0x7f);
	for (size_t i = 0; i < args->n_headers; i++)
		need(strpbrk(args->headers[i].value, "\r\n") == NULL);
	call->op.done = done;
	call->op.arg = arg;
	timer_init(&call->answer, (struct loop *)h, answer_cb, call);
	timer_set(&call->answer, 1);
	return &call->op;
}

void
http_cancel(struct http_op *op)
{
	struct call *call = (struct call *)op;

	if (op == NULL)
		return;
	timer_clear(&call->answer);
	free(call);
}

static int
index_of(const struct provider *type, const char *name)
{
	int i = 0;

	while (type->opts[i].name != NULL &&
	    strcmp(type->opts[i].name, name) != 0)
		i++;
	return type->opts[i].name != NULL ? i : -1;
}

/* What is required has some value, the address always the same. */
static struct provider_values *
values_of(const struct provider *type, char *lines)
{
	struct provider_values *values = provider_values_new(type);
	const char *text = "https://api.test", *one = "x";
	struct error err;
	char *line;
	int k;

	for (k = 0; type->opts[k].name != NULL; k++) {
		if (type->opts[k].required)
			(void)provider_values_set(values, k, &one, 1, &err);
	}
	while ((line = cut(&lines, "\n")) != NULL) {
		char *value = line;

		k = index_of(type, cut(&value, " "));
		one = value;
		if (k != -1 && one != NULL)
			(void)provider_values_set(values, k, &one, 1, &err);
	}
	k = index_of(type, "base_url");
	if (k != -1)
		(void)provider_values_set(values, k, &text, 1, &err);
	if (type->check != NULL && type->check(values, &err) == -1) {
		provider_values_free(values);
		return NULL;
	}
	return values;
}

struct end {
	bool		 is_over;
};

static void
run_done(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct end *end = arg;

	need(!end->is_over);
	end->is_over = true;
	if (err != NULL)
		check_error(err);
	need(strlen(reply->handles[0]) < 4096);
}

static void
run(const struct provider *type, bool is_add, char *options)
{
	const char *const values[] = { VALUE }, *const handles[] = { "" };
	struct conf_provider conf = { .name = (char *)(uintptr_t)"fuzz",
	    .type = type, .values = values_of(type, options) };
	struct provider_run_args a = { .provider = &conf, .is_add = is_add,
	    .cert = "c", .identifier = "www.example.test",
	    .fqdn = "_acme-challenge.www.example.test", .zone = "",
	    .values = values, .handles = handles, .n_values = 1,
	    .timeout_ms = 600000 };
	static struct loop *loop;
	struct provider_env env;
	struct end end = { false };

	if (conf.values == NULL)
		return;
	if (loop == NULL)
		loop = loop_new();
	fake_time_start(1800000000);
	provider_env_init(&env, loop, (struct http *)loop, NULL, NULL);
	(void)provider_run_start(&env, &a, run_done, &end);
	while (!end.is_over)
		need(fake_time_step());
	/* What goes when the last run does. */
	while (fake_time_step())
		;
	provider_env_clear(&env);
	provider_values_free(conf.values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *at = text;
	char *options = cut(&at, "\n%%\n"), *verb = cut(&options, "\n");
	char *name = cut(&verb, " ");
	const struct provider *type;

	type = verb != NULL ? provider_find(name) : NULL;
	if (type != NULL && type->add != NULL) {
		next_reply = at;
		n_requests = 0;
		run(type, strcmp(verb, "add") == 0, options);
	}
	free(text);
	return 0;
}
