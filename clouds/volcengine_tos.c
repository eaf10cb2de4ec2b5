/* SPDX-License-Identifier: MIT */
/*
 * volcengine-tos - the custom domains of a bucket of Volcano Engine's object
 * storage, signature TOS4-HMAC-SHA256
 * (https://www.volcengine.com/docs/6349/74839).  The certificate is taken from
 * the certificate centre, one call for each domain.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/volcengine.h"
#include "daemon/rest/scheme_v4.h"
#include "daemon/rest/sign.h"
#include "providers/credentials.h"
#include "providers/volc.h"

enum { OPT_REGION, OPT_BUCKET, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the bucket, \"cn-beijing\"" },
	[OPT_BUCKET] = { .name = "bucket", .required = true,
	    .help = "its name" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "custom domains of the bucket" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* --- requests --- */

static void
begin(const struct cloud_call *c, struct preq *rq, const char *method)
{
	char url[256];

	(void)text_printf(url, sizeof(url), "https://%s.tos-%s.volces.com",
	    provider_str(c->values, OPT_BUCKET),
	    provider_str(c->values, OPT_REGION));
	preq_start(rq, method, "/");
	preq_base(rq, url);
	preq_query(rq, "customdomain", "");
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	static const struct scheme_v4 scheme = {
		.algorithm = "TOS4-HMAC-SHA256", .key_prefix = "",
		.terminator = "request", .date_header = "x-tos-date",
		.hash_header = "x-tos-content-sha256", .service = "tos",
	};
	const struct cloud_call *c = user;
	const char *token = provider_str(c->credentials, VOLCENGINE_TOKEN);
	unsigned char hash[SIGN_MAX];
	const void *body;
	size_t len;
	char *md5;

	if (token != NULL)
		preq_secret_header(rq, "x-tos-security-token", token);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION),
	    provider_str(c->credentials, VOLCENGINE_KEY),
	    provider_str(c->credentials, VOLCENGINE_SECRET));
	/* Not signed, as in the vendor's SDK. */
	body = preq_get_body(rq, &len);
	if (len > 0) {
		md5 = sign_base64(hash, sign_hash(SIGN_MD5, body, len, hash));
		preq_header(rq, "Content-MD5", md5);
		free(md5);
	}
	return 0;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	volc_judge(a, jsonx_str(a->json, "Code"), jsonx_str(a->json,
	    "Message"), err);
}

/* A change is answered by an empty body. */
static const struct cloud_api api = { .prepare = prepare, .failed = failed };

/* --- what is bound --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	begin(user, rq, "GET");
	return 0;
}

static bool
is(const json_t *rule, const char *member, const char *value)
{
	const char *is = jsonx_str(rule, member);

	return is != NULL && strcmp(is, value) == 0;
}

/* The rule of a domain; NULL if there is none. */
static const json_t *
rule_of(const json_t *all, const char *domain)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(all, i, rule) {
		if (is(rule, "Domain", domain))
			return rule;
	}
	return NULL;
}

/* memo: the rules of those that do not have ours. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *const *domains = domains_of(c);
	const json_t *all = rest_array(a, "CustomDomainRules", err), *rule;

	if (all == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_array();
	for (size_t i = 0; domains[i] != NULL; i++) {
		rule = rule_of(all, domains[i]);
		if (rule == NULL) {
			(void)error_set(err, ERR_CONFIG, "provider:refused",
			    "%s is no custom domain of bucket %s; add it in "
			    "the console", domains[i],
			    provider_str(c->values, OPT_BUCKET));
			return REST_FAIL;
		}
		c->is_bound[i] = c->id[0] != '\0' && is(rule, "CertId",
		    c->id);
		if (!c->is_bound[i])
			(void)json_array_append(c->memo,
			    (json_t *)(uintptr_t)rule);
	}
	c->is_right = cloud_all_bound(c, domains);
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- bind --- */

/* The protocol of a domain ("s3") stays. */
static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *rule = json_array_get(c->memo, c->at);
	const char *domain = jsonx_str(rule, "Domain");
	json_t *new;

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	new = json_pack("{s:s, s:s}", "CertId", c->id, "Domain", domain);
	if (jsonx_str(rule, "Protocol") != NULL)
		(void)json_object_set_new(new, "Protocol",
		    json_string(jsonx_str(rule, "Protocol")));
	begin(c, rq, "PUT");
	preq_json(rq, json_pack("{s:o}", "CustomDomainRule", new));
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return json_array_get(c->memo, ++c->at) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = listed(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && !c->is_right ? REST_POLL : next;
}

static const struct rest_step bind[] = {
	{ .name = "read settings", .request = list, .reply = listed },
	{ .name = "bind", .request = put, .reply = was_put },
	{ .name = "wait", .request = list, .reply = shown },
	{ .name = NULL }
};

/* Both are part of the host's name. */
static int
check(const struct provider_values *values, struct error *err)
{
	static const int words[] = { OPT_REGION, OPT_BUCKET };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *value = provider_str(values, words[i]);

		if (value[0] == '\0' || value[strspn(value,
		    "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s = \"%.100s\"; allowed: lower-case letters, "
			    "digits and hyphens", opts[words[i]].name, value);
	}
	return 0;
}

const struct cloud cloud_volcengine_tos = {
	.name = "volcengine-tos",
	.title = "Volcengine TOS, domains of a bucket",
	.doc = "Uploads the certificate to the certificate centre and binds "
	    "it to custom domains of a bucket, which are there already.",
	.policy = "{\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"tos:ListBucketCustomDomain\",\n"
	    "      \"tos:PutBucketCustomDomain\" ],\n"
	    "    \"Resource\": [ \"trn:tos:::BUCKET\" ]\n"
	    "  }, " VOLCENGINE_CERT_STATEMENT " ]\n"
	    "}\n",
	.example = "region = \"cn-beijing\"\n"
	    "bucket = \"static\"\n"
	    "domains = { \"static.example.com\" }\n",
	.credentials = "volcengine",
	.opts = opts,
	.check = check,
	.store = &volcengine_cert_store,
	.api = &api,
	.look = look,
	.bind = bind,
};
