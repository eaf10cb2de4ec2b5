/* SPDX-License-Identifier: MIT */
#include "daemon/engine/watch.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/engine/due.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/rollback.h"
#include "daemon/publish/fetch.h"

#define START_SPREAD_S	30
#define NEAR_EXPIRY_POLL_S 600
#define WARN_EVERY_S	86400

struct watch {
	struct fetch_op	*fetch;
	char		 etag[OBJECT_ETAG_SIZE];	/* "": not known */
	time_t		 poll_at;
	bool		 wants_run;	/* there is news, or trouble */
	time_t		 warned_at;	/* that nobody renews it */
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
watch_reload(struct cert *c)
{
	watch_free(c);		/* its request borrows the configuration */
	if (c->conf == NULL || c->conf->source == NULL)
		return;
	c->watch = xcalloc(1, sizeof(*c->watch));
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
	int64_t s = c->conf->poll_s;

	if (is_late(&c->row, clock_now()) && s > NEAR_EXPIRY_POLL_S)
		s = NEAR_EXPIRY_POLL_S;
	return (time_t)(s - s / 10 + arc4random_uniform((uint32_t)(s / 5 + 1)));
}

bool
watch_wants_run(const struct cert *c)
{
	return c->forced || c->watch->wants_run ||
	    c->row.serial[0] == '\0' || c->row.failures > 0;
}

time_t
watch_next_at(const struct cert *c, const char **action)
{
	const struct store_cert *row = &c->row;
	time_t now = clock_now(), at, soon = row->error_at + pause(c);

	if (c->forced) {
		*action = "fetch";
		return 0;
	}
	if (row->failures > 0 && row->names_failed != NULL &&
	    strcmp(row->names_failed, c->names) == 0) {
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
watch_seen(struct cert *c, const char *etag)
{
	if (c->watch == NULL)
		return;
	(void)text_printf(c->watch->etag, sizeof(c->watch->etag), "%s", etag);
	c->watch->wants_run = false;
	c->watch->poll_at = clock_now() + pause(c);
}

/* The publisher should have renewed it long ago. */
static void
warn_if_late(struct cert *c)
{
	const struct store_cert *row = &c->row;
	char left[TEXT_SPAN_MAX];
	time_t now = clock_now();

	if (!is_late(row, now) || (c->watch->warned_at <= now &&
	    now - c->watch->warned_at < WARN_EVERY_S))
		return;
	c->watch->warned_at = now;
	event_emit(c->engine, row->name, STEP_DOWNLOAD, LOGL_WARNING,
	    "the certificate expires in %s, and repository \"%s\" has no newer "
	    "one: look at the host that publishes it",
	    text_span(row->not_after - now, left), c->conf->source->name);
}

static void
polled(const struct error *err, const struct fetch_result *result, void *arg)
{
	struct cert *c = arg;

	c->watch->fetch = NULL;
	if (err != NULL || result->is_new) {
		c->watch->wants_run = true;
	} else {
		watch_seen(c, result->etag);
		warn_if_late(c);
	}
	engine_reschedule(c->engine);
}

void
watch_poll(struct cert *c)
{
	struct watch *w = c->watch;

	/* Should its answer be lost, this is when to ask again. */
	w->poll_at = clock_now() + pause(c);
	if (w->fetch != NULL)
		return;
	w->fetch = fetch_start(&(struct fetch_args){
	    .loop = c->engine->a.loop, .http = c->engine->a.http,
	    .cert = c->conf, .serial = c->row.serial,
	    .not_before = c->row.not_before, .etag = w->etag,
	    .only_look = true }, polled, c);
}
