/* SPDX-License-Identifier: MIT */
/*
 * volc - what the services of Volcano Engine have in common: requests to one
 * address with signature HMAC-SHA256
 * (https://www.volcengine.com/docs/6369/67269), and codes of errors.
 */
#ifndef PROVIDERS_VOLC_H
#define PROVIDERS_VOLC_H

#include "daemon/rest/rest.h"

#define VOLC_URL "https://open.volcengineapi.com"

/* Begin a request with its first two parameters. */
void		 volc_action(struct preq *, const char *method,
		    const char *action, const char *version);
/* For .prepare: all else is set before.  token: of STS, or NULL. */
void		 volc_sign(struct preq *, const char *service,
		    const char *region, const char *id, const char *secret,
		    const char *token);
/* The vendor's code of a refusal; never NULL. */
const char	*volc_code(const struct rest_answer *);
/* For .is_refusal. */
bool		 volc_is_refusal(const struct rest_answer *);
/* For .failed. */
void		 volc_failed(const struct rest_answer *, struct error *);
/* The same of a code and its message that are told elsewhere; NULL: not. */
void		 volc_judge(const struct rest_answer *, const char *code,
		    const char *words, struct error *);

#endif
