/* SPDX-License-Identifier: MIT */
/*
 * metrics - the engine's state as Prometheus' text format (version 0.0.4).
 * doc/monitoring.md lists what there is.  What is of one certificate is a
 * family for all of them, written in pieces; so its functions print one line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "config.h"
#include "daemon/accounts/accounts.h"
#include "daemon/alerts/condition.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/engine/priv.h"
#include "daemon/fleet/hosts.h"
#include "daemon/io/tally.h"
#include "daemon/rollout/rollout.h"

static FILE *
text_open(char **text, size_t *len)
{
	FILE *f;

	*text = NULL;
	f = open_memstream(text, len);
	if (f == NULL)
		abort();
	return f;
}

static void
text_close(FILE *f, char *const *text)
{
	if (fclose(f) != 0 || *text == NULL)
		abort();
}

static void
head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
gauge(FILE *f, const char *name, const char *help, size_t value)
{
	head(f, name, "gauge", help);
	fprintf(f, "%s %zu\n", name, value);
}

/* --- of all --- */

static void
put_certs(const struct engine *e, FILE *f)
{
	size_t configured = 0, failing = 0, staging = 0, serving_old = 0;
	size_t names_missing = 0;
	size_t by_condition[COND_END] = { 0 };

	for (size_t i = 0; i < e->certs->n; i++) {
		const struct cert *c = e->certs->list[i];

		if (c->conf == NULL)
			continue;
		configured++;
		failing += condition_error(c) != NULL;
		by_condition[condition_of(c)]++;
		names_missing += missing_count(c) > 0;
		staging += issuer_is_staging(c);
		serving_old += rollout_serving_old(c);
	}
	gauge(f, "acmed_certificates", "certificates of the configuration.",
	    configured);
	gauge(f, "acmed_certificates_failing", "the last renewal failed, of a "
	    "missing or expired one as well.", failing);
	gauge(f, "acmed_certificates_names_missing", "certificates issued "
	    "without names that were not validated (on_name_failure).",
	    names_missing);
	gauge(f, "acmed_certificates_staging", "certificates of a CA for "
	    "tries, which nobody trusts.", staging);
	gauge(f, "acmed_deploys_serving_old", "targets where an earlier "
	    "certificate was seen served.", serving_old);
	head(f, "acmed_certificates_by_condition", "gauge",
	    "as acmectl status says it.");
	for (int i = 0; i < COND_END; i++)
		fprintf(f, "acmed_certificates_by_condition{condition=\"%s\"} "
		    "%zu\n", condition_name((enum condition)i),
		    by_condition[i]);
}

static void
put_work(const struct engine *e, FILE *f)
{
	time_t since;

	gauge(f, "acmed_renewals_running", "renewals under way.",
	    e->certs->places.running);
	gauge(f, "acmed_renewals_waiting", "renewals that wait for a place of "
	    "max_renewals, to begin or to go on.", e->n_ready - e->next_ready +
	    places_waiting(&e->certs->places));
	head(f, "acmed_renewals_total", "counter",
	    "renewals that ended since the start.");
	fprintf(f, "acmed_renewals_total{result=\"ok\"} %lu\n"
	    "acmed_renewals_total{result=\"failed\"} %lu\n", e->renewed,
	    e->failed);
	gauge(f, "acmed_txt_records", "TXT records of challenges that are yet "
	    "to be removed.", cleanup_count(e->cleanup));
	gauge(f, "acmed_txt_records_stuck", "those of them that a person must "
	    "remove, or fix what keeps acmed from it.",
	    cleanup_count_stuck(e->cleanup));
	gauge(f, "acmed_http_files", "answers to HTTP-01 that are yet to be "
	    "removed.", tokens_count(e->tokens));
	gauge(f, "acmed_deploys_pending", "deploys that are not done.",
	    rollout_pending(e->rollout));
	gauge(f, "acmed_cluster_away", "1 if this member of a cluster renews "
	    "nothing, as etcd is away or refuses.",
	    cluster_trouble(e->cluster, &since) != NULL);
	gauge(f, "acmed_configuration_mistaken", "1 if it is not in force as "
	    "it is written.", e->reload_error != NULL);
}

/* Resident memory in bytes; 0: not known. */
static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long all, pages = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &all, &pages) != 2)
		pages = 0;
	(void)fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* By the names that Prometheus' own libraries have for them. */
static void
put_process(const struct engine *e, FILE *f)
{
	struct rusage u;
	size_t memory = resident();
	long long us;

	head(f, "process_start_time_seconds", "gauge",
	    "when acmed started, epoch seconds.");
	fprintf(f, "process_start_time_seconds %lld\n",
	    (long long)e->started_at);
	if (memory != 0)
		gauge(f, "process_resident_memory_bytes", "resident memory.",
		    memory);
	if (getrusage(RUSAGE_SELF, &u) == 0) {
		us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL +
		    u.ru_utime.tv_usec + u.ru_stime.tv_usec;
		head(f, "process_cpu_seconds_total", "counter",
		    "user and system CPU time.");
		fprintf(f, "process_cpu_seconds_total %lld.%06lld\n",
		    us / 1000000, us % 1000000);
	}
	head(f, "acmed_loop_lag_seconds", "histogram", "how late timers "
	    "fired: for so long acmed did something else.");
	histogram_print(loop_lag(e->a.loop), "acmed_loop_lag_seconds", "", f);
}

char *
engine_metrics(const struct engine *e)
{
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	head(f, "acmed_build_info", "gauge",
	    "always 1; the label is what matters.");
	fputs("acmed_build_info{version=\"" PACKAGE_VERSION "\"} 1\n", f);
	put_certs(e, f);
	put_work(e, f);
	accounts_metrics(e->accounts, f);
	provider_env_metrics(&e->providers, f);
	watches_metrics(e->watches, f);
	hosts_metrics(e->certs, f);
	queue_metrics(notifier_queue(e->notifier), f);
	put_process(e, f);
	text_close(f, &text);
	return text;
}

/* --- of each certificate --- */

/* The names of objects need no escaping: names.h allows no quotes. */
static void
put_time(const struct cert *c, const char *name, time_t at, FILE *f)
{
	fprintf(f, "%s{name=\"%s\"} %lld\n", name, c->row.name, (long long)at);
}

static void
put_expiry(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	put_time(c, name, c->row.serial != NULL ? c->row.not_after : 0, f);
}

static void
put_begin(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	if (c->row.serial != NULL)
		put_time(c, name, c->row.not_before, f);
}

static void
put_success(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	if (c->row.installed_at != 0)
		put_time(c, name, c->row.installed_at, f);
}

static void
put_next(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	const char *action;
	time_t at = engine_next_at(e, c, &action);

	if (at >= 0)
		put_time(c, name, at == 0 ? clock_now() : at, f);
}

static void
put_failures(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	fprintf(f, "%s{name=\"%s\"} %u\n", name, c->row.name,
	    condition_failure(c).times);
}

static void
put_condition(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	fprintf(f, "%s{name=\"%s\",condition=\"%s\"} 1\n", name, c->row.name,
	    condition_name(condition_of(c)));
}

static void
put_served(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	rollout_served(c, name, f);
}

static void
put_match(const struct engine *e, const struct cert *c, const char *name,
    FILE *f)
{
	rollout_match(c, name, f);
}

static const struct {
	const char	*name, *help;
	void		(*put)(const struct engine *, const struct cert *,
			    const char *name, FILE *);
} gauges[] = {
	[ENGINE_GAUGE_EXPIRY] = { "acmed_certificate_expiry_timestamp_seconds",
	    "notAfter of the installed certificate; 0 if there is none.",
	    put_expiry },
	[ENGINE_GAUGE_BEGIN] = {
	    "acmed_certificate_not_before_timestamp_seconds",
	    "notBefore of the installed certificate; absent if there is none.",
	    put_begin },
	[ENGINE_GAUGE_SUCCESS] = {
	    "acmed_certificate_last_success_timestamp_seconds",
	    "when it was installed last; absent if it never was.",
	    put_success },
	[ENGINE_GAUGE_NEXT] = {
	    "acmed_certificate_next_attempt_timestamp_seconds",
	    "when it will be renewed or tried again; absent while that runs "
	    "or is paused without an end.", put_next },
	[ENGINE_GAUGE_FAILURES] = { "acmed_certificate_failures",
	    "failed attempts since the last success.", put_failures },
	[ENGINE_GAUGE_CONDITION] = { "acmed_certificate_condition",
	    "1; the label is what acmectl status says.", put_condition },
	[ENGINE_GAUGE_SERVED] = { "acmed_served_expiry_timestamp_seconds",
	    "notAfter of what a target serves, as far as known; absent if "
	    "nothing is known.", put_served },
	[ENGINE_GAUGE_MATCH] = { "acmed_served_match",
	    "1 where the installed certificate was seen served, 0 where an "
	    "earlier one was; absent without verify.", put_match },
};
_Static_assert(sizeof(gauges) / sizeof(gauges[0]) == ENGINE_GAUGE_END,
    "gauges");

char *
engine_gauge(const struct engine *e, enum engine_gauge which,
    const char *name)
{
	const struct cert *c = name != NULL ? certs_find(e->certs, name) : NULL;
	char *text;
	size_t len;
	FILE *f = text_open(&text, &len);

	if (name == NULL)
		head(f, gauges[which].name, "gauge", gauges[which].help);
	else if (c != NULL)
		gauges[which].put(e, c, gauges[which].name, f);
	text_close(f, &text);
	return text;
}
