/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/haproxy.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/step.h"
#include "daemon/io/exchange.h"
#include "daemon/store/bundle.h"

#define REPLY_MAX 16384

/* One command on one connection each: that is HAProxy's default mode. */
enum stage { ABORT, SET, COMMIT, STAGE_END };

struct haproxy_op {
	struct step	 s;
	enum stage	 stage;
	struct exchange_op *exchange;
};

static void	begin_stage(void *arg);

static void
haproxy_cancel(void *arg)
{
	struct haproxy_op *op = arg;

	exchange_cancel(op->exchange);
	step_clear(&op->s);
	free(op);
}

static void
finish(struct haproxy_op *op, const struct error *err)
{
	step_tell(&op->s, "haproxy", err);
	haproxy_cancel(op);
}

/* What each command says when it has done its work. */
static bool
is_success(enum stage stage, const char *reply)
{
	switch (stage) {
	case ABORT:		/* there was most likely nothing to abort */
		return true;
	case SET:
		return strstr(reply, "Transaction created for certificate") !=
		    NULL || strstr(reply, "Transaction updated for "
		    "certificate") != NULL;
	case COMMIT:
		return strstr(reply, "Success!") != NULL;
	case STAGE_END:
	default:
		return false;
	}
}

static void
refused(struct haproxy_op *op, const char *reply)
{
	const struct conf_haproxy *h = op->s.a.target->haproxy;
	struct error err;
	char words[300];

	(void)text_printf(words, sizeof(words), "%s", reply);
	for (char *p = words; *p != '\0'; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	text_clean(words);
	/* It says nothing when it is being stopped, too. */
	(void)error_set(&err, words[0] != '\0' ? ERR_CONFIG : ERR_TRANSIENT,
	    "deploy:haproxy", "%s: HAProxy "
	    "refuses \"%s ssl cert %s\": %s", h->socket,
	    op->stage == SET ? "set" : "commit", h->file,
	    words[0] != '\0' ? words : "no answer (is \"level admin\" set "
	    "for this socket?)");
	finish(op, &err);
}

static void
answered(const struct error *err, const char *reply, size_t len, void *arg)
{
	struct haproxy_op *op = arg;

	(void)len;
	op->exchange = NULL;
	if (err != NULL) {
		finish(op, err);
	} else if (!is_success(op->stage, reply)) {
		refused(op, reply);
	} else if (++op->stage == STAGE_END) {
		finish(op, NULL);
	} else {
		timer_set(&op->s.turn, 0);
	}
}

/* A payload ends with an empty line, so it must not have one itself. */
static void
drop_empty_lines(char *s)
{
	char *to = s;

	for (const char *p = s; *p != '\0'; p++) {
		if (*p == '\n' && (to == s || to[-1] == '\n'))
			continue;
		*to++ = *p;
	}
	*to = '\0';
}

static char *
make_command(struct haproxy_op *op, struct error *err)
{
	const struct conf_haproxy *h = op->s.a.target->haproxy;
	char *pem, *command;
	size_t len;

	if (op->stage == ABORT)
		return xasprintf("abort ssl cert %s\n", h->file);
	if (op->stage == COMMIT)
		return xasprintf("commit ssl cert %s\n", h->file);
	if (bundle_make(op->s.a.version_dir, BUNDLE_COMBINED,
	    op->s.a.cert->name, NULL, &pem, &len, err) == -1)
		return NULL;
	drop_empty_lines(pem);
	command = xasprintf("set ssl cert %s <<\n%s\n", h->file, pem);
	freezero(pem, len);
	return command;
}

static void
begin_stage(void *arg)
{
	struct haproxy_op *op = arg;
	struct error err;
	char *command = make_command(op, &err);

	if (command == NULL) {
		finish(op, &err);
		return;
	}
	op->exchange = exchange_start(op->s.a.env->loop,
	    &(struct exchange_args){ .address = op->s.a.target->haproxy->socket,
	    .data = command, .len = strlen(command), .max_reply = REPLY_MAX,
	    .timeout_ms = op->s.a.target->timeout_s * 1000 }, answered, op);
	freezero_str(command);
}

static void *
haproxy_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct haproxy_op *op = xcalloc(1, sizeof(*op));

	step_init(&op->s, a, begin_stage, op, done, arg);
	return op;
}

static bool
haproxy_is_wanted(const struct deploy_args *a)
{
	return a->target->haproxy != NULL;
}

const struct deploy_kind deploy_haproxy = {
	.name = "haproxy",
	.is_wanted = haproxy_is_wanted,
	.start = haproxy_start,
	.cancel = haproxy_cancel,
};
