/* SPDX-License-Identifier: MIT */
/*
 * aliyun_cdn - what CDN has in common with DCDN, which has the same calls under
 * other names.
 */
#ifndef CLOUDS_ALIYUN_CDN_H
#define CLOUDS_ALIYUN_CDN_H

#include "clouds/aliyun.h"

enum { ALIYUN_CDN_DOMAINS = CLOUD_SITE + 1 };
#define ALIYUN_CDN_OPTS \
	CLOUD_SITE_OPT, \
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

/* Steps of any of them, whose .service is a struct aliyun_cdn. */
extern const struct rest_step aliyun_cdn_look[], aliyun_cdn_bind[];

#endif
