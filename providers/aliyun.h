/* SPDX-License-Identifier: MIT */
/*
 * aliyun - what the services of Alibaba Cloud have in common: requests in RPC
 * style with signature V3 (ACS3-HMAC-SHA256), and codes of errors.
 */
#ifndef PROVIDERS_ALIYUN_H
#define PROVIDERS_ALIYUN_H

#include "daemon/rest/rest.h"

/* For .prepare: x-acs-action, parameters or body are set before.  token: of
 * STS, or NULL; version NULL: its header is set already. */
void		 aliyun_sign(struct preq *, const char *version,
		    const char *id, const char *secret, const char *token);
/* The vendor's code of a refusal; never NULL. */
const char	*aliyun_code(const struct rest_answer *);
/* For .failed. */
void		 aliyun_failed(const struct rest_answer *, struct error *);

#endif
