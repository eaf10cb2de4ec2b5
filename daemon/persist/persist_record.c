/* SPDX-License-Identifier: MIT */
#include "daemon/persist/persist_record.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/persist/persist_env.h"
#include "daemon/persist/persist_names.h"
#include "providers/provider.h"

#define PROVIDER_TIMEOUT_MS 180000
#define STRING_MAX 255			/* bytes of one TXT string */

struct persist_record {
	struct persist_record_args a;
	struct persist_look_op *look;
	struct provider_run_op *run;
	struct txtwait_op *wait;
	bool		 is_done;	/* it was changed: look again */
	struct zone	 zone;
	char		 changed_zone[DNAME_SIZE], changed_server[340];
	char		**old;		/* values to be removed */
	size_t		 n_old;
	const char	*action;	/* what became of it, or NULL */
	struct error	 err;		/* kind ERR_NONE: none */
	persist_record_done_cb *done;
	void		*arg;
};

static void	look_at(struct persist_record *);

void
persist_record_cancel(struct persist_record *r)
{
	if (r == NULL)
		return;
	persist_look_cancel(r->look);
	provider_run_cancel(r->run);
	txtwait_cancel(r->wait);
	zone_clear(&r->zone);
	for (size_t i = 0; i < r->n_old; i++)
		free(r->old[i]);
	free(r->old);
	free(r);
}

static const struct conf_provider *
provider_of(const struct persist_record *r)
{
	const struct conf_provider *alias = r->a.cert->alias_provider;
	const struct conf_name *name = r->a.name->names[0];

	return r->zone.is_elsewhere && alias != NULL &&
	    !name->has_own_provider ? alias : name->provider;
}

static json_t *
names_json(const struct persist_name *n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n->n_names; i++)
		(void)json_array_append_new(list,
		    json_string(n->names[i]->name));
	return list;
}

static json_t *
string_or_null(const char *s)
{
	return s != NULL && s[0] != '\0' ? json_string(s) : json_null();
}

/* The record's entry in the reply, and the end. */
static void
tell_record(struct persist_record *r, const struct persist_look_reply *seen)
{
	const struct conf_provider *p = provider_of(r);
	char fqdn[PERSIST_FQDN_SIZE], *text, *line;
	json_t *o;

	persist_fqdn(r->a.name->base, fqdn);
	text = persist_zone_text(r->a.value);
	line = xasprintf("%s. %d IN TXT %s", fqdn, PERSIST_TTL_S, text);
	o = json_pack("{s:s, s:o, s:s, s:i, s:s, s:o, s:s, s:o, s:o, "
	    "s:o, s:o, s:o}", "name", fqdn, "for", names_json(r->a.name),
	    "value", r->a.value,
	    "ttl", PERSIST_TTL_S, "line", line,
	    "alias", strcmp(r->zone.fqdn, fqdn) == 0 ? json_null() :
	    string_or_null(r->zone.fqdn),
	    "state", seen != NULL ?
	    persist_match_name(seen->verdict.match) : "unknown",
	    "why", string_or_null(seen != NULL ? seen->verdict.why : NULL),
	    "until", jsonx_time(seen != NULL ? seen->verdict.until : 0),
	    "provider", p != NULL ? json_string(p->name) : json_null(),
	    "action", string_or_null(r->action),
	    "error", r->err.kind != ERR_NONE ?
	    jsonx_error(&r->err, clock_now()) : json_null());
	free(line);
	free(text);
	r->done(o, r->arg);
	persist_record_cancel(r);
}

static void
record_failed(struct persist_record *r, const struct error *err)
{
	struct log_ctx ctx = { .cert = r->a.cert->name };

	r->err = *err;
	log_warning(&ctx, "dns-persist-01 record of %s: %s", r->a.name->base,
	    err->msg);
	r->is_done = true;
	look_at(r);
}

/* May this provider hold it at all? */
static int
check_provider(const struct persist_record *r, struct error *err)
{
	const struct conf_provider *p = provider_of(r);

	if (p == NULL)
		return error_set(err, ERR_CONFIG, "persist:no-provider",
		    "%s has no provider; publish the record by hand",
		    r->a.name->base);
	if (p->type->no_standing)
		return error_set(err, ERR_CONFIG, "persist:provider",
		    "provider \"%s\" (%s) holds only values for dns-01; "
		    "publish the record by hand", p->name, p->type->name);
	if (p->type->add != NULL && strlen(r->a.value) > STRING_MAX)
		return error_set(err, ERR_CONFIG, "persist:too-long",
		    "the value has %zu bytes, and provider \"%s\" may not "
		    "take more than %d; publish the record by hand",
		    strlen(r->a.value), p->name, STRING_MAX);
	return 0;
}

static void
run_start(struct persist_record *r, bool is_add, const char *const *values,
    size_t n, provider_run_done_cb *done)
{
	struct log_ctx ctx = { .cert = r->a.cert->name };
	struct provider_run_args args = {
		.provider = provider_of(r),
		.is_add = is_add,
		.cert = r->a.cert->name,
		.identifier = r->a.name->base,
		.fqdn = r->zone.fqdn,
		.zone = r->zone.apex,
		.values = values,
		.n_values = n,
		.timeout_ms = PROVIDER_TIMEOUT_MS,
	};

	log_notice(&ctx, "%s the dns-persist-01 record at %s through provider "
	    "%s", is_add ? "adding" : "removing", r->zone.fqdn,
	    args.provider->name);
	r->run = provider_run_start(r->a.env->providers, &args, done, r);
}

static void
changed_in_dns(const struct error *err, const struct txtwait_reply *reply,
    void *arg)
{
	struct persist_record *r = arg;

	r->wait = NULL;
	if (err != NULL) {
		record_failed(r, err);
		return;
	}
	r->is_done = true;
	look_at(r);
}

/* The provider has done its part: when do all servers show it? */
static void
wait_for_dns(struct persist_record *r)
{
	struct txtwait_item *items = xcalloc(r->n_old + 1, sizeof(*items));
	struct txtwait_args args = {
		.items = items,
		.timeout_ms = (unsigned)r->a.cert->propagation_timeout_s * 1000,
	};

	if (r->a.act == PERSIST_WRITE) {
		items[args.n_items++] = (struct txtwait_item){
			.zone = &r->zone, .value = r->a.value,
			.present = true,
			.changed_zone = r->changed_zone,
			.changed_server = r->changed_server };
	} else {
		for (size_t i = 0; i < r->n_old; i++)
			items[args.n_items++] = (struct txtwait_item){
				.zone = &r->zone, .value = r->old[i] };
	}
	r->wait = txtwait_start(r->a.dns, &args, changed_in_dns, r);
	free(items);
}

static void
old_removed(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct persist_record *r = arg;

	r->run = NULL;
	if (err != NULL)
		record_failed(r, err);
	else
		wait_for_dns(r);
}

static void
remove_old(struct persist_record *r)
{
	if (r->n_old == 0)
		wait_for_dns(r);
	else
		run_start(r, false, (const char *const *)r->old, r->n_old,
		    old_removed);
}

static void
added(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct persist_record *r = arg;

	r->run = NULL;
	if (err != NULL) {
		record_failed(r, err);
		return;
	}
	(void)text_printf(r->changed_zone, sizeof(r->changed_zone), "%s",
	    reply->zone);
	(void)text_printf(r->changed_server, sizeof(r->changed_server), "%s",
	    reply->server);
	remove_old(r);
}

/* Which values of ours are there, but for the one to be? */
static bool
find_old(struct persist_record *r, const struct persist_look_reply *seen)
{
	const struct persist_want want = {
		.issuers = r->a.issuers,
		.account = r->a.kid,
	};
	bool is_there = false;

	r->old = xcalloc(seen->n_values + 1, sizeof(*r->old));
	for (size_t i = 0; i < seen->n_values; i++) {
		const char *v = seen->values[i];

		if (strcmp(v, r->a.value) == 0)
			is_there = true;
		if (persist_is_own(v, &want) && (strcmp(v, r->a.value) != 0 ||
		    r->a.act == PERSIST_REMOVE))
			r->old[r->n_old++] = xstrdup(v);
	}
	return is_there;
}

/* true: it has begun to be changed. */
static bool
change(struct persist_record *r, const struct persist_look_reply *seen)
{
	bool is_there = find_old(r, seen), is_right;
	struct error err;

	is_right = seen->verdict.match == PERSIST_RIGHT &&
	    (is_there || (r->a.until == 0 && seen->verdict.until == 0));
	if (r->a.act == PERSIST_WRITE ? is_right : r->n_old == 0) {
		r->action = "kept";
		return false;
	}
	r->action = "failed";
	if (check_provider(r, &err) == -1) {
		record_failed(r, &err);
		return true;
	}
	r->action = r->a.act == PERSIST_WRITE ? "written" : "removed";
	if (r->a.act == PERSIST_WRITE)
		run_start(r, true, &r->a.value, 1, added);
	else
		remove_old(r);
	return true;
}

static void
looked(const struct error *err, const struct persist_look_reply *seen,
    void *arg)
{
	struct persist_record *r = arg;

	r->look = NULL;
	if (err != NULL) {
		if (r->err.kind == ERR_NONE)
			r->err = *err;
		tell_record(r, NULL);
		return;
	}
	zone_clear(&r->zone);
	zone_copy(&r->zone, seen->zone);
	if (r->err.kind != ERR_NONE)
		r->action = "failed";
	if (r->is_done || r->a.act == PERSIST_SHOW || !change(r, seen))
		tell_record(r, seen);
}

static void
look_at(struct persist_record *r)
{
	const struct persist_want want = {
		.issuers = r->a.issuers,
		.account = r->a.kid,
		.wildcard = r->a.name->wildcard,
		.now = clock_now(),
	};

	r->look = persist_look_start(r->a.dns, r->a.name->base, &want, looked,
	    r);
}

struct persist_record *
persist_record_start(const struct persist_record_args *a,
    persist_record_done_cb *done, void *arg)
{
	struct persist_record *r = xcalloc(1, sizeof(*r));

	r->a = *a;
	r->done = done;
	r->arg = arg;
	look_at(r);
	return r;
}
