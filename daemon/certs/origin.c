/* SPDX-License-Identifier: MIT */
#include "daemon/certs/origin.h"

#include <stddef.h>

#include "daemon/certs/cert.h"

bool
origin_is_cluster(const struct cert *c)
{
	return c->conf != NULL && c->conf->realm != NULL && c->is_taken;
}

const struct conf_repository *
origin_repository(const struct cert *c)
{
	if (c->conf == NULL || c->conf->source != NULL)
		return c->conf != NULL ? c->conf->source : NULL;
	return origin_is_cluster(c) ? c->conf->realm->certs : NULL;
}

bool
origin_is_ca(const struct cert *c)
{
	return c->conf != NULL && conf_is_issued(c->conf) &&
	    origin_repository(c) == NULL;
}

const char *
origin_host(const struct cert *c, const struct conf_repository *r)
{
	if (r->host != NULL)
		return r->host;
	return c->conf != NULL && c->conf->realm != NULL ?
	    c->certs->conf->cluster->name : c->certs->conf->host_name;
}

const char *
origin_wave_host(const struct cert *c, const struct conf_repository *r)
{
	/* Nothing older than what is published may be renewed, and a member
	 * that does not serve endangers nobody. */
	if (origin_is_cluster(c) && (c->is_ours ||
	    c->certs->conf->cluster->role == CLUSTER_RENEW))
		return NULL;
	return origin_host(c, r);
}
