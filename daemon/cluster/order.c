/* SPDX-License-Identifier: MIT */
/*
 * What a person has decided about a roll-out in waves, at any member: order/
 * REALM/CERT is there until whoever renews the certificate has done it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"

#define KIND		"order/"
#define AGAIN_MS	1000
#define BUSY_MS		3000

struct order {
	LIST_ENTRY(order) entry;
	struct cluster	*cluster;
	char		*path;		/* "REALM/CERT" */
	int64_t		 modified;	/* revision; 0: it is being written */
	char		 act[16], serial[64];
	unsigned	 wave;
	bool		 was_told;	/* to the engine, as it is ours */
	bool		 is_over;	/* to be deleted */
	struct etcd_op	*call;
};

static struct order *
find(const struct cluster *k, const char *path)
{
	struct order *o;

	LIST_FOREACH(o, &k->orders, entry) {
		if (strcmp(o->path, path) == 0)
			return o;
	}
	return NULL;
}

static struct order *
make(struct cluster *k, const char *path)
{
	struct order *o = find(k, path);

	if (o != NULL)
		return o;
	o = xcalloc(1, sizeof(*o));
	o->cluster = k;
	o->path = xstrdup(path);
	LIST_INSERT_HEAD(&k->orders, o, entry);
	return o;
}

static void
drop(struct order *o)
{
	LIST_REMOVE(o, entry);
	etcd_cancel(o->call);
	free(o->path);
	free(o);
}

void
order_free_all(struct cluster *k)
{
	while (!LIST_EMPTY(&k->orders))
		drop(LIST_FIRST(&k->orders));
}

/* --- at the one who renews --- */

static void
deleted(const struct error *err, const json_t *reply, void *arg)
{
	struct order *o = arg;

	(void)reply;
	o->call = NULL;
	if (err == NULL)
		return;			/* the mirror tells */
	cluster_asked(o->cluster, err);
	timer_set(&o->cluster->tell, AGAIN_MS);
}

/* The one that was done, and not one that has come since. */
static void
delete(struct order *o)
{
	struct cluster *k = o->cluster;

	o->is_over = true;
	if (o->call != NULL || !membership_is_held(k->membership))
		return;
	o->call = asked_remove(k, KIND, o->path, o->modified, deleted, o);
}

void
cluster_order_over(struct cluster *k, struct cert *c)
{
	char path[CLUSTER_PATH_MAX];
	struct order *o = find(k, cluster_path(c, path));

	if (o != NULL && o->was_told)
		delete(o);
}

static void
look(struct order *o)
{
	struct cluster *k = o->cluster;
	struct cert *c = cluster_cert(k, o->path);

	if (c == NULL || o->modified == 0)
		return;
	if (o->is_over) {
		delete(o);
		return;
	}
	/* Another one's; it may come back. */
	if (cluster_part(k, c, NULL) != CLUSTER_OURS || c->is_taken) {
		o->was_told = false;
		return;
	}
	if (o->was_told)
		return;
	o->was_told = true;
	if (k->env->ordered(c, o->act, o->serial, o->wave, k->env->arg))
		return;
	o->was_told = false;
	if (!timer_is_set(&k->tell))
		timer_set(&k->tell, BUSY_MS);
}

void
order_look(struct cluster *k, struct cert *c)
{
	char path[CLUSTER_PATH_MAX];
	struct order *o, *next;

	if (c != NULL) {
		o = find(k, cluster_path(c, path));
		if (o != NULL)
			look(o);
		return;
	}
	for (o = LIST_FIRST(&k->orders); o != NULL; o = next) {
		next = LIST_NEXT(o, entry);
		look(o);
	}
}

void
order_put(struct cluster *k, const char *path, const struct etcd_kv *kv)
{
	struct order *o = make(k, path);
	char *key = cluster_key(k, KIND, path);
	json_t *json = cluster_open(k, key, kv);
	const char *act = jsonx_str(json, "do");
	const char *serial = jsonx_str(json, "serial");
	int64_t wave = jsonx_int(json, "wave", 0);

	free(key);
	o->modified = kv->modified;
	o->was_told = o->is_over = false;
	if (!text_printf(o->act, sizeof(o->act), "%s", act != NULL ? act :
	    "") || !text_printf(o->serial, sizeof(o->serial), "%s",
	    serial != NULL ? serial : ""))
		o->act[0] = '\0';
	o->wave = wave > 0 && wave <= UINT16_MAX ? (unsigned)wave : 0;
	json_decref(json);
	look(o);
}

void
order_gone(struct cluster *k, const char *path)
{
	struct order *o = find(k, path);

	if (o != NULL && o->modified != 0)
		drop(o);
}

/* --- at the one who was asked --- */

static void
written(const struct error *err, const json_t *reply, void *arg)
{
	struct order *o = arg;
	struct cluster *k = o->cluster;
	struct cert *c = cluster_cert(k, o->path);

	(void)reply;
	o->call = NULL;
	if (err == NULL)
		return;			/* the mirror tells */
	cluster_asked(k, err);
	if (o->modified == 0)
		drop(o);
	if (c != NULL)
		k->env->not_ordered(c, err, k->env->arg);
}

int
cluster_order(struct cluster *k, struct cert *c, const char *act,
    const char *serial, unsigned wave, struct error *err)
{
	char path[CLUSTER_PATH_MAX];
	json_t *body = asked_body(k, KIND, c, json_pack("{s:s, s:s, s:I}",
	    "do", act, "serial", serial, "wave", (json_int_t)wave), err);
	struct order *o;

	if (body == NULL)
		return -1;
	o = make(k, cluster_path(c, path));
	etcd_cancel(o->call);
	o->call = asked_write(k, body, written, o);
	return 0;
}
