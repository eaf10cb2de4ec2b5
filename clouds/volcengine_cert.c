/* SPDX-License-Identifier: MIT */
/*
 * volcengine-cert - the certificate centre of Volcano Engine, API of
 * 2024-10-01 (https://www.volcengine.com/docs/6638).  A certificate is found by
 * its tag, the name of the upload, which has the fingerprint in it: to read
 * more of one would give us its private key as well.
 */
#include <string.h>

#include "clouds/volcengine.h"
#include "providers/volc.h"

#define VERSION "2024-10-01"
#define PAGE 100			/* certificates */

static const struct provider_opt opts[] = { CLOUD_OPTS };

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	volcengine_prepare(user, rq, "certificate_service", "cn-beijing");
	return 0;
}

static const struct cloud_api api = { .base_url = VOLC_URL,
    .prepare = prepare, .is_refusal = volcengine_refuses,
    .failed = volcengine_call_failed };

static void
action(struct preq *rq, const char *name, json_t *body /* taken */)
{
	volc_action(rq, "POST", name, VERSION);
	preq_json(rq, body);
}

/* --- find --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(rq, "CertificateGetInstanceList", json_pack("{s:s, s:I, s:i}",
	    "Tag", c->upload_name, "PageNumber", (json_int_t)c->page + 1,
	    "PageSize", PAGE));
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "Result.Instances",
	    "Result.TotalCount", err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		const char *tag = jsonx_str(entry, "Tag");

		if (tag == NULL || strcmp(tag, c->upload_name) != 0)
			continue;
		c->is_found = true;
		return jsonx_copy_str(entry, "InstanceId", c->id,
		    sizeof(c->id), err) == -1 ? REST_FAIL : REST_DONE;
	}
	c->page++;
	return json_array_size(all) > 0 && c->page * PAGE <
	    jsonx_number(a->json, "Result.TotalCount", 0) ? REST_AGAIN :
	    REST_NEXT;
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

	action(rq, "ImportCertificate", json_pack("{s:{s:s, s:s}, s:b, s:s}",
	    "CertificateInfo", "CertificateChain", c->cert.fullchain,
	    "PrivateKey", c->cert.key, "Repeatable", 0, "Tag",
	    c->upload_name));
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *there = jsonx_str(a->json, "Result.RepeatId");

	/* It was there under another name: not for us to remove. */
	c->is_foreign = there != NULL && there[0] != '\0';
	return jsonx_copy_str(a->json, c->is_foreign ? "Result.RepeatId" :
	    "Result.InstanceId", c->id, sizeof(c->id), err) == -1 ?
	    REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *code = volc_code(a);

	c->is_full = err->kind == ERR_REJECTED && (strstr(code, "Quota") !=
	    NULL || strstr(code, "Exceed") != NULL);
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

	action(rq, "CertificateDeleteInstance", json_pack("{s:s}",
	    "InstanceId", c->old_id));
	return 0;
}

/* Its codes are not documented: these words are what others of the vendor
 * have. */
static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *code = volc_code(a);

	if (strstr(code, "NotFound") != NULL || strstr(code, "NotExist") !=
	    NULL)
		return REST_DONE;
	c->is_in_use = strstr(code, "InUse") != NULL || strstr(code, "Deploy")
	    != NULL || strstr(code, "Associat") != NULL || strstr(code,
	    "Bound") != NULL;
	return REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "remove", .request = remove_old,
	    .refused = remove_refused },
	{ .name = NULL }
};

const struct cloud_store volcengine_cert_store = {
	.name = "volcengine-cert",
	.api = &api,
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

const struct cloud cloud_volcengine_cert = {
	.name = "volcengine-cert",
	.title = "Volcengine certificate centre",
	.doc = "Uploads the certificate, and does not bind it: for what takes "
	    "certificates from there by other means.",
	.policy = "{\n"
	    "  \"Statement\": [ " VOLCENGINE_CERT_STATEMENT " ]\n"
	    "}\n",
	.example = "",
	.credentials = "volcengine",
	.opts = opts,
	.store = &volcengine_cert_store,
};
