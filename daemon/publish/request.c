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
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"

#define TIMEOUT_MS	60000
#define AT_MAX		INT64_C(253402300799)	/* the end of 9999 */

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

/* --- the text --- */

char *
request_make(const struct repo_keys *host, const char *key, const char *csr,
    time_t at, size_t *len)
{
	json_t *o = json_pack("{s:I, s:s}", "at", (json_int_t)at, "csr", csr);
	char *text = json_dumps(o, JSON_COMPACT), *sealed;

	sealed = identity_seal(host->me, host->publisher, key, text,
	    strlen(text), len);
	free(text);
	json_decref(o);
	return sealed;
}

static int
read_members(const json_t *o, char **csr, time_t *at, struct error *err)
{
	const char *text = jsonx_str(o, "csr");
	int64_t n = jsonx_int(o, "at", -1);

	if (text == NULL || strlen(text) > CSR_MAX || n < 0 || n > AT_MAX)
		return error_set(err, ERR_REJECTED, "request:syntax", "it is "
		    "not one that acmed writes");
	*csr = xstrdup(text);
	*at = (time_t)n;
	return 0;
}

int
request_read(const struct repo_keys *publisher, const char *host_key,
    const char *key, const void *data, size_t len, char **csr, time_t *at,
    struct error *err)
{
	struct error ignored;
	char *text;
	json_t *o;
	size_t n;
	int rc;

	*csr = NULL;
	if (identity_open(publisher->me, host_key, key, data, len, &text, &n,
	    err) == -1)
		return -1;
	/* Its error would show the beginning of the text. */
	o = jsonx_parse(text, n, &ignored);
	freezero(text, n);
	rc = read_members(o, csr, at, err);
	json_decref(o);
	return rc;
}

/* --- both --- */

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
	char *sealed = request_make(&op->keys, op->key, op->csr, clock_now(),
	    &a.len);

	a.data = sealed;
	op->object = object_put_start(&a, put, op);
	free(sealed);
}

/* --- get --- */

static void
got(const struct error *err, const struct object_reply *object, void *arg)
{
	struct request_op *op = arg;
	struct request_reply reply = { .csr = NULL };
	struct error failed;
	char *csr;
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
	rc = request_read(&op->keys, op->host_key, op->key, object->data,
	    object->len, &csr, &reply.at, &failed);
	reply.csr = csr;
	finish(op, rc == 0 ? NULL : &failed, rc == 0 ? &reply : NULL);
	free(csr);
}

static void
begin_get(struct request_op *op)
{
	struct object_args a = object_args(op);

	a.condition = op->etag[0] != '\0' ? OBJECT_CHANGED : OBJECT_ANY;
	a.etag = op->etag;
	op->object = object_get_start(&a, got, op);
}

/* --- begin --- */

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
