/* SPDX-License-Identifier: MIT */
#include "daemon/acme/objects.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"

static const char *const status_names[] = {
	[ACME_PENDING] = "pending",
	[ACME_READY] = "ready",
	[ACME_PROCESSING] = "processing",
	[ACME_VALID] = "valid",
	[ACME_INVALID] = "invalid",
	[ACME_DEACTIVATED] = "deactivated",
	[ACME_EXPIRED] = "expired",
	[ACME_REVOKED] = "revoked",
};
_Static_assert(sizeof(status_names) / sizeof(status_names[0]) ==
    ACME_STATUS_END, "status_names");

const char *
acme_status_name(enum acme_status status)
{
	return status_names[status];
}

char *
profiles_text(const json_t *profiles)
{
	char *text = xstrdup(""), *longer;
	json_t *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)profiles, name, value) {
		longer = xasprintf("%s%s%s", text, *text != '\0' ? ", " : "",
		    name);
		free(text);
		text = longer;
	}
	if (*text != '\0')
		return text;
	free(text);
	return xstrdup("none");
}

static char *
dup_str(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

static struct error *
dup_error(const struct error *err)
{
	return err == NULL ? NULL : xmemdup(err, sizeof(*err));
}

struct acme_order *
acme_order_dup(const struct acme_order *o)
{
	struct acme_order *copy = xmemdup(o, sizeof(*o));

	copy->url = dup_str(o->url);
	copy->authz_urls = xcalloc(o->n_authz + 1, sizeof(*copy->authz_urls));
	for (size_t i = 0; i < o->n_authz; i++)
		copy->authz_urls[i] = xstrdup(o->authz_urls[i]);
	copy->finalize_url = dup_str(o->finalize_url);
	copy->cert_url = dup_str(o->cert_url);
	copy->error = dup_error(o->error);
	copy->refused = o->refused != NULL ? strv_copy((const char *const *)
	    o->refused) : NULL;
	return copy;
}

void
acme_order_free(struct acme_order *o)
{
	if (o == NULL)
		return;
	free(o->url);
	for (size_t i = 0; i < o->n_authz; i++)
		free(o->authz_urls[i]);
	free(o->authz_urls);
	free(o->finalize_url);
	free(o->cert_url);
	strv_free(o->refused);
	free(o->error);
	free(o);
}

struct acme_authz *
acme_authz_dup(const struct acme_authz *a)
{
	struct acme_authz *copy = xmemdup(a, sizeof(*a));

	copy->identifier = dup_str(a->identifier);
	copy->challenges = xcalloc(a->n_challenges,
	    sizeof(*copy->challenges));
	for (size_t i = 0; i < a->n_challenges; i++) {
		const struct acme_challenge *c = &a->challenges[i];

		copy->challenges[i] = (struct acme_challenge){
			.type = xstrdup(c->type),
			.url = xstrdup(c->url),
			.token = dup_str(c->token),
			.issuers = strv_copy((const char *const *)
			    c->issuers),
			.account_uri = dup_str(c->account_uri),
			.status = c->status,
			.error = dup_error(c->error),
		};
	}
	return copy;
}

void
acme_authz_free(struct acme_authz *a)
{
	if (a == NULL)
		return;
	free(a->identifier);
	for (size_t i = 0; i < a->n_challenges; i++) {
		free(a->challenges[i].type);
		free(a->challenges[i].url);
		free(a->challenges[i].token);
		strv_free(a->challenges[i].issuers);
		free(a->challenges[i].account_uri);
		free(a->challenges[i].error);
	}
	free(a->challenges);
	free(a);
}
