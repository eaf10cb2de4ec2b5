/* SPDX-License-Identifier: MIT */
/*
 * upyun - Upyun: certificates and domains of its CDN, by the API with a token
 * (https://api.upyun.com/doc).  Each upload gets an id, to which domains are
 * bound one by one.  Lists have neither fingerprint, serial nor a name of one's
 * own: one that was begun is found by the times between which it is valid, and
 * the common name.
 */
#include <string.h>
#include <strings.h>

#include "clouds/cloud.h"
#include "providers/credentials.h"

#define PAGE 50				/* certificates */
#define ALREADY_BOUND 23601		/* the domain has that certificate */

enum { OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "domains of the CDN's services, as the console shows "
	    "them" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* --- requests --- */

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	preq_token(rq, "Bearer", provider_str(c->credentials, UPYUN_TOKEN));
	return 0;
}

static int64_t
code_of(const struct rest_answer *a)
{
	return jsonx_number(a->json, "error_code", 0);
}

static bool
is_refusal(void *user, const struct rest_answer *a)
{
	return code_of(a) != 0 || json_is_false(jsonx_get(a->json, "result"));
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	int64_t code = code_of(a);

	if (code == 0)
		return;
	if (code / 100 == 401)
		(void)error_set(err, REST_CREDENTIALS, "%s", err->msg);
	(void)error_set(err, err->kind, err->code, "%s (%lld)", err->msg,
	    (long long)code);
}

static const struct cloud_api api = { .base_url = "https://api.upyun.com",
    .prepare = prepare, .is_refusal = is_refusal, .failed = failed };

/* --- find --- */

/* Nobody else's is taken for ours: only what was begun is looked for.  memo:
 * since and max of the page before, as they were given. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *since, *max;

	if (!c->is_known && c->id[0] == '\0')
		return 0;
	preq_start(rq, "GET", "/https/certificate/list");
	preq_query_number(rq, "limit", PAGE);
	since = jsonx_str(c->memo, "since");
	max = jsonx_str(c->memo, "max");
	if (since != NULL)
		preq_query(rq, "since", since);
	if (max != NULL)
		preq_query(rq, "max", max);
	return 0;
}

/* What has a common name is for one of our names. */
static bool
may_be_for(const struct cloud_call *c, const char *common_name)
{
	size_t i = 0;

	if (common_name == NULL || common_name[0] == '\0')
		return true;
	while (c->cert.names[i] != NULL && strcasecmp(c->cert.names[i],
	    common_name) != 0)
		i++;
	return c->cert.names[i] != NULL;
}

/* Not the one before, or one for other names, that may have been issued within
 * the same second. */
static bool
is_ours(const struct cloud_call *c, const char *id, const json_t *entry)
{
	int64_t start = jsonx_number(entry, "validity.start", -1) / 1000;
	int64_t end = jsonx_number(entry, "validity.end", -1) / 1000;

	if (c->id[0] != '\0')
		return strcmp(c->id, id) == 0;
	return strcmp(c->bound_id, id) != 0 && start == c->cert.not_before &&
	    end == c->cert.not_after &&
	    may_be_for(c, jsonx_str(entry, "commonName"));
}

/* Is there a page more, and a further one?  Some versions have the pager in the
 * result, some beside it. */
static bool
turn_page(struct cloud_call *c, const struct rest_answer *a)
{
	static const char *const names[] = { "since", "max" };
	const json_t *pager = jsonx_get(a->json, "result.pager");
	json_t *next = json_object();
	bool is_new;

	if (pager == NULL)
		pager = jsonx_get(a->json, "pager");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t at = jsonx_number(pager, names[i], 0);
		char text[32];

		if (at <= 0)
			continue;
		(void)text_printf(text, sizeof(text), "%lld", (long long)at);
		(void)json_object_set_new(next, names[i], json_string(text));
	}
	is_new = json_object_size(next) > 0 && !json_equal(next, c->memo);
	json_decref(c->memo);
	c->memo = next;
	return is_new;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	json_t *all = (json_t *)(uintptr_t)jsonx_get(a->json, "result");
	json_t *entry;
	const char *id;
	size_t n = 0;

	/* Of none, it is an empty array. */
	if (!json_is_object(all) && (!json_is_array(all) ||
	    json_array_size(all) > 0))
		return cloud_lacks("result", err);
	json_object_foreach(all, id, entry) {
		if (!json_is_object(entry) || strcmp(id, "pager") == 0 ||
		    strcmp(id, "default") == 0)
			continue;
		n++;
		if (!is_ours(c, id, entry))
			continue;
		c->is_found = true;
		(void)text_printf(c->id, sizeof(c->id), "%s", id);
		return REST_DONE;
	}
	return n > 0 && turn_page(c, a) ? REST_AGAIN : REST_NEXT;
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

	preq_start(rq, "POST", "/https/certificate/");
	preq_json(rq, json_pack("{s:s, s:s}", "certificate",
	    c->cert.fullchain, "private_key", c->cert.key));
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "result.certificate_id", c->id,
	    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const quota[] = { "quota", "exceed", NULL };
	static const char *const key[] = { "private key", "privatekey",
	    "private_key", NULL };
	static const char *const types[] = { "rsa", "ecc", "ecdsa",
	    "algorithm", NULL };
	struct cloud_call *c = user;

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	c->is_full = rest_says(a, quota);
	if (rest_says(a, key) && cloud_other_key(c) == REST_AGAIN)
		return REST_AGAIN;
	if (!cloud_is_rsa(c) && rest_says(a, types))
		(void)error_set(err, ERR_CONFIG, err->code, "%s; if it takes "
		    "no keys but RSA, set key = \"rsa2048\"", err->msg);
	return REST_FAIL;
}

static const struct rest_step upload_steps[] = {
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = upload_refused },
	{ .name = NULL }
};

/* --- remove --- */

/* First: who has it? */
static int
get_users(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	preq_start(rq, "GET", "/https/certificate/manager/");
	preq_query(rq, "certificate_id", c->old_id);
	return 0;
}

static enum rest_next
got_users(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domains = jsonx_get(a->json, "domains");

	if (domains == NULL)
		domains = jsonx_get(a->json, "result.domains");
	/* An answer that says nothing of them does not say that it is free. */
	if (!json_is_array(domains))
		return cloud_lacks("domains", err);
	c->is_in_use = json_array_size(domains) > 0;
	if (!c->is_in_use)
		return REST_NEXT;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%zu domains "
	    "have it", json_array_size(domains));
	return REST_FAIL;
}

static int
remove_old(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	preq_start(rq, "DELETE", "/https/certificate/");
	preq_query(rq, "certificate_id", c->old_id);
	return 0;
}

static enum rest_next
gone(void *user, const struct rest_answer *a, struct error *err)
{
	return a->status == 404 ? REST_DONE : REST_FAIL;
}

static const struct rest_step remove_steps[] = {
	{ .name = "read what uses it", .request = get_users,
	    .reply = got_users, .refused = gone },
	{ .name = "remove", .request = remove_old, .refused = gone },
	{ .name = NULL }
};

static const struct cloud_store store = {
	.name = "upyun",
	.api = &api,
	.find = find,
	.upload = upload_steps,
	.remove = remove_steps,
};

/* --- what a domain has --- */

/* Entry c->at of the domains. */
static int
get(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *domain = domains_of(c)[c->at];

	if (domain == NULL)
		return 0;
	preq_start(rq, "GET", "/https/services/manager");
	preq_query(rq, "domain", domain);
	return 0;
}

/* The certificate that the domain serves; json_null() if it has none, NULL and
 * err if the answer does not tell. */
static const json_t *
active(const struct rest_answer *a, struct error *err)
{
	const json_t *all = rest_array(a, "result", err), *entry;
	size_t i;

	if (all == NULL)
		return NULL;
	json_array_foreach(all, i, entry) {
		if (jsonx_bool(entry, "https", false))
			return entry;
	}
	return json_null();
}

static bool
has_ours(const struct cloud_call *c, const json_t *active)
{
	const char *id = jsonx_str(active, "certificate_id");

	return c->id[0] != '\0' && id != NULL && strcmp(id, c->id) == 0;
}

/* --- look --- */

static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *now = active(a, err);

	if (now == NULL)
		return REST_FAIL;
	c->is_bound[c->at++] = has_ours(c, now);
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c));
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = get, .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

static int
get_unbound(void *user, struct preq *rq, struct error *err)
{
	(void)cloud_next_unbound(user, domains_of(user));
	return get(user, rq, err);
}

static enum rest_next
got_unbound(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *now = active(a, err);

	if (now == NULL)
		return REST_FAIL;
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domains_of(c)[c->at],
	    json_boolean(!json_is_null(now)));
	return cloud_next_domain(c, domains_of(c));
}

/* One that serves HTTPS is moved, without a gap, and keeps its settings. */
static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c));

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	if (json_is_true(json_object_get(c->memo, domain))) {
		preq_start(rq, "POST", "/https/migrate/domain");
		preq_json(rq, json_pack("{s:s, s:s}", "crt_id", c->id,
		    "domain_name", domain));
	} else {
		preq_start(rq, "POST", "/https/certificate/manager");
		preq_json(rq, json_pack("{s:s, s:s, s:b, s:b}",
		    "certificate_id", c->id, "domain", domain, "https", 1,
		    "force_https", 0));
	}
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

static enum rest_next
put_refused(void *user, const struct rest_answer *a, struct error *err)
{
	return code_of(a) == ALREADY_BOUND ? was_put(user, a, err) :
	    REST_FAIL;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *now = active(a, err);

	if (now == NULL)
		return REST_FAIL;
	if (!has_ours(c, now))
		return REST_POLL;
	c->is_bound[c->at++] = true;
	return cloud_next_unbound(c, domains_of(c)) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

static const struct rest_step bind[] = {
	{ .name = "read settings", .request = get_unbound,
	    .reply = got_unbound },
	{ .name = "bind", .request = put, .reply = was_put,
	    .refused = put_refused },
	{ .name = "wait", .request = get_unbound, .reply = shown },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	return cloud_check_words(CLOUD_DOMAINS, provider_list(values,
	    OPT_DOMAINS), "domain names", err);
}

const struct cloud cloud_upyun = {
	.name = "upyun",
	.title = "Upyun CDN",
	.doc = "Uploads the certificate and binds it to domains of the CDN, "
	    "which are there already. HTTPS is switched on; a domain that has "
	    "it is moved without a gap and keeps its settings. Some of the "
	    "vendor's products take RSA keys only: key = \"rsa2048\".",
	.policy = "The token of a sub-account with the rights of the CDN "
	    "services only; tokens\nthemselves have no narrower scope\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "upyun",
	.opts = opts,
	.check = check,
	.store = &store,
	.api = &api,
	.look = look,
	.bind = bind,
};
