/* SPDX-License-Identifier: MIT */
#include "daemon/rest/lease.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/io/loop.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/run.h"
#include "providers/credentials.h"
#include "providers/keyless.h"

#define EARLY_S		300		/* metadata services have the next ones
					   this long before */
#define AGAIN_S		60		/* the least until the next renewal */
#define LIFE_MAX_S	86400		/* whatever an answer says */
#define LOCAL_MS	5000
#define REQUEST_MS	20000
#define MAX_REPLY	(64u << 10)

/* What was fetched for one section, and one scope. */
struct entry {
	TAILQ_ENTRY(entry) link;
	struct leases	*all;
	char		*name, *scope;
	uint64_t	 hash;
	char		*texts[PROVIDER_FETCHED_MAX];
	time_t		 until;		/* epoch seconds; 0: no use any more */
	time_t		 renew_at;
	unsigned	 fetched;	/* times */
	struct timer	 timer;		/* begins a fetch */
	TAILQ_HEAD(, lease) holders;
	/* The fetch under way, in the name of one of these. */
	const struct keyless *keyless;
	struct keyless_call call;	/* .values NULL: there is none */
	unsigned	 n_done;	/* tables of it: local, steps */
	struct rest_op	*rest;
};

struct lease {
	TAILQ_ENTRY(lease) link;
	struct entry	*entry;		/* NULL: static */
	const struct conf_credentials *section;
	lease_cb	*ready;
	void		*arg;
	struct timer	 timer;		/* calls it */
	bool		 is_ready;	/* ... or will */
	bool		 is_cached;	/* not fetched for this one */
	unsigned	 fetched;	/* the entry's, then */
	struct error	 err;		/* what is told; ERR_NONE: nothing */
};

struct leases {
	struct loop	*loop;
	struct http	*http;
	TAILQ_HEAD(, entry) list;
};

static void	fetch_next(struct entry *);

struct leases *
leases_new(struct loop *loop, struct http *http)
{
	struct leases *all = xcalloc(1, sizeof(*all));

	all->loop = loop;
	all->http = http;
	TAILQ_INIT(&all->list);
	return all;
}

static void
fetch_stop(struct entry *e)
{
	rest_cancel(e->rest);
	e->rest = NULL;
	keyless_clear(&e->call);
	e->call.values = NULL;
}

static void
entry_free(struct entry *e)
{
	TAILQ_REMOVE(&e->all->list, e, link);
	fetch_stop(e);
	timer_clear(&e->timer);
	for (size_t i = 0; i < PROVIDER_FETCHED_MAX; i++)
		freezero_str(e->texts[i]);
	free(e->name);
	free(e->scope);
	free(e);
}

void
leases_free(struct leases *all)
{
	struct entry *e;

	if (all == NULL)
		return;
	while ((e = TAILQ_FIRST(&all->list)) != NULL)
		entry_free(e);
	free(all);
}

/* --- who waits --- */

static void
lease_tell(struct lease *l, const struct error *err)
{
	if (err != NULL)
		l->err = *err;
	l->is_ready = true;
	timer_set(&l->timer, 0);
}

static void
ready_cb(void *arg)
{
	const struct lease *l = arg;
	struct error err = l->err;	/* who is told may give it back */

	l->ready(err.kind == ERR_NONE ? NULL : &err, l->arg);
}

/* What is not in this set goes: a token of the one before is no part of it. */
static void
lease_fill(const struct lease *l)
{
	for (int i = 0; i < PROVIDER_FETCHED_MAX; i++)
		provider_values_fetched(l->section->values, i,
		    l->entry->texts[i]);
}

/* With what was fetched before it asked. */
static void
lease_fill_cached(struct lease *l)
{
	l->is_cached = true;
	l->fetched = l->entry->fetched;
	lease_fill(l);
	lease_tell(l, NULL);
}

static void
tell_waiting(struct entry *e, const struct error *err)
{
	struct lease *l;

	TAILQ_FOREACH(l, &e->holders, link) {
		if (!l->is_ready)
			lease_tell(l, err);
	}
}

/* --- the fetch --- */

/* Some repeat what they refuse. */
static void
hide(const struct keyless_call *c, struct error *err)
{
	for (int i = 0; i < PROVIDER_FETCHED_MAX; i++) {
		if (c->texts[i] != NULL)
			rest_hide(c->texts[i], err->msg);
	}
	if (c->memo[0] != NULL) {
		rest_hide(c->memo[0], err->msg);
		/* Of a file with several secrets one. */
		rest_hide_part(c->memo[0], err->msg);
	}
}

static void
fetch_failed(struct entry *e, const struct error *why)
{
	struct error err = *why;
	struct lease *l;

	fetch_stop(e);
	timer_set(&e->timer, AGAIN_S * 1000);
	if (e->until > clock_now()) {
		/* Of a section read anew none may have these yet. */
		TAILQ_FOREACH(l, &e->holders, link) {
			if (!l->is_ready)
				lease_fill_cached(l);
		}
		return;
	}
	(void)error_wrap(&err, "credentials \"%s\"", e->name);
	tell_waiting(e, &err);
}

static void
fetch_done(struct entry *e)
{
	time_t now = clock_now(), life;
	struct lease *l;

	for (size_t i = 0; i < PROVIDER_FETCHED_MAX; i++) {
		freezero_str(e->texts[i]);
		e->texts[i] = e->call.texts[i];
		e->call.texts[i] = NULL;
	}
	e->until = e->call.until;
	if (e->until > now + LIFE_MAX_S)
		e->until = now + LIFE_MAX_S;
	life = e->until - now;
	e->renew_at = e->until - (life > 2 * EARLY_S ? EARLY_S : life / 2);
	e->fetched++;
	fetch_stop(e);
	TAILQ_FOREACH(l, &e->holders, link)
		lease_fill(l);
	tell_waiting(e, NULL);
	if (e->until != 0)
		timer_set(&e->timer, (int64_t)(e->renew_at > now + AGAIN_S ?
		    e->renew_at - now : AGAIN_S) * 1000);
}

static void
rest_cb(enum rest_next end, struct error *err, void *arg)
{
	struct entry *e = arg;

	e->rest = NULL;
	if (end == REST_DONE) {
		fetch_next(e);
		return;
	}
	hide(&e->call, err);
	fetch_failed(e, err);
}

static void
run(struct entry *e, const struct rest_step *steps, bool is_local)
{
	e->rest = rest_start(&(struct rest_args){
	    .loop = e->all->loop, .http = e->all->http, .steps = steps,
	    .user = &e->call, .allow_http = is_local,
	    .proxy = is_local ? "" : NULL, .max_reply = MAX_REPLY,
	    .timeout_ms = is_local ? LOCAL_MS : REQUEST_MS,
	    .plain_text = true, .failed = e->keyless->failed }, rest_cb, e);
}

static void
fetch_next(struct entry *e)
{
	const struct rest_step *const tables[] = { e->keyless->local,
	    e->keyless->steps };

	while (e->n_done < 2) {
		unsigned at = e->n_done++;

		if (tables[at] != NULL) {
			run(e, tables[at], at == 0);
			return;
		}
	}
	fetch_done(e);
}

static void
fetch_cb(void *arg)
{
	struct entry *e = arg;
	const struct lease *l = TAILQ_FIRST(&e->holders);
	struct error err;

	if (e->call.values != NULL || l == NULL)
		return;
	e->keyless = l->section->type->keyless(l->section->values);
	e->call.values = l->section->values;
	e->call.scope = e->scope;
	e->n_done = 0;
	if (e->keyless->begin != NULL &&
	    e->keyless->begin(&e->call, &err) == -1)
		fetch_failed(e, &err);
	else
		fetch_next(e);
}

/* --- leases --- */

/* Of a section that was changed: nobody asks for it again. */
static void
drop_old(struct leases *all, const struct conf_credentials *section)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&all->list); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (strcmp(e->name, section->name) == 0 &&
		    e->hash != section->hash && TAILQ_EMPTY(&e->holders))
			entry_free(e);
	}
}

static struct entry *
entry_get(struct leases *all, const struct conf_credentials *section,
    const char *scope)
{
	struct entry *e;

	TAILQ_FOREACH(e, &all->list, link) {
		if (strcmp(e->name, section->name) == 0 &&
		    e->hash == section->hash && strcmp(e->scope, scope) == 0)
			return e;
	}
	drop_old(all, section);
	e = xcalloc(1, sizeof(*e));
	e->all = all;
	e->name = xstrdup(section->name);
	e->scope = xstrdup(scope);
	e->hash = section->hash;
	TAILQ_INIT(&e->holders);
	timer_init(&e->timer, all->loop, fetch_cb, e);
	TAILQ_INSERT_TAIL(&all->list, e, link);
	return e;
}

static bool
is_static(const struct conf_credentials *section)
{
	return section == NULL || section->type->keyless == NULL ||
	    section->type->keyless(section->values) == NULL;
}

struct lease *
lease_take(struct leases *all, const struct conf_credentials *section,
    const char *scope, lease_cb *ready, void *arg)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	struct entry *e;

	l->section = section;
	l->ready = ready;
	l->arg = arg;
	timer_init(&l->timer, all->loop, ready_cb, l);
	if (is_static(section)) {
		lease_tell(l, NULL);
		return l;
	}
	e = l->entry = entry_get(all, section, scope == NULL ? "" : scope);
	TAILQ_INSERT_TAIL(&e->holders, l, link);
	if (clock_now() < e->renew_at) {
		lease_fill_cached(l);
	} else if (e->call.values == NULL) {
		timer_set(&e->timer, 0);
	}
	return l;
}

/* Does somebody else hold it with the same values? */
static bool
is_shared(const struct lease *l)
{
	const struct lease *other;

	TAILQ_FOREACH(other, &l->entry->holders, link) {
		if (other != l &&
		    other->section->values == l->section->values)
			return true;
	}
	return false;
}

void
lease_give(struct lease *l)
{
	struct entry *e;

	if (l == NULL)
		return;
	e = l->entry;
	timer_clear(&l->timer);
	if (e != NULL) {
		bool is_mine = e->call.values == l->section->values &&
		    !is_shared(l);

		TAILQ_REMOVE(&e->holders, l, link);
		if (is_mine)
			fetch_stop(e);
		if (TAILQ_EMPTY(&e->holders))
			timer_clear(&e->timer);
		else if (is_mine)
			timer_set(&e->timer, 0);
	}
	free(l);
}

bool
lease_doubt(struct lease *l)
{
	if (l == NULL || l->entry == NULL || !l->is_cached)
		return false;
	/* Unless somebody else has doubted it before. */
	if (l->fetched == l->entry->fetched)
		l->entry->until = l->entry->renew_at = 0;
	return true;
}
