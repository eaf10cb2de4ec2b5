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

/* The hash of the canonical request, as hex. */
static void
request_hash(struct preq *rq, const char *body_hash, char out[SIGN_HEX])
{
	const char *names, *headers = preq_get_signed_headers(rq, &names);
	char *text = xasprintf("%s\n%s\n%s\n%s\n%s\n%s", preq_get_method(rq),
	    preq_get_path(rq), preq_get_sorted_query(rq), headers, names,
	    body_hash);

	(void)sign_hash_hex(SIGN_SHA256, text, out);
	freezero_str(text);
}

void
scheme_v4_sign(struct preq *rq, const struct scheme_v4 *s,
    const char *region, const char *key_id, const char *secret)
{
	char stamp[STAMP_SIZE], date[9], hex[SIGN_HEX], signature[SIGN_HEX];
	const char *const links[] = { date, region, s->service,
	    s->terminator };
	unsigned char hash[SIGN_MAX];
	char *scope, *text, *value;
	const char *names;
	const void *body;
	size_t len;

	(void)snprintf(date, sizeof(date), "%.8s", utc_stamp(stamp));
	body = preq_get_body(rq, &len);
	(void)sign_hash(SIGN_SHA256, body, len, hash);
	(void)text_hex(hash, HASH_LEN, hex);
	preq_header(rq, s->date_header, stamp);
	if (s->hash_header != NULL)
		preq_header(rq, s->hash_header, hex);
	scope = xasprintf("%s/%s/%s/%s", date, region, s->service,
	    s->terminator);
	request_hash(rq, hex, hex);
	text = xasprintf("%s\n%s\n%s\n%s", s->algorithm, stamp, scope, hex);
	(void)sign_v4_hex(s->key_prefix, secret, links, text, signature);
	(void)preq_get_signed_headers(rq, &names);
	value = xasprintf("%s Credential=%s/%s, SignedHeaders=%s, "
	    "Signature=%s", s->algorithm, key_id, scope, names, signature);
	preq_secret_header(rq, "Authorization", value);
	freezero_str(value);
	free(text);
	free(scope);
}
