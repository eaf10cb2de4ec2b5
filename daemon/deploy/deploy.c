/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/deploy.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/kind.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/store/bundle.h"

struct deploy_op {
	struct deploy_args a;
	struct error	 why;		/* there is no such part; code "": there
					   is */
	char		*live_dir, *version_dir, *serial;	/* of the one of
					   a pair that the target names */
	size_t		 next;		/* in target->steps or deploy_kinds */
	const struct deploy_kind *kind;	/* under way; NULL: none */
	void		*step;
	struct slot	*slot;		/* of the step, if it needs one */
	struct timer	 turn;
	deploy_done_cb	*done;
	void		*arg;
};

void
deploy_cancel(struct deploy_op *op)
{
	if (op == NULL)
		return;
	if (op->step != NULL)
		op->kind->cancel(op->step);
	slot_give(op->slot);
	timer_clear(&op->turn);
	free(op->live_dir);
	free(op->version_dir);
	free(op->serial);
	free(op);
}

const char *
deploy_step(const struct deploy_op *op)
{
	return op->kind != NULL ? op->kind->name : "";
}

static void
finish(struct deploy_op *op, const struct error *err)
{
	op->done(err, op->arg);
	deploy_cancel(op);
}

static void
step_done(const struct error *err, void *arg)
{
	struct deploy_op *op = arg;

	op->step = NULL;
	slot_give(op->slot);
	op->slot = NULL;
	if (err != NULL)
		finish(op, err);
	else
		timer_set(&op->turn, 0);
}

static void
line_cb(const char *line, void *arg)
{
	struct deploy_op *op = arg;

	if (op->a.line != NULL)
		op->a.line(line, op->arg);
}

static void
seen_cb(time_t not_before, time_t not_after, bool is_all, void *arg)
{
	struct deploy_op *op = arg;

	if (op->a.seen != NULL)
		op->a.seen(not_before, not_after, is_all, op->arg);
}

static const struct deploy_kind *
kind_of(const char *name)
{
	size_t i = 0;

	while (deploy_kinds[i] != NULL && strcmp(deploy_kinds[i]->name, name)
	    != 0)
		i++;
	return deploy_kinds[i];
}

bool
deploy_comes_to(const struct deploy_op *op, const char *kind)
{
	const char *const *steps = op->a.target->steps;
	size_t i = op->next;

	if (steps == NULL) {
		while (deploy_kinds[i] != NULL && strcmp(deploy_kinds[i]->name,
		    kind) != 0)
			i++;
		return deploy_kinds[i] != NULL;
	}
	while (steps[i] != NULL && strcmp(steps[i], kind) != 0)
		i++;
	return steps[i] != NULL;
}

/* The next one, of those that the target asks for or of all. */
static const struct deploy_kind *
next_kind(struct deploy_op *op)
{
	const char *const *steps = op->a.target->steps;

	if (steps == NULL)
		return deploy_kinds[op->next++];
	return steps[op->next] != NULL ? kind_of(steps[op->next++]) : NULL;
}

static void
begin_step(void *arg)
{
	struct deploy_op *op = arg;
	struct deploy_args a = op->a;

	a.line = line_cb;
	a.seen = seen_cb;
	op->step = op->kind->start(&a, step_done, op);
}

static void
next_step(void *arg)
{
	struct deploy_op *op = arg;
	struct error err;

	if (op->why.kind != ERR_NONE) {
		err = op->why;
		finish(op, &err);
		return;
	}
	while ((op->kind = next_kind(op)) != NULL) {
		if (!op->kind->is_wanted(&op->a) || (op->a.only != NULL &&
		    strcmp(op->a.only, op->kind->name) != 0))
			continue;
		if (op->a.is_check && !op->kind->start_checks) {
			if (op->kind->check == NULL ||
			    op->kind->check(&op->a, &err) == 0)
				continue;
			finish(op, &err);
			return;
		}
		if (op->kind->is_wait)
			begin_step(op);
		else
			op->slot = slot_take(op->a.env->work, begin_step, op);
		return;
	}
	finish(op, NULL);
}

/* Steps see only the one of a pair that the target names.  Before there is any
 * (a->serial ""), a check has nothing to look at. */
static void
choose_part(struct deploy_op *op)
{
	struct deploy_args *a = &op->a;
	const char *family = a->target->family;

	if (family == NULL || a->serial[0] == '\0')
		return;
	op->version_dir = bundle_part(a->version_dir, family, &op->why);
	if (op->version_dir != NULL)
		op->serial = bundle_serial(op->version_dir, &op->why);
	if (op->serial == NULL) {
		/* It comes with the next renewal: that is what is checked. */
		if (a->is_check)
			op->why.kind = ERR_NONE;
		return;
	}
	op->live_dir = xasprintf("%s%s", a->live_dir, op->version_dir +
	    strlen(a->version_dir));
	a->version_dir = op->version_dir;
	a->live_dir = op->live_dir;
	a->serial = op->serial;
}

struct deploy_op *
deploy_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct deploy_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	choose_part(op);
	timer_init(&op->turn, a->env->loop, next_step, op);
	timer_set(&op->turn, 0);
	return op;
}
