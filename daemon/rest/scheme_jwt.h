/* SPDX-License-Identifier: MIT */
/*
 * scheme_jwt - JSON Web Tokens (RFC 7519) signed with RS256, which services
 * give access tokens for (RFC 7523).
 */
#ifndef DAEMON_REST_SCHEME_JWT_H
#define DAEMON_REST_SCHEME_JWT_H

#include <jansson.h>

struct error;

/*
 * HEAD.CLAIMS.SIGNATURE; alg and typ are put into head.  The caller wipes it
 * with freezero_str().  NULL and ERR_CONFIG "sign:key" if the key, in PEM, is
 * unusable.
 */
char	*jwt_rs256(json_t *head /* taken */, json_t *claims /* taken */,
	    const char *key_pem, struct error *);

#endif
