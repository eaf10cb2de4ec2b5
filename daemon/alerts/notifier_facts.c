/* SPDX-License-Identifier: MIT */
/* notifier_facts - what is wrong now, out of what the rooms know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/condition.h"
#include "daemon/alerts/notifier_priv.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/origin.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cluster/cluster.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/waves.h"
#include "daemon/manage/revocations.h"
#include "daemon/rollout/rollout.h"
#include "daemon/watches/watches.h"

#define LATE_NAMED 5		/* hosts, in a message */

static void
replace(char **s, const char *by)
{
	if (strcmp(*s, by) == 0)
		return;
	free(*s);
	*s = xstrdup(by);
}

static void
note(struct notifier *n, const struct alarm_fact *f, time_t now)
{
	struct alarm *a = notifier_alarm(n, f->key, f->is_ripe);

	/* What is not to be told yet needs no place in memory. */
	if (a == NULL)
		return;
	if (!f->is_ripe && a->told_at == 0) {
		a->is_wrong = false;
		return;
	}
	a->is_wrong = true;
	a->is_shared = f->is_shared;
	a->event = f->event;
	a->events = f->events;
	a->level = f->level;
	a->stage = f->stage;
	a->ends = f->ends;
	if (a->since == 0)
		a->since = now;
	/* A first failure with another reason does not change the story. */
	if (f->is_ripe || a->cause[0] == '\0')
		replace(&a->cause, f->is_ripe ? f->cause : a->told_cause);
	replace(&a->cert, f->cert);
	replace(&a->text, f->text);
}

static void
of_cert(struct notifier *n, const struct cert *c, time_t now)
{
	const struct store_cert *row = &c->row;
	struct condition_failure failure = condition_failure(c);
	const struct conf_repository *from = origin_repository(c);
	struct alarm_cert in = {
		.name = row->name,
		.has_cert = row->serial != NULL,
		.not_before = row->not_before,
		.not_after = row->not_after,
		.renew_before_s = c->conf->renew_before_s,
		.failures = failure.times,
		.error = failure.err,
		.is_shared = failure.is_shared,
		.account = issuer_now(c) != NULL ? issuer_now(c)->name :
		    "",		/* another host renews it */
		.is_given = c->conf->given != NULL,
		.repository = from != NULL ? from->name : NULL,
		.provider = c->conf->n_names > 0 &&
		    c->conf->names[0].provider != NULL ?
		    c->conf->names[0].provider->name : "",
	};
	struct alarm_fact f;
	struct error waits;

	if (c->limited_until > now &&
	    budget_until(c, issuer_now(c), &waits) != 0)
		in.waits = &waits;
	if (alarm_judge_cert(&in, &n->env->certs->conf->alarm, now, &f) == 0)
		note(n, &f, now);
	if (missing_count(c) > 0) {
		char *text = missing_text(c);

		alarm_judge_missing(row->name, text, &f);
		free(text);
		note(n, &f, now);
	}
}

/* Its fate is not decided: what was told stays told. */
static void
keep(struct notifier *n, const char *key)
{
	struct alarm *a = notifier_alarm(n, key, false);

	if (a != NULL)
		a->is_kept = true;
}

/* The certificate whose targets are gone through. */
struct of_deploy {
	struct notifier	*notifier;
	const struct cert *cert;
	time_t		 now;
};

static void
of_deploy(const struct deploy_open *o, void *arg)
{
	const struct of_deploy *of = arg;
	struct alarm_fact f;
	char key[256];

	if (alarm_judge_deploy(of->cert->row.name, o,
	    &of->notifier->env->certs->conf->alarm, of->now, &f) == 0) {
		note(of->notifier, &f, of->now);
		return;
	}
	(void)text_printf(key, sizeof(key), "deploy %s %s",
	    of->cert->row.name, o->name);
	keep(of->notifier, key);
}

static void
of_records(struct notifier *n, time_t now)
{
	json_t *list = cleanup_json(n->env->cleanup), *j;
	size_t i;

	json_array_foreach(list, i, j) {
		const char *provider = jsonx_str(j, "provider");
		const char *fqdn = jsonx_str(j, "name");
		const char *cert = jsonx_str(j, "cert");
		const char *error = jsonx_str(j, "error");
		struct alarm_fact f;
		char key[512];

		/* What no server shows does no harm. */
		if (provider == NULL || fqdn == NULL || cert == NULL ||
		    jsonx_bool(j, "absent", false))
			continue;
		if (alarm_judge_txt(cert, provider, fqdn,
		    (unsigned)jsonx_int(j, "tries", 0),
		    (time_t)jsonx_int(j, "created_at", now),
		    error != NULL ? error : "", now, &f) == 0) {
			note(n, &f, now);
			continue;
		}
		(void)text_printf(key, sizeof(key), "cleanup %s %s", provider,
		    fqdn);
		keep(n, key);
	}
	json_decref(list);
}

/* What revocations are gone through for. */
struct of_revocation {
	struct notifier	*notifier;
	time_t		 now;
};

static void
of_revocation(const char *cert, const char *serial, unsigned tries,
    const struct error *err, void *arg)
{
	const struct of_revocation *of = arg;
	struct alarm_fact f;

	alarm_judge_revocation(cert, serial, tries, err, &f);
	note(of->notifier, &f, of->now);
}

/* The first of those that are late, as words. */
struct late_text {
	FILE		*f;
	size_t		 n;
};

static void
put_late(const struct host_told *t, void *arg)
{
	struct late_text *late = arg;
	char *why;

	if (t->behind_since == 0 || ++late->n > LATE_NAMED)
		return;
	why = host_why(t);
	fprintf(late->f, "%s %.100s (%.200s)", late->n > 1 ? ";" : "",
	    t->host, why);
	free(why);
}

static void
of_hosts(struct notifier *n, const struct cert *c, time_t now)
{
	struct hosts_count count = hosts_count(c);
	struct late_text late = { .n = 0 };
	const struct store_cert *row = &c->row;
	struct alarm_fact fact;
	char *text;
	size_t len;

	if (count.late == 0)
		return;
	late.f = open_memstream(&text, &len);
	if (late.f == NULL)
		abort();
	fprintf(late.f, "%zu of %zu hosts behind:", count.late, count.known);
	hosts_each(c, put_late, &late);
	if (late.n > LATE_NAMED)
		fprintf(late.f, "; and %zu more", late.n - LATE_NAMED);
	if (fclose(late.f) != 0 || text == NULL)
		abort();
	alarm_judge_hosts(row->name, text, count.ends == 0 ? STAGE_FINE :
	    alarm_stage(count.ends - (row->not_after - row->not_before),
	    count.ends, c->conf->renew_before_s, now), count.ends, &fact);
	free(text);
	note(n, &fact, now);
}

static void
of_waves(struct notifier *n, const struct cert *c, time_t now)
{
	struct alarm_fact fact;
	char why[700];

	if (LIST_EMPTY(&c->publications) || waves_stopped(n->env->waves, c,
	    why, sizeof(why)) == -1)
		return;
	alarm_judge_waves(c->row.name, why, &fact);
	note(n, &fact, now);
}

/* What watched certificates are gone through for. */
struct of_watched {
	struct notifier	*notifier;
	time_t		 now;
};

static void
of_watched(const struct watched *w, void *arg)
{
	const struct of_watched *of = arg;
	struct alarm_fact f;

	if (alarm_judge_watch(w, &of->notifier->env->certs->conf->alarm,
	    of->now, &f) == 0)
		note(of->notifier, &f, of->now);
}

void
notifier_find_facts(struct notifier *n, time_t now)
{
	const struct alerts_env *env = n->env;
	const struct error *trouble;
	struct alarm_fact f;
	time_t since;

	for (size_t i = 0; i < env->certs->n; i++) {
		if (env->certs->list[i]->conf == NULL)
			continue;
		of_cert(n, env->certs->list[i], now);
		if (!LIST_EMPTY(&env->certs->list[i]->publications))
			of_hosts(n, env->certs->list[i], now);
		of_waves(n, env->certs->list[i], now);
		if (rollout_pending(env->rollout) > 0 &&
		    !TAILQ_EMPTY(&env->certs->list[i]->targets))
			rollout_open_each(env->certs->list[i], of_deploy,
			    &(struct of_deploy){ n, env->certs->list[i], now });
	}
	if (cleanup_count(env->cleanup) > 0)
		of_records(n, now);
	revocations_each_failed(env->revocations, of_revocation,
	    &(struct of_revocation){ n, now });
	watches_each(env->watches, of_watched, &(struct of_watched){ n, now });
	trouble = cluster_trouble(env->cluster, &since);
	if (trouble != NULL) {
		alarm_judge_cluster(trouble, since, now, &f);
		note(n, &f, now);
	}
	trouble = cluster_differs(env->cluster, &since);
	if (trouble != NULL) {
		alarm_judge_cluster(trouble, since, now, &f);
		note(n, &f, now);
	}
	if (*env->reload_error != NULL) {
		alarm_judge_reload(*env->reload_error, &f);
		note(n, &f, now);
	}
}
