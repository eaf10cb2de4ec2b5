/* SPDX-License-Identifier: MIT */
/* Who is there, and who of them renews. */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/cert.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/rendezvous.h"
#include "daemon/rollout/rollback.h"

void
member_free(struct member *m)
{
	free(m->name);
	free(m->version);
	free(m->digest);
	free(m);
}

static size_t
member_place(const struct cluster *k, const char *name, bool *is_there)
{
	size_t i = 0;

	while (i < k->n_members && strcmp(k->members[i]->name, name) < 0)
		i++;
	*is_there = i < k->n_members && strcmp(k->members[i]->name,
	    name) == 0;
	return i;
}

bool
cluster_has_member(const struct cluster *k, const char *name)
{
	bool is_there;

	(void)member_place(k, name, &is_there);
	return is_there;
}

static void
count_renewers(struct cluster *k)
{
	k->n_renewers = 0;
	k->renewers = xreallocarray(k->renewers, k->n_members + 1,
	    sizeof(*k->renewers));
	k->by_renewer = xreallocarray(k->by_renewer, k->n_members + 1,
	    sizeof(*k->by_renewer));
	for (size_t i = 0; i < k->n_members; i++) {
		struct member *m = k->members[i];

		if (m->version == NULL || m->role == CLUSTER_SERVE)
			continue;
		k->renewers[k->n_renewers] = m->hash;
		k->by_renewer[k->n_renewers++] = m;
	}
	differs_look(k);
	cluster_tell_later(k);
}

static enum cluster_role
read_role(const char *text)
{
	for (int i = 0; text != NULL && i < CLUSTER_ROLE_END; i++) {
		if (strcmp(text, cluster_role_name((enum cluster_role)i)) == 0)
			return (enum cluster_role)i;
	}
	return CLUSTER_SERVE;
}

struct member *
member_read(const struct cluster *k, const char *key, const char *name,
    const struct etcd_kv *kv)
{
	json_t *json = cluster_open(k, key, kv);
	const char *version = jsonx_str(json, "version");
	struct member *m = xcalloc(1, sizeof(*m));

	m->name = xstrdup(name);
	m->hash = rendezvous_hash(name);
	m->lease = kv->lease;
	m->role = read_role(jsonx_str(json, "role"));
	m->since = jsonx_int(json, "since", 0);
	xstrset(&m->version, json != NULL ? version != NULL ? version : "" :
	    NULL);
	m->n_certs = jsonx_int(json, "certificates", 0);
	xstrset(&m->digest, jsonx_str(json, "digest"));
	json_decref(json);
	return m;
}

void
member_put(struct cluster *k, const char *name, const struct etcd_kv *kv)
{
	char *key = cluster_key(k, "member/", name);
	struct member *m = member_read(k, key, name, kv);
	bool is_there;
	size_t i = member_place(k, name, &is_there);

	free(key);
	if (is_there) {
		member_free(k->members[i]);
	} else {
		k->members = xreallocarray(k->members, k->n_members + 1,
		    sizeof(*k->members));
		memmove(k->members + i + 1, k->members + i,
		    (k->n_members++ - i) * sizeof(*k->members));
		if (k->is_complete)
			log_info(NULL, "cluster: member \"%s\" is here", name);
	}
	k->members[i] = m;
	count_renewers(k);
}

void
member_gone(struct cluster *k, const char *name, int64_t revision)
{
	struct error err;
	bool is_there;
	size_t i = member_place(k, name, &is_there);

	if (!is_there)
		return;
	member_free(k->members[i]);
	memmove(k->members + i, k->members + i + 1,
	    (--k->n_members - i) * sizeof(*k->members));
	count_renewers(k);
	if (strcmp(name, k->k->name) != 0) {
		log_info(NULL, "cluster: member \"%s\" is gone", name);
		return;
	}
	(void)error_set(&err, ERR_TRANSIENT, "cluster:away", "this member's "
	    "key in etcd was deleted");
	membership_drop(k->membership, revision, &err);
}

void
members_clear(struct cluster *k)
{
	for (size_t i = 0; i < k->n_members; i++)
		member_free(k->members[i]);
	k->n_members = k->n_renewers = 0;
}

/* What the CA has answered it would answer all of us.  A provider, a server or
 * a file may be out of reach for one alone. */
static bool
may_be_of_one(const struct store_cert *row)
{
	return row->error != NULL && row->error->kind != ERR_RATELIMIT &&
	    strncmp(row->error->code, "acme:", 5) != 0;
}

unsigned
cluster_turns(const struct store_cert *row)
{
	/* A rollback is no try to renew it. */
	return may_be_of_one(row) && !rollback_is_error(row->error) ?
	    row->failures / CLUSTER_TRIES : 0;
}

/*
 * All go by what they have all been told, and so agree: what failed here alone,
 * or is not written yet, the others do not know.
 */
static unsigned
turns_over(const struct cert *c)
{
	return c->knows_turns ? c->turns_told : cluster_turns(&c->row);
}

bool
cluster_turns_told(struct cert *c, unsigned turns)
{
	unsigned was = turns_over(c);

	c->knows_turns = true;
	c->turns_told = turns;
	return turns != was;
}

const struct member *
member_owner(const struct cluster *k, struct cert *c)
{
	size_t nth;

	if (k->n_renewers == 0)
		return NULL;
	if (c->name_hash == 0)
		c->name_hash = rendezvous_hash(c->row.name);
	nth = turns_over(c) % k->n_renewers;
	return k->by_renewer[rendezvous_nth(k->renewers, k->n_renewers,
	    c->name_hash, nth)];
}

bool
cluster_passes_on(const struct cluster *k, struct cert *c)
{
	const struct member *owner;

	if (!cluster_holds(k, c) || turns_over(c) == 0)
		return false;
	owner = member_owner(k, c);
	return owner != NULL && strcmp(owner->name, k->k->name) != 0;
}
