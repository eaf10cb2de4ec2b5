/* SPDX-License-Identifier: MIT */
#include "daemon/notify/channel.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/loop.h"

static const struct channel_kind *const kinds[] = {
	[NOTIFY_MAIL] = &channel_mail,
	[NOTIFY_SYSLOG] = &channel_syslog,
	[NOTIFY_WEBHOOK] = &channel_webhook,
	[NOTIFY_EXEC] = &channel_exec,
	[NOTIFY_HEARTBEAT] = NULL,	/* no message is for it */
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == NOTIFY_KIND_END, "kinds");

struct channel_op {
	const struct channel_kind *kind;
	void		*op;		/* NULL: not begun */
	channel_done_cb	*done;
	void		*arg;
	struct timer	 late;		/* tells err */
	struct error	 err;
};

static void
kind_done(const struct error *err, void *arg)
{
	struct channel_op *op = arg;

	op->op = NULL;
	op->done(err, op->arg);
	free(op);
}

static void
late_cb(void *arg)
{
	struct channel_op *op = arg;

	kind_done(&op->err, op);
}

struct channel_op *
channel_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct channel_op *op = xcalloc(1, sizeof(*op));

	op->kind = kinds[a->conf->kind];
	op->done = done;
	op->arg = arg;
	timer_init(&op->late, a->env->loop, late_cb, op);
	if (conf_notify_look(a->conf, &op->err) == 0)
		op->op = op->kind->start(a, kind_done, op);
	else
		timer_set(&op->late, 0);
	return op;
}

void
channel_cancel(struct channel_op *op)
{
	if (op == NULL)
		return;
	if (op->op != NULL)
		op->kind->cancel(op->op);
	timer_clear(&op->late);
	free(op);
}

const char *const *
channel_targets(const struct conf_notify *conf)
{
	static const char *const one[] = { "", NULL };

	return conf->kind == NOTIFY_MAIL ?
	    (const char *const *)conf->mail_to : one;
}
