/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud_journal.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"

/* The key of a row is copied. */
static void
row_cb(const struct store_cloud *row, void *arg)
{
	struct cloud_journal *j = arg;

	if (strcmp(row->place, j->mine.place) != 0)
		return;
	j->rows = xreallocarray(j->rows, j->n + 1, sizeof(*j->rows));
	j->rows[j->n++] = *row;
	if (strcmp(row->target, j->mine.target) == 0 &&
	    strcmp(row->sha256, j->mine.sha256) == 0)
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
		if (strcmp(j->rows[i].sha256, j->mine.sha256) == 0 &&
		    j->rows[i].id[0] != '\0')
			return j->rows[i].id;
	}
	return j->mine.id;
}

bool
cloud_journal_knows(const struct cloud_journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		if (strcmp(j->rows[i].sha256, j->mine.sha256) == 0)
			return true;
	}
	return false;
}

/* The last row of a target that was bound. */
static const struct store_cloud *
bound_row(const struct cloud_journal *j, const char *target)
{
	const struct store_cloud *last = NULL;

	for (size_t i = 0; i < j->n; i++) {
		const struct store_cloud *r = &j->rows[i];

		if (strcmp(r->target, target) == 0 && r->bound_at != 0 &&
		    (last == NULL || r->bound_at >= last->bound_at))
			last = r;
	}
	return last;
}

const char *
cloud_journal_bound(const struct cloud_journal *j)
{
	const struct store_cloud *r = bound_row(j, j->mine.target);

	return r != NULL ? r->id : "";
}

static void
save(struct cloud_journal *j)
{
	size_t i = 0;

	store_cloud_put(j->store, &j->mine);
	while (i < j->n && (strcmp(j->rows[i].target, j->mine.target) != 0 ||
	    strcmp(j->rows[i].sha256, j->mine.sha256) != 0))
		i++;
	if (i == j->n)
		j->rows = xreallocarray(j->rows, ++j->n, sizeof(*j->rows));
	j->rows[i] = j->mine;
}

void
cloud_journal_put(struct cloud_journal *j, const char *id, bool is_foreign)
{
	(void)text_printf(j->mine.id, sizeof(j->mine.id), "%s", id);
	j->mine.is_foreign = is_foreign;
	j->mine.at = clock_now();
	save(j);
}

void
cloud_journal_bind(struct cloud_journal *j)
{
	const struct store_cloud *last = bound_row(j, j->mine.target);
	time_t now = clock_now();

	/* Also where two come within a second, or a clock was set back. */
	if (last != NULL && strcmp(last->sha256, j->mine.sha256) == 0)
		return;
	if (last != NULL && last->bound_at >= now)
		now = last->bound_at + 1;
	j->mine.bound_at = now;
	save(j);
}

/* Does a target have it now? */
static bool
is_held(const struct cloud_journal *j, const char *id)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct store_cloud *r = bound_row(j,
		    j->rows[i].target);

		if (r != NULL && strcmp(r->id, id) == 0)
			return true;
		/* One that is uploaded, and is going to be bound. */
		if (strcmp(j->rows[i].sha256, j->mine.sha256) == 0 &&
		    strcmp(j->rows[i].id, id) == 0)
			return true;
	}
	return false;
}

const struct store_cloud *
cloud_journal_old(struct cloud_journal *j, size_t *n)
{
	for (; *n < j->n; (*n)++) {
		const struct store_cloud *r = &j->rows[*n];

		if (strcmp(r->sha256, j->mine.sha256) == 0)
			continue;
		if (r->id[0] == '\0' || r->is_foreign) {
			if (bound_row(j, r->target) != r)
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
	for (size_t i = 0; i < j->n; i++) {
		if (strcmp(j->rows[i].id, id) == 0 &&
		    strcmp(j->rows[i].sha256, j->mine.sha256) != 0)
			store_cloud_delete(j->store, &j->rows[i]);
	}
}
