/* SPDX-License-Identifier: MIT */
/*
 * tencent - what the services of Tencent Cloud (API 3.0) have in common: a
 * POST of JSON with signature TC3-HMAC-SHA256, errors that come with status
 * 200, and their codes.
 */
#ifndef PROVIDERS_TENCENT_H
#define PROVIDERS_TENCENT_H

#include "daemon/rest/rest.h"

/* For .prepare: body and X-TC-Action are set before; token: of STS, or
 * NULL. */
void		 tencent_sign(struct preq *, const char *service,
		    const char *version, const char *id, const char *key,
		    const char *token);
/* The vendor's code of a refusal; never NULL. */
const char	*tencent_code(const struct rest_answer *);
/* For .is_refusal. */
bool		 tencent_is_refusal(const struct rest_answer *);
/* For .failed. */
void		 tencent_failed(const struct rest_answer *, struct error *);

#endif
