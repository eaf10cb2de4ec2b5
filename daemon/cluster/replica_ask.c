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

static void	ask(struct item *);

/* How it fares is taken only by who has asked for that: a host that serves has
 * its own troubles. */
static void
told(const struct error *err, const json_t *reply, void *arg)
{
	struct item *i = arg;
	int64_t seen = i->seen;

	if (!replica_answered(i, err))
		return;
	if (i->is_asked_again) {
		ask(i);
		return;
	}
	if (i->asks == ASKS_WAVE)
		i->seen = 0;
	replica_told(i, jsonx_get(reply, "kvs.0"));
	if (i->asks == ASKS_WAVE)
		i->seen = seen;
}

static void
ask(struct item *i)
{
	char *key = replica_key(i->r, i->path);

	if (i->is_asked_again)
		i->asks = ASKS_ALL;
	i->is_asked_again = false;
	replica_call(i, "/v3/kv/range", json_pack("{s:o}", "key",
	    etcd_text(key)), told);
	free(key);
}

void
replica_ask(struct replica *r, struct cert *c, bool only_waves)
{
	char path[REPLICA_PATH_MAX];
	struct item *i;

	if (r->conf == NULL || r->conf->cluster->role != CLUSTER_SERVE ||
	    !replica_cert_path(c, path))
		return;
	i = item_get(r, path, ITEM_CERT, c->row.name, NULL);
	/* The answer may be of before. */
	if (i->op != NULL) {
		i->is_asked_again |= !only_waves;
		return;
	}
	i->asks = only_waves ? ASKS_WAVE : ASKS_ALL;
	ask(i);
}
