/* SPDX-License-Identifier: MIT */
/* queue_status - what became of messages, for status and /metrics; and
 * messages that are sent to see whether a channel works. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/queue_priv.h"

/* When the next message of a failing channel is tried. */
static time_t
next_at(const struct channel *c)
{
	const struct message *m;
	time_t at = 0;

	if (c->retry_at > 0)
		return c->retry_at;
	TAILQ_FOREACH(m, &c->queue->messages, link) {
		if (strcmp(m->row.channel, c->name) == 0 &&
		    m->retry_at > 0 && (at == 0 || m->retry_at < at))
			at = m->retry_at;
	}
	return at;
}

json_t *
queue_json(const struct queue *q)
{
	json_t *list = json_array();
	const struct channel *c;

	TAILQ_FOREACH(c, &q->channels, link) {
		json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:o,"
		    " s:i, s:o}", "name", c->name, "kind", c->conf != NULL ?
		    notify_kind_name(c->conf->kind) : "removed",
		    "state", c->error != NULL ? "failing" : "ok",
		    "queued", (int)queue_count(q, c->name),
		    "sent", (json_int_t)c->sent,
		    "sent_at", jsonx_time(c->sent_at),
		    "next_at", jsonx_time(c->error != NULL ? next_at(c) : 0),
		    "dropped", (int)c->dropped,
		    "error", c->error != NULL ?
		    jsonx_error(c->error, c->error_at) : json_null());

		if (j != NULL)
			(void)json_array_append_new(list, j);
	}
	return list;
}

void
queue_metrics(const struct queue *q, FILE *f)
{
	static const char *const names[] = {
		"acmed_notify_failing", "acmed_notify_queued",
		"acmed_notify_sent_total", "acmed_notify_failures_total",
	};
	static const char *const helps[] = {
		"1 where the last message could not be sent.",
		"messages that wait.", "messages sent since the start.",
		"attempts to send that failed since the start.",
	};
	const struct channel *c;

	if (TAILQ_EMPTY(&q->channels))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", names[i],
		    helps[i], names[i], i < 2 ? "gauge" : "counter");
		TAILQ_FOREACH(c, &q->channels, link) {
			unsigned long n = i == 0 ? c->error != NULL :
			    i == 1 ? queue_count(q, c->name) :
			    i == 2 ? c->sent : c->failed;

			fprintf(f, "%s{channel=\"%s\"} %lu\n", names[i],
			    c->name, n);
		}
	}
}

/* --- tests --- */

void
queue_test_cancel(struct queue *q)
{
	for (size_t i = 0; i < q->n_sends; i++)
		channel_cancel(q->sends[i].op);
	free(q->sends);
	q->sends = NULL;
	q->n_sends = q->sends_left = 0;
	conf_unref(q->test_conf);
	q->test_conf = NULL;
}

static void
test_cb(const struct error *err, void *arg)
{
	struct test_send *s = arg;
	struct queue *q = s->queue;

	s->op = NULL;
	(void)json_object_set_new(s->result, "state",
	    json_string(err != NULL ? "failed" : "sent"));
	if (err != NULL)
		(void)json_object_set_new(s->result, "error",
		    jsonx_error(err, clock_now()));
	if (--q->sends_left == 0)
		queue_test_cancel(q);
}

/* One to each target of the channel. */
static void
test_channel(struct queue *q, const struct conf_notify *conf)
{
	const char *const *targets = channel_targets(conf);
	char *id = queue_id(q, conf->name);
	struct notice n = { .event = NEV_RECOVERED, .level = NLEV_NOTICE,
	    .at = clock_now(), .id = id, .host = q->host, .code = "",
	    .who = "", .channel = conf->name };
	struct notice_text t;

	notice_format(&n, conf->is_chinese, &t);
	for (size_t i = 0; targets[i] != NULL; i++) {
		struct test_send *s = &q->sends[q->n_sends++];
		struct channel_args args = {
			.env = &q->channel_env, .conf = conf, .target =
			    targets[i],
			.id = id, .subject = t.subject, .text = t.text,
			.json = t.json, .at = n.at, .level = n.level,
		};

		s->queue = q;
		s->result = json_pack("{s:s, s:s, s:s, s:s, s:n}", "channel",
		    conf->name, "kind", notify_kind_name(conf->kind),
		    "target", targets[i], "state", "sending", "error");
		(void)json_array_append_new(q->results, s->result);
		q->sends_left++;
		s->op = channel_start(&args, test_cb, s);
	}
	notice_text_clear(&t);
	free(id);
}

static int
refuse_test(const struct queue *q, const char *channel, struct error *err)
{
	const struct conf *conf = q->env->certs->conf;
	const char **names, *near;
	size_t n = 0;

	if (channel == NULL)
		return error_set(err, ERR_CONFIG, "notify:none",
		    "no channel is configured: add a notify section, see "
		    "acmed.conf(5)");
	names = xcalloc(conf->n_notifies + 1, sizeof(*names));
	for (size_t i = 0; i < conf->n_notifies; i++)
		names[n++] = conf->notifies[i]->name;
	near = text_nearest(channel, names, n);
	(void)error_set(err, ERR_CONFIG, "notify:unknown-channel",
	    "there is no channel \"%s\" to send messages on%s%s%s", channel,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
	    near != NULL ? "\"?" : "");
	free(names);
	return -1;
}

json_t *
queue_test(struct queue *q, const char *channel, struct error *err)
{
	const struct conf *conf = q->env->certs->conf;
	json_t *started = json_array();
	size_t n = 0;

	if (q->sends_left > 0) {
		json_decref(started);
		(void)error_set(err, ERR_TRANSIENT, "notify:busy",
		    "another test is under way");
		return NULL;
	}
	for (size_t i = 0; i < conf->n_notifies; i++) {
		const char *const *t = channel_targets(conf->notifies[i]);

		while (*t++ != NULL)
			n++;
	}
	json_decref(q->results);
	q->results = json_array();
	q->sends = xcalloc(n + 1, sizeof(*q->sends));
	for (size_t i = 0; i < conf->n_notifies; i++) {
		const struct conf_notify *cn = conf->notifies[i];

		if (cn->kind == NOTIFY_HEARTBEAT ||
		    (channel != NULL && strcmp(cn->name, channel) != 0))
			continue;
		test_channel(q, cn);
		(void)json_array_append_new(started, json_string(cn->name));
	}
	if (json_array_size(started) == 0) {
		(void)refuse_test(q, channel, err);
		queue_test_cancel(q);
		json_decref(started);
		return NULL;
	}
	q->test_conf = conf_ref(conf);
	return json_pack("{s:o}", "started", started);
}

json_t *
queue_test_json(const struct queue *q)
{
	return json_pack("{s:b, s:O}", "running", q->sends_left > 0,
	    "results", q->results);
}
