/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/source_watch.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/origin.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/given.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"

#define START_SPREAD_S	30
#define NEAR_EXPIRY_POLL_S 600
/* The publisher says when it renews: from a minute before that for half an
 * hour it is looked often, which makes 380 small requests. */
#define EXPECTED_POLL_S	5
#define HELD_POLL_S	60	/* our wave comes next */
#define EXPECTED_LEAD_S	60
#define EXPECTED_FOR_S	1800
#define RETRY_LEAST_S	60
/* What a cluster publishes is told; looks besides are for what was missed. */
#define CLUSTER_POLL_S	86400
#define MISSED_S	5	/* before it is looked again, doubling */
#define WARN_EVERY_S	86400

struct watch {
	const struct rollout_env *env;
	struct fetch_op	*fetch;
	char		 etag[OBJECT_ETAG_SIZE];	/* "": not known */
	time_t		 poll_at;
	time_t		 news_at;	/* to look for news that was told since
					   the last look began; 0: none was */
	bool		 wants_run;	/* there is news, or trouble */
	bool		 is_held;	/* there is news for others first */
	bool		 is_stamped;	/* stamp is what the files were like
					   when they were looked at last */
	struct given_stamp stamp;
	time_t		 warned_at;	/* that nobody renews it */
	/* Of a cluster: */
	unsigned	 misses;	/* looks without an answer, in a row */
	bool		 has_failed;	/* the last run did.  row.failures may
					   be those of who renews it */
};

void
watch_free(struct cert *c)
{
	if (c->watch == NULL)
		return;
	fetch_cancel(c->watch->fetch);
	free(c->watch);
	c->watch = NULL;
}

void
watch_reload(const struct rollout_env *env, struct cert *c)
{
	watch_free(c);		/* its request borrows the configuration */
	if (c->conf == NULL || origin_is_ca(c))
		return;
	c->watch = xcalloc(1, sizeof(*c->watch));
	c->watch->env = env;
	if (c->conf->given != NULL) {
		c->watch->wants_run = given_is_kept(env->store, c->row.name);
		c->watch->poll_at = clock_now();
		return;
	}
	/* A fleet that boots at once shall not ask at once. */
	c->watch->poll_at = clock_now() +
	    (time_t)arc4random_uniform(START_SPREAD_S);
}

/* Is it in the last quarter of its life? */
static bool
is_late(const struct store_cert *row, time_t now)
{
	return now > row->not_after - (row->not_after - row->not_before) / 4;
}

/* How long until it is looked again, +-10 %. */
static time_t
pause(const struct cert *c)
{
	bool is_told = origin_is_cluster(c);
	int64_t s = is_told ? CLUSTER_POLL_S : c->conf->poll_s, at;
	time_t now = clock_now(), from = c->row.source_renew_at -
	    EXPECTED_LEAD_S;
	bool is_expected = c->row.source_renew_at != 0 && !is_told;

	if (is_late(&c->row, now) && s > NEAR_EXPIRY_POLL_S)
		s = NEAR_EXPIRY_POLL_S;
	if (c->watch->is_held && s > HELD_POLL_S)
		s = HELD_POLL_S;
	if (is_expected && now >= from &&
	    now < from + EXPECTED_LEAD_S + EXPECTED_FOR_S &&
	    s > EXPECTED_POLL_S)
		s = EXPECTED_POLL_S;
	at = s - s / 10 + arc4random_uniform((uint32_t)(s / 5 + 1));
	/* ... and not past the time at which it begins to be expected. */
	return is_expected && now < from && now + at > from ?
	    from - now : (time_t)at;
}

/* Nobody looks: it comes by acmectl put. */
static bool
is_put(const struct cert *c)
{
	return c->conf->given != NULL && c->conf->given->fullchain == NULL;
}

/* Has the last run failed? */
static bool
has_failed(const struct cert *c)
{
	return c->row.failures > 0 && (!origin_is_cluster(c) ||
	    c->watch->has_failed || rollback_is_done(c));
}

/* ... and may another do better?  What acmectl put handed over is kept until it
 * is installed. */
static bool
has_to_retry(const struct cert *c)
{
	return c->row.failures > 0 && (!is_put(c) ||
	    given_is_kept(c->watch->env->store, c->row.name));
}

/* Is it time for that? */
static bool
is_due_again(const struct cert *c)
{
	return c->row.failures > 0 && due_planned(c->row.retry_at,
	    clock_now()) <= clock_now() && has_to_retry(c);
}

bool
watch_wants_run(const struct cert *c)
{
	if (c->conf != NULL && c->conf->given != NULL)
		return c->forced || c->watch->wants_run || is_due_again(c) ||
		    (!is_put(c) && c->row.serial == NULL &&
		    c->row.failures == 0);
	/* In a cluster it may not have been issued yet. */
	return c->forced || c->watch->wants_run || has_failed(c) ||
	    (c->row.serial == NULL && !origin_is_cluster(c));
}

/* Of files: what failed is tried again when they change, and else as a renewal
 * would be. */
static time_t
given_next_at(const struct cert *c, const char **action)
{
	time_t now = clock_now(), at, retry;

	if (watch_wants_run(c)) {
		*action = "take";
		return 0;
	}
	retry = due_planned(c->row.retry_at, now);
	if (is_put(c)) {
		*action = has_to_retry(c) ? "take" : "put";
		return has_to_retry(c) ? retry : -1;
	}
	*action = "poll";
	at = due_planned(c->watch->poll_at, now);
	return c->row.failures > 0 && retry < at ? retry : at;
}

time_t
watch_next_at(const struct cert *c, const char **action)
{
	const struct store_cert *row = &c->row;
	time_t now = clock_now(), at, soon = pause(c);

	if (c->conf->given != NULL)
		return given_next_at(c, action);
	soon = row->error_at + (soon > RETRY_LEAST_S ? soon : RETRY_LEAST_S);
	if (c->forced) {
		*action = "fetch";
		return 0;
	}
	if (has_failed(c) && cert_is_for(c, row->names_failed)) {
		/* What was not there may be published any time. */
		*action = "retry";
		at = due_planned(row->retry_at, now);
		/* It would be the one that we have rolled back from. */
		if (rollback_is_done(c))
			return at;
		return at < soon || row->error_at > now ? at : soon;
	}
	if (watch_wants_run(c)) {
		*action = "fetch";
		return 0;
	}
	*action = "poll";
	return due_planned(c->watch->poll_at, now);
}

void
watch_reads(struct cert *c, bool reads_files)
{
	if (c->watch == NULL)
		return;
	if (reads_files) {
		given_stamp(c->conf, &c->watch->stamp);
		c->watch->is_stamped = true;
	}
	c->watch->wants_run = false;
	c->watch->poll_at = clock_now() + pause(c);
}

void
watch_soon(struct cert *c, unsigned within_s)
{
	time_t at = clock_now();
	struct watch *w = c->watch;

	if (w == NULL)
		return;
	if (within_s > 0)
		at += (time_t)arc4random_uniform(within_s);
	if (w->news_at == 0 || at < w->news_at)
		w->news_at = at;
	if (at < w->poll_at)
		w->poll_at = at;
	cert_changed(c);
}

void
watch_seen(struct cert *c, const struct fetch_result *seen)
{
	struct store_cert *row = &c->row;

	if (c->watch == NULL)
		return;
	(void)text_printf(c->watch->etag, sizeof(c->watch->etag), "%s",
	    seen->etag);
	c->watch->wants_run = false;
	c->watch->misses = 0;
	if (seen->published_at != 0)
		c->watch->is_held = seen->is_held;
	if (seen->published_at > row->source_at) {
		free(row->source_host);
		row->source_host = seen->publisher[0] != '\0' ?
		    xstrdup(seen->publisher) : NULL;
		row->source_at = seen->published_at;
		row->source_renew_at = seen->renew_at;
		cert_save(c);
	}
	c->watch->poll_at = clock_now() + pause(c);
	/* What was told while it was read may be newer than it. */
	if (c->watch->news_at != 0 && c->watch->news_at < c->watch->poll_at)
		c->watch->poll_at = c->watch->news_at;
	if (origin_is_cluster(c) && c->watch->env->looked != NULL)
		c->watch->env->looked(c, c->watch->env->arg);
}

/* The publisher should have renewed it long ago. */
static void
warn_if_late(struct cert *c)
{
	const struct store_cert *row = &c->row;
	char expiry[TEXT_EXPIRY_MAX];
	time_t now = clock_now();

	if (!is_late(row, now) || (c->watch->warned_at <= now &&
	    now - c->watch->warned_at < WARN_EVERY_S))
		return;
	c->watch->warned_at = now;
	event_emit(c->certs, row->name, STEP_DOWNLOAD, LOGL_WARNING,
	    "the certificate %s, and repository \"%s\" has no newer "
	    "one: look at %s", text_expiry(row->not_after - now, expiry),
	    origin_repository(c)->name, row->source_host != NULL ?
	    row->source_host : "the host that publishes it");
}

/* Is there nothing in the cluster to take, for now?  Who renews it tells its
 * own failures; that the cluster cannot be asked is told once. */
static bool
waits_for_cluster(const struct cert *c, const struct error *err)
{
	return origin_is_cluster(c) && (err->kind == ERR_TRANSIENT ||
	    (fetch_found_no_better(err) &&
	    strcmp(err->code, "fetch:older") != 0));
}

static void
look_again(struct watch *w, const struct error *err)
{
	bool is_missed = err->kind == ERR_TRANSIENT;
	time_t s = MISSED_S;

	if (!is_missed || w->news_at != 0)
		w->misses = 0;
	/* What was told since it began may not have been there yet. */
	if (!is_missed && w->news_at != 0 && w->news_at < w->poll_at)
		w->poll_at = w->news_at;
	if (!is_missed)
		return;
	for (unsigned i = 0; i < w->misses && s < NEAR_EXPIRY_POLL_S; i++)
		s *= 2;
	w->misses++;
	w->poll_at = clock_now() + s / 2 +
	    (time_t)arc4random_uniform((uint32_t)s);
}

static void
polled(const struct error *err, const struct fetch_result *result, void *arg)
{
	struct cert *c = arg;

	c->watch->fetch = NULL;
	if (err != NULL && waits_for_cluster(c, err)) {
		look_again(c->watch, err);
	} else if (err != NULL || result->is_new) {
		c->watch->wants_run = true;
	} else {
		watch_seen(c, result);
		warn_if_late(c);
	}
	cert_changed(c);
}

/* Nobody renews it here: say so before it ends, as long as it lasts. */
static void
warn_if_unrenewed(struct cert *c)
{
	const struct store_cert *row = &c->row;
	char expiry[TEXT_EXPIRY_MAX];
	time_t now = clock_now();

	if (row->serial == NULL || !is_late(row, now) ||
	    (c->watch->warned_at <= now &&
	    now - c->watch->warned_at < WARN_EVERY_S))
		return;
	c->watch->warned_at = now;
	event_emit(c->certs, row->name, STEP_DOWNLOAD, LOGL_WARNING,
	    "the certificate %s, and acmed does not renew it: get the next "
	    "one, and replace the files or run acmectl put %s CHAIN KEY",
	    text_expiry(row->not_after - now, expiry), row->name);
}

static void
poll_files(struct cert *c)
{
	struct given_stamp now;
	bool is_same;

	given_stamp(c->conf, &now);
	is_same = c->watch->is_stamped && given_stamp_equal(&now,
	    &c->watch->stamp);
	/* After a start it is most likely the installed one. */
	if (!c->watch->is_stamped && c->row.serial != NULL)
		is_same = rollback_is_done(c) || (c->row.failures == 0 &&
		    !given_has_other(c->conf, &c->row));
	c->watch->stamp = now;
	c->watch->is_stamped = true;
	c->watch->wants_run = !is_same;
	warn_if_unrenewed(c);
	cert_changed(c);
}

void
watch_poll(struct cert *c)
{
	struct watch *w = c->watch;

	/* Should its answer be lost, this is when to ask again. */
	w->poll_at = clock_now() + pause(c);
	if (c->conf->given != NULL) {
		poll_files(c);
		return;
	}
	if (w->fetch != NULL)
		return;
	w->news_at = 0;
	w->fetch = fetch_start(&(struct fetch_args){
	    .loop = c->watch->env->loop, .http = c->watch->env->http,
	    .etcd = c->watch->env->etcd, .store = c->watch->env->store,
	    .cert = c->conf, .repository = origin_repository(c),
	    .serial = cert_serial(c),
	    .not_before = c->row.not_before,
	    .not_after = c->row.not_after,
	    .host = origin_wave_host(c, origin_repository(c)), .etag = w->etag,
	    .published_at = c->row.source_at, .only_look = true }, polled, c);
}

void
watch_run_ended(struct cert *c, bool failed)
{
	struct watch *w = c->watch;

	if (w == NULL)
		return;
	w->has_failed = failed;
	/* What it has taken is not late any more. */
	if (!failed && origin_is_cluster(c) && w->news_at == 0)
		w->poll_at = clock_now() + pause(c);
}

json_t *
watch_json(const struct cert *c)
{
	const struct conf_repository *from = origin_repository(c);
	const struct store_cert *row = &c->row;

	if (from == NULL)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o}",
	    "repository", from->name,
	    "host", row->source_host != NULL ?
	    json_string(row->source_host) : json_null(),
	    "at", jsonx_time(row->source_at),
	    "renew_at", jsonx_time(row->source_renew_at));
}
