/* SPDX-License-Identifier: MIT */
/*
 * volcengine-cdn - Volcano Engine CDN, API of 2021-03-01
 * (https://www.volcengine.com/docs/6454).  The certificate is taken from the
 * certificate centre; one call binds it to all domains, and says of each
 * whether it could.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/volcengine.h"
#include "common/mem.h"
#include "providers/volc.h"

#define VERSION "2021-03-01"

enum { OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "accelerated domains, as the console shows them" },
	CLOUD_OPTS
};

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	volcengine_prepare(user, rq, "cdn", "cn-north-1");
	return 0;
}

static const struct cloud_api api = { .base_url = VOLC_URL,
    .prepare = prepare, .is_refusal = volcengine_refuses,
    .failed = volcengine_call_failed };

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* --- what is bound --- */

/* The domains that have our certificate. */
static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->id[0] == '\0')
		return 0;
	volc_action(rq, "POST", "DescribeCertConfig", VERSION);
	preq_json(rq, json_pack("{s:s}", "CertId", c->id));
	return 0;
}

/* Is it there, and no change under way? */
static bool
is_live(const json_t *all, const char *domain)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry) {
		const char *name = jsonx_str(entry, "Domain");
		const char *status = jsonx_str(entry, "Status");

		if (name != NULL && strcmp(name, domain) == 0)
			return status == NULL || strcmp(status,
			    "configuring") != 0;
	}
	return false;
}

static enum rest_next
described(void *user, const struct rest_answer *a, struct error *err)
{
	static const char path[] = "Result.SpecifiedCertConfig";
	struct cloud_call *c = user;
	const char *const *domains = domains_of(c);
	const json_t *all = jsonx_get(a->json, path);

	/* What is empty is left out. */
	if (all != NULL && !json_is_null(all) &&
	    rest_array(a, path, err) == NULL)
		return REST_FAIL;
	for (size_t i = 0; domains[i] != NULL; i++)
		c->is_bound[i] = is_live(all, domains[i]);
	c->is_right = cloud_all_bound(c, domains);
	return REST_NEXT;
}

/* Nothing has used it yet. */
static enum rest_next
describe_refused(void *user, const struct rest_answer *a, struct error *err)
{
	const char *code = volc_code(a);

	return strstr(code, "NotFound") != NULL || strstr(code, "NotExist") !=
	    NULL ? REST_NEXT : REST_FAIL;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = described, .refused = describe_refused },
	{ .name = NULL }
};

/* --- bind --- */

static int
deploy(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *const *domains = domains_of(c);
	char *list = xstrdup(""), *longer;

	for (size_t i = 0; domains[i] != NULL; i++) {
		if (c->is_bound[i])
			continue;
		cloud_say(c, "binding certificate %s to %s", c->id,
		    domains[i]);
		longer = xasprintf("%s%s%s", list, *list != '\0' ? "," : "",
		    domains[i]);
		free(list);
		list = longer;
	}
	if (*list != '\0') {
		volc_action(rq, "POST", "BatchDeployCert", VERSION);
		preq_json(rq, json_pack("{s:s, s:s}", "CertId", c->id,
		    "Domain", list));
	}
	free(list);
	return 0;
}

static enum rest_next
deployed(void *user, const struct rest_answer *a, struct error *err)
{
	const json_t *all = rest_array(a, "Result.DeployResult", err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		const char *status = jsonx_str(entry, "Status");
		const char *domain = jsonx_str(entry, "Domain");
		const char *words = jsonx_str(entry, "ErrorMsg");

		if (status != NULL && strcmp(status, "success") == 0)
			continue;
		(void)error_set(err, ERR_TRANSIENT, "provider:refused",
		    "%.200s: %.200s", domain != NULL ? domain : "a domain",
		    words != NULL && *words != '\0' ? words : "refused");
		return REST_FAIL;
	}
	return REST_NEXT;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = described(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && !c->is_right ? REST_POLL : next;
}

static const struct rest_step bind[] = {
	{ .name = "bind", .request = deploy, .reply = deployed },
	{ .name = "wait", .request = describe, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_volcengine_cdn = {
	.name = "volcengine-cdn",
	.title = "Volcengine CDN",
	.doc = "Uploads the certificate to the certificate centre and binds "
	    "it to accelerated domains, which are there already. HTTPS is "
	    "switched on.",
	.policy = "{\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"cdn:DescribeCertConfig\",\n"
	    "      \"cdn:BatchDeployCert\" ],\n"
	    "    \"Resource\": [ \"*\" ]\n"
	    "  }, " VOLCENGINE_CERT_STATEMENT " ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "volcengine",
	.opts = opts,
	.store = &volcengine_cert_store,
	.api = &api,
	.look = look,
	.bind = bind,
};
