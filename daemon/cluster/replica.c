/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/replica_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_realm.h"
#include "daemon/etcd/etcd_mirror.h"
#include "daemon/store/seal.h"

#define HEADS_MIN 64

/* --- paths --- */

char *
replica_path(const char *directory, const char *kind, const char *name)
{
	char hash[SEAL_MAC_SIZE];

	seal_hash(directory, strlen(directory), hash);
	return xasprintf("%.8s/%s/%s", hash, kind, name);
}

char *
replica_key(const struct replica *r, const char *path)
{
	return xasprintf("%s%s", r->prefix, path);
}

bool
replica_is_tried(const char *name)
{
	return strncmp(name, API_DRY_RUN, sizeof(API_DRY_RUN) - 1) == 0;
}

/* false: it is not shared. */
bool
replica_cert_path(const struct cert *c, char out[REPLICA_PATH_MAX])
{
	return c->conf != NULL && c->conf->realm != NULL &&
	    !replica_is_tried(c->row.name) && text_printf(out,
	    REPLICA_PATH_MAX, "%s/cert/%s", c->conf->realm->id, c->row.name);
}

char *
replica_cert_key(const struct replica *r, const struct cert *c)
{
	char path[REPLICA_PATH_MAX];

	return r->conf != NULL && replica_cert_path(c, path) ?
	    replica_key(r, path) : NULL;
}

/* --- the table --- */

struct item *
item_find(const struct replica *r, const char *path)
{
	uint64_t hash = text_hash(TEXT_HASH_BASIS, path);
	struct item *i;

	SLIST_FOREACH(i, &r->heads[hash & (r->n_heads - 1)], link) {
		if (i->hash == hash && strcmp(i->path, path) == 0)
			return i;
	}
	return NULL;
}

static void
heads_init(struct replica *r, size_t n)
{
	r->n_heads = n;
	r->heads = xcalloc(n, sizeof(*r->heads));
}

static void
grow(struct replica *r)
{
	void *old = r->heads;
	struct heads *heads = old;
	size_t n = r->n_heads;
	struct item *i;

	heads_init(r, n * 2);
	for (size_t k = 0; k < n; k++) {
		while ((i = SLIST_FIRST(&heads[k])) != NULL) {
			SLIST_REMOVE_HEAD(&heads[k], link);
			SLIST_INSERT_HEAD(&r->heads[i->hash &
			    (r->n_heads - 1)], i, link);
		}
	}
	free(old);
}

struct item *
item_get(struct replica *r, const char *path, enum item_kind kind,
    const char *name, const char *directory)
{
	struct item *i = item_find(r, path);

	if (i != NULL)
		return i;
	if (r->n >= r->n_heads)
		grow(r);
	i = xcalloc(1, sizeof(*i));
	i->r = r;
	i->path = xstrdup(path);
	i->hash = text_hash(TEXT_HASH_BASIS, path);
	i->kind = kind;
	i->name = name != NULL ? xstrdup(name) : NULL;
	i->directory = directory != NULL ? xstrdup(directory) : NULL;
	SLIST_INSERT_HEAD(&r->heads[i->hash & (r->n_heads - 1)], i, link);
	r->n++;
	return i;
}

static void
item_free(struct item *i)
{
	etcd_cancel(i->op);
	replica_limit_free(i);
	free(i->path);
	free(i->name);
	free(i->directory);
	free(i->by);
	free(i);
}

void
item_drop(struct item *i)
{
	struct replica *r = i->r;

	if (i->is_queued)
		TAILQ_REMOVE(&r->queue, i, queued);
	if (i->is_limit)
		TAILQ_REMOVE(&r->limits, i, limit);
	SLIST_REMOVE(&r->heads[i->hash & (r->n_heads - 1)], i, item, link);
	r->n--;
	item_free(i);
}

void
item_queue(struct item *i)
{
	struct replica *r = i->r;

	if (!i->is_queued) {
		i->is_queued = true;
		TAILQ_INSERT_TAIL(&r->queue, i, queued);
	}
	if (!timer_is_set(&r->turn))
		timer_set(&r->turn, 0);
}

/* Before all others. */
static void
hurry(struct item *i)
{
	TAILQ_REMOVE(&i->r->queue, i, queued);
	TAILQ_INSERT_HEAD(&i->r->queue, i, queued);
}

void
item_changed(struct item *i)
{
	struct replica *r = i->r;
	bool is_limit = i->kind == ITEM_BUDGET || i->kind == ITEM_HOLD;

	i->gen++;
	if (is_limit && !i->is_limit) {
		i->is_limit = true;
		i->seq = ++r->seq;
		TAILQ_INSERT_TAIL(&r->limits, i, limit);
	}
	item_queue(i);
}

void
item_give_up(struct item *i, const struct error *err)
{
	struct waiter *w;

	i->sent = i->gen;
	TAILQ_FOREACH(w, &i->r->waiters, link) {
		if (w->item != i || w->is_over)
			continue;
		w->is_over = true;
		w->err = *err;
		timer_set(&w->timer, 0);
	}
}

/* --- who waits --- */

static void
waiter_cb(void *arg)
{
	struct waiter *w = arg;
	struct error err = w->err;

	if (!w->is_over) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:away",
		    "the cluster has not taken it in time: %s",
		    w->r->is_away ? w->r->why.msg : "etcd is slow");
	}
	TAILQ_REMOVE(&w->r->waiters, w, link);
	w->done(err.kind != ERR_NONE ? &err : NULL, w->arg);
	free(w);
}

static bool
has_it(const struct waiter *w)
{
	const struct item *first = TAILQ_FIRST(&w->r->limits);

	return (w->item == NULL || w->item->sent >= w->gen) &&
	    (first == NULL || first->seq > w->seq);
}

void
replica_look_at_waiters(struct replica *r)
{
	struct waiter *w;

	TAILQ_FOREACH(w, &r->waiters, link) {
		if (w->is_over || !has_it(w))
			continue;
		w->is_over = true;
		timer_set(&w->timer, 0);
	}
}

struct waiter *
waiter_start(struct replica *r, struct item *i, uint64_t gen, uint64_t seq,
    void (*done)(const struct error *, void *), void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->r = r;
	w->item = i;
	w->gen = gen;
	w->seq = seq;
	w->done = done;
	w->arg = arg;
	timer_init(&w->timer, r->env->loop, waiter_cb, w);
	TAILQ_INSERT_TAIL(&r->waiters, w, link);
	w->is_over = has_it(w);
	timer_set(&w->timer, w->is_over ? 0 :
	    (int64_t)r->conf->cluster->lease_s * 1000);
	return w;
}

void
waiter_cancel(struct waiter *w)
{
	timer_clear(&w->timer);
	TAILQ_REMOVE(&w->r->waiters, w, link);
	free(w);
}

/* --- what the store tells --- */

static struct item *
item_of_cert(struct replica *r, const char *name)
{
	const struct cert *c = certs_find(r->env->certs, name);
	char path[REPLICA_PATH_MAX];

	return c != NULL && replica_cert_path(c, path) ?
	    item_get(r, path, ITEM_CERT, name, NULL) : NULL;
}

static void
changed_here(const char *name, void *arg)
{
	struct replica *r = arg;
	struct item *i = r->is_taking ? NULL : item_of_cert(r, name);

	if (i == NULL)
		return;
	item_changed(i);
	/* An order that only we know of: until etcd has it, our death would
	   make whoever goes on order again. */
	if (!i->is_open && replica_cert_of(i)->row.order_url != NULL)
		hurry(i);
}

static void *
flush(const char *cert, void (*done)(const struct error *, void *),
    void *done_arg, void *arg)
{
	struct replica *r = arg;
	struct item *i = item_of_cert(r, cert);

	/* Whatever has changed: that the lock is ours is to be seen. */
	if (i != NULL)
		item_changed(i);
	return waiter_start(r, i, i != NULL ? i->gen : 0, i != NULL ? r->seq :
	    0, done, done_arg);
}

static void
flush_cancel(void *w, void *arg)
{
	(void)arg;
	waiter_cancel(w);
}

/* --- what etcd tells --- */

static void
mirror_put(const struct etcd_kv *kv, void *arg)
{
	replica_incoming(arg, kv->key, kv->value, kv->len, kv->modified);
}

static void
mirror_gone(const char *key, int64_t revision, void *arg)
{
	replica_incoming(arg, key, NULL, 0, 0);
}

/* What is there is told, and what is missing written, as at first. */
static void
mirror_anew(void *arg)
{
	struct replica *r = arg;
	struct item *i;

	for (size_t k = 0; k < r->n_heads; k++) {
		SLIST_FOREACH(i, &r->heads[k], link) {
			i->seen = i->had = 0;
			i->is_open = false;
		}
	}
	r->is_listed = false;
}

static void
mirror_state(const struct error *err, void *arg)
{
	struct replica *r = arg;

	/* Who has a token of the cluster tells that it is away. */
	if (err != NULL || r->is_listed)
		return;
	r->is_listed = true;
	replica_cert_listed(r);
	if (!timer_is_set(&r->turn))
		timer_set(&r->turn, 0);
}

/* --- */

void
replica_look(struct replica *r)
{
	if (r->is_listed)
		replica_cert_listed(r);
}

bool
replica_is_open(const struct replica *r, const struct cert *c)
{
	char path[REPLICA_PATH_MAX];
	const struct item *i = r->conf != NULL && replica_cert_path(c, path) ?
	    item_find(r, path) : NULL;

	return i != NULL && i->is_open;
}

const struct account_share *
replica_accounts(struct replica *r)
{
	return &r->share;
}

static void
stop(struct replica *r)
{
	struct waiter *w;
	struct item *i;

	store_set_replica(r->env->store, NULL);
	replica_account_clear(r);
	while ((w = TAILQ_FIRST(&r->waiters)) != NULL)
		waiter_cancel(w);
	etcd_mirror_free(r->mirror);
	r->mirror = NULL;
	timer_clear(&r->turn);
	for (size_t k = 0; k < r->n_heads; k++) {
		while ((i = SLIST_FIRST(&r->heads[k])) != NULL) {
			SLIST_REMOVE_HEAD(&r->heads[k], link);
			item_free(i);
		}
	}
	free(r->heads);
	r->heads = NULL;
	r->n = r->n_heads = 0;
	r->n_ops = 0;
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->limits);
	r->is_listed = r->is_away = false;
	if (r->secret != NULL)
		freezero_str(r->secret);
	free(r->prefix);
	r->secret = r->prefix = NULL;
	conf_unref(r->conf);
	r->conf = NULL;
	heads_init(r, HEADS_MIN);
}

static void
start(struct replica *r, const struct conf *conf)
{
	const struct conf_cluster *k = conf->cluster;

	if (k->secret == NULL)
		return;			/* nobody can join with it */
	r->secret = xstrdup(k->secret);
	r->conf = conf_ref(conf);
	r->prefix = xasprintf("%s/state/", k->prefix);
	/* All of it is about renewals: replica_ask(). */
	if (k->role == CLUSTER_SERVE)
		return;
	r->mirror = etcd_mirror_new(&(struct etcd_mirror_args){
	    .loop = r->env->loop, .etcd = r->env->etcd, .conf = k->etcd,
	    .prefix = r->prefix, .put = mirror_put, .gone = mirror_gone,
	    .anew = mirror_anew, .state = mirror_state, .arg = r });
	replica_limit_load(r);
	store_set_replica(r->env->store, &r->hooks);
}

void
replica_apply(struct replica *r, const struct conf *conf)
{
	if (r->conf != NULL && conf->cluster != NULL &&
	    r->conf->cluster->hash == conf->cluster->hash) {
		/* Calls under way have the address of etcd from the one that
		   was there when this began. */
		if (r->is_listed)
			replica_cert_listed(r);
		return;
	}
	stop(r);
	if (conf->cluster != NULL)
		start(r, conf);
}

struct replica *
replica_new(const struct replica_env *env)
{
	struct replica *r = xcalloc(1, sizeof(*r));

	r->env = env;
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->limits);
	TAILQ_INIT(&r->waiters);
	LIST_INIT(&r->agreements);
	heads_init(r, HEADS_MIN);
	timer_init(&r->turn, env->loop, replica_send_cb, r);
	r->hooks = (struct store_replica){ .cert = changed_here,
	    .account = replica_account_changed,
	    .budget = replica_budget_changed, .hold = replica_hold_changed,
	    .flush = flush, .cancel = flush_cancel, .arg = r };
	replica_account_init(r);
	return r;
}

void
replica_free(struct replica *r)
{
	if (r == NULL)
		return;
	stop(r);
	free(r->heads);
	free(r);
}
