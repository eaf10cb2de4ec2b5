/* SPDX-License-Identifier: MIT */
/*
 * status - the engine's state as the objects of doc/control-api.md.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "config.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/choice.h"
#include "daemon/accounts/hold.h"
#include "daemon/accounts/skew.h"
#include "daemon/alerts/condition.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/due.h"
#include "daemon/certs/freeze.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/certs/origin.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/turns.h"
#include "daemon/engine/textfile.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/waves.h"
#include "daemon/manage/revocations.h"
#include "daemon/notify/advice.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"

#define STEPS_SHOWN 50

static const char *
state_of(const struct cert *c)
{
	if (c->row.serial == NULL)
		return "missing";
	return c->row.not_after <= clock_now() ? "expired" : "valid";
}

time_t
engine_next_any(const struct engine *e, const struct cert *c,
    const char **action)
{
	time_t deploy = rollout_next_at(c);
	time_t at = engine_next_at(e, c, action);

	if (deploy == 0 || at <= 0 || deploy >= at)
		return at;
	*action = "deploy";
	return deploy;
}

static json_t *
string_or_null(const char *s)
{
	return s != NULL ? json_string(s) : json_null();
}

/* Why it is renewed then, whatever is tried again. */
static const char *
renewal_reason(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	bool by_ari;
	time_t due;

	if (issuer_is_other(c))
		return "other-ca";
	if (row->serial == NULL)
		return "missing";
	if (!missing_fits(c, row->names))
		return "names";
	if (!issuer_has_profile(c))
		return "profile";
	if (!cert_csr_fits(c) || !pair_is_wanted(c))
		return cert_csr_wanted(c) != NULL ? "csr" : "key";
	if (c->forced || row->asked_at != 0)
		return "asked";
	if (row->order_url != NULL && missing_count(c) == 0 &&
	    missing_fits_next(c, row->order_names))
		return "begun";
	due = ari_window_due_at(c, &by_ari);
	if (missing_count(c) > 0 && missing_retry_at(c) < due)
		return "missing-names";
	if (freeze_due_at(c, due) != due)
		return "freeze";
	return by_ari ? "ari" : "lifetime";
}

/* When the targets that have windows are deployed to, if it is renewed then. */
static json_t *
windows_json(const struct cert *c, time_t at)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->conf->n_deploys; i++) {
		const struct conf_deploy *d = c->conf->deploys[i];

		if (d->n_windows > 0)
			(void)json_array_append_new(list, json_pack(
			    "{s:s, s:o}", "target", d->name, "at", jsonx_time(
			    due_window_at(d->windows, d->n_windows, at))));
	}
	return list;
}

json_t *
engine_next_json(const struct engine *e, const struct cert *c)
{
	const char *action, *reason = NULL;
	time_t at = engine_next_any(e, c, &action);
	json_t *next = json_object(), *windows = NULL;
	bool renews;

	renews = strcmp(action, "renew") == 0 || strcmp(action, "retry") == 0;
	/* Not with the next token, which only one of those that wait gets. */
	if (renews && engine_limited_until(c, NULL) != 0) {
		time_t turn = turns_at(e->turns, c);

		at = at > 0 && turn > at ? turn : at;
	}
	if (at == 0)
		at = clock_now();
	if (renews && c->watch == NULL)
		reason = renewal_reason(c);
	if (renews)
		windows = windows_json(c, at);
	if (json_array_size(windows) > 0)
		(void)json_object_set(next, "windows", windows);
	json_decref(windows);
	(void)json_object_set_new(next, "action", json_string(action));
	(void)json_object_set_new(next, "at", jsonx_time(at));
	(void)json_object_set_new(next, "reason", string_or_null(reason));
	return next;
}

static json_t *
names_of(const struct cert *c)
{
	json_t *list = c->conf->n_names == 0 && c->row.names != NULL ?
	    json_loads(c->row.names, 0, NULL) : NULL;

	/* What was given without names has its own. */
	if (list != NULL)
		return list;
	list = json_array();
	for (size_t i = 0; i < c->conf->n_names; i++)
		(void)json_array_append_new(list,
		    json_string(c->conf->names[i].name));
	return list;
}

static json_t *
held_json(const struct engine *e, const struct cert *c)
{
	struct error err;
	struct hold_told told;
	time_t until;

	if (c->waits != NULL) {
		hold_tell(c->waits, &told);
		return json_pack("{s:o, s:o, s:s}", "since",
		    jsonx_time(told.since), "until", jsonx_time(told.until),
		    "msg", told.words);
	}
	until = hold_until_asked(e->holds, c, &err);
	if (until == 0)
		until = engine_limited_until(c, &err);
	return until == 0 ? json_null() : json_pack("{s:n, s:o, s:s}",
	    "since", "until", jsonx_time(until == STORE_PAUSED_EVER ? 0 :
	    until), "msg", err.msg);
}

static json_t *
paused_json(const struct cert *c)
{
	time_t until = c->row.paused_until;

	if (!cert_is_paused(c, clock_now()))
		return json_null();
	return json_pack("{s:o}", "until", jsonx_time(until ==
	    STORE_PAUSED_EVER ? 0 : until));
}

/* Where the certificate in use, or the next one, is not of the first CA. */
static json_t *
fallback_json(const struct engine *e, const struct cert *c)
{
	const struct conf_account *first, *issued, *next;
	struct error held;
	const char *why = c->row.account_why;

	if (conf_n_issuers(c->conf) < 2)
		return json_null();
	first = c->conf->account;
	issued = issuer_account(c);
	next = issuer_now(c);
	if ((issued == NULL || issued == first) && next == first)
		return json_null();
	if (next != first && choice_held(e->holds, c, first, &held) != 0)
		why = held.msg;
	return json_pack("{s:s, s:o, s:o, s:o}", "first", first->name,
	    "issued", issued == NULL || issued == first ? json_null() :
	    json_string(issued->name), "next", next == first ? json_null() :
	    json_string(next->name), "why", string_or_null(why));
}

static json_t *
clock_json(const struct cert *c)
{
	char *text = skew_shown(c);
	json_t *o = text != NULL ? json_string(text) : json_null();

	free(text);
	return o;
}

/* The error, with what a person can do about it. */
static json_t *
error_json(const struct cert *c, const struct condition_failure *f)
{
	const struct conf_cert *cc = c->conf;
	const struct conf_provider *p;
	json_t *j;
	char *text;

	if (f->err == NULL)
		return json_null();
	p = cc != NULL && cc->n_names > 0 ? cc->names[0].provider : NULL;
	text = advice_text(f->err, c->row.name,
	    strncmp(f->err->code, "acme:", 5) != 0 ?
	    (p != NULL ? p->name : "") :
	    issuer_now(c) != NULL ? issuer_now(c)->name : "", false);
	j = jsonx_error(f->err, f->at);
	(void)json_object_set_new(j, "advice", string_or_null(text));
	free(text);
	return j;
}

/* The member of the cluster that renews it. */
static json_t *
renewer_json(const struct engine *e, const struct cert *c)
{
	const char *who;

	(void)cluster_part(e->cluster, (struct cert *)(uintptr_t)c, &who);
	return who == NULL ? json_null() : json_pack("{s:s, s:b}", "member",
	    who, "self", strcmp(who, e->conf->cluster->name) == 0);
}

static json_t *
cert_json(const struct engine *e, const struct cert *c)
{
	const struct store_cert *row = &c->row;
	bool has = row->serial != NULL;
	struct condition_failure f = condition_failure(c);

	return json_pack("{s:s, s:o, s:s, s:s, s:b, s:o, s:o, s:o, s:b, s:b, "
	    "s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:o, s:o}",
	    "name", row->name, "names", names_of(c), "state", state_of(c),
	    "condition", condition_name(condition_of(c)),
	    "ok", condition_is_good(c),
	    "serial", string_or_null(row->serial),
	    "issuer", string_or_null(row->issuer),
	    "directory", string_or_null(row->ari_directory),
	    "staging", issuer_is_staging(c), "other_ca", issuer_is_other(c),
	    "not_before", jsonx_time(has ? row->not_before : 0),
	    "not_after", jsonx_time(has ? row->not_after : 0),
	    "next", engine_next_json(e, c), "paused", paused_json(c),
	    "run", c->run != NULL ? renewal_json(c->run) : json_null(),
	    "failures", (int)f.times,
	    "error", error_json(c, &f),
	    "held", held_json(e, c), "clock", clock_json(c),
	    "note", rollback_is_wanted(c) ? json_string(row->error->msg) :
	    json_null(),
	    "deploy", rollout_json(c), "published", watch_json(c),
	    "persist", persist_watch_json(c),
	    "revocation", revocations_json(e->revocations, c),
	    "ari", ari_window_json(c), "freeze", freeze_json(c), "profile",
	    string_or_null(c->conf->profile), "fallback",
	    fallback_json(e, c), "renew_before",
	    c->conf->renew_before_s, "placeholder",
	    !has && c->has_placeholder,
	    "missing_names", missing_json(c), "renewer", renewer_json(e, c),
	    "hosts", hosts_json(c), "rollout", waves_json(e->waves, c));
}

/* The rest is told by GET /v1/cluster. */
static json_t *
cluster_part_json(const struct engine *e)
{
	const struct error *err, *differs;
	time_t since, since_when;

	if (e->conf->cluster == NULL)
		return json_null();
	err = cluster_trouble(e->cluster, &since);
	differs = cluster_differs(e->cluster, &since_when);
	return json_pack("{s:s, s:o, s:o}", "name", e->conf->cluster->name,
	    "error", err != NULL ? jsonx_error(err, since) : json_null(),
	    "differs", differs != NULL ? jsonx_error(differs, since_when) :
	    json_null());
}

json_t *
engine_status(const struct engine *e)
{
	return json_pack("{s:s, s:i, s:o, s:{s:s, s:o, s:o}, s:o, s:o, s:o,"
	    " s:o, s:o, s:o}",
	    "version", PACKAGE_VERSION, "pid", (int)getpid(),
	    "started_at", jsonx_time(e->started_at),
	    "config", "file", e->conf->path,
	    "loaded_at", jsonx_time(e->loaded_at),
	    "error", e->reload_error != NULL ?
	    json_string(e->reload_error) : json_null(),
	    "cleanup", cleanup_json(e->cleanup),
	    "http_files", tokens_json(e->tokens),
	    "notify", queue_json(notifier_queue(e->notifier)),
	    "metrics_textfile", textfile_json(e->textfile),
	    "watches", watches_json(e->watches),
	    "cluster", cluster_part_json(e));
}

json_t *
engine_receipts(const struct engine *e, const char *cert)
{
	const struct cert *c = certs_find(e->certs, cert);

	return c != NULL ? hosts_all_json(c) : json_array();
}

int
engine_receipts_forget(struct engine *e, const char *host, struct error *err)
{
	return hosts_forget(e->hosts, host, err);
}

const char *
engine_next_name(const struct engine *e, const char *after)
{
	size_t lo = 0, hi = e->certs->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(e->certs->list[mid]->row.name, after) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < e->certs->n && e->certs->list[lo]->conf == NULL)
		lo++;
	return lo < e->certs->n ? e->certs->list[lo]->row.name : NULL;
}

bool
engine_has_cert(const struct engine *e, const char *name)
{
	const struct cert *c = certs_find(e->certs, name);

	return c != NULL && c->conf != NULL;
}

json_t *
engine_cert_brief(const struct engine *e, const char *name)
{
	const struct cert *c = certs_find(e->certs, name);

	return c == NULL || c->conf == NULL ? NULL : cert_json(e, c);
}

static void
step_cb(const struct store_event *ev, void *arg)
{
	(void)json_array_append_new(arg, json_pack("{s:o, s:s, s:s, s:s}",
	    "at", jsonx_time(ev->at), "step", ev->step,
	    "level", log_level_name((enum log_level)ev->level),
	    "msg", ev->msg));
}

/* Each type that any of the names is configured to have, once. */
static json_t *
challenges_json(const struct conf_cert *conf)
{
	bool is_seen[CHALLENGE_TYPE_END] = { false };
	json_t *list = json_array();

	for (size_t i = 0; i < conf->n_names; i++)
		is_seen[conf->names[i].challenge] = true;
	for (int i = 0; i < CHALLENGE_TYPE_END; i++) {
		if (is_seen[i])
			(void)json_array_append_new(list, json_string(
			    challenge_type_name((enum challenge_type)i)));
	}
	return list;
}

/* The first that any name has; null: none needs one. */
static json_t *
provider_json(const struct conf_cert *conf)
{
	for (size_t i = 0; i < conf->n_names; i++) {
		if (conf->names[i].provider != NULL)
			return json_string(conf->names[i].provider->name);
	}
	return json_null();
}

/* All of its accounts, the best first, and what keeps it from one. */
static json_t *
accounts_json(const struct engine *e, const struct cert *c)
{
	const struct conf_account *now = issuer_now(c);
	json_t *list = json_array();

	for (unsigned i = 0; i < conf_n_issuers(c->conf); i++) {
		struct conf_issuer at = conf_issuer(c->conf, i);
		struct error why;
		time_t until = choice_held(e->holds, c, at.account, &why);

		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:b, "
		    "s:o, s:o, s:o}", "name", at.account->name, "directory",
		    at.account->directory, "used", at.account == now,
		    "profile", string_or_null(at.profile), "held_until",
		    jsonx_time(until == STORE_PAUSED_EVER ? 0 : until),
		    "held", until == 0 ? json_null() : json_string(why.msg)));
	}
	return list;
}

/* The other one of a pair, there or wanted. */
static json_t *
second_json(const struct cert *c)
{
	const struct store_pair *p = pair_installed(c);
	enum key_type key = p != NULL ? p->key : c->conf->second_key;

	if (p == NULL && !c->conf->is_pair)
		return json_null();
	return json_pack("{s:s, s:s, s:s?, s:o, s:o}", "key",
	    key < KEY_TYPE_END ? key_type_name(key) : "", "folder",
	    key < KEY_TYPE_END ? key_type_family(key) : "", "serial",
	    p != NULL ? p->serial : NULL,
	    "not_after", p != NULL ? jsonx_time(p->not_after) : json_null(),
	    "ari", p != NULL && p->ari_end != 0 && ari_window_is_asked(c) ?
	    json_pack("{s:o, s:o, s:o}", "start", jsonx_time(p->ari_start),
	    "end", jsonx_time(p->ari_end), "drawn", jsonx_time(p->ari_at)) :
	    json_null());
}

/* Of a request it may be of any type: null. */
static json_t *
key_json(const struct cert *c)
{
	enum key_type type = origin_is_ca(c) || c->row.key ==
	    KEY_TYPE_END ? c->conf->key : c->row.key;

	return type == KEY_TYPE_END ? json_null() :
	    json_string(key_type_name(type));
}

json_t *
engine_cert_status(const struct engine *e, const char *name)
{
	const struct cert *c = certs_find(e->certs, name);
	const struct conf_repository *from;
	json_t *o, *events;
	char *live;

	if (c == NULL || c->conf == NULL)
		return NULL;
	o = cert_json(e, c);
	events = json_array();
	store_event_each(e->a.store, name, STEPS_SHOWN, step_cb, events);
	live = store_live_path(e->a.store, name);
	from = origin_repository(c);
	(void)json_object_set_new(o, "file", json_string(c->conf->file));
	(void)json_object_set_new(o, "line", json_integer(c->conf->line));
	(void)json_object_set_new(o, "end_line",
	    json_integer(c->conf->end_line));
	(void)json_object_set_new(o, "account", issuer_now(c) != NULL ?
	    json_string(issuer_now(c)->name) : json_null());
	(void)json_object_set_new(o, "accounts", accounts_json(e, c));
	(void)json_object_set_new(o, "source", from != NULL ?
	    json_string(from->name) : json_null());
	(void)json_object_set_new(o, "files", c->conf->given == NULL ?
	    json_null() : json_pack("{s:s?, s:s?}", "fullchain",
	    c->conf->given->fullchain, "privkey", c->conf->given->privkey));
	(void)json_object_set_new(o, "challenges", challenges_json(c->conf));
	(void)json_object_set_new(o, "provider", provider_json(c->conf));
	(void)json_object_set_new(o, "key", key_json(c));
	(void)json_object_set_new(o, "csr", c->conf->csr == NULL ?
	    json_null() : json_string(c->conf->csr->path));
	(void)json_object_set_new(o, "second", second_json(c));
	(void)json_object_set_new(o, "profile_missed",
	    json_boolean(c->row.profile_missed));
	(void)json_object_set_new(o, "live_dir", json_string(live));
	(void)json_object_set_new(o, "steps", events);
	free(live);
	return o;
}
