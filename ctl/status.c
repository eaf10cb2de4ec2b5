/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/bar.h"
#include "ctl/row.h"
#include "ctl/show.h"
#include "ctl/summary.h"
#include "ctl/term.h"

static const char *const titles[] = {
	[COL_NAME] = "NAME",
	[COL_STATE] = "STATE",
	[COL_BAR] = "LIFETIME",
	[COL_EXPIRES] = "EXPIRES IN",
	[COL_NEXT] = "NEXT",
	[COL_ERROR] = "LAST ERROR",
};
_Static_assert(sizeof(titles) / sizeof(titles[0]) == COL_END, "titles");

enum {
	GAP = 2,		/* columns between two cells */
	NAME_LEAST = 12,	/* a shorter name says nothing */
	ERROR_LEAST = 24,	/* a narrower column is not worth it */
	ERROR_INDENT = 4,
	BAR_LEAST = 8,		/* nor a shorter bar */
	BAR_MOST = 24,
	TITLE_LINES = 1
};

struct status_table {
	struct row	*rows;
	size_t		 n, room, hidden;
	bool		 is_sorted;
};

/* widths[COL_BAR] 0: no bar; widths[COL_ERROR] 0: errors go below their rows;
 * is_stacked: no table. */
struct layout {
	size_t	widths[COL_END];
	bool	is_stacked;
};

bool
status_is_bad(const json_t *cert)
{
	return !jsonx_bool(cert, "ok", false) ||
	    jsonx_int(cert, "hosts.late", 0) > 0;
}

/* --- the table --- */

static void
sort(struct status_table *table)
{
	if (!table->is_sorted && table->n > 0)
		qsort(table->rows, table->n, sizeof(*table->rows),
		    row_by_urgency);
	table->is_sorted = true;
}

struct status_table *
status_table_new(void)
{
	return xcalloc(1, sizeof(struct status_table));
}

static struct row *
find(struct status_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->rows[i].words, name) == 0)
			return &table->rows[i];
	}
	return NULL;
}

void
status_table_add(struct status_table *table, const json_t *cert,
    bool is_update)
{
	char *name = show_str(cert, "name", "?");

	if (is_update)
		status_table_remove(table, name);
	free(name);
	if (table->n == table->room) {
		table->room = table->room + table->room / 2 + 16;
		table->rows = xreallocarray(table->rows, table->room,
		    sizeof(*table->rows));
	}
	row_init(&table->rows[table->n++], cert);
	table->is_sorted = false;
}

void
status_table_remove(struct status_table *table, const char *name)
{
	struct row *row = find(table, name);

	if (row == NULL)
		return;
	free(row->words);
	*row = table->rows[--table->n];
	table->is_sorted = false;
}

void
status_table_hide(struct status_table *table)
{
	table->hidden++;
}

size_t
status_table_count(const struct status_table *table)
{
	return table->n;
}

void
status_table_free(struct status_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n; i++)
		free(table->rows[i].words);
	free(table->rows);
	free(table);
}

/* --- its layout --- */

static void
measure(struct layout *l, const struct term *t, struct status_table *table,
    time_t now)
{
	for (int i = 0; i < COL_END; i++)
		l->widths[i] = i == COL_BAR ? 0 : strlen(titles[i]);
	for (size_t r = 0; r < table->n; r++) {
		struct cells c;

		cells_init(&c, t, &table->rows[r], now);
		for (int i = 0; i < COL_END; i++) {
			size_t w = i == COL_BAR ? 0 : term_columns(c.text[i]);

			if (w > l->widths[i])
				l->widths[i] = w;
		}
		cells_clear(&c);
	}
}

static void
layout_make(struct layout *l, const struct term *t,
    struct status_table *table, time_t now)
{
	size_t fixed, longest, left;

	*l = (struct layout){ .is_stacked = false };
	measure(l, t, table, now);
	if (t->width == 0)
		return;
	fixed = l->widths[COL_STATE] + l->widths[COL_EXPIRES] +
	    l->widths[COL_NEXT] + 3 * GAP;
	if (t->width < fixed + NAME_LEAST) {
		l->is_stacked = true;
		return;
	}
	if (l->widths[COL_NAME] > t->width - fixed)
		l->widths[COL_NAME] = t->width - fixed;
	left = t->width - fixed - l->widths[COL_NAME];
	if (t->is_tty && left >= BAR_LEAST + GAP) {
		l->widths[COL_BAR] = left - GAP < BAR_MOST ? left - GAP :
		    BAR_MOST;
		left -= l->widths[COL_BAR] + GAP;
	}
	longest = l->widths[COL_ERROR];
	l->widths[COL_ERROR] = left > GAP ? left - GAP : 0;
	if (l->widths[COL_ERROR] < ERROR_LEAST &&
	    l->widths[COL_ERROR] < longest)
		l->widths[COL_ERROR] = 0;
}

/* --- its lines --- */

/* With the last cell, without spaces behind it. */
static void
print_line(const struct term *t, const struct layout *l,
    const char *const *cells, const struct row *row, time_t now)
{
	int last = l->widths[COL_ERROR] > 0 && cells[COL_ERROR] != NULL ?
	    COL_ERROR : COL_NEXT;
	enum term_colour colour = row == NULL ? TERM_PLAIN :
	    (enum term_colour)row->colour;

	for (int i = 0; i <= last; i++) {
		size_t width = i == last ? 0 : l->widths[i] + GAP;

		if (i == COL_BAR && l->widths[i] == 0)
			continue;
		if (i == COL_BAR && row != NULL) {
			bar_print(t, colour, &(struct bar){ row->not_before,
			    row->not_after, row->is_due ? row->next_at : 0 },
			    l->widths[i], now);
			term_cell(t, TERM_PLAIN, "", GAP);
			continue;
		}
		term_cell(t, row == NULL ? TERM_BOLD : i == COL_STATE ?
		    colour : i == COL_ERROR && strcmp(cells[i], "-") != 0 ?
		    TERM_BAD : TERM_PLAIN, cells[i], width);
	}
	(void)fputc('\n', t->out);
}

static void
print_below(const struct term *t, const char *text)
{
	(void)fprintf(t->out, "%*s", ERROR_INDENT, "");
	term_wrap(t, TERM_BAD, ERROR_INDENT, ERROR_INDENT, text);
}

/* Returns the number of lines. */
static size_t
print_row(const struct term *t, const struct layout *l, const struct row *row,
    const struct cells *c, time_t now)
{
	const char *error = c->text[COL_ERROR];
	bool has_error = strcmp(error, "-") != 0;
	bool fits = t->width == 0 ||
	    term_columns(error) <= l->widths[COL_ERROR];
	char *name = t->width == 0 ? xstrdup(c->text[COL_NAME]) :
	    term_shorten(t, c->text[COL_NAME], l->widths[COL_NAME]);
	const char *cells[] = {
		[COL_NAME] = name,
		[COL_STATE] = c->text[COL_STATE],
		[COL_BAR] = "",
		[COL_EXPIRES] = c->text[COL_EXPIRES],
		[COL_NEXT] = c->text[COL_NEXT],
		[COL_ERROR] = fits ? error : NULL,
	};

	print_line(t, l, cells, row, now);
	if (has_error && !fits)
		print_below(t, error);
	free(name);
	return 1 + (has_error && !fits);
}

static size_t
print_stacked(const struct term *t, const struct row *row,
    const struct cells *c)
{
	char *name = term_shorten(t, c->text[COL_NAME], t->width);
	const char *expires = c->text[COL_EXPIRES], *state =
	    c->text[COL_STATE];
	bool has_end = strcmp(expires, "-") != 0;
	bool is_past = strcmp(state, "expired") == 0;
	bool has_error = strcmp(c->text[COL_ERROR], "-") != 0;
	char *rest;

	term_cell(t, TERM_BOLD, name, 0);
	(void)fputs("\n  ", t->out);
	term_cell(t, (enum term_colour)row->colour, state, 0);
	if (is_past && has_end)
		(void)fputc(' ', t->out);
	rest = xasprintf("%s%s; %s", !has_end || is_past ? "" :
	    ", expires in ", has_end ? expires : "", c->text[COL_NEXT]);
	term_wrap(t, TERM_PLAIN, 2 + term_columns(state) +
	    (is_past && has_end), 2, rest);
	if (has_error)
		print_below(t, c->text[COL_ERROR]);
	free(rest);
	free(name);
	return 2 + has_error;
}

/* Rows in at most so many lines, and how many of them there was no room for. */
static size_t
print_rows(struct status_table *table, const struct term *t, size_t lines,
    time_t now)
{
	struct layout l;
	size_t i, used;

	sort(table);
	layout_make(&l, t, table, now);
	if (!l.is_stacked)
		print_line(t, &l, titles, NULL, now);
	for (i = 0, used = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];
		struct cells c;

		/* The most that one takes, and the line for the rest. */
		if (lines - used < (l.is_stacked ? 3u : 2u) +
		    (i + 1 < table->n))
			break;
		cells_init(&c, t, row, now);
		used += l.is_stacked ? print_stacked(t, row, &c) :
		    print_row(t, &l, row, &c, now);
		cells_clear(&c);
	}
	return table->n - i;
}

static void
print_summary(const struct status_table *table, const struct term *t,
    time_t now)
{
	struct summary s = { .hidden = table->hidden };
	enum term_colour colour = TERM_GOOD;
	char *text, *next = NULL;
	const struct row *first = NULL;

	for (size_t i = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];

		s.n[row->rank]++;
		if (row->is_due && (first == NULL ||
		    row->next_at < first->next_at))
			first = row;
		if (row->rank <= SUMMARY_NOT_DEPLOYED)
			colour = TERM_BAD;
		else if (row->rank < SUMMARY_PAUSED && colour == TERM_GOOD)
			colour = TERM_WARN;
	}
	if (first != NULL) {
		next = t->is_utf8 ? dname_unicode(row_word(first, ROW_NAME)) :
		    xstrdup(row_word(first, ROW_NAME));
		s.next = next;
		s.next_at = first->next_at;
		s.is_retry = strcmp(row_word(first, ROW_NEXT), "retry") == 0;
	}
	text = summary_text(&s, now);
	term_wrap(t, table->n == 0 ? TERM_PLAIN : colour, 0, 2, text);
	free(next);
	free(text);
}

static void
print_empty(const struct term *t, const json_t *status)
{
	char *file = show_str(status, "config.file", "/etc/acmed/acmed.conf");
	char *copy = xstrdup(file);
	char *text = xasprintf("No certificates are configured.  Add one with "
	    "acmectl add, or to %s or, in a file of its own, to %s/conf.d/; "
	    "then: acmectl reload", file, dirname(copy));

	term_wrap(t, TERM_PLAIN, 0, 0, text);
	free(text);
	free(copy);
	free(file);
}

void
status_table_print(struct status_table *table, const struct term *t,
    const json_t *rest, time_t now)
{
	if (table->n == 0 && table->hidden == 0)
		print_empty(t, rest);
	else if (table->n > 0)
		(void)print_rows(table, t, SIZE_MAX, now);
	status_print_rest(t, rest, now);
	if (table->n == 0 && table->hidden == 0)
		return;
	if (table->n > 0)
		(void)fputc('\n', t->out);
	print_summary(table, t, now);
}

/* Lines of a text. */
static size_t
count_lines(const char *s)
{
	size_t n = 0;

	for (; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	return n;
}

void
status_table_paint(struct status_table *table, const struct term *t,
    const json_t *rest, time_t now)
{
	struct term part = *t;
	char *above = NULL, *below = NULL;
	size_t len, taken, left;

	if (table->n == 0 && table->hidden == 0) {
		print_empty(t, rest);
		return;
	}
	part.out = open_memstream(&above, &len);
	if (part.out == NULL)
		abort();
	part.is_brief = false;
	print_summary(table, &part, now);
	(void)fputc('\n', part.out);
	(void)fclose(part.out);
	part.out = open_memstream(&below, &len);
	if (part.out == NULL)
		abort();
	part.is_brief = true;
	status_print_rest(&part, rest, now);
	(void)fclose(part.out);
	if (above == NULL || below == NULL)
		abort();
	if (count_lines(below) > t->height / 3) {
		free(below);
		below = xstrdup("there is more to tell: acmectl status\n");
	}
	taken = count_lines(above) + count_lines(below) + TITLE_LINES;
	(void)fputs(above, t->out);
	part.out = t->out;
	left = print_rows(table, &part, t->height > taken + 2 ? t->height -
	    taken : 2, now);
	if (left > 0)
		(void)fprintf(t->out, "and %zu more\n", left);
	(void)fputs(below, t->out);
	free(above);
	free(below);
}
