/* SPDX-License-Identifier: MIT */
/* One document to etcd, in one transaction, and what comes from there. */
#include "daemon/cluster/replica_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/config/conf.h"
#include "daemon/rest/sign.h"
#include "daemon/store/seal.h"

#define OPS_MAX		4	/* at once: io/http has six places */
#define RETRY_MS	1000
#define TIMEOUT_MS	5000
#define REPLY_MAX	(2 * DOCUMENT_MAX)	/* one, in base64 */

/* --- conditions --- */

json_t *
replica_compare(const char *key, const char *target, const char *member,
    int64_t revision)
{
	char text[24];

	(void)text_printf(text, sizeof(text), "%lld", (long long)revision);
	return json_pack("{s:o, s:s, s:s, s:s}", "key", etcd_text(key),
	    "target", target, "result", "EQUAL", member, text);
}

/* Nobody else has written it since it was read. */
static json_t *
compare_seen(const struct item *i, const char *key)
{
	return replica_compare(key, "MOD", "mod_revision", i->seen);
}

/* 0, or -1: it is not to be written by us. */
static int
conditions(struct item *i, const char *key, json_t *list)
{
	const struct replica_env *env = i->r->env;
	const struct cert *c;
	int64_t fence;
	char *lock;

	i->is_fenced = false;
	switch (i->kind) {
	case ITEM_CERT:
		c = replica_cert_of(i);
		fence = c != NULL ? env->fence(c, env->arg) : 0;
		/* What nobody works at its owner writes, if it has all; what
		   failed here alone is not the cluster's. */
		if (c == NULL || (fence == 0 && (c->fails_here ||
		    !i->r->is_listed ||
		    i->had != i->seen || (!env->ours(c, env->arg) &&
		    (i->seen != 0 || c->row.paused_until == i->paused)))))
			return -1;
		i->is_fenced = fence != 0;
		lock = env->lock_key(c, env->arg);
		(void)json_array_append_new(list, replica_compare(lock,
		    "CREATE", "create_revision", fence));
		free(lock);
		if (fence == 0)
			(void)json_array_append_new(list, compare_seen(i,
			    key));
		break;
	case ITEM_ACCOUNT:
	case ITEM_BUDGET:
		(void)json_array_append_new(list, compare_seen(i, key));
		break;
	case ITEM_HOLD:
		break;		/* the last word counts */
	}
	return 0;
}

static json_t *
document_of(struct item *i)
{
	switch (i->kind) {
	case ITEM_CERT:
		return replica_cert_json(i);
	case ITEM_ACCOUNT:
		return replica_account_json(i);
	case ITEM_BUDGET:
	case ITEM_HOLD:
		break;
	}
	return replica_limit_json(i);
}

/* --- answers --- */

static void
fenced(struct item *i)
{
	const struct replica_env *env = i->r->env;
	struct cert *c = replica_cert_of(i);
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
	    "another member has taken \"%s\" over", i->name);
	item_give_up(i, &err);
	if (c != NULL && i->is_fenced)
		env->lost(c, env->arg);
}

void
replica_told(struct item *i, const json_t *kv)
{
	const char *text = jsonx_str(kv, "value");
	unsigned char *value = NULL;
	size_t len = 0;

	if (kv == NULL) {
		replica_incoming(i->r, i->path, NULL, 0, 0);
	} else if (text != NULL && sign_base64_decode(text, &value,
	    &len) == 0) {
		replica_incoming(i->r, i->path, value, len,
		    jsonx_number(kv, "mod_revision", 0));
		freezero(value, len);
	}
}

/* Nobody held it when that was sent; now we do. */
static bool
is_held_since(const struct item *i)
{
	const struct replica_env *env = i->r->env;
	const struct cert *c = replica_cert_of(i);

	return !i->is_fenced && c != NULL && env->fence(c, env->arg) != 0;
}

static void
refused(struct item *i, const json_t *reply)
{
	replica_limit_sent(i);
	if (i->kind == ITEM_CERT && !is_held_since(i))
		fenced(i);
	/* What etcd has instead. */
	replica_told(i, jsonx_get(reply, "responses.0.response_range.kvs.0"));
	/* Of a budget or an account both have changed it: ours goes on top. */
	if (i->sent < i->gen)
		item_queue(i);
}

static void
made(struct item *i, const json_t *reply)
{
	i->sent = i->sending;
	if (json_array_size(json_object_get(reply, "responses")) > 0) {
		i->seen = i->is_over ? 0 : etcd_revision(reply);
		i->had = i->seen;
		i->digest = i->sending_digest;
		i->is_old = false;
		if (i->kind == ITEM_CERT)
			replica_cert_made(i);
	}
	if (i->is_limit && i->sent == i->gen) {
		i->is_limit = false;
		TAILQ_REMOVE(&i->r->limits, i, limit);
	}
	i->taken_ms -= i->sending_ms;
	i->sending_ms = 0;
	if (i->sent < i->gen)
		item_queue(i);
	/* There are as many limits as names that were ordered. */
	else if (i->is_over && (i->kind == ITEM_BUDGET ||
	    i->kind == ITEM_HOLD))
		item_drop(i);
}

bool
replica_answered(struct item *i, const struct error *err)
{
	struct replica *r = i->r;

	i->op = NULL;
	r->n_ops--;
	if (err != NULL) {
		if (!r->is_away)
			log_warning(NULL, "cluster: what is shared is not "
			    "written: %s", err->msg);
		if (strcmp(err->code, "etcd:space") == 0 &&
		    r->env->full != NULL)
			r->env->full(err, r->env->arg);
		r->is_away = true;
		r->why = *err;
		i->sending_ms = 0;
		item_queue(i);
		timer_set(&r->turn, RETRY_MS);
		return false;
	}
	if (r->is_away)
		log_notice(NULL, "cluster: what is shared is written again");
	r->is_away = false;
	if (!TAILQ_EMPTY(&r->queue) && !timer_is_set(&r->turn))
		timer_set(&r->turn, 0);		/* there is a place again */
	return true;
}

static void
called(const struct error *err, const json_t *reply, void *arg)
{
	struct item *i = arg;
	struct replica *r = i->r;

	if (!replica_answered(i, err))
		return;
	if (jsonx_bool(reply, "succeeded", false))
		made(i, reply);
	else
		refused(i, reply);
	replica_look_at_waiters(r);
}

/* --- requests --- */

void
replica_call(struct item *i, const char *path, json_t *body,
    etcd_done_cb *done)
{
	struct replica *r = i->r;

	r->n_ops++;
	i->op = etcd_call_start(r->env->etcd, &(struct etcd_args){
	    .conf = r->conf->cluster->etcd, .max_reply = REPLY_MAX,
	    .timeout_ms = TIMEOUT_MS }, path, body, done, i);
}

/* What there is to be done of it; NULL: nothing, but to see that it may. */
static json_t *
write_op(struct item *i, const char *key)
{
	json_t *o = document_of(i), *op;
	char *text, *sealed, *b64;
	size_t len;

	if (o == NULL) {
		i->is_over = true;
		i->sending_digest = 0;
		return json_pack("{s:{s:o}}", "request_delete_range", "key",
		    etcd_text(key));
	}
	i->is_over = false;
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	i->sending_digest = text_hash(TEXT_HASH_BASIS, text);
	freezero_str(text);
	if (i->seen != 0 && i->had == i->seen &&
	    i->sending_digest == i->digest) {
		json_decref(o);
		return NULL;
	}
	sealed = document_close(i->r->secret, key, o, &len);
	b64 = sign_base64(sealed, len);
	op = json_pack("{s:{s:o, s:s}}", "request_put", "key", etcd_text(key),
	    "value", b64);
	free(b64);
	free(sealed);
	return op;
}

static void
send_item(struct item *i)
{
	char *key = replica_key(i->r, i->path);
	json_t *conds = json_array(), *body, *op;
	struct error err;

	if (conditions(i, key, conds) == -1) {
		json_decref(conds);
		free(key);
		(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
		    "this member does not hold \"%s\" any more", i->name);
		item_give_up(i, &err);
		replica_pause_begin(i);
		return;
	}
	i->sending = i->gen;
	i->sending_ms = i->taken_ms;
	op = write_op(i, key);
	body = json_pack("{s:o, s:[], s:[{s:{s:o}}]}", "compare", conds,
	    "success", "failure", "request_range", "key", etcd_text(key));
	if (op != NULL)
		(void)json_array_append_new(json_object_get(body, "success"),
		    op);
	free(key);
	replica_call(i, "/v3/kv/txn", body, called);
}

void
replica_send_cb(void *arg)
{
	struct replica *r = arg;
	struct item *i, *next;

	for (i = TAILQ_FIRST(&r->queue); i != NULL && r->n_ops < OPS_MAX;
	    i = next) {
		next = TAILQ_NEXT(i, queued);
		/* Who has one under way, or is not known yet, waits. */
		if (i->op != NULL || (i->kind != ITEM_CERT && !r->is_listed))
			continue;
		TAILQ_REMOVE(&r->queue, i, queued);
		i->is_queued = false;
		if (i->sent < i->gen)
			send_item(i);
	}
	replica_look_at_waiters(r);
}

/* --- what comes --- */

static struct item *
item_at(struct replica *r, const char *path)
{
	static const struct { const char *name; enum item_kind kind; }
	    kinds[] = { { "/cert/", ITEM_CERT }, { "/account/", ITEM_ACCOUNT },
	    { "/budget/", ITEM_BUDGET }, { "/hold/", ITEM_HOLD } };
	struct item *i = item_find(r, path);
	const char *rest = strchr(path, '/');

	for (size_t k = 0; i == NULL && rest != NULL && k < sizeof(kinds) /
	    sizeof(kinds[0]); k++) {
		size_t len = strlen(kinds[k].name);

		if (strncmp(rest, kinds[k].name, len) != 0)
			continue;
		/* A host may have three of 100,000 certificates. */
		if (kinds[k].kind != ITEM_CERT || certs_find(r->env->certs,
		    rest + len) != NULL)
			i = item_get(r, path, kinds[k].kind, rest + len, NULL);
	}
	return i;
}

/* Is all here that it is made of? */
static bool
can_reseal(const struct item *i)
{
	switch (i->kind) {
	case ITEM_CERT:
		return i->r->is_listed;		/* else replica_cert_listed() */
	case ITEM_ACCOUNT:
		return i->directory != NULL && i->had == i->seen;
	case ITEM_BUDGET:
		return i->budget != NULL;
	case ITEM_HOLD:
		return i->hold != NULL;
	}
	return false;
}

/* Once: two members that have the lines the other way round would never end.
 * Who is reloaded last lists all, and finds what is left. */
static void
reseal(struct item *i)
{
	if (!i->is_old || !can_reseal(i) ||
	    (i->kind != ITEM_CERT && i->was_resealed))
		return;
	i->was_resealed = true;
	i->digest = 0;
	item_changed(i);
}

bool
replica_is_echo(const struct item *i, const json_t *o)
{
	char *text;
	bool is;

	if (o == NULL || i->op == NULL)
		return false;
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	is = text_hash(TEXT_HASH_BASIS, text) == i->sending_digest;
	freezero_str(text);
	return is;
}

void
replica_incoming(struct replica *r, const char *path, const void *value,
    size_t len, int64_t modified)
{
	struct item *i = value != NULL ? item_at(r, path) :
	    item_find(r, path);
	bool is_old = false;
	struct error err;
	json_t *o = NULL;
	char *key;

	/* Ours, as it comes back, or one before it. */
	if (i == NULL || (modified != 0 && modified <= i->seen))
		return;
	if (value == NULL && i->seen == 0)
		return;
	i->seen = modified;
	if (value != NULL) {
		key = replica_key(r, path);
		o = document_open(r->secret, key, value, len, &err);
		free(key);
		if (o == NULL) {
			log_warning(NULL, "cluster: %s", err.msg);
			return;
		}
	}
	/* Until all are, the old secret is needed. */
	if (o != NULL && strchr(r->secret, '\n') != NULL) {
		key = replica_key(r, path);
		is_old = !seal_is_first(r->secret, key, value, len);
		free(key);
	}
	r->is_taking = true;
	switch (i->kind) {
	case ITEM_CERT:
		replica_cert_incoming(i, o, modified, replica_is_echo(i, o));
		break;
	case ITEM_ACCOUNT:
		if (!replica_is_echo(i, o))
			replica_account_incoming(i, o);
		break;
	case ITEM_BUDGET:
	case ITEM_HOLD:
		replica_limit_incoming(i, o);
		break;
	}
	r->is_taking = false;
	json_decref(o);
	i->is_old = is_old;
	reseal(i);
}
