/* SPDX-License-Identifier: MIT */
#include "daemon/publish/request.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/io/loop.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/identity.h"

#define TIMEOUT_MS	60000
#define REQUEST_MAX	(64 * 1024)

struct request_op {
	struct request_args a;
	char		*key, *host_key, *csr, *etag;
	struct repo_keys keys;
	struct timer	 turn;
	struct object_op *object;
	request_done_cb	*done;
	void		*arg;
};

void
request_cancel(struct request_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	object_cancel(op->object);
	repo_keys_clear(&op->keys);
	free(op->key);
	free(op->host_key);
	free(op->csr);
	free(op->etag);
	free(op);
}

static void
finish(struct request_op *op, const struct error *err,
    const struct request_reply *reply)
{
	op->done(err, reply, op->arg);
	request_cancel(op);
}

static struct object_args
object_args(const struct request_op *op)
{
	return (struct object_args){ .loop = op->a.loop, .http = op->a.http,
	    .etcd = op->a.etcd, .repository = op->a.repository,
	    .key = op->key, .max = REQUEST_MAX, .timeout_ms = TIMEOUT_MS };
}

/* --- put --- */

static void
put(const struct error *err, const struct object_reply *reply, void *arg)
{
	struct request_op *op = arg;

	(void)reply;
	op->object = NULL;
	finish(op, err, NULL);
}

static void
begin_put(struct request_op *op)
{
	struct object_args a = object_args(op);
	json_t *o = json_pack("{s:I, s:s}", "at", (json_int_t)clock_now(),
	    "csr", op->csr);
	char *text = json_dumps(o, JSON_COMPACT), *sealed;

	sealed = identity_seal(op->keys.me, op->keys.publisher, op->key, text,
	    strlen(text), &a.len);
	free(text);
	json_decref(o);
	a.data = sealed;
	op->object = object_put_start(&a, put, op);
	free(sealed);
}

/* --- get --- */

static int
read_text(const char *text, size_t len, struct request_reply *reply,
    json_t **o, struct error *err)
{
	*o = jsonx_parse(text, len, err);
	if (*o == NULL)
		return -1;
	reply->at = (time_t)jsonx_int(*o, "at", -1);
	reply->csr = jsonx_str(*o, "csr");
	return reply->csr != NULL && reply->at >= 0 ? 0 : error_set(err,
	    ERR_REJECTED, "request:syntax", "the host's request is not one "
	    "that acmed writes");
}

static void
got(const struct error *err, const struct object_reply *object, void *arg)
{
	struct request_op *op = arg;
	struct request_reply reply = { .csr = NULL };
	struct error failed;
	json_t *o = NULL;
	char *text;
	size_t len;
	int rc;

	op->object = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	(void)text_printf(reply.etag, sizeof(reply.etag), "%s",
	    object->is_unchanged ? op->etag : object->etag);
	if (object->is_unchanged) {
		finish(op, NULL, &reply);
		return;
	}
	rc = identity_open(op->keys.me, op->host_key, op->key, object->data,
	    object->len, &text, &len, &failed);
	if (rc == 0) {
		rc = read_text(text, len, &reply, &o, &failed);
		freezero(text, len);
	}
	finish(op, rc == 0 ? NULL : &failed, rc == 0 ? &reply : NULL);
	json_decref(o);
}

static void
begin_get(struct request_op *op)
{
	struct object_args a = object_args(op);

	a.condition = op->etag[0] != '\0' ? OBJECT_CHANGED : OBJECT_ANY;
	a.etag = op->etag;
	op->object = object_get_start(&a, got, op);
}

/* --- both --- */

static void
begin_cb(void *arg)
{
	struct request_op *op = arg;
	struct error err;

	if (repo_keys_read(op->a.repository, op->a.store, &op->keys, &err) ==
	    -1)
		finish(op, &err, NULL);
	else if (op->csr != NULL)
		begin_put(op);
	else
		begin_get(op);
}

static struct request_op *
start(const struct request_args *a, request_done_cb *done, void *arg)
{
	struct request_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->key = xasprintf("%s/csr/%s", a->certificate, a->host);
	op->etag = xstrdup(a->etag != NULL ? a->etag : "");
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

struct request_op *
request_put_start(const struct request_args *a, request_done_cb *done,
    void *arg)
{
	struct request_op *op = start(a, done, arg);

	op->csr = xstrdup(a->csr);
	return op;
}

struct request_op *
request_get_start(const struct request_args *a, request_done_cb *done,
    void *arg)
{
	struct request_op *op = start(a, done, arg);

	op->host_key = xstrdup(a->host_key);
	return op;
}
