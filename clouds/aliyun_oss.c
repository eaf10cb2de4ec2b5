/* SPDX-License-Identifier: MIT */
/*
 * aliyun-oss - the custom domains of an OSS bucket, signature OSS4
 * (https://help.aliyun.com/zh/oss/developer-reference/putcname).  The
 * certificate is taken from CAS, one call for each domain; what is bound is
 * told by its SHA-1 fingerprint.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/aliyun.h"
#include "common/mem.h"
#include "daemon/rest/scheme_v4.h"
#include "daemon/rest/sign.h"
#include "daemon/rest/xml.h"
#include "providers/credentials.h"

enum { OPT_REGION = CLOUD_SITE + 1, OPT_BUCKET, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the bucket, \"cn-hangzhou\"" },
	[OPT_BUCKET] = { .name = "bucket", .required = true,
	    .help = "its name" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "domains that are mapped to the bucket" },
	CLOUD_OPTS
};

/* --- requests --- */

static void
begin(const struct cloud_call *c, struct preq *rq, const char *method)
{
	char url[256];

	(void)text_printf(url, sizeof(url), "https://%s.oss-%s.aliyuncs.com",
	    provider_str(c->values, OPT_BUCKET),
	    provider_str(c->values, OPT_REGION));
	preq_start(rq, method, "/");
	preq_base(rq, url);
	preq_query_word(rq, "cname");
}

/* The bucket is in the name of the host, and in the path that is signed. */
static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *token = provider_str(c->credentials, ALIYUN_TOKEN);
	char path[128];
	struct scheme_v4 scheme = {
		.algorithm = "OSS4-HMAC-SHA256", .key_prefix = "aliyun_v4",
		.terminator = "aliyun_v4_request",
		.date_header = "x-oss-date",
		.hash_header = "x-oss-content-sha256", .service = "oss",
		.payload = "UNSIGNED-PAYLOAD", .own_headers = "x-oss-",
		.path = path,
	};

	(void)text_printf(path, sizeof(path), "/%s/",
	    provider_str(c->values, OPT_BUCKET));
	if (token != NULL)
		preq_secret_header(rq, "x-oss-security-token", token);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION),
	    provider_str(c->credentials, ALIYUN_ID),
	    provider_str(c->credentials, ALIYUN_SECRET));
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
		{ "InvalidSecurityToken", REST_CREDENTIALS },
		{ "SecurityTokenExpired", REST_CREDENTIALS },
		{ "RequestThrottled", REST_THROTTLED },
		{ "QpsLimitExceeded", REST_THROTTLED },
		{ "ServiceUnavailable", REST_UNAVAILABLE },
		{ "InternalError", REST_UNAVAILABLE },
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
	begin(user, rq, "GET");
	return 0;
}

/* The entry of a domain. */
static bool
find_domain(const struct xml *root, const char *domain, struct xml *out)
{
	struct xml all = *root;
	char name[256];

	while (xml_next(&all, "Cname", out)) {
		if (xml_text(out, "Domain", name, sizeof(name)) &&
		    strcmp(name, domain) == 0)
			return true;
	}
	return false;
}

/* Which domains have ours; -1 and err if one is not there at all. */
static int
read_bound(struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *const *domains = provider_list(c->values, OPT_DOMAINS);
	struct xml doc = xml_document(a->body, a->body_len), root, cname;
	char print[128];

	if (!xml_child(&doc, "ListCnameResult", &root)) {
		(void)cloud_lacks("ListCnameResult", err);
		return -1;
	}
	for (size_t i = 0; domains[i] != NULL; i++) {
		if (!find_domain(&root, domains[i], &cname))
			return error_set(err, ERR_CONFIG, "provider:refused",
			    "%s is not mapped to bucket %s; map it in the "
			    "console first", domains[i],
			    provider_str(c->values, OPT_BUCKET));
		c->is_bound[i] = xml_text(&cname, "Fingerprint", print,
		    sizeof(print)) && cloud_is_print(c, print);
	}
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (read_bound(c, a, err) == -1)
		return REST_FAIL;
	c->is_right = cloud_all_bound(c, provider_list(c->values,
	    OPT_DOMAINS));
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- bind --- */

static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, provider_list(c->values,
	    OPT_DOMAINS));
	unsigned char hash[SIGN_MAX];
	char *body, *md5;

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	/* Neither has a character that XML would want to be written in
	 * another way. */
	body = xasprintf("<BucketCnameConfiguration><Cname><Domain>%s"
	    "</Domain><CertificateConfiguration><CertId>%s-%s</CertId>"
	    "<Force>true</Force></CertificateConfiguration></Cname>"
	    "</BucketCnameConfiguration>", domain, c->id,
	    aliyun_cas_region(c));
	md5 = sign_base64(hash, sign_hash(SIGN_MD5, body, strlen(body),
	    hash));
	begin(c, rq, "POST");
	preq_query(rq, "comp", "add");
	preq_body(rq, body, strlen(body), "application/xml");
	preq_header(rq, "Content-MD5", md5);
	free(md5);
	free(body);
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->at++;
	return cloud_next_unbound(c, provider_list(c->values,
	    OPT_DOMAINS)) != NULL ? REST_AGAIN : REST_NEXT;
}

static int
list_unbound(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!cloud_all_bound(c, provider_list(c->values, OPT_DOMAINS)))
		begin(c, rq, "GET");
	return 0;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (read_bound(c, a, err) == -1)
		return REST_FAIL;
	return cloud_all_bound(c, provider_list(c->values, OPT_DOMAINS)) ?
	    REST_NEXT : REST_POLL;
}

static const struct rest_step bind[] = {
	{ .name = "bind", .request = put, .reply = was_put },
	{ .name = "wait", .request = list_unbound, .reply = shown },
	{ .name = NULL }
};

static bool
is_word(const char *s, const char *allowed)
{
	return *s != '\0' && s[strspn(s, allowed)] == '\0';
}

static int
check(const struct provider_values *values, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	static const char names[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *const *d = provider_list(values, OPT_DOMAINS);

	if (aliyun_check_region(provider_str(values, OPT_REGION), err) == -1)
		return -1;
	if (!is_word(provider_str(values, OPT_BUCKET), letters))
		return error_set(err, ERR_CONFIG, "config:value", "bucket = "
		    "\"%.100s\"; allowed: the name of a bucket",
		    provider_str(values, OPT_BUCKET));
	for (; *d != NULL; d++) {
		if (!is_word(*d, names))
			return error_set(err, ERR_CONFIG, "config:value",
			    CLOUD_DOMAINS ": \"%.200s\"; allowed: domain "
			    "names", *d);
	}
	return cloud_check_site(values, err);
}

const struct cloud cloud_aliyun_oss = {
	.name = "aliyun-oss",
	.title = "Alibaba Cloud OSS, domains of a bucket",
	.doc = "Uploads the certificate to CAS and binds it to domains that "
	    "are mapped to the bucket already. RAM users may need the "
	    "yundun-cert rights that let OSS take the certificate.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"oss:PutCname\", \"oss:ListCname\" ],\n"
	    "    \"Resource\": \"acs:oss:*:UID:BUCKET\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\",\n"
	    "      \"yundun-cert:DescribeSSLCertificatePrivateKey\",\n"
	    "      \"yundun-cert:DescribeSSLCertificatePublicKeyDetail\",\n"
	    "      \"yundun-cert:CreateSSLCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-hangzhou\"\n"
	    "bucket = \"static\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = check,
	.store = &aliyun_cas_store,
	.api = &api,
	.look = look,
	.bind = bind,
};
