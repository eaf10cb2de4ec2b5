/* SPDX-License-Identifier: MIT */
/* Objects in etcd: each is the value of a key.  An ETag is the key's revision,
 * and the hash of the value: a cluster that was made anew counts from 1. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/etcd/etcd.h"
#include "daemon/publish/objects_priv.h"
#include "daemon/rest/sign.h"
#include "daemon/store/seal.h"

#define HEAD_MAX 4096		/* of an answer, besides a value */
#define LEASE_LEAST_S 86400

static bool
has_conditions(const struct object_op *op)
{
	return op->a.condition != OBJECT_ANY || op->a.fence != NULL;
}

/* --- answers --- */

static void
make_etag(const char *revision, const void *value, size_t len,
    char etag[OBJECT_ETAG_SIZE])
{
	char hash[SEAL_MAC_SIZE];

	seal_hash(value, len, hash);
	(void)text_printf(etag, OBJECT_ETAG_SIZE, "%s-%s", revision, hash);
}

static int
bad_answer(struct error *err)
{
	return error_set(err, ERR_REJECTED, "etcd:refused",
	    "etcd's answer has not what it should have");
}

/* 1: there is no such key. */
static int
read_value(const json_t *reply, unsigned char **value, size_t *len,
    char etag[OBJECT_ETAG_SIZE], struct error *err)
{
	const char *text = jsonx_str(reply, "kvs.0.value");
	char revision[24];

	if (jsonx_get(reply, "kvs.0") == NULL)
		return 1;
	/* An empty value is left out. */
	if (jsonx_copy_str(reply, "kvs.0.mod_revision", revision,
	    sizeof(revision), err) == -1 ||
	    revision[strspn(revision, "0123456789")] != '\0' ||
	    sign_base64_decode(text != NULL ? text : "", value, len) == -1)
		return bad_answer(err);
	make_etag(revision, *value, *len, etag);
	return 0;
}

static void
got(struct object_op *op, const json_t *json)
{
	struct object_reply *reply = &op->reply;
	unsigned char *value = NULL;
	struct error err;
	int rc = read_value(json, &value, &reply->len, reply->etag, &err);

	if (rc == 1)
		rc = error_set(&err, ERR_REJECTED, "object:missing",
		    "get %s: etcd has no such key", op->key);
	else if (rc == 0 && reply->len > op->a.max)
		rc = error_set(&err, ERR_REJECTED, "http:too-large",
		    "get %s: the value is longer than %zu bytes", op->key,
		    op->a.max);
	if (rc == -1) {
		(void)error_wrap(&err, "repository \"%s\"",
		    op->a.repository->name);
		object_finish(op, &err, NULL);
	} else {
		size_t len = reply->len;

		reply->data = (const char *)value;
		reply->is_unchanged = op->a.condition == OBJECT_CHANGED &&
		    strcmp(reply->etag, op->etag) == 0;
		object_finish(op, NULL, reply);
		freezero(value, len);
		return;
	}
	free(value);
}

/* The transaction has not been done: is the fence's key another one now? */
static bool
is_fenced(const struct object_op *op, const json_t *json)
{
	return op->a.fence != NULL && jsonx_number(json,
	    "responses.0.response_range.kvs.0.create_revision", 0) !=
	    op->a.fence->created;
}

static void
put(struct object_op *op, const json_t *json)
{
	char revision[24];
	struct error err;

	if (has_conditions(op) && !jsonx_bool(json, "succeeded", false)) {
		if (is_fenced(op, json))
			(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
			    "repository \"%s\": put %s: another member has "
			    "taken over meanwhile", op->a.repository->name,
			    op->key);
		else
			(void)error_set(&err, ERR_REJECTED,
			    "object:condition", "repository \"%s\": put %s: "
			    "somebody else has written it",
			    op->a.repository->name, op->key);
		object_finish(op, &err, NULL);
		return;
	}
	(void)text_printf(revision, sizeof(revision), "%lld",
	    (long long)etcd_revision(json));
	make_etag(revision, op->data, op->a.len, op->reply.etag);
	object_finish(op, NULL, &op->reply);
}

static void
called(const struct error *err, const json_t *json, void *arg)
{
	struct object_op *op = arg;
	struct error told;

	op->etcd = NULL;
	if (err != NULL) {
		told = *err;
		(void)error_wrap(&told, "repository \"%s\": %s %s",
		    op->a.repository->name, op->is_put ? "put" : "get",
		    op->key);
		object_finish(op, &told, NULL);
	} else if (op->is_put) {
		put(op, json);
	} else {
		got(op, json);
	}
}

/* --- requests --- */

static json_t *
object_key(const struct object_op *op)
{
	char *path = xasprintf("%s%s", op->a.repository->prefix, op->key);
	json_t *key = etcd_text(path);

	free(path);
	return key;
}

static json_t *
compare(json_t *key, const char *target, const char *member,
    const char *value)
{
	return json_pack("{s:O, s:s, s:s, s:s}", "key", key, "target", target,
	    "result", "EQUAL", member, value);
}

static json_t *
compare_etag(const struct object_op *op, json_t *key)
{
	char *at = xasprintf("%.*s", (int)strcspn(op->etag, "-"), op->etag);
	json_t *c = compare(key, "MOD", "mod_revision", at);

	free(at);
	return c;
}

/* ... and if it was not done, tell whether that was for the fence. */
static void
add_fence(const struct object_op *op, json_t *all, json_t *otherwise)
{
	json_t *key = etcd_text(op->a.fence->key);
	char created[24];

	(void)text_printf(created, sizeof(created), "%lld",
	    (long long)op->a.fence->created);
	(void)json_array_append_new(all, compare(key, "CREATE",
	    "create_revision", created));
	(void)json_array_append_new(otherwise, json_pack("{s:{s:o}}",
	    "request_range", "key", key));
}

static json_t *
put_body(const struct object_op *op, const char *lease)
{
	json_t *key = object_key(op);
	char *b64 = sign_base64(op->data, op->a.len);
	json_t *put = json_pack("{s:o, s:s, s:s}", "key", key, "value", b64,
	    "lease", lease);
	json_t *all, *otherwise;

	freezero_str(b64);
	if (!has_conditions(op))
		return put;
	all = json_array();
	otherwise = json_array();
	if (op->a.condition == OBJECT_CREATE)
		(void)json_array_append_new(all, compare(key, "VERSION",
		    "version", "0"));
	else if (op->a.condition != OBJECT_ANY)
		(void)json_array_append_new(all, compare_etag(op, key));
	if (op->a.fence != NULL)
		add_fence(op, all, otherwise);
	return json_pack("{s:o, s:[{s:o}], s:o}", "compare", all, "success",
	    "request_put", put, "failure", otherwise);
}

static void
call(struct object_op *op, const char *path, size_t max, json_t *body,
    etcd_done_cb *done)
{
	op->etcd = etcd_call_start(op->a.etcd, &(struct etcd_args){
	    .conf = op->a.repository->etcd, .max_reply = max,
	    .timeout_ms = op->a.timeout_ms }, path, body, done, op);
}

static void
put_begin(struct object_op *op, const char *lease)
{
	call(op, has_conditions(op) ? "/v3/kv/txn" : "/v3/kv/put",
	    HEAD_MAX, put_body(op, lease), called);
}

static void
leased(const struct error *err, const json_t *json, void *arg)
{
	struct object_op *op = arg;
	struct error told;
	char id[24];

	if (err == NULL && jsonx_copy_str(json, "ID", id, sizeof(id),
	    &told) == -1) {
		(void)bad_answer(&told);
		err = &told;
	}
	if (err != NULL)
		called(err, NULL, op);
	else
		put_begin(op, id);
}

/* etcd removes what hangs on a lease when that ends. */
static void
lease_begin(struct object_op *op)
{
	int64_t ttl = (int64_t)op->a.keep_until - (int64_t)clock_now();
	char text[24];

	(void)text_printf(text, sizeof(text), "%lld",
	    (long long)(ttl < LEASE_LEAST_S ? LEASE_LEAST_S : ttl));
	call(op, "/v3/lease/grant", HEAD_MAX, json_pack("{s:s}", "TTL", text),
	    leased);
}

void
object_etcd_begin(struct object_op *op)
{
	if (op->is_put && op->a.keep_until != 0)
		lease_begin(op);
	else if (op->is_put)
		put_begin(op, "0");
	else
		call(op, "/v3/kv/range", op->a.max / 3 * 4 + HEAD_MAX,
		    json_pack("{s:o}", "key", object_key(op)), called);
}
