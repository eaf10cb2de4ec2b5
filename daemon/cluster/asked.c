/* SPDX-License-Identifier: MIT */
/* What one member asks of another: a sealed value at KIND/REALM/CERT, until it
 * is done. */
#include <stdlib.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"

#define CALL_MS		10000

json_t *
asked_body(struct cluster *k, const char *kind, const struct cert *c,
    json_t *what, struct error *err)
{
	char path[CLUSTER_PATH_MAX], *key, *sealed;
	json_t *body = NULL;
	size_t len;

	if (k->k == NULL || !membership_is_held(k->membership)) {
		json_decref(what);
		(void)error_set(err, ERR_TRANSIENT, "cluster:away",
		    "\"%s\" is renewed by the cluster, which cannot be asked "
		    "now: %s", c->row.name, k->trouble.msg);
		return NULL;
	}
	(void)json_object_set_new(what, "member", json_string(k->k->name));
	key = cluster_key(k, kind, cluster_path(c, path));
	sealed = cluster_seal(k, key, what, &len, err);
	if (sealed != NULL)
		body = json_pack("{s:o, s:o}", "key", etcd_text(key), "value",
		    etcd_bytes(sealed, len));
	free(sealed);
	free(key);
	return body;
}

struct etcd_op *
asked_write(struct cluster *k, json_t *body, etcd_done_cb *done, void *arg)
{
	return etcd_call_start(k->env->etcd, &(struct etcd_args){
	    .conf = k->k->etcd, .timeout_ms = CALL_MS }, "/v3/kv/put", body,
	    done, arg);
}

struct etcd_op *
asked_remove(struct cluster *k, const char *kind, const char *path,
    int64_t modified, etcd_done_cb *done, void *arg)
{
	char *name = cluster_key(k, kind, path), revision[24];
	json_t *key = etcd_text(name);

	free(name);
	(void)text_printf(revision, sizeof(revision), "%lld",
	    (long long)modified);
	return etcd_call_start(k->env->etcd, &(struct etcd_args){
	    .conf = k->k->etcd, .timeout_ms = CALL_MS }, "/v3/kv/txn",
	    json_pack("{s:[{s:O, s:s, s:s, s:s}], s:[{s:{s:o}}]}",
	    "compare", "key", key, "target", "MOD", "result", "EQUAL",
	    "mod_revision", revision,
	    "success", "request_delete_range", "key", key), done, arg);
}
