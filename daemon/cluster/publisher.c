/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/publisher.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/secret.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/rest/sign.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"
#include "daemon/store/store.h"

#define RETRY_MS	5000
#define LOOK_MS		60000	/* a person may have chosen; etcd may have lost
				   it */
#define TIMEOUT_MS	5000
#define REPLY_MAX	(64 * 1024)
#define SHOWN		12	/* letters of a public key */

struct publisher {
	struct loop	*loop;
	struct etcd	*etcd;
	struct store	*store;
	const struct conf *conf;	/* a reference; NULL: nobody publishes
					   for hosts here */
	char		*key;		/* PREFIX/state/publisher */
	struct identity	*offered;	/* what we want all to have */
	struct timer	 look;
	struct etcd_op	*op;
	bool		 is_agreed;
	struct error	 told;		/* last; kind ERR_NONE: nothing */
};

/* Once, until it is another trouble, or over. */
static void
tell(struct publisher *p, const struct error *err)
{
	if (strcmp(p->told.msg, err->msg) == 0)
		return;
	p->told = *err;
	log_warning(NULL, "cluster: %s", err->msg);
}

static void
over(struct publisher *p)
{
	identity_free(p->offered);
	p->offered = NULL;
}

static void
later(struct publisher *p, const struct error *err)
{
	over(p);
	tell(p, err);
	timer_set(&p->look, RETRY_MS);
}

/* --- what both have --- */

static void
agreed(struct publisher *p)
{
	over(p);
	if (!p->is_agreed)
		log_info(NULL, "cluster: all members that publish for hosts "
		    "sign with one key");
	p->is_agreed = true;
	p->told = (struct error){ .kind = ERR_NONE };
	store_publisher_hold(p->store, NULL, false);
	timer_set(&p->look, LOOK_MS);
}

/* Hosts believe one of the two: which, only a person knows. */
static void
differs(struct publisher *p, const struct identity *own,
    const struct identity *theirs, const char *by)
{
	struct error err;

	(void)error_set(&err, ERR_CONFIG, "cluster:publisher", "%s/"
	    "publisher.key (%.*s...) is another key than the cluster shares "
	    "(%.*s..., of member \"%s\"), and hosts believe the one that is "
	    "in their publisher_key: nothing is published for hosts here. To "
	    "use that of the cluster: move the file away. To use this one: "
	    "copy it to all members that renew, then etcdctl del %s",
	    p->conf->state_dir, SHOWN, identity_public(own), SHOWN,
	    identity_public(theirs), by, p->key);
	over(p);
	p->is_agreed = false;
	store_publisher_hold(p->store, &err, true);
	tell(p, &err);
	timer_set(&p->look, LOOK_MS);
}

static void
call(struct publisher *p, const char *path, json_t *body, etcd_done_cb *done)
{
	p->op = etcd_call_start(p->etcd, &(struct etcd_args){
	    .conf = p->conf->cluster->etcd, .max_reply = REPLY_MAX,
	    .timeout_ms = TIMEOUT_MS }, path, body, done, p);
}

static char *
seal(struct publisher *p, const struct identity *id, const char *by,
    size_t *len, struct error *err)
{
	char *file = identity_text(id, NULL), *text, *sealed;
	json_t *o = json_pack("{s:s, s:s}", "key_file", file, "by", by);

	freezero_str(file);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	sealed = secret_seal(p->conf->cluster, p->key, text, len, err);
	freezero_str(text);
	return sealed;
}

static void
sealed_again(const struct error *err, const json_t *reply, void *arg)
{
	struct publisher *p = arg;

	(void)err;
	(void)reply;
	p->op = NULL;
	timer_set(&p->look, LOOK_MS);	/* which finds if it is not */
}

/* Until all are sealed with the first line, the old secret is needed. */
static void
seal_again(struct publisher *p, const struct identity *id, const char *by,
    int64_t modified)
{
	struct error err;
	size_t len;
	char *sealed = seal(p, id, by, &len, &err), revision[24];

	if (sealed == NULL)
		return;
	timer_clear(&p->look);
	(void)text_printf(revision, sizeof(revision), "%lld",
	    (long long)modified);
	call(p, "/v3/kv/txn", json_pack("{s:[{s:o, s:s, s:s, s:s}], "
	    "s:[{s:{s:o, s:o}}]}",
	    "compare", "key", etcd_text(p->key), "target", "MOD",
	    "result", "EQUAL", "mod_revision", revision,
	    "success", "request_put", "key", etcd_text(p->key), "value",
	    etcd_bytes(sealed, len)), sealed_again);
	free(sealed);
}

/* The cluster has this one. */
static void
take(struct publisher *p, const struct identity *theirs, const char *by)
{
	struct identity *own;
	struct error err;

	if (store_publisher_read(p->store, &own, &err) == -1) {
		later(p, &err);
		return;
	}
	if (own != NULL && strcmp(identity_public(own),
	    identity_public(theirs)) != 0)
		differs(p, own, theirs, by);
	else if (own == NULL && store_publisher_put(p->store, theirs,
	    &err) == -1)
		later(p, &err);
	else
		agreed(p);
	identity_free(own);
}

/* old: the revision, if it is not sealed with the first line; else 0. */
static void
took_text(struct publisher *p, const char *text, int64_t old,
    struct error *err)
{
	json_t *o = jsonx_parse(text, strlen(text), err);
	const char *file = jsonx_str(o, "key_file"), *by = jsonx_str(o, "by");
	struct identity *id = file != NULL ? identity_of_text(file, p->key,
	    err) : NULL;

	by = by != NULL ? by : "?";
	if (id != NULL) {
		take(p, id, by);
		if (p->is_agreed && old != 0)
			seal_again(p, id, by, old);
	} else {
		(void)error_set(err, ERR_REJECTED, "cluster:document",
		    "%s: what another member wrote is no publisher's key",
		    p->key);
		later(p, err);
	}
	identity_free(id);
	json_decref(o);
}

static void
took(const struct etcd_kv *kv, void *arg)
{
	struct publisher *p = arg;
	struct error err;
	char *text = secret_open(p->conf->cluster, p->key, kv->value,
	    kv->len, &err);

	if (text == NULL) {
		later(p, &err);
		return;
	}
	took_text(p, text, seal_is_first(p->conf->cluster->secret, p->key,
	    kv->value, kv->len) ? 0 : kv->modified, &err);
	freezero_str(text);
}

static void
read_kv(struct publisher *p, const json_t *kv)
{
	struct error err;

	if (etcd_kv_read(kv, "", true, took, p) == 0)
		return;
	(void)error_set(&err, ERR_REJECTED, "etcd:refused", "%s: the answer "
	    "of etcd is no key", p->key);
	later(p, &err);
}

/* --- the first of all --- */

static void
answered(const struct error *err, const json_t *reply, void *arg)
{
	struct publisher *p = arg;
	const json_t *kv = jsonx_get(reply,
	    "responses.0.response_range.kvs.0");
	struct identity *own = p->offered;

	p->op = NULL;
	if (err != NULL) {
		/* If it is there all the same, we take it as any other's. */
		later(p, err);
		return;
	}
	p->offered = NULL;
	if (jsonx_bool(reply, "succeeded", false))
		take(p, own, p->conf->cluster->name);
	else if (kv != NULL)
		read_kv(p, kv);
	else
		timer_set(&p->look, RETRY_MS);	/* deleted just now */
	identity_free(own);
}

/* The one that is here, or a new one, which nobody uses before all have it. */
static void
offer(struct publisher *p)
{
	struct error err;
	char *sealed;
	size_t len;

	if (store_publisher_read(p->store, &p->offered, &err) == -1) {
		later(p, &err);
		return;
	}
	if (p->offered == NULL)
		p->offered = identity_new("publisher");
	sealed = seal(p, p->offered, p->conf->cluster->name, &len, &err);
	if (sealed == NULL) {
		later(p, &err);
		return;
	}
	call(p, "/v3/kv/txn", json_pack("{s:[{s:o, s:s, s:s, s:s}], "
	    "s:[{s:{s:o, s:o}}], s:[{s:{s:o}}]}",
	    "compare", "key", etcd_text(p->key), "target", "CREATE",
	    "result", "EQUAL", "create_revision", "0",
	    "success", "request_put", "key", etcd_text(p->key), "value",
	    etcd_bytes(sealed, len),
	    "failure", "request_range", "key", etcd_text(p->key)), answered);
	free(sealed);
}

static void
asked(const struct error *err, const json_t *reply, void *arg)
{
	struct publisher *p = arg;
	const json_t *kv = jsonx_get(reply, "kvs.0");

	p->op = NULL;
	if (err != NULL)
		later(p, err);
	else if (kv != NULL)
		read_kv(p, kv);
	else
		offer(p);
}

static void
look_cb(void *arg)
{
	struct publisher *p = arg;

	call(p, "/v3/kv/range", json_pack("{s:o}", "key", etcd_text(p->key)),
	    asked);
}

/* --- life --- */

struct publisher *
publisher_new(struct loop *loop, struct etcd *etcd, struct store *store)
{
	struct publisher *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->etcd = etcd;
	p->store = store;
	timer_init(&p->look, loop, look_cb, p);
	return p;
}

static void
stop(struct publisher *p)
{
	timer_clear(&p->look);
	etcd_cancel(p->op);
	p->op = NULL;
	over(p);
	free(p->key);
	p->key = NULL;
	conf_unref(p->conf);
	p->conf = NULL;
}

void
publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	stop(p);
	free(p);
}

static void
forget(struct publisher *p)
{
	p->is_agreed = false;
	p->told = (struct error){ .kind = ERR_NONE };
}

static bool
is_for_hosts(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_repositories; i++) {
		if (conf->repositories[i]->to_hosts)
			return true;
	}
	return false;
}

void
publisher_apply(struct publisher *p, const struct conf *conf)
{
	struct error err;

	stop(p);
	if (conf->cluster == NULL || !is_for_hosts(conf)) {
		forget(p);
		store_publisher_hold(p->store, NULL, false);
		return;
	}
	if (conf->cluster->role == CLUSTER_SERVE) {
		forget(p);
		/* What is not needed there shall not lie there. */
		(void)error_set(&err, ERR_CONFIG, "cluster:publisher",
		    "role = serve: only members that renew have the key that "
		    "signs for hosts");
		store_publisher_hold(p->store, &err, false);
		return;
	}
	if (!p->is_agreed && p->told.kind == ERR_NONE) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:publisher",
		    "the cluster has not said yet by which key hosts know "
		    "its publishers");
		store_publisher_hold(p->store, &err, false);
	}
	p->conf = conf_ref(conf);
	p->key = xasprintf("%s/state/publisher", conf->cluster->prefix);
	timer_set(&p->look, 0);
}
