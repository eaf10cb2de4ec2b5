/* SPDX-License-Identifier: MIT */
/*
 * scheme_v4 - AWS Signature Version 4 and what other vendors made of it: the
 * same canonical request, chain of keys and header, with other words.  Called
 * last in a provider's .prepare.
 */
#ifndef DAEMON_REST_SCHEME_V4_H
#define DAEMON_REST_SCHEME_V4_H

struct preq;

struct scheme_v4 {
	const char	*algorithm;	/* "AWS4-HMAC-SHA256" */
	const char	*key_prefix;	/* before the secret: "AWS4", or "" */
	const char	*terminator;	/* of the scope: "aws4_request" */
	const char	*date_header;	/* "X-Amz-Date" */
	const char	*hash_header;	/* of the body's hash; NULL: none */
	const char	*service;	/* "route53" */
};

/*
 * Set the date (now), the hash and Authorization.  Every header set before is
 * signed, and Host.  The path is signed as it is sent.
 */
void	scheme_v4_sign(struct preq *, const struct scheme_v4 *,
	    const char *region, const char *key_id, const char *secret);

#endif
