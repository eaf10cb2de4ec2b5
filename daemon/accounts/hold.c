/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/hold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/hold_part.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"

/* Who failed by what may be its own lets another ask first. */
#define LETS_S 5
/* Look again, should nobody tell the end of the run that asks. */
#define ASKING_S 30
#define RESTART_S 60

struct hold {
	TAILQ_ENTRY(hold) link;
	struct store_hold row;
	bool		 is_over;	/* kept for who waits in the queue */
	int64_t		 told_ms;	/* clock_boot_ms() of the last such
					   answer; 0: before the start */
	unsigned long	 told;		/* hold_count() with it; 0: the same */
	/* Where its CA cannot be asked: */
	const struct cert *by;		/* who found out last, if the error may
					   be its own */
	const struct cert *asks;	/* ... asks now, if it runs */
};

struct holds {
	struct store	*store;
	unsigned long	 count;
	TAILQ_HEAD(, hold) list;
	struct hold_parts *parts;
};

static void
load_cb(const struct store_hold *row, void *arg)
{
	struct holds *holds = arg;
	struct hold *h;

	if (row->about[0] != '\0') {
		hold_parts_load(holds->parts, row);
		return;
	}
	h = xcalloc(1, sizeof(*h));
	h->row = *row;
	TAILQ_INSERT_TAIL(&holds->list, h, link);
}

struct holds *
holds_new(struct store *store)
{
	struct holds *holds = xcalloc(1, sizeof(*holds));

	holds->store = store;
	TAILQ_INIT(&holds->list);
	holds->parts = hold_parts_new(store);
	store_hold_each(store, load_cb, holds);
	return holds;
}

void
holds_free(struct holds *holds)
{
	struct hold *h;

	if (holds == NULL)
		return;
	while ((h = TAILQ_FIRST(&holds->list)) != NULL) {
		TAILQ_REMOVE(&holds->list, h, link);
		free(h);
	}
	hold_parts_free(holds->parts);
	free(holds);
}

unsigned long
hold_count(const struct holds *holds)
{
	return holds->count;
}

/* The one of an account (NULL: none), be it over or not. */
static struct hold *
find(const struct holds *holds, const struct conf_account *account)
{
	struct hold *h;

	if (account == NULL)
		return NULL;
	TAILQ_FOREACH(h, &holds->list, link) {
		if (strcmp(h->row.account, account->name) == 0 &&
		    strcmp(h->row.directory, account->directory) == 0)
			return h;
	}
	return NULL;
}

static struct hold *
find_active(const struct holds *holds, const struct conf_account *account)
{
	struct hold *h = find(holds, account);

	return h == NULL || h->is_over ? NULL : h;
}

/* The one of the account that the certificate uses. */
static struct hold *
find_of(const struct holds *holds, const struct cert *c)
{
	return find_active(holds, issuer_now(c));
}

/* Can the CA not be asked?  Else it asks to wait. */
static bool
is_down(const struct hold *h)
{
	return h->row.err.kind != ERR_RATELIMIT;
}

/* --- what holds --- */

static struct hold *
find_or_make(struct holds *holds, const struct conf_account *account,
    bool down, time_t now)
{
	struct hold *h = find(holds, account);

	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		h->is_over = true;
		TAILQ_INSERT_TAIL(&holds->list, h, link);
		(void)text_printf(h->row.account, sizeof(h->row.account), "%s",
		    account->name);
		(void)text_printf(h->row.directory, sizeof(h->row.directory),
		    "%s", account->directory);
	}
	if (h->is_over || is_down(h) != down) {
		h->row.times = 0;
		h->row.until = 0;
		h->row.since = now;
	}
	h->is_over = false;
	return h;
}

static time_t
next_at(const struct hold *h, const struct cert *c, const struct error *err,
    time_t now)
{
	time_t asked, until;

	if (!is_down(h))
		return hold_limit_end(err, h->row.times, now);
	/* Many certificates shall not come each after a minute of its own. */
	until = due_retry_at(&(struct error){
	    .kind = err->kind }, h->row.times, now,
	    c->row.serial != NULL ? c->row.not_after : 0);

	/* One asks for all: that is little, and all wait for it. */
	if (err->kind == ERR_TRANSIENT)
		return due_soon_retry_at(h->row.times, now);
	asked = due_asked(err->retry_at, now);
	return until < asked ? asked : until;
}

bool
hold_failed(struct holds *holds, const struct cert *c,
    const struct conf_account *account, const struct hold_run *run,
    struct error *err)
{
	time_t now = clock_now(), until;
	bool down = hold_is_trouble(c, run, err);
	struct hold *h = find_active(holds, account);

	if (strcmp(err->code, "engine:held") == 0 ||
	    certs_is_shared_error(err))
		return true;
	if (account == NULL || (!down && (hold_part_failed(holds->parts, c,
	    account, err) || !hold_is_limit(err))))
		return false;
	/* What the CA asks for does not end because it cannot be asked now. */
	if (down && h != NULL && !is_down(h) && h->row.at <= now &&
	    h->row.until > now)
		return false;
	if (h != NULL && h->told > run->begun && is_down(h) == down &&
	    (down || !run->has_asked) && hold_until_run(holds, c, account,
	    err) != 0)
		return true;
	h = find_or_make(holds, account, down, now);
	/* Those that asked at the same time were told the same thing once. */
	if (h->row.until <= now || h->row.at > now) {
		h->row.times++;
		h->row.until = 0;
	}
	h->row.at = now;
	h->told_ms = clock_boot_ms();
	h->told = ++holds->count;
	h->row.err = *err;
	until = next_at(h, c, err, now);
	if (h->row.until < until)
		h->row.until = until;
	h->by = down && hold_is_own(run, err) ? c : NULL;
	h->asks = NULL;
	store_hold_put(holds->store, &h->row);
	return down && !hold_is_own(run, err);
}

static void
end(struct holds *holds, struct hold *h, struct cert *c)
{
	char span[TEXT_SPAN_MAX];
	time_t now = clock_now();

	if (is_down(h))
		event_emit(c->certs, c->row.name, STEP_ORDER, LOGL_NOTICE,
		    "certificates of account \"%s\" can be ordered again, "
		    "after %s", h->row.account, text_span(now >
		    h->row.since ? now - h->row.since : 0, span));
	store_hold_delete(holds->store, &h->row);
	h->is_over = true;
	certs_changed(c->certs);
}

void
hold_end(struct holds *holds, struct cert *c,
    const struct conf_account *account, int64_t asked_ms, bool is_exempt)
{
	struct hold *h = find_active(holds, account);

	if (h != NULL && h->told_ms <= asked_ms && (!is_exempt || is_down(h) ||
	    h->row.until <= clock_now()))
		end(holds, h, c);
	if (account != NULL && hold_part_end(holds->parts, c, account,
	    is_exempt))
		certs_changed(c->certs);
}

void
hold_reached(struct holds *holds, struct cert *c,
    const struct conf_account *account)
{
	struct hold *h = find_active(holds, account);

	if (h != NULL && is_down(h) &&
	    strncmp(h->row.err.code, "http:", 5) == 0)
		end(holds, h, c);
}

void
holds_set(struct holds *holds, const struct store_hold *row, bool is_over)
{
	struct conf_account account = {
		.name = (char *)(uintptr_t)row->account,
		.directory = (char *)(uintptr_t)row->directory,
	};
	struct hold *h;

	if (row->about[0] != '\0') {
		hold_parts_set(holds->parts, row, is_over);
		return;
	}
	h = find_active(holds, &account);
	if (is_over) {
		if (h == NULL || is_down(h))
			return;
		store_hold_delete(holds->store, &h->row);
		h->is_over = true;
		return;
	}
	if (row->err.kind != ERR_RATELIMIT ||
	    (h != NULL && !is_down(h) && h->row.until >= row->until))
		return;
	h = find_or_make(holds, &account, false, row->since);
	h->row = *row;
	h->told_ms = clock_boot_ms();
	h->told = ++holds->count;
	h->by = h->asks = NULL;
	store_hold_put(holds->store, &h->row);
}

void
hold_retry(struct holds *holds, bool is_start)
{
	time_t now = clock_now();
	struct hold *h;

	TAILQ_FOREACH(h, &holds->list, link) {
		if (h->is_over || !is_down(h) || h->row.until <= now ||
		    (is_start && (h->row.err.kind != ERR_CONFIG ||
		    h->row.at >= now - RESTART_S)))
			continue;
		h->row.until = now;
		h->by = NULL;
		store_hold_put(holds->store, &h->row);
	}
}

/* --- whom it holds --- */

static bool
is_asking(const struct cert *c)
{
	return c != NULL && c->run != NULL && c->step <= STEP_ORDER;
}

/* As hold_until(). */
static time_t
down_until(const struct hold *h, const struct cert *c, time_t now)
{
	time_t until = h->row.until + (h->by == c ? LETS_S : 0);

	/* A person is told once what the CA says now. */
	if (c->passes_hold && h->told <= c->asked_after)
		return 0;
	if (until > now)
		return until;
	return h->asks != c && is_asking(h->asks) ? now + ASKING_S : 0;
}

/* Until when the whole account is held; passes: not by what the CA asks. */
static time_t
whole_until(const struct holds *holds, const struct cert *c,
    const struct conf_account *account, bool passes, struct error *err)
{
	time_t now = clock_now(), until;
	char in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	const struct hold *h = find_active(holds, account);
	struct hold_told told;

	if (h == NULL || h->row.at > now)
		return 0;
	until = is_down(h) ? down_until(h, c, now) : passes ? 0 :
	    hold_limit_until(c, h->row.err.code, h->row.at, h->row.until);
	if (until <= now)
		return 0;
	if (err != NULL && is_down(h)) {
		hold_tell(h, &told);
		(void)error_set(err, told.err->kind, "engine:held", "%s: %s",
		    told.words, told.err->msg);
	} else if (err != NULL) {
		(void)error_set(err, ERR_RATELIMIT, "engine:held",
		    "the CA asks account \"%s\" to wait until %s (%s): %s",
		    h->row.account, text_time(until, at),
		    text_span(until - now, in), h->row.err.msg);
	}
	if (err != NULL)
		err->retry_at = until;
	return until;
}

static time_t
until_of(const struct holds *holds, const struct cert *c,
    const struct conf_account *account, bool passes, struct error *err)
{
	time_t whole = whole_until(holds, c, account, passes, err), part;
	struct error longer;

	part = passes || account == NULL ? 0 : hold_part_until(holds->parts,
	    c, account, &longer);
	if (part <= whole)
		return whole;
	if (err != NULL)
		*err = longer;
	return part;
}

time_t
hold_until(const struct holds *holds, const struct cert *c,
    struct error *err)
{
	return hold_until_run(holds, c, issuer_now(c), err);
}

time_t
hold_until_run(const struct holds *holds, const struct cert *c,
    const struct conf_account *account, struct error *err)
{
	return until_of(holds, c, account, c->passes_hold, err);
}

time_t
hold_until_at(const struct holds *holds, const struct cert *c,
    const struct conf_account *account, struct error *err)
{
	return until_of(holds, c, account, false, err);
}

time_t
hold_until_asked(const struct holds *holds, const struct cert *c,
    struct error *err)
{
	const struct store_cert *row = &c->row;
	const struct hold *h = find_of(holds, c);
	time_t now = clock_now(), until = h == NULL || !is_down(h) ?
	    hold_until(holds, c, err) : c->passes_hold ? 0 : hold_part_until(
	    holds->parts, c, issuer_now(c), err);
	char in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	time_t own;

	if (until != 0 || c->conf == NULL || conf_n_issuers(c->conf) != 1 ||
	    !hold_limit_was_told(c) || row->error_at > now)
		return until;
	own = due_held_until(row->error, row->error_at,
	    row->serial != NULL ? row->not_after : 0);
	if (own <= now)
		return 0;
	(void)error_set(err, ERR_RATELIMIT, "engine:held",
	    "the CA asks to wait until %s (%s): %s", text_time(own, at),
	    text_span(own - now, in), row->error->msg);
	err->retry_at = own;
	return own;
}

void
hold_begin(struct holds *holds, const struct cert *c)
{
	struct hold *h = find_of(holds, c);

	if (h != NULL)
		h->asks = c;
}

bool
hold_is_down(const struct holds *holds, const struct conf_account *account)
{
	const struct hold *h = find_active(holds, account);

	return h != NULL && is_down(h) && h->row.until > clock_now();
}

/* --- who waits --- */

void
hold_mark(struct holds *holds, struct cert *c, bool is_due)
{
	const struct hold *h = is_due ? find_of(holds, c) : NULL;

	c->waits = h != NULL && is_down(h) ? h : NULL;
}

void
hold_tell(const struct hold *h, struct hold_told *out)
{
	char at[TEXT_TIME_MAX], span[TEXT_SPAN_MAX], in[TEXT_SPAN_MAX];
	time_t now = clock_now();

	out->err = &h->row.err;
	out->times = h->row.times;
	out->since = h->row.since;
	out->at = h->row.at;
	out->until = h->is_over || h->row.until <= now ? 0 : h->row.until;
	if (h->is_over)
		(void)text_printf(out->words, sizeof(out->words),
		    "certificates of account \"%s\" can be ordered again",
		    h->row.account);
	else
		(void)text_printf(out->words, sizeof(out->words),
		    "no certificate of account \"%s\" can be ordered since "
		    "%s (%s); one asks the CA again %s%s, for all",
		    h->row.account, text_time(h->row.since, at),
		    text_span(now > h->row.since ? now - h->row.since : 0,
		    span), out->until != 0 ? "in " : "now", out->until != 0 ?
		    text_span(out->until - now, in) : "");
}

size_t
hold_waiting(const struct holds *holds, const struct cert *c)
{
	const struct hold *h = find_of(holds, c);
	size_t n = 0;

	if (h == NULL || !is_down(h))
		return 0;
	for (size_t i = 0; i < c->certs->n; i++) {
		const struct cert *o = c->certs->list[i];

		n += o == c || ((o->waits != NULL || o->is_queued ||
		    is_asking(o)) && find_of(holds, o) == h);
	}
	return n;
}

void
hold_forget(struct holds *holds, const struct cert *c)
{
	struct hold *h;

	TAILQ_FOREACH(h, &holds->list, link) {
		if (h->by == c)
			h->by = NULL;
		if (h->asks == c)
			h->asks = NULL;
	}
}
