/* SPDX-License-Identifier: MIT */
/*
 * aliyun-cas - Alibaba Cloud Certificate Management Service, API of 2020-04-07
 * (https://help.aliyun.com/zh/ssl-certificate/developer-reference/).  Each
 * upload gets an id; other products of the vendor name it.
 */
#include <string.h>

#include "clouds/aliyun.h"
#include "common/names.h"
#include "providers/aliyun.h"

#define PAGE 50				/* certificates; the most there is */

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	CLOUD_OPTS
};

const char *
aliyun_cas_region(const struct cloud_call *c)
{
	return cloud_is_china(c) ? "cn-hangzhou" : "ap-southeast-1";
}

const char *
aliyun_cas_identifier(const struct cloud_call *c, const char *id, char *out,
    size_t size)
{
	(void)text_printf(out, size, "%s-%s", id, aliyun_cas_region(c));
	return out;
}

static void
action(const struct cloud_call *c, struct preq *rq, const char *name)
{
	static const struct aliyun_service china = {
		"cas.aliyuncs.com", "2020-04-07" };
	static const struct aliyun_service international = {
		"cas.ap-southeast-1.aliyuncs.com", "2020-04-07" };

	aliyun_action(rq, cloud_is_china(c) ? &china : &international,
	    name);
}

/* A number; OSS wants it in its XML. */
static int
copy_id(struct cloud_call *c, const json_t *from, const char *name,
    struct error *err)
{
	if (jsonx_copy_str(from, name, c->id, sizeof(c->id), err) == -1)
		return -1;
	if (c->id[strspn(c->id, "0123456789")] == '\0')
		return 0;
	c->id[0] = '\0';
	(void)cloud_lacks(name, err);
	return -1;
}

/* --- find --- */

/* The keyword finds parts of words, so that all pages are read. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	action(c, rq, "ListUserCertificateOrder");
	preq_query_number(rq, "CurrentPage", c->page + 1);
	preq_query(rq, "Keyword", dname_base(c->cert.names[0]));
	preq_query(rq, "OrderType", "UPLOAD");
	preq_query_number(rq, "ShowSize", PAGE);
	return 0;
}

static bool
is_same(const struct cloud_call *c, const json_t *entry)
{
	const char *print = jsonx_str(entry, "Sha2");

	if (print != NULL && *print != '\0')
		return cloud_is_print(c, print);
	return cloud_same_hex(jsonx_str(entry, "SerialNo"), c->cert.serial);
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "CertificateOrderList",
	    "TotalCount", err), *entry;
	const char *name;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		if (!is_same(c, entry))
			continue;
		if (copy_id(c, entry, "CertificateId", err) == -1)
			return REST_FAIL;
		name = jsonx_str(entry, "Name");
		c->is_found = true;
		c->is_foreign = name == NULL ||
		    strcmp(name, c->upload_name) != 0;
		return REST_DONE;
	}
	c->page++;
	return json_array_size(all) > 0 && c->page * PAGE <
	    jsonx_number(a->json, "TotalCount", 0) ? REST_AGAIN : REST_NEXT;
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

	action(c, rq, "UploadUserCertificate");
	preq_form(rq, "Cert", c->cert.fullchain);
	preq_form(rq, "Key", c->cert.key);
	preq_form(rq, "Name", c->upload_name);
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return copy_id(c, a->json, "CertId", err) == -1 ? REST_FAIL :
	    REST_NEXT;
}

static const struct rest_step upload_steps[] = {
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = aliyun_upload_refused },
	{ .name = NULL }
};

/* --- remove --- */

static int
remove_old(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "DeleteUserCertificate");
	preq_query(rq, "CertId", c->old_id);
	return 0;
}

static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const used[] = { "inuse", "in use", "being used",
	    "deployed", "associated", "occupied", NULL };
	struct cloud_call *c = user;

	if (strncmp(aliyun_code(a), "NotFound", 8) == 0)
		return REST_NEXT;
	c->is_in_use = rest_says(a, used);
	return REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "remove", .request = remove_old,
	    .refused = remove_refused },
	{ .name = NULL }
};

const struct cloud_store aliyun_cas_store = {
	.name = "aliyun-cas",
	.api = &aliyun_api,
	.place = "site",
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

const struct cloud cloud_aliyun_cas = {
	.name = "aliyun-cas",
	.title = "Alibaba Cloud Certificate Management Service",
	.doc = "Uploads the certificate, for products that are bound to it by "
	    "hand or by something else. Each renewal has an id of its own, so "
	    "that what uses the old one is to be bound again; for CDN and OSS "
	    "use their own products, which do.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = cloud_check_site,
	.store = &aliyun_cas_store,
};
