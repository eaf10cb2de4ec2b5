/* SPDX-License-Identifier: MIT */
/*
 * tencent-cdn - Tencent Cloud CDN, API of 2018-06-06
 * (https://cloud.tencent.com/document/api/228).  The certificate is taken from
 * SSL Certificates.  A domain's object "Https" is read, changed and written
 * back as one: what is left out of it falls to its default.  (Whether
 * ModifyDomainConfig would change the certificate alone is not documented.)
 */
#include <string.h>

#include "clouds/tencent.h"
#include "providers/tencent.h"

enum { OPT_DOMAINS = CLOUD_SITE + 1 };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "accelerated domains, as the console shows them" },
	CLOUD_OPTS
};

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return tencent_prepare(user, rq, "cdn", "2018-06-06");
}

/* Beside those of all services; after the SDK's list. */
static const struct rest_code kinds[] = {
	{ "LimitExceeded.CdnHostOpTooOften", REST_THROTTLED },
	{ "LimitExceeded.SslCertRequestLimitExceeded", REST_THROTTLED },
	{ "UnauthorizedOperation.OperationTooOften", REST_THROTTLED },
	{ .word = NULL }
};

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	tencent_call_failed(user, a, err);
	rest_judge(kinds, REST_BEGINS, tencent_code(a), err);
}

static const struct cloud_api api = { .prepare = prepare,
    .is_refusal = tencent_refuses, .failed = failed };

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* --- what a domain has --- */

static void
describe(const struct cloud_call *c, struct preq *rq)
{
	const char *domain = domains_of(c)[c->at];

	if (domain != NULL)
		tencent_action(c, rq, "cdn", "DescribeDomainsConfig",
		    json_pack("{s:[{s:s, s:[s]}], s:i, s:i}", "Filters",
		    "Name", "domain", "Value", domain, "Offset", 0, "Limit",
		    1));
}

/* The domain that was asked for, or NULL and err. */
static const json_t *
described(const struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *domain = domains_of(c)[c->at], *name;
	const json_t *all = rest_entries(a, "Response.Domains",
	    "Response.TotalNumber", err), *entry;
	size_t i;

	if (all == NULL)
		return NULL;
	json_array_foreach(all, i, entry) {
		name = jsonx_str(entry, "Domain");
		if (name != NULL && strcmp(name, domain) == 0)
			return entry;
	}
	(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is no domain "
	    "of this account's CDN; add it in the console", domain);
	return NULL;
}

static bool
is(const json_t *domain, const char *path, const char *value)
{
	const char *is = jsonx_str(domain, path);

	return is != NULL && strcmp(is, value) == 0;
}

/* Was it bound, though edges may not have it yet? */
static bool
has_ours(const struct cloud_call *c, const json_t *domain)
{
	return c->id[0] != '\0' && is(domain, "Https.CertInfo.CertId",
	    c->id) && is(domain, "Https.Switch", "on") &&
	    !is(domain, "Https.SslStatus", "failed");
}

static bool
is_live(const json_t *domain)
{
	return is(domain, "Status", "online") &&
	    is(domain, "Https.SslStatus", "deployed");
}

/* --- look --- */

static int
look_at(void *user, struct preq *rq, struct error *err)
{
	describe(user, rq);
	return 0;
}

/* number: of those that are bound and not live yet. */
static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domain = described(c, a, err);

	if (domain == NULL)
		return REST_FAIL;
	c->is_bound[c->at] = has_ours(c, domain);
	if (c->is_bound[c->at++] && !is_live(domain))
		c->number++;
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c)) && c->number == 0;
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = look_at,
	    .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

/* null is what was never set, which the vendor's SDK leaves out. */
static json_t *
without_nulls(const json_t *object)
{
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_is_object(value))
			(void)json_object_set_new(out, key,
			    without_nulls(value));
		else if (!json_is_null(value))
			(void)json_object_set(out, key, value);
	}
	return out;
}

/* Again, right before it is written, and when no change is under way. */
static int
read_unbound(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	(void)cloud_next_unbound(c, domains_of(c));
	describe(c, rq);
	return 0;
}

static enum rest_next
read_https(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domain = described(c, a, err);
	const char *status;
	json_t *https;

	if (domain == NULL)
		return REST_FAIL;
	if (is(domain, "Status", "processing"))
		return REST_POLL;
	status = jsonx_str(domain, "Status");
	if (status == NULL)
		return cloud_lacks("Status", err);
	if (strcmp(status, "online") != 0) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is "
		    "%s; start it in the console", domains_of(c)[c->at],
		    status);
		return REST_FAIL;
	}
	https = without_nulls(jsonx_get(domain, "Https"));
	(void)json_object_del(https, "SslStatus");
	(void)json_object_set_new(https, "Switch", json_string("on"));
	(void)json_object_set_new(https, "CertInfo", json_pack("{s:s}",
	    "CertId", c->id));
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domains_of(c)[c->at++], https);
	if (cloud_next_unbound(c, domains_of(c)) != NULL)
		return REST_AGAIN;
	c->at = 0;
	return REST_NEXT;
}

static int
update(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c));

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	tencent_action(c, rq, "cdn", "UpdateDomainConfig",
	    json_pack("{s:s, s:O}", "Domain", domain, "Https",
	    json_object_get(c->memo, domain)));
	return 0;
}

static enum rest_next
updated(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->at++;
	return cloud_next_unbound(c, domains_of(c)) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

/* Another change has come between: what was read is no longer true. */
static enum rest_next
update_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const busy[] = {
	    "ResourceUnavailable.CdnHostIsLocked",
	    "InvalidParameter.CDNStatusInvalidDomain",
	    "InvalidParameter.CdnHostInvalidStatus" };
	const char *code = tencent_code(a);

	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
		if (strcmp(code, busy[i]) == 0)
			err->kind = ERR_TRANSIENT;
	}
	return REST_FAIL;
}

/* All of them, as some may have been bound and not been live at first. */
static int
rewind_all(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	c->at = 0;
	return 0;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domain = described(c, a, err);

	if (domain == NULL)
		return REST_FAIL;
	if (is(domain, "Https.SslStatus", "failed") &&
	    !is(domain, "Status", "processing")) {
		(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%s: "
		    "the certificate could not be deployed; the console says "
		    "why", domains_of(c)[c->at]);
		return REST_FAIL;
	}
	if (!has_ours(c, domain) || !is_live(domain))
		return REST_POLL;
	c->is_bound[c->at++] = true;
	return domains_of(c)[c->at] != NULL ? REST_AGAIN : REST_NEXT;
}

static const struct rest_step bind[] = {
	{ .name = "read settings", .request = read_unbound,
	    .reply = read_https },
	{ .name = "bind", .request = update, .reply = updated,
	    .refused = update_refused },
	{ .name = "begin to wait", .request = rewind_all },
	{ .name = "wait", .request = look_at, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_tencent_cdn = {
	.name = "tencent-cdn",
	.title = "Tencent Cloud CDN",
	.doc = "Uploads the certificate to SSL Certificates and binds it to "
	    "accelerated domains, which are there already; ECDN as well. "
	    "HTTPS is switched on; HTTP/2, HSTS, TLS versions and the other "
	    "settings stay.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"cdn:DescribeDomainsConfig\",\n"
	    "      \"cdn:UpdateDomainConfig\" ],\n"
	    "    \"resource\": [\n"
	    "      \"qcs::cdn::uin/UIN:domain/www.example.com\" ]\n"
	    "  }, {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"ssl:UploadCertificate\",\n"
	    "      \"ssl:DescribeCertificates\",\n"
	    "      \"ssl:DescribeCertificateDetail\",\n"
	    "      \"ssl:DeleteCertificate\",\n"
	    "      \"ssl:DescribeDeleteCertificatesTaskResult\" ],\n"
	    "    \"resource\": [ \"*\" ]\n"
	    "  } ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.api = &api,
	.look = look,
	.bind = bind,
};
