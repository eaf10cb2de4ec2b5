/* SPDX-License-Identifier: MIT */
/*
 * huawei-scm - Huawei Cloud Certificate Manager, SSL certificates, API v3
 * (https://support.huaweicloud.com/intl/en-us/api-ccm/).  Each upload gets an
 * id; lists have no fingerprint, single certificates have SHA-1.
 */
#include <string.h>

#include "clouds/huawei.h"

#define PAGE 50				/* certificates; 10, 20 or 50 */

enum { OPT_ENTERPRISE = CLOUD_SITE + 1 };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_ENTERPRISE] = HUAWEI_ENTERPRISE_OPT,
	CLOUD_OPTS
};

/* id "": all of them. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *id)
{
	huawei_start(rq, method, "scm", cloud_is_china(c) ? "cn-north-4" :
	    "ap-southeast-1", "/v3/scm/certificates");
	if (id[0] != '\0')
		preq_path(rq, id);
}

/* --- find --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *enterprise = provider_str(c->values, OPT_ENTERPRISE);

	c->id[0] = '\0';
	begin(c, rq, "GET", "");
	preq_query_number(rq, "limit", PAGE);
	preq_query_number(rq, "offset", c->page);
	preq_query(rq, "sort_dir", "DESC");
	preq_query(rq, "sort_key", "certUpdateTime");
	preq_query(rq, "status", "UPLOAD");
	if (enterprise != NULL)
		preq_query(rq, "enterprise_project_id", enterprise);
	return 0;
}

/* Could it be ours?  Of what time zone the end is, is not documented: minutes
 * and seconds are the same in all of them. */
static bool
is_like(const struct cloud_call *c, const json_t *entry)
{
	const char *name = jsonx_str(entry, "name");
	const char *end = jsonx_str(entry, "expire_time");
	const size_t at = strlen("2026-01-02T03:");
	char own[TEXT_TIME_MAX];

	if (name != NULL && strcmp(name, c->upload_name) == 0)
		return true;
	return end == NULL || (strlen(end) >= at + 5 && memcmp(end + at,
	    text_time(c->cert.not_after, own) + at, 5) == 0);
}

/* page: how many were seen. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "certificates", "total_count",
	    err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	if (c->memo == NULL)
		c->memo = json_array();
	json_array_foreach(all, i, entry) {
		if (is_like(c, entry))
			(void)json_array_append(c->memo,
			    (json_t *)(uintptr_t)entry);
	}
	c->page += (int64_t)json_array_size(all);
	return json_array_size(all) > 0 && c->page <
	    jsonx_number(a->json, "total_count", 0) ? REST_AGAIN : REST_NEXT;
}

static int
show(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *entry = json_array_get(c->memo, c->at);

	if (entry == NULL)
		return 0;
	if (jsonx_copy_str(entry, "id", c->id, sizeof(c->id), err) == -1)
		return -1;
	begin(c, rq, "GET", c->id);
	return 0;
}

static enum rest_next
go_on(struct cloud_call *c)
{
	c->id[0] = '\0';
	return ++c->at < json_array_size(c->memo) ? REST_AGAIN : REST_NEXT;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *name = jsonx_str(a->json, "name");

	if (!cloud_is_print(c, jsonx_str(a->json, "fingerprint")))
		return go_on(c);
	c->is_found = true;
	c->is_foreign = name == NULL || strcmp(name, c->upload_name) != 0;
	return REST_DONE;
}

/* Somebody has removed it meanwhile. */
static enum rest_next
not_shown(void *user, const struct rest_answer *a, struct error *err)
{
	return a->status == 404 ? go_on(user) : REST_FAIL;
}

static const struct rest_step find[] = {
	{ .name = "find certificate", .request = list, .reply = listed },
	{ .name = "compare", .request = show, .reply = shown,
	    .refused = not_shown },
	{ .name = NULL }
};

/* --- upload --- */

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *enterprise = provider_str(c->values, OPT_ENTERPRISE);
	json_t *body = json_pack("{s:s, s:s}", "name", c->upload_name,
	    "certificate", c->cert.leaf);

	if (c->cert.chain[0] != '\0')
		(void)json_object_set_new(body, "certificate_chain",
		    json_string(c->cert.chain));
	(void)json_object_set_new(body, "private_key",
	    json_string(c->cert.key));
	(void)json_object_set_new(body, "duplicate_check", json_true());
	if (enterprise != NULL)
		(void)json_object_set_new(body, "enterprise_project_id",
		    json_string(enterprise));
	begin(c, rq, "POST", "import");
	preq_json(rq, body);
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "certificate_id", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const quota[] = { "quota", "exceed", NULL };
	static const char *const there[] = { "exist", "duplicate", NULL };
	struct cloud_call *c = user;

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	c->is_full = rest_says(a, quota);
	if (!c->is_full && rest_says(a, there))
		err->kind = ERR_TRANSIENT;	/* find it */
	return huawei_blames_key(a) ? cloud_other_key(c) : REST_FAIL;
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

	begin(c, rq, "DELETE", c->old_id);
	return 0;
}

static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const used[] = { "in use", "being used",
	    "deployed", "associated", NULL };
	struct cloud_call *c = user;

	if (a->status == 404)
		return REST_NEXT;
	c->is_in_use = rest_says(a, used);
	return REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "remove", .request = remove_old,
	    .refused = remove_refused },
	{ .name = NULL }
};

static const struct cloud_store store = {
	.name = "huawei-scm",
	.api = &huawei_api,
	.place = "site",
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

const struct cloud cloud_huawei_scm = {
	.name = "huawei-scm",
	.title = "Huawei Cloud Certificate Manager (CCM, SSL certificates)",
	.doc = "Uploads the certificate, for products that are bound to it by "
	    "hand or by something else. Each renewal has an id of its own, so "
	    "that what uses the old one is to be bound again; for CDN, ELB "
	    "and OBS use their own products, which do. The vendor documents a "
	    "common name as required: if an upload is refused for it, ask the "
	    "CA for one, with Let's Encrypt by profile = \"classic\".",
	.policy = "{\n"
	    "  \"Version\": \"1.1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"scm:cert:import\", \"scm:cert:list\",\n"
	    "      \"scm:cert:get\", \"scm:cert:delete\" ]\n"
	    "  } ]\n"
	    "}\n",
	.credentials = "huaweicloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &store,
};
