/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/notifier.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/heartbeat.h"
#include "daemon/alerts/notifier_priv.h"
#include "daemon/io/loop.h"
#include "daemon/watches/watches.h"

#define SOON_MS		500
#define WAKE_MAX_MS	60000

/* --- the table of alarms --- */

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct alarm *)a)->key,
	    ((const struct alarm *)b)->key);
}

struct alarm *
notifier_alarm(struct notifier *n, const char *key, bool make)
{
	struct alarm wanted = { .key = (char *)(uintptr_t)key }, *a;
	struct alarm **found = tfind(&wanted, &n->by_key, by_key);

	if (found != NULL)
		return *found;
	if (!make)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->notifier = n;
	a->key = xstrdup(key);
	a->told_cause = xstrdup("");
	a->cause = xstrdup("");
	a->cert = xstrdup("");
	a->text = xstrdup("");
	if (tsearch(a, &n->by_key, by_key) == NULL)
		abort();		/* like xmalloc() */
	TAILQ_INSERT_TAIL(&n->alarms, a, link);
	return a;
}

static void
alarm_free(struct alarm *a)
{
	(void)tdelete(a, &a->notifier->by_key, by_key);
	TAILQ_REMOVE(&a->notifier->alarms, a, link);
	free(a->key);
	free(a->told_cause);
	free(a->cause);
	free(a->cert);
	free(a->text);
	free(a);
}

void
notifier_forget(struct alarm *a)
{
	if (a->is_stored)
		store_alarm_delete(a->notifier->env->store, a->key);
	alarm_free(a);
}

void
notifier_told(const struct alarm *a, struct store_alarm *row)
{
	*row = (struct store_alarm){ .events = a->told_events,
	    .level = a->told_level, .stage = a->told_stage,
	    .since = a->since, .told_at = a->told_at };
	(void)text_printf(row->key, sizeof(row->key), "%s", a->key);
	(void)text_printf(row->cause, sizeof(row->cause), "%s",
	    a->told_cause);
}

static void
load_cb(const struct store_alarm *row, void *arg)
{
	struct notifier *n = arg;
	struct alarm *a;

	if (strncmp(row->key, "dropped ", 8) == 0)
		return;			/* queue.c's */
	if (strcmp(row->key, "digest") == 0) {
		n->digest_at = row->told_at;
		return;
	}
	a = notifier_alarm(n, row->key, true);
	free(a->told_cause);
	a->told_cause = xstrdup(row->cause);
	a->told_events = row->events;
	a->told_level = row->level;
	a->told_stage = row->stage;
	a->since = row->since;
	a->told_at = row->told_at;
	a->is_stored = true;
}

/* --- looking --- */

/* When was the cause of this one told last, of any of this stage or later? */
static time_t
group_told_at(struct notifier *n, const struct alarm *a, int stage)
{
	const struct alarm *o;

	/* A hundred thousand may have one cause. */
	if (n->asked_cause != NULL && strcmp(n->asked_cause, a->cause) == 0)
		return n->asked_at[stage];
	memset(n->asked_at, 0, sizeof(n->asked_at));
	TAILQ_FOREACH(o, &n->alarms, link) {
		if (o->told_at == 0 || strcmp(o->told_cause, a->cause) != 0)
			continue;
		for (int s = 0; s <= o->told_stage && s <= STAGE_EXPIRED; s++) {
			if (n->asked_at[s] < o->told_at)
				n->asked_at[s] = o->told_at;
		}
	}
	n->asked_cause = a->cause;
	return n->asked_at[stage];
}

static time_t
tell_at(struct alarm *a, enum alarm_act act, time_t now)
{
	struct notifier *n = a->notifier;
	const struct conf_alarm *policy = &n->env->certs->conf->alarm;
	time_t at = now + (time_t)alarm_gather_s(policy, act, a->level,
	    act == ALARM_REPEAT ? 0 : act == ALARM_RECOVERED ?
	    n->recovered_at : group_told_at(n, a, 0), now);

	if (a->is_wrong && a->is_shared && act != ALARM_REPEAT)
		at = alarm_shared_at(policy, at, group_told_at(n, a, a->stage),
		    now);
	return at;
}

static bool
is_watch(const struct alarm *a)
{
	return strncmp(a->key, "watch ", 6) == 0;
}

/* A certificate that is configured no more has not recovered. */
static bool
is_gone(const struct alarm *a)
{
	const char *name = strchr(a->key, ' ');
	const struct cert *c;
	char buf[128];

	if (name == NULL || (strncmp(a->key, "failed ", 7) != 0 &&
	    strncmp(a->key, "deploy ", 7) != 0 && !is_watch(a)))
		return false;
	(void)text_printf(buf, sizeof(buf), "%.*s",
	    (int)strcspn(name + 1, " "), name + 1);
	if (is_watch(a))
		return watches_find(a->notifier->env->watches, buf,
		    strchr(name + 1, ' ') + 1) == NULL;
	c = certs_find(a->notifier->env->certs, buf);
	return c == NULL || c->conf == NULL;
}

static void
judge(struct alarm *a, time_t now)
{
	const struct conf_alarm *policy = &a->notifier->env->certs->conf->alarm;
	struct alarm_fact f = { .events = a->events, .level = a->level,
	    .stage = a->stage, .is_ripe = true };
	struct store_alarm told;
	enum alarm_act act;
	time_t at;

	if (a->is_kept && !a->is_wrong)
		return;
	notifier_told(a, &told);
	(void)text_printf(f.cause, sizeof(f.cause), "%s", a->cause);
	act = alarm_act(a->is_wrong ? &f : NULL, &told, policy, now);
	if (act == ALARM_FORGET ||
	    (act == ALARM_RECOVERED && is_gone(a))) {
		notifier_forget(a);
		return;
	}
	at = act == ALARM_NOTHING ? 0 : tell_at(a, act, now);
	if (a->tell_at == 0 || act != a->act ||
	    (a->is_shared && at < a->tell_at))
		a->tell_at = at;
	a->act = act;
	if (act == ALARM_NOTHING)
		a->tell_at = 0;
}

/* Nothing critical is wrong now, told or not, nor was when it was last
 * decided. */
static bool
is_well(const struct notifier *n)
{
	const struct alarm *a;

	TAILQ_FOREACH(a, &n->alarms, link) {
		if (a->is_wrong ? a->level == NLEV_CRITICAL : a->is_kept &&
		    a->told_at != 0 && a->told_level == NLEV_CRITICAL)
			return false;
	}
	return true;
}

static void
look(struct notifier *n, time_t now)
{
	struct alarm *a, *next;

	TAILQ_FOREACH(a, &n->alarms, link) {
		if (a->event != NEV_RENEWED)
			a->is_wrong = a->is_kept = false;
	}
	n->asked_cause = NULL;
	notifier_find_facts(n, now);
	for (a = TAILQ_FIRST(&n->alarms); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->event != NEV_RENEWED)
			judge(a, now);
	}
}

static bool
wants(const struct notifier *n, enum notify_event event)
{
	const struct conf *conf = n->env->certs->conf;

	for (size_t i = 0; i < conf->n_notifies; i++) {
		if (conf->notifies[i]->kind != NOTIFY_HEARTBEAT &&
		    conf->notifies[i]->events & NEV_BIT(event))
			return true;
	}
	return false;
}

static void
see_to_digest(struct notifier *n, time_t now)
{
	struct store_alarm row = { .key = "digest", .told_at = now };

	if (!wants(n, NEV_DIGEST))
		return;
	if (n->digest_at != 0 && n->digest_at <= now &&
	    now < alarm_next_digest(n->digest_at,
	    n->env->certs->conf->alarm.digest_at_s))
		return;
	/* The first is told when its time comes, not when it is asked for. */
	if (n->digest_at != 0 && n->digest_at <= now)
		notifier_send_digest(n, now);
	n->digest_at = now;
	store_alarm_put(n->env->store, &row);
}

static void
arm(struct notifier *n, time_t now, time_t next)
{
	const struct alarm *a;
	int64_t ms = WAKE_MAX_MS;

	TAILQ_FOREACH(a, &n->alarms, link) {
		if (a->tell_at != 0 && (next == 0 || a->tell_at < next))
			next = a->tell_at;
	}
	if (next != 0 && (int64_t)(next - now) * 1000 < ms)
		ms = next > now ? (int64_t)(next - now) * 1000 : 0;
	timer_set(&n->look, ms);
}

static void
look_cb(void *arg)
{
	struct notifier *n = arg;
	time_t now = clock_now(), next;

	n->is_kicked = false;
	look(n, now);
	notifier_send_due(n, now);
	see_to_digest(n, now);
	next = heartbeats_beat(n->beats, is_well(n), now);
	arm(n, now, next);
}

/* --- life --- */

struct notifier *
notifier_new(const struct alerts_env *env)
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	n->env = env;
	TAILQ_INIT(&n->alarms);
	timer_init(&n->look, env->loop, look_cb, n);
	n->queue = queue_new(env);
	n->beats = heartbeats_new(env, n->queue);
	store_alarm_each(env->store, load_cb, n);
	return n;
}

void
notifier_free(struct notifier *n)
{
	struct alarm *a;

	if (n == NULL)
		return;
	timer_clear(&n->look);
	heartbeats_free(n->beats);
	while ((a = TAILQ_FIRST(&n->alarms)) != NULL)
		alarm_free(a);
	queue_free(n->queue);
	free(n);
}

/* What was renewed just before a crash is still to be told. */
static void
resume_renewed(struct notifier *n, time_t now)
{
	struct alarm *a;

	TAILQ_FOREACH(a, &n->alarms, link) {
		if (strncmp(a->key, "renewed ", 8) != 0)
			continue;
		a->event = NEV_RENEWED;
		a->events = NEV_BIT(NEV_RENEWED);
		a->act = ALARM_NEW;
		a->tell_at = now;
		free(a->cert);
		a->cert = xstrndup(a->key + 8, strcspn(a->key + 8, " "));
	}
}

void
notifier_start(struct notifier *n)
{
	n->is_started = true;
	resume_renewed(n, clock_now());
	queue_start(n->queue);
	notifier_kick(n);
}

void
notifier_reload(struct notifier *n)
{
	queue_reload(n->queue);
	timer_clear(&n->look);
	n->is_kicked = false;
	heartbeats_reload(n->beats);
	notifier_kick(n);
}

void
notifier_kick(struct notifier *n)
{
	if (n == NULL || !n->is_started || n->is_kicked ||
	    n->env->certs->conf->n_notifies == 0)
		return;
	n->is_kicked = true;
	timer_set(&n->look, SOON_MS);
}

void
notifier_clock_moved(struct notifier *n)
{
	queue_kick(n->queue);
	notifier_kick(n);
}

void
notifier_renewed(struct notifier *n, const struct cert *c)
{
	char key[256];
	struct store_alarm row = { .events = NEV_BIT(NEV_RENEWED) };
	struct alarm *a;

	if (n == NULL || !wants(n, NEV_RENEWED))
		return;
	(void)text_printf(key, sizeof(key), "renewed %s %s", c->row.name,
	    c->row.serial);
	a = notifier_alarm(n, key, true);
	a->event = NEV_RENEWED;
	a->events = NEV_BIT(NEV_RENEWED);
	a->act = ALARM_NEW;
	a->tell_at = clock_now() +
	    (time_t)n->env->certs->conf->alarm.gather_s;
	free(a->cert);
	a->cert = xstrdup(c->row.name);
	a->is_stored = true;
	memcpy(row.key, key, sizeof(row.key));
	store_alarm_put(n->env->store, &row);
	notifier_kick(n);
}

struct queue *
notifier_queue(const struct notifier *n)
{
	return n->queue;
}
