/* SPDX-License-Identifier: MIT */
/*
 * aliyun-waf - Alibaba Cloud Web Application Firewall 3.0, API of 2021-10-01
 * (https://help.aliyun.com/zh/waf/web-application-firewall-3-0/developer-reference/).
 * Traffic comes in by a CNAME, by the instance's default, or by a port of a
 * cloud resource.  ModifyDomainCert changes a domain's certificate only; the
 * other two calls get all that was read, but the certificate.
 */
#include <string.h>

#include "clouds/aliyun.h"
#include "common/clock.h"
#include "providers/aliyun.h"

#define NORMAL 1			/* of Status: nothing is changing */

enum { OPT_INSTANCE = CLOUD_SITE + 1, OPT_ACCESS, OPT_DOMAINS, OPT_RESOURCE,
    OPT_PRODUCT, OPT_PORT, OPT_APPLIED };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_INSTANCE] = { .name = "instance_id",
	    .help = "of the WAF instance; otherwise it is asked for" },
	[OPT_ACCESS] = { .name = "access", .fallback = "domains",
	    .help = "domains: these, added by CNAME; default: the instance's "
	    "default certificate; resource: a port of a cloud resource" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "domains that get the certificate; with another access "
	    "names that are looked at afterwards" },
	[OPT_RESOURCE] = { .name = "resource_instance_id",
	    .help = "with access = resource: \"lb-...\", \"i-...\"" },
	[OPT_PRODUCT] = { .name = "resource_product",
	    .help = "with access = resource: clb4, clb7, ecs or nlb" },
	[OPT_PORT] = { .name = "port", .type = PROVIDER_OPT_INT,
	    .fallback = "443", .min = 1, .max = 65535,
	    .help = "with access = resource: its port" },
	[OPT_APPLIED] = { .name = "applied_type", .fallback = "default",
	    .help = "with access = resource: default, or extension, for the "
	    "names in the certificate" },
	CLOUD_OPTS
};

struct priv {
	char	instance[128];
};

static bool
has_access(const struct cloud_call *c, const char *name)
{
	return strcmp(provider_str(c->values, OPT_ACCESS), name) == 0;
}

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

static const char *
instance_of(const struct cloud_call *c)
{
	const struct priv *p = c->priv;
	const char *given = provider_str(c->values, OPT_INSTANCE);

	return given != NULL ? given : p->instance;
}

static void
action(const struct cloud_call *c, struct preq *rq, const char *name)
{
	char host[64];

	(void)text_printf(host, sizeof(host), "wafopenapi.%s.aliyuncs.com",
	    aliyun_cas_region(c));
	aliyun_action(rq, &(struct aliyun_service){ host, "2021-10-01" },
	    name);
	preq_query(rq, "RegionId", aliyun_cas_region(c));
	if (instance_of(c)[0] != '\0')
		preq_query(rq, "InstanceId", instance_of(c));
}

static bool
is_ours(const struct cloud_call *c, const char *there)
{
	char id[CLOUD_ID_SIZE + 32];

	return there != NULL && c->id[0] != '\0' && strcmp(there,
	    aliyun_cas_identifier(c, c->id, id, sizeof(id))) == 0;
}

/* --- the instance --- */

static int
ask_instance(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (instance_of(c)[0] == '\0')
		action(c, rq, "DescribeInstance");
	return 0;
}

static enum rest_next
instance_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	struct priv *p = c->priv;
	const char *id = jsonx_str(a->json, "InstanceId");

	if (id != NULL && *id != '\0' &&
	    text_printf(p->instance, sizeof(p->instance), "%s", id))
		return REST_NEXT;
	(void)error_set(err, ERR_CONFIG, "provider:refused", "there is no WAF "
	    "3.0 instance in %s; correct site, or give instance_id",
	    aliyun_cas_region(c));
	return REST_FAIL;
}

/* --- domains --- */

/* Entry c->at, whose certificate may be known to be ours. */
static int
describe_domain(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *domain = domains_of(c)[c->at];

	if (!has_access(c, "domains") || domain == NULL)
		return 0;
	action(c, rq, "DescribeDomainDetail");
	preq_query(rq, "Domain", domain);
	return 0;
}

static enum rest_next
domain_looked(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_bound[c->at++] = is_ours(c, jsonx_str(a->json,
	    "Listen.CertId"));
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c));
	return REST_NEXT;
}

static int
set_domain(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	char id[CLOUD_ID_SIZE + 32];
	const char *domain;

	if (!has_access(c, "domains") ||
	    (domain = cloud_next_unbound(c, domains_of(c))) == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	action(c, rq, "ModifyDomainCert");
	preq_query(rq, "CertId", aliyun_cas_identifier(c, c->id, id,
	    sizeof(id)));
	preq_query(rq, "Domain", domain);
	return 0;
}

static enum rest_next
domain_set(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

static int
await_domain(void *user, struct preq *rq, struct error *err)
{
	if (has_access(user, "domains"))
		(void)cloud_next_unbound(user, domains_of(user));
	return describe_domain(user, rq, err);
}

static enum rest_next
domain_shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (!is_ours(c, jsonx_str(a->json, "Listen.CertId")) ||
	    jsonx_number(a->json, "Status", NORMAL) != NORMAL)
		return REST_POLL;
	c->is_bound[c->at] = true;
	return cloud_next_unbound(c, domains_of(c)) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

/* --- the default --- */

static int
describe_default(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (has_access(c, "default"))
		action(c, rq, "DescribeDefaultHttps");
	return 0;
}

static enum rest_next
default_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	json_t *now = jsonx_get(a->json, "DefaultHttps");

	if (!json_is_object(now))
		return cloud_lacks("DefaultHttps", err);
	json_decref(c->memo);
	c->memo = json_incref(now);
	c->is_bound[0] = c->is_right = is_ours(c, jsonx_str(now, "CertId"));
	return REST_NEXT;
}

/* A list of a request, of one, or of the text of one, of an answer. */
static void
put_ciphers(struct preq *rq, const json_t *there)
{
	const char *text = json_string_value(there);
	json_t *list = text == NULL ? json_deep_copy(there) :
	    jsonx_parse_any(text, strlen(text)), *cipher;
	char name[32];
	size_t i;

	json_array_foreach(list, i, cipher) {
		(void)text_printf(name, sizeof(name), "CustomCiphers.%zu",
		    i + 1);
		if (json_is_string(cipher))
			preq_query(rq, name, json_string_value(cipher));
	}
	/* "A,B" */
	for (i = 1; !json_is_array(list) && text != NULL && *text != '\0';
	    i++) {
		char one[100];
		size_t len = strcspn(text, ",");

		(void)text_printf(one, sizeof(one), "%.*s", (int)len, text);
		(void)text_printf(name, sizeof(name), "CustomCiphers.%zu", i);
		preq_query(rq, name, one);
		text += len + (text[len] == ',');
	}
	json_decref(list);
}

/* All that was read, but the certificate. */
static int
set_default(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *now = c->memo, *ciphers;
	char id[CLOUD_ID_SIZE + 32];
	const char *tls = jsonx_str(now, "TLSVersion");
	const json_t *suite = json_object_get(now, "CipherSuite");

	if (!has_access(c, "default") || c->is_bound[0])
		return 0;
	cloud_say(c, "making certificate %s the default", c->id);
	action(c, rq, "ModifyDefaultHttps");
	preq_query(rq, "CertId", aliyun_cas_identifier(c, c->id, id,
	    sizeof(id)));
	if (json_is_integer(suite))
		preq_query_number(rq, "CipherSuite",
		    json_integer_value(suite));
	else if (json_is_string(suite))
		preq_query(rq, "CipherSuite", json_string_value(suite));
	ciphers = json_object_get(now, "CustomCiphers");
	put_ciphers(rq, ciphers);
	if (json_object_get(now, "EnableTLSv3") != NULL)
		preq_query(rq, "EnableTLSv3", jsonx_bool(now, "EnableTLSv3",
		    false) ? "true" : "false");
	/* An instance that has none yet. */
	preq_query(rq, "TLSVersion", tls != NULL && *tls != '\0' ? tls :
	    "tlsv1.2");
	return 0;
}

static enum rest_next
default_shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = default_told(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && !c->is_right ? REST_POLL : next;
}

/* --- a port of a resource --- */

static int
describe_port(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *product = provider_str(c->values, OPT_PRODUCT);

	if (!has_access(c, "resource"))
		return 0;
	action(c, rq, "DescribeCloudResourceAccessPortDetails");
	preq_query_number(rq, "Port", provider_int(c->values, OPT_PORT));
	preq_query(rq, "ResourceInstanceId", provider_str(c->values,
	    OPT_RESOURCE));
	if (product != NULL)
		preq_query(rq, "ResourceProduct", product);
	return 0;
}

static bool
is_applied(const struct cloud_call *c, const json_t *entry)
{
	const char *type = jsonx_str(entry, "AppliedType");

	return type != NULL && strcmp(type, provider_str(c->values,
	    OPT_APPLIED)) == 0;
}

/* memo: what is there of the port. */
static enum rest_next
port_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "AccessPortDetails", "TotalCount",
	    err), *entry;
	json_t *port = json_array_get(all, 0);
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	if (jsonx_str(port, "CloudResourceId") == NULL) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "port "
		    "%ld of %s is not in the WAF; correct "
		    "resource_instance_id or port, or add it there",
		    provider_int(c->values, OPT_PORT),
		    provider_str(c->values, OPT_RESOURCE));
		return REST_FAIL;
	}
	json_decref(c->memo);
	c->memo = json_incref(port);
	c->is_bound[0] = false;
	json_array_foreach(json_object_get(port, "Certificates"), i, entry)
		c->is_bound[0] |= is_applied(c, entry) && is_ours(c,
		    jsonx_str(entry, "CertificateId"));
	c->is_right = c->is_bound[0];
	return REST_NEXT;
}

static bool
is_changing(const struct cloud_call *c)
{
	return jsonx_number(c->memo, "Status", NORMAL) != NORMAL;
}

static enum rest_next
port_is_quiet(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = port_told(user, a, err);

	return next == REST_NEXT && is_changing(user) ? REST_POLL : next;
}

static enum rest_next
port_shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = port_told(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && (is_changing(c) || !c->is_right) ?
	    REST_POLL : next;
}

/* What the resource may have: it refuses a list with others in it. */
static int
list_certs(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!has_access(c, "resource") || c->is_bound[0])
		return 0;
	action(c, rq, "DescribeResourceInstanceCerts");
	preq_query(rq, "ResourceInstanceId", provider_str(c->values,
	    OPT_RESOURCE));
	return 0;
}

/* memo's "good": ids of those that are there, and have not ended.  Of the two
 * times the later one is the end, whatever their names are taken to mean. */
static enum rest_next
certs_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "Certs", "TotalCount", err);
	const json_t *entry;
	json_t *good = json_object();
	size_t i;

	json_array_foreach(all, i, entry) {
		const char *id = jsonx_str(entry, "CertIdentifier");
		int64_t end = jsonx_number(entry, "AfterDate", 0);
		int64_t other = jsonx_number(entry, "BeforeDate", 0);

		if (end < other)
			end = other;
		if (id != NULL && (end == 0 || end / 1000 > clock_now()))
			(void)json_object_set_new(good, id, json_true());
	}
	(void)json_object_set_new(c->memo, "good", good);
	return all == NULL ? REST_FAIL : REST_NEXT;
}

/* Does it stay?  Ours takes the place of the default, or of the one that this
 * target had. */
static bool
stays(const struct cloud_call *c, const json_t *entry)
{
	const char *id = jsonx_str(entry, "CertificateId");
	const char *type = jsonx_str(entry, "AppliedType");
	char old[CLOUD_ID_SIZE + 32];

	if (id == NULL || type == NULL || is_ours(c, id) ||
	    json_object_get(json_object_get(c->memo, "good"), id) == NULL)
		return false;
	if (!is_applied(c, entry))
		return true;
	return strcmp(type, "default") != 0 && (c->bound_id[0] == '\0' ||
	    strcmp(id, aliyun_cas_identifier(c, c->bound_id, old,
	    sizeof(old))) != 0);
}

static void
put_cert(struct preq *rq, size_t n, const char *id, const char *type)
{
	char name[48];

	(void)text_printf(name, sizeof(name), "Certificates.%zu.AppliedType",
	    n);
	preq_query(rq, name, type);
	(void)text_printf(name, sizeof(name), "Certificates.%zu.CertificateId",
	    n);
	preq_query(rq, name, id);
}

static int
set_port(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	char id[CLOUD_ID_SIZE + 32];
	size_t n = 1, i;
	const json_t *entry;

	if (!has_access(c, "resource") || c->is_bound[0])
		return 0;
	cloud_say(c, "binding certificate %s to port %ld of %s", c->id,
	    provider_int(c->values, OPT_PORT),
	    provider_str(c->values, OPT_RESOURCE));
	action(c, rq, "ModifyCloudResourceCert");
	preq_query(rq, "CloudResourceId", jsonx_str(c->memo,
	    "CloudResourceId"));
	put_cert(rq, n, aliyun_cas_identifier(c, c->id, id, sizeof(id)),
	    provider_str(c->values, OPT_APPLIED));
	json_array_foreach(json_object_get(c->memo, "Certificates"), i,
	    entry) {
		if (stays(c, entry))
			put_cert(rq, ++n, jsonx_str(entry, "CertificateId"),
			    jsonx_str(entry, "AppliedType"));
	}
	return 0;
}

/* --- tables --- */

static const struct rest_step look[] = {
	{ .name = "find the instance", .request = ask_instance,
	    .reply = instance_told },
	{ .name = "read the domains", .request = describe_domain,
	    .reply = domain_looked },
	{ .name = "read the default", .request = describe_default,
	    .reply = default_told },
	{ .name = "read the port", .request = describe_port,
	    .reply = port_told },
	{ .name = NULL }
};

static const struct rest_step bind[] = {
	{ .name = "bind", .request = set_domain, .reply = domain_set,
	    .refused = aliyun_wait_if_busy },
	{ .name = "wait", .request = await_domain, .reply = domain_shown },
	{ .name = "read the default", .request = describe_default,
	    .reply = default_told },
	{ .name = "bind", .request = set_default,
	    .refused = aliyun_wait_if_busy },
	{ .name = "wait", .request = describe_default,
	    .reply = default_shown },
	{ .name = "read the port", .request = describe_port,
	    .reply = port_is_quiet },
	{ .name = "read its certificates", .request = list_certs,
	    .reply = certs_told },
	{ .name = "bind", .request = set_port,
	    .refused = aliyun_wait_if_busy },
	{ .name = "wait", .request = describe_port, .reply = port_shown },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *access = provider_str(values, OPT_ACCESS);
	const char *applied = provider_str(values, OPT_APPLIED);
	bool is_resource = strcmp(access, "resource") == 0;

	if (!is_resource && strcmp(access, "domains") != 0 &&
	    strcmp(access, "default") != 0)
		return error_set(err, ERR_CONFIG, "config:value", "access = "
		    "\"%.100s\"; allowed: domains, default, resource",
		    access);
	if (strcmp(access, "domains") == 0 &&
	    provider_list(values, OPT_DOMAINS)[0] == NULL)
		return error_set(err, ERR_CONFIG, "config:value", CLOUD_DOMAINS
		    " is missing (domains that get the certificate)");
	if (is_resource != (provider_str(values, OPT_RESOURCE) != NULL))
		return error_set(err, ERR_CONFIG, "config:value",
		    "resource_instance_id belongs to access = \"resource\"");
	if (strcmp(applied, "default") != 0 &&
	    strcmp(applied, "extension") != 0)
		return error_set(err, ERR_CONFIG, "config:value",
		    "applied_type = \"%.100s\"; allowed: default, extension",
		    applied);
	return cloud_check_site(values, err);
}

const struct cloud cloud_aliyun_waf = {
	.name = "aliyun-waf",
	.title = "Alibaba Cloud Web Application Firewall 3.0 (WAF)",
	.doc = "Uploads the certificate to CAS and binds it to domains, to the "
	    "instance's default, or to a port of a cloud resource, which are "
	    "in the WAF already. What else is set there stays. ALB, MSE, FC "
	    "and SAE behind a WAF have the certificate of the product itself.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-waf:DescribeInstance\",\n"
	    "      \"yundun-waf:DescribeDomainDetail\",\n"
	    "      \"yundun-waf:ModifyDomainCert\",\n"
	    "      \"yundun-waf:DescribeDefaultHttps\",\n"
	    "      \"yundun-waf:ModifyDefaultHttps\",\n"
	    "      \"yundun-waf:DescribeCloudResourceAccessPortDetails\",\n"
	    "      \"yundun-waf:DescribeResourceInstanceCerts\",\n"
	    "      \"yundun-waf:ModifyCloudResourceCert\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = check,
	.priv_size = sizeof(struct priv),
	.store = &aliyun_cas_store,
	.api = &aliyun_api,
	.look = look,
	.bind = bind,
};
