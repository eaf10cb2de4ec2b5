/* SPDX-License-Identifier: MIT */
/*
 * huawei-obs - the custom domains of a bucket of Huawei Cloud OBS, signature
 * version 2 of OBS
 * (https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html).  In
 * place: each domain has its certificate and key in itself.  What is bound is
 * told by its name, which has the fingerprint in it; an older OBS shows no
 * names, and is written to each time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clouds/cloud.h"
#include "common/clock.h"
#include "common/mem.h"
#include "common/str.h"
#include "daemon/rest/sign.h"
#include "daemon/rest/xml.h"
#include "providers/credentials.h"
#include "providers/huawei.h"

enum { OPT_REGION, OPT_BUCKET, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the bucket, \"cn-north-4\"" },
	[OPT_BUCKET] = { .name = "bucket", .required = true,
	    .help = "its name" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "domains that are mapped to the bucket" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* --- requests --- */

/* domain NULL: all of them. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *domain)
{
	char url[256];

	(void)text_printf(url, sizeof(url),
	    "https://%s.obs.%s.myhuaweicloud.com",
	    provider_str(c->values, OPT_BUCKET),
	    provider_str(c->values, OPT_REGION));
	preq_start(rq, method, "/");
	preq_base(rq, url);
	if (domain != NULL)
		preq_query(rq, "customdomain", domain);
	else
		preq_query_word(rq, "customdomain");
}

static const char *
header(const struct preq *rq, const char *name)
{
	const char *value = preq_get_header(rq, name);

	return value != NULL ? value : "";
}

/* The bucket is in the name of the host, and in the path that is signed; no
 * domain has a character that the query would encode. */
static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *secret = provider_str(c->credentials, HUAWEI_SECRET);
	const char *token = provider_str(c->credentials, HUAWEI_TOKEN);
	char date[64], signature[SIGN_B64], *text;
	time_t now = clock_now();
	struct tm tm;

	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT",
	    gmtime_r(&now, &tm));
	preq_header(rq, "Date", date);
	if (token != NULL)
		preq_secret_header(rq, "x-obs-security-token", token);
	text = xasprintf("%s\n%s\n%s\n%s\n%s%s%s/%s/?%s",
	    preq_get_method(rq), header(rq, "Content-MD5"),
	    header(rq, "Content-Type"), date,
	    token != NULL ? "x-obs-security-token:" : "",
	    token != NULL ? token : "", token != NULL ? "\n" : "",
	    provider_str(c->values, OPT_BUCKET), preq_get_query(rq));
	(void)sign_hmac_b64(SIGN_SHA1, secret, strlen(secret), text,
	    signature);
	freezero_str(text);
	text = xasprintf("OBS %s:%s", provider_str(c->credentials, HUAWEI_ID),
	    signature);
	preq_secret_header(rq, "Authorization", text);
	freezero_str(text);
	return 0;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	static const struct rest_code codes[] = {
		{ "AccessDenied", REST_CREDENTIALS },
		{ "InvalidAccessKeyId", REST_CREDENTIALS },
		{ "SignatureDoesNotMatch", REST_CREDENTIALS },
		{ "RequestTimeTooSkewed", REST_CREDENTIALS },
		{ "InvalidToken", REST_CREDENTIALS },
		{ "ExpiredToken", REST_CREDENTIALS },
		{ "NotSignedUp", REST_CREDENTIALS },
		{ "SlowDown", REST_THROTTLED },
		{ "ServiceUnavailable", REST_UNAVAILABLE },
		{ "InternalError", REST_UNAVAILABLE },
		{ "OperationAborted", REST_UNAVAILABLE },
		{ .word = NULL }
	};

	cloud_judge_xml(codes, a, err);
}

static const struct cloud_api api = { .plain_text = true,
    .prepare = prepare, .failed = failed };

/* --- what is bound --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	begin(user, rq, "GET", NULL);
	return 0;
}

/* The entry of a domain. */
static bool
find_domain(const struct rest_answer *a, const char *domain, struct xml *out)
{
	struct xml all = xml_document(a->body, a->body_len);
	char name[256];

	while (xml_next(&all, "Domains", out)) {
		if (xml_text(out, "DomainName", name, sizeof(name)) &&
		    strcmp(name, domain) == 0)
			return true;
	}
	return false;
}

/* Which domains have ours, or do not say; -1 and err if one is not there. */
static int
read_bound(struct cloud_call *c, const struct rest_answer *a,
    bool if_unsaid, struct error *err)
{
	const char *const *domains = domains_of(c);
	struct xml entry, child;
	char name[128];

	for (size_t i = 0; domains[i] != NULL; i++) {
		if (!find_domain(a, domains[i], &entry))
			return error_set(err, ERR_CONFIG, "provider:refused",
			    "%s is not mapped to bucket %s; map it in the "
			    "console first", domains[i],
			    provider_str(c->values, OPT_BUCKET));
		if (xml_child(&entry, "Name", &child))
			c->is_bound[i] = xml_text(&child, NULL, name,
			    sizeof(name)) && strcmp(name, c->upload_name) ==
			    0;
		else
			c->is_bound[i] = if_unsaid;
	}
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (read_bound(c, a, false, err) == -1)
		return REST_FAIL;
	c->is_found = cloud_all_bound(c, domains_of(c));
	/* Each domain is in one target only: its id. */
	(void)text_printf(c->id, sizeof(c->id), "%s", domains_of(c)[0]);
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "read what is bound", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- upload --- */

static void
element(struct str *out, const char *name, const char *text)
{
	/* Nothing in PEM or our names would have to be escaped. */
	str_puts(out, "<");
	str_puts(out, name);
	str_puts(out, ">");
	str_puts(out, text);
	str_puts(out, "</");
	str_puts(out, name);
	str_puts(out, ">");
}

static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c)), *body;
	unsigned char hash[SIGN_MAX];
	struct str text = { 0 };
	char *md5;

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding %s to %s", c->upload_name, domain);
	str_puts(&text, "<CustomDomainConfiguration>");
	element(&text, "Name", c->upload_name);
	element(&text, "Certificate", c->cert.leaf);
	if (c->cert.chain[0] != '\0')
		element(&text, "CertificateChain", c->cert.chain);
	element(&text, "PrivateKey", c->cert.key);
	str_puts(&text, "</CustomDomainConfiguration>");
	body = str_text(&text);
	md5 = sign_base64(hash, sign_hash(SIGN_MD5, body, strlen(body),
	    hash));
	begin(c, rq, "PUT", domain);
	preq_body(rq, body, strlen(body), "application/xml");
	preq_header(rq, "Content-MD5", md5);
	free(md5);
	str_clear(&text);
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
	static const char *const key[] = { "private key", "privatekey",
	    NULL };

	return err->kind == ERR_REJECTED && rest_says(a, key) ?
	    cloud_other_key(user) : REST_FAIL;
}

static const struct rest_step upload[] = {
	{ .name = "bind", .request = put, .reply = was_put,
	    .refused = put_refused },
	{ .name = NULL }
};

/* --- wait --- */

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (read_bound(c, a, true, err) == -1)
		return REST_FAIL;
	return cloud_all_bound(c, domains_of(c)) ? REST_NEXT : REST_POLL;
}

static const struct rest_step bind[] = {
	{ .name = "wait", .request = list, .reply = shown },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *const *d = provider_list(values, OPT_DOMAINS);
	const char *region = provider_str(values, OPT_REGION);
	const char *bucket = provider_str(values, OPT_BUCKET);

	if (!huawei_is_region(region))
		return error_set(err, ERR_CONFIG, "config:value", "region = "
		    "\"%.100s\"; allowed: the name of a region, such as "
		    "cn-north-4", region);
	if (strchr(bucket, '*') != NULL || strchr(bucket, '_') != NULL)
		return error_set(err, ERR_CONFIG, "config:value", "bucket = "
		    "\"%.100s\"; allowed: the name of a bucket", bucket);
	for (; *d != NULL; d++) {
		if (strchr(*d, '*') != NULL)
			return error_set(err, ERR_CONFIG, "config:value",
			    CLOUD_DOMAINS ": \"%.200s\"; allowed: names "
			    "without \"*\", which OBS does not map", *d);
	}
	if (cloud_check_word("bucket", bucket, "the name of a bucket", err) ==
	    -1)
		return -1;
	return cloud_check_words(CLOUD_DOMAINS, provider_list(values,
	    OPT_DOMAINS), "domain names", err);
}

static const struct cloud_store store = {
	.name = "huawei-obs",
	.api = &api,
	.is_in_place = true,
	.place = "bucket",
	.find = find,
	.upload = upload,
};

const struct cloud cloud_huawei_obs = {
	.name = "huawei-obs",
	.title = "Huawei Cloud OBS, domains of a bucket",
	.doc = "Brings the certificate to domains that are mapped to the "
	    "bucket already.",
	.policy = "{\n"
	    "  \"Version\": \"1.1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [\n"
	    "      \"obs:bucket:PutBucketCustomDomainConfiguration\",\n"
	    "      \"obs:bucket:GetBucketCustomDomainConfiguration\" ],\n"
	    "    \"Resource\": [ \"OBS:*:*:bucket:BUCKET\" ]\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-north-4\"\n"
	    "bucket = \"static\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "huaweicloud",
	.opts = opts,
	.check = check,
	.store = &store,
	.api = &api,
	.bind = bind,
};
