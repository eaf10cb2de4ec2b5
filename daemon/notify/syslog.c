/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/mem.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"
#include "daemon/notify/channel.h"

#define LINE_BYTES 900		/* what every receiver takes */

struct syslog_op {
	struct timer	 timer;
	channel_done_cb	*done;
	void		*arg;
};

static void
syslog_cancel(void *arg)
{
	struct syslog_op *op = arg;

	if (op == NULL)
		return;
	timer_clear(&op->timer);
	free(op);
}

static void
timer_cb(void *arg)
{
	struct syslog_op *op = arg;

	op->done(NULL, op->arg);
	syslog_cancel(op);
}

/* All of it in one line: spaces and line ends become one space. */
static char *
one_line(const char *subject, const char *text)
{
	char *line = xasprintf("%s; %s", subject, text), *to = line;

	for (const char *s = line; *s != '\0'; s++) {
		bool is_space = *s == ' ' || *s == '\n';

		if (!is_space)
			*to++ = *s;
		else if (to > line && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
	if (to - line > LINE_BYTES) {
		size_t len = LINE_BYTES;

		while (((unsigned char)line[len] & 0xc0) == 0x80)
			len--;
		line[len] = '\0';
	}
	return line;
}

static void *
syslog_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	static const int severities[] = {
		[NLEV_NOTICE] = LOG_NOTICE,
		[NLEV_WARNING] = LOG_WARNING,
		[NLEV_CRITICAL] = LOG_CRIT,
	};
	struct syslog_op *op = xcalloc(1, sizeof(*op));
	char *line = one_line(a->subject, a->text);

	_Static_assert(sizeof(severities) / sizeof(severities[0]) == NLEV_END,
	    "severities");
	/* Neither tells whether it was taken. */
	if (sd_journal_message(a->conf->facility, severities[a->level],
	    a->subject, a->text, a->id, a->json) == -1)
		syslog(a->conf->facility | severities[a->level], "%s", line);
	free(line);
	op->done = done;
	op->arg = arg;
	timer_init(&op->timer, a->env->loop, timer_cb, op);
	timer_set(&op->timer, 0);
	return op;
}

const struct channel_kind channel_syslog = { syslog_start, syslog_cancel };
