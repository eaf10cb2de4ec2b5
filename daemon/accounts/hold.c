/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/hold.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"

struct hold {
	TAILQ_ENTRY(hold) link;
	struct store_hold row;
	int64_t		 told_ms;	/* clock_boot_ms() of the last such
					   answer; 0: before the start */
};

struct holds {
	struct store	*store;
	TAILQ_HEAD(, hold) list;
};

static void
load_cb(const struct store_hold *row, void *arg)
{
	struct holds *holds = arg;
	struct hold *h = xcalloc(1, sizeof(*h));

	h->row = *row;
	TAILQ_INSERT_TAIL(&holds->list, h, link);
}

struct holds *
holds_new(struct store *store)
{
	struct holds *holds = xcalloc(1, sizeof(*holds));

	holds->store = store;
	TAILQ_INIT(&holds->list);
	store_hold_each(store, load_cb, holds);
	return holds;
}

static void
forget(struct holds *holds, struct hold *h)
{
	TAILQ_REMOVE(&holds->list, h, link);
	free(h);
}

void
holds_free(struct holds *holds)
{
	struct hold *h;

	if (holds == NULL)
		return;
	while ((h = TAILQ_FIRST(&holds->list)) != NULL)
		forget(holds, h);
	free(holds);
}

static struct hold *
find(const struct holds *holds, const struct conf_account *account)
{
	struct hold *h;

	TAILQ_FOREACH(h, &holds->list, link) {
		if (strcmp(h->row.account, account->name) == 0 &&
		    strcmp(h->row.directory, account->directory) == 0)
			return h;
	}
	return NULL;
}

/* --- whom it concerns --- */

/* Is the name, or a domain of two labels or more above it, in the text? */
static bool
is_named(const char *text, const char *name)
{
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	while (strchr(name, '.') != NULL) {
		if (strcasestr(text, name) != NULL)
			return true;
		name = strchr(name, '.') + 1;
	}
	return false;
}

static bool
is_about_names(const struct cert *c, const struct error *err)
{
	static const char *const words[] = { "domain", "hostname",
	    "identifier", "exact set" };

	/* It is none of the CA's own words. */
	if (strncmp(err->code, "acme:http-", 10) == 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(err->msg, words[i]) != NULL)
			return true;
	}
	for (size_t i = 0; i < c->conf->n_names; i++) {
		if (is_named(err->msg, c->conf->names[i].name))
			return true;
	}
	return false;
}

void
hold_failed(struct holds *holds, const struct cert *c,
    const struct error *err)
{
	time_t now = clock_now(), until, asked;
	struct store_hold *row;
	struct hold *h;

	if (c->conf == NULL || c->conf->account == NULL ||
	    err->kind != ERR_RATELIMIT ||
	    strncmp(err->code, "acme:", 5) != 0 || is_about_names(c, err))
		return;
	h = find(holds, c->conf->account);
	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		TAILQ_INSERT_TAIL(&holds->list, h, link);
	}
	row = &h->row;
	(void)text_printf(row->account, sizeof(row->account), "%s",
	    c->conf->account->name);
	(void)text_printf(row->directory, sizeof(row->directory), "%s",
	    c->conf->account->directory);
	/* Those that asked at the same time were told the same thing once. */
	if (row->until <= now || row->at > now) {
		row->times++;
		row->until = 0;
	}
	row->at = now;
	h->told_ms = clock_boot_ms();
	/* Many certificates shall not come each after a minute of its own. */
	until = due_retry_at(&(struct error){ .kind = ERR_RATELIMIT },
	    row->times, now, 0);
	asked = due_asked(err->retry_at, now);
	if (until < asked)
		until = asked;
	if (row->until < until)
		row->until = until;
	(void)text_printf(row->code, sizeof(row->code), "%s", err->code);
	(void)text_printf(row->msg, sizeof(row->msg), "%s", err->msg);
	store_hold_put(holds->store, row);
}

void
hold_end(struct holds *holds, const struct conf_account *account,
    int64_t asked_ms)
{
	struct hold *h = find(holds, account);

	if (h == NULL || h->told_ms > asked_ms)
		return;
	store_hold_delete(holds->store, &h->row);
	forget(holds, h);
}

time_t
hold_until(const struct holds *holds, const struct cert *c,
    struct error *err)
{
	const struct store_cert *row = &c->row;
	time_t now = clock_now(), until;
	char in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	struct error told = { .kind = ERR_RATELIMIT };
	const struct hold *h;

	if (c->conf == NULL || c->conf->account == NULL ||
	    c->conf->source != NULL ||
	    (h = find(holds, c->conf->account)) == NULL ||
	    h->row.at > now)
		return 0;
	told.retry_at = h->row.until;
	memcpy(told.code, h->row.code, sizeof(told.code));
	until = due_held_until(&told, h->row.at, row->serial != NULL ?
	    row->not_after : 0);
	if (until <= now)
		return 0;
	if (err != NULL) {
		(void)error_set(err, ERR_RATELIMIT, "engine:held",
		    "the CA asks account \"%s\" to wait until %s (%s): %s",
		    h->row.account, text_time(until, at),
		    text_span(until - now, in), h->row.msg);
		err->retry_at = until;
	}
	return until;
}

time_t
hold_until_asked(const struct holds *holds, const struct cert *c,
    struct error *err)
{
	const struct store_cert *row = &c->row;
	time_t now = clock_now(), until = hold_until(holds, c, err);
	char in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	time_t own;

	if (until != 0 || row->error == NULL || row->failures == 0 ||
	    c->conf == NULL || c->conf->source != NULL ||
	    row->error->kind != ERR_RATELIMIT || row->error_at > now ||
	    strncmp(row->error->code, "acme:", 5) != 0)
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
