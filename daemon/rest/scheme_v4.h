/* SPDX-License-Identifier: MIT */
/*
 * scheme_v4 - AWS Signature Version 4 (docs.aws.amazon.com, "Signature
 * Calculations for the Authorization Header") and what other vendors made of
 * it: the same canonical request, chain of keys and header, with other words.
 * Called when the rest of the request is built.
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
	const char	*payload;	/* instead of the body's hash:
					   "UNSIGNED-PAYLOAD"; NULL: none */
	/* Aliyun's OSS (help.aliyun.com, "Include a V4 signature in the
	 * Authorization header") signs Content-Type, Content-MD5 and the
	 * headers that begin so, "x-oss-", and wants no names; NULL: all and
	 * Host. */
	const char	*own_headers;
	const char	*path;		/* encoded, instead of the one that is
					   sent; NULL: none */
};

/*
 * Set the date (now), the hash and Authorization.  Every header set before is
 * signed, and Host.
 */
void	scheme_v4_sign(struct preq *, const struct scheme_v4 *,
	    const char *region, const char *key_id, const char *secret);

#endif
