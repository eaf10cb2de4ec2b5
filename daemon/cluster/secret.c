/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/secret.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/config/conf_cluster.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/store/seal.h"

#define SECRET_TEXT	"acmed"

static int
no_secret(const struct conf_cluster *conf, struct error *err)
{
	return error_set(err, ERR_CONFIG, "file:secret", "%s: it could not be "
	    "read with the configuration", conf->secret_file);
}

char *
secret_seal(const struct conf_cluster *conf, const char *key,
    const char *text, size_t *len, struct error *err)
{
	if (conf->secret == NULL && no_secret(conf, err) == -1)
		return NULL;
	return seal_close(conf->secret, key, text, strlen(text), len);
}

char *
secret_open(const struct conf_cluster *conf, const char *key,
    const char *sealed, size_t len, struct error *err)
{
	char *text;
	size_t n;

	if (conf->secret == NULL && no_secret(conf, err) == -1)
		return NULL;
	return seal_open(conf->secret, key, sealed, len, &text, &n,
	    err) == 0 ? text : NULL;
}

/* --- is it the others'? --- */

struct secret_op {
	struct etcd	*etcd;
	const struct conf_cluster *conf;
	unsigned	 timeout_ms;
	char		*key;
	struct etcd_op	*call;
	struct timer	 fail;
	struct error	 err;		/* of what is there */
	bool		 is_read;
	bool		 is_old;	/* sealed with the second line */
	int64_t		 modified;
	secret_done_cb	*done;
	void		*arg;
};

void
secret_check_cancel(struct secret_op *op)
{
	if (op == NULL)
		return;
	etcd_cancel(op->call);
	timer_clear(&op->fail);
	free(op->key);
	free(op);
}

static void
finish(struct secret_op *op, const struct error *err)
{
	op->done(err, op->arg);
	secret_check_cancel(op);
}

static void
fail_cb(void *arg)
{
	struct secret_op *op = arg;

	finish(op, &op->err);
}

static void
ask(struct secret_op *op, json_t *body, etcd_done_cb *done)
{
	/* A lease waits for it. */
	op->call = etcd_call_start(op->etcd, &(struct etcd_args){
	    .conf = op->conf->etcd, .timeout_ms = op->timeout_ms,
	    .try_ms = op->timeout_ms / 5, .urgent = true }, "/v3/kv/txn",
	    body, done, op);
}

static void
replaced(const struct error *err, const json_t *reply, void *arg)
{
	struct secret_op *op = arg;

	(void)reply;
	op->call = NULL;
	finish(op, err);	/* refused: another member has done so */
}

/* It is still sealed with the second line, which is the old one. */
static void
replace(struct secret_op *op)
{
	json_t *key = etcd_text(op->key);
	size_t len;
	char *sealed = secret_seal(op->conf, op->key, SECRET_TEXT, &len,
	    &op->err);

	ask(op, json_pack("{s:[{s:O, s:s, s:s, s:o}], s:[{s:{s:o, s:o}}]}",
	    "compare", "key", key, "target", "MOD", "result", "EQUAL",
	    "mod_revision", json_sprintf("%lld", (long long)op->modified),
	    "success", "request_put", "key", key,
	    "value", etcd_bytes(sealed, len)), replaced);
	free(sealed);
}

static void
read_kv(const struct etcd_kv *kv, void *arg)
{
	struct secret_op *op = arg;
	char *text = secret_open(op->conf, op->key, kv->value, kv->len,
	    &op->err);

	op->is_read = text != NULL;
	op->modified = kv->modified;
	op->is_old = op->is_read && !seal_is_first(op->conf->secret, op->key,
	    kv->value, kv->len);
	if (!op->is_read && strcmp(op->err.code, "seal:open") == 0)
		(void)error_set(&op->err, ERR_CONFIG, "cluster:secret",
		    "encrypt_key_file (%s) has another secret than the other "
		    "members have; all need the same; a new one is added as a "
		    "second line on all first, see \"A new secret\" in "
		    "fleet.md", op->conf->secret_file);
	freezero_str(text);
}

/* The first member has put it there. */
static void
seen(const struct error *err, const json_t *reply, void *arg)
{
	struct secret_op *op = arg;

	op->call = NULL;
	if (err != NULL || jsonx_bool(reply, "succeeded", false)) {
		finish(op, err);
		return;
	}
	(void)error_set(&op->err, ERR_REJECTED, "etcd:refused", "etcd's "
	    "answer has not what it should have");
	(void)etcd_kv_read(jsonx_get(reply,
	    "responses.0.response_range.kvs.0"), "", true, read_kv, op);
	if (!op->is_read)
		finish(op, &op->err);
	else if (op->is_old)
		replace(op);
	else
		finish(op, NULL);
}

struct secret_op *
secret_check_start(struct loop *loop, struct etcd *etcd,
    const struct conf_cluster *conf, unsigned timeout_ms,
    secret_done_cb *done, void *arg)
{
	struct secret_op *op = xcalloc(1, sizeof(*op));
	json_t *key;
	char *sealed;
	size_t len;

	op->etcd = etcd;
	op->conf = conf;
	op->timeout_ms = timeout_ms;
	op->done = done;
	op->arg = arg;
	op->key = xasprintf("%s/secret", conf->prefix);
	timer_init(&op->fail, loop, fail_cb, op);
	sealed = secret_seal(conf, op->key, SECRET_TEXT, &len, &op->err);
	if (sealed == NULL) {
		timer_set(&op->fail, 0);
		return op;
	}
	key = etcd_text(op->key);
	ask(op, json_pack("{s:[{s:O, s:s, s:s, s:s}], s:[{s:{s:O, s:o}}], "
	    "s:[{s:{s:o}}]}",
	    "compare", "key", key, "target", "VERSION", "result", "EQUAL",
	    "version", "0",
	    "success", "request_put", "key", key,
	    "value", etcd_bytes(sealed, len),
	    "failure", "request_range", "key", key), seen);
	free(sealed);
	return op;
}
