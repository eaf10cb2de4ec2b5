/* SPDX-License-Identifier: MIT */
/*
 * aws-acm - AWS Certificate Manager, API 2015-12-08
 * (https://docs.aws.amazon.com/acm/latest/APIReference/).  In place: an import
 * under the same ARN is what load balancers, CloudFront and the others that
 * name it serve by themselves some minutes later.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/aws.h"
#include "common/mem.h"
#include "daemon/rest/sign.h"
#include "providers/aws.h"

#define PAGE 1000			/* certificates; the most there is */

static const struct provider_opt opts[] = {
	AWS_REGION_OPT,
	AWS_ARN_OPT,
	CLOUD_OPTS
};

/* "...#ValidationException", never NULL. */
static const char *
code_of(const struct rest_answer *a)
{
	const char *type = jsonx_str(a->json, "__type"), *hash;

	if (type == NULL)
		return "";
	hash = strrchr(type, '#');
	return hash != NULL ? hash + 1 : type;
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return aws_prepare(user, rq, "acm");
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const char *code = code_of(a);

	if (code[0] == '\0')
		return;
	if (strcmp(code, "ConflictException") == 0)
		err->kind = ERR_TRANSIENT;
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg, code);
	/* A quota, not the pace. */
	if (strcmp(code, "LimitExceededException") != 0)
		aws_judge(a, code, err);
}

static const struct cloud_api api = { .prepare = prepare, .failed = failed };

static void
call(const struct cloud_call *c, struct preq *rq, const char *operation,
    json_t *body /* taken */)
{
	char target[80];

	(void)text_printf(target, sizeof(target), "CertificateManager.%s",
	    operation);
	preq_start(rq, "POST", "/");
	aws_base(c, rq, "acm");
	preq_header(rq, "X-Amz-Target", target);
	preq_json(rq, body);
	preq_header(rq, "Content-Type", "application/x-amz-json-1.1");
}

/* --- find --- */

static int
describe_known(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *arn = provider_str(c->values, AWS_ARN);

	if (arn != NULL)
		(void)text_printf(c->id, sizeof(c->id), "%s", arn);
	if (c->id[0] != '\0')
		call(c, rq, "DescribeCertificate", json_pack("{s:s}",
		    "CertificateArn", c->id));
	return 0;
}

static bool
is_same(const struct cloud_call *c, const struct rest_answer *a)
{
	return cloud_same_hex(jsonx_str(a->json, "Certificate.Serial"),
	    c->cert.serial);
}

/* It is replaced, or is right already. */
static enum rest_next
described_known(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *type = jsonx_str(a->json, "Certificate.Type");

	if (type != NULL && strcmp(type, "IMPORTED") != 0) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is "
		    "no imported certificate (%s): only these can be "
		    "replaced", c->id, type);
		return REST_FAIL;
	}
	c->is_found = is_same(c, a);
	return REST_DONE;
}

static enum rest_next
unknown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (strcmp(code_of(a), "ResourceNotFoundException") != 0 ||
	    provider_str(c->values, AWS_ARN) != NULL)
		return REST_FAIL;
	c->id[0] = '\0';
	return REST_NEXT;
}

/* Only where an import was begun whose ARN nobody knows: nothing that others
 * have imported is to be replaced. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	json_t *body;

	if (!c->is_begun)
		return 0;
	/* Without these only RSA_2048 is listed. */
	body = json_pack("{s:{s:[s,s,s,s,s,s,s]}, s:i}", "Includes",
	    "keyTypes", "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096",
	    "EC_prime256v1", "EC_secp384r1", "EC_secp521r1", "MaxItems",
	    PAGE);
	if (c->cursor[0] != '\0')
		(void)json_object_set_new(body, "NextToken",
		    json_string(c->cursor));
	call(c, rq, "ListCertificates", body);
	return 0;
}

/* Those that end at the same second. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_array(a, "CertificateSummaryList", err);
	const json_t *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	if (c->memo == NULL)
		c->memo = json_array();
	json_array_foreach(all, i, entry) {
		const json_t *end = jsonx_get(entry, "NotAfter");
		const char *arn = jsonx_str(entry, "CertificateArn");
		double off = json_number_value(end) -
		    (double)c->cert.not_after;

		if (arn != NULL && (end == NULL || (off > -2 && off < 2)))
			(void)json_array_append_new(c->memo,
			    json_string(arn));
	}
	if (jsonx_str(a->json, "NextToken") == NULL)
		return REST_NEXT;
	return jsonx_copy_str(a->json, "NextToken", c->cursor,
	    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_AGAIN;
}

static int
describe_next(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	json_t *arn = json_array_get(c->memo, c->at);

	if (arn != NULL)
		call(c, rq, "DescribeCertificate", json_pack("{s:O}",
		    "CertificateArn", arn));
	return 0;
}

static enum rest_next
described_next(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (is_same(c, a)) {
		c->is_found = true;
		return jsonx_copy_str(a->json, "Certificate.CertificateArn",
		    c->id, sizeof(c->id), err) == -1 ? REST_FAIL : REST_DONE;
	}
	c->at++;
	return c->at < json_array_size(c->memo) ? REST_AGAIN : REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "read certificate", .request = describe_known,
	    .reply = described_known, .refused = unknown },
	{ .name = "list certificates", .request = list, .reply = listed },
	{ .name = "compare", .request = describe_next,
	    .reply = described_next },
	{ .name = NULL }
};

/* --- import --- */

/* base64 of a text; taken. */
static json_t *
blob(const char *text)
{
	char *base64 = sign_base64(text, strlen(text));
	json_t *out = json_string(base64);

	freezero_str(base64);
	return out;
}

static int
import(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	json_t *body = json_pack("{s:o}", "Certificate", blob(c->cert.leaf));

	if (c->cert.chain[0] != '\0')
		(void)json_object_set_new(body, "CertificateChain",
		    blob(c->cert.chain));
	(void)json_object_set_new(body, "PrivateKey", blob(c->cert.key));
	if (c->id[0] != '\0')
		(void)json_object_set_new(body, "CertificateArn",
		    json_string(c->id));
	else
		(void)json_object_set_new(body, "Tags", json_pack(
		    "[{s:s, s:s}]", "Key", "acmed", "Value", c->cert.name));
	call(c, rq, "ImportCertificate", body);
	return 0;
}

static enum rest_next
imported(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "CertificateArn", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
import_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (strcmp(code_of(a), "LimitExceededException") == 0)
		c->is_full = true;
	return REST_FAIL;
}

static const struct rest_step upload[] = {
	{ .name = "import", .request = import, .reply = imported,
	    .refused = import_refused },
	{ .name = NULL }
};

static const char *const object[] = { "certificate_arn", NULL };

const struct cloud_store aws_acm_store = {
	.name = "aws-acm",
	.api = &api,
	.is_in_place = true,
	.place = "region",
	.object = object,
	.find = find,
	.upload = upload,
};

const struct cloud cloud_aws_acm = {
	.name = "aws-acm",
	.title = "AWS Certificate Manager",
	.doc = "Imports the certificate, and at each renewal imports it again "
	    "under the same ARN: what uses the ARN follows by itself. Attach "
	    "it once, by hand; a load balancer takes one of its own region, "
	    "CloudFront one of us-east-1. Later renewals need no more than "
	    "acm:ImportCertificate and acm:DescribeCertificate on that ARN.",
	.policy = "{\n"
	    "  \"Version\": \"2012-10-17\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"acm:ImportCertificate\",\n"
	    "      \"acm:DescribeCertificate\", \"acm:ListCertificates\",\n"
	    "      \"acm:AddTagsToCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"eu-central-1\"\n",
	.credentials = "aws",
	.opts = opts,
	.check = aws_check_region,
	.store = &aws_acm_store,
};
