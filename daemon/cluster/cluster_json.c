/* SPDX-License-Identifier: MIT */
/* What acmectl cluster status shows. */
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
		if (c->name_hash == 0)
			c->name_hash = rendezvous_hash(c->row.name);
		owner = k->by_renewer[rendezvous_pick(k->renewers,
		    k->n_renewers, c->name_hash)];
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
members_json(const struct cluster *k)
{
	struct share *shares = count_shares(k);
	json_t *list = json_array();

	for (size_t i = 0; i < k->n_members; i++) {
		const struct member *m = k->members[i];

		json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s?, "
		    "s:o, s:o, s:I, s:I}", "name", m->name, "self",
		    strcmp(m->name, k->k->name) == 0,
		    "role", cluster_role_name(m->role),
		    "version", m->version, "since", jsonx_time(m->since),
		    "lease", json_sprintf("%llx", (long long)m->lease),
		    "owned", shares[i].owned, "held", shares[i].held));
	}
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

json_t *
cluster_json(const struct cluster *k)
{
	json_t *etcd, *error = json_null();
	char **m;

	if (k->k == NULL)
		return NULL;
	etcd = json_array();
	for (m = k->k->etcd->members; *m != NULL; m++)
		json_array_append_new(etcd, json_string(*m));
	if (k->trouble.kind != ERR_NONE)
		error = jsonx_error(&k->trouble, k->trouble_since);
	return json_pack("{s:s, s:s, s:s, s:b, s:i, s:I, s:b, s:I, s:o, s:o, "
	    "s:o, s:o, s:o}",
	    "name", k->k->name,
	    "role", cluster_role_name(k->k->role),
	    "prefix", k->k->prefix,
	    "joined", k->membership != NULL &&
	    membership_is_held(k->membership),
	    "lease_s", k->k->lease_s,
	    "lease_left_ms", (json_int_t)(k->membership != NULL ?
	    membership_left_ms(k->membership) : 0),
	    "current", k->is_current,
	    "revision", (json_int_t)(k->mirror != NULL ?
	    etcd_mirror_revision(k->mirror) : 0),
	    "behind_since", jsonx_time(k->old_since),
	    "error", error, "members", members_json(k),
	    "locks", locks_json(k), "etcd", etcd);
}
