/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/alerts/env.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/certs.h"
#include "daemon/io/http.h"

#define REPLY_MAX 65536

struct beat {
	TAILQ_ENTRY(beat) link;
	struct heartbeats *all;
	char		*name;
	time_t		 next_at;
	struct http_op	*http;
};

struct heartbeats {
	const struct alerts_env *env;
	struct queue	*queue;
	TAILQ_HEAD(, beat) beats;
};

struct heartbeats *
heartbeats_new(const struct alerts_env *env, struct queue *queue)
{
	struct heartbeats *h = xcalloc(1, sizeof(*h));

	h->env = env;
	h->queue = queue;
	TAILQ_INIT(&h->beats);
	return h;
}

static void
beat_free(struct beat *b)
{
	http_cancel(b->http);
	TAILQ_REMOVE(&b->all->beats, b, link);
	free(b->name);
	free(b);
}

void
heartbeats_free(struct heartbeats *h)
{
	struct beat *b;

	if (h == NULL)
		return;
	while ((b = TAILQ_FIRST(&h->beats)) != NULL)
		beat_free(b);
	free(h);
}

void
heartbeats_reload(struct heartbeats *h)
{
	struct beat *b;

	while ((b = TAILQ_FIRST(&h->beats)) != NULL)
		beat_free(b);
}

static struct beat *
beat_of(struct heartbeats *h, const char *name)
{
	struct beat *b;

	TAILQ_FOREACH(b, &h->beats, link) {
		if (strcmp(b->name, name) == 0)
			return b;
	}
	b = xcalloc(1, sizeof(*b));
	b->all = h;
	b->name = xstrdup(name);
	TAILQ_INSERT_TAIL(&h->beats, b, link);
	return b;
}

static void
fetched(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct beat *b = arg;
	struct error failed;

	b->http = NULL;
	if (err == NULL && (reply->status < 200 || reply->status > 299)) {
		(void)error_set(&failed, ERR_TRANSIENT, "notify:heartbeat",
		    "the service answered with status %d", reply->status);
		err = &failed;
	}
	queue_report(b->all->queue, b->name, err);
}

static void
fetch(struct beat *b, const struct conf_notify *conf)
{
	struct http_args args = {
		.method = "GET",
		.max_reply = REPLY_MAX,
		.timeout_ms = conf->timeout_s * 1000,
		.ca_file = conf->ca_file,
		.allow_plain = true,
		.secret_url = true,
	};
	struct error err;

	http_cancel(b->http);
	b->http = NULL;
	if (conf_notify_look(conf, &err) == -1) {
		queue_report(b->all->queue, b->name, &err);
		return;
	}
	args.url = conf->url;
	b->http = http_start(b->all->env->http, &args, fetched, b);
}

time_t
heartbeats_beat(struct heartbeats *h, bool is_well, time_t now)
{
	const struct conf *conf = h->env->certs->conf;
	time_t next = 0;

	for (size_t i = 0; i < conf->n_notifies; i++) {
		const struct conf_notify *cn = conf->notifies[i];
		struct beat *b;

		if (cn->kind != NOTIFY_HEARTBEAT)
			continue;
		b = beat_of(h, cn->name);
		/* Too late, or the clock was set back. */
		if (b->next_at <= now ||
		    b->next_at > now + (time_t)cn->interval_s) {
			if (is_well)
				fetch(b, cn);
			b->next_at = now + (time_t)cn->interval_s;
		}
		if (next == 0 || b->next_at < next)
			next = b->next_at;
	}
	return next;
}
