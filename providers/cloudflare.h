/* SPDX-License-Identifier: MIT */
/*
 * cloudflare - what the services of Cloudflare (API v4) have in common: a
 * token, an envelope that says whether it went well, and codes that are
 * numbers.
 */
#ifndef PROVIDERS_CLOUDFLARE_H
#define PROVIDERS_CLOUDFLARE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/rest/rest.h"

#define CLOUDFLARE_API "https://api.cloudflare.com/client/v4"

/* Does the refusal have that code? */
bool	cloudflare_has_code(const struct rest_answer *, int64_t code);
/* For .is_refusal: some errors come with status 200. */
bool	cloudflare_is_refusal(const struct rest_answer *);
/* For .failed. */
void	cloudflare_failed(const struct rest_answer *, struct error *);

#endif
