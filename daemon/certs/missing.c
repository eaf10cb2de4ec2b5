/* SPDX-License-Identifier: MIT */
#include "daemon/certs/missing.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"

#define HOUR_S		3600
#define DAY_S		86400
#define OMITTED_S	(2 * DAY_S)	/* then all are tried again */
#define CLOCK_STEP_S	300
#define FAILURES	2	/* in a row, of one not missing yet */

static struct missing *
find(const struct cert *c, const char *name)
{
	for (unsigned i = 0; i < c->n_missing; i++) {
		if (strcmp(c->missing[i].row.name, name) == 0)
			return &c->missing[i];
	}
	return NULL;
}

static struct missing *
add(struct cert *c, const char *name)
{
	struct missing *m = find(c, name);

	if (m != NULL)
		return m;
	c->missing = xreallocarray(c->missing, c->n_missing + 1,
	    sizeof(*c->missing));
	m = &c->missing[c->n_missing++];
	memset(m, 0, sizeof(*m));
	(void)text_printf(m->row.cert, sizeof(m->row.cert), "%s",
	    c->row.name);
	(void)text_printf(m->row.name, sizeof(m->row.name), "%s", name);
	m->row.since = clock_now();
	return m;
}

static void
drop(struct cert *c, unsigned i)
{
	store_missing_delete(c->certs->store, c->row.name,
	    c->missing[i].row.name);
	memmove(&c->missing[i], &c->missing[i + 1],
	    (--c->n_missing - i) * sizeof(*c->missing));
}

static void
save(const struct cert *c, const struct missing *m)
{
	store_missing_put(c->certs->store, &m->row);
}

static void
load_cb(const struct store_missing *row, void *arg)
{
	struct cert *c = certs_find(arg, row->cert);

	if (c != NULL)
		add(c, row->name)->row = *row;
}

void
missing_load(struct certs *certs)
{
	store_missing_each(certs->store, load_cb, certs);
}

void
missing_set(struct cert *c, const struct store_missing *rows, size_t n)
{
	while (c->n_missing > 0)
		drop(c, c->n_missing - 1);
	for (size_t i = 0; i < n; i++) {
		struct missing *m = add(c, rows[i].name);

		m->row = rows[i];
		(void)text_printf(m->row.cert, sizeof(m->row.cert), "%s",
		    c->row.name);
		save(c, m);
	}
}

static bool
shrinks(const struct cert *c)
{
	return c->conf != NULL &&
	    c->conf->on_name_failure == NAME_FAILURE_SHRINK;
}

static bool
is_configured(const struct conf_cert *cc, const char *name)
{
	for (unsigned i = 0; i < cc->n_names; i++) {
		if (strcmp(cc->names[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Is it to be left out of the next run? */
static bool
is_omitted(const struct missing *m)
{
	int64_t age = (int64_t)clock_now() - m->row.omitted_at;

	return m->row.omitted_at != 0 && age >= -CLOCK_STEP_S &&
	    age < OMITTED_S;
}

static bool
skip_omitted(const char *name, const void *arg)
{
	const struct missing *m = find(arg, name);

	return m != NULL && is_omitted(m);
}

static bool
skip_missing(const char *name, const void *arg)
{
	return missing_has(arg, name);
}

/* --- runs --- */

struct conf_cert *
missing_narrow(const struct cert *c)
{
	return shrinks(c) && c->n_missing > 0 ? conf_cert_without(c->conf,
	    skip_omitted, c) : NULL;
}

void
missing_failed(struct cert *c, const char *name, const struct error *err)
{
	struct missing *m;
	time_t now = clock_now();
	size_t len = strlen(name);

	if (cert_is_dry_run(c->row.name))
		return;
	m = add(c, name);
	/* One that was left out counts its tries since. */
	if (!m->is_fresh && !m->row.is_left_out)
		m->row.tries++;
	m->is_fresh = true;
	m->row.failed_at = now;
	m->row.err = *err;
	/* It is always told with its name. */
	if (strncmp(err->msg, name, len) == 0 &&
	    strncmp(err->msg + len, ": ", 2) == 0)
		(void)text_printf(m->row.err.msg, sizeof(m->row.err.msg),
		    "%s", err->msg + len + 2);
	save(c, m);
}

static bool
may_omit(const struct cert *c, const struct missing *m, time_t now)
{
	const struct store_cert *row = &c->row;

	return m->is_fresh && !is_omitted(m) &&
	    is_configured(c->conf, m->row.name) && (m->row.is_left_out ||
	    (m->row.tries >= FAILURES && (row->serial == NULL ||
	    now >= due_urgent_at(row->not_before, row->not_after))));
}

static unsigned
count_left(const struct cert *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->conf->n_names; i++)
		n += !skip_omitted(c->conf->names[i].name, c);
	return n;
}

bool
missing_decide(struct cert *c, time_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; shrinks(c) && i < c->n_missing; i++)
		n += may_omit(c, &c->missing[i], now);
	/* Of none there is no certificate. */
	if (n > 0 && n >= count_left(c))
		n = 0;
	for (unsigned i = 0; i < c->n_missing; i++) {
		struct missing *m = &c->missing[i];

		if (n > 0 && may_omit(c, m, now)) {
			m->row.omitted_at = now;
			save(c, m);
		}
		m->is_fresh = false;
	}
	return n > 0;
}

void
missing_try_all(struct cert *c)
{
	for (unsigned i = 0; i < c->n_missing; i++) {
		if (c->missing[i].row.omitted_at == 0)
			continue;
		c->missing[i].row.omitted_at = 0;
		save(c, &c->missing[i]);
	}
}

static void
leave_out(struct cert *c, const char *name, const struct error *why,
    time_t retry_at)
{
	struct missing *m = find(c, name);

	if (m == NULL) {
		m = add(c, name);
		m->row.err = *why;
		m->row.failed_at = m->row.since;
	}
	m->row.is_left_out = true;
	m->row.tries = 0;
	m->row.omitted_at = 0;
	m->row.retry_at = retry_at;
	m->is_fresh = false;
	save(c, m);
}

void
missing_installed(struct cert *c, const struct conf_cert *all,
    const struct conf_cert *has, const struct error *why, time_t retry_at)
{
	struct error unknown;

	if (why == NULL) {
		(void)error_set(&unknown, ERR_TRANSIENT, "missing:unknown",
		    "the certificate came without this name");
		why = &unknown;
	}
	if (retry_at == 0)
		retry_at = clock_now() + HOUR_S;
	for (unsigned i = c->n_missing; i-- > 0;) {
		const char *name = c->missing[i].row.name;

		if (!is_configured(all, name) || is_configured(has, name))
			drop(c, i);
	}
	for (unsigned i = 0; has != all && i < all->n_names; i++) {
		if (!is_configured(has, all->names[i].name))
			leave_out(c, all->names[i].name, why, retry_at);
	}
}

void
missing_put_off(struct cert *c, const struct error *err)
{
	static const int64_t pauses[] = { 6 * HOUR_S, DAY_S };
	time_t now = clock_now();
	time_t asked = due_held_until(err, now, c->row.not_after);

	for (unsigned i = 0; i < c->n_missing; i++) {
		struct missing *m = &c->missing[i];
		int64_t s = pauses[m->row.tries > 0];

		m->is_fresh = false;
		if (!m->row.is_left_out)
			continue;
		m->row.tries++;
		/* Not the same minute every day. */
		m->row.retry_at = now + (time_t)(s - s / 10 +
		    (int64_t)arc4random_uniform((uint32_t)(s / 5)));
		if (m->row.retry_at < asked)
			m->row.retry_at = asked;
		save(c, m);
	}
}

/* --- what is so --- */

bool
missing_has(const struct cert *c, const char *name)
{
	const struct missing *m = shrinks(c) ? find(c, name) : NULL;

	return m != NULL && m->row.is_left_out;
}

static bool
counts(const struct cert *c, const struct missing *m)
{
	return m->row.is_left_out && is_configured(c->conf, m->row.name);
}

unsigned
missing_count(const struct cert *c)
{
	unsigned n = 0;

	for (unsigned i = 0; c->row.serial != NULL && shrinks(c) &&
	    i < c->n_missing; i++)
		n += counts(c, &c->missing[i]);
	return n;
}

time_t
missing_retry_at(const struct cert *c)
{
	time_t at = 0;

	for (unsigned i = 0; missing_count(c) > 0 && i < c->n_missing; i++) {
		if (counts(c, &c->missing[i]) &&
		    c->missing[i].row.retry_at > at)
			at = c->missing[i].row.retry_at;
	}
	return at;
}

bool
missing_fits(const struct cert *c, const char *names)
{
	return cert_is_for_but(c, names, c->n_missing > 0 ? skip_missing :
	    NULL, c);
}

bool
missing_fits_next(const struct cert *c, const char *names)
{
	return cert_is_for_but(c, names, c->n_missing > 0 && shrinks(c) ?
	    skip_omitted : NULL, c);
}

struct conf_cert *
missing_installed_conf(const struct cert *c, const struct conf_cert *cc)
{
	return missing_count(c) > 0 ? conf_cert_without(cc, skip_missing, c) :
	    NULL;
}

char *
missing_text(const struct cert *c)
{
	char *all = xstrdup("");

	for (unsigned i = 0; missing_count(c) > 0 && i < c->n_missing; i++) {
		const struct store_missing *m = &c->missing[i].row;
		char *longer;

		if (!counts(c, &c->missing[i]))
			continue;
		longer = xasprintf("%s%s%s: %s", all, all[0] != '\0' ? "; " :
		    "", m->name, m->err.msg);
		free(all);
		all = longer;
	}
	return all;
}

json_t *
missing_json(const struct cert *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; missing_count(c) > 0 && i < c->n_missing; i++) {
		const struct store_missing *m = &c->missing[i].row;

		if (counts(c, &c->missing[i]))
			(void)json_array_append_new(list, json_pack(
			    "{s:s, s:o, s:o, s:o}", "name", m->name, "since",
			    jsonx_time(m->since), "next_at",
			    jsonx_time(c->watch != NULL ? 0 : m->retry_at),
			    "error", jsonx_error(&m->err, m->failed_at)));
	}
	return list;
}
