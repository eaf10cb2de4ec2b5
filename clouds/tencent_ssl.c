/* SPDX-License-Identifier: MIT */
/*
 * tencent-ssl - Tencent Cloud SSL Certificates, API of 2019-12-05
 * (https://cloud.tencent.com/document/api/400).  Each upload gets an id; the
 * vendor itself moves all that is bound to the one before to the new one.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/tencent.h"
#include "common/mem.h"
#include "providers/tencent.h"

#define PAGE 100			/* certificates */

enum { OPT_ID = CLOUD_SITE + 1, OPT_TYPES, OPT_REGIONS };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_ID] = { .name = "certificate_id",
	    .help = "of the certificate that is bound now and that the first "
	    "one of acmed replaces; otherwise bind that once by hand" },
	[OPT_TYPES] = { .name = "resource_types", .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "where it is replaced: cdn, clb, waf, live, vod, teo, "
	    "ddos, cos, ..." },
	[OPT_REGIONS] = { .name = "regions", .type = PROVIDER_OPT_LIST,
	    .help = "of clb, waf, cos, tke, apigateway, tcb, tse and mqtt: "
	    "\"ap-guangzhou\"" },
	CLOUD_OPTS
};

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return tencent_prepare(user, rq, "ssl", "2019-12-05");
}

const struct cloud_api tencent_ssl_api = { .prepare = prepare,
    .is_refusal = tencent_refuses, .failed = tencent_call_failed };

static void
action(const struct cloud_call *c, struct preq *rq, const char *name,
    json_t *body /* taken */)
{
	tencent_action(c, rq, "ssl", name, body);
}

/* --- find --- */

/* Lists have no fingerprint, but the upload's name has; then its PEM is
 * compared. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	c->id[0] = '\0';
	action(c, rq, "DescribeCertificates", json_pack("{s:s, s:s, s:s, s:i, "
	    "s:I}", "SearchKey", c->upload_name, "CertificateType", "SVR",
	    "FilterSource", "upload", "Limit", PAGE, "Offset",
	    (json_int_t)(c->page * PAGE)));
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "Response.Certificates",
	    "Response.TotalCount", err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		const char *alias = jsonx_str(entry, "Alias");

		if (alias == NULL || strcmp(alias, c->upload_name) != 0)
			continue;
		return jsonx_copy_str(entry, "CertificateId", c->id,
		    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
	}
	c->page++;
	return json_array_size(all) > 0 && c->page * PAGE <
	    jsonx_number(a->json, "Response.TotalCount", 0) ? REST_AGAIN :
	    REST_NEXT;
}

static int
detail(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->id[0] != '\0')
		action(c, rq, "DescribeCertificateDetail", json_pack("{s:s}",
		    "CertificateId", c->id));
	return 0;
}

static enum rest_next
detailed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_found = cloud_is_ours(c, jsonx_str(a->json,
	    "Response.CertificatePublicKey"));
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "find certificate", .request = list, .reply = listed },
	{ .name = "compare", .request = detail, .reply = detailed },
	{ .name = NULL }
};

/* --- upload --- */

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "UploadCertificate", json_pack("{s:s, s:s, s:s, s:s, "
	    "s:b}", "CertificatePublicKey", c->cert.fullchain,
	    "CertificatePrivateKey", c->cert.key, "CertificateType", "SVR",
	    "Alias", c->upload_name, "Repeatable", 0));
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *there = jsonx_str(a->json, "Response.RepeatCertId");

	/* It was there under another name: not for us to remove. */
	c->is_foreign = there != NULL && there[0] != '\0';
	return jsonx_copy_str(a->json, c->is_foreign ?
	    "Response.RepeatCertId" : "Response.CertificateId", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *code = tencent_code(a);

	if (strcmp(code, "FailedOperation.CertificateExists") == 0)
		err->kind = ERR_TRANSIENT;	/* find it */
	c->is_full = strstr(code, "Exceed") != NULL && strstr(code,
	    "Rate") == NULL && err->kind == ERR_REJECTED;
	return REST_FAIL;
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

	action(c, rq, "DeleteCertificate", json_pack("{s:s, s:b}",
	    "CertificateId", c->old_id, "IsCheckResource", 1));
	return 0;
}

static enum rest_next
removing(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *task = jsonx_str(a->json, "Response.TaskId");

	if (task == NULL || task[0] == '\0')
		return REST_DONE;
	(void)text_printf(c->cursor, sizeof(c->cursor), "%s", task);
	return REST_NEXT;
}

static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const later[] = {
	    "FailedOperation.BoundResources",
	    "FailedOperation.DeleteResourceFailed",
	    "FailedOperation.CannotBeDeletedWithinHour",
	    "FailedOperation.DeleteFailedTimeNotUp" };
	struct cloud_call *c = user;
	const char *code = tencent_code(a);

	if (strcmp(code, "FailedOperation.CertificateNotFound") == 0)
		return REST_DONE;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		c->is_in_use |= strcmp(code, later[i]) == 0;
	return REST_FAIL;
}

static int
task(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "DescribeDeleteCertificatesTaskResult",
	    json_pack("{s:[s]}", "TaskIds", c->cursor));
	return 0;
}

/* 0: under way, 1: done, 4: something is bound to it; others: failed. */
static enum rest_next
task_result(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *result = jsonx_get(a->json,
	    "Response.DeleteTaskResult.0");
	const char *words = jsonx_str(result, "Error");
	int64_t status = jsonx_number(result, "Status", -1);

	if (status == 1)
		return REST_NEXT;
	if (status == 0)
		return REST_POLL;
	c->is_in_use = status == 4;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "status %lld%s"
	    "%.200s", (long long)status, words != NULL ? ": " : "",
	    words != NULL ? words : "");
	return REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "remove", .request = remove_old, .reply = removing,
	    .refused = remove_refused },
	{ .name = "wait", .request = task, .reply = task_result },
	{ .name = NULL }
};

const struct cloud_store tencent_ssl_store = {
	.name = "tencent-ssl",
	.api = &tencent_ssl_api,
	.place = "site",
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

/* --- move what is bound --- */

/* What is bound now; NULL: nothing that acmed knows of. */
static const char *
old_of(const struct cloud_call *c)
{
	return c->bound_id[0] != '\0' ? c->bound_id :
	    provider_str(c->values, OPT_ID);
}

/* Types without a region ignore them. */
static json_t *
regions_of(const struct cloud_call *c)
{
	const char *const *types = provider_list(c->values, OPT_TYPES);
	const char *const *regions = provider_list(c->values, OPT_REGIONS);
	json_t *all = json_array(), *names = json_array();

	for (size_t i = 0; regions[i] != NULL; i++)
		(void)json_array_append_new(names, json_string(regions[i]));
	for (size_t i = 0; types[i] != NULL && regions[0] != NULL; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:O}",
		    "ResourceType", types[i], "Regions", names));
	json_decref(names);
	return all;
}

static int
move(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *const *types = provider_list(c->values, OPT_TYPES);
	const char *old = old_of(c);
	json_t *list, *body;

	if (old == NULL) {
		cloud_say(c, "nothing is bound to a certificate of acmed yet: "
		    "bind %s once, in the console", c->id);
		return 0;
	}
	if (strcmp(old, c->id) == 0)
		return 0;		/* moved already */
	list = json_array();
	for (size_t i = 0; types[i] != NULL; i++)
		(void)json_array_append_new(list, json_string(types[i]));
	body = json_pack("{s:s, s:s, s:o}", "OldCertificateId", old,
	    "CertificateId", c->id, "ResourceTypes", list);
	list = regions_of(c);
	if (json_array_size(list) > 0)
		(void)json_object_set(body, "ResourceTypesRegions", list);
	json_decref(list);
	action(c, rq, "UpdateCertificateInstance", body);
	return 0;
}

/* 0: the record is still being made. */
static enum rest_next
moving(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	int64_t record = jsonx_number(a->json, "Response.DeployRecordId", 0);

	if (record <= 0)
		return REST_POLL;
	(void)text_printf(c->cursor, sizeof(c->cursor), "%lld",
	    (long long)record);
	return REST_NEXT;
}

static enum rest_next
move_refused(void *user, const struct rest_answer *a, struct error *err)
{
	const char *code = tencent_code(a);

	if (strcmp(code, "FailedOperation.CertificateDeployHasPendingRecord")
	    == 0)
		return REST_POLL;
	/* Nothing is bound to the old one. */
	if (strcmp(code, "FailedOperation.CertificateDeployInstanceEmpty") ==
	    0 || strcmp(code, "FailedOperation.CertificateNotDeployInstance")
	    == 0)
		return REST_DONE;
	return REST_FAIL;
}

static int
record(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->cursor[0] != '\0')
		action(c, rq, "DescribeHostUpdateRecordDetail",
		    json_pack("{s:s, s:s}", "DeployRecordId", c->cursor,
		    "Limit", "200"));
	return 0;
}

static enum rest_next
recorded(void *user, const struct rest_answer *a, struct error *err)
{
	int64_t total = jsonx_number(a->json, "Response.TotalCount", -1);
	int64_t good = jsonx_number(a->json, "Response.SuccessTotalCount", 0);
	int64_t bad = jsonx_number(a->json, "Response.FailedTotalCount", 0);

	if (total < 0)
		return cloud_lacks("TotalCount", err);
	if (good + bad < total)
		return REST_POLL;
	if (bad == 0)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%lld of %lld "
	    "resources failed; the console's deployment records say why",
	    (long long)bad, (long long)total);
	return REST_FAIL;
}

static const struct rest_step bind[] = {
	{ .name = "replace", .request = move, .reply = moving,
	    .refused = move_refused },
	{ .name = "wait", .request = record, .reply = recorded },
	{ .name = NULL }
};

const struct cloud cloud_tencent_ssl = {
	.name = "tencent-ssl",
	.title = "Tencent Cloud SSL Certificates",
	.doc = "Uploads the certificate, and lets the vendor replace the one "
	    "before wherever it is bound. The first one is bound once by "
	    "hand, unless certificate_id names what it replaces. The service "
	    "role SSL_QCSLinkedRoleInReplaceLoadCertificate must have been "
	    "granted once in the console.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"ssl:UploadCertificate\",\n"
	    "      \"ssl:DescribeCertificates\",\n"
	    "      \"ssl:DescribeCertificateDetail\",\n"
	    "      \"ssl:UpdateCertificateInstance\",\n"
	    "      \"ssl:DescribeHostUpdateRecordDetail\",\n"
	    "      \"ssl:DeleteCertificate\",\n"
	    "      \"ssl:DescribeDeleteCertificatesTaskResult\" ],\n"
	    "    \"resource\": [ \"*\" ]\n"
	    "  } ]\n"
	    "}\n",
	.example = "resource_types = { \"cdn\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.api = &tencent_ssl_api,
	.bind = bind,
};
