/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/alarm.h"
#include "daemon/alerts/queue_priv.h"
#include "daemon/certs/due.h"
#include "daemon/io/loop.h"

#define WAKE_MAX_MS	60000
#define DAY_S		86400
#define REJECTED_S	DAY_S		/* a message that nobody wants */
#define OLD_S		(7 * DAY_S)

static void	work_cb(void *);

/* --- channels --- */

struct channel *
queue_channel(struct queue *q, const char *name)
{
	struct channel *c;

	TAILQ_FOREACH(c, &q->channels, link) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->queue = q;
	c->name = xstrdup(name);
	TAILQ_INSERT_TAIL(&q->channels, c, link);
	return c;
}

static void
channel_stop(struct channel *c)
{
	channel_cancel(c->op);
	c->op = NULL;
	c->sending = NULL;
	conf_unref(c->conf_ref);
	c->conf_ref = NULL;
}

static void
channel_free(struct channel *c)
{
	TAILQ_REMOVE(&c->queue->channels, c, link);
	channel_stop(c);
	free(c->error);
	free(c->name);
	free(c);
}

size_t
queue_count(const struct queue *q, const char *channel)
{
	const struct message *m;
	size_t n = 0;

	TAILQ_FOREACH(m, &q->messages, link)
		n += strcmp(m->row.channel, channel) == 0;
	return n;
}

/* Join the table with the configuration. */
static void
apply_conf(struct queue *q)
{
	const struct conf *conf = q->env->certs->conf;
	struct channel *c, *next;

	for (size_t i = 0; i < conf->n_notifies; i++)
		(void)queue_channel(q, conf->notifies[i]->name);
	for (c = TAILQ_FIRST(&q->channels); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		c->conf = conf_find_notify(conf, c->name);
		c->retry_at = 0;
		c->tries = 0;
		if (c->conf == NULL && c->op == NULL &&
		    queue_count(q, c->name) == 0)
			channel_free(c);
	}
}

/* --- the queue --- */

static void
message_drop(struct queue *q, struct message *m)
{
	struct channel *c = queue_channel(q, m->row.channel);

	if (c->sending == m)
		channel_stop(c);
	store_notice_delete(q->env->store, m->row.id);
	TAILQ_REMOVE(&q->messages, m, link);
	store_notice_clear(&m->row);
	free(m);
}

/* How many were dropped is told with the next message, also after a crash. */
static void
set_dropped(struct channel *c, unsigned n)
{
	struct store *s = c->queue->env->store;
	struct store_alarm row = { .stage = (int)n };

	c->dropped = n;
	(void)text_printf(row.key, sizeof(row.key), "dropped %s", c->name);
	if (n == 0)
		store_alarm_delete(s, row.key);
	else
		store_alarm_put(s, &row);
}

static void
give_up(struct queue *q, struct message *m, const char *why)
{
	struct channel *c = queue_channel(q, m->row.channel);

	log_warning(NULL, "notify \"%s\": a message is dropped, %s: %s",
	    c->name, why, m->row.subject);
	set_dropped(c, c->dropped + 1);
	message_drop(q, m);
}

/* Room for one more: the oldest that was only a repetition goes first. */
static void
make_room(struct queue *q, const char *channel)
{
	struct message *m, *oldest = NULL;

	if (queue_count(q, channel) < QUEUE_MAX)
		return;
	TAILQ_FOREACH(m, &q->messages, link) {
		if (strcmp(m->row.channel, channel) != 0)
			continue;
		if (oldest == NULL || (m->row.is_repeat &&
		    !oldest->row.is_repeat))
			oldest = m;
	}
	give_up(q, oldest, "there are too many");
}

static void
load_cb(const struct store_notice *row, void *arg)
{
	struct queue *q = arg;
	struct message *m = xcalloc(1, sizeof(*m));

	m->row = *row;
	m->row.channel = xstrdup(row->channel);
	m->row.target = xstrdup(row->target);
	m->row.msgid = xstrdup(row->msgid);
	m->row.subject = xstrdup(row->subject);
	m->row.text = xstrdup(row->text);
	m->row.json = xstrdup(row->json);
	TAILQ_INSERT_TAIL(&q->messages, m, link);
}

static void
load_dropped_cb(const struct store_alarm *row, void *arg)
{
	if (strncmp(row->key, "dropped ", 8) == 0)
		queue_channel(arg, row->key + 8)->dropped =
		    (unsigned)row->stage;
}

char *
queue_id(const struct queue *q, const char *channel)
{
	return xasprintf("%lld.%08x%08x.%s@%s", (long long)clock_now(),
	    arc4random(), arc4random(), channel, q->host);
}

/* On disk, or the disk does not work: that is told too. */
static void
synced_cb(const struct error *err, void *arg)
{
	struct queue *q = arg;

	q->sync = NULL;
	work_cb(q);
}

static void
enqueue(struct queue *q, const struct conf_notify *conf,
    const struct notice *n, const struct notice_text *t)
{
	const char *const *targets = channel_targets(conf);

	for (size_t i = 0; targets[i] != NULL; i++) {
		struct store_notice row = {
			.channel = conf->name,
			.target = (char *)(uintptr_t)targets[i],
			.msgid = (char *)(uintptr_t)n->id,
			.at = n->at,
			.level = n->level,
			.is_repeat = n->what == NOTICE_REPEAT,
			.subject = t->subject,
			.text = t->text,
			.json = t->json,
		};

		make_room(q, conf->name);
		store_notice_put(q->env->store, &row);
		load_cb(&row, q);
	}
}

void
queue_put(struct queue *q, const struct notice *whole, unsigned events,
    enum notify_level filter_level)
{
	const struct conf *conf = q->env->certs->conf;
	struct notice_item *items = xcalloc(whole->n_items + 1,
	    sizeof(*items));

	for (size_t i = 0; i < conf->n_notifies; i++) {
		const struct conf_notify *cn = conf->notifies[i];
		struct channel *c = queue_channel(q, cn->name);
		struct notice n = *whole;
		struct notice_text t;
		char *id;

		n.items = items;
		n.n_items = 0;
		for (size_t j = 0; j < whole->n_items; j++) {
			if (alarm_passes(cn, events, filter_level,
			    whole->items[j].name))
				items[n.n_items++] = whole->items[j];
		}
		if (whole->n_items > 0 ? n.n_items == 0 :
		    !alarm_passes(cn, events, filter_level, NULL))
			continue;
		id = queue_id(q, cn->name);
		n.id = id;
		n.host = q->host;
		n.dropped = c->dropped;
		notice_format(&n, cn->is_chinese, &t);
		if (c->dropped > 0)
			set_dropped(c, 0);
		enqueue(q, cn, &n, &t);
		notice_text_clear(&t);
		free(id);
	}
	free(items);
	if (q->is_started && q->sync == NULL)
		q->sync = store_sync_start(q->env->store, synced_cb, q);
}

/* --- sending --- */

/* Is this about one message, with nothing wrong with the channel? */
static bool
is_of_message(const struct error *err)
{
	return err->kind == ERR_REJECTED ||
	    strcmp(err->code, "smtp:deferred") == 0;
}

/* 30 s, 2, 5, 15 minutes, then every half hour; 20 % jitter. */
static time_t
retry_at(unsigned tries, const struct error *err, time_t now)
{
	static const unsigned steps[] = { 30, 120, 300, 900, 1800 };
	size_t last = sizeof(steps) / sizeof(steps[0]) - 1;
	unsigned s = steps[tries - 1 < last ? tries - 1 : last];
	time_t at = now + (time_t)(s - s / 5 + arc4random_uniform(s * 2 / 5));

	return err->retry_at > at ? due_asked(err->retry_at, now) : at;
}

static void
set_error(struct channel *c, const struct error *err, time_t next)
{
	char span[TEXT_SPAN_MAX];
	time_t now = clock_now();
	bool is_news = c->error == NULL ||
	    strcmp(c->error->code, err->code) != 0;

	log_at(is_news ? LOGL_WARNING : LOGL_INFO, NULL,
	    "notify \"%s\" fails: %s; next try in %s", c->name, err->msg,
	    text_span(next > now ? next - now : 0, span));
	free(c->error);
	c->error = xmemdup(err, sizeof(*err));
	c->error_at = now;
	c->failed++;
}

static void
set_well(struct channel *c)
{
	if (c->error != NULL)
		log_notice(NULL, "notify \"%s\" works again", c->name);
	free(c->error);
	c->error = NULL;
	c->tries = 0;
	c->retry_at = 0;
	c->sent++;
	c->sent_at = clock_now();
}

void
queue_report(struct queue *q, const char *channel, const struct error *err)
{
	struct channel *c = queue_channel(q, channel);

	if (err == NULL)
		set_well(c);
	else
		set_error(c, err, clock_now() + (c->conf != NULL ?
		    c->conf->interval_s : 0));
}

static void
message_failed(struct channel *c, struct message *m, const struct error *err)
{
	time_t now = clock_now();

	if (!is_of_message(err)) {
		c->tries++;
		c->retry_at = retry_at(c->tries, err, now);
		set_error(c, err, c->retry_at);
		return;
	}
	/* The channel itself answers. */
	c->tries = 0;
	c->retry_at = 0;
	m->tries++;
	m->retry_at = retry_at(m->tries, err, now);
	set_error(c, err, m->retry_at);
	if (err->kind == ERR_REJECTED && now - m->row.at > REJECTED_S)
		give_up(c->queue, m, "it is refused");
}

static void
sent_cb(const struct error *err, void *arg)
{
	struct channel *c = arg;
	struct queue *q = c->queue;
	struct message *m = c->sending;

	c->op = NULL;
	c->sending = NULL;
	conf_unref(c->conf_ref);
	c->conf_ref = NULL;
	if (err != NULL) {
		message_failed(c, m, err);
	} else {
		set_well(c);
		log_info(NULL, "notify \"%s\": sent%s%s: %s", c->name,
		    m->row.target[0] != '\0' ? " to " : "", m->row.target,
		    m->row.subject);
		message_drop(q, m);
	}
	timer_set(&q->work, 0);
}

static void
deliver(struct channel *c, struct message *m)
{
	struct queue *q = c->queue;
	struct channel_args args;

	c->conf_ref = conf_ref(q->env->certs->conf);
	args = (struct channel_args){
		.env = &q->channel_env,
		.conf = c->conf,
		.target = m->row.target,
		.id = m->row.msgid,
		.subject = m->row.subject,
		.text = m->row.text,
		.json = m->row.json,
		.at = m->row.at,
		.level = m->row.level < 0 || m->row.level >= NLEV_END ?
		    NLEV_WARNING : (enum notify_level)m->row.level,
	};
	c->sending = m;
	c->op = channel_start(&args, sent_cb, c);
}

static void
drop_old(struct queue *q, time_t now)
{
	struct message *m, *next;

	for (m = TAILQ_FIRST(&q->messages); m != NULL; m = next) {
		next = TAILQ_NEXT(m, link);
		if (now - m->row.at > OLD_S)
			give_up(q, m, "it is a week old");
	}
}

static void
work_cb(void *arg)
{
	struct queue *q = arg;
	time_t now = clock_now(), next = 0;
	struct message *m;

	if (!q->is_started || q->sync != NULL)
		return;
	drop_old(q, now);
	TAILQ_FOREACH(m, &q->messages, link) {
		struct channel *c = queue_channel(q, m->row.channel);
		time_t at = c->retry_at > m->retry_at ? c->retry_at :
		    m->retry_at;

		if (c->op != NULL || c->conf == NULL ||
		    c->conf->kind == NOTIFY_HEARTBEAT)
			continue;
		if (due_planned(at, now) <= now)
			deliver(c, m);
		else if (next == 0 || at < next)
			next = at;
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&q->work, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

/* --- life --- */

struct queue *
queue_new(const struct alerts_env *env)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	q->env = env;
	TAILQ_INIT(&q->messages);
	TAILQ_INIT(&q->channels);
	timer_init(&q->work, env->loop, work_cb, q);
	dname_of_host(q->host);
	q->channel_env = (struct channel_env){ .loop = env->loop,
	    .children = env->children, .http = env->http,
	    .host = q->host };
	q->results = json_array();
	store_notice_each(env->store, load_cb, q);
	store_alarm_each(env->store, load_dropped_cb, q);
	apply_conf(q);
	return q;
}

void
queue_free(struct queue *q)
{
	struct channel *c;
	struct message *m;

	if (q == NULL)
		return;
	timer_clear(&q->work);
	store_sync_cancel(q->sync);
	queue_test_cancel(q);
	while ((c = TAILQ_FIRST(&q->channels)) != NULL)
		channel_free(c);
	while ((m = TAILQ_FIRST(&q->messages)) != NULL) {
		TAILQ_REMOVE(&q->messages, m, link);
		store_notice_clear(&m->row);
		free(m);
	}
	json_decref(q->results);
	free(q);
}

void
queue_start(struct queue *q)
{
	q->is_started = true;
	queue_kick(q);
}

void
queue_kick(struct queue *q)
{
	if (q->is_started && !TAILQ_EMPTY(&q->messages))
		timer_set(&q->work, 0);
}

void
queue_reload(struct queue *q)
{
	struct message *m;

	apply_conf(q);
	TAILQ_FOREACH(m, &q->messages, link)
		m->retry_at = 0;
	if (q->is_started)
		timer_set(&q->work, 0);
}
