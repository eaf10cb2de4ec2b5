/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/cloud_run.h"
#include "daemon/deploy/cloud_turns.h"

#define TRIES		4		/* of a failure that may pass */
#define FIRST_WAIT_MS	1000
#define LONGEST_WAIT_S	120		/* that the vendor may ask for */

struct cloud_op {
	struct cloud_run run;		/* first: cloud_run's done gets it */
	struct cloud_turn *turn;	/* until the upload is journalled */
	struct store_sync_op *sync;
	void		(*then)(struct cloud_op *);	/* what is on disk
					   was waited for */
	struct timer	 wait;
	unsigned	 tries;
	bool		 has_made_room;
	size_t		 next_old;
};

static void	op_look(void *arg);
static void	op_lease(void *arg);
static void	op_upload(struct cloud_op *);

static struct cloud_op *
op_of(struct cloud_run *run)
{
	return (struct cloud_op *)(void *)run;
}

static void
op_cancel(void *arg)
{
	struct cloud_op *op = arg;

	store_sync_cancel(op->sync);
	cloud_turn_give(op->turn);
	timer_clear(&op->wait);
	cloud_run_clear(&op->run);
	free(op);
}

static void
op_finish(struct cloud_op *op, struct error *err)
{
	if (err != NULL)
		(void)error_wrap(err, "%s", op->run.type->name);
	step_tell(&op->run.s, "cloud", err);
	op_cancel(op);
}

/*
 * Nobody knows what the vendor has done: from the beginning, which reads.  What
 * lasts is told, and the rollout tries again much later.
 */
static void
op_failed(struct cloud_op *op, struct error *err)
{
	time_t now = clock_now();
	int64_t ms = (int64_t)FIRST_WAIT_MS << op->tries;

	if (cloud_run_doubts(&op->run, err)) {
		op_lease(op);
		return;
	}
	if ((err->kind != ERR_TRANSIENT && err->kind != ERR_RATELIMIT) ||
	    ++op->tries >= TRIES || err->retry_at > now + LONGEST_WAIT_S) {
		op_finish(op, err);
		return;
	}
	if (err->retry_at > now && (err->retry_at - now) * 1000 > ms)
		ms = (err->retry_at - now) * 1000;
	step_say(&op->run.s, "%s; again in %lld s", err->msg,
	    (long long)(ms + 999) / 1000);
	timer_set(&op->wait, ms);
}

/* --- the journal --- */

static void
sync_cb(const struct error *err, void *arg)
{
	struct cloud_op *op = arg;

	op->sync = NULL;
	if (err != NULL) {
		struct error own = *err;

		op_finish(op, &own);
		return;
	}
	op->then(op);
}

static void
op_sync(struct cloud_op *op, void (*then)(struct cloud_op *))
{
	op->then = then;
	op->sync = store_sync_start(op->run.s.a.env->store, sync_cb, op);
}

/* --- bind --- */

static void
op_bound(struct cloud_op *op)
{
	struct cloud_journal *j = &op->run.journal;

	if (op->run.call.id[0] != '\0') {
		if (strcmp(j->mine.id, op->run.call.id) != 0)
			cloud_journal_put(j, op->run.call.id,
			    op->run.call.is_foreign);
		cloud_journal_bind(j);
		if (op->run.type->store->is_in_place)
			cloud_journal_forget(j, op->run.call.id);
	}
	op_finish(op, NULL);
}

static void
bind_done(struct cloud_run *run, struct error *err)
{
	if (err != NULL)
		op_failed(op_of(run), err);
	else
		op_bound(op_of(run));
}

static void
op_bind(struct cloud_op *op)
{
	const struct cloud *type = op->run.type;

	cloud_turn_give(op->turn);
	op->turn = NULL;
	if (type->bind == NULL)
		op_bound(op);
	else
		cloud_run_table(&op->run, type->api, type->bind, bind_done);
}

/* --- room, where the quota is full --- */

static void
removed_for_room(struct cloud_run *run, struct error *err)
{
	struct cloud_op *op = op_of(run);

	if (err == NULL)
		cloud_journal_forget(&run->journal, run->call.old_id);
	op_upload(op);
}

/* Remove what is ours and of no use any more; false if there is none. */
static bool
make_room(struct cloud_op *op)
{
	struct cloud_run *run = &op->run;
	const struct store_cloud *old;

	if (run->type->store->remove == NULL)
		return false;
	old = cloud_journal_old(&run->journal, &op->next_old);
	if (old == NULL)
		return false;
	step_say(&run->s, "the store is full: removing certificate %s, which "
	    "is not used any more", old->id);
	run->call.old_id = old->id;
	cloud_run_table(run, run->type->store->api, run->type->store->remove,
	    removed_for_room);
	return true;
}

/* --- upload --- */

static void
upload_done(struct cloud_run *run, struct error *err)
{
	struct cloud_op *op = op_of(run);

	run->call.cert.key = run->version.key;
	if (err == NULL) {
		cloud_journal_put(&run->journal, run->call.id,
		    run->call.is_foreign);
		op_sync(op, op_bind);
	} else if (run->call.is_full && make_room(op)) {
		run->call.is_full = false;
	} else {
		op_failed(op, err);
	}
}

static void
op_upload(struct cloud_op *op)
{
	step_say(&op->run.s, "uploading %s", op->run.call.upload_name);
	cloud_run_table(&op->run, op->run.type->store->api,
	    op->run.type->store->upload, upload_done);
}

static void
find_done(struct cloud_run *run, struct error *err)
{
	struct cloud_op *op = op_of(run);
	struct cloud_call *c = &run->call;

	if (err != NULL) {
		op_failed(op, err);
	} else if (run->s.a.is_check) {
		op_finish(op, NULL);
	} else if (c->is_found) {
		/* Ours, or what another one has uploaded; or a reply was
		 * lost. */
		cloud_journal_put(&run->journal, c->id, c->is_foreign);
		op_sync(op, op_bind);
	} else {
		if (run->type->store->is_in_place) {
			cloud_journal_put(&run->journal, c->id, false);
		} else {
			c->id[0] = '\0';
			cloud_journal_begin(&run->journal);
		}
		op->next_old = 0;
		op_sync(op, op_upload);
	}
}

static void
turn_cb(void *arg)
{
	struct cloud_op *op = arg;

	cloud_run_recall(&op->run);
	cloud_run_table(&op->run, op->run.type->store->api,
	    op->run.type->store->find, find_done);
}

/* --- look --- */

static void
look_done(struct cloud_run *run, struct error *err)
{
	struct cloud_op *op = op_of(run);

	if (err != NULL) {
		op_failed(op, err);
	} else if (run->call.is_right && !run->s.a.is_check) {
		step_say(&run->s, "it is bound already");
		op_bound(op);
	} else if (op->turn != NULL) {
		turn_cb(op);
	} else {
		op->turn = cloud_turn_take(run->s.a.env->clouds, run->place,
		    turn_cb, op);
	}
}

static void
op_look(void *arg)
{
	struct cloud_op *op = arg;

	cloud_run_forget(&op->run);
	if (op->run.type->look == NULL)
		look_done(&op->run, NULL);
	else
		cloud_run_table(&op->run, op->run.type->api,
		    op->run.type->look, look_done);
}

/* At first, and again. */
static void
leased(struct cloud_run *run, struct error *err)
{
	if (err != NULL)
		op_failed(op_of(run), err);
	else
		op_look(op_of(run));
}

static void
op_lease(void *arg)
{
	struct cloud_op *op = arg;

	cloud_run_lease(&op->run, leased);
}

static void
begin_cb(void *arg)
{
	struct cloud_op *op = arg;
	struct error err;

	if (cloud_run_read(&op->run, &err) == -1)
		op_finish(op, &err);
	else
		op_lease(op);
}

static void *
cloud_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct cloud_op *op = xcalloc(1, sizeof(*op));

	cloud_run_init(&op->run, a, begin_cb, done, arg);
	timer_init(&op->wait, a->env->loop, op_lease, op);
	return op;
}

static bool
cloud_is_wanted(const struct deploy_args *a)
{
	return a->target->cloud != NULL;
}

const struct deploy_kind deploy_cloud = {
	.name = "cloud",
	.is_wanted = cloud_is_wanted,
	.start = cloud_start,
	.cancel = op_cancel,
	.is_wait = true,
	.start_checks = true,
};
