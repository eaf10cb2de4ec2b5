/* SPDX-License-Identifier: MIT */
/*
 * huawei - what the services of Huawei Cloud have in common: the signature
 * SDK-HMAC-SHA256 (https://support.huaweicloud.com/intl/en-us/devg-apisign/),
 * and codes of the gateway before them.
 */
#ifndef PROVIDERS_HUAWEI_H
#define PROVIDERS_HUAWEI_H

#include <stdbool.h>

#include "daemon/rest/rest.h"

/* For .prepare: all else is set before.  project: of keys that are restricted
 * to one, or NULL; token: of temporary keys, or NULL. */
void		 huawei_sign(struct preq *, const char *project,
		    const char *id, const char *secret, const char *token);
/* The code of the service, or of the gateway; never NULL. */
const char	*huawei_code(const struct rest_answer *);
/* Is it one of these?  "APIGW.0301" is also what newer gateways call
 * "APIG.0301". */
bool		 huawei_is_code(const struct rest_answer *,
		    const char *const *codes);
#define HUAWEI_CODE(a, ...) \
	huawei_is_code(a, (const char *const []){ __VA_ARGS__, NULL })
/* For .failed: the gateway's codes, and the code behind the message. */
void		 huawei_failed(const struct rest_answer *, struct error *);
/* Could it be the name of a region, in a host's name? */
bool		 huawei_is_region(const char *);

#endif
