/* SPDX-License-Identifier: MIT */
/*
 * aws - what the services of Amazon have in common: Signature Version 4 and
 * the codes of errors that are not about the request.
 */
#ifndef PROVIDERS_AWS_H
#define PROVIDERS_AWS_H

#include "daemon/rest/rest.h"

/* For .prepare; token: of temporary credentials, or NULL. */
void	aws_sign(struct preq *, const char *service, const char *region,
	    const char *key_id, const char *secret, const char *token);
/* Give err, whose message stays, the kind that the vendor's code means; and
 * tell how wrong the clock is, if that is it. */
void	aws_judge(const struct rest_answer *, const char *code,
	    struct error *);
/* Does it look like the name of a region, "eu-central-1"? */
bool	aws_is_region(const char *);

#endif
