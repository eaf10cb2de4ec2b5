/* SPDX-License-Identifier: MIT */
#include "clouds/tencent_edge.h"

#include <string.h>

#include "providers/tencent.h"

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, TENCENT_EDGE_DOMAINS);
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct tencent_edge *s = c->service;

	return tencent_prepare(c, rq, s->service, s->version);
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;
	const struct tencent_edge *s = c->service;

	tencent_call_failed(user, a, err);
	rest_judge(s->kinds, REST_BEGINS, tencent_code(a), err);
}

const struct cloud_api tencent_edge_api = { .prepare = prepare,
    .is_refusal = tencent_refuses, .failed = failed };

bool
tencent_edge_is(const json_t *domain, const char *path, const char *value)
{
	const char *is = jsonx_str(domain, path);

	return is != NULL && strcmp(is, value) == 0;
}

/* --- what a domain has --- */

static void
describe(const struct cloud_call *c, struct preq *rq)
{
	const struct tencent_edge *s = c->service;
	const char *domain = domains_of(c)[c->at];

	if (domain != NULL)
		tencent_action(c, rq, s->service, s->describe,
		    s->query(c, domain));
}

/* The domain that was asked for, or NULL and err. */
static const json_t *
described(const struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct tencent_edge *s = c->service;
	const char *domain = domains_of(c)[c->at], *name;
	const json_t *all = rest_entries(a, s->domains, s->total, err), *entry;
	size_t i;

	if (all == NULL)
		return NULL;
	json_array_foreach(all, i, entry) {
		name = jsonx_str(entry, s->name);
		if (name != NULL && strcmp(name, domain) == 0)
			return entry;
	}
	(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is no domain "
	    "of %s; add it in the console", domain, s->what);
	return NULL;
}

/* "processing", or "process". */
static bool
is_changing(const struct cloud_call *c, const json_t *domain)
{
	const struct tencent_edge *s = c->service;
	const char *status = jsonx_str(domain, s->status);

	return status != NULL && strncmp(status, "process", 7) == 0;
}

/* Was it bound, though edges may not have it yet? */
static bool
has_ours(const struct cloud_call *c, const json_t *domain)
{
	const struct tencent_edge *s = c->service;

	return c->id[0] != '\0' && s->has_ours(c, domain) &&
	    !s->has_failed(c, domain);
}

static bool
is_live(const struct cloud_call *c, const json_t *domain)
{
	const struct tencent_edge *s = c->service;

	return tencent_edge_is(domain, s->status, "online") &&
	    s->is_live(c, domain);
}

/* --- look --- */

static int
look_at(void *user, struct preq *rq, struct error *err)
{
	describe(user, rq);
	return 0;
}

/* number: of those that are bound and not live yet. */
static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domain = described(c, a, err);

	if (domain == NULL)
		return REST_FAIL;
	c->is_bound[c->at] = has_ours(c, domain);
	if (c->is_bound[c->at++] && !is_live(c, domain))
		c->number++;
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c)) && c->number == 0;
	return REST_NEXT;
}

const struct rest_step tencent_edge_look[] = {
	{ .name = "read what is bound", .request = look_at,
	    .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

/* Again, right before it is written, and when no change is under way. */
static int
read_unbound(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	(void)cloud_next_unbound(c, domains_of(c));
	describe(c, rq);
	return 0;
}

static enum rest_next
read_settings(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *domain = described(c, a, err);
	const struct tencent_edge *s = c->service;
	const char *status;

	if (domain == NULL)
		return REST_FAIL;
	if (is_changing(c, domain))
		return REST_POLL;
	status = jsonx_str(domain, s->status);
	if (status == NULL)
		return cloud_lacks(s->status, err);
	if (strcmp(status, "online") != 0) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is "
		    "%s; start it in the console", domains_of(c)[c->at],
		    status);
		return REST_FAIL;
	}
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domains_of(c)[c->at],
	    s->change(c, domains_of(c)[c->at], domain));
	return cloud_next_domain(c, domains_of(c));
}

static int
update(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const struct tencent_edge *s = c->service;
	const char *domain = cloud_next_unbound(c, domains_of(c));

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	tencent_action(c, rq, s->service, s->update,
	    json_incref(json_object_get(c->memo, domain)));
	return 0;
}

static enum rest_next
updated(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

/* Another change has come between: what was read is no longer true. */
static enum rest_next
update_refused(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;
	const struct tencent_edge *s = c->service;
	const char *code = tencent_code(a);

	for (size_t i = 0; s->busy[i] != NULL; i++) {
		if (strcmp(code, s->busy[i]) == 0)
			err->kind = ERR_TRANSIENT;
	}
	return REST_FAIL;
}

/* All of them, as some may have been bound and not been live at first. */
static int
rewind_all(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	c->at = 0;
	return 0;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const struct tencent_edge *s = c->service;
	const json_t *domain = described(c, a, err);

	if (domain == NULL)
		return REST_FAIL;
	if (s->has_failed(c, domain) && !is_changing(c, domain)) {
		(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%s: "
		    "the certificate could not be deployed; the console says "
		    "why", domains_of(c)[c->at]);
		return REST_FAIL;
	}
	if (!has_ours(c, domain) || !is_live(c, domain))
		return REST_POLL;
	c->is_bound[c->at++] = true;
	return domains_of(c)[c->at] != NULL ? REST_AGAIN : REST_NEXT;
}

const struct rest_step tencent_edge_bind[] = {
	{ .name = "read settings", .request = read_unbound,
	    .reply = read_settings },
	{ .name = "bind", .request = update, .reply = updated,
	    .refused = update_refused },
	{ .name = "begin to wait", .request = rewind_all },
	{ .name = "wait", .request = look_at, .reply = shown },
	{ .name = NULL }
};
