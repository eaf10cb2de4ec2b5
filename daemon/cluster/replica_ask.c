/* SPDX-License-Identifier: MIT */
/*
 * One document, asked for once.  Who only serves does not mirror them: each
 * renewal writes its own several times, and a fleet has 10,000 that serve.
 */
#include <stdlib.h>

#include "common/json.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/replica_priv.h"
#include "daemon/config/conf.h"

static void
told(const struct error *err, const json_t *reply, void *arg)
{
	struct item *i = arg;

	if (replica_answered(i, err))
		replica_told(i, jsonx_get(reply, "kvs.0"));
}

void
replica_ask(struct replica *r, struct cert *c)
{
	char path[REPLICA_PATH_MAX], *key;
	struct item *i;

	if (r->conf == NULL || r->conf->cluster->role != CLUSTER_SERVE ||
	    !replica_cert_path(c, path))
		return;
	i = item_get(r, path, ITEM_CERT, c->row.name, NULL);
	if (i->op != NULL)
		return;
	key = replica_key(r, path);
	replica_call(i, "/v3/kv/range", json_pack("{s:o}", "key",
	    etcd_text(key)), told);
	free(key);
}
