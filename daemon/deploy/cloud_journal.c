/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud_journal.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"

/* Is the row of the place that is asked, not of the same store with other
 * credentials or elsewhere? */
static bool
is_here(const struct cloud_journal *j, const struct store_cloud *row)
{
	return strcmp(row->place, j->mine.place) == 0;
}

/* Of this very target? */
static bool
is_own(const struct cloud_journal *j, const struct store_cloud *row)
{
	return is_here(j, row) && strcmp(row->target, j->mine.target) == 0;
}

/* Of this very certificate? */
static bool
is_new(const struct cloud_journal *j, const struct store_cloud *row)
{
	return strcmp(row->sha256, j->mine.sha256) == 0;
}

/* The key of a row is copied. */
static void
row_cb(const struct store_cloud *row, void *arg)
{
	struct cloud_journal *j = arg;
	size_t store = strcspn(j->mine.place, " ") + 1;

	if (strncmp(row->place, j->mine.place, store) != 0)
		return;
	j->rows = xreallocarray(j->rows, j->n + 1, sizeof(*j->rows));
	j->rows[j->n++] = *row;
	if (is_own(j, row) && is_new(j, row))
		j->mine = *row;
}

void
cloud_journal_load(struct cloud_journal *j, struct store *store,
    const char *cert, const char *target, const char *place,
    const char *sha256)
{
	struct store_cloud *m = &j->mine;

	memset(j, 0, sizeof(*j));
	j->store = store;
	(void)text_printf(m->cert, sizeof(m->cert), "%s", cert);
	(void)text_printf(m->target, sizeof(m->target), "%s", target);
	(void)text_printf(m->place, sizeof(m->place), "%s", place);
	(void)text_printf(m->sha256, sizeof(m->sha256), "%s", sha256);
	store_cloud_each(store, cert, row_cb, j);
}

void
cloud_journal_clear(struct cloud_journal *j)
{
	free(j->rows);
	memset(j, 0, sizeof(*j));
}

const char *
cloud_journal_id(const struct cloud_journal *j)
{
	for (size_t i = 0; j->mine.id[0] == '\0' && i < j->n; i++) {
		if (is_here(j, &j->rows[i]) && is_new(j, &j->rows[i]) &&
		    j->rows[i].id[0] != '\0')
			return j->rows[i].id;
	}
	return j->mine.id;
}

bool
cloud_journal_knows(const struct cloud_journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		if (is_here(j, &j->rows[i]) && is_new(j, &j->rows[i]))
			return true;
	}
	return false;
}

/* The last row of the same target there that was bound. */
static const struct store_cloud *
bound_row(const struct cloud_journal *j, const struct store_cloud *of)
{
	const struct store_cloud *last = NULL;

	for (size_t i = 0; i < j->n; i++) {
		const struct store_cloud *r = &j->rows[i];

		if (strcmp(r->target, of->target) == 0 &&
		    strcmp(r->place, of->place) == 0 && r->bound_at != 0 &&
		    (last == NULL || r->bound_at >= last->bound_at))
			last = r;
	}
	return last;
}

const char *
cloud_journal_bound(const struct cloud_journal *j)
{
	const struct store_cloud *r = bound_row(j, &j->mine);

	return r != NULL ? r->id : "";
}

static void
save(struct cloud_journal *j)
{
	size_t i = 0;

	store_cloud_put(j->store, &j->mine);
	while (i < j->n && !(is_own(j, &j->rows[i]) &&
	    is_new(j, &j->rows[i])))
		i++;
	if (i == j->n)
		j->rows = xreallocarray(j->rows, ++j->n, sizeof(*j->rows));
	j->rows[i] = j->mine;
}

/* Does a row of that id say whose it is?  Whoever had it before knew. */
static bool
is_told(const struct cloud_journal *j, const char *id, bool is_foreign)
{
	for (size_t i = 0; id[0] != '\0' && i < j->n; i++) {
		if (is_here(j, &j->rows[i]) && j->rows[i].is_foreign ==
		    is_foreign && strcmp(j->rows[i].id, id) == 0)
			return true;
	}
	return false;
}

bool
cloud_journal_is_done(const struct cloud_journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		if (is_here(j, &j->rows[i]) && is_new(j, &j->rows[i]) &&
		    j->rows[i].bound_at != 0)
			return true;
	}
	return false;
}

void
cloud_journal_begin(struct cloud_journal *j)
{
	j->mine.at = clock_now();
	save(j);
}

void
cloud_journal_put(struct cloud_journal *j, const char *id, bool is_foreign)
{
	(void)text_printf(j->mine.id, sizeof(j->mine.id), "%s", id);
	/* Ours may have the name that the certificate had before. */
	j->mine.is_foreign = is_told(j, id, true) || (is_foreign &&
	    !is_told(j, id, false));
	j->mine.at = clock_now();
	save(j);
}

void
cloud_journal_bind(struct cloud_journal *j)
{
	time_t now = clock_now(), last = 0;

	for (size_t i = 0; i < j->n; i++) {
		const struct store_cloud *r = &j->rows[i];

		if (!is_own(j, r) || is_new(j, r))
			continue;
		last = r->at > last ? r->at : last;
		last = r->bound_at > last ? r->bound_at : last;
	}
	if (j->mine.bound_at > last)
		return;
	/* Also where two come within a second, or a clock was set back. */
	j->mine.bound_at = now > last ? now : last + 1;
	save(j);
}

/*
 * Does a target have it now, or may it have it?  That a binding was answered is
 * not known of what came after the last one that was: the vendor may have done
 * it.  Other credentials may be the same customer's.
 */
static bool
is_held(const struct cloud_journal *j, const char *id)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct store_cloud *r = &j->rows[i], *bound;

		if (strcmp(r->id, id) != 0)
			continue;
		bound = bound_row(j, r);
		if (bound == NULL || bound == r || r->at >= bound->bound_at)
			return true;
	}
	return false;
}

const struct store_cloud *
cloud_journal_old(struct cloud_journal *j, size_t *n)
{
	for (; *n < j->n; (*n)++) {
		const struct store_cloud *r = &j->rows[*n];

		if (!is_here(j, r) || is_new(j, r))
			continue;
		if (r->id[0] == '\0' || r->is_foreign) {
			/* Another target may be about to upload it. */
			if (is_own(j, r) && bound_row(j, r) != r)
				store_cloud_delete(j->store, r);
			continue;
		}
		if (!is_held(j, r->id))
			return &j->rows[(*n)++];
	}
	return NULL;
}

void
cloud_journal_forget(struct cloud_journal *j, const char *id)
{
	char gone[sizeof(j->mine.id)];	/* id may be a row's */

	(void)text_printf(gone, sizeof(gone), "%s", id);
	for (size_t i = 0; i < j->n; i++) {
		struct store_cloud *r = &j->rows[i];

		if (is_here(j, r) && !is_new(j, r) &&
		    strcmp(r->id, gone) == 0) {
			store_cloud_delete(j->store, r);
			r->id[0] = '\0';
		}
	}
}
