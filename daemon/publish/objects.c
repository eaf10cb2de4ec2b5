/* SPDX-License-Identifier: MIT */
#include "daemon/publish/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/objects_priv.h"
#include "daemon/store/seal.h"

void
object_cancel(struct object_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	rest_cancel(op->rest);
	etcd_cancel(op->etcd);
	freezero(op->data, op->a.len);
	free(op->key);
	free(op->etag);
	free((char *)(uintptr_t)op->fence.key);
	free(op);
}

void
object_finish(struct object_op *op, const struct error *err,
    const struct object_reply *reply)
{
	op->done(err, reply, op->arg);
	object_cancel(op);
}

/* --- a directory --- */

static char *
dir_path(const struct object_op *op)
{
	const struct conf_repository *r = op->a.repository;

	return xasprintf("%s/%s%s", r->path, r->prefix, op->key);
}

/* Make what is missing of the directories above path, below the root. */
static int
make_parents(const struct object_op *op, char *path, struct error *err)
{
	char *p = path + strlen(op->a.repository->path) + 1;

	for (; (p = strchr(p, '/')) != NULL; p++) {
		int rc;

		*p = '\0';
		rc = file_mkdir(AT_FDCWD, path, 0755, err);
		*p = '/';
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* The content's hash is its ETag.  1 if there is no such file. */
static int
dir_read(const struct object_op *op, const char *path, char **data,
    size_t *len, char etag[OBJECT_ETAG_SIZE], struct error *err)
{
	char hash[SEAL_MAC_SIZE];
	size_t max = op->is_put ? op->a.len + 65536 : op->a.max;

	if (file_read(AT_FDCWD, path, max, data, len, err) == -1)
		return strcmp(err->code, "file:missing") == 0 ? 1 : -1;
	seal_hash(*data, *len, hash);
	(void)text_printf(etag, OBJECT_ETAG_SIZE, "%s", hash);
	return 0;
}

/* A write failed: say what a person can do, where that is known.  The directory
 * is not made: what should be mounted there may be missing. */
static int
advise(const char *dir, struct error *err)
{
	if (access(dir, W_OK) == 0)
		return -1;
	if (errno == ENOENT)
		return error_set(err, ERR_INTERNAL, "sys:io", "the directory "
		    "%s is not there: make it, writable for acmed, or mount "
		    "it", dir);
	if (errno == EROFS)
		return error_set(err, ERR_INTERNAL, "sys:io", "the directory "
		    "%s is read-only for acmed: the sandbox of its unit "
		    "(ProtectSystem=strict) lets it write nowhere else: "
		    "systemctl edit acmed: [Service] ReadWritePaths=-%s; "
		    "systemctl restart acmed", dir, dir);
	return -1;
}

static int
dir_put(struct object_op *op, const char *path, struct error *err)
{
	char etag[OBJECT_ETAG_SIZE] = "", *old = NULL, *parents;
	size_t len;
	int rc = 0;

	if (op->a.condition != OBJECT_ANY) {
		rc = dir_read(op, path, &old, &len, etag, err);
		free(old);
		if (rc == -1)
			return -1;
		if ((op->a.condition == OBJECT_CREATE && rc == 0) ||
		    (op->a.condition == OBJECT_REPLACE && (rc == 1 ||
		    strcmp(etag, op->etag) != 0)))
			return error_set(err, ERR_REJECTED,
			    "object:condition", "%s: somebody else has "
			    "written it", path);
	}
	parents = xstrdup(path);
	rc = make_parents(op, parents, err);
	free(parents);
	/* Subscribers are other users; what is secret is sealed. */
	if (rc == 0)
		rc = file_write_atomic(AT_FDCWD, path,
		    op->a.repository->encrypted || op->a.is_sealed ? 0644 :
		    0640, op->data, op->a.len, err);
	return rc == -1 ? advise(op->a.repository->path, err) : 0;
}

static int
dir_get(struct object_op *op, const char *path, struct object_reply *reply,
    char **data, struct error *err)
{
	int rc = dir_read(op, path, data, &reply->len, reply->etag, err);

	if (rc == 1)
		return error_set(err, ERR_REJECTED, "object:missing",
		    "%s: there is no such file", path);
	if (rc == -1)
		return -1;
	reply->data = *data;
	reply->is_unchanged = op->a.condition == OBJECT_CHANGED &&
	    strcmp(reply->etag, op->etag) == 0;
	return 0;
}

static void
dir_cb(struct object_op *op)
{
	struct object_reply reply = { .data = NULL };
	char *path = dir_path(op), *data = NULL;
	struct error err;
	int rc;

	rc = op->is_put ? dir_put(op, path, &err) :
	    dir_get(op, path, &reply, &data, &err);
	free(path);
	object_finish(op, rc == -1 ? &err : NULL, rc == -1 ? NULL : &reply);
	freezero(data, reply.len);
}

/* --- all of them --- */

static void
begin_cb(void *arg)
{
	struct object_op *op = arg;

	if (op->a.repository->type == REPOSITORY_DIRECTORY)
		dir_cb(op);
	else if (op->a.repository->type == REPOSITORY_ETCD)
		object_etcd_begin(op);
	else
		object_http_begin(op);
}

static struct object_op *
start(const struct object_args *a, object_done_cb *done, void *arg)
{
	struct object_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->key = xstrdup(a->key);
	op->etag = xstrdup(a->etag != NULL ? a->etag : "");
	if (a->fence != NULL) {
		op->fence = *a->fence;
		op->fence.key = xstrdup(a->fence->key);
		op->a.fence = &op->fence;
	}
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

struct object_op *
object_put_start(const struct object_args *a, object_done_cb *done, void *arg)
{
	struct object_op *op = start(a, done, arg);

	op->is_put = true;
	op->data = xmemdup(a->data, a->len);
	return op;
}

struct object_op *
object_get_start(const struct object_args *a, object_done_cb *done, void *arg)
{
	struct object_op *op = start(a, done, arg);

	op->a.len = 0;
	return op;
}
