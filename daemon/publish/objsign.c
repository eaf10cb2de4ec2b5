/* SPDX-License-Identifier: MIT */
#include "daemon/publish/objsign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/sign.h"

static const struct {
	const char	*algorithm, *key_prefix, *service, *terminator;
} schemes[] = {
	[OBJSIGN_S3] = { "AWS4-HMAC-SHA256", "AWS4", "s3", "aws4_request" },
	[OBJSIGN_OSS] = { "OSS4-HMAC-SHA256", "aliyun_v4", "oss",
	    "aliyun_v4_request" },
};

const char *
objsign_stamp(time_t now, char out[OBJSIGN_STAMP_SIZE])
{
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(out, OBJSIGN_STAMP_SIZE,
	    "%Y%m%dT%H%M%SZ", &tm) == 0)
		abort();
	return out;
}

char *
objsign_encode(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	static const char hex[] = "0123456789ABCDEF";
	char *out = xmalloc(strlen(path) * 3 + 1), *to = out;

	for (const char *p = path; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (strchr(plain, *p) != NULL) {
			*to++ = *p;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return out;
}

/* "name:value\n..." or, without values, "name;name". */
static char *
join_headers(const struct objsign_args *a, bool with_values)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < a->n_headers; i++) {
		const struct objsign_header *h = &a->headers[i];
		char *more = with_values ? xasprintf("%s%s:%s\n", all,
		    h->name, h->value) : xasprintf("%s%s%s", all,
		    i > 0 ? ";" : "", h->name);

		free(all);
		all = more;
	}
	return all;
}

static void
request_hash(const struct objsign_args *a, const char *signed_names,
    char out[SIGN_HEX])
{
	char *headers = join_headers(a, true);
	char *text = xasprintf("%s\n%s\n%s\n%s\n%s\n%s", a->method, a->path,
	    a->query, headers, signed_names, a->payload);

	(void)sign_hash_hex(SIGN_SHA256, text, out);
	free(text);
	free(headers);
}

char *
objsign(const struct objsign_args *a)
{
	const char *algorithm = schemes[a->scheme].algorithm;
	char stamp[OBJSIGN_STAMP_SIZE], date[9], hash[SIGN_HEX];
	const char *const links[] = { date, a->region,
	    schemes[a->scheme].service, schemes[a->scheme].terminator };
	char signature[SIGN_HEX], *scope, *text, *names, *value;

	(void)text_printf(date, sizeof(date), "%.8s",
	    objsign_stamp(a->now, stamp));
	/* OSS signs its own headers without being told their names. */
	names = a->scheme == OBJSIGN_S3 ? join_headers(a, false) :
	    xstrdup("");
	request_hash(a, names, hash);
	scope = xasprintf("%s/%s/%s/%s", date, a->region,
	    schemes[a->scheme].service, schemes[a->scheme].terminator);
	text = xasprintf("%s\n%s\n%s\n%s", algorithm, stamp, scope, hash);
	(void)sign_v4_hex(schemes[a->scheme].key_prefix, a->secret, links,
	    text, signature);
	value = a->scheme == OBJSIGN_S3 ? xasprintf("%s Credential=%s/%s,"
	    "SignedHeaders=%s,Signature=%s", algorithm, a->key_id, scope,
	    names, signature) : xasprintf("%s Credential=%s/%s,Signature=%s",
	    algorithm, a->key_id, scope, signature);
	free(names);
	free(scope);
	free(text);
	return value;
}
