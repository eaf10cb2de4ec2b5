/* SPDX-License-Identifier: MIT */
#include "daemon/acme/meta.h"

#include <stdlib.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/acme/message.h"
#include "daemon/acme/problem.h"
#include "daemon/io/http.h"

#define REPLY_MAX (256 * 1024)

struct acme_meta_op {
	char		*directory;
	bool		 allow_plain;
	struct http_op	*http;
	acme_meta_done_cb *done;
	void		*arg;
};

void
acme_meta_cancel(struct acme_meta_op *op)
{
	if (op == NULL)
		return;
	http_cancel(op->http);
	free(op->directory);
	free(op);
}

static void
fetched(const struct error *http_err, const struct http_reply *reply,
    void *arg)
{
	struct acme_meta_op *op = arg;
	struct directory *d = NULL;
	struct acme_meta meta;
	struct error err;

	op->http = NULL;
	if (http_err != NULL)
		err = *http_err;
	else if (reply->status < 200 || reply->status >= 300)
		problem_from_reply(reply->status, reply->body,
		    reply->body_len, http_reply_retry_at(reply), &err);
	else
		d = message_directory(reply->body, reply->body_len,
		    op->allow_plain, &err);
	if (d == NULL) {
		message_directory_doubt(&err);
		(void)error_wrap(&err, "directory %.300s", op->directory);
		op->done(&err, NULL, op->arg);
	} else {
		meta = (struct acme_meta){
			.terms = d->terms,
			.eab_required = d->eab_required,
			.caa_identities =
			    (const char *const *)d->caa_identities,
			.profiles = d->profiles,
		};
		ca_clock_note(&meta.clock, reply);
		op->done(NULL, &meta, op->arg);
	}
	directory_free(d);
	acme_meta_cancel(op);
}

struct acme_meta_op *
acme_meta_start(struct http *http, const struct acme_meta_args *a,
    acme_meta_done_cb *done, void *arg)
{
	struct acme_meta_op *op = xcalloc(1, sizeof(*op));
	struct http_args args = {
		.method = "GET",
		.url = a->directory,
		.max_reply = REPLY_MAX,
		.timeout_ms = a->timeout_ms,
		.ca_file = a->ca_file,
		.proxy = a->proxy,
	};

	op->directory = xstrdup(a->directory);
	op->allow_plain = strncasecmp(a->directory, "http://", 7) == 0;
	args.allow_plain = op->allow_plain;
	op->done = done;
	op->arg = arg;
	op->http = http_start(http, &args, fetched, op);
	return op;
}
