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
#include "providers/provider.h"
#include "providers/sign.h"

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

struct baiducloud {
	char	marker[256];		/* of the next page; "" is the first */
	char	record_id[64];
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
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	static const char *const keys[] = { "InvalidAccessKeyId",
	    "SignatureDoesNotMatch", "RequestExpired", "AccessDenied",
	    "InvalidHTTPAuthHeader", "InactiveAccessKey" };
	const char *code = jsonx_str(a->json, "code");

	if (code == NULL)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strstr(code, keys[i]) != NULL)
			(void)error_set(err, ERR_CONFIG,
			    "provider:credentials", "%s", err->msg);
	}
	if (strstr(code, "LimitExceeded") != NULL)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg, code);
	if (err->kind == ERR_CONFIG)
		provider_blame_clock(a, err);
}

static void
list_end(struct provider_call *c, struct preq *rq)
{
	const struct baiducloud *x = c->priv;

	if (x->marker[0] != '\0')
		preq_query(rq, "marker", x->marker);
	preq_query(rq, "maxKeys", "1000");
}

/* After a page without what is looked for. */
static enum provider_next
list_next(struct provider_call *c, const struct provider_answer *a,
    enum provider_next missing, struct error *err)
{
	struct baiducloud *x = c->priv;

	if (!jsonx_bool(a->json, "isTruncated", false))
		return missing;
	return jsonx_copy_str(a->json, "nextMarker", x->marker,
	    sizeof(x->marker), err) == -1 ? PROVIDER_FAIL : PROVIDER_AGAIN;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/v1/dns/zone");
	preq_query(rq, "name", c->zone);
	list_end(c, rq);
	return 0;
}

/* They find names that are only like it as well. */
static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "zones", err);
	struct baiducloud *x = c->priv;
	const char *name;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		name = jsonx_str(json_array_get(zones, i), "name");
		if (name == NULL || strcasecmp(name, c->zone) != 0)
			continue;
		x->marker[0] = '\0';
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    name);
		return PROVIDER_NEXT;
	}
	return list_next(c, a, PROVIDER_NO_ZONE, err);
}

static void
record_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v1/dns/zone");
	preq_path(rq, c->zone_id);
	preq_path(rq, "record");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char rr[256];

	record_start(c, rq, "GET");
	preq_query(rq, "rr", provider_relative(c->fqdn, c->zone, "@", rr,
	    sizeof(rr)));
	list_end(c, rq);
	return 0;
}

static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err, enum provider_next found, enum provider_next missing)
{
	const json_t *records = provider_array(a, "records", err), *r;
	struct baiducloud *x = c->priv;
	const char *rr, *type, *value;
	char want[256];

	if (records == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "@", want, sizeof(want));
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		rr = jsonx_str(r, "rr");
		type = jsonx_str(r, "type");
		value = jsonx_str(r, "value");
		if (rr != NULL && strcasecmp(rr, want) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : found;
	}
	return list_next(c, a, missing, err);
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return find_reply(c, a, err, PROVIDER_DONE, PROVIDER_NEXT);
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return find_reply(c, a, err, PROVIDER_NEXT, PROVIDER_DONE);
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char rr[256], nonce[SIGN_NONCE];

	record_start(c, rq, "POST");
	preq_query(rq, "clientToken", sign_nonce(nonce));
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:s}",
	    "rr", provider_relative(c->fqdn, c->zone, "@", rr, sizeof(rr)),
	    "type", "TXT", "value", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "description", "acmed"));
	return 0;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct baiducloud *x = c->priv;
	char nonce[SIGN_NONCE];

	record_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	preq_query(rq, "clientToken", sign_nonce(nonce));
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_add, NULL },
	{ "create record", create_request, NULL, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_remove, NULL },
	{ "delete record", delete_request, NULL, delete_refused },
	{ .name = NULL }
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
	.base_url = "https://dns.baidubce.com",
	.no_zone_help = "zones of the domain registration's resolver (BCD) are "
	    "not seen",
	.priv_size = sizeof(struct baiducloud),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
