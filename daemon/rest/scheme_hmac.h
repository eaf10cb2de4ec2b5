/* SPDX-License-Identifier: MIT */
/*
 * scheme_hmac - the signatures of Alibaba, Tencent and Huawei Cloud: a hash
 * of the canonical request, signed with HMAC-SHA256.  For .prepare: all that
 * is to be signed is set before, "Authorization" is set here.
 */
#ifndef DAEMON_REST_SCHEME_HMAC_H
#define DAEMON_REST_SCHEME_HMAC_H

#include <time.h>

#include "daemon/rest/sign.h"

struct preq;

/*
 * Hex SHA-256 of METHOD, path, sorted query, headers, their names and the
 * body's hash, joined by newlines; path NULL: the one that is sent.
 */
const char	*scheme_request_hash(struct preq *, const char *path,
		    const char *headers, const char *names,
		    char out[SIGN_HEX]);
/* Hex SHA-256 of the body. */
const char	*scheme_body_hash(struct preq *, char out[SIGN_HEX]);

/* ACS3-HMAC-SHA256; x-acs-date and the others are set already. */
void	scheme_acs3(struct preq *, const char *id, const char *secret);
/*
 * TC3-HMAC-SHA256 of the headers set so far; those that are not signed
 * (X-TC-Timestamp with this time, ...) are to be set after.
 */
void	scheme_tc3(struct preq *, const char *service, const char *id,
	    const char *secret, time_t now);
/* SDK-HMAC-SHA256; X-Sdk-Date is set already. */
void	scheme_sdk(struct preq *, const char *id, const char *secret);

#endif
