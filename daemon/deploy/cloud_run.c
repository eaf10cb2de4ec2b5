/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud_run.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/lease.h"
#include "daemon/rest/sign.h"
#include "daemon/store/bundle.h"
#include "providers/credentials.h"

/* Edges take minutes, and jobs of some vendors half an hour. */
#define POLL_MAX_MS	10000
#define MAX_POLLS	180
#define REQUEST_MS	60000		/* and no longer than the target's */

static void
say_cb(const struct cloud_call *call, const char *line)
{
	const struct cloud_run *run = (const struct cloud_run *)
	    (const void *)call;

	step_say(&run->s, "%s", line);
}

static char *
pkcs12_cb(const struct cloud_call *call, struct error *err)
{
	const struct cloud_run *run = (const struct cloud_run *)
	    (const void *)call;
	char *der, *base64;
	size_t len;

	if (bundle_make(run->s.a.version_dir, BUNDLE_PKCS12, call->cert.name,
	    "", &der, &len, err) == -1)
		return NULL;
	base64 = sign_base64(der, len);
	freezero(der, len);
	return base64;
}

void
cloud_run_init(struct cloud_run *run, const struct deploy_args *a,
    void (*begin)(void *run), deploy_done_cb *done, void *arg)
{
	const struct conf_cloud *cloud = a->target->cloud;
	const char *where;

	run->type = cloud->type;
	run->call.values = cloud->values;
	run->call.credentials = cloud->credentials->values;
	run->call.service = run->type->service;
	run->call.bound_id = run->bound_id;
	run->call.say = say_cb;
	run->call.pkcs12 = pkcs12_cb;
	run->call.priv = run->type->priv_size == 0 ? NULL :
	    xcalloc(1, run->type->priv_size);
	where = run->type->store->place == NULL ? NULL :
	    provider_values_str(cloud->values, run->type->store->place);
	run->place = xasprintf("%s %s %s", run->type->store->name,
	    cloud->credentials->name, where != NULL ? where : "");
	step_init(&run->s, a, begin, run, done, arg);
}

void
cloud_run_clear(struct cloud_run *run)
{
	rest_cancel(run->rest);
	lease_give(run->lease);
	step_clear(&run->s);
	json_decref(run->call.memo);
	freezero(run->call.priv, run->type->priv_size);
	cloud_version_clear(&run->version);
	cloud_journal_clear(&run->journal);
	free(run->place);
}

/* `acmectl check` of what was never issued. */
static bool
is_before_first(const struct deploy_args *a)
{
	return a->is_check && a->serial[0] == '\0';
}

void
cloud_run_recall(struct cloud_run *run)
{
	const struct deploy_args *a = &run->s.a;
	struct cloud_call *c = &run->call;
	const char *id;

	cloud_journal_clear(&run->journal);
	cloud_journal_load(&run->journal, a->env->store, a->cert->name,
	    a->target->name, run->place, c->cert.sha256);
	(void)text_printf(run->bound_id, sizeof(run->bound_id), "%s",
	    cloud_journal_bound(&run->journal));
	id = cloud_journal_id(&run->journal);
	if (id[0] == '\0' && run->type->store->is_in_place)
		id = run->bound_id;
	(void)text_printf(c->id, sizeof(c->id), "%s", id);
	/* A check reads what it can. */
	c->is_known = is_before_first(a) ||
	    cloud_journal_knows(&run->journal);
	c->is_begun = c->is_known && !cloud_journal_is_done(&run->journal);
}

void
cloud_run_forget(struct cloud_run *run)
{
	struct cloud_call *c = &run->call;

	cloud_run_recall(run);
	c->is_found = c->is_foreign = c->is_right = c->is_full = false;
	c->number = 0;
	memset(c->is_bound, 0, sizeof(c->is_bound));
}

int
cloud_run_read(struct cloud_run *run, struct error *err)
{
	const struct deploy_args *a = &run->s.a;

	if (provider_values_look(a->target->cloud->credentials->values,
	    err) == -1)
		return error_wrap(err, "credentials \"%s\"",
		    a->target->cloud->credentials->name);
	if (is_before_first(a))
		cloud_version_none(&run->version, a->cert, &run->call);
	else if (cloud_version_read(&run->version, a->version_dir,
	    a->cert->name, &run->call, err) == -1)
		return -1;
	cloud_run_forget(run);
	return 0;
}

/* --- credentials --- */

static void
lease_ready(const struct error *err, void *arg)
{
	struct cloud_run *run = arg;
	struct error own;

	if (err != NULL)
		own = *err;
	run->done(run, err == NULL ? NULL : &own);
}

void
cloud_run_lease(struct cloud_run *run, void (*done)(struct cloud_run *,
    struct error *))
{
	const struct deploy_args *a = &run->s.a;

	run->done = done;
	lease_give(run->lease);
	run->lease = lease_take(a->env->leases, a->target->cloud->credentials,
	    run->type->scope, lease_ready, run);
}

bool
cloud_run_doubts(struct cloud_run *run, const struct error *err)
{
	if (run->has_doubted || err->kind != ERR_CONFIG ||
	    strcmp(err->code, "provider:credentials") != 0 ||
	    !lease_doubt(run->lease))
		return false;
	run->has_doubted = true;
	return true;
}

/* --- tables --- */

/* The first step is about to be begun. */
static void
begin_cb(void *user)
{
	struct cloud_call *c = user;

	c->at = 0;
	c->page = 0;
	c->cursor[0] = '\0';
	json_decref(c->memo);
	c->memo = NULL;
}

/* Some vendors repeat what they refuse: the key, as PEM, or in base64. */
static void
hide_key(const struct cloud_run *run, struct error *err)
{
	const char *const keys[] = { run->version.key,
	    run->version.sec1_key };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *base64;

		if (keys[i] == NULL)
			continue;
		base64 = sign_base64(keys[i], strlen(keys[i]));
		rest_hide_part(keys[i], err->msg);
		rest_hide_part(base64, err->msg);
		freezero_str(base64);
	}
}

/* ... and what they refuse to let in. */
static void
hide_credentials(const struct cloud_run *run, struct error *err)
{
	const struct conf_credentials *lent =
	    run->s.a.target->cloud->credentials;
	const struct provider_opt *o = lent->type->opts;

	for (int i = 0; o[i].name != NULL; i++) {
		const char *text = !o[i].secret ? NULL :
		    provider_str(lent->values, i);

		if (text != NULL)
			rest_hide(text, err->msg);
	}
}

static void
rest_cb(enum rest_next end, struct error *err, void *arg)
{
	struct cloud_run *run = arg;

	run->rest = NULL;
	if (end != REST_DONE) {
		hide_key(run, err);
		hide_credentials(run, err);
	}
	run->done(run, end == REST_DONE ? NULL : err);
}

void
cloud_run_table(struct cloud_run *run, const struct cloud_api *api,
    const struct rest_step *steps, void (*done)(struct cloud_run *,
    struct error *))
{
	const struct provider_values *v = run->call.values;
	const char *base = provider_values_str(v, "base_url");
	const char *proxy = provider_values_str(v, "proxy");
	unsigned target_ms = run->s.a.target->timeout_s * 1000;

	run->done = done;
	run->rest = rest_start(&(struct rest_args){
	    .loop = run->s.a.env->loop, .http = run->s.a.env->http,
	    .steps = steps, .user = &run->call,
	    .base_url = base != NULL ? base : api->base_url,
	    .base_is_forced = base != NULL,
	    .allow_http = provider_values_bool(v, "allow_http"),
	    .ca_file = provider_values_str(v, "ca_file"),
	    .proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" : proxy,
	    .max_reply = api->max_reply,
	    .timeout_ms = target_ms < REQUEST_MS ? target_ms : REQUEST_MS,
	    .poll_max_ms = POLL_MAX_MS, .max_polls = MAX_POLLS,
	    .plain_text = api->plain_text, .decodes = true,
	    .begin = begin_cb, .prepare = api->prepare,
	    .is_refusal = api->is_refusal, .failed = api->failed },
	    rest_cb, run);
}
