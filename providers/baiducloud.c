/* SPDX-License-Identifier: MIT */
/*
 * baiducloud - Baidu AI Cloud, intelligent DNS
 * (https://cloud.baidu.com/doc/DNS/index.html), signature bce-auth-v1.  One
 * object for each value; creating one does not tell its id.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "daemon/rest/sign.h"
#include "providers/records.h"

#define VALID_S 1800			/* of a signature, from its time on */

enum { OPT_ACCESS_KEY_ID, OPT_SECRET_ACCESS_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCESS_KEY_ID] = { .name = "access_key_id", .required = true,
	    .help = "Access Key" },
	[OPT_SECRET_ACCESS_KEY] = { .name = "secret_access_key",
	    .required = true, .secret = true, .help = "Secret Key" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 1, .max = 86400,
	    .help = "TTL of the records in seconds; below 300 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* Percent-encode all but the unreserved characters; the end of what went in. */
static char *
encode(char *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; len > 0; s++, len--) {
		unsigned char c = (unsigned char)*s;

		if (strchr(plain, c) != NULL) {
			*out++ = *s;
			continue;
		}
		*out++ = '%';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return out;
}

/* "name:value\n"... with the values encoded, and no newline at the end. */
static char *
canonical_headers(const char *headers)
{
	char *text = xmalloc(3 * strlen(headers) + 1), *out = text;
	size_t len;

	while (*headers != '\0') {
		len = strcspn(headers, ":") + 1;
		memcpy(out, headers, len);
		out += len;
		headers += len;
		len = strcspn(headers, "\n");
		out = encode(out, headers, len);
		headers += len + 1;
		if (*headers != '\0')
			*out++ = '\n';
	}
	*out = '\0';
	return text;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *secret = provider_str(c->values, OPT_SECRET_ACCESS_KEY);
	char date[TEXT_TIME_MAX], key[SIGN_HEX], signature[SIGN_HEX];
	const char *names, *signed_headers;
	char *prefix, *headers, *text, *value;

	preq_header(rq, "x-bce-date", text_time(clock_now(), date));
	signed_headers = preq_get_signed_headers(rq, &names);
	headers = canonical_headers(signed_headers);
	prefix = xasprintf("bce-auth-v1/%s/%s/%d",
	    provider_str(c->values, OPT_ACCESS_KEY_ID), date, VALID_S);
	(void)sign_hmac_hex(SIGN_SHA256, secret, strlen(secret), prefix, key);
	text = xasprintf("%s\n%s\n%s\n%s", preq_get_method(rq),
	    preq_get_path(rq), preq_get_sorted_query(rq), headers);
	(void)sign_hmac_hex(SIGN_SHA256, key, strlen(key), text, signature);
	value = xasprintf("%s/%s/%s", prefix, names, signature);
	preq_secret_header(rq, "Authorization", value);
	explicit_bzero(key, sizeof(key));
	freezero_str(value);
	free(text);
	free(prefix);
	free(headers);
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	/* The list of all services is in cloud.baidu.com/doc/Reference. */
	static const struct rest_code codes[] = {
		/* 403 as well, but nothing is wrong with the key. */
		{ "IdempotentParameterMismatch", ERR_REJECTED,
		    "provider:refused" },
		{ "Quota", REST_QUOTA },
		{ "InternalError", REST_UNAVAILABLE },
		{ "ServiceUnavailable", REST_UNAVAILABLE },
		{ "LimitExceeded", REST_THROTTLED },
		{ "TooManyRequests", REST_THROTTLED },
		{ "InvalidAccessKeyId", REST_CREDENTIALS },
		{ "SignatureDoesNotMatch", REST_CREDENTIALS },
		{ "RequestExpired", REST_CREDENTIALS },
		{ "AccessDenied", REST_CREDENTIALS },
		{ "InvalidHTTPAuthHeader", REST_CREDENTIALS },
		{ "InactiveAccessKey", REST_CREDENTIALS },
		{ "OptInRequired", REST_CREDENTIALS },
		{ "InvalidSessionToken", REST_CREDENTIALS },
		{ .word = NULL }
	};
	const char *code = jsonx_str(a->json, "code");

	if (code == NULL)
		return;
	rest_judge(codes, REST_HAS, code, err);
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg, code);
	if (err->kind == ERR_CONFIG)
		rest_blame_clock(a, err);
}

static void
list_end(struct provider_call *c, struct preq *rq)
{
	if (c->list.cursor[0] != '\0')
		preq_query(rq, "marker", c->list.cursor);
	preq_query(rq, "maxKeys", "1000");
}

/* They find names that are only like it as well. */
static void
list_zones(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/v1/dns/zone");
	preq_query(rq, "name", c->zone);
	list_end(c, rq);
}

static void
record_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v1/dns/zone");
	preq_path(rq, c->zone);
	preq_path(rq, "record");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char rr[256];

	record_start(c, rq, "GET");
	preq_query(rq, "rr", provider_relative(c->fqdn, c->zone, "@", rr,
	    sizeof(rr)));
	list_end(c, rq);
}

static void
create(struct provider_call *c, struct preq *rq, const char *rr)
{
	char nonce[SIGN_NONCE];

	record_start(c, rq, "POST");
	preq_query(rq, "clientToken", sign_nonce(nonce));
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:s}", "rr", rr,
	    "type", "TXT", "value", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "description", "acmed"));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	char nonce[SIGN_NONCE];

	record_start(c, rq, "DELETE");
	preq_path(rq, id);
	preq_query(rq, "clientToken", sign_nonce(nonce));
}

/* Creating tells no id. */
static const struct provider_records records = {
	.zone = list_zones,
	.zones = { .array = "zones", .more = "isTruncated",
	    .cursor = "nextMarker" },
	.zone_id = "name", .zone_name = "name",
	.list = list,
	.records = { .array = "records", .more = "isTruncated",
	    .cursor = "nextMarker" },
	.id = "id", .name = "rr", .value = "value", .type = "type",
	.apex = "@",
	.create = create, .remove = remove_record,
};

const struct provider provider_baiducloud = {
	.name = "baiducloud",
	.title = "Baidu AI Cloud",
	.doc = "Console, Security Authentication: the Access Key and Secret "
	    "Key, better of an IAM user with DNS rights only.  Zones must be "
	    "in the intelligent DNS product, not in the domain registration's "
	    "resolver.  lego: BAIDUCLOUD_ACCESS_KEY_ID, "
	    "BAIDUCLOUD_SECRET_ACCESS_KEY.",
	.opts = opts,
	.credentials = "baiducloud",
	.base_url = "https://dns.baidubce.com",
	.no_zone_help = "zones of the domain registration's resolver (BCD) are "
	    "not seen",
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
