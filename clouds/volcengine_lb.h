/* SPDX-License-Identifier: MIT */
/*
 * volcengine_lb - what the load balancers ALB and CLB have in common: a
 * listener has a certificate, and domain extensions with others, by SNI.
 */
#ifndef CLOUDS_VOLCENGINE_LB_H
#define CLOUDS_VOLCENGINE_LB_H

#include "clouds/volcengine.h"

enum { VOLCENGINE_LB_REGION, VOLCENGINE_LB_LISTENER, VOLCENGINE_LB_DOMAINS };
#define VOLCENGINE_LB_OPTS \
	[VOLCENGINE_LB_REGION] = { .name = "region", .required = true, \
	    .help = "of the load balancer, \"cn-beijing\"" }, \
	[VOLCENGINE_LB_LISTENER] = { .name = "listener_id", \
	    .required = true, .help = "of HTTPS: \"lsn-...\"" }, \
	[VOLCENGINE_LB_DOMAINS] = { .name = CLOUD_DOMAINS, \
	    .type = PROVIDER_OPT_LIST, .help = "of the listener's domain " \
	    "extensions; without them the listener's own certificate is " \
	    "replaced" }, \
	CLOUD_OPTS

/* A service: how domain extensions are changed. */
struct volcengine_lb {
	const char	*service;	/* "alb" */
	const char	*modify;	/* action, and the list of its query */
	const char	*list;
	bool		 has_action;	/* entries say what they are for */
};

/* Of any of them, whose .service is a struct volcengine_lb. */
extern const struct cloud_api volcengine_lb_api;
extern const struct rest_step volcengine_lb_look[], volcengine_lb_bind[];
extern const char *const volcengine_lb_within[];

#endif
