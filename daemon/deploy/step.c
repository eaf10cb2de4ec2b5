/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/step.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/text.h"

void
step_init(struct step *s, const struct deploy_args *a,
    void (*begin)(void *op), void *op, deploy_done_cb *done, void *arg)
{
	s->a = *a;
	s->done = done;
	s->arg = arg;
	timer_init(&s->turn, a->env->loop, begin, op);
	timer_set(&s->turn, 0);
}

void
step_clear(struct step *s)
{
	timer_clear(&s->turn);
}

void
step_say(const struct step *s, const char *fmt, ...)
{
	va_list ap;
	char *line;

	if (s->a.line == NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) == -1)
		abort();
	va_end(ap);
	s->a.line(line, s->arg);
	free(line);
}

void
step_tell(const struct step *s, const char *kind, const struct error *err)
{
	struct error own;

	if (err != NULL) {
		own = *err;
		(void)text_printf(own.code, sizeof(own.code), "deploy:%s",
		    kind);
		err = &own;
	}
	s->done(err, s->arg);
}
