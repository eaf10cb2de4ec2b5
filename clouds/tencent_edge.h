/* SPDX-License-Identifier: MIT */
/*
 * tencent_edge - what CDN and EdgeOne have in common: domains that are read,
 * changed and looked at one by one until edges have the certificate.
 */
#ifndef CLOUDS_TENCENT_EDGE_H
#define CLOUDS_TENCENT_EDGE_H

#include "clouds/tencent.h"

enum { TENCENT_EDGE_DOMAINS = CLOUD_SITE + 1, TENCENT_EDGE_MORE };
#define TENCENT_EDGE_OPTS \
	CLOUD_SITE_OPT, \
	[TENCENT_EDGE_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true, \
	    .type = PROVIDER_OPT_LIST, \
	    .help = "accelerated domains, as the console shows them" }

/* A service; domain is what it says of one. */
struct tencent_edge {
	const char	*service, *version;	/* "cdn", "2018-06-06" */
	const char	*what;		/* the domains are of: "this zone" */
	const char	*describe, *update;	/* actions */
	const char	*domains, *total;	/* paths of an answer */
	const char	*name, *status;	/* members of a domain; its status is
					   online, or begins with "process" */
	const struct rest_code *kinds;	/* beside those of all services */
	const char	*const *busy;	/* codes of a change that came between;
					   NULL-terminated */
	/* Bodies of the two actions. */
	json_t		*(*query)(const struct cloud_call *, const char *name);
	json_t		*(*change)(const struct cloud_call *, const char *name,
			    const json_t *domain);
	/* Is c->id bound?  Has it reached the edges, or never will? */
	bool		(*has_ours)(const struct cloud_call *,
			    const json_t *domain);
	bool		(*is_live)(const struct cloud_call *,
			    const json_t *domain);
	bool		(*has_failed)(const struct cloud_call *,
			    const json_t *domain);
};

/* Of any of them, whose .service is a struct tencent_edge. */
extern const struct cloud_api tencent_edge_api;
extern const struct rest_step tencent_edge_look[], tencent_edge_bind[];

/* Is that the string at path? */
bool	tencent_edge_is(const json_t *, const char *path, const char *value);

#endif
