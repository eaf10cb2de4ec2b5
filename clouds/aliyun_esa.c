/* SPDX-License-Identifier: MIT */
/*
 * aliyun-esa - Alibaba Cloud Edge Security Acceleration, API of 2024-09-10
 * (https://help.aliyun.com/zh/edge-security-acceleration/esa/api-esa-2024-09-10).
 * In place: the free plan takes two certificates, and counts expired ones, so
 * that each renewal replaces the content of one.  The site serves it for all
 * names that it fits; nothing is bound.
 */
#include <ctype.h>
#include <string.h>

#include "clouds/aliyun.h"
#include "providers/aliyun.h"

#define PAGE 50				/* certificates; the most there is is
					   not documented */

enum { OPT_SITE_ID = CLOUD_SITE + 1, OPT_ID, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_SITE_ID] = { .name = "site_id", .required = true,
	    .help = "number of the ESA site, as the console shows it" },
	[OPT_ID] = { .name = "certificate_id",
	    .help = "of an uploaded certificate that is to be replaced from "
	    "now on; otherwise acmed uploads one of its own the first time" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "names of the site that are looked at afterwards" },
	CLOUD_OPTS
};

static void
action(const struct cloud_call *c, struct preq *rq, const char *name)
{
	char host[64];

	(void)text_printf(host, sizeof(host), "esa.%s.aliyuncs.com",
	    aliyun_cas_region(c));
	aliyun_action(rq, &(struct aliyun_service){ host, "2024-09-10" },
	    name);
}

/* --- find --- */

/* An upload of acmed for this section: "acmed-NAME-" and 16 digits.  A long
 * NAME was cut and may be another's. */
static bool
is_named_so(const struct cloud_call *c, const char *name)
{
	size_t len = strlen(c->upload_name), stem = len - 16;

	if (len != strlen("acmed-") + strlen(c->cert.name) + 1 + 16 ||
	    strlen(name) != len || strncmp(name, c->upload_name, stem) != 0)
		return false;
	for (const char *s = name + stem; *s != '\0'; s++) {
		if (!isxdigit((unsigned char)*s))
			return false;
	}
	return true;
}

static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	if (c->memo == NULL) {
		c->memo = json_string(provider_str(c->values, OPT_ID) != NULL ?
		    provider_str(c->values, OPT_ID) : c->id);
		c->id[0] = '\0';
	}
	action(c, rq, "ListCertificates");
	preq_query_number(rq, "PageNumber", c->page + 1);
	preq_query_number(rq, "PageSize", PAGE);
	preq_query(rq, "SiteId", provider_str(c->values, OPT_SITE_ID));
	return 0;
}

/* memo: what was replaced the last time.  Without it, as with a new state.db,
 * one of that name is. */
static void
consider(struct cloud_call *c, const json_t *entry)
{
	const char *id = jsonx_str(entry, "Id");
	const char *name = jsonx_str(entry, "Name");
	const char *old = json_string_value(c->memo);
	bool is_old, is_given = provider_str(c->values, OPT_ID) != NULL;

	if (id == NULL || name == NULL)
		return;
	is_old = strcmp(id, old) == 0;
	c->is_found = cloud_is_print(c, jsonx_str(entry,
	    "FingerprintSha256")) && (is_old || !is_given);
	if (c->is_found || (is_old && (is_given || strncmp(name, "acmed-",
	    6) == 0)) || (!is_given && c->id[0] == '\0' &&
	    is_named_so(c, name)))
		(void)text_printf(c->id, sizeof(c->id), "%s", id);
}

/* Until a page has none: how many there are is not documented to be told. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "Result", "TotalCount", err);
	const json_t *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		consider(c, entry);
		if (c->is_found)
			return REST_DONE;
	}
	c->page++;
	if (json_array_size(all) > 0)
		return REST_AGAIN;
	if (c->id[0] != '\0' || provider_str(c->values, OPT_ID) == NULL)
		return REST_NEXT;
	(void)error_set(err, ERR_CONFIG, "provider:refused", "site %s has no "
	    "certificate %s; correct certificate_id, or leave it out",
	    provider_str(c->values, OPT_SITE_ID), provider_str(c->values,
	    OPT_ID));
	return REST_FAIL;
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

	action(c, rq, "SetCertificate");
	preq_form(rq, "SiteId", provider_str(c->values, OPT_SITE_ID));
	preq_form(rq, "Type", "upload");
	preq_form(rq, "Name", c->upload_name);
	preq_form(rq, "Certificate", c->cert.fullchain);
	preq_form(rq, "PrivateKey", c->cert.key);
	if (c->id[0] != '\0')
		preq_form(rq, "Id", c->id);
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "Id", c->id, sizeof(c->id), err) ==
	    -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const struct rest_code kinds[] = {
		{ "CertQuotaCheckFailed", REST_QUOTA },
		{ "QuotaCheckFailed", REST_QUOTA },
		{ "InternalException", REST_UNAVAILABLE },
		/* It is there: find it. */
		{ "Certificate.Duplicated", REST_UNAVAILABLE },
		{ .word = NULL }
	};
	static const char *const key[] = { "privatekey", "private key",
	    NULL };

	rest_judge(kinds, REST_BEGINS, aliyun_code(a), err);
	return err->kind == ERR_REJECTED && rest_says(a, key) ?
	    cloud_other_key(user) : REST_FAIL;
}

static const struct rest_step upload_steps[] = {
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = upload_refused },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *id = provider_str(values, OPT_SITE_ID);

	if (*id == '\0' || strlen(id) > 19 ||
	    strspn(id, "0123456789") != strlen(id))
		return error_set(err, ERR_CONFIG, "config:value", "site_id = "
		    "\"%.100s\"; allowed: the number of an ESA site", id);
	return cloud_check_site(values, err);
}

static const char *const object[] = { "certificate_id", "site_id", NULL };

static const struct cloud_store store = {
	.name = "aliyun-esa",
	.api = &aliyun_api,
	.is_in_place = true,
	.place = "site_id",
	.object = object,
	.find = find,
	.upload = upload_steps,
};

const struct cloud cloud_aliyun_esa = {
	.name = "aliyun-esa",
	.title = "Alibaba Cloud Edge Security Acceleration (ESA)",
	.doc = "Uploads the certificate to a site, which serves it for all "
	    "names that it fits, and replaces it at each renewal, so that the "
	    "quota is not used up.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"esa:SetCertificate\",\n"
	    "      \"esa:ListCertificates\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "site_id = \"123456789\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = check,
	.store = &store,
};
