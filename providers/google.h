/* SPDX-License-Identifier: MIT */
/*
 * google - what the services of Google Cloud have in common: service accounts,
 * and the access tokens that are given for them
 * (https://developers.google.com/identity/protocols/oauth2/service-account).
 */
#ifndef PROVIDERS_GOOGLE_H
#define PROVIDERS_GOOGLE_H

#include <jansson.h>

#include "daemon/rest/rest.h"

#define GOOGLE_TOKEN_URL "https://oauth2.googleapis.com/token"

/*
 * The key of a service account, from the JSON text of its file (NULL: none was
 * given), with client_email and private_key.  The caller releases it.  NULL and
 * ERR_CONFIG "gcloud:account".
 */
json_t	*google_account(const char *text, struct error *);
/* Ask the account's token service, or that at url if it is not NULL, for a
 * token for the scope (RFC 7523).  -1 and ERR_CONFIG if the key is unusable. */
int	google_token_start(struct preq *, const json_t *account,
	    const char *url, const char *scope, struct error *);

#endif
