/* SPDX-License-Identifier: MIT */
#include "daemon/persist/persist_job.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/meta.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/origin.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/persist.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/persist/persist_env.h"
#include "daemon/persist/persist_names.h"

#define META_TIMEOUT_MS 30000

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
	unsigned	 at_ca;		/* of its issuers, as what follows */
	const struct conf_account *ca;
	struct account_op *account_op;
	struct account	*account;
	char		*kid;
	struct acme_meta_op *meta;
	char		**issuers;
	unsigned	 pending;
	struct dns	*dns, *own_dns;

	struct persist_names names;
	size_t		 at;		/* the record being worked on */
	struct persist_record *record;
	char		*value;		/* that it is to have */
	json_t		*records;
	json_t		*reply;		/* as far as it goes; NULL: nothing */
	json_t		*others;	/* ... of the CAs after the first */
	persist_job_done_cb *done;
	void		*arg;
};

/* All that is one CA's. */
static void
ca_clear(struct persist_job *j)
{
	account_cancel(j->account_op);
	j->account_op = NULL;
	account_release(j->env->accounts, j->account);
	j->account = NULL;
	acme_meta_cancel(j->meta);
	j->meta = NULL;
	strv_free(j->issuers);
	j->issuers = NULL;
	free(j->kid);
	j->kid = NULL;
	json_decref(j->records);
	j->records = NULL;
}

void
persist_job_cancel(struct persist_job *j)
{
	if (j == NULL)
		return;
	TAILQ_REMOVE(&j->jobs->list, j, link);
	timer_clear(&j->begin);
	persist_record_cancel(j->record);
	free(j->value);
	ca_clear(j);
	persist_names_clear(&j->names);
	dns_free(j->own_dns);
	json_decref(j->reply);
	json_decref(j->others);
	conf_unref(j->conf);
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

/* --- the CAs, one after the other --- */

static void	ca_start(struct persist_job *);

static void
next_ca(struct persist_job *j)
{
	ca_clear(j);
	if (++j->at_ca < conf_n_issuers(j->cc)) {
		ca_start(j);
		return;
	}
	if (json_array_size(j->others) > 0)
		(void)json_object_set(j->reply, "others", j->others);
	finish(j, NULL, j->reply);
}

/* What is wrong with one of the others keeps nobody from the first's. */
static void
ca_failed(struct persist_job *j, const struct error *err)
{
	if (j->at_ca == 0) {
		finish(j, err, NULL);
		return;
	}
	(void)json_array_append_new(j->others, json_pack("{s:s, s:n, s:[], "
	    "s:[], s:o}", "account", j->ca->name, "account_url", "issuers",
	    "records", "error", jsonx_error(err, clock_now())));
	next_ca(j);
}

static void
ca_done(struct persist_job *j)
{
	json_t *issuers = json_array(), *o;

	for (size_t i = 0; j->issuers[i] != NULL; i++)
		(void)json_array_append_new(issuers,
		    json_string(j->issuers[i]));
	o = json_pack("{s:s, s:s, s:o, s:O}", "account", j->ca->name,
	    "account_url", j->kid, "issuers", issuers, "records", j->records);
	if (j->at_ca == 0) {
		j->reply = json_pack("{s:s, s:b}", "certificate", j->name,
		    "configured", j->names.is_configured);
		(void)json_object_update(j->reply, o);
		json_decref(o);
	} else {
		(void)json_object_set_new(o, "error", json_null());
		(void)json_array_append_new(j->others, o);
	}
	next_ca(j);
}

/* --- the records --- */

static void	next_record(struct persist_job *);

static void
record_done(json_t *record, void *arg)
{
	struct persist_job *j = arg;

	j->record = NULL;
	(void)json_array_append_new(j->records, record);
	j->at++;
	next_record(j);
}

static void
record_start(struct persist_job *j)
{
	const struct persist_name *name = &j->names.list[j->at];
	struct persist_record_args args = {
		.env = j->env,
		.dns = j->dns,
		.cert = j->cc,
		.name = name,
		.issuers = (const char *const *)j->issuers,
		.kid = j->kid,
		.act = j->a.act,
		.until = j->a.until,
	};
	struct error err;

	free(j->value);
	j->value = persist_value(j->issuers[0], j->kid, name->wildcard,
	    j->a.until, &err);
	if (j->value == NULL) {
		ca_failed(j, &err);
		return;
	}
	args.value = j->value;
	j->record = persist_record_start(&args, record_done, j);
}

static void
next_record(struct persist_job *j)
{
	if (j->at < j->names.n)
		record_start(j);
	else
		ca_done(j);
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
		ca_failed(j, err);
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

	j->meta = NULL;
	if (err != NULL) {
		ca_failed(j, err);
		return;
	}
	if (meta->caa_identities[0] == NULL) {
		(void)error_set(&none, ERR_REJECTED, "persist:no-issuer",
		    "the CA of account \"%s\" does not say by which name a "
		    "record is to call it (caaIdentities)", j->ca->name);
		ca_failed(j, &none);
		return;
	}
	j->issuers = strv_copy(meta->caa_identities);
	know_more(j);
}

static void
ca_start(struct persist_job *j)
{
	struct acme_meta_args meta = { .timeout_ms = META_TIMEOUT_MS };

	j->ca = conf_issuer(j->cc, j->at_ca).account;
	meta.directory = j->ca->directory;
	meta.ca_file = j->ca->ca_file;
	meta.proxy = j->ca->proxy;
	j->at = 0;
	j->records = json_array();
	j->pending = 2;
	j->account_op = account_start(j->env->accounts, j->ca, account_done,
	    j);
	j->meta = acme_meta_start(j->env->ca_http, &meta, meta_done, j);
}

static void
begin_cb(void *arg)
{
	struct persist_job *j = arg;
	const struct cert *c = certs_find(j->env->certs, j->name);
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
	if (c->conf->given != NULL) {
		(void)error_set(&err, ERR_CONFIG, "persist:source",
		    "certificate \"%s\" is taken from files: no CA asks for "
		    "records", j->name);
		finish(j, &err, NULL);
		return;
	}
	if (origin_repository(c) != NULL) {
		(void)error_set(&err, ERR_CONFIG, "persist:source",
		    "certificate \"%s\" is fetched from repository \"%s\": "
		    "its names are proved by the host that publishes it",
		    j->name, origin_repository(c)->name);
		finish(j, &err, NULL);
		return;
	}
	j->conf = conf_ref(j->env->certs->conf);
	j->cc = c->conf;
	j->own_dns = zones_own_dns(j->env->dns, j->cc);
	j->dns = j->own_dns != NULL ? j->own_dns : j->env->dns;
	persist_names_init(&j->names, j->cc);
	ca_start(j);
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
	j->others = json_array();
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
