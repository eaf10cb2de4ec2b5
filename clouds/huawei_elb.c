/* SPDX-License-Identifier: MIT */
/*
 * huawei-elb - Huawei Cloud Elastic Load Balance, API v3
 * (https://support.huaweicloud.com/intl/en-us/api-elb/).  In place: listeners
 * that use a certificate serve its new content by themselves, so that they are
 * bound once.  The project, which is in every path, is IAM's for the region.
 */
#include <string.h>

#include "clouds/huawei.h"
#include "common/names.h"
#include "common/str.h"
#include "providers/huawei.h"

#define PAGE 100			/* certificates, with their PEM */
#define PROJECT_SIZE 64			/* bytes of its id, with the NUL */

enum { OPT_REGION, OPT_PROJECT, OPT_ENTERPRISE, OPT_ID, OPT_LISTENERS,
    OPT_SNI, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the load balancer, \"cn-north-4\"" },
	[OPT_PROJECT] = { .name = "project_id",
	    .help = "of the region; otherwise IAM is asked for it" },
	[OPT_ENTERPRISE] = HUAWEI_ENTERPRISE_OPT,
	[OPT_ID] = { .name = "certificate_id",
	    .help = "of a server certificate that is to be replaced from now "
	    "on; otherwise acmed makes one of its own the first time" },
	[OPT_LISTENERS] = { .name = "listeners", .type = PROVIDER_OPT_LIST,
	    .help = "ids of listeners that get it as their server "
	    "certificate; otherwise bind it once by hand" },
	[OPT_SNI] = { .name = "sni", .type = PROVIDER_OPT_BOOL,
	    .help = "add it to their SNI certificates instead" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "names of the listeners that are looked at afterwards" },
	CLOUD_OPTS
};

/* --- the project --- */

static const char *
project_of(const struct cloud_call *c)
{
	const char *given = provider_str(c->values, OPT_PROJECT);

	return given != NULL ? given : c->priv;
}

static int
get_project(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (project_of(c)[0] != '\0')
		return 0;
	huawei_start(rq, "GET", "iam", NULL, "/v3/projects");
	preq_query(rq, "name", provider_str(c->values, OPT_REGION));
	return 0;
}

static enum rest_next
got_project(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *region = provider_str(c->values, OPT_REGION);
	const json_t *all = rest_array(a, "projects", err);

	if (all == NULL)
		return REST_FAIL;
	all = jsonx_named(all, region);
	if (all != NULL)
		return jsonx_copy_str(all, "id", c->priv, PROJECT_SIZE,
		    err) == -1 ? REST_FAIL : REST_NEXT;
	(void)error_set(err, ERR_CONFIG, "provider:refused", "the account has "
	    "no project of region %s; correct region, or set project_id",
	    region);
	return REST_FAIL;
}

#define PROJECT_STEP \
	{ .name = "find project", .request = get_project, \
	    .reply = got_project }

/* One of what ("certificates"), or with id "" all of them. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *what, const char *id)
{
	huawei_start(rq, method, "elb", provider_str(c->values, OPT_REGION),
	    "/v3");
	preq_path(rq, project_of(c));
	preq_path(rq, "elb");
	preq_path(rq, what);
	if (id[0] != '\0')
		preq_path(rq, id);
}

/* --- find --- */

static int
get_known(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *given = provider_str(c->values, OPT_ID);

	if (given != NULL)
		(void)text_printf(c->id, sizeof(c->id), "%s", given);
	if (c->id[0] != '\0')
		begin(c, rq, "GET", "certificates", c->id);
	return 0;
}

static enum rest_next
got_known(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_found = cloud_is_ours(c, jsonx_str(a->json,
	    "certificate.certificate"));
	return REST_DONE;
}

static enum rest_next
unknown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (a->status != 404 || provider_str(c->values, OPT_ID) != NULL)
		return REST_FAIL;
	c->id[0] = '\0';
	return REST_NEXT;
}

/* Only what was begun and whose id nobody knows, and under our name: nothing that
 * others have made is to be replaced.  Which fingerprint it is, is not
 * documented. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!c->is_begun)
		return 0;
	begin(c, rq, "GET", "certificates", "");
	if (c->cert.sha1[0] != '\0') {
		preq_query(rq, "fingerprint", c->cert.sha1);
		preq_query(rq, "fingerprint", c->cert.sha256);
	}
	preq_query_number(rq, "limit", PAGE);
	if (c->cursor[0] != '\0')
		preq_query(rq, "marker", c->cursor);
	preq_query(rq, "type", "server");
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_array(a, "certificates", err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	json_array_foreach(all, i, entry) {
		const char *name = jsonx_str(entry, "name");

		if (name == NULL || strcmp(name, c->upload_name) != 0 ||
		    !cloud_is_ours(c, jsonx_str(entry, "certificate")))
			continue;
		c->is_found = true;
		return jsonx_copy_str(entry, "id", c->id, sizeof(c->id),
		    err) == -1 ? REST_FAIL : REST_DONE;
	}
	if (json_array_size(all) == 0 ||
	    jsonx_str(a->json, "page_info.next_marker") == NULL)
		return REST_NEXT;
	return jsonx_copy_str(a->json, "page_info.next_marker", c->cursor,
	    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_AGAIN;
}

static const struct rest_step find[] = {
	PROJECT_STEP,
	{ .name = "read certificate", .request = get_known,
	    .reply = got_known, .refused = unknown },
	{ .name = "list certificates", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- upload --- */

/* What SNI goes by: the names, of which an address is none. */
static json_t *
domain_of(const struct cloud_call *c)
{
	struct str text = { 0 };
	json_t *out;

	for (size_t i = 0; c->cert.names[i] != NULL; i++) {
		if (name_is_address(c->cert.names[i]))
			continue;
		str_puts(&text, str_text(&text)[0] == '\0' ? "" : ",");
		str_puts(&text, c->cert.names[i]);
	}
	out = json_string(str_text(&text));
	str_clear(&text);
	return out;
}

static int
get_settings(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->id[0] != '\0')
		begin(c, rq, "GET", "certificates", c->id);
	return 0;
}

/* at: one that has domains keeps having some. */
static enum rest_next
got_settings(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = jsonx_str(a->json, "certificate.domain");

	c->at = domain != NULL && domain[0] != '\0';
	return REST_NEXT;
}

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *enterprise = provider_str(c->values, OPT_ENTERPRISE);
	bool is_new = c->id[0] == '\0';
	json_t *cert = json_pack("{s:s, s:s}", "certificate",
	    c->cert.fullchain, "private_key", c->cert.key);

	if (is_new) {
		(void)json_object_set_new(cert, "name",
		    json_string(c->upload_name));
		(void)json_object_set_new(cert, "type",
		    json_string("server"));
		if (enterprise != NULL)
			(void)json_object_set_new(cert,
			    "enterprise_project_id", json_string(enterprise));
	}
	if (is_new || c->at != 0)
		(void)json_object_set_new(cert, "domain", domain_of(c));
	begin(c, rq, is_new ? "POST" : "PUT", "certificates", c->id);
	preq_json(rq, json_pack("{s:o}", "certificate", cert));
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "certificate.id", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

/* A conflict is of a change that is under way. */
static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const quota[] = { "quota", NULL };
	struct cloud_call *c = user;

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	c->is_full = rest_says(a, quota);
	if (a->status == 409 && !c->is_full)
		err->kind = ERR_TRANSIENT;
	return huawei_blames_key(a) ? cloud_other_key(c) : REST_FAIL;
}

static const struct rest_step upload_steps[] = {
	PROJECT_STEP,
	{ .name = "read settings", .request = get_settings,
	    .reply = got_settings },
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = upload_refused },
	{ .name = NULL }
};

/* --- bind --- */

static const char *const *
listeners_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_LISTENERS);
}

static int
get_listener(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *id = listeners_of(c)[c->at];

	if (id != NULL)
		begin(c, rq, "GET", "listeners", id);
	return 0;
}

/* What the listener is to have; NULL: it has it. */
static json_t *
change_of(const struct cloud_call *c, const json_t *listener)
{
	const char *now = jsonx_str(listener, "default_tls_container_ref");
	const json_t *sni = json_object_get(listener, "sni_container_refs");
	json_t *entry, *all;
	size_t i;

	if (!provider_bool(c->values, OPT_SNI))
		return now != NULL && strcmp(now, c->id) == 0 ? NULL :
		    json_pack("{s:s}", "default_tls_container_ref", c->id);
	json_array_foreach(sni, i, entry) {
		if (json_is_string(entry) &&
		    strcmp(json_string_value(entry), c->id) == 0)
			return NULL;
	}
	/* The whole list, and the other certificate, without which a listener
	 * of HTTPS is refused. */
	all = json_is_array(sni) ? json_copy((json_t *)(uintptr_t)sni) :
	    json_array();
	(void)json_array_append_new(all, json_string(c->id));
	entry = json_pack("{s:o}", "sni_container_refs", all);
	if (now != NULL)
		(void)json_object_set_new(entry, "default_tls_container_ref",
		    json_string(now));
	return entry;
}

static enum rest_next
got_listener(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *listener = jsonx_get(a->json, "listener");
	const char *protocol = jsonx_str(listener, "protocol");
	json_t *change;

	if (protocol == NULL)
		return cloud_lacks("listener.protocol", err);
	if (strcmp(protocol, "QUIC") == 0 && !cloud_is_rsa(c)) {
		(void)error_set(err, ERR_CONFIG, "provider:refused",
		    "listener %s is of protocol QUIC, which takes no keys but "
		    "RSA; set key = \"rsa2048\"", listeners_of(c)[c->at]);
		return REST_FAIL;
	}
	change = change_of(c, listener);
	c->is_bound[c->at] = change == NULL;
	if (c->memo == NULL)
		c->memo = json_object();
	if (change != NULL)
		(void)json_object_set_new(c->memo, listeners_of(c)[c->at],
		    change);
	if (listeners_of(c)[++c->at] != NULL)
		return REST_AGAIN;
	c->at = 0;
	return REST_NEXT;
}

static int
put_listener(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *id = cloud_next_unbound(c, listeners_of(c));

	if (id == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to listener %s", c->id, id);
	begin(c, rq, "PUT", "listeners", id);
	preq_json(rq, json_pack("{s:O}", "listener", json_object_get(c->memo,
	    id)));
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, listeners_of(c));
}

/* Something else is being changed. */
static enum rest_next
put_refused(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 409)
		err->kind = ERR_TRANSIENT;
	return REST_FAIL;
}

static const struct rest_step bind[] = {
	PROJECT_STEP,
	{ .name = "read what is bound", .request = get_listener,
	    .reply = got_listener },
	{ .name = "bind", .request = put_listener, .reply = was_put,
	    .refused = put_refused },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *region = provider_str(values, OPT_REGION);

	if (!huawei_is_region(region))
		return error_set(err, ERR_CONFIG, "config:value", "region = "
		    "\"%.100s\"; allowed: the name of a region, such as "
		    "cn-north-4", region);
	if (cloud_check_word("project_id", provider_str(values, OPT_PROJECT),
	    "the id of a project", err) == -1 ||
	    cloud_check_word("certificate_id", provider_str(values, OPT_ID),
	    "the id of a certificate", err) == -1)
		return -1;
	return cloud_check_words("listeners", provider_list(values,
	    OPT_LISTENERS), "ids of listeners", err);
}

static const char *const object[] = { "certificate_id", "region", NULL };

static const struct cloud_store store = {
	.name = "huawei-elb",
	.api = &huawei_api,
	.is_in_place = true,
	.place = "region",
	.object = object,
	.find = find,
	.upload = upload_steps,
};

const struct cloud cloud_huawei_elb = {
	.name = "huawei-elb",
	.title = "Huawei Cloud Elastic Load Balance",
	.doc = "Uploads the certificate, binds it to listeners, and at each "
	    "renewal replaces its content, which the listeners then serve. "
	    "Listeners of protocol QUIC take RSA keys only. With project_id "
	    "and certificate_id, elb:certificates:get and "
	    "elb:certificates:put are all that renewals need.",
	.policy = "{\n"
	    "  \"Version\": \"1.1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"iam:projects:listProjects\",\n"
	    "      \"elb:certificates:list\", \"elb:certificates:get\",\n"
	    "      \"elb:certificates:create\", \"elb:certificates:put\",\n"
	    "      \"elb:listeners:get\", \"elb:listeners:put\" ]\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-north-4\"\n"
	    "listeners = { \"0123456789abcdef0123456789abcdef\" }\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "huaweicloud",
	.opts = opts,
	.check = check,
	.priv_size = PROJECT_SIZE,
	.store = &store,
	.api = &huawei_api,
	.bind = bind,
};
