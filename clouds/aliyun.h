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
 * Readers of refusals.  Of an upload: is the store full, does it want the other
 * form of the key, is it there already?  And of a change: does another one have
 * to end before?  Then it is tried again until it does.
 */
enum rest_next aliyun_upload_refused(void *user, const struct rest_answer *,
	    struct error *);
enum rest_next aliyun_wait_if_busy(void *user, const struct rest_answer *,
	    struct error *);
/* For .check: is it the name of a region? */
int	aliyun_check_region(const char *, struct error *);

/*
 * Certificate Management Service: clouds/aliyun_cas.c.  For tables that have
 * CLOUD_SITE_OPT.
 */
extern const struct cloud_store aliyun_cas_store;
/* "cn-hangzhou" or "ap-southeast-1": what CAS' ids belong to. */
const char *aliyun_cas_region(const struct cloud_call *);
/* "ID-cn-hangzhou", as products want the id; out. */
const char *aliyun_cas_identifier(const struct cloud_call *, const char *id,
	    char *out, size_t size);

#endif
