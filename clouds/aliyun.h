/* SPDX-License-Identifier: MIT */
/*
 * aliyun - what the products of Alibaba Cloud share here: their requests, and
 * the store that most of them take certificates from.
 */
#ifndef CLOUDS_ALIYUN_H
#define CLOUDS_ALIYUN_H

#include "clouds/cloud.h"

/* A service: "cdn" at cdn.aliyuncs.com, with that version of its API. */
struct aliyun_service {
	const char	*host;
	const char	*version;
};

/* ACS3; builders begin with aliyun_action(). */
extern const struct cloud_api aliyun_api;
/* A POST; parameters follow with preq_query(), or all, with those that are
 * secret or long, with preq_form(). */
void	aliyun_action(struct preq *, const struct aliyun_service *,
	    const char *action);

/*
 * Certificate Management Service: clouds/aliyun_cas.c.  For tables that have
 * CLOUD_SITE_OPT.
 */
extern const struct cloud_store aliyun_cas_store;
/* "cn-hangzhou" or "ap-southeast-1": what CAS' ids belong to. */
const char *aliyun_cas_region(const struct cloud_call *);

#endif
