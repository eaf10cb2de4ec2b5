/* SPDX-License-Identifier: MIT */
#include "clouds/volcengine_lb.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "providers/volc.h"

#define VERSION "2020-04-01"

const char *const volcengine_lb_within[] = { "listener_id", NULL };

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct volcengine_lb *s = c->service;

	volcengine_prepare(c, rq, s->service, provider_str(c->values,
	    VOLCENGINE_LB_REGION));
	return 0;
}

/* The codes of a listener that is being changed are not documented. */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	static const struct rest_code busy[] = {
		{ "InvalidStatus", REST_UNAVAILABLE },
		{ "Conflict", REST_UNAVAILABLE },
		{ .word = NULL }
	};

	volcengine_call_failed(user, a, err);
	rest_judge(busy, REST_HAS, volc_code(a), err);
}

const struct cloud_api volcengine_lb_api = { .base_url = VOLC_URL,
    .prepare = prepare, .is_refusal = volcengine_refuses, .failed = failed };

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, VOLCENGINE_LB_DOMAINS);
}

static const char *
listener_of(const struct cloud_call *c)
{
	return provider_str(c->values, VOLCENGINE_LB_LISTENER);
}

/* --- what is bound --- */

static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	volc_action(rq, "GET", "DescribeListenerAttributes", VERSION);
	preq_query(rq, "ListenerId", listener_of(c));
	return 0;
}

static bool
is(const json_t *object, const char *member, const char *value)
{
	const char *is = jsonx_str(object, member);

	return is != NULL && strcmp(is, value) == 0;
}

/* Has a listener or an extension ours? */
static bool
has_ours(const struct cloud_call *c, const json_t *object)
{
	const char *source = jsonx_str(object, "CertificateSource");

	return c->id[0] != '\0' && is(object, "CertCenterCertificateId",
	    c->id) && (source == NULL || strcmp(source, "cert_center") == 0);
}

/* The extension for a domain; NULL if there is none. */
static const json_t *
extension(const json_t *listener, const char *domain)
{
	const json_t *all = json_object_get(listener, "DomainExtensions");
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry) {
		if (is(entry, "Domain", domain))
			return entry;
	}
	return NULL;
}

/* What is bound; memo: the ids of extensions, by domain.  -1 and err. */
static int
read_bound(struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *listener = jsonx_get(a->json, "Result"), *entry;
	const char *const *domains = domains_of(c);
	const char *id;

	if (!is(listener, "ListenerId", listener_of(c))) {
		(void)cloud_lacks("ListenerId", err);
		return -1;
	}
	if (!is(listener, "Protocol", "HTTPS"))
		return error_set(err, ERR_CONFIG, "provider:refused",
		    "listener %s is not of HTTPS", listener_of(c));
	c->is_bound[0] = has_ours(c, listener);
	json_decref(c->memo);
	c->memo = json_object();
	for (size_t i = 0; domains[i] != NULL; i++) {
		entry = extension(listener, domains[i]);
		id = jsonx_str(entry, "DomainExtensionId");
		if (id == NULL)
			return error_set(err, ERR_CONFIG, "provider:refused",
			    "listener %s has no domain extension for %s; add "
			    "it in the console, or leave out " CLOUD_DOMAINS
			    " for the listener's own certificate",
			    listener_of(c), domains[i]);
		c->is_bound[i] = has_ours(c, entry);
		(void)json_object_set_new(c->memo, domains[i],
		    json_string(id));
	}
	c->is_right = domains[0] == NULL ? c->is_bound[0] :
	    cloud_all_bound(c, domains);
	return 0;
}

static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	return read_bound(user, a, err) == -1 ? REST_FAIL : REST_NEXT;
}

const struct rest_step volcengine_lb_look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

/* "LIST.N.MEMBER". */
static void
member(struct preq *rq, const char *list, size_t n, const char *name,
    const char *value)
{
	char *key = xasprintf("%s.%zu.%s", list, n, name);

	preq_query(rq, key, value);
	free(key);
}

static void
modify_extensions(const struct cloud_call *c, struct preq *rq)
{
	const struct volcengine_lb *s = c->service;
	const char *const *domains = domains_of(c);
	size_t n = 0;

	volc_action(rq, "GET", s->modify, VERSION);
	preq_query(rq, "ListenerId", listener_of(c));
	for (size_t i = 0; domains[i] != NULL; i++) {
		if (c->is_bound[i])
			continue;
		cloud_say(c, "binding certificate %s to %s", c->id,
		    domains[i]);
		n++;
		if (s->has_action) {
			member(rq, s->list, n, "Action", "modify");
			member(rq, s->list, n, "Domain", domains[i]);
		}
		member(rq, s->list, n, "DomainExtensionId",
		    json_string_value(json_object_get(c->memo,
		    domains[i])));
		member(rq, s->list, n, "CertificateSource", "cert_center");
		member(rq, s->list, n, "CertCenterCertificateId", c->id);
	}
}

static int
modify(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->is_right)
		return 0;
	if (domains_of(c)[0] != NULL) {
		modify_extensions(c, rq);
		return 0;
	}
	cloud_say(c, "binding certificate %s to %s", c->id, listener_of(c));
	volc_action(rq, "GET", "ModifyListenerAttributes", VERSION);
	preq_query(rq, "ListenerId", listener_of(c));
	preq_query(rq, "CertificateSource", "cert_center");
	preq_query(rq, "CertCenterCertificateId", c->id);
	return 0;
}

/* "Active", but while it is changed. */
static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;
	const char *status = jsonx_str(a->json, "Result.Status");

	if (read_bound(user, a, err) == -1)
		return REST_FAIL;
	return c->is_right && (status == NULL || strcmp(status, "Active") ==
	    0) ? REST_NEXT : REST_POLL;
}

const struct rest_step volcengine_lb_bind[] = {
	{ .name = "read settings", .request = describe, .reply = looked_at },
	{ .name = "bind", .request = modify },
	{ .name = "wait", .request = describe, .reply = shown },
	{ .name = NULL }
};
