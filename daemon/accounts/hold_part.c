/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/hold_part.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/acme/refusal.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/store/store.h"

/* So long one that is over is known as the one before. */
#define KEPT_S 86400
/* So often in a row a short wait is believed. */
#define EXACT_TIMES 3
#define PAUSED "acme:paused"

enum part_kind {
	PART_DOMAIN,
	PART_NAME,
	PART_NAMES,
	PART_KIND_END
};
static const char *const kind_texts[PART_KIND_END] = { "domain", "name",
    "names" };

/* What it is about. */
struct about {
	enum part_kind	 kind;
	uint64_t	 set;		/* of PART_NAMES; else 0 */
	const char	*name;		/* of the others; else "" */
};

/* There may be as many as certificates. */
struct part {
	struct about	 about;
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
	size_t		 n_of[PART_KIND_END];
};

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
compare(const struct part *p, const struct about *about,
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
place_of(const struct hold_parts *all, const struct about *about,
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
find_or_make(struct hold_parts *all, const struct about *about,
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

/* The texts of the table. */
static bool
about_read(const char *text, struct about *out)
{
	const char *value = strchr(text, ':');
	char *end;

	for (int i = 0; value != NULL && i < PART_KIND_END; i++) {
		size_t len = (size_t)(value - text);

		if (strlen(kind_texts[i]) != len ||
		    memcmp(kind_texts[i], text, len) != 0)
			continue;
		*out = (struct about){ .kind = i, .name = "" };
		value++;
		if (i != PART_NAMES) {
			out->name = value;
			return true;
		}
		out->set = strtoull(value, &end, 16);
		return end != value && *end == '\0';
	}
	return false;
}

static void
about_print(const struct about *about, char *out, size_t size)
{
	if (about->kind == PART_NAMES)
		(void)text_printf(out, size, "%s:%016" PRIx64,
		    kind_texts[about->kind], about->set);
	else
		(void)text_printf(out, size, "%s:%s", kind_texts[about->kind],
		    about->name);
}

void
hold_parts_load(struct hold_parts *all, const struct store_hold *row)
{
	struct conf_account account = {
		.name = (char *)(uintptr_t)row->account,
		.directory = (char *)(uintptr_t)row->directory,
	};
	struct about about;
	struct part *p;

	/* Of a version to come: that one goes on with it. */
	if (!about_read(row->about, &about))
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
	about_print(&p->about, row->about, sizeof(row->about));
	row->since = p->since;
	row->at = p->at;
	row->until = p->until;
	row->times = p->times;
	(void)error_set(&row->err, strcmp(p->code, PAUSED) == 0 ? ERR_CONFIG :
	    ERR_RATELIMIT, p->code, "%s", p->msg);
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

/* --- what a limit is about --- */

/* A run goes on when a reload has taken its certificate out. */
static unsigned
n_names(const struct cert *c)
{
	return c->conf != NULL ? c->conf->n_names : 0;
}

/* In any order the same. */
static struct about
about_names(const struct cert *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n_names(c); i++)
		sum += text_hash(TEXT_HASH_BASIS, c->conf->names[i].name);
	return (struct about){ .kind = PART_NAMES, .set = sum, .name = "" };
}

/* Has the certificate that name, or one in that domain? */
static bool
has_name(const struct cert *c, const char *name, bool is_domain)
{
	for (unsigned i = 0; i < n_names(c); i++) {
		const char *own = dname_base(c->conf->names[i].name);

		if (is_domain ? dname_is_in(own, name) :
		    strcmp(own, name) == 0)
			return true;
	}
	return false;
}

/* Is the name, or a domain of two labels or more above it, in the text? */
static bool
is_named(const char *text, const char *name)
{
	for (name = dname_base(name); name != NULL && strchr(name, '.') !=
	    NULL; name = dname_parent(name)) {
		if (strcasestr(text, name) != NULL)
			return true;
	}
	return false;
}

/* false: of the whole account, or no limit at all.  domain: for out's name. */
static bool
about_of(const struct cert *c, const struct error *err,
    char domain[DNAME_SIZE], struct about *out)
{
	enum refusal_about about = refusal_about(err, domain);

	if (strcmp(err->code, PAUSED) != 0 &&
	    (err->kind != ERR_RATELIMIT || strncmp(err->code, "acme:", 5) !=
	    0))
		return false;
	switch (about) {
	case REFUSAL_DOMAIN:
	case REFUSAL_NAME:
		if (!has_name(c, domain, about == REFUSAL_DOMAIN))
			break;
		*out = (struct about){ .kind = about == REFUSAL_DOMAIN ?
		    PART_DOMAIN : PART_NAME, .name = domain };
		return true;
	case REFUSAL_ACCOUNT:
		/* The words of another CA than Boulder's. */
		for (unsigned i = 0; i < n_names(c) &&
		    strncmp(err->code, "acme:http-", 10) != 0; i++) {
			if (is_named(err->msg, c->conf->names[i].name)) {
				*out = about_names(c);
				return true;
			}
		}
		return false;
	case REFUSAL_NAMES:
		break;
	}
	*out = about_names(c);
	return true;
}

/* --- */

time_t
hold_limit_end(const struct error *err, unsigned times, time_t now)
{
	time_t asked = due_asked(err->retry_at, now);
	time_t until;

	if (strcmp(err->code, PAUSED) == 0)
		return STORE_PAUSED_EVER;
	/* A CA that asks for a second each time is not asked each second. */
	if (asked > now && times <= EXACT_TIMES)
		return asked;
	until = due_retry_at(&(struct error){ .kind = ERR_RATELIMIT }, times,
	    now, 0);
	return until < asked ? asked : until;
}

time_t
hold_limit_until(const struct cert *c, const char *code, time_t at,
    time_t until)
{
	struct error told = { .kind = ERR_RATELIMIT, .retry_at = until };

	if (strcmp(code, PAUSED) == 0)
		return until;
	(void)text_printf(told.code, sizeof(told.code), "%s", code);
	return due_held_until(&told, at, c->row.serial != NULL ?
	    c->row.not_after : 0);
}

bool
hold_limit_was_told(const struct cert *c)
{
	const struct store_cert *row = &c->row;

	return row->error != NULL && row->failures != 0 &&
	    row->error->kind == ERR_RATELIMIT &&
	    strncmp(row->error->code, "acme:", 5) == 0;
}

bool
hold_part_failed(struct hold_parts *all, const struct cert *c,
    const struct conf_account *account, const struct error *err)
{
	time_t now = clock_now(), until;
	char domain[DNAME_SIZE];
	struct about about;
	struct store_hold row;
	struct part *p;

	if (!about_of(c, err, domain, &about))
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
call(const struct hold_parts *all, const struct about *about,
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
	struct about about;

	if (account == NULL)
		return;
	if (all->n_of[PART_NAMES] != 0) {
		about = about_names(c);
		call(all, &about, account, each, arg);
	}
	if (all->n_of[PART_NAME] + all->n_of[PART_DOMAIN] == 0)
		return;
	for (unsigned k = 0; k < n_names(c); k++) {
		const char *name = dname_base(c->conf->names[k].name);

		about = (struct about){ .kind = PART_NAME, .name = name };
		if (all->n_of[PART_NAME] != 0)
			call(all, &about, account, each, arg);
		about.kind = PART_DOMAIN;
		for (; all->n_of[PART_DOMAIN] != 0 && strchr(name, '.') !=
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
	if (p->about.kind == PART_DOMAIN && !hold_limit_was_told(
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
	if (err != NULL && strcmp(best.part->code, PAUSED) == 0) {
		(void)error_set(err, ERR_CONFIG, PAUSED, "%s",
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
	bool is_paused = strcmp(all->list[i]->code, PAUSED) == 0;

	if ((ended->is_exempt || (ended->spares_domain &&
	    all->list[i]->about.kind == PART_DOMAIN)) && !is_paused &&
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

		if (p->since == -1 || (ended.was_paused && strcmp(p->code,
		    PAUSED) == 0 && strcmp(p->account, account->name) == 0 &&
		    strcmp(p->directory, account->directory) == 0))
			drop(all, i);
	}
	return all->n != before;
}
