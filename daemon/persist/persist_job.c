/* SPDX-License-Identifier: MIT */
#include "daemon/persist/persist_job.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/meta.h"
#include "daemon/certs/certs.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/persist/persist_env.h"
#include "daemon/persist/persist_names.h"
#include "providers/provider.h"

#define META_TIMEOUT_MS 30000
#define PROVIDER_TIMEOUT_MS 180000
#define STRING_MAX 255			/* bytes of one TXT string */

struct persist_jobs {
	const struct persist_env *env;
	bool		 is_stopping;
	TAILQ_HEAD(, persist_job) list;
};

struct persist_job {
	TAILQ_ENTRY(persist_job) link;
	struct persist_jobs *jobs;
	const struct persist_env *env;
	struct persist_job_args a;
	char		*name;		/* a.cert */
	const struct conf *conf;	/* one reference; NULL: not begun */
	const struct conf_cert *cc;
	struct timer	 begin;
	struct account_op *account_op;
	struct account	*account;
	char		*kid;
	struct acme_meta_op *meta;
	char		**issuers;
	unsigned	 pending;
	struct dns	*dns, *own_dns;

	struct persist_names names;
	size_t		 at;		/* the record being worked on */
	struct persist_look_op *look;
	struct provider_run_op *run;
	struct txtwait_op *wait;
	bool		 is_done;	/* the record was changed: look again */
	char		*value;		/* of the record, as it is to be */
	struct zone	 zone;
	char		 changed_zone[DNAME_SIZE], changed_server[340];
	char		**old;		/* values to be removed */
	size_t		 n_old;
	const char	*action;	/* what became of it, or NULL */
	struct error	 err;		/* kind ERR_NONE: none */
	json_t		*records;
	persist_job_done_cb *done;
	void		*arg;
};

static void	next_record(struct persist_job *);
static void	look_at(struct persist_job *);

static void
drop_record(struct persist_job *j)
{
	persist_look_cancel(j->look);
	provider_run_cancel(j->run);
	txtwait_cancel(j->wait);
	j->look = NULL;
	j->run = NULL;
	j->wait = NULL;
	free(j->value);
	j->value = NULL;
	zone_clear(&j->zone);
	for (size_t i = 0; i < j->n_old; i++)
		free(j->old[i]);
	free(j->old);
	j->old = NULL;
	j->n_old = 0;
	j->is_done = false;
	j->action = NULL;
	j->err.kind = ERR_NONE;
}

void
persist_job_cancel(struct persist_job *j)
{
	if (j == NULL)
		return;
	TAILQ_REMOVE(&j->jobs->list, j, link);
	timer_clear(&j->begin);
	drop_record(j);
	account_cancel(j->account_op);
	account_release(j->env->accounts, j->account);
	acme_meta_cancel(j->meta);
	for (size_t i = 0; j->issuers != NULL && j->issuers[i] != NULL; i++)
		free(j->issuers[i]);
	free(j->issuers);
	persist_names_clear(&j->names);
	dns_free(j->own_dns);
	json_decref(j->records);
	conf_unref(j->conf);
	free(j->kid);
	free(j->name);
	free(j);
}

static void
finish(struct persist_job *j, const struct error *err, const json_t *reply)
{
	struct error copy;

	if (err != NULL)
		copy = *err;
	j->done(err != NULL ? &copy : NULL, reply, j->arg);
	persist_job_cancel(j);
}

/* --- one record --- */

static const struct persist_name *
current(const struct persist_job *j)
{
	return &j->names.list[j->at];
}

static const struct conf_provider *
provider_of(const struct persist_job *j)
{
	const struct conf_name *name = current(j)->names[0];

	return j->zone.is_elsewhere && j->cc->alias_provider != NULL &&
	    !name->has_own_provider ? j->cc->alias_provider : name->provider;
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

/* The record's entry in the reply; then on to the next. */
static void
tell_record(struct persist_job *j, const struct persist_look_reply *seen)
{
	const struct conf_provider *p = provider_of(j);
	char fqdn[PERSIST_FQDN_SIZE], *text, *line;
	json_t *o;

	persist_fqdn(current(j)->base, fqdn);
	text = persist_zone_text(j->value);
	line = xasprintf("%s. %d IN TXT %s", fqdn, PERSIST_TTL_S, text);
	o = json_pack("{s:s, s:o, s:s, s:i, s:s, s:o, s:s, s:o, s:o, "
	    "s:o, s:o, s:o}", "name", fqdn, "for", names_json(current(j)),
	    "value", j->value,
	    "ttl", PERSIST_TTL_S, "line", line,
	    "alias", strcmp(j->zone.fqdn, fqdn) == 0 ? json_null() :
	    string_or_null(j->zone.fqdn),
	    "state", seen != NULL ?
	    persist_match_name(seen->verdict.match) : "unknown",
	    "why", string_or_null(seen != NULL ? seen->verdict.why : NULL),
	    "until", jsonx_time(seen != NULL ? seen->verdict.until : 0),
	    "provider", p != NULL ? json_string(p->name) : json_null(),
	    "action", string_or_null(j->action),
	    "error", j->err.kind != ERR_NONE ?
	    jsonx_error(&j->err, clock_now()) : json_null());
	free(line);
	free(text);
	(void)json_array_append_new(j->records, o);
	drop_record(j);
	j->at++;
	next_record(j);
}

static void
record_failed(struct persist_job *j, const struct error *err)
{
	struct log_ctx ctx = { .cert = j->name };

	j->err = *err;
	log_warning(&ctx, "dns-persist-01 record of %s: %s", current(j)->base,
	    err->msg);
	j->is_done = true;
	look_at(j);
}

/* May this provider hold it at all? */
static int
check_provider(const struct persist_job *j, struct error *err)
{
	const struct conf_provider *p = provider_of(j);

	if (p == NULL)
		return error_set(err, ERR_CONFIG, "persist:no-provider",
		    "%s has no provider; publish the record by hand",
		    current(j)->base);
	if (p->type->no_standing)
		return error_set(err, ERR_CONFIG, "persist:provider",
		    "provider \"%s\" (%s) holds only values for dns-01; "
		    "publish the record by hand", p->name, p->type->name);
	if (p->type->add != NULL && strlen(j->value) > STRING_MAX)
		return error_set(err, ERR_CONFIG, "persist:too-long",
		    "the value has %zu bytes, and provider \"%s\" may not "
		    "take more than %d; publish the record by hand",
		    strlen(j->value), p->name, STRING_MAX);
	return 0;
}

static void
run_start(struct persist_job *j, bool is_add, const char *const *values,
    size_t n, provider_run_done_cb *done)
{
	struct log_ctx ctx = { .cert = j->name };
	struct provider_run_args args = {
		.provider = provider_of(j),
		.is_add = is_add,
		.cert = j->name,
		.identifier = current(j)->base,
		.fqdn = j->zone.fqdn,
		.zone = j->zone.apex,
		.values = values,
		.n_values = n,
		.timeout_ms = PROVIDER_TIMEOUT_MS,
	};

	log_notice(&ctx, "%s the dns-persist-01 record at %s through provider "
	    "%s", is_add ? "adding" : "removing", j->zone.fqdn,
	    args.provider->name);
	j->run = provider_run_start(j->env->providers, &args, done, j);
}

static void
changed_in_dns(const struct error *err, const struct txtwait_reply *reply,
    void *arg)
{
	struct persist_job *j = arg;

	j->wait = NULL;
	if (err != NULL) {
		record_failed(j, err);
		return;
	}
	j->is_done = true;
	look_at(j);
}

/* The provider has done its part: when do all servers show it? */
static void
wait_for_dns(struct persist_job *j)
{
	struct txtwait_item *items = xcalloc(j->n_old + 1, sizeof(*items));
	struct txtwait_args args = {
		.items = items,
		.timeout_ms = (unsigned)j->cc->propagation_timeout_s * 1000,
	};

	if (j->a.act == PERSIST_WRITE) {
		items[args.n_items++] = (struct txtwait_item){
			.zone = &j->zone, .value = j->value,
			.present = true,
			.changed_zone = j->changed_zone,
			.changed_server = j->changed_server };
	} else {
		for (size_t i = 0; i < j->n_old; i++)
			items[args.n_items++] = (struct txtwait_item){
				.zone = &j->zone, .value = j->old[i] };
	}
	j->wait = txtwait_start(j->dns, &args, changed_in_dns, j);
	free(items);
}

static void
old_removed(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct persist_job *j = arg;

	j->run = NULL;
	if (err != NULL)
		record_failed(j, err);
	else
		wait_for_dns(j);
}

static void
remove_old(struct persist_job *j)
{
	if (j->n_old == 0)
		wait_for_dns(j);
	else
		run_start(j, false, (const char *const *)j->old, j->n_old,
		    old_removed);
}

static void
added(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct persist_job *j = arg;

	j->run = NULL;
	if (err != NULL) {
		record_failed(j, err);
		return;
	}
	(void)text_printf(j->changed_zone, sizeof(j->changed_zone), "%s",
	    reply->zone);
	(void)text_printf(j->changed_server, sizeof(j->changed_server), "%s",
	    reply->server);
	remove_old(j);
}

/* Which values of ours are there, but for the one to be? */
static bool
find_old(struct persist_job *j, const struct persist_look_reply *seen)
{
	const struct persist_want want = {
		.issuers = (const char *const *)j->issuers,
		.account = j->kid,
	};
	bool is_there = false;

	j->old = xcalloc(seen->n_values + 1, sizeof(*j->old));
	for (size_t i = 0; i < seen->n_values; i++) {
		const char *v = seen->values[i];

		if (strcmp(v, j->value) == 0)
			is_there = true;
		if (persist_is_own(v, &want) && (strcmp(v, j->value) != 0 ||
		    j->a.act == PERSIST_REMOVE))
			j->old[j->n_old++] = xstrdup(v);
	}
	return is_there;
}

/* true: it has begun to be changed. */
static bool
change(struct persist_job *j, const struct persist_look_reply *seen)
{
	bool is_there = find_old(j, seen), is_right;
	struct error err;

	is_right = seen->verdict.match == PERSIST_RIGHT &&
	    (is_there || (j->a.until == 0 && seen->verdict.until == 0));
	if (j->a.act == PERSIST_WRITE ? is_right : j->n_old == 0) {
		j->action = "kept";
		return false;
	}
	j->action = "failed";
	if (check_provider(j, &err) == -1) {
		record_failed(j, &err);
		return true;
	}
	j->action = j->a.act == PERSIST_WRITE ? "written" : "removed";
	if (j->a.act == PERSIST_WRITE)
		run_start(j, true, (const char *const *)&j->value, 1, added);
	else
		remove_old(j);
	return true;
}

static void
looked(const struct error *err, const struct persist_look_reply *seen,
    void *arg)
{
	struct persist_job *j = arg;

	j->look = NULL;
	if (err != NULL) {
		if (j->err.kind == ERR_NONE)
			j->err = *err;
		tell_record(j, NULL);
		return;
	}
	zone_clear(&j->zone);
	zone_copy(&j->zone, seen->zone);
	if (j->err.kind != ERR_NONE)
		j->action = "failed";
	if (j->is_done || j->a.act == PERSIST_SHOW || !change(j, seen))
		tell_record(j, seen);
}

static void
look_at(struct persist_job *j)
{
	const struct persist_want want = {
		.issuers = (const char *const *)j->issuers,
		.account = j->kid,
		.wildcard = current(j)->wildcard,
		.now = clock_now(),
	};

	j->look = persist_look_start(j->dns, current(j)->base, &want, looked,
	    j);
}

static void
next_record(struct persist_job *j)
{
	json_t *issuers, *reply;
	struct error err;

	if (j->at < j->names.n) {
		j->value = persist_value(j->issuers[0], j->kid,
		    current(j)->wildcard, j->a.until, &err);
		if (j->value == NULL)
			finish(j, &err, NULL);
		else
			look_at(j);
		return;
	}
	issuers = json_array();
	for (size_t i = 0; j->issuers[i] != NULL; i++)
		(void)json_array_append_new(issuers,
		    json_string(j->issuers[i]));
	reply = json_pack("{s:s, s:b, s:s, s:s, s:o, s:O}", "certificate",
	    j->name, "configured", j->names.is_configured, "account",
	    j->cc->account->name, "account_url", j->kid,
	    "issuers", issuers, "records", j->records);
	finish(j, NULL, reply);
	json_decref(reply);
}

/* --- the account and the CA --- */

static void
know_more(struct persist_job *j)
{
	if (--j->pending == 0)
		next_record(j);
}

static void
account_done(const struct error *err, struct account *account, void *arg)
{
	struct persist_job *j = arg;

	j->account_op = NULL;
	if (err != NULL) {
		finish(j, err, NULL);
		return;
	}
	j->account = account;
	j->kid = xstrdup(account->kid);
	know_more(j);
}

static void
meta_done(const struct error *err, const struct acme_meta *meta, void *arg)
{
	struct persist_job *j = arg;
	struct error none;
	size_t n = 0;

	j->meta = NULL;
	if (err != NULL) {
		finish(j, err, NULL);
		return;
	}
	while (meta->caa_identities[n] != NULL)
		n++;
	if (n == 0) {
		(void)error_set(&none, ERR_REJECTED, "persist:no-issuer",
		    "the CA of account \"%s\" does not say by which name a "
		    "record is to call it (caaIdentities)",
		    j->cc->account->name);
		finish(j, &none, NULL);
		return;
	}
	j->issuers = xcalloc(n + 1, sizeof(*j->issuers));
	for (size_t i = 0; i < n; i++)
		j->issuers[i] = xstrdup(meta->caa_identities[i]);
	know_more(j);
}

static void
begin_cb(void *arg)
{
	struct persist_job *j = arg;
	const struct cert *c = certs_find(j->env->certs, j->name);
	struct acme_meta_args meta = { .timeout_ms = META_TIMEOUT_MS };
	struct error err;

	if (c == NULL || c->conf == NULL || j->jobs->is_stopping) {
		if (j->jobs->is_stopping)
			(void)error_set(&err, ERR_TRANSIENT,
			    "engine:stopping", "acmed is stopping");
		else
			(void)error_set(&err, ERR_CONFIG,
			    "engine:unknown-cert",
			    "no certificate \"%s\" is configured", j->name);
		finish(j, &err, NULL);
		return;
	}
	if (c->conf->source != NULL) {
		(void)error_set(&err, ERR_CONFIG, "persist:source",
		    "certificate \"%s\" is fetched from repository \"%s\": "
		    "its names are proved by the host that publishes it",
		    j->name, c->conf->source->name);
		finish(j, &err, NULL);
		return;
	}
	j->conf = conf_ref(j->env->certs->conf);
	j->cc = c->conf;
	j->own_dns = zones_own_dns(j->env->dns, j->cc);
	j->dns = j->own_dns != NULL ? j->own_dns : j->env->dns;
	persist_names_init(&j->names, j->cc);
	meta.directory = j->cc->account->directory;
	meta.ca_file = j->cc->account->ca_file;
	meta.proxy = j->cc->account->proxy;
	j->pending = 2;
	j->account_op = account_start(j->env->accounts, j->cc->account,
	    account_done, j);
	j->meta = acme_meta_start(j->env->ca_http, &meta, meta_done, j);
}

struct persist_job *
persist_job_start(struct persist_jobs *jobs,
    const struct persist_job_args *a, persist_job_done_cb *done, void *arg)
{
	struct persist_job *j = xcalloc(1, sizeof(*j));

	j->jobs = jobs;
	j->env = jobs->env;
	j->a = *a;
	j->a.cert = j->name = xstrdup(a->cert);
	j->records = json_array();
	j->done = done;
	j->arg = arg;
	TAILQ_INSERT_TAIL(&jobs->list, j, link);
	timer_init(&j->begin, jobs->env->loop, begin_cb, j);
	timer_set(&j->begin, 0);
	return j;
}

void
persist_jobs_stop(struct persist_jobs *jobs)
{
	struct persist_job *j;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping");
	jobs->is_stopping = true;
	while ((j = TAILQ_FIRST(&jobs->list)) != NULL)
		finish(j, &err, NULL);
}

struct persist_jobs *
persist_jobs_new(const struct persist_env *env)
{
	struct persist_jobs *jobs = xcalloc(1, sizeof(*jobs));

	jobs->env = env;
	TAILQ_INIT(&jobs->list);
	return jobs;
}

void
persist_jobs_free(struct persist_jobs *jobs)
{
	if (jobs == NULL)
		return;
	persist_jobs_stop(jobs);
	free(jobs);
}
