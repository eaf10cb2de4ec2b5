/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/report.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/rendezvous.h"
#include "daemon/etcd/etcd_mirror.h"

/* Of the certificates of this configuration: how many each is to renew, and
 * renews now. */
struct share {
	json_int_t	 owned, held;
};

static struct share *
count_shares(const struct cluster *k)
{
	struct share *shares = xcalloc(k->n_members + 1, sizeof(*shares));
	const struct certs *certs = k->env->certs;
	const struct lock *l;

	for (size_t i = 0; i < certs->n && k->n_renewers > 0; i++) {
		struct cert *c = certs->list[i];
		const struct member *owner;

		if (c->conf == NULL || c->conf->realm == NULL)
			continue;
		owner = member_owner(k, c);
		for (size_t j = 0; j < k->n_members; j++)
			shares[j].owned += k->members[j] == owner;
	}
	LIST_FOREACH(l, &k->locks, entry) {
		for (size_t j = 0; j < k->n_members; j++)
			shares[j].held += k->members[j]->lease == l->lease;
	}
	return shares;
}

static json_t *
member_json(const struct cluster *k, const struct member *m,
    const struct share *share)
{
	return json_pack("{s:s, s:b, s:s, s:s?, s:o, s:o, s:I, s:I, s:o, "
	    "s:b}", "name", m->name, "self", strcmp(m->name, k->k->name) == 0,
	    "role", cluster_role_name(m->role), "version", m->version,
	    "since", jsonx_time(m->since), "lease", json_sprintf("%llx",
	    (long long)m->lease), "owned", share->owned, "held", share->held,
	    "certificates", m->digest != NULL ? json_integer(m->n_certs) :
	    json_null(), "differs", differs_is(k, m));
}

static json_t *
members_json(const struct cluster *k, struct member *const *hosts,
    size_t n_hosts)
{
	struct share *shares = count_shares(k);
	const struct share none = { 0, 0 };
	json_t *list = json_array();

	for (size_t i = 0; i < k->n_members; i++)
		json_array_append_new(list, member_json(k, k->members[i],
		    &shares[i]));
	for (size_t i = 0; i < n_hosts; i++)
		json_array_append_new(list, member_json(k, hosts[i], &none));
	free(shares);
	return list;
}

static json_t *
locks_json(const struct cluster *k)
{
	json_t *list = json_array();
	const struct lock *l;

	LIST_FOREACH(l, &k->locks, entry) {
		const char *slash = strchr(l->path, '/');

		json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:b}",
		    "certificate", slash != NULL ? slash + 1 : l->path,
		    "member", l->member, "revision", (json_int_t)l->created,
		    "ours", l->is_held));
	}
	return list;
}

/* --- the members of etcd --- */

#define ASK_MS 2000
#define LISTED_MAX 10000	/* of those that serve */
#define LIST_MAX (8u << 20)	/* bytes */

/* One of them. */
struct asked {
	struct report_op *op;
	char		*members[2];	/* of conf, itself alone */
	struct conf_etcd conf;
	struct etcd_op	*call;
	json_t		*json;
};

struct report_op {
	struct cluster	*cluster;
	struct conf_cluster *conf;	/* of the list: */
	struct etcd_op	*list;		/* of those that only serve: */
	struct member	**hosts;
	size_t		 n_hosts;
	struct timer	 turn;		/* all have answered */
	struct asked	*asked;
	size_t		 n, n_open;
	report_done_cb	*done;
	void		*arg;
};

static json_t *
answer_json(const struct asked *a, const struct error *err,
    const json_t *reply)
{
	const char *leader = jsonx_str(reply, "leader");
	const char *self = jsonx_str(reply, "header.member_id");
	const char *version = jsonx_str(reply, "version");
	json_t *alarms = json_deep_copy(jsonx_get(reply, "errors"));

	if (!json_is_array(alarms)) {
		json_decref(alarms);
		alarms = json_array();
	}
	return json_pack("{s:s, s:s?, s:b, s:I, s:o, s:o}",
	    "url", a->members[0], "version", version, "leader",
	    leader != NULL && self != NULL && strcmp(leader, self) == 0,
	    "db_size", (json_int_t)jsonx_number(reply, "dbSize", 0),
	    "alarms", alarms, "error", err != NULL ? jsonx_error(err,
	    clock_now()) : json_null());
}

static void
answered(const struct error *err, const json_t *reply, void *arg)
{
	struct asked *a = arg;

	a->call = NULL;
	a->json = answer_json(a, err, reply);
	if (--a->op->n_open == 0)
		timer_set(&a->op->turn, 0);
}

/* --- those that only serve --- */

static void
told_host(const struct etcd_kv *kv, void *arg)
{
	struct report_op *op = arg;
	const struct cluster *k = op->cluster;
	char *key = xasprintf("%s/host/%s", k->k->prefix, kv->key);

	op->hosts = xreallocarray(op->hosts, op->n_hosts + 1,
	    sizeof(*op->hosts));
	op->hosts[op->n_hosts++] = member_read(k, key, kv->key, kv);
	free(key);
}

/* Why there are none the members of etcd tell. */
static void
listed(const struct error *err, const json_t *reply, void *arg)
{
	struct report_op *op = arg;
	const struct cluster *k = op->cluster;
	const json_t *kv;
	char *prefix;
	size_t i;

	(void)err;
	op->list = NULL;
	if (--op->n_open == 0)
		timer_set(&op->turn, 0);
	/* A reload may have ended it. */
	if (k->k == NULL)
		return;
	prefix = xasprintf("%s/host/", k->k->prefix);
	json_array_foreach(jsonx_get(reply, "kvs"), i, kv)
		(void)etcd_kv_read(kv, prefix, true, told_host, op);
	free(prefix);
}

static void
list_start(struct report_op *op)
{
	char *prefix;

	op->conf = conf_cluster_copy(op->cluster->k);
	prefix = xasprintf("%s/host/", op->conf->prefix);
	op->n_open++;
	op->list = etcd_call_start(op->cluster->env->etcd,
	    &(struct etcd_args){ .conf = op->conf->etcd,
	    .max_reply = LIST_MAX, .timeout_ms = ASK_MS }, "/v3/kv/range",
	    json_pack("{s:o, s:o, s:i}", "key", etcd_text(prefix),
	    "range_end", etcd_prefix_end(prefix), "limit", LISTED_MAX),
	    listed, op);
	free(prefix);
}

/* --- the answer --- */

static json_t *
etcd_json(struct report_op *op)
{
	json_t *list = json_array();

	for (size_t i = 0; i < op->n; i++) {
		json_array_append_new(list, op->asked[i].json);
		op->asked[i].json = NULL;
	}
	return list;
}

static json_t *
report_json(struct report_op *op)
{
	const struct cluster *k = op->cluster;
	const struct membership *m = k->membership;

	return json_pack("{s:s, s:s, s:s, s:b, s:i, s:I, s:b, s:I, s:o, s:o, "
	    "s:o, s:o, s:o, s:o}",
	    "name", k->k->name,
	    "role", cluster_role_name(k->k->role),
	    "prefix", k->k->prefix,
	    "joined", m != NULL && membership_is_held(m),
	    "lease_s", k->k->lease_s,
	    "lease_left_ms", (json_int_t)(m != NULL ?
	    membership_left_ms(m) : 0),
	    "current", k->is_current,
	    "revision", (json_int_t)(k->mirror != NULL ?
	    etcd_mirror_revision(k->mirror) : 0),
	    "behind_since", jsonx_time(k->old_since),
	    "error", k->trouble.kind != ERR_NONE ?
	    jsonx_error(&k->trouble, k->trouble_since) : json_null(),
	    "differs", k->differs.kind != ERR_NONE ?
	    jsonx_error(&k->differs, k->differs_since) : json_null(),
	    "members", members_json(k, op->hosts, op->n_hosts),
	    "locks", locks_json(k),
	    "etcd", etcd_json(op));
}

static void
turn_cb(void *arg)
{
	struct report_op *op = arg;
	struct error err;
	json_t *json;

	/* A reload may have ended it. */
	if (op->cluster->k == NULL) {
		(void)error_set(&err, ERR_CONFIG, "cluster:none", "there is "
		    "no section cluster { } in the configuration");
		op->done(&err, NULL, op->arg);
	} else {
		json = report_json(op);
		op->done(NULL, json, op->arg);
		json_decref(json);
	}
	report_cancel(op);
}

static void
ask(struct report_op *op, const struct conf_etcd *conf)
{
	while (conf->members[op->n] != NULL)
		op->n++;
	op->asked = xcalloc(op->n, sizeof(*op->asked));
	for (size_t i = 0; i < op->n; i++) {
		struct asked *a = &op->asked[i];

		a->op = op;
		a->members[0] = xstrdup(conf->members[i]);
		/* This is told to anybody. */
		a->conf = (struct conf_etcd){ .members = a->members };
		if (conf->ca_file != NULL)
			a->conf.ca_file = xstrdup(conf->ca_file);
		if (conf->cert_file != NULL) {
			a->conf.cert_file = xstrdup(conf->cert_file);
			a->conf.key_file = xstrdup(conf->key_file);
		}
		op->n_open++;
		a->call = etcd_call_start(op->cluster->env->etcd,
		    &(struct etcd_args){ .conf = &a->conf,
		    .timeout_ms = ASK_MS }, "/v3/maintenance/status",
		    json_object(), answered, a);
	}
}

struct report_op *
report_start(struct cluster *k, report_done_cb *done, void *arg)
{
	struct report_op *op = xcalloc(1, sizeof(*op));

	op->cluster = k;
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, k->env->loop, turn_cb, op);
	if (k->k != NULL) {
		ask(op, k->k->etcd);
		list_start(op);
	} else {
		timer_set(&op->turn, 0);
	}
	return op;
}

void
report_cancel(struct report_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	etcd_cancel(op->list);
	conf_cluster_free(op->conf);
	for (size_t i = 0; i < op->n_hosts; i++)
		member_free(op->hosts[i]);
	free(op->hosts);
	for (size_t i = 0; i < op->n; i++) {
		struct asked *a = &op->asked[i];

		etcd_cancel(a->call);
		json_decref(a->json);
		free(a->members[0]);
		free(a->conf.ca_file);
		free(a->conf.cert_file);
		free(a->conf.key_file);
	}
	free(op->asked);
	free(op);
}
