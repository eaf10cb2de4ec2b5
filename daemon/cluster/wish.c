/* SPDX-License-Identifier: MIT */
/* Renewals that were asked for at a member that does not renew them. */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/rollout/rollback.h"

#define KIND		"wish/"
#define AGAIN_MS	1000

static struct wish *
find(const struct cluster *k, const char *path)
{
	struct wish *w;

	LIST_FOREACH(w, &k->wishes, entry) {
		if (strcmp(w->path, path) == 0)
			return w;
	}
	return NULL;
}

static struct wish *
make(struct cluster *k, const char *path)
{
	struct wish *w = find(k, path);

	if (w != NULL)
		return w;
	w = xcalloc(1, sizeof(*w));
	w->cluster = k;
	w->path = xstrdup(path);
	LIST_INSERT_HEAD(&k->wishes, w, entry);
	return w;
}

static void
drop(struct wish *w)
{
	LIST_REMOVE(w, entry);
	etcd_cancel(w->call);
	free(w->path);
	free(w->serial);
	free(w);
}

void
wish_free_all(struct cluster *k)
{
	while (!LIST_EMPTY(&k->wishes))
		drop(LIST_FIRST(&k->wishes));
}

/* --- at the one who renews --- */

static void
deleted(const struct error *err, const json_t *reply, void *arg)
{
	struct wish *w = arg;
	struct cluster *k = w->cluster;

	(void)reply;
	w->call = NULL;
	if (err == NULL)
		return;			/* the mirror tells */
	cluster_asked(k, err);
	timer_set(&k->tell, AGAIN_MS);
}

static void
delete(struct wish *w)
{
	struct cluster *k = w->cluster;

	w->is_over = true;
	if (w->call != NULL || !membership_is_held(k->membership))
		return;
	w->call = asked_remove(k, KIND, w->path, w->modified, deleted, w);
}

void
cluster_wish_over(struct cluster *k, struct cert *c)
{
	char path[CLUSTER_PATH_MAX];
	struct wish *w = find(k, cluster_path(c, path));

	if (w != NULL && w->was_told)
		delete(w);
}

static void
look(struct wish *w)
{
	struct cluster *k = w->cluster;
	struct cert *c = cluster_cert(k, w->path);

	if (c == NULL || w->modified == 0)
		return;
	if (w->is_over) {
		delete(w);
		return;
	}
	/* Another one's; it may come back. */
	if (cluster_part(k, c, NULL) != CLUSTER_OURS || c->is_taken) {
		w->was_told = false;
		return;
	}
	/* Done by one who died then; who rolled back has another one than
	 * those who ask. */
	if (strcmp(cert_serial(c), w->serial) != 0 && !rollback_is_done(c)) {
		delete(w);
		return;
	}
	if (w->was_told)
		return;
	w->was_told = true;
	k->env->wished(c, w->force, k->env->arg);
}

void
wish_look(struct cluster *k, struct cert *c)
{
	char path[CLUSTER_PATH_MAX];
	struct wish *w, *next;

	if (c != NULL) {
		w = find(k, cluster_path(c, path));
		if (w != NULL)
			look(w);
		return;
	}
	for (w = LIST_FIRST(&k->wishes); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		look(w);
	}
}

void
cluster_look(struct cluster *k, struct cert *c)
{
	if (k->k == NULL)
		return;
	wish_look(k, c);
	order_look(k, c);
}

void
wish_put(struct cluster *k, const char *path, const struct etcd_kv *kv)
{
	struct wish *w = make(k, path);
	char *key = cluster_key(k, KIND, path);
	json_t *json = cluster_open(k, key, kv);
	const char *serial = jsonx_str(json, "serial");

	free(key);
	w->modified = kv->modified;
	w->was_told = w->is_over = false;
	w->force = jsonx_bool(json, "force", false);
	free(w->serial);
	w->serial = xstrdup(serial != NULL ? serial : "");
	json_decref(json);
	look(w);
}

void
wish_gone(struct cluster *k, const char *path)
{
	struct wish *w = find(k, path);
	struct cert *c = cluster_cert(k, path);
	bool is_own;

	if (w == NULL || w->modified == 0)
		return;
	is_own = w->is_own;
	drop(w);
	if (is_own && c != NULL)
		k->env->granted(c, NULL, k->env->arg);
}

/* --- at the one who was asked --- */

static void
written(const struct error *err, const json_t *reply, void *arg)
{
	struct wish *w = arg;
	struct cluster *k = w->cluster;
	struct cert *c = cluster_cert(k, w->path);

	(void)reply;
	w->call = NULL;
	if (err == NULL)
		return;			/* the mirror tells */
	cluster_asked(k, err);
	w->is_own = false;
	if (c != NULL)
		k->env->granted(c, err, k->env->arg);
}

int
cluster_wish(struct cluster *k, struct cert *c, bool force,
    struct error *err)
{
	char path[CLUSTER_PATH_MAX];
	json_t *body = asked_body(k, KIND, c, json_pack("{s:s, s:b}",
	    "serial", cert_serial(c), "force", force), err);
	struct wish *w;

	if (body == NULL)
		return -1;
	w = make(k, cluster_path(c, path));
	w->is_own = true;
	etcd_cancel(w->call);
	w->call = asked_write(k, body, written, w);
	return 0;
}
