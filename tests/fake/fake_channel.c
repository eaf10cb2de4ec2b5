/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_channel.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/notify/channel.h"

struct fake_channel fake_channel;

struct channel_op {
	struct timer	 timer;
	struct fake_message message;
	channel_done_cb	*done;
	void		*arg;
};

static void
message_clear(struct fake_message *m)
{
	free(m->channel);
	free(m->target);
	free(m->id);
	free(m->subject);
	free(m->text);
}

void
fake_channel_reset(void)
{
	for (size_t i = 0; i < fake_channel.n; i++)
		message_clear(&fake_channel.got[i]);
	memset(&fake_channel, 0, sizeof(fake_channel));
}

static void
answer_cb(void *arg)
{
	struct channel_op *op = arg;
	const char *code = fake_channel.failure;
	struct error err;

	fake_channel.in_flight--;
	fake_channel.tries++;
	if (code == NULL && fake_channel.refused_target != NULL &&
	    strcmp(fake_channel.refused_target, op->message.target) == 0)
		code = "smtp:refused";
	if (code != NULL) {
		(void)error_set(&err, strcmp(code, "smtp:refused") == 0 ?
		    ERR_REJECTED : ERR_TRANSIENT, code, "no");
		op->done(&err, op->arg);
		message_clear(&op->message);
	} else {
		if (fake_channel.n == FAKE_MESSAGES)
			abort();
		fake_channel.got[fake_channel.n++] = op->message;
		op->done(NULL, op->arg);
	}
	free(op);
}

struct channel_op *
channel_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct channel_op *op = xcalloc(1, sizeof(*op));

	op->message = (struct fake_message){ xstrdup(a->conf->name),
	    xstrdup(a->target), xstrdup(a->id), xstrdup(a->subject),
	    xstrdup(a->text) };
	op->done = done;
	op->arg = arg;
	timer_init(&op->timer, a->env->loop, answer_cb, op);
	if (!fake_channel.hangs)
		timer_set(&op->timer, 100);
	fake_channel.in_flight++;
	return op;
}

void
channel_cancel(struct channel_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->timer);
	fake_channel.in_flight--;
	message_clear(&op->message);
	free(op);
}

const char *const *
channel_targets(const struct conf_notify *conf)
{
	static const char *const one[] = { "", NULL };

	return conf->kind == NOTIFY_MAIL ?
	    (const char *const *)conf->mail_to : one;
}
