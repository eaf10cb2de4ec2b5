/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_hooks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/hooks.h"
#include "daemon/io/loop.h"

struct hooks {
	unsigned	in_flight;
};

struct hooks_op {
	struct hooks	*hooks;
	struct timer	 answer;
	enum fake_verdict verdict;
	struct error	 err;
	deploy_done_cb	*done;
	void		*arg;
};

struct fake_hooks fake_hooks;
static struct loop *loop;

void
fake_hooks_reset(struct loop *l)
{
	memset(&fake_hooks, 0, sizeof(fake_hooks));
	loop = l;
}

static void
answer_cb(void *arg)
{
	struct hooks_op *op = arg;

	op->done(op->verdict == FAKE_FAILS ? &op->err : NULL, op->arg);
	hooks_cancel(op);
}

struct hooks_op *
hooks_start(struct hooks *h, const struct hooks_args *a, deploy_done_cb *done,
    void *arg)
{
	static const char *const whens[] = {
		[HOOKS_PRE] = "pre", [HOOKS_DEPLOY] = "deploy",
		[HOOKS_POST_RENEWED] = "renewed",
		[HOOKS_POST_FAILED] = "failed",
	};
	struct hooks_op *op = xcalloc(1, sizeof(*op));
	size_t used = strlen(fake_hooks.log);
	char subject[256];

	(void)text_printf(subject, sizeof(subject), "%s %s", whens[a->when],
	    a->cert->name);
	(void)text_printf(fake_hooks.log + used,
	    sizeof(fake_hooks.log) - used, "%s %s\n", subject, a->serial);
	op->hooks = h;
	op->done = done;
	op->arg = arg;
	h->in_flight++;
	op->verdict = fake_rule_next(&fake_hooks.rule, subject, &op->err);
	timer_init(&op->answer, loop, answer_cb, op);
	if (op->verdict != FAKE_HANGS_ON)
		timer_set(&op->answer, 5);
	return op;
}

void
hooks_cancel(struct hooks_op *op)
{
	if (op == NULL)
		return;
	op->hooks->in_flight--;
	timer_clear(&op->answer);
	free(op);
}

struct hooks *
hooks_new(struct loop *l, struct children *children, struct gate *gate,
    unsigned patience_ms)
{
	return xcalloc(1, sizeof(struct hooks));
}

void
hooks_free(struct hooks *h)
{
	if (h != NULL && h->in_flight > 0)
		abort();
	free(h);
}

/* The default's directory is not there; what a test has written is. */
bool
hooks_exist(const char *dir, enum hooks_when when)
{
	return access(dir, F_OK) == 0;
}
