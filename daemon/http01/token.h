/* SPDX-License-Identifier: MIT */
/*
 * token - where the challenges of http-01 are (RFC 8555 section 8.3), and
 * what may stand there: a token becomes a file's name.
 */
#ifndef DAEMON_HTTP01_TOKEN_H
#define DAEMON_HTTP01_TOKEN_H

#include <stdbool.h>

#define HTTP01_DIR ".well-known/acme-challenge"

/* base64url without padding, not empty, not longer than a CA's may be. */
bool		 http01_token_is_ok(const char *token);
/* The token of "/.well-known/acme-challenge/TOKEN", in path; NULL if it is
 * another path. */
const char	*http01_token_of(const char *path);

#endif
