/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/config/provider_values.h"
#include "daemon/io/child.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/unit/rig.h"

static char rig_name[] = "dns1";

void
rig_options(struct rig *g, const struct provider *type)
{
	provider_values_free(g->conf.values);
	g->conf.name = rig_name;
	g->conf.type = type;
	g->conf.values = provider_values_new(type);
}

void
rig_set(struct rig *g, const char *option, const char *text)
{
	const struct provider_opt *o = g->conf.type->opts;
	struct error err;

	for (int i = 0; o[i].name != NULL; i++) {
		if (strcmp(o[i].name, option) != 0)
			continue;
		assert_int_equal(provider_values_set(g->conf.values, i, &text,
		    1, &err), 0);
		return;
	}
	fail_msg("no option %s", option);
}

void
rig_env(struct rig *g)
{
	if (g->env.locks != NULL)
		provider_env_clear(&g->env);
	provider_env_init(&g->env, g->loop, g->http, NULL, g->children);
	g->env.retry_ms[0] = g->env.retry_ms[1] = 1;
	g->env.poll_ms = 2;
	g->env.request_ms = 5000;
}

void
rig_init(struct rig *g, const struct provider *type)
{
	memset(g, 0, sizeof(*g));
	g->loop = loop_new();
	g->http = http_new(g->loop, "acmed-test/1");
	g->children = children_new(g->loop);
	g->identifier = "example.test";
	g->timeout_ms = 20000;
	rig_env(g);
	rig_options(g, type);
}

void
rig_clear(struct rig *g)
{
	provider_env_clear(&g->env);
	children_free(g->children);
	http_free(g->http);
	provider_values_free(g->conf.values);
	loop_free(g->loop);
}

static void
run_done(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct rig_run *r = arg;

	assert_non_null(r->op);		/* never from start */
	r->op = NULL;
	r->calls++;
	r->done_at = clock_mono_ms();
	memset(&r->err, 0, sizeof(r->err));
	if (err != NULL) {
		assert_int_not_equal(err->kind, ERR_NONE);
		assert_int_equal(strncmp(err->msg, "dns1: ", 6), 0);
		r->err = *err;
	}
	for (size_t i = 0; i < 4; i++) {
		if (reply->handles[i] == NULL)
			break;
		(void)text_printf(r->handles[i], sizeof(r->handles[i]), "%s",
		    reply->handles[i]);
	}
}

void
rig_start(struct rig *g, struct rig_run *r, bool is_add, const char *fqdn,
    const char *zone, const char *const *values, const char *const *handles)
{
	struct provider_run_op *op;
	size_t n = 0;

	while (values[n] != NULL)
		n++;
	assert_true(n <= 4);
	op = provider_run_start(&g->env, &(struct provider_run_args){
	    .provider = &g->conf, .is_add = is_add, .cert = "cert1",
	    .identifier = g->identifier,
	    .all_identifiers = g->all_identifiers, .fqdn = fqdn, .zone = zone,
	    .values = values, .handles = handles, .n_values = n,
	    .timeout_ms = g->timeout_ms }, run_done, r);
	memset(r, 0, sizeof(*r));	/* handles may be in it */
	r->op = op;
}

static void
nothing_cb(void *arg)
{
}

void
rig_spin(struct rig *g, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	struct timer t;

	timer_init(&t, g->loop, nothing_cb, NULL);
	do {
		timer_set(&t, 5);
		loop_turn(g->loop);
	} while (clock_mono_ms() < end);
	timer_clear(&t);
}

void
rig_wait(struct rig *g, struct rig_run *r)
{
	int64_t end = clock_mono_ms() + 30000;

	while (r->calls == 0 && clock_mono_ms() < end)
		loop_turn(g->loop);
	assert_int_equal(r->calls, 1);
}

void
rig_do(struct rig *g, struct rig_run *r, bool is_add, const char *fqdn,
    const char *zone, const char *const *values, const char *const *handles)
{
	rig_start(g, r, is_add, fqdn, zone, values, handles);
	rig_wait(g, r);
}
