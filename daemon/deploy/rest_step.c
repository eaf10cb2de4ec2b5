/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/rest_step.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/config/conf.h"

void
rest_step_cancel(void *arg)
{
	struct rest_step_call *c = arg;

	rest_cancel(c->rest);
	json_decref(c->memo);
	free(c);
}

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct rest_step_call *c = arg;

	c->rest = NULL;
	step_tell(&c->s, c->kind, end == REST_DONE ? NULL : err);
	rest_step_cancel(c);
}

/* What was read before is no longer true. */
static void
call_begin(void *arg)
{
	struct rest_step_call *c = arg;

	json_decref(c->memo);
	c->memo = NULL;
}

void *
rest_step_start(const struct deploy_args *a, const char *kind,
    const struct rest_args *rest, deploy_done_cb *done, void *arg)
{
	struct rest_step_call *c = xcalloc(1, sizeof(*c));
	struct rest_args own = *rest;

	c->s = (struct step){ .a = *a, .done = done, .arg = arg };
	c->kind = kind;
	own.loop = a->env->loop;
	own.http = a->env->http;
	own.timeout_ms = a->target->timeout_s * 1000;
	own.user = c;
	own.begin = call_begin;
	c->rest = rest_start(&own, rest_done, c);
	return c;
}
