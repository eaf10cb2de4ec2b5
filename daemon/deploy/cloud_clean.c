/* SPDX-License-Identifier: MIT */
/* cloud_clean - the second step of cloud.h. */
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/cloud.h"
#include "daemon/deploy/cloud_run.h"
#include "daemon/deploy/cloud_turns.h"

struct clean_op {
	struct cloud_run run;		/* first: cloud_run's done gets it */
	struct cloud_turn *turn;	/* nobody finds what is about to go */
	size_t		 next;		/* row of the journal */
};

static void	next_old(struct clean_op *);

static void
clean_cancel(void *arg)
{
	struct clean_op *op = arg;

	cloud_turn_give(op->turn);
	cloud_run_clear(&op->run);
	free(op);
}

static void
removed(struct cloud_run *run, struct error *err)
{
	struct clean_op *op = (struct clean_op *)(void *)run;

	if (err == NULL) {
		step_say(&run->s, "removed the certificate before, %s",
		    run->call.old_id);
		cloud_journal_forget(&run->journal, run->call.old_id);
	} else if (run->call.is_in_use) {
		step_say(&run->s, "the certificate before, %s, is used by "
		    "something else: it stays until the next renewal",
		    run->call.old_id);
	} else {
		step_say(&run->s, "the certificate before, %s, stays until "
		    "the next renewal: %s", run->call.old_id, err->msg);
	}
	next_old(op);
}

static void
next_old(struct clean_op *op)
{
	struct cloud_run *run = &op->run;
	const struct store_cloud *old = cloud_journal_old(&run->journal,
	    &op->next);

	if (old == NULL) {
		step_tell(&run->s, "cloud", NULL);
		clean_cancel(op);
		return;
	}
	run->call.old_id = old->id;
	run->call.is_in_use = false;
	cloud_run_table(run, run->type->store->api, run->type->store->remove,
	    removed);
}

/* The certificate is served; the next renewal removes what is left. */
static void
give_up(struct clean_op *op, const struct error *err)
{
	step_say(&op->run.s, "%s", err->msg);
	step_tell(&op->run.s, "cloud", NULL);
	clean_cancel(op);
}

/* Others may have uploaded and bound meanwhile. */
static void
turn_cb(void *arg)
{
	struct clean_op *op = arg;

	cloud_run_recall(&op->run);
	next_old(op);
}

static void
leased(struct cloud_run *run, struct error *err)
{
	struct clean_op *op = (struct clean_op *)(void *)run;

	if (err != NULL)
		give_up(op, err);
	else
		op->turn = cloud_turn_take(run->s.a.env->clouds, run->place,
		    turn_cb, op);
}

static void
begin_cb(void *arg)
{
	struct clean_op *op = arg;
	struct error err;

	if (cloud_run_read(&op->run, &err) == 0)
		cloud_run_lease(&op->run, leased);
	else
		give_up(op, &err);
}

static void *
clean_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct clean_op *op = xcalloc(1, sizeof(*op));

	cloud_run_init(&op->run, a, begin_cb, done, arg);
	return op;
}

static bool
clean_is_wanted(const struct deploy_args *a)
{
	return a->target->cloud != NULL &&
	    a->target->cloud->type->store->remove != NULL;
}

const struct deploy_kind deploy_cloud_clean = {
	.name = "cloud-clean",
	.is_wanted = clean_is_wanted,
	.start = clean_start,
	.cancel = clean_cancel,
	.is_wait = true,
};
