/* SPDX-License-Identifier: MIT */
/*
 * provider-tool - one call of a configured DNS provider, for the tests of
 * providers (tests/integration/test_providers.py):
 *
 *   provider-tool CONF PROVIDER add|remove FQDN VALUE... [--handles H1,H2]
 *   provider-tool CONF PROVIDER add-caa|remove-caa FQDN VALUE...
 *
 * prints one JSON object, {"ok":true,"handles":[...]} or {"ok":false,
 * "kind":..., "code":..., "msg":...}; the debug log goes to stderr.  With
 * ACMED_TEST_FAST in the environment pauses are short.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_read.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/child.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define MAX_VALUES 16

struct tool {
	struct loop	*loop;
	size_t		 n;
	json_t		*result;
};

static void
run_done(const struct error *e, const struct provider_run_reply *r, void *arg)
{
	struct tool *t = arg;
	json_t *handles;

	loop_stop(t->loop);
	if (e != NULL) {
		t->result = json_pack("{s:b, s:s, s:s, s:s, s:I}", "ok", 0,
		    "kind", err_kind_name(e->kind), "code", e->code,
		    "msg", e->msg, "retry_in", (json_int_t)(e->retry_at == 0 ?
		    0 : e->retry_at - clock_now()));
		return;
	}
	handles = json_array();
	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(handles, json_string(r->handles[i]));
	t->result = json_pack("{s:b, s:o}", "ok", 1, "handles", handles);
}

static void
report(enum conf_level level, const char *line, void *arg)
{
	warnx("%s", line);
}

static struct conf_provider *
provider_of(const char *path, const char *name, struct conf **conf_out)
{
	static struct conf_provider copy;
	struct conf *conf = conf_load(path, report, NULL);
	const struct conf_provider *p;

	if (conf == NULL)
		errx(2, "%s has mistakes", path);
	p = conf_find_provider(conf, name);
	if (p == NULL)
		errx(2, "no provider %s in %s", name, path);
	copy = *p;
	*conf_out = conf;
	return &copy;
}

static void
make_fast(struct provider_env *env, struct conf_provider *p)
{
	static struct provider fast;

	fast = *p->type;
	fast.gap_ms = 0;
	p->type = &fast;
	env->retry_ms[0] = env->retry_ms[1] = 10;
	env->poll_ms = 5;
	env->request_ms = 1500;
}

/* Split "a,b" in place. */
static void
split(char *text, const char *out[MAX_VALUES])
{
	char *s;

	for (size_t i = 0; i < MAX_VALUES && (s = strsep(&text, ",")) != NULL;
	    i++)
		out[i] = s;
}

int
main(int argc, char **argv)
{
	const char *handles[MAX_VALUES] = { NULL };
	struct provider_run_args a = { .cert = "test",
	    .identifier = "example.test", .zone = "", .handles = handles,
	    .timeout_ms = 60000 };
	struct tool t = { 0 };
	struct provider_env env;
	struct conf_provider *p;
	struct conf *conf;
	struct children *children;
	struct http *http;

	if (argc > 2 && strcmp(argv[argc - 2], "--handles") == 0) {
		split(argv[argc - 1], handles);
		argc -= 2;
	}
	if (argc < 6 || argc > 5 + MAX_VALUES)
		errx(2, "usage: provider-tool CONF PROVIDER "
		    "add|remove|add-caa|remove-caa FQDN VALUE... "
		    "[--handles H1,H2]");
	log_open();
	log_set_level(LOGL_DEBUG);
	p = provider_of(argv[1], argv[2], &conf);
	t.loop = loop_new();
	http = http_new(t.loop, "acmed-test/1");
	children = children_new(t.loop);
	provider_env_init(&env, t.loop, http, NULL, children);
	if (getenv("ACMED_TEST_FAST") != NULL)
		make_fast(&env, p);
	a.provider = p;
	a.is_add = strncmp(argv[3], "add", 3) == 0;
	a.is_caa = strstr(argv[3], "-caa") != NULL;
	a.fqdn = argv[4];
	a.values = (const char *const *)&argv[5];
	a.n_values = t.n = (size_t)argc - 5;
	(void)provider_run_start(&env, &a, run_done, &t);
	loop_run(t.loop);
	(void)json_dumpf(t.result, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(t.result);
	provider_env_clear(&env);
	children_free(children);
	http_free(http);
	conf_unref(conf);
	loop_free(t.loop);
	return 0;
}
