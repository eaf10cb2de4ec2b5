/* SPDX-License-Identifier: MIT */
/*
 * objsign - the Authorization of one request to an object store: AWS
 * Signature Version 4 for S3 (docs.aws.amazon.com, "Signature Calculations
 * for the Authorization Header") and Aliyun's OSS4-HMAC-SHA256
 * (help.aliyun.com, "Include a V4 signature in the Authorization header").
 */
#ifndef DAEMON_PUBLISH_OBJSIGN_H
#define DAEMON_PUBLISH_OBJSIGN_H

#include <stddef.h>
#include <time.h>

enum objsign_scheme {
	OBJSIGN_S3,
	OBJSIGN_OSS
};

struct objsign_header {
	const char	*name;		/* lower case */
	const char	*value;		/* no white space at its ends */
};

struct objsign_args {			/* borrowed */
	enum objsign_scheme scheme;
	const char	*region, *key_id, *secret;
	const char	*method;
	const char	*path;		/* encoded, "/" kept.  S3: as sent;
					   OSS: /BUCKET/KEY, always */
	const char	*query;		/* encoded, sorted; "" for none */
	const char	*payload;	/* SHA-256 in hex, or
					   "UNSIGNED-PAYLOAD" */
	/* What is signed, sorted by name, all of it: also the date and the
	   payload.  S3 wants host among them. */
	const struct objsign_header *headers;
	size_t		 n_headers;
	time_t		 now;		/* the same as in the date header */
};

/* The header's value; the caller frees with freezero_str(). */
char		*objsign(const struct objsign_args *);
/* "20260102T030405Z" */
#define OBJSIGN_STAMP_SIZE sizeof("20260102T030405Z")
const char	*objsign_stamp(time_t, char out[OBJSIGN_STAMP_SIZE]);
/* Percent-encode all but unreserved characters and "/"; the caller frees. */
char		*objsign_encode(const char *path);

#endif
