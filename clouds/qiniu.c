/* SPDX-License-Identifier: MIT */
/*
 * qiniu - Qiniu Cloud: its store of certificates, CDN and the domains of Kodo
 * buckets (https://developer.qiniu.com/fusion/8593/interface-related-certificate
 * and 4246/the-domain-name).  Each upload gets an id, to which domains are bound
 * one by one.  Requests are signed with HMAC-SHA1, body and all
 * (https://developer.qiniu.com/kodo/1201/access-token).
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "common/str.h"
#include "daemon/rest/sign.h"
#include "providers/credentials.h"

#define PAGE 200			/* certificates */
#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

enum { OPT_SERVICE, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_SERVICE] = { .name = "service", .fallback = "cdn",
	    .help = "what the domains are of: cdn, or kodo for a bucket's "
	    "own domains" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "domains that are there already; a wildcard of the CDN is "
	    "\".example.com\"" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

static bool
is_kodo(const struct cloud_call *c)
{
	return strcmp(provider_str(c->values, OPT_SERVICE), "kodo") == 0;
}

/* --- requests --- */

static void
begin(struct preq *rq, const char *method, const char *path,
    const char *segment)
{
	preq_start(rq, method, path);
	if (segment != NULL)
		preq_path(rq, segment);
}

/* The body is part of it, so that it is secret as well. */
static void
text_to_sign(struct preq *rq, struct str *text)
{
	const char *query = preq_get_query(rq);
	const void *body;
	size_t len;

	body = preq_get_body(rq, &len);
	str_puts(text, preq_get_method(rq));
	str_puts(text, " ");
	str_puts(text, preq_get_path(rq));
	str_puts(text, query[0] == '\0' ? "" : "?");
	str_puts(text, query);
	str_puts(text, "\nHost: ");
	str_puts(text, preq_get_host(rq));
	str_puts(text, "\nContent-Type: ");
	str_puts(text, preq_get_header(rq, "Content-Type"));
	str_puts(text, "\n\n");
	if (len > 0)
		str_add(text, body, len);
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *secret = provider_str(c->credentials, QINIU_SECRET);
	char signature[SIGN_B64], *value;
	struct str text = { 0 };

	if (preq_get_header(rq, "Content-Type") == NULL)
		preq_header(rq, "Content-Type", FORM);
	text_to_sign(rq, &text);
	(void)sign_hmac_b64(SIGN_SHA1, secret, strlen(secret),
	    str_text(&text), signature);
	str_clear(&text);
	for (char *s = signature; *s != '\0'; s++)
		*s = *s == '+' ? '-' : *s == '/' ? '_' : *s;
	value = xasprintf("%s:%s", provider_str(c->credentials, QINIU_KEY),
	    signature);
	preq_token(rq, "Qiniu", value);
	freezero_str(value);
	return 0;
}

static int64_t
code_of(const struct rest_answer *a)
{
	return jsonx_number(a->json, "code", 0);
}

static bool
is_refusal(void *user, const struct rest_answer *a)
{
	int64_t code = code_of(a);

	return code != 0 && code != 200;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 573)
		(void)error_set(err, REST_THROTTLED, "%s", err->msg);
	if (code_of(a) != 0)
		(void)error_set(err, err->kind, err->code, "%s (%lld)",
		    err->msg, (long long)code_of(a));
}

static const struct cloud_api api = { .base_url = "https://api.qiniu.com",
    .prepare = prepare, .is_refusal = is_refusal, .failed = failed };

/* Some of the vendor's products take RSA only, and say so in their ways. */
static enum rest_next
blame_key(const struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const char *const words[] = { "rsa", "ecc", "ecdsa",
	    "key type", "algorithm", NULL };

	if (err->kind == ERR_REJECTED && !cloud_is_rsa(c) &&
	    rest_says(a, words))
		(void)error_set(err, ERR_CONFIG, err->code, "%s; if it takes "
		    "no keys but RSA, set key = \"rsa2048\"", err->msg);
	return REST_FAIL;
}

/* --- find --- */

/* cursor: the marker of the page. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	c->id[0] = '\0';
	begin(rq, "GET", "/sslcert", NULL);
	preq_query(rq, "marker", c->cursor);
	preq_query_number(rq, "limit", PAGE);
	return 0;
}

/* There is no fingerprint but in the name. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "certs", NULL, err), *entry;
	const char *marker = jsonx_str(a->json, "marker"), *name;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		name = jsonx_str(entry, "name");
		if (name == NULL || strcmp(name, c->upload_name) != 0)
			continue;
		c->is_found = true;
		return jsonx_copy_str(entry, "certid", c->id, sizeof(c->id),
		    err) == -1 ? REST_FAIL : REST_DONE;
	}
	if (marker == NULL || marker[0] == '\0' || json_array_size(all) == 0)
		return REST_NEXT;
	return jsonx_copy_str(a->json, "marker", c->cursor,
	    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_AGAIN;
}

static const struct rest_step find[] = {
	{ .name = "find certificate", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- upload --- */

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	begin(rq, "POST", "/sslcert", NULL);
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:s}", "name",
	    c->upload_name, "common_name", c->cert.names[0], "ca",
	    c->cert.fullchain, "pri", c->cert.key));
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "certID", c->id, sizeof(c->id),
	    err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const quota[] = { "quota", "exceed", "too many",
	    NULL };
	static const char *const there[] = { "exist", "duplicate", "repeat",
	    NULL };
	static const char *const key[] = { "private key", "privatekey",
	    NULL };
	struct cloud_call *c = user;

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	c->is_full = rest_says(a, quota);
	if (!c->is_full && rest_says(a, there))
		err->kind = ERR_TRANSIENT;	/* find it */
	if (rest_says(a, key) && cloud_other_key(c) == REST_AGAIN)
		return REST_AGAIN;
	return blame_key(c, a, err);
}

static const struct rest_step upload_steps[] = {
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = upload_refused },
	{ .name = NULL }
};

/* --- remove --- */

static int
remove_old(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	begin(rq, "DELETE", "/sslcert", c->old_id);
	return 0;
}

/* What is bound is refused with 400 and a code of its own. */
static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (a->status == 404 || code_of(a) / 1000 == 404)
		return REST_NEXT;
	c->is_in_use = a->status == 400;
	return REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "remove", .request = remove_old,
	    .refused = remove_refused },
	{ .name = NULL }
};

static const struct cloud_store store = {
	.name = "qiniu",
	.api = &api,
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

/* --- what a domain of the CDN has --- */

/* Entry c->at of the domains; nothing can be read of Kodo's. */
static int
get(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *domain = domains_of(c)[c->at];

	if (domain != NULL && !is_kodo(c))
		begin(rq, "GET", "/domain", domain);
	return 0;
}

static bool
is(const json_t *domain, const char *path, const char *value)
{
	const char *is = jsonx_str(domain, path);

	return is != NULL && strcmp(is, value) == 0;
}

static bool
has_ours(const struct cloud_call *c, const json_t *domain)
{
	return c->id[0] != '\0' && is(domain, "https.certId", c->id);
}

/* --- look --- */

/* number: of those that are bound and not live yet. */
static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_bound[c->at] = has_ours(c, a->json);
	if (c->is_bound[c->at++] && !is(a->json, "operatingState", "success"))
		c->number++;
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c)) && c->number == 0;
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = get, .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

static int
get_unbound(void *user, struct preq *rq, struct error *err)
{
	(void)cloud_next_unbound(user, domains_of(user));
	return get(user, rq, err);
}

/* Again, right before it is written, and when no change is under way. */
static enum rest_next
got_unbound(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = domains_of(c)[c->at];
	const char *id = jsonx_str(a->json, "https.certId");

	if (is(a->json, "operatingState", "processing"))
		return REST_POLL;
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domain, json_pack("{s:b, s:b, "
	    "s:b}", "on", id != NULL && id[0] != '\0', "force",
	    jsonx_bool(a->json, "https.forceHttps", false), "http2",
	    jsonx_bool(a->json, "https.http2Enable", true)));
	return cloud_next_domain(c, domains_of(c));
}

static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c));
	const json_t *now = json_object_get(c->memo, domain != NULL ? domain :
	    "");

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	if (is_kodo(c)) {
		begin(rq, "PUT", "/cert/bind", NULL);
		preq_json(rq, json_pack("{s:s, s:s}", "certid", c->id,
		    "domain", domain));
		return 0;
	}
	begin(rq, "PUT", "/domain", domain);
	preq_path(rq, jsonx_bool(now, "on", false) ? "httpsconf" : "sslize");
	preq_json(rq, json_pack("{s:s, s:b, s:b}", "certId", c->id,
	    "forceHttps", jsonx_bool(now, "force", false), "http2Enable",
	    jsonx_bool(now, "http2", true)));
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

static enum rest_next
put_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const busy[] = { "processing", "in progress",
	    NULL };
	static const char *const same[] = { "not changed", "not change",
	    "same cert", NULL };

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	if (rest_says(a, same))
		return was_put(user, a, err);
	if (rest_says(a, busy))
		err->kind = ERR_TRANSIENT;
	return blame_key(user, a, err);
}

/* All of them, as some may have been bound and not been live at first. */
static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (is(a->json, "operatingState", "failed")) {
		(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%s: "
		    "the change has failed; the console says why",
		    domains_of(c)[c->at]);
		return REST_FAIL;
	}
	if (!has_ours(c, a->json) || !is(a->json, "operatingState",
	    "success"))
		return REST_POLL;
	c->is_bound[c->at++] = true;
	return domains_of(c)[c->at] != NULL ? REST_AGAIN : REST_NEXT;
}

static int
begin_to_wait(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	c->at = 0;
	return 0;
}

static const struct rest_step bind[] = {
	{ .name = "read settings", .request = get_unbound,
	    .reply = got_unbound },
	{ .name = "bind", .request = put, .reply = was_put,
	    .refused = put_refused },
	{ .name = "begin to wait", .request = begin_to_wait },
	{ .name = "wait", .request = get, .reply = shown },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *service = provider_str(values, OPT_SERVICE);

	if (strcmp(service, "cdn") != 0 && strcmp(service, "kodo") != 0)
		return error_set(err, ERR_CONFIG, "config:value", "service = "
		    "\"%.100s\"; allowed: cdn, kodo", service);
	return cloud_check_words(CLOUD_DOMAINS, provider_list(values,
	    OPT_DOMAINS), "domain names", err);
}

const struct cloud cloud_qiniu = {
	.name = "qiniu",
	.title = "Qiniu Cloud: CDN and Kodo buckets",
	.doc = "Uploads the certificate and binds it to domains of the CDN, "
	    "or with service = \"kodo\" of buckets, which are there already. "
	    "HTTPS is switched on; HTTP/2 and the forced HTTPS of a CDN "
	    "domain stay. What a bucket's domain has cannot be read: it is "
	    "bound at each deployment. Some products and older edges of the "
	    "vendor take RSA keys only: key = \"rsa2048\".",
	.policy = "A sub-account with the rights of Fusion CDN and SSL "
	    "certificates,\nfor Kodo also those of its buckets\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "qiniu",
	.opts = opts,
	.check = check,
	.store = &store,
	.api = &api,
	.look = look,
	.bind = bind,
};
