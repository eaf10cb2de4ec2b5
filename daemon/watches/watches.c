/* SPDX-License-Identifier: MIT */
#include "daemon/watches/watches.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/due.h"
#include "daemon/config/conf.h"
#include "daemon/io/slots.h"
#include "daemon/io/tls_cert.h"
#include "daemon/watches/look.h"
#include "daemon/watches/watches_priv.h"

#define ASKING_MAX	8	/* connections at once */
#define START_SPREAD_MS	30000
#define SOON_MS		1000
#define HOUR_S		3600	/* files, and what is not well */
/* The wall clock may jump. */
#define WAKE_MAX_MS	(10 * 60 * 1000)

static void	look(struct watched_item *);

static void
arm(struct watched_item *i)
{
	time_t now = clock_now(), at = due_planned(i->row.next_at, now);
	int64_t ms = at > now ? (int64_t)(at - now) * 1000 : 0;

	if (!i->watches->is_stopped)
		timer_set(&i->due, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
}

static void
due_cb(void *arg)
{
	struct watched_item *i = arg;

	if (due_planned(i->row.next_at, clock_now()) > clock_now())
		arm(i);
	else
		look(i);
}

static struct watched_item *
add(struct watches *w, const struct store_watch *row)
{
	struct watched_item *i = xcalloc(1, sizeof(*i));

	i->watches = w;
	i->row = *row;
	timer_init(&i->due, w->env->loop, due_cb, i);
	TAILQ_INSERT_TAIL(&w->items, i, link);
	return i;
}

static void
item_free(struct watched_item *i)
{
	TAILQ_REMOVE(&i->watches->items, i, link);
	timer_clear(&i->due);
	look_cancel(i->look);
	free(i);
}

static void
load_cb(const struct store_watch *row, void *arg)
{
	(void)add(arg, row);
}

struct watches *
watches_new(const struct watches_env *env)
{
	struct watches *w = xcalloc(1, sizeof(*w));

	w->env = env;
	w->asking = slots_new(env->loop, ASKING_MAX);
	TAILQ_INIT(&w->items);
	store_watch_each(env->store, load_cb, w);
	return w;
}

void
watches_free(struct watches *w)
{
	struct watched_item *i;

	if (w == NULL)
		return;
	while ((i = TAILQ_FIRST(&w->items)) != NULL)
		item_free(i);
	slots_free(w->asking);
	free(w);
}

/* --- looking --- */

/* When to look again: what is mended shall be seen soon. */
static time_t
next_at(const struct watched_item *i, time_t now)
{
	time_t at = due_look_at(i->row.not_before, i->row.not_after, now);
	time_t hour = now + HOUR_S - (time_t)arc4random_uniform(HOUR_S / 8);

	if (i->row.tries > 0)
		return due_soon_retry_at(i->row.tries, now);
	if (i->target != NULL && watched_is_well(i, now))
		return at;
	return hour < at ? hour : at;
}

/* Told once, until it is another trouble or over. */
static void
tell(const struct watched_item *i, const struct error *was)
{
	const struct store_watch *row = &i->row;
	struct log_ctx ctx = { .cert = row->watch, .code = row->err.code };

	if (strcmp(was->code, row->err.code) == 0)
		return;
	if (row->err.code[0] != '\0')
		log_warning(&ctx, "watched certificate: %s: %s", row->what,
		    row->err.msg);
	else
		log_notice(&ctx, "watched certificate: %s is well again",
		    row->what);
}

static void
note(struct watched_item *i, const struct error *err,
    const struct tls_reply *seen)
{
	struct store_watch *row = &i->row;
	struct error was = row->err;
	time_t now = clock_now();

	row->looked_at = now;
	memset(&row->err, 0, sizeof(row->err));
	if (err != NULL)
		row->err = *err;
	row->tries = err == NULL || look_is_judged(err) ? 0 : row->tries + 1;
	if (strcmp(was.code, row->err.code) != 0)
		row->since = err != NULL ? now : 0;
	if (seen != NULL && seen->not_after != 0) {
		(void)text_printf(row->serial, sizeof(row->serial), "%s",
		    seen->serial);
		(void)text_printf(row->issuer, sizeof(row->issuer), "%s",
		    seen->issuer);
		(void)text_printf(row->subject, sizeof(row->subject), "%s",
		    seen->name);
		(void)text_printf(row->key, sizeof(row->key), "%s",
		    seen->key);
		row->not_before = seen->not_before;
		row->not_after = seen->not_after;
	}
	row->next_at = next_at(i, now);
	store_watch_put(i->watches->env->store, row);
	tell(i, &was);
	arm(i);
	i->watches->env->noticed(i->watches->env->arg);
}

static void
looked(const struct error *err, const struct tls_reply *seen, void *arg)
{
	struct watched_item *i = arg;

	i->look = NULL;
	note(i, err, seen);
}

static void
look(struct watched_item *i)
{
	const struct watches_env *env = i->watches->env;
	struct tls_reply seen;
	struct error err;

	if (i->look != NULL)
		return;
	if (i->target == NULL) {
		note(i, look_file(i->row.what, i->conf->ca_file, &seen,
		    &err) == -1 ? &err : NULL, &seen);
		return;
	}
	i->look = look_start(&(struct look_args){ .loop = env->loop,
	    .dns = env->dns, .asking = i->watches->asking,
	    .target = i->target, .ca_file = i->conf->ca_file }, looked, i);
}

/* --- the configuration --- */

static struct watched_item *
find(const struct watches *w, const char *name, const char *what)
{
	struct watched_item *i;

	TAILQ_FOREACH(i, &w->items, link) {
		if (strcmp(i->row.watch, name) == 0 &&
		    strcmp(i->row.what, what) == 0)
			return i;
	}
	return NULL;
}

static void
join(struct watches *w, const struct conf_watch *conf, const char *what,
    const struct conf_verify *target)
{
	struct watched_item *i = find(w, conf->name, what);
	struct store_watch row = { .looked_at = 0 };

	if (i == NULL) {
		(void)text_printf(row.watch, sizeof(row.watch), "%s",
		    conf->name);
		(void)text_printf(row.what, sizeof(row.what), "%s", what);
		i = add(w, &row);
	}
	i->conf = conf;
	i->target = target;
	if (!w->is_started)
		timer_set(&i->due, arc4random_uniform(START_SPREAD_MS));
	else if (i->hash != conf->hash || !watched_is_well(i, clock_now()))
		timer_set(&i->due, arc4random_uniform(SOON_MS));
	else
		arm(i);
	/* Whatever was planned before is over. */
	if (!w->is_started || i->hash != conf->hash ||
	    !watched_is_well(i, clock_now()))
		i->row.next_at = 0;
	i->hash = conf->hash;
}

void
watches_kick(struct watches *w)
{
	struct watched_item *i;

	TAILQ_FOREACH(i, &w->items, link) {
		if (timer_is_set(&i->due))
			arm(i);
	}
}

void
watches_apply(struct watches *w, const struct conf *conf)
{
	struct watched_item *i, *next;

	/* What looks, looks for the configuration before. */
	TAILQ_FOREACH(i, &w->items, link) {
		look_cancel(i->look);
		i->look = NULL;
		timer_clear(&i->due);
		i->conf = NULL;
	}
	for (size_t k = 0; k < conf->n_watches; k++) {
		const struct conf_watch *cw = conf->watches[k];

		for (size_t j = 0; j < cw->n_targets; j++)
			join(w, cw, cw->texts[j], &cw->targets[j]);
		for (size_t j = 0; cw->files[j] != NULL; j++)
			join(w, cw, cw->files[j], NULL);
	}
	for (i = TAILQ_FIRST(&w->items); i != NULL; i = next) {
		next = TAILQ_NEXT(i, link);
		if (i->conf != NULL)
			continue;
		store_watch_delete(w->env->store, i->row.watch, i->row.what);
		item_free(i);
	}
}

void
watches_start(struct watches *w)
{
	w->is_started = true;
}

void
watches_stop(struct watches *w)
{
	struct watched_item *i;

	w->is_stopped = true;
	TAILQ_FOREACH(i, &w->items, link) {
		timer_clear(&i->due);
		look_cancel(i->look);
		i->look = NULL;
	}
}

const struct store_watch *
watches_find(const struct watches *w, const char *name, const char *what)
{
	const struct watched_item *i = find(w, name, what);

	return i != NULL ? &i->row : NULL;
}
