/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/child.h"
#include "daemon/io/program.h"
#include "daemon/io/smtp.h"
#include "daemon/notify/channel.h"
#include "daemon/notify/mime.h"

#define OUTPUT_MAX 4096
#define EX_TEMPFAIL 75		/* sysexits.h */

struct mail_op {
	struct smtp_op	*smtp;
	struct child_op	*child;
	channel_done_cb	*done;
	void		*arg;
};

static void
mail_cancel(void *arg)
{
	struct mail_op *op = arg;

	if (op == NULL)
		return;
	smtp_cancel(op->smtp);
	child_cancel(op->child);
	free(op);
}

static void
smtp_done(const struct error *err, void *arg)
{
	struct mail_op *op = arg;

	op->smtp = NULL;
	op->done(err, op->arg);
	mail_cancel(op);
}

static void
sendmail_done(const struct error *err, const struct child_reply *reply,
    void *arg)
{
	struct mail_op *op = arg;
	struct error failed;

	op->child = NULL;
	if (err == NULL && child_check(reply, "sendmail", &failed) == -1) {
		/* The others of sysexits.h are about this mail. */
		if (reply->status > 64 && reply->status < 80 &&
		    reply->status != EX_TEMPFAIL)
			failed.kind = ERR_REJECTED;
		(void)text_printf(failed.code, sizeof(failed.code),
		    "notify:sendmail");
		err = &failed;
	}
	op->done(err, op->arg);
	mail_cancel(op);
}

/* sendmail(8) wants lines as they are in files here. */
static void
strip_cr(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != '\r')
			*to++ = *s;
	}
	*to = '\0';
}

static void
start_sendmail(struct mail_op *op, const struct channel_args *a, char *mail,
    const char *from)
{
	const char *argv[] = { a->conf->sendmail, "-i", "-f", from, "--",
	    a->target, NULL };
	static const char *const env[] = { "PATH=" PROGRAM_PATH, NULL };
	struct child_args args = {
		.argv = argv,
		.env = env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = a->conf->timeout_s * 1000,
	};

	strip_cr(mail);
	args.input = mail;
	args.input_len = strlen(mail);
	op->child = child_start(a->env->children, &args, sendmail_done, op);
}

/* A name that a mail server believes: a full one.  NULL: none is known. */
static const char *
full_name(const struct channel_args *a)
{
	const char *at = a->conf->mail_from != NULL ?
	    strrchr(a->conf->mail_from, '@') : NULL;

	if (a->conf->helo != NULL)
		return a->conf->helo;
	if (strchr(a->env->host, '.') != NULL)
		return a->env->host;
	return at != NULL && strchr(at, '.') != NULL ? at + 1 : NULL;
}

static void
start_smtp(struct mail_op *op, const struct channel_args *a, const char *mail,
    const char *from)
{
	const struct conf_notify *c = a->conf;
	struct smtp_args args = {
		.host = c->smtp_host,
		.port = c->smtp_port,
		.tls = c->smtp_tls,
		.ca_file = c->ca_file,
		.user = c->user,
		.password = c->password,
		.helo = full_name(a),
		.from = from,
		.to = a->target,
		.mail = mail,
		.timeout_ms = c->timeout_s * 1000,
	};

	op->smtp = smtp_start(a->env->children, &args, smtp_done, op);
}

static void *
mail_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct mail_op *op = xcalloc(1, sizeof(*op));
	char *from = a->conf->mail_from != NULL ?
	    xstrdup(a->conf->mail_from) : xasprintf("acmed@%s", a->env->host);
	struct mime_args mime = {
		.from = from,
		.to = (const char *const *)a->conf->mail_to,
		.subject = a->subject,
		.text = a->text,
		.id = a->id,
		.at = a->at,
		.is_urgent = a->level == NLEV_CRITICAL,
	};
	char *mail = mime_mail(&mime);

	op->done = done;
	op->arg = arg;
	if (a->conf->sendmail != NULL)
		start_sendmail(op, a, mail, from);
	else
		start_smtp(op, a, mail, from);
	free(mail);
	free(from);
	return op;
}

const struct channel_kind channel_mail = { mail_start, mail_cancel };
