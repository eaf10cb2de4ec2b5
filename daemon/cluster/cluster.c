/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/cluster_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/rendezvous.h"
#include "daemon/cluster/secret.h"
#include "daemon/etcd/etcd_mirror.h"

#define LATE_MS	61000		/* then people are told */
#define PROBE_MS 5000		/* does etcd take writes again? */

#define MEMBER	"member/"
#define LOCK	"lock/"
#define WISH	"wish/"
#define ORDER	"order/"

/* --- paths --- */

const char *
cluster_path(const struct cert *c, char out[CLUSTER_PATH_MAX])
{
	out[0] = '\0';
	if (c->conf != NULL && c->conf->realm != NULL)
		(void)text_printf(out, CLUSTER_PATH_MAX, "%s/%s",
		    c->conf->realm->id, c->row.name);
	return out;
}

struct cert *
cluster_cert(const struct cluster *k, const char *path)
{
	char own[CLUSTER_PATH_MAX];
	const char *slash = strchr(path, '/');
	struct cert *c = slash != NULL ? certs_find(k->env->certs,
	    slash + 1) : NULL;

	return c != NULL && strcmp(cluster_path(c, own), path) == 0 ? c : NULL;
}

char *
cluster_key(const struct cluster *k, const char *kind, const char *path)
{
	return xasprintf("%s%s%s", k->prefix, kind, path);
}

char *
cluster_seal(const struct cluster *k, const char *key, json_t *json,
    size_t *len, struct error *err)
{
	char *text = json_dumps(json, JSON_COMPACT), *sealed;

	json_decref(json);
	sealed = secret_seal(k->k, key, text, len, err);
	free(text);
	return sealed;
}

json_t *
cluster_open(const struct cluster *k, const char *key,
    const struct etcd_kv *kv)
{
	struct error ignored;
	char *text = secret_open(k->k, key, kv->value, kv->len, &ignored);
	json_t *json = text != NULL ? jsonx_parse(text, strlen(text),
	    &ignored) : NULL;

	freezero_str(text);
	return json;
}

/* --- what is wrong --- */

/* In a message: why etcd cannot be asked, or what it refuses. */
static void
set_trouble(struct cluster *k, const struct error *err)
{
	if (k->trouble.kind == ERR_NONE)
		k->trouble_since = clock_now();
	k->trouble = *err;
	/* What a code of its own says what to do about keeps that. */
	if (err->kind == ERR_TRANSIENT &&
	    strcmp(err->code, "etcd:space") != 0 &&
	    strcmp(err->code, "http:tls") != 0)
		(void)text_printf(k->trouble.code, sizeof(k->trouble.code),
		    "cluster:away");
	if (!k->is_logged) {
		k->is_logged = true;
		timer_set(&k->late, LATE_MS);
		log_warning(NULL, "cluster: nothing is renewed: %s",
		    err->msg);
	}
}

static void
end_trouble(struct cluster *k)
{
	if (k->trouble.kind == ERR_NONE)
		return;
	k->trouble.kind = ERR_NONE;
	k->trouble_since = 0;
	k->is_full = false;
	timer_clear(&k->late);
	timer_clear(&k->probe);
	log_notice(NULL, "cluster: member \"%s\" %s", k->k->name,
	    k->is_logged ? "is back" : "has joined");
	k->is_logged = false;
}

void
cluster_tell_later(struct cluster *k)
{
	timer_set(&k->tell, 0);
}

static void
probed(const struct error *err, const json_t *reply, void *arg)
{
	struct cluster *k = arg;

	(void)reply;
	k->probing = NULL;
	if (err != NULL) {
		timer_set(&k->probe, PROBE_MS);
		return;
	}
	end_trouble(k);
	cluster_tell_later(k);
}

/* A lease is kept alive also by an etcd that has no room: only a write tells
 * that there is some again. */
static void
probe_cb(void *arg)
{
	struct cluster *k = arg;
	char *key, lease[24];

	if (!membership_is_held(k->membership)) {
		timer_set(&k->probe, PROBE_MS);
		return;
	}
	key = cluster_key(k, "probe/", k->k->name);
	(void)text_printf(lease, sizeof(lease), "%lld",
	    (long long)membership_lease(k->membership));
	k->probing = etcd_call_start(k->env->etcd, &(struct etcd_args){
	    .conf = k->k->etcd, .timeout_ms = PROBE_MS }, "/v3/kv/put",
	    json_pack("{s:o, s:s}", "key", etcd_text(key), "lease", lease),
	    probed, k);
	free(key);
}

void
cluster_asked(struct cluster *k, const struct error *err)
{
	if (err == NULL) {
		etcd_mirror_kick(k->mirror);
		return;
	}
	/* A lease is kept alive without the right to write, too. */
	if (!k->is_full && (strcmp(err->code, "etcd:space") == 0 ||
	    (err->kind != ERR_TRANSIENT && membership_is_held(
	    k->membership)))) {
		k->is_full = true;
		timer_set(&k->probe, PROBE_MS);
	}
	/* One call that failed is not yet trouble, as long as the lease is. */
	if (membership_is_held(k->membership) && err->kind == ERR_TRANSIENT &&
	    strcmp(err->code, "etcd:space") != 0)
		return;
	set_trouble(k, err);
	cluster_tell_later(k);
}

void
cluster_full(struct cluster *k, const struct error *err)
{
	if (k->k != NULL && !k->is_full)
		cluster_asked(k, err);
}

const struct error *
cluster_trouble(const struct cluster *k, time_t *since)
{
	if (k == NULL || k->k == NULL || k->trouble.kind == ERR_NONE)
		return NULL;
	*since = k->trouble_since;
	return &k->trouble;
}

/* --- the mirror --- */

static void
put(const struct etcd_kv *kv, void *arg)
{
	struct cluster *k = arg;

	if (strncmp(kv->key, MEMBER, strlen(MEMBER)) == 0)
		member_put(k, kv->key + strlen(MEMBER), kv);
	else if (strncmp(kv->key, LOCK, strlen(LOCK)) == 0)
		lock_put(k, kv->key + strlen(LOCK), kv);
	else if (strncmp(kv->key, WISH, strlen(WISH)) == 0)
		wish_put(k, kv->key + strlen(WISH), kv);
	else if (strncmp(kv->key, ORDER, strlen(ORDER)) == 0)
		order_put(k, kv->key + strlen(ORDER), kv);
}

static void
gone(const char *key, int64_t revision, void *arg)
{
	struct cluster *k = arg;

	if (strncmp(key, MEMBER, strlen(MEMBER)) == 0)
		member_gone(k, key + strlen(MEMBER), revision);
	else if (strncmp(key, LOCK, strlen(LOCK)) == 0)
		lock_gone(k, key + strlen(LOCK), revision);
	else if (strncmp(key, WISH, strlen(WISH)) == 0)
		wish_gone(k, key + strlen(WISH));
	else if (strncmp(key, ORDER, strlen(ORDER)) == 0)
		order_gone(k, key + strlen(ORDER));
}

/* What we hold may be another's there. */
static void
anew(void *arg)
{
	struct cluster *k = arg;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "cluster:away", "etcd was "
	    "restored from a backup, or made anew: joining it again");
	membership_drop(k->membership, INT64_MAX, &err);
	lock_forget_all(k);
}

static void
mirror_state(const struct error *err, void *arg)
{
	struct cluster *k = arg;

	k->is_current = err == NULL;
	k->old_since = err == NULL ? 0 : clock_now();
	if (err != NULL) {
		cluster_asked(k, err);
		return;
	}
	k->is_complete = true;
	cluster_tell_later(k);
}

/* --- membership --- */

static void
joined(void *arg)
{
	struct cluster *k = arg;

	if (!k->is_full)
		end_trouble(k);
	log_info(NULL, "cluster: joined as member \"%s\"", k->k->name);
	cluster_tell_later(k);
}

static void
lost(const struct error *err, void *arg)
{
	struct cluster *k = arg;

	set_trouble(k, err);
	lock_lose_all(k, err);
	cluster_tell_later(k);
}

static void
asked(const struct error *err, void *arg)
{
	cluster_asked(arg, err);
}

static void
tell_cb(void *arg)
{
	struct cluster *k = arg;

	lock_tidy(k);
	wish_look(k, NULL);
	order_look(k, NULL);
	k->env->changed(NULL, k->env->arg);
}

struct cluster *
cluster_new(const struct cluster_env *env)
{
	struct cluster *k = xcalloc(1, sizeof(*k));

	k->env = env;
	TAILQ_INIT(&k->ops);
	timer_init(&k->tell, env->loop, tell_cb, k);
	timer_init(&k->late, env->loop, tell_cb, k);
	timer_init(&k->probe, env->loop, probe_cb, k);
	timer_init(&k->differs_tell, env->loop, differs_tell_cb, k);
	return k;
}

static void
forget(struct cluster *k)
{
	timer_clear(&k->tell);
	timer_clear(&k->late);
	timer_clear(&k->probe);
	timer_clear(&k->differs_tell);
	k->differs.kind = ERR_NONE;
	k->differs_since = 0;
	etcd_cancel(k->probing);
	k->probing = NULL;
	k->is_full = false;
	etcd_mirror_free(k->mirror);
	k->mirror = NULL;
	membership_free(k->membership);
	k->membership = NULL;
	lock_free_all(k);
	wish_free_all(k);
	order_free_all(k);
	members_clear(k);
	k->is_complete = k->is_current = false;
	k->old_since = 0;
	k->trouble.kind = ERR_NONE;
	free(k->prefix);
	k->prefix = NULL;
	free(k->state_dir);
	k->state_dir = NULL;
	conf_cluster_free(k->k);
	k->k = NULL;
}

static void
join(struct cluster *k, const struct conf *conf)
{
	struct error err;

	k->k = conf_cluster_copy(conf->cluster);
	k->state_dir = xstrdup(conf->state_dir);
	k->prefix = xasprintf("%s/run/", k->k->prefix);
	(void)error_set(&err, ERR_TRANSIENT, "cluster:away",
	    "the cluster is being joined");
	k->trouble = err;
	k->trouble_since = clock_now();
	k->is_logged = false;
	k->mirror = etcd_mirror_new(&(struct etcd_mirror_args){
	    .loop = k->env->loop, .etcd = k->env->etcd, .conf = k->k->etcd,
	    .prefix = k->prefix, .put = put, .gone = gone, .anew = anew,
	    .state = mirror_state, .arg = k });
	k->membership = membership_new(&(struct membership_args){
	    .loop = k->env->loop, .etcd = k->env->etcd, .conf = k->k,
	    .state_dir = k->state_dir, .joined = joined, .lost = lost,
	    .asked = asked, .arg = k });
}

void
cluster_apply(struct cluster *k, const struct conf *conf)
{
	struct error err;

	if (k->k == NULL && conf->cluster == NULL)
		return;
	cluster_tell_later(k);
	if (k->k != NULL && conf->cluster != NULL &&
	    k->k->hash == conf->cluster->hash) {
		differs_count(k);
		return;
	}
	if (k->k != NULL) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:away",
		    "the configuration has another cluster now");
		lock_lose_all(k, &err);
		forget(k);
	}
	if (conf->cluster != NULL) {
		join(k, conf);
		differs_count(k);
	}
}

static void
left(void *arg)
{
	struct cluster *k = arg;

	k->left(k->left_arg);
}

void
cluster_leave(struct cluster *k, void (*done)(void *arg), void *arg)
{
	k->left = done;
	k->left_arg = arg;
	/* With the lease go the locks. */
	etcd_mirror_free(k->mirror);
	k->mirror = NULL;
	wish_free_all(k);
	order_free_all(k);
	timer_clear(&k->tell);
	timer_clear(&k->late);
	timer_clear(&k->probe);
	timer_clear(&k->differs_tell);
	etcd_cancel(k->probing);
	k->probing = NULL;
	if (k->membership != NULL) {
		lock_free_all(k);
		membership_leave(k->membership, left, k);
		return;
	}
	timer_init(&k->tell, k->env->loop, left, k);
	timer_set(&k->tell, 0);
}

void
cluster_free(struct cluster *k)
{
	if (k == NULL)
		return;
	forget(k);
	free(k->members);
	free(k->renewers);
	free(k->by_renewer);
	free(k);
}

bool
cluster_is_joined(const struct cluster *k)
{
	return k->k != NULL && membership_is_held(k->membership) &&
	    k->is_complete;
}

enum cluster_part
cluster_part(const struct cluster *k, struct cert *c, const char **who)
{
	const struct member *owner;
	const struct lock *lock;
	const char *ignored;

	if (who == NULL)
		who = &ignored;
	*who = NULL;
	if (k->k == NULL || c->conf == NULL || c->conf->realm == NULL)
		return CLUSTER_ALONE;
	if (!cluster_is_joined(k))
		return CLUSTER_AWAY;
	lock = lock_find(k, c);
	if (lock != NULL && lock->lease != membership_lease(k->membership)) {
		*who = lock->member;
		return CLUSTER_OTHERS;
	}
	if (lock != NULL && lock->is_held) {
		*who = k->k->name;
		return CLUSTER_OURS;
	}
	owner = member_owner(k, c);
	if (owner == NULL)
		return CLUSTER_OTHERS;
	*who = owner->name;
	return strcmp(owner->name, k->k->name) == 0 ? CLUSTER_OURS :
	    CLUSTER_OTHERS;
}

void
cluster_set_adopt(struct cluster *k, const struct cluster_adopt *adopt)
{
	k->adopt = adopt;
}

bool
cluster_is_open(const struct cluster *k, const struct cert *c)
{
	return k->adopt != NULL && k->adopt->is_open(c, k->adopt->arg);
}
