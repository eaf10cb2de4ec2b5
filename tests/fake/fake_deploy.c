/* SPDX-License-Identifier: MIT */
#include "daemon/io/loop.h"

#include "tests/fake/fake_deploy.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/deploy.h"

struct deploy_op {
	struct timer	 answer;
	enum fake_verdict verdict;
	struct error	 err;
	void		(*line)(const char *, void *);
	void		(*seen)(time_t, time_t, bool, void *);
	deploy_done_cb *done;
	void		*arg;
};

struct fake_deploy fake_deploy;
static struct loop *loop;

void
fake_deploy_reset(struct loop *l)
{
	memset(&fake_deploy, 0, sizeof(fake_deploy));
	fake_deploy.latency_ms = 5;
	loop = l;
}

static void
answer_cb(void *arg)
{
	struct deploy_op *op = arg;

	if (op->line != NULL)
		op->line("a line of output", op->arg);
	if (op->verdict == FAKE_FAILS && fake_deploy.seen_after != 0)
		op->seen(fake_deploy.seen_before, fake_deploy.seen_after,
		    true, op->arg);
	op->done(op->verdict == FAKE_FAILS ? &op->err : NULL, op->arg);
	deploy_cancel(op);
}

struct deploy_op *
deploy_start(const struct deploy_args *a,
    deploy_done_cb *done, void *arg)
{
	struct deploy_op *op = xcalloc(1, sizeof(*op));
	size_t used = strlen(fake_deploy.log);
	char subject[256];

	(void)text_printf(subject, sizeof(subject), "%s %s", a->cert->name,
	    a->target->name);
	(void)text_printf(fake_deploy.log + used,
	    sizeof(fake_deploy.log) - used, "%s %s%s%s\n", subject,
	    a->serial, a->only != NULL ? " " : "",
	    a->only != NULL ? a->only : "");
	(void)text_printf(fake_deploy.program, sizeof(fake_deploy.program),
	    "%s", a->target->exec != NULL ? a->target->exec[0] : "");
	op->line = a->line;
	op->seen = a->seen;
	op->done = done;
	op->arg = arg;
	fake_deploy.in_flight++;
	op->verdict = fake_rule_next(&fake_deploy.rule, subject, &op->err);
	timer_init(&op->answer, loop, answer_cb, op);
	if (op->verdict != FAKE_HANGS_ON)
		timer_set(&op->answer, fake_deploy.latency_ms);
	return op;
}

void
deploy_cancel(struct deploy_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->answer);
	fake_deploy.in_flight--;
	free(op);
}

const char *
deploy_step(const struct deploy_op *op)
{
	(void)op;
	return fake_deploy.step != NULL ? fake_deploy.step : "exec";
}

/* verify is the last. */
bool
deploy_comes_to(const struct deploy_op *op, const char *kind)
{
	return strcmp(deploy_step(op), "verify") != 0 &&
	    strcmp(deploy_step(op), kind) != 0;
}
