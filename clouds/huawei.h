/* SPDX-License-Identifier: MIT */
/* huawei - what the products of Huawei Cloud share here. */
#ifndef CLOUDS_HUAWEI_H
#define CLOUDS_HUAWEI_H

#include "clouds/cloud.h"

/* SDK-HMAC-SHA256; builders begin with huawei_start(). */
extern const struct cloud_api huawei_api;
/* region NULL: a service of all regions. */
void	huawei_start(struct preq *, const char *method, const char *service,
	    const char *region, const char *path);
/* Does the refusal speak of a private key? */
bool	huawei_blames_key(const struct rest_answer *);

/* Of accounts with enterprise projects. */
#define HUAWEI_ENTERPRISE_OPT \
	{ .name = "enterprise_project_id", \
	    .help = "enterprise project, for accounts that have them" }

#endif
