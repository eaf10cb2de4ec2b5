/* SPDX-License-Identifier: MIT */
/*
 * Have all members that renew the same certificates to renew?  A renewer is
 * chosen for any certificate by its name, whether it has that one or not.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/rendezvous.h"
#include "daemon/config/conf_csr.h"
#include "daemon/store/keys.h"

#define LEASES		2	/* a reload of all members takes time */
#define ALARM_S		61	/* alerts/alarm.c waits as long */
#define LISTED		5

/* What keys it is to have, and how it is to be issued: two members that differ
 * in that would take turns at renewing it differently. */
static char *
manner(const struct conf_cert *cc)
{
	const char *profile = cc->profile != NULL ? cc->profile : "";

	if (cc->csr != NULL)
		return xasprintf("csr of host %s %s", cc->csr->host->name,
		    profile);
	return xasprintf("%s+%s %s", key_type_name(cc->key), cc->is_pair ?
	    key_type_name(cc->second_key) : "", profile);
}

/* The sum: in whatever order they, and their names, are configured. */
void
differs_count(struct cluster *k)
{
	const struct certs *certs = k->env->certs;

	k->n_certs = 0;
	k->digest = 0;
	for (size_t i = 0; i < certs->n; i++) {
		const struct cert *c = certs->list[i];
		char path[CLUSTER_PATH_MAX], *text, *how;

		if (*cluster_path(c, path) == '\0')
			continue;
		k->n_certs++;
		text = manner(c->conf);
		how = xasprintf("%s  %s", path, text);
		k->digest += rendezvous_hash(how);
		free(how);
		free(text);
		for (unsigned j = 0; j < c->conf->n_names; j++) {
			text = xasprintf("%s %s", path,
			    c->conf->names[j].name);
			k->digest += rendezvous_hash(text);
			free(text);
		}
	}
	if (k->k->role != CLUSTER_SERVE)
		membership_tell(k->membership, k->n_certs, k->digest);
	differs_look(k);
}

bool
differs_is(const struct cluster *k, const struct member *m)
{
	char own[17];

	if (k->k->role == CLUSTER_SERVE || m->role == CLUSTER_SERVE ||
	    m->digest == NULL || strcmp(m->name, k->k->name) == 0)
		return false;
	(void)text_printf(own, sizeof(own), "%016llx",
	    (unsigned long long)k->digest);
	return strcmp(m->digest, own) != 0;
}

/* "r2" (11), "r3" (12); NULL: none. */
static char *
list(const struct cluster *k)
{
	char *text = NULL, *longer;
	size_t n = 0;

	for (size_t i = 0; i < k->n_members; i++) {
		const struct member *m = k->members[i];

		if (!differs_is(k, m) || n++ > LISTED)
			continue;
		longer = n > LISTED ? xasprintf("%s, ...", text) :
		    xasprintf("%s%s\"%s\" (%lld)", text != NULL ? text : "",
		    text != NULL ? ", " : "", m->name, (long long)m->n_certs);
		free(text);
		text = longer;
	}
	return text;
}

static void
tell(struct cluster *k, const char *members)
{
	(void)error_set(&k->differs, ERR_CONFIG, "cluster:differs", "members "
	    "with other certificates to renew than this one (%zu): %s, or "
	    "with other names or keys in them; some may be renewed by nobody, "
	    "or each time differently: give all members the same file, or "
	    "role = serve", k->n_certs, members);
}

void
differs_tell_cb(void *arg)
{
	struct cluster *k = arg;
	char *members = list(k);

	if (members == NULL)
		return;
	if (k->differs.kind == ERR_NONE) {
		tell(k, members);
		log_warning(NULL, "cluster: %s", k->differs.msg);
		timer_set(&k->differs_tell, (int64_t)ALARM_S * 1000);
	}
	free(members);
	timer_set(&k->tell, 0);
}

void
differs_look(struct cluster *k)
{
	char *members = list(k);

	if (members == NULL) {
		if (k->differs.kind != ERR_NONE)
			log_notice(NULL, "cluster: all that renew have the "
			    "same certificates to renew again");
		k->differs.kind = ERR_NONE;
		k->differs_since = 0;
		timer_clear(&k->differs_tell);
	} else if (k->differs_since == 0) {
		k->differs_since = clock_now();
		timer_set(&k->differs_tell,
		    (int64_t)k->k->lease_s * 1000 * LEASES);
	} else if (k->differs.kind != ERR_NONE)
		tell(k, members);
	free(members);
}

const struct error *
cluster_differs(const struct cluster *k, time_t *since)
{
	if (k == NULL || k->k == NULL || k->differs.kind == ERR_NONE)
		return NULL;
	*since = k->differs_since;
	return &k->differs;
}
