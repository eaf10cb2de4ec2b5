/* SPDX-License-Identifier: MIT */
/* Where the members of a cluster meet: one realm for each CA. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"
#include "daemon/store/seal.h"

#define CLUSTER		"cluster"	/* as people see its repository */
#define PUBLISH_TIMEOUT_S 30
#define BEHIND_AFTER_S	3600

static struct conf_realm *
realm_new(const struct conf_cluster *k, const char *id)
{
	struct conf_realm *realm = xcalloc(1, sizeof(*realm));
	struct conf_repository *r = xcalloc(1, sizeof(*r));
	struct conf_deploy *d = xcalloc(1, sizeof(*d));

	(void)text_printf(realm->id, sizeof(realm->id), "%s", id);
	r->name = xstrdup(CLUSTER);
	r->type = REPOSITORY_ETCD;
	r->etcd = k->etcd;
	r->prefix = xasprintf("%s/%s/certs/", k->prefix, id);
	r->secret_file = k->secret_file;
	r->secret = k->secret;
	r->encrypted = true;
	r->of_cluster = true;
	r->receipts = true;
	r->behind_after_s = BEHIND_AFTER_S;
	r->waves = k->waves;
	r->n_waves = k->n_waves;
	r->wave_pause_s = k->wave_pause_s;
	r->hash = k->hash;
	d->name = CLUSTER;
	d->timeout_s = PUBLISH_TIMEOUT_S;
	d->publish = r;
	d->is_shared = true;
	realm->certs = r;
	realm->publish = d;
	return realm;
}

static const struct conf_realm *
realm_of(struct conf *conf, const char *directory)
{
	char hash[SEAL_MAC_SIZE], id[CONF_REALM_ID_SIZE];

	seal_hash(directory, strlen(directory), hash);
	(void)text_printf(id, sizeof(id), "%.8s", hash);
	for (size_t i = 0; i < conf->n_realms; i++) {
		if (strcmp(conf->realms[i]->id, id) == 0)
			return conf->realms[i];
	}
	conf->realms = xreallocarray(conf->realms, conf->n_realms + 1,
	    sizeof(*conf->realms));
	return conf->realms[conf->n_realms++] = realm_new(conf->cluster, id);
}

void
check_realms(struct check *c)
{
	struct conf *conf = c->conf;

	/* Receipts and waves in state.db would be both's. */
	for (size_t i = 0; conf->cluster != NULL && i < c->repositories.n;
	    i++) {
		const struct section *sec = c->repositories.rows[i].sec;

		if (strcmp(sec->title, CLUSTER) == 0)
			opt_mistake(c->m, sec, sec->line, "with cluster { } "
			    "this is the name of what its members share; "
			    "allowed: another name");
	}
	for (size_t i = 0; conf->cluster != NULL && i < conf->n_certs; i++) {
		struct conf_cert *cert = conf->certs[i];

		/* The file of csr is this machine's: refused. */
		if (conf_is_issued(cert) && (cert->csr == NULL ||
		    cert->csr->is_hosts) &&
		    cert->account != NULL &&
		    cert->account->directory != NULL)
			cert->realm = realm_of(conf,
			    cert->account->directory);
	}
}

void
check_free_realms(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_realms; i++) {
		struct conf_realm *realm = conf->realms[i];

		/* The rest is the cluster's. */
		free(realm->certs->name);
		free(realm->certs->prefix);
		free(realm->certs);
		free(realm->publish);
		free(realm);
	}
	free(conf->realms);
}
