/* SPDX-License-Identifier: MIT */
#include "daemon/rest/scheme_v4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/preq.h"
#include "daemon/rest/sign.h"

#define HASH_LEN 32
#define STAMP_SIZE sizeof("20260102T030405Z")

static const char *
utc_stamp(char out[STAMP_SIZE])
{
	time_t now = clock_now();
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(out, STAMP_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0)
		abort();
	return out;
}

/* Of "name:value\n" lines those that the vendor signs; the caller frees. */
static char *
own_lines(const char *lines, const char *prefix)
{
	char *out = xcalloc(1, strlen(lines) + 1), *to = out;

	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n") + 1;

		if (strncmp(lines, prefix, strlen(prefix)) == 0 ||
		    strncmp(lines, "content-type:", 13) == 0 ||
		    strncmp(lines, "content-md5:", 12) == 0)
			to = mempcpy(to, lines, len);
		lines += len;
	}
	return out;
}

/* The hash of the canonical request, as hex. */
static void
request_hash(struct preq *rq, const struct scheme_v4 *s, const char *payload,
    char out[SIGN_HEX])
{
	const char *names, *headers = preq_get_signed_headers(rq, &names);
	char *own = s->own_headers == NULL ? NULL :
	    own_lines(headers, s->own_headers);
	char *text = xasprintf("%s\n%s\n%s\n%s\n%s\n%s", preq_get_method(rq),
	    s->path != NULL ? s->path : preq_get_path(rq),
	    preq_get_sorted_query(rq), own != NULL ? own : headers,
	    own != NULL ? "" : names, payload);

	(void)sign_hash_hex(SIGN_SHA256, text, out);
	freezero_str(text);
	freezero_str(own);
}

/* What is told of the body; out has room for its hash. */
static const char *
payload_of(struct preq *rq, const struct scheme_v4 *s, char out[SIGN_HEX])
{
	unsigned char hash[SIGN_MAX];
	const void *body;
	size_t len;

	if (s->payload != NULL)
		return s->payload;
	body = preq_get_body(rq, &len);
	(void)sign_hash(SIGN_SHA256, body, len, hash);
	(void)text_hex(hash, HASH_LEN, out);
	return out;
}

void
scheme_v4_sign(struct preq *rq, const struct scheme_v4 *s,
    const char *region, const char *key_id, const char *secret)
{
	char stamp[STAMP_SIZE], date[9], hex[SIGN_HEX], signature[SIGN_HEX];
	const char *const links[] = { date, region, s->service,
	    s->terminator };
	const char *payload = payload_of(rq, s, hex), *names;
	char *scope, *text, *value;

	(void)snprintf(date, sizeof(date), "%.8s", utc_stamp(stamp));
	preq_header(rq, s->date_header, stamp);
	if (s->hash_header != NULL)
		preq_header(rq, s->hash_header, payload);
	scope = xasprintf("%s/%s/%s/%s", date, region, s->service,
	    s->terminator);
	request_hash(rq, s, payload, hex);
	text = xasprintf("%s\n%s\n%s\n%s", s->algorithm, stamp, scope, hex);
	(void)sign_v4_hex(s->key_prefix, secret, links, text, signature);
	(void)preq_get_signed_headers(rq, &names);
	if (s->own_headers != NULL)
		value = xasprintf("%s Credential=%s/%s,Signature=%s",
		    s->algorithm, key_id, scope, signature);
	else
		value = xasprintf("%s Credential=%s/%s, SignedHeaders=%s, "
		    "Signature=%s", s->algorithm, key_id, scope, names,
		    signature);
	preq_secret_header(rq, "Authorization", value);
	freezero_str(value);
	free(text);
	free(scope);
}
