/* SPDX-License-Identifier: MIT */
#include "daemon/rest/scheme_hmac.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/preq.h"

const char *
scheme_body_hash(struct preq *rq, char out[SIGN_HEX])
{
	unsigned char raw[SIGN_MAX];
	const void *body;
	size_t len;

	body = preq_get_body(rq, &len);
	return text_hex(raw, sign_hash(SIGN_SHA256, body, len, raw), out);
}

const char *
scheme_request_hash(struct preq *rq, const char *path, const char *headers,
    const char *names, char out[SIGN_HEX])
{
	char body_hash[SIGN_HEX];
	char *text = xasprintf("%s\n%s\n%s\n%s\n%s\n%s", preq_get_method(rq),
	    path != NULL ? path : preq_get_path(rq),
	    preq_get_sorted_query(rq), headers, names,
	    scheme_body_hash(rq, body_hash));

	(void)sign_hash_hex(SIGN_SHA256, text, out);
	freezero_str(text);
	return out;
}

static void
authorize(struct preq *rq, char *text /* taken */)
{
	preq_secret_header(rq, "Authorization", text);
	freezero_str(text);
}

void
scheme_acs3(struct preq *rq, const char *id, const char *secret)
{
	const char *names, *headers = preq_get_signed_headers(rq, &names);
	char hash[SIGN_HEX], signature[SIGN_HEX];
	char *text;

	text = xasprintf("ACS3-HMAC-SHA256\n%s",
	    scheme_request_hash(rq, NULL, headers, names, hash));
	(void)sign_hmac_hex(SIGN_SHA256, secret, strlen(secret), text,
	    signature);
	free(text);
	authorize(rq, xasprintf("ACS3-HMAC-SHA256 Credential=%s,"
	    "SignedHeaders=%s,Signature=%s", id, names, signature));
}

/* The key of one day and service. */
static void
tc3_key(const char *secret, const char *date, const char *service,
    unsigned char key[SIGN_MAX])
{
	char *first = xasprintf("TC3%s", secret);
	size_t n;

	n = sign_hmac(SIGN_SHA256, first, strlen(first), date, strlen(date),
	    key);
	n = sign_hmac(SIGN_SHA256, key, n, service, strlen(service), key);
	(void)sign_hmac(SIGN_SHA256, key, n, "tc3_request", 11, key);
	freezero_str(first);
}

void
scheme_tc3(struct preq *rq, const char *service, const char *id,
    const char *secret, time_t now)
{
	const char *names;
	char *headers = xstrdup(preq_get_signed_headers(rq, &names));
	char date[16], hash[SIGN_HEX], signature[SIGN_HEX], *text;
	unsigned char key[SIGN_MAX];
	struct tm tm;

	/* Values are signed in lower case, too. */
	for (char *s = headers; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	(void)strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&now, &tm));
	text = xasprintf("TC3-HMAC-SHA256\n%lld\n%s/%s/tc3_request\n%s",
	    (long long)now, date, service,
	    scheme_request_hash(rq, NULL, headers, names, hash));
	tc3_key(secret, date, service, key);
	(void)sign_hmac_hex(SIGN_SHA256, key, sizeof(key), text, signature);
	explicit_bzero(key, sizeof(key));
	free(text);
	free(headers);
	authorize(rq, xasprintf("TC3-HMAC-SHA256 Credential=%s/%s/%s/"
	    "tc3_request, SignedHeaders=%s, Signature=%s", id, date, service,
	    names, signature));
}

void
scheme_sdk(struct preq *rq, const char *id, const char *secret)
{
	const char *names, *headers = preq_get_signed_headers(rq, &names);
	const char *sent = preq_get_path(rq);
	const char *date = preq_get_header(rq, "X-Sdk-Date");
	char hash[SIGN_HEX], signature[SIGN_HEX], *path, *text;
	size_t len = strlen(sent);

	/* The signed path ends in a slash, whatever the sent one does. */
	path = xasprintf("%s%s", sent, sent[len - 1] == '/' ? "" : "/");
	text = xasprintf("SDK-HMAC-SHA256\n%s\n%s", date == NULL ? "" : date,
	    scheme_request_hash(rq, path, headers, names, hash));
	(void)sign_hmac_hex(SIGN_SHA256, secret, strlen(secret), text,
	    signature);
	free(text);
	free(path);
	authorize(rq, xasprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, "
	    "Signature=%s", id, names, signature));
}
