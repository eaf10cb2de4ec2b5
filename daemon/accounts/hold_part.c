/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/hold_part.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/accounts/hold_about.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/store/store.h"

/* So long one that is over is known as the one before. */
#define KEPT_S 86400

/* There may be as many as certificates. */
struct part {
	struct hold_about	 about;
	char		*name;		/* about.name */
	char		*account, *directory, *msg;
	char		 code[sizeof(((struct error *)0)->code)];
	time_t		 since, at, until;
	unsigned	 times;
};

struct hold_parts {
	struct store	*store;
	struct part	**list;		/* sorted */
	size_t		 n;
	size_t		 n_of[HOLD_KIND_END];
};

static bool
is_pause(const struct part *p)
{
	return strcmp(p->code, HOLD_PAUSED) == 0;
}

static void
part_free(struct part *p)
{
	free(p->name);
	free(p->account);
	free(p->directory);
	free(p->msg);
	free(p);
}

struct hold_parts *
hold_parts_new(struct store *store)
{
	struct hold_parts *all = xcalloc(1, sizeof(*all));

	all->store = store;
	return all;
}

void
hold_parts_free(struct hold_parts *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		part_free(all->list[i]);
	free(all->list);
	free(all);
}

static int
compare(const struct part *p, const struct hold_about *about,
    const struct conf_account *account)
{
	int rc;

	if (p->about.kind != about->kind)
		return p->about.kind < about->kind ? -1 : 1;
	if (p->about.set != about->set)
		return p->about.set < about->set ? -1 : 1;
	rc = strcmp(p->about.name, about->name);
	if (rc == 0)
		rc = strcmp(p->account, account->name);
	return rc != 0 ? rc : strcmp(p->directory, account->directory);
}

/* Where it is, or belongs. */
static size_t
place_of(const struct hold_parts *all, const struct hold_about *about,
    const struct conf_account *account, bool *found)
{
	size_t lo = 0, hi = all->n;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int rc = compare(all->list[mid], about, account);

		if (rc == 0) {
			*found = true;
			return mid;
		}
		if (rc < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct part *
find_or_make(struct hold_parts *all, const struct hold_about *about,
    const struct conf_account *account)
{
	bool found;
	size_t i = place_of(all, about, account, &found);
	struct part *p;

	if (found)
		return all->list[i];
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(about->name);
	p->about = *about;
	p->about.name = p->name;
	p->account = xstrdup(account->name);
	p->directory = xstrdup(account->directory);
	all->list = xreallocarray(all->list, all->n + 1, sizeof(*all->list));
	memmove(&all->list[i + 1], &all->list[i], (all->n - i) *
	    sizeof(*all->list));
	all->list[i] = p;
	all->n++;
	all->n_of[about->kind]++;
	return p;
}

/* --- rows --- */

void
hold_parts_load(struct hold_parts *all, const struct store_hold *row)
{
	struct conf_account account = {
		.name = (char *)(uintptr_t)row->account,
		.directory = (char *)(uintptr_t)row->directory,
	};
	struct hold_about about;
	struct part *p;

	/* Of a version to come: that one goes on with it. */
	if (!hold_about_read(row->about, &about))
		return;
	p = find_or_make(all, &about, &account);
	xstrset(&p->msg, row->err.msg);
	memcpy(p->code, row->err.code, sizeof(p->code));
	p->since = row->since;
	p->at = row->at;
	p->until = row->until;
	p->times = row->times;
}

static void
to_row(const struct part *p, struct store_hold *row)
{
	memset(row, 0, sizeof(*row));
	(void)text_printf(row->account, sizeof(row->account), "%s",
	    p->account);
	(void)text_printf(row->directory, sizeof(row->directory), "%s",
	    p->directory);
	hold_about_print(&p->about, row->about, sizeof(row->about));
	row->since = p->since;
	row->at = p->at;
	row->until = p->until;
	row->times = p->times;
	(void)error_set(&row->err, is_pause(p) ? ERR_CONFIG : ERR_RATELIMIT,
	    p->code, "%s", p->msg);
}

static void
drop(struct hold_parts *all, size_t i)
{
	struct store_hold row;

	to_row(all->list[i], &row);
	store_hold_delete(all->store, &row);
	all->n_of[all->list[i]->about.kind]--;
	part_free(all->list[i]);
	memmove(&all->list[i], &all->list[i + 1], (--all->n - i) *
	    sizeof(*all->list));
}

static void
drop_old(struct hold_parts *all, time_t now)
{
	for (size_t i = all->n; i-- > 0;) {
		if (all->list[i]->until < now - KEPT_S)
			drop(all, i);
	}
}

void
hold_parts_set(struct hold_parts *all, const struct store_hold *row,
    bool is_over)
{
	struct conf_account account = {
		.name = (char *)(uintptr_t)row->account,
		.directory = (char *)(uintptr_t)row->directory,
	};
	struct hold_about about;
	bool found;
	size_t i;

	if (!hold_about_read(row->about, &about))
		return;
	i = place_of(all, &about, &account, &found);
	if (is_over && found) {
		drop(all, i);
	} else if (!is_over) {
		hold_parts_load(all, row);
		store_hold_put(all->store, row);
	}
}

/* --- */

bool
hold_part_failed(struct hold_parts *all, const struct cert *c,
    const struct conf_account *account, const struct error *err)
{
	time_t now = clock_now(), until;
	char domain[DNAME_SIZE];
	struct hold_about about;
	struct store_hold row;
	struct part *p;

	if (!hold_about_of(c, err, domain, &about))
		return false;
	/* Of which names is not known any more: the next one is told, too. */
	if (c->conf == NULL)
		return true;
	drop_old(all, now);
	p = find_or_make(all, &about, account);
	if (p->until <= now || p->at > now) {
		if (p->times++ == 0)
			p->since = now;
		p->until = 0;
	}
	p->at = now;
	(void)text_printf(p->code, sizeof(p->code), "%s", err->code);
	xstrset(&p->msg, err->msg);
	until = hold_limit_end(err, p->times, now);
	if (p->until < until)
		p->until = until;
	to_row(p, &row);
	store_hold_put(all->store, &row);
	return true;
}

typedef void each_cb(const struct hold_parts *, size_t, void *);

static void
call(const struct hold_parts *all, const struct hold_about *about,
    const struct conf_account *account, each_cb *each, void *arg)
{
	bool found;
	size_t i = place_of(all, about, account, &found);

	if (found)
		each(all, i, arg);
}

/* Call each for what there is about the certificate; the index is into the
 * list.  Each pass of the schedule asks this for each certificate: what is of
 * no kind that there is costs nothing, and no text is made. */
static void
each_about(const struct hold_parts *all, const struct cert *c,
    const struct conf_account *account, each_cb *each, void *arg)
{
	struct hold_about about;

	if (account == NULL)
		return;
	if (all->n_of[HOLD_NAMES] != 0) {
		about = hold_about_names(c);
		call(all, &about, account, each, arg);
	}
	if (all->n_of[HOLD_NAME] + all->n_of[HOLD_DOMAIN] == 0)
		return;
	for (unsigned k = 0; k < hold_n_names(c); k++) {
		const char *name = dname_base(c->conf->names[k].name);

		about = (struct hold_about){ .kind = HOLD_NAME, .name = name };
		if (all->n_of[HOLD_NAME] != 0)
			call(all, &about, account, each, arg);
		about.kind = HOLD_DOMAIN;
		for (; all->n_of[HOLD_DOMAIN] != 0 && strchr(name, '.') !=
		    NULL; name = dname_parent(name)) {
			about.name = name;
			call(all, &about, account, each, arg);
		}
	}
}

struct longest {
	const struct cert *cert;
	const struct conf_account *account;
	const struct part *part;
	time_t		 until;
};

static void
longest_cb(const struct hold_parts *all, size_t i, void *arg)
{
	struct longest *best = arg;
	const struct part *p = all->list[i];
	time_t until = hold_limit_until(best->cert, p->code, p->at, p->until);

	/* Of a time that is still to come nothing is known. */
	if (p->at > clock_now() || until <= best->until)
		return;
	/* That of certificates per domain is not for a renewal that the CA
	 * spares, unless it has told this one itself. */
	if (p->about.kind == HOLD_DOMAIN && !hold_limit_was_told(
	    best->cert) && budget_spares_domain(best->cert, best->account))
		return;
	best->until = until;
	best->part = p;
}

time_t
hold_part_until(const struct hold_parts *all, const struct cert *c,
    const struct conf_account *account, struct error *err)
{
	time_t now = clock_now();
	struct longest best = { c, account, NULL, now };
	char in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];

	each_about(all, c, account, longest_cb, &best);
	if (best.part == NULL)
		return 0;
	if (err != NULL && is_pause(best.part)) {
		(void)error_set(err, ERR_CONFIG, HOLD_PAUSED, "%s",
		    best.part->msg);
	} else if (err != NULL) {
		(void)error_set(err, ERR_RATELIMIT, "engine:held", "the CA "
		    "asks account \"%s\" to wait until %s (%s): %s",
		    account->name, text_time(best.until, at),
		    text_span(best.until - now, in), best.part->msg);
		err->retry_at = best.until;
	}
	return best.until;
}

struct ended {
	bool		 is_exempt, spares_domain, was_paused;
};

/* Mark them for hold_part_end(); since is of no use any more. */
static void
mark_cb(const struct hold_parts *all, size_t i, void *arg)
{
	struct ended *ended = arg;
	bool is_paused = is_pause(all->list[i]);

	if ((ended->is_exempt || (ended->spares_domain &&
	    all->list[i]->about.kind == HOLD_DOMAIN)) && !is_paused &&
	    all->list[i]->until > clock_now())
		return;
	all->list[i]->since = -1;
	ended->was_paused = ended->was_paused || is_paused;
}

bool
hold_part_end(struct hold_parts *all, const struct cert *c,
    const struct conf_account *account, bool is_exempt)
{
	struct ended ended = { .is_exempt = is_exempt,
	    .spares_domain = budget_spares_domain(c, account) };
	size_t before = all->n;

	each_about(all, c, account, mark_cb, &ended);
	for (size_t i = all->n; i-- > 0;) {
		const struct part *p = all->list[i];

		if (p->since == -1 || (ended.was_paused && is_pause(p) &&
		    strcmp(p->account, account->name) == 0 &&
		    strcmp(p->directory, account->directory) == 0))
			drop(all, i);
	}
	return all->n != before;
}
