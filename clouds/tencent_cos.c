/* SPDX-License-Identifier: MIT */
/*
 * tencent-cos - custom domains of a Tencent Cloud COS bucket.  SSL
 * Certificates (API of 2019-12-05, https://cloud.tencent.com/document/api/400)
 * deploys the certificate: a record of several domains, which is polled.  To
 * deploy what is bound already is an error there, so that is asked for first.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/tencent.h"
#include "common/mem.h"
#include "providers/tencent.h"

#define PAGE 100			/* domains */

enum { OPT_REGION = CLOUD_SITE + 1, OPT_BUCKET, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the bucket, \"ap-guangzhou\"" },
	[OPT_BUCKET] = { .name = "bucket", .required = true,
	    .help = "its name with the APPID, \"static-1250000000\"" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "custom domains of the bucket, which are online" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

static void
action(const struct cloud_call *c, struct preq *rq, const char *name,
    json_t *body /* taken */)
{
	tencent_action(c, rq, "ssl", name, body);
	preq_header(rq, "X-TC-Region", provider_str(c->values, OPT_REGION));
}

/* --- what is bound --- */

/* The domains in the region that have our certificate. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	if (c->id[0] == '\0')
		return 0;
	if (c->page == 0)
		memset(c->is_bound, 0, sizeof(c->is_bound));
	action(c, rq, "DescribeHostCosInstanceList", json_pack("{s:s, s:s, "
	    "s:i, s:I, s:i}", "OldCertificateId", c->id, "ResourceType",
	    "cos", "IsCache", 0, "Offset", (json_int_t)(c->page * PAGE),
	    "Limit", PAGE));
	return 0;
}

static bool
is(const json_t *entry, const char *member, const char *value)
{
	const char *is = jsonx_str(entry, member);

	return is != NULL && strcmp(is, value) == 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *const *domains = domains_of(c);
	const json_t *all = rest_entries(a, "Response.InstanceList",
	    "Response.TotalCount", err), *entry;
	size_t n;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, n, entry) {
		if (!is(entry, "CertId", c->id) || !is(entry, "Bucket",
		    provider_str(c->values, OPT_BUCKET)) || !is(entry,
		    "Region", provider_str(c->values, OPT_REGION)))
			continue;
		for (size_t i = 0; domains[i] != NULL; i++)
			c->is_bound[i] |= is(entry, "Domain", domains[i]);
	}
	c->page++;
	if (json_array_size(all) > 0 && c->page * PAGE <
	    jsonx_number(a->json, "Response.TotalCount", 0))
		return REST_AGAIN;
	c->page = 0;
	c->is_right = cloud_all_bound(c, domains);
	return REST_NEXT;
}

/* Nothing has it. */
static enum rest_next
list_refused(void *user, const struct rest_answer *a, struct error *err)
{
	return strcmp(tencent_code(a),
	    "FailedOperation.CertificateDeployInstanceEmpty") == 0 ?
	    REST_NEXT : REST_FAIL;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = list, .reply = listed,
	    .refused = list_refused },
	{ .name = NULL }
};

/* --- bind --- */

static int
deploy(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *const *domains = domains_of(c);
	json_t *all = json_array();
	char *one;

	for (size_t i = 0; domains[i] != NULL; i++) {
		if (c->is_bound[i])
			continue;
		cloud_say(c, "binding certificate %s to %s", c->id,
		    domains[i]);
		one = xasprintf("%s|%s|%s", provider_str(c->values,
		    OPT_REGION), provider_str(c->values, OPT_BUCKET),
		    domains[i]);
		(void)json_array_append_new(all, json_string(one));
		free(one);
	}
	if (json_array_size(all) > 0)
		action(c, rq, "DeployCertificateInstance", json_pack("{s:s, "
		    "s:s, s:O, s:i}", "CertificateId", c->id, "ResourceType",
		    "cos", "InstanceIdList", all, "Status", 1));
	json_decref(all);
	return 0;
}

/* DeployStatus 0: another record of this certificate is under way. */
static enum rest_next
deployed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (jsonx_number(a->json, "Response.DeployStatus", -1) == 0)
		return REST_POLL;
	return jsonx_copy_str(a->json, "Response.DeployRecordId", c->cursor,
	    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
deploy_refused(void *user, const struct rest_answer *a, struct error *err)
{
	return strcmp(tencent_code(a),
	    "FailedOperation.CertificateDeployHasPendingRecord") == 0 ?
	    REST_POLL : REST_FAIL;
}

static int
record(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->cursor[0] != '\0')
		action(c, rq, "DescribeHostDeployRecordDetail",
		    json_pack("{s:s, s:i}", "DeployRecordId", c->cursor,
		    "Limit", 200));
	return 0;
}

/* Why the first that failed did. */
static const char *
words_of(const struct rest_answer *a)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(jsonx_get(a->json,
	    "Response.DeployRecordDetailList"), i, entry) {
		const char *words = jsonx_str(entry, "ErrorMsg");

		if (jsonx_number(entry, "Status", -1) == 2 && words != NULL)
			return words;
	}
	return "the console's deployment records say why";
}

static enum rest_next
recorded(void *user, const struct rest_answer *a, struct error *err)
{
	int64_t total = jsonx_number(a->json, "Response.TotalCount", -1);
	int64_t good = jsonx_number(a->json, "Response.SuccessTotalCount", 0);
	int64_t bad = jsonx_number(a->json, "Response.FailedTotalCount", 0);

	if (total < 0)
		return cloud_lacks("TotalCount", err);
	/* Its details are made a moment later. */
	if (total == 0 || good + bad < total)
		return REST_POLL;
	if (bad == 0)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%lld of %lld "
	    "domains failed: %.200s", (long long)bad, (long long)total,
	    words_of(a));
	return REST_FAIL;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = listed(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && !c->is_right ? REST_POLL : next;
}

static const struct rest_step bind[] = {
	{ .name = "read what is bound", .request = list, .reply = listed,
	    .refused = list_refused },
	{ .name = "bind", .request = deploy, .reply = deployed,
	    .refused = deploy_refused },
	{ .name = "wait", .request = record, .reply = recorded },
	{ .name = "look again", .request = list, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_tencent_cos = {
	.name = "tencent-cos",
	.title = "Tencent Cloud COS, domains of a bucket",
	.doc = "Uploads the certificate to SSL Certificates, which binds it to "
	    "custom domains of a bucket; they are there already, and online. "
	    "The service role SSL_QCSLinkedRoleInReplaceLoadCertificate must "
	    "have been granted once in the console.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"ssl:DescribeHostCosInstanceList\",\n"
	    "      \"ssl:DeployCertificateInstance\",\n"
	    "      \"ssl:DescribeHostDeployRecordDetail\" ],\n"
	    "    \"resource\": [ \"*\" ]\n"
	    "  }, " TENCENT_SSL_STATEMENT " ]\n"
	    "}\n",
	.example = "region = \"ap-guangzhou\"\n"
	    "bucket = \"static-1250000000\"\n"
	    "domains = { \"static.example.com\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.api = &tencent_ssl_api,
	.look = look,
	.bind = bind,
};
