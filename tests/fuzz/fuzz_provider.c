/* SPDX-License-Identifier: MIT */
/*
 * fuzz_provider - what DNS vendors answer, to every provider that is a table of
 * steps, and the runner of these.  The first line is the provider and "add" or
 * "remove", each other one an option and its value; then come the answers
 * (replies.h).
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
#include "daemon/io/loop.h"
#include "providers/provider.h"
#include "tests/fake/fake_time.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replies.h"

#define VALUE "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"

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
	replies_run(&end.is_over);
	provider_env_clear(&env);
	provider_values_free(conf.values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *options = replies_begin(data, size);
	char *verb = cut(&options, "\n"), *name = cut(&verb, " ");
	const struct provider *type = verb != NULL ? provider_find(name) :
	    NULL;

	if (type != NULL && type->add != NULL)
		run(type, strcmp(verb, "add") == 0, options);
	return 0;
}
