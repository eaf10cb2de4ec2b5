/* SPDX-License-Identifier: MIT */
/* The locks of certificates: ours, and which others there are. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/etcd/etcd_mirror.h"

#define KIND		"lock/"
#define CALL_MS		10000
#define DOC_MAX		(4u << 20)	/* bytes of an answer */
#define AGAIN_MS	500

struct cluster_lock_op {
	TAILQ_ENTRY(cluster_lock_op) entry;
	struct cluster	*cluster;
	struct cert	*cert;
	char		*path;
	int64_t		 lease;		/* that it hangs on */
	struct etcd_op	*call;
	struct timer	 turn;
	struct error	 err;		/* why it failed already */
	cluster_lock_done_cb *done;
	void		*arg;
};

/* --- the table --- */

static int
by_path(const void *a, const void *b)
{
	const struct lock *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static struct lock *
find(const struct cluster *k, const char *path)
{
	struct lock key = { .path = (char *)(uintptr_t)path };
	struct lock **at = tfind(&key, &k->by_path, by_path);

	return at != NULL ? *at : NULL;
}

struct lock *
lock_find(const struct cluster *k, const struct cert *c)
{
	char path[CLUSTER_PATH_MAX];

	return LIST_EMPTY(&k->locks) ? NULL : find(k, cluster_path(c, path));
}

static void	tidy(struct lock *);

static void
again_cb(void *arg)
{
	tidy(arg);
}

static struct lock *
make(struct cluster *k, const char *path)
{
	struct lock *l = find(k, path);

	if (l != NULL)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->cluster = k;
	l->path = xstrdup(path);
	timer_init(&l->again, k->env->loop, again_cb, l);
	if (tsearch(l, &k->by_path, by_path) == NULL)
		abort();
	LIST_INSERT_HEAD(&k->locks, l, entry);
	return l;
}

static void
drop(struct lock *l)
{
	struct cluster *k = l->cluster;

	(void)tdelete(l, &k->by_path, by_path);
	LIST_REMOVE(l, entry);
	k->n_held -= l->is_held;
	etcd_cancel(l->release);
	timer_clear(&l->again);
	free(l->member);
	free(l->path);
	free(l);
}

static void
hold(struct lock *l, bool is_held)
{
	l->cluster->n_held += (unsigned)is_held - (unsigned)l->is_held;
	l->is_held = is_held;
}

/* We do not have it any more; the runs that believed so must end. */
static void
lose(struct lock *l, const struct error *err)
{
	struct cluster *k = l->cluster;
	/* Also one that the new configuration has otherwise. */
	struct cert *c = certs_find(k->env->certs, strchr(l->path, '/') + 1);

	hold(l, false);
	if (c == NULL)
		return;
	k->env->lost(c, err, k->env->arg);
	if (k->adopt != NULL)
		k->adopt->lost(c, k->adopt->arg);
}

static bool
is_ours(const struct lock *l)
{
	const struct membership *m = l->cluster->membership;

	return l->lease != 0 && l->lease == membership_lease(m);
}

bool
cluster_holds(const struct cluster *k, const struct cert *c)
{
	const struct lock *l = k->n_held > 0 ? lock_find(k, c) : NULL;

	return l != NULL && l->is_held && is_ours(l) &&
	    membership_is_held(k->membership);
}

unsigned
cluster_n_held(const struct cluster *k)
{
	return k->n_held;
}

void
cluster_each_held(struct cluster *k, void (*each)(struct cert *, void *arg),
    void *arg)
{
	struct lock *l, *next;

	for (l = LIST_FIRST(&k->locks); l != NULL; l = next) {
		struct cert *c = l->is_held ? cluster_cert(k, l->path) : NULL;

		next = LIST_NEXT(l, entry);
		if (c != NULL)
			each(c, arg);
	}
}

int64_t
cluster_fence(const struct cluster *k, const struct cert *c)
{
	return cluster_holds(k, c) ? lock_find(k, c)->created : 0;
}

char *
cluster_lock_key(const struct cluster *k, const struct cert *c)
{
	char path[CLUSTER_PATH_MAX];

	return k->k != NULL ? cluster_key(k, KIND, cluster_path(c, path)) :
	    NULL;
}

static void
tell(struct cluster *k, const char *path)
{
	struct cert *c = cluster_cert(k, path);

	if (c == NULL)
		return;
	wish_look(k, c);
	order_look(k, c);
	k->env->changed(c, k->env->arg);
}

static void
fill(struct cluster *k, struct lock *l, const struct etcd_kv *kv)
{
	char *key = cluster_key(k, KIND, l->path);
	json_t *json = cluster_open(k, key, kv);

	xstrset(&l->member, jsonx_str(json, "member"));
	l->lease = kv->lease;
	l->created = kv->created;
	json_decref(json);
	free(key);
}

void
lock_put(struct cluster *k, const char *path, const struct etcd_kv *kv)
{
	struct lock *l = find(k, path);
	struct error err;

	/* What we were told when we took it. */
	if (l != NULL && l->created >= kv->created)
		return;
	if (l != NULL && l->is_held) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
		    "another member holds \"%s\" now", strchr(path, '/') + 1);
		lose(l, &err);
	}
	l = make(k, path);
	etcd_cancel(l->release);
	l->release = NULL;
	fill(k, l, kv);
	tidy(l);
	tell(k, path);
}

void
lock_gone(struct cluster *k, const char *path, int64_t revision)
{
	struct lock *l = find(k, path);
	struct error err;

	/* It may be one that we have made since. */
	if (l == NULL || l->created > revision)
		return;
	if (l->is_held) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
		    "this member's lock of \"%s\" was deleted",
		    strchr(path, '/') + 1);
		lose(l, &err);
	}
	drop(l);
	tell(k, path);
}

void
lock_lose_all(struct cluster *k, const struct error *err)
{
	struct lock *l;

	LIST_FOREACH(l, &k->locks, entry) {
		etcd_cancel(l->release);
		l->release = NULL;
		timer_clear(&l->again);
		if (l->is_held)
			lose(l, err);
	}
}

void
lock_free_all(struct cluster *k)
{
	struct cluster_lock_op *op;

	/* Those who wait are told from the loop. */
	TAILQ_FOREACH(op, &k->ops, entry) {
		etcd_cancel(op->call);
		op->call = NULL;
		(void)error_set(&op->err, ERR_TRANSIENT, "cluster:away",
		    "this member leaves the cluster");
		timer_set(&op->turn, 0);
	}
	lock_forget_all(k);
}

void
lock_forget_all(struct cluster *k)
{
	while (!LIST_EMPTY(&k->locks))
		drop(LIST_FIRST(&k->locks));
}

void
cluster_fenced(struct cluster *k, struct cert *c)
{
	struct lock *l = lock_find(k, c);
	struct error err;

	if (l == NULL || !l->is_held)
		return;
	(void)error_set(&err, ERR_TRANSIENT, "cluster:fenced",
	    "this member does not hold \"%s\" any more", c->row.name);
	lose(l, &err);
	/* Who has it we shall be told. */
	drop(l);
}

/* --- giving back --- */

static void
released(const struct error *err, const json_t *reply, void *arg)
{
	struct lock *l = arg;
	struct cluster *k = l->cluster;
	char path[CLUSTER_PATH_MAX];

	(void)reply;
	l->release = NULL;
	if (err != NULL) {
		cluster_asked(k, err);
		timer_set(&l->again, AGAIN_MS);
		return;
	}
	(void)text_printf(path, sizeof(path), "%s", l->path);
	drop(l);
	tell(k, path);
}

static void
release(struct lock *l)
{
	struct cluster *k = l->cluster;
	char *path, created[24];
	json_t *key;

	/* With the lease it is gone by itself. */
	if (l->release != NULL || l->is_held || !is_ours(l))
		return;
	path = cluster_key(k, KIND, l->path);
	key = etcd_text(path);
	free(path);
	(void)text_printf(created, sizeof(created), "%lld",
	    (long long)l->created);
	l->release = etcd_call_start(k->env->etcd, &(struct etcd_args){
	    .conf = k->k->etcd, .timeout_ms = CALL_MS }, "/v3/kv/txn",
	    json_pack("{s:[{s:O, s:s, s:s, s:s}], s:[{s:{s:o}}]}",
	    "compare", "key", key, "target", "CREATE", "result", "EQUAL",
	    "create_revision", created,
	    "success", "request_delete_range", "key", key), released, l);
}

void
cluster_unlock(struct cluster *k, struct cert *c)
{
	struct lock *l = lock_find(k, c);

	if (l == NULL || !l->is_held)
		return;
	hold(l, false);
	release(l);
}

/* One of our lease that nobody here holds or asks for: its answer was lost. */
static void
tidy(struct lock *l)
{
	const struct cluster_lock_op *op;

	TAILQ_FOREACH(op, &l->cluster->ops, entry) {
		if (strcmp(op->path, l->path) == 0)
			return;
	}
	if (!timer_is_set(&l->again))
		release(l);
}

void
lock_tidy(struct cluster *k)
{
	struct lock *l;

	LIST_FOREACH(l, &k->locks, entry) {
		/* It has left the configuration. */
		if (l->is_held && cluster_cert(k, l->path) == NULL)
			hold(l, false);
		tidy(l);
	}
}

/* --- taking --- */

static void
op_free(struct cluster_lock_op *op)
{
	struct lock *l = find(op->cluster, op->path);

	TAILQ_REMOVE(&op->cluster->ops, op, entry);
	/* Made, and the answer was late: nobody here wants it any more. */
	if (l != NULL)
		timer_set(&l->again, 0);
	etcd_cancel(op->call);
	timer_clear(&op->turn);
	free(op->path);
	free(op);
}

static void
finish(struct cluster_lock_op *op, const struct error *err)
{
	op->done(err, op->arg);
	op_free(op);
}

struct document {
	struct cluster_lock_op *op;
	struct error	*err;
	int		 rc;
};

static void
adopt(const struct etcd_kv *kv, void *arg)
{
	struct document *d = arg;
	const struct cluster_adopt *a = d->op->cluster->adopt;

	d->rc = a->adopt(d->op->cert, kv, a->arg, d->err);
}

static int
adopt_document(struct cluster_lock_op *op, const json_t *kv,
    struct error *err)
{
	struct document d = { .op = op, .err = err, .rc = -1 };

	if (op->cluster->adopt == NULL)
		return 0;
	if (kv == NULL) {
		adopt(NULL, &d);
	} else if (etcd_kv_read(kv, "", true, adopt, &d) == -1) {
		return error_set(err, ERR_REJECTED, "etcd:refused", "etcd's "
		    "answer has not what it should have");
	}
	return d.rc;
}

static void
keep(const struct etcd_kv *kv, void *arg)
{
	struct cluster_lock_op *op = arg;

	fill(op->cluster, make(op->cluster, op->path), kv);
}

/* It is made, or was there. */
static int
read_lock(struct cluster_lock_op *op, const json_t *reply, struct error *err)
{
	struct cluster *k = op->cluster;
	struct lock *l;

	if (jsonx_bool(reply, "succeeded", false)) {
		l = make(k, op->path);
		l->created = etcd_revision(reply);
		l->lease = op->lease;
		xstrset(&l->member, k->k->name);
		return 0;
	}
	/* The mirror may have told already that it is free again. */
	if (k->is_current && etcd_mirror_revision(k->mirror) >=
	    etcd_revision(reply) && find(k, op->path) == NULL)
		return error_set(err, ERR_TRANSIENT, "cluster:locked",
		    "another member has renewed \"%s\" until now",
		    op->cert->row.name);
	if (etcd_kv_read(jsonx_get(reply, "responses.0.response_range.kvs.0"),
	    "", true, keep, op) == -1)
		return error_set(err, ERR_REJECTED, "etcd:refused", "etcd's "
		    "answer has not what it should have");
	l = find(k, op->path);
	if (l->lease == op->lease)	/* of one whose answer was lost */
		return 0;
	return error_set(err, ERR_TRANSIENT, "cluster:locked", "member \"%s\" "
	    "renews \"%s\" now", l->member != NULL ? l->member : "?",
	    op->cert->row.name);
}

static void
taken(const struct error *err, const json_t *reply, void *arg)
{
	struct cluster_lock_op *op = arg;
	struct cluster *k = op->cluster;
	char path[CLUSTER_PATH_MAX];
	struct error why;
	struct lock *l;

	op->call = NULL;
	if (err != NULL) {
		cluster_asked(k, err);
		finish(op, err);
		return;
	}
	if (read_lock(op, reply, &why) == -1) {
		finish(op, &why);
		return;
	}
	l = find(k, op->path);
	if (strcmp(cluster_path(op->cert, path), op->path) != 0) {
		(void)error_set(&why, ERR_TRANSIENT, "cluster:away", "the "
		    "configuration has changed");
		finish(op, &why);
		return;
	}
	if (!is_ours(l) || !membership_is_held(k->membership)) {
		(void)error_set(&why, ERR_TRANSIENT, "cluster:away", "the "
		    "lease of this member ended");
		finish(op, &why);
		return;
	}
	hold(l, true);
	if (adopt_document(op, jsonx_get(reply,
	    "responses.1.response_range.kvs.0"), &why) == -1) {
		cluster_unlock(k, op->cert);
		finish(op, &why);
		return;
	}
	finish(op, NULL);
}

static json_t *
lock_body(struct cluster_lock_op *op, struct error *err)
{
	struct cluster *k = op->cluster;
	char *path = cluster_key(k, KIND, op->path), *sealed, *doc;
	json_t *key = etcd_text(path), *other, *body;
	size_t len;

	sealed = cluster_seal(k, path, json_pack("{s:s}", "member",
	    k->k->name), &len, err);
	free(path);
	if (sealed == NULL) {
		json_decref(key);
		return NULL;
	}
	/* With it comes what is known of the certificate. */
	doc = k->adopt != NULL ? k->adopt->doc_key(op->cert, k->adopt->arg) :
	    NULL;
	other = doc != NULL ? etcd_text(doc) : json_incref(key);
	free(doc);
	body = json_pack("{s:[{s:O, s:s, s:s, s:s}], "
	    "s:[{s:{s:O, s:o, s:o}}, {s:{s:O}}], s:[{s:{s:o}}, {s:{s:o}}]}",
	    "compare", "key", key, "target", "CREATE", "result", "EQUAL",
	    "create_revision", "0",
	    "success", "request_put", "key", key,
	    "value", etcd_bytes(sealed, len), "lease",
	    json_sprintf("%lld", (long long)op->lease),
	    "request_range", "key", other,
	    "failure", "request_range", "key", key,
	    "request_range", "key", other);
	free(sealed);
	return body;
}

static void
turn_cb(void *arg)
{
	struct cluster_lock_op *op = arg;
	struct cluster *k = op->cluster;
	const struct lock *l;
	struct error err;
	json_t *body;

	if (op->err.kind != ERR_NONE) {
		finish(op, &op->err);
		return;
	}
	l = find(k, op->path);
	if (l != NULL && l->release != NULL) {
		timer_set(&op->turn, 20);	/* first it is given back */
		return;
	}
	if (cluster_holds(k, op->cert)) {
		finish(op, NULL);
		return;
	}
	op->lease = k->membership != NULL && membership_is_held(
	    k->membership) ? membership_lease(k->membership) : 0;
	if (op->lease == 0) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:away", "%s",
		    k->trouble.kind != ERR_NONE ? k->trouble.msg :
		    "this member is not in the cluster");
		finish(op, &err);
		return;
	}
	body = lock_body(op, &err);
	if (body == NULL) {
		finish(op, &err);
		return;
	}
	op->call = etcd_call_start(k->env->etcd, &(struct etcd_args){
	    .conf = k->k->etcd, .max_reply = DOC_MAX, .timeout_ms = CALL_MS },
	    "/v3/kv/txn", body, taken, op);
}

struct cluster_lock_op *
cluster_lock_start(struct cluster *k, struct cert *c,
    cluster_lock_done_cb *done, void *arg)
{
	struct cluster_lock_op *op = xcalloc(1, sizeof(*op));
	char path[CLUSTER_PATH_MAX];

	op->cluster = k;
	op->cert = c;
	op->path = xstrdup(cluster_path(c, path));
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&k->ops, op, entry);
	timer_init(&op->turn, k->env->loop, turn_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

void
cluster_lock_cancel(struct cluster_lock_op *op)
{
	if (op != NULL)
		op_free(op);
}
