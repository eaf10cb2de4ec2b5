/* SPDX-License-Identifier: MIT */
/*
 * aws-cloudfront - Amazon CloudFront, REST API 2020-05-31
 * (https://docs.aws.amazon.com/cloudfront/latest/APIReference/).  The
 * certificate is in ACM and keeps its ARN, so that a distribution is changed
 * once, and read ever after.
 *
 * A change sends the whole configuration, and what is left out falls to its
 * default: it is sent back byte for byte, but for what says which certificate
 * it is.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clouds/aws.h"
#include "common/mem.h"
#include "providers/aws.h"

#define API "/2020-05-31/distribution"
#define CHINA "cn-northwest-1"

enum { OPT_DISTRIBUTION = AWS_ARN + 1, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[AWS_REGION] = { .name = "region", .fallback = "us-east-1",
	    .help = "of ACM: CloudFront takes certificates of us-east-1, and "
	    "in China of " CHINA },
	AWS_ARN_OPT,
	[OPT_DISTRIBUTION] = { .name = "distribution_id", .required = true,
	    .help = "\"E...\"" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "alternate domain names of the distribution, to be "
	    "verified" },
	CLOUD_OPTS
};

static bool
is_china(const struct provider_values *values)
{
	return strcmp(provider_str(values, AWS_REGION), CHINA) == 0;
}

static int
check(const struct provider_values *values, struct error *err)
{
	const char *id = provider_str(values, OPT_DISTRIBUTION);
	const char *region = provider_str(values, AWS_REGION);

	if (!is_china(values) && strcmp(region, "us-east-1") != 0)
		return error_set(err, ERR_CONFIG, "config:value", "region = "
		    "\"%.100s\"; allowed: us-east-1, and for China " CHINA,
		    region);
	for (const char *s = id; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s))
			return error_set(err, ERR_CONFIG, "config:value",
			    "distribution_id = \"%.100s\"; allowed: letters "
			    "and digits, as in E1EXAMPLE", id);
	}
	return 0;
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return aws_prepare(user, rq, "cloudfront");
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	static const struct rest_code codes[] = {
		{ "NoSuchDistribution", ERR_CONFIG, "provider:refused" },
		{ "InvalidViewerCertificate", ERR_CONFIG, "provider:refused" },
		{ "CNAMEAlreadyExists", ERR_CONFIG, "provider:refused" },
		{ .word = NULL }
	};
	char code[AWS_CODE_MAX];

	aws_xml_failed(a, "", code, err);
	rest_judge(codes, REST_IS, code, err);
}

static const struct cloud_api api = { .prepare = prepare, .failed = failed,
    .plain_text = true };

static void
call(const struct cloud_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, API);
	preq_base(rq, is_china(c->values) ?
	    "https://cloudfront." CHINA ".amazonaws.com.cn" :
	    "https://cloudfront.amazonaws.com");
	preq_path(rq, provider_str(c->values, OPT_DISTRIBUTION));
}

/* --- what it has --- */

static int
get_config(void *user, struct preq *rq, struct error *err)
{
	call(user, rq, "GET");
	preq_path(rq, "config");
	return 0;
}

static bool
is_default(const struct xml *viewer)
{
	char text[8];

	return xml_text(viewer, "CloudFrontDefaultCertificate", text,
	    sizeof(text)) && strcmp(text, "true") == 0;
}

/* What the distribution shows its visitors; false and err: it is not there. */
static bool
find_viewer(const struct rest_answer *a, struct xml *viewer,
    struct error *err)
{
	struct xml config;

	if (!aws_xml_root(a, "DistributionConfig", &config, err))
		return false;
	if (xml_child(&config, "ViewerCertificate", viewer))
		return true;
	(void)cloud_lacks("ViewerCertificate", err);
	return false;
}

static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct xml viewer;

	return find_viewer(a, &viewer, err) ? REST_NEXT : REST_FAIL;
}

/* Nothing is right before ACM has been asked; but the distribution is there. */
static const struct rest_step look[] = {
	{ .name = "read distribution", .request = get_config,
	    .reply = looked_at },
	{ .name = NULL }
};

/* --- change --- */

/* The inside of ViewerCertificate without what says which certificate it is;
 * with the default one also without what only that can have: "vip", which
 * would be billed, and an old TLS. */
static void
put_others(FILE *f, const struct xml *viewer)
{
	static const char *const ours[] = { "CloudFrontDefaultCertificate",
	    "IAMCertificateId", "ACMCertificateArn", "Certificate",
	    "CertificateSource", "SSLSupportMethod",
	    "MinimumProtocolVersion" };
	size_t n = is_default(viewer) ? 7 : 5;
	const char *at = viewer->at, *begin, *end;
	struct xml rest = *viewer, e;
	char name[64];

	while (xml_next_any(&rest, name, sizeof(name), &e)) {
		size_t i = 0;

		while (i < n && strcmp(name, ours[i]) != 0)
			i++;
		xml_whole(&e, name, &begin, &end);
		(void)fwrite(at, 1, (size_t)(begin - at), f);
		if (i == n)
			(void)fwrite(begin, 1, (size_t)(end - begin), f);
		at = end;
	}
	(void)fwrite(at, 1, (size_t)(viewer->end - at), f);
}

/* The configuration with our certificate; the caller frees. */
static char *
edit(const struct cloud_call *c, const struct rest_answer *a,
    const struct xml *viewer, size_t *len)
{
	bool is_tag = xml_is_empty_tag(viewer);
	bool was_default = is_default(viewer);
	const char *inside = is_tag ? viewer->attrs_end : viewer->at;
	struct xml e;
	char *out;
	FILE *f = open_memstream(&out, len);

	if (f == NULL)
		abort();
	(void)fwrite(a->body, 1, (size_t)(inside - a->body), f);
	/* An ARN has no characters that XML would have escaped. */
	(void)fprintf(f, "%s<ACMCertificateArn>%s</ACMCertificateArn>",
	    is_tag ? ">" : "", c->id);
	put_others(f, viewer);
	if (was_default || !xml_child(viewer, "SSLSupportMethod", &e))
		(void)fputs("<SSLSupportMethod>sni-only</SSLSupportMethod>",
		    f);
	if (was_default || !xml_child(viewer, "MinimumProtocolVersion", &e))
		(void)fputs("<MinimumProtocolVersion>TLSv1.2_2021"
		    "</MinimumProtocolVersion>", f);
	if (is_tag)
		(void)fputs("</ViewerCertificate>", f);
	(void)fwrite(viewer->end, 1, (size_t)(a->body + a->body_len -
	    viewer->end), f);
	if (fclose(f) != 0)
		abort();
	return out;
}

/* memo: what is to be sent, if anything. */
static enum rest_next
got_config(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *etag = rest_header(a, "ETag");
	char arn[CLOUD_ID_SIZE], *text;
	struct xml viewer;
	json_t *config;
	size_t len;

	if (!find_viewer(a, &viewer, err))
		return REST_FAIL;
	if (!is_default(&viewer) && xml_text(&viewer, "ACMCertificateArn",
	    arn, sizeof(arn)) && strcmp(arn, c->id) == 0)
		return REST_NEXT;
	if (etag == NULL)
		return cloud_lacks("ETag", err);
	if (c->id[strcspn(c->id, "<>&\"' ")] != '\0')
		return cloud_lacks("CertificateArn", err);
	text = edit(c, a, &viewer, &len);
	config = json_stringn(text, len);
	freezero(text, len);	/* origins may have secrets in it */
	if (config == NULL)
		return cloud_lacks("DistributionConfig: it is no UTF-8", err);
	c->memo = json_pack("{s:s, s:o}", "etag", etag, "config", config);
	return REST_NEXT;
}

static int
update(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const json_t *config = json_object_get(c->memo, "config");

	if (config == NULL)
		return 0;
	cloud_say(c, "binding %s to the distribution", c->id);
	call(c, rq, "PUT");
	preq_path(rq, "config");
	preq_header(rq, "If-Match", jsonx_str(c->memo, "etag"));
	preq_body(rq, json_string_value(config), json_string_length(config),
	    "text/xml");
	return 0;
}

/* Somebody was faster. */
static enum rest_next
update_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const race[] = { "PreconditionFailed",
	    "InvalidIfMatchVersion", NULL };

	return (a->status == 412 || a->status == 400) && rest_says(a, race) ?
	    REST_REPEAT : REST_FAIL;
}

static int
get(void *user, struct preq *rq, struct error *err)
{
	call(user, rq, "GET");
	return 0;
}

static enum rest_next
is_deployed(void *user, const struct rest_answer *a, struct error *err)
{
	struct xml distribution;
	char status[32];

	if (!aws_xml_root(a, "Distribution", &distribution, err))
		return REST_FAIL;
	if (!xml_text(&distribution, "Status", status, sizeof(status)))
		return cloud_lacks("Status", err);
	return strcmp(status, "Deployed") == 0 ? REST_NEXT : REST_POLL;
}

static const struct rest_step bind[] = {
	{ .name = "read distribution", .request = get_config,
	    .reply = got_config },
	{ .name = "bind", .request = update, .refused = update_refused },
	{ .name = "wait", .request = get, .reply = is_deployed },
	{ .name = NULL }
};

const struct cloud cloud_aws_cloudfront = {
	.name = "aws-cloudfront",
	.title = "Amazon CloudFront",
	.doc = "Imports the certificate into ACM and binds it to a "
	    "distribution, which is there already and has the names as "
	    "alternate domain names. Later renewals replace it in ACM under "
	    "the same ARN, and the distribution is only read. A distribution "
	    "that had CloudFront's own certificate gets sni-only and "
	    "TLSv1.2_2021; all other settings stay.",
	.policy = "{\n"
	    "  \"Version\": \"2012-10-17\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"acm:ImportCertificate\",\n"
	    "      \"acm:DescribeCertificate\", \"acm:ListCertificates\",\n"
	    "      \"acm:AddTagsToCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"cloudfront:GetDistribution\",\n"
	    "      \"cloudfront:GetDistributionConfig\",\n"
	    "      \"cloudfront:UpdateDistribution\" ],\n"
	    "    \"Resource\":\n"
	    "      \"arn:aws:cloudfront::ACCOUNT:distribution/E1EXAMPLE\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "distribution_id = \"E1EXAMPLE\"\n",
	.credentials = "aws",
	.opts = opts,
	.check = check,
	.store = &aws_acm_store,
	.api = &api,
	.look = look,
	.bind = bind,
};
