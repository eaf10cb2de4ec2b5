/* SPDX-License-Identifier: MIT */
/*
 * aliyun-clb - Alibaba Cloud Classic Load Balancer, API of 2014-05-15
 * (https://help.aliyun.com/zh/slb/classic-load-balancer/developer-reference/).
 * Its certificates are in a store of its own in each region, told apart by
 * their SHA-1; a listener has a default one, and one for each further domain.
 */
#include <string.h>

#include "clouds/aliyun.h"
#include "providers/aliyun.h"

enum { OPT_REGION, OPT_BALANCER, OPT_PORT, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the load balancer, \"cn-hangzhou\"" },
	[OPT_BALANCER] = { .name = "load_balancer_id", .required = true,
	    .help = "of the load balancer, \"lb-...\"" },
	[OPT_PORT] = { .name = "listener_port", .type = PROVIDER_OPT_INT,
	    .fallback = "443", .min = 1, .max = 65535,
	    .help = "port of its HTTPS listener" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "further domains of the listener that get the "
	    "certificate (domain extensions; made where there is none); "
	    "without it the certificate is the listener's default" },
	CLOUD_OPTS
};

/* The older regions have one host. */
static void
action(const struct cloud_call *c, struct preq *rq, const char *name)
{
	const char *region = provider_str(c->values, OPT_REGION);
	char host[128];

	if (strcmp(region, "cn-hangzhou") == 0 ||
	    strstr(region, "-finance") != NULL)
		(void)text_printf(host, sizeof(host), "slb.aliyuncs.com");
	else
		(void)text_printf(host, sizeof(host), "slb.%s.aliyuncs.com",
		    region);
	aliyun_action(rq, &(struct aliyun_service){ host, "2014-05-15" },
	    name);
}

/* Of the listener. */
static void
listener(const struct cloud_call *c, struct preq *rq, const char *name)
{
	action(c, rq, name);
	preq_query_number(rq, "ListenerPort", provider_int(c->values,
	    OPT_PORT));
	preq_query(rq, "LoadBalancerId", provider_str(c->values,
	    OPT_BALANCER));
	preq_query(rq, "RegionId", provider_str(c->values, OPT_REGION));
}

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

static bool
is_default(const struct cloud_call *c)
{
	return domains_of(c)[0] == NULL;
}

/* --- the store: no pages, no unique names --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "DescribeServerCertificates");
	preq_query(rq, "RegionId", provider_str(c->values, OPT_REGION));
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a,
	    "ServerCertificates.ServerCertificate", NULL, err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		const char *name = jsonx_str(entry, "ServerCertificateName");

		/* References to CAS are gone with what they refer to. */
		if (jsonx_number(entry, "IsAliCloudCertificate", 0) != 0 ||
		    !cloud_is_print(c, jsonx_str(entry, "Fingerprint")))
			continue;
		if (jsonx_copy_str(entry, "ServerCertificateId", c->id,
		    sizeof(c->id), err) == -1)
			return REST_FAIL;
		c->is_found = true;
		c->is_foreign = name == NULL ||
		    strcmp(name, c->upload_name) != 0;
		if (!c->is_foreign)
			break;
	}
	return REST_DONE;
}

static const struct rest_step find[] = {
	{ .name = "find certificate", .request = list, .reply = listed },
	{ .name = NULL }
};

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "UploadServerCertificate");
	preq_form(rq, "PrivateKey", c->cert.key);
	preq_form(rq, "RegionId", provider_str(c->values, OPT_REGION));
	preq_form(rq, "ServerCertificate", c->cert.fullchain);
	preq_form(rq, "ServerCertificateName", c->upload_name);
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "ServerCertificateId", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static const struct rest_step upload_steps[] = {
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = aliyun_upload_refused },
	{ .name = NULL }
};

static int
remove_old(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "DeleteServerCertificate");
	preq_query(rq, "RegionId", provider_str(c->values, OPT_REGION));
	preq_query(rq, "ServerCertificateId", c->old_id);
	return 0;
}

static enum rest_next
remove_refused(void *user, const struct rest_answer *a, struct error *err)
{
	/* So they write it. */
	static const char *const used[] = { "IsRefered", "IsReferred", NULL };
	struct cloud_call *c = user;

	if (strncmp(aliyun_code(a), "ServerCertificateId.NotFound", 28) == 0)
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
	.name = "aliyun-clb",
	.api = &aliyun_api,
	.place = "region",
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

/* --- what is bound --- */

static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	listener(c, rq, is_default(c) ?
	    "DescribeLoadBalancerHTTPSListenerAttribute" :
	    "DescribeDomainExtensions");
	return 0;
}

/* Into is_bound; and memo: the ids of extensions, by domain. */
static int
read_domains(struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *all = rest_entries(a, "DomainExtensions.DomainExtension",
	    NULL, err), *entry;
	const char *const *domains = domains_of(c);
	size_t i;

	if (all == NULL)
		return -1;
	json_decref(c->memo);
	c->memo = json_object();
	for (size_t at = 0; domains[at] != NULL; at++)
		c->is_bound[at] = false;
	json_array_foreach(all, i, entry) {
		const char *domain = jsonx_str(entry, "Domain");
		const char *now = jsonx_str(entry, "ServerCertificateId");

		for (size_t at = 0; domain != NULL && domains[at] != NULL;
		    at++) {
			if (strcasecmp(domains[at], domain) != 0)
				continue;
			(void)json_object_set(c->memo, domains[at],
			    json_object_get(entry, "DomainExtensionId"));
			c->is_bound[at] = now != NULL && c->id[0] != '\0' &&
			    strcmp(now, c->id) == 0;
		}
	}
	return 0;
}

static int
read_bound(struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *now;

	if (!is_default(c))
		return read_domains(c, a, err);
	now = jsonx_str(a->json, "ServerCertificateId");
	c->is_bound[0] = now != NULL && c->id[0] != '\0' &&
	    strcmp(now, c->id) == 0;
	return 0;
}

static bool
all_bound(const struct cloud_call *c)
{
	return is_default(c) ? c->is_bound[0] :
	    cloud_all_bound(c, domains_of(c));
}

static enum rest_next
looked(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (read_bound(c, a, err) == -1)
		return REST_FAIL;
	c->is_right = all_bound(c);
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = looked },
	{ .name = NULL }
};

/* --- bind --- */

static enum rest_next
described(void *user, const struct rest_answer *a, struct error *err)
{
	return read_bound(user, a, err) == -1 ? REST_FAIL : REST_NEXT;
}

/* What is left out keeps its value. */
static int
set(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = is_default(c) ? NULL :
	    cloud_next_unbound(c, domains_of(c));
	const char *id = domain == NULL ? NULL :
	    json_string_value(json_object_get(c->memo, domain));

	if (all_bound(c))
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain != NULL ?
	    domain : "the listener");
	if (id != NULL) {
		action(c, rq, "SetDomainExtensionAttribute");
		preq_query(rq, "DomainExtensionId", id);
		preq_query(rq, "RegionId", provider_str(c->values,
		    OPT_REGION));
	} else if (domain != NULL) {
		listener(c, rq, "CreateDomainExtension");
		preq_query(rq, "Domain", domain);
	} else {
		listener(c, rq, "SetLoadBalancerHTTPSListenerAttribute");
	}
	preq_query(rq, "ServerCertificateId", c->id);
	return 0;
}

static enum rest_next
was_set(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_bound[c->at] = true;
	return all_bound(c) ? REST_NEXT : REST_AGAIN;
}

static const struct rest_step bind[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = described },
	{ .name = "bind", .request = set, .reply = was_set,
	    .refused = aliyun_wait_if_busy },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	return aliyun_check_region(provider_str(values, OPT_REGION), err);
}

const struct cloud cloud_aliyun_clb = {
	.name = "aliyun-clb",
	.title = "Alibaba Cloud Classic Load Balancer (CLB)",
	.doc = "Uploads the certificate to the store of the region's load "
	    "balancers, and makes it the default of an HTTPS listener, or that "
	    "of some of its domains. The listener is there already; what else "
	    "is set there stays.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"slb:UploadServerCertificate\",\n"
	    "      \"slb:DescribeServerCertificates\",\n"
	    "      \"slb:DeleteServerCertificate\" ],\n"
	    "    \"Resource\": \"acs:slb:REGION:UID:certificate/*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [\n"
	    "      \"slb:DescribeLoadBalancerHTTPSListenerAttribute\",\n"
	    "      \"slb:SetLoadBalancerHTTPSListenerAttribute\",\n"
	    "      \"slb:DescribeDomainExtensions\",\n"
	    "      \"slb:CreateDomainExtension\",\n"
	    "      \"slb:SetDomainExtensionAttribute\" ],\n"
	    "    \"Resource\": \"acs:slb:REGION:UID:loadbalancer/LB-ID\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-hangzhou\"\n"
	    "load_balancer_id = \"lb-bp1qwerty\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = check,
	.store = &store,
	.within = (const char *const []){ "load_balancer_id", NULL },
	.api = &aliyun_api,
	.look = look,
	.bind = bind,
};
