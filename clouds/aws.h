/* SPDX-License-Identifier: MIT */
/* aws - what the products of Amazon share here. */
#ifndef CLOUDS_AWS_H
#define CLOUDS_AWS_H

#include "clouds/cloud.h"

/* For tables that have "region" and AWS_ARN_OPT as their first options. */
enum { AWS_REGION, AWS_ARN };
#define AWS_REGION_OPT \
	[AWS_REGION] = { .name = "region", .required = true, \
	    .help = "region of what uses the certificate, \"eu-central-1\"; " \
	    "CloudFront's is us-east-1" }
#define AWS_ARN_OPT \
	[AWS_ARN] = { .name = "certificate_arn", \
	    .help = "of an imported certificate that is to be replaced from " \
	    "now on; otherwise a new one is imported the first time" }
/* For .check. */
int	aws_check_region(const struct provider_values *, struct error *);
/* The service's address in the region, as the base of the request. */
void	aws_base(const struct cloud_call *, struct preq *,
	    const char *service);
/* For .prepare. */
int	aws_prepare(const struct cloud_call *, struct preq *,
	    const char *service);


/* AWS Certificate Manager: clouds/aws_acm.c.  Of its region. */
extern const struct cloud_store aws_acm_store;

#endif
