/* SPDX-License-Identifier: MIT */
/*
 * aliyun_cdn - what CDN has in common with DCDN, which has the same calls under
 * other names.
 */
#ifndef CLOUDS_ALIYUN_CDN_H
#define CLOUDS_ALIYUN_CDN_H

#include "clouds/aliyun.h"

enum { ALIYUN_CDN_DOMAINS = ALIYUN_SITE + 1 };
#define ALIYUN_CDN_OPTS \
	ALIYUN_SITE_OPT, \
	[ALIYUN_CDN_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true, \
	    .type = PROVIDER_OPT_LIST, \
	    .help = "accelerated domains; a wildcard is \".example.com\"" }, \
	CLOUD_OPTS

/* A service: its calls, and the members of an entry of what is bound. */
struct aliyun_cdn {
	struct aliyun_service service;
	const char	*describe, *set;
	const char	*status, *pem;
};

/*
 * Builders and readers of their steps; entry c->at of the domains is read
 * (NULL: skipped), and what is not bound yet is bound.
 */
void		 aliyun_cdn_describe(const struct aliyun_cdn *,
		    const struct cloud_call *, struct preq *);
enum rest_next	 aliyun_cdn_described(const struct aliyun_cdn *,
		    struct cloud_call *, const struct rest_answer *);
void		 aliyun_cdn_set(const struct aliyun_cdn *,
		    struct cloud_call *, struct preq *);
enum rest_next	 aliyun_cdn_was_set(void *user, const struct rest_answer *,
		    struct error *);
enum rest_next	 aliyun_cdn_shown(const struct aliyun_cdn *,
		    struct cloud_call *, const struct rest_answer *);
/* The next domain that is not bound yet, at c->at. */
const char	*aliyun_cdn_next(struct cloud_call *);

#endif
