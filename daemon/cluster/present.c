/* SPDX-License-Identifier: MIT */
/* Members that only serve are not mirrored: whether one is there is asked. */
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"

#define ASKED_MAX 100		/* in one transaction; etcd allows 128 */
#define CALL_MS 5000

struct cluster_present_op {
	struct cluster	*cluster;
	struct conf_cluster *conf;	/* a reload may change the cluster's */
	struct timer	 turn;
	struct etcd_op	*call;
	char		**names;
	size_t		 n, next;
	cluster_present_done_cb *done;
	void		*arg;
};

void
cluster_present_cancel(struct cluster_present_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	etcd_cancel(op->call);
	conf_cluster_free(op->conf);
	for (size_t i = 0; i < op->n; i++)
		free(op->names[i]);
	free(op->names);
	free(op);
}

static void
finish(struct cluster_present_op *op, const struct error *err, bool any)
{
	op->done(err, any, op->arg);
	cluster_present_cancel(op);
}

static void
answered(const struct error *err, const json_t *reply, void *arg)
{
	struct cluster_present_op *op = arg;
	const json_t *r;
	bool any = false;
	size_t i;

	op->call = NULL;
	json_array_foreach(jsonx_get(reply, "responses"), i, r)
		any |= jsonx_number(r, "response_range.count", 0) > 0;
	if (err != NULL || any || op->next == op->n)
		finish(op, err, any);
	else
		timer_set(&op->turn, 0);
}

/* The next of them, in one transaction. */
static void
turn_cb(void *arg)
{
	struct cluster_present_op *op = arg;
	json_t *asked;
	struct error err;

	if (op->conf == NULL) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:away",
		    "there is no cluster");
		finish(op, &err, false);
		return;
	}
	asked = json_array();
	for (size_t i = 0; i < ASKED_MAX && op->next < op->n; i++) {
		char *key = xasprintf("%s/host/%s", op->conf->prefix,
		    op->names[op->next++]);

		(void)json_array_append_new(asked, json_pack(
		    "{s:{s:o, s:b}}", "request_range", "key", etcd_text(key),
		    "count_only", true));
		free(key);
	}
	op->call = etcd_call_start(op->cluster->env->etcd, &(struct etcd_args){
	    .conf = op->conf->etcd, .timeout_ms = CALL_MS }, "/v3/kv/txn",
	    json_pack("{s:o}", "success", asked), answered, op);
}

struct cluster_present_op *
cluster_present_start(struct cluster *k, const char *const *names, size_t n,
    cluster_present_done_cb *done, void *arg)
{
	struct cluster_present_op *op = xcalloc(1, sizeof(*op));

	op->cluster = k;
	op->conf = k->k != NULL ? conf_cluster_copy(k->k) : NULL;
	op->names = xcalloc(n + 1, sizeof(*op->names));
	for (; op->n < n; op->n++)
		op->names[op->n] = xstrdup(names[op->n]);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, k->env->loop, turn_cb, op);
	timer_set(&op->turn, 0);
	return op;
}
