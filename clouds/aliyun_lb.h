/* SPDX-License-Identifier: MIT */
/*
 * aliyun_lb - what ALB has in common with NLB, which has the same calls under
 * other names: a listener, its default certificate from CAS and further ones,
 * and changes that are jobs.
 */
#ifndef CLOUDS_ALIYUN_LB_H
#define CLOUDS_ALIYUN_LB_H

#include "clouds/aliyun.h"

enum { ALIYUN_LB_REGION = CLOUD_SITE + 1, ALIYUN_LB_LISTENER, ALIYUN_LB_ROLE,
    ALIYUN_LB_DOMAINS };
#define ALIYUN_LB_OPTS \
	CLOUD_SITE_OPT, \
	[ALIYUN_LB_REGION] = { .name = "region", .required = true, \
	    .help = "of the load balancer, \"cn-hangzhou\"" }, \
	[ALIYUN_LB_LISTENER] = { .name = "listener_id", .required = true, \
	    .help = "of the listener, \"lsn-...\"" }, \
	[ALIYUN_LB_ROLE] = { .name = "certificate", .fallback = "default", \
	    .help = "default: the listener's default certificate; " \
	    "additional: one more, for the names in it (SNI)" }, \
	[ALIYUN_LB_DOMAINS] = { .name = CLOUD_DOMAINS, \
	    .type = PROVIDER_OPT_LIST, \
	    .help = "names that are looked at afterwards" }, \
	CLOUD_OPTS

/* A service, its calls, and their parameters that are not the same. */
struct aliyun_lb {
	const char	*name, *version;	/* alb.REGION.aliyuncs.com */
	const char	*update_id;		/* of UpdateListenerAttribute */
	const char	*add_id;	/* of AssociateAdditional... */
	const char	*drop;		/* a call; the parameter is add's */
	const char	*job, *job_id;	/* asks for a job */
};

/* Steps and check of both, whose .service is a struct aliyun_lb. */
extern const struct rest_step aliyun_lb_look[], aliyun_lb_bind[];
int	aliyun_lb_check(const struct provider_values *, struct error *);

#endif
