/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/show.h"
#include "ctl/term.h"

enum column { COL_NAME, COL_STATE, COL_EXPIRES, COL_NEXT, COL_ERROR, COL_END };

static const char *const titles[] = {
	[COL_NAME] = "NAME",
	[COL_STATE] = "STATE",
	[COL_EXPIRES] = "EXPIRES IN",
	[COL_NEXT] = "NEXT",
	[COL_ERROR] = "LAST ERROR",
};
_Static_assert(sizeof(titles) / sizeof(titles[0]) == COL_END, "titles");

enum {
	GAP = 2,		/* columns between two cells */
	NAME_LEAST = 12,	/* a shorter name says nothing */
	ERROR_LEAST = 24,	/* a narrower column is not worth it */
	ERROR_INDENT = 4
};

struct row {
	char			*cells[COL_END];
	enum term_colour	 colour;	/* of the state */
};

struct status_table {
	const struct term	*term;
	time_t			 now;
	struct row		*rows;
	size_t			 n, room;
};

/* widths[COL_ERROR] 0: errors go below their rows; is_stacked: no table. */
struct layout {
	size_t	widths[COL_END];
	bool	is_stacked;
};

/* A target that failed, or serves an earlier certificate; also while it is
 * tried again. */
static const json_t *
failed_deploy(const json_t *cert)
{
	const json_t *deploy;
	size_t i;

	json_array_foreach(json_object_get(cert, "deploy"), i, deploy) {
		const char *state = jsonx_str(deploy, "state");

		if ((state != NULL && strcmp(state, "done") != 0 &&
		    json_is_string(json_object_get(deploy, "error"))) ||
		    jsonx_bool(deploy, "serving_old", false))
			return deploy;
	}
	return NULL;
}

enum term_colour
status_colour(const json_t *cert)
{
	const char *word = jsonx_str(cert, "condition");

	if (word != NULL && strcmp(word, "valid") == 0)
		return TERM_GOOD;
	if (word != NULL && (strcmp(word, "missing") == 0 ||
	    strcmp(word, "expired") == 0) &&
	    !json_is_object(json_object_get(cert, "run")))
		return TERM_BAD;
	return TERM_WARN;
}

bool
status_is_bad(const json_t *cert)
{
	return !jsonx_bool(cert, "ok", false);
}

static char *
last_error(const json_t *cert)
{
	char *msg = show_error(json_object_get(cert, "error"));
	const json_t *deploy;
	char *name, *out;

	if (msg != NULL)
		return msg;
	if ((deploy = failed_deploy(cert)) == NULL)
		return xstrdup("-");
	name = show_str(deploy, "name", "?");
	msg = show_error(json_object_get(deploy, "error"));
	out = xasprintf("deploy %s: %s", name, msg == NULL ? "failed" : msg);
	free(msg);
	free(name);
	return out;
}

static char *
expires_in(const json_t *cert, time_t now)
{
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	char span[TEXT_SPAN_MAX], when[SHOW_WHEN_MAX];

	if (end == 0)
		return xstrdup("-");
	if (end <= now)
		return xstrdup(show_span(now, end, when));
	return xstrdup(text_span(end - now, span));
}

static void
row_init(struct row *row, const json_t *cert, time_t now, bool is_utf8)
{
	row->cells[COL_NAME] = show_name(cert, is_utf8);
	row->cells[COL_STATE] = show_str(cert, "condition", "?");
	row->colour = status_colour(cert);
	row->cells[COL_EXPIRES] = expires_in(cert, now);
	row->cells[COL_NEXT] = show_next(cert, now, false);
	row->cells[COL_ERROR] = last_error(cert);
}

static void
row_clear(struct row *row)
{
	for (int i = 0; i < COL_END; i++)
		free(row->cells[i]);
}

static void
layout_make(struct layout *l, const struct term *t, const struct row *rows,
    size_t n)
{
	size_t fixed, longest;

	for (int i = 0; i < COL_END; i++) {
		l->widths[i] = strlen(titles[i]);
		for (size_t r = 0; r < n; r++) {
			size_t w = term_columns(rows[r].cells[i]);

			if (w > l->widths[i])
				l->widths[i] = w;
		}
	}
	l->is_stacked = false;
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
	longest = l->widths[COL_ERROR];
	l->widths[COL_ERROR] = t->width - fixed - l->widths[COL_NAME];
	l->widths[COL_ERROR] -= l->widths[COL_ERROR] > GAP ? GAP :
	    l->widths[COL_ERROR];
	if (l->widths[COL_ERROR] < ERROR_LEAST &&
	    l->widths[COL_ERROR] < longest)
		l->widths[COL_ERROR] = 0;
}

/* With the last cell, without spaces behind it. */
static void
print_line(const struct term *t, const struct layout *l,
    const char *const *cells, enum term_colour name, enum term_colour state)
{
	int last = l->widths[COL_ERROR] > 0 && cells[COL_ERROR] != NULL ?
	    COL_ERROR : COL_NEXT;

	for (int i = 0; i <= last; i++)
		term_cell(t, i == COL_NAME ? name : i == COL_STATE ? state :
		    TERM_PLAIN, cells[i], i == last ? 0 : l->widths[i] + GAP);
	(void)fputc('\n', t->out);
}

static void
print_below(const struct term *t, const char *text)
{
	(void)fprintf(t->out, "%*s", ERROR_INDENT, "");
	term_wrap(t, TERM_BAD, ERROR_INDENT, ERROR_INDENT, text);
}

static void
print_row(const struct term *t, const struct layout *l, const struct row *row)
{
	const char *error = row->cells[COL_ERROR];
	bool has_error = strcmp(error, "-") != 0;
	bool fits = t->width == 0 ||
	    term_columns(error) <= l->widths[COL_ERROR];
	char *name = t->width == 0 ? xstrdup(row->cells[COL_NAME]) :
	    term_shorten(t, row->cells[COL_NAME], l->widths[COL_NAME]);
	const char *cells[] = {
		[COL_NAME] = name,
		[COL_STATE] = row->cells[COL_STATE],
		[COL_EXPIRES] = row->cells[COL_EXPIRES],
		[COL_NEXT] = row->cells[COL_NEXT],
		[COL_ERROR] = fits ? error : NULL,
	};

	print_line(t, l, cells, TERM_PLAIN, row->colour);
	if (has_error && !fits)
		print_below(t, error);
	free(name);
}

static void
print_stacked(const struct term *t, const struct row *row)
{
	char *name = term_shorten(t, row->cells[COL_NAME], t->width);
	const char *expires = row->cells[COL_EXPIRES];
	bool has_end = strcmp(expires, "-") != 0;
	bool is_past = strcmp(row->cells[COL_STATE], "expired") == 0;
	char *rest;

	term_cell(t, TERM_BOLD, name, 0);
	(void)fputs("\n  ", t->out);
	term_cell(t, row->colour, row->cells[COL_STATE], 0);
	if (is_past && has_end)
		(void)fputc(' ', t->out);
	rest = xasprintf("%s%s; %s", !has_end || is_past ? "" :
	    ", expires in ", has_end ? expires : "", row->cells[COL_NEXT]);
	term_wrap(t, TERM_PLAIN, 2 + term_columns(row->cells[COL_STATE]) +
	    (is_past && has_end), 2, rest);
	if (strcmp(row->cells[COL_ERROR], "-") != 0)
		print_below(t, row->cells[COL_ERROR]);
	free(rest);
	free(name);
}

struct status_table *
status_table_new(const struct term *t, time_t now)
{
	struct status_table *table = xcalloc(1, sizeof(*table));

	table->term = t;
	table->now = now;
	return table;
}

void
status_table_add(struct status_table *table, const json_t *cert)
{
	if (table->n == table->room) {
		table->room = table->room * 2 + 16;
		table->rows = xreallocarray(table->rows, table->room,
		    sizeof(*table->rows));
	}
	row_init(&table->rows[table->n++], cert, table->now,
	    table->term->is_utf8);
}

static void
print_rows(struct status_table *table)
{
	const struct term *t = table->term;
	struct layout l;

	layout_make(&l, t, table->rows, table->n);
	if (!l.is_stacked)
		print_line(t, &l, titles, TERM_PLAIN, TERM_PLAIN);
	for (size_t i = 0; i < table->n; i++) {
		if (l.is_stacked)
			print_stacked(t, &table->rows[i]);
		else
			print_row(t, &l, &table->rows[i]);
	}
}

static void
print_empty(const struct term *t, const json_t *status)
{
	char *file = show_str(status, "config.file", "/etc/acmed/acmed.conf");
	char *copy = xstrdup(file);
	char *text = xasprintf("No certificates are configured.  Add one to "
	    "%s or, in a file of its own, to %s/conf.d/; then: acmectl reload",
	    file, dirname(copy));

	term_wrap(t, TERM_PLAIN, 0, 0, text);
	free(text);
	free(copy);
	free(file);
}

static void
print_record(const struct term *t, const json_t *record, time_t now)
{
	char *name = show_str(record, "name", "?");
	char *provider = show_str(record, "provider", "?");
	char *cert = show_str(record, "cert", "?");
	char *error = show_error(json_object_get(record, "error"));
	time_t at = (time_t)jsonx_int(record, "next_at", 0);
	char when[SHOW_WHEN_MAX];
	char *value = show_str(record, "value", "?");
	char *text = xasprintf("%s \"%s\" of %s, at provider %s%s%s%s%s%s",
	    name, value, cert, provider, jsonx_bool(record, "absent", false) ?
	    ", which no server shows" : "", at > 0 ? ", next try " : "",
	    at > 0 ? show_span(now, at < now ? now : at, when) : "",
	    error != NULL ? ": " : "", error != NULL ? error : "");

	(void)fputs("  ", t->out);
	term_wrap(t, TERM_PLAIN, 2, ERROR_INDENT, text);
	free(text);
	free(value);
	free(error);
	free(cert);
	free(provider);
	free(name);
}

/* Records, and files, of runs under way are not left over. */
static bool
record_is_left(const json_t *record)
{
	const char *state = jsonx_str(record, "state");

	return state == NULL || strcmp(state, "removing") == 0 ||
	    (strcmp(state, "in use") != 0 && jsonx_int(record, "tries", 0) > 0);
}

bool
status_has_stuck(const json_t *status)
{
	const json_t *record;
	size_t i;

	json_array_foreach(json_object_get(status, "cleanup"), i, record) {
		if (jsonx_bool(record, "stuck", false))
			return true;
	}
	return false;
}

bool
status_has_mistakes(const json_t *status)
{
	return json_is_string(jsonx_get(status, "config.error"));
}

static void
print_file(const struct term *t, const json_t *file, time_t now)
{
	char *path = show_str(file, "path", "?");
	char *cert = show_str(file, "cert", "?");
	char *error = show_error(json_object_get(file, "error"));
	time_t at = (time_t)jsonx_int(file, "next_at", 0);
	char when[SHOW_WHEN_MAX];
	char *text = xasprintf("%s of %s%s%s%s%s", path, cert,
	    at > 0 ? ", next try " : "",
	    at > 0 ? show_span(now, at < now ? now : at, when) : "",
	    error != NULL ? ": " : "", error != NULL ? error : "");

	(void)fputs("  ", t->out);
	term_wrap(t, TERM_PLAIN, 2, ERROR_INDENT, text);
	free(text);
	free(error);
	free(cert);
	free(path);
}

static void
print_cleanup(const struct term *t, const json_t *records, const char *what,
    void (*print)(const struct term *, const json_t *, time_t), time_t now)
{
	const json_t *record;
	size_t i, n = 0;
	char *text;

	json_array_foreach(records, i, record)
		n += record_is_left(record);
	if (n == 0)
		return;
	text = xasprintf("cleanup: %zu %s%s still to be removed:", n, what,
	    n == 1 ? " is" : "s are");
	(void)fputc('\n', t->out);
	term_wrap(t, TERM_WARN, 0, 2, text);
	free(text);
	json_array_foreach(records, i, record) {
		if (record_is_left(record))
			print(t, record, now);
	}
}

/* A channel that is silent because it is broken looks as if all was well. */
static void
print_channels(const struct term *t, const json_t *channels, time_t now)
{
	const json_t *c;
	size_t i;

	json_array_foreach(channels, i, c) {
		const char *state = jsonx_str(c, "state");
		char *name = show_str(c, "name", "?"), *text;
		char *error = show_error(json_object_get(c, "error"));
		long long queued = jsonx_int(c, "queued", 0);
		time_t at = (time_t)jsonx_int(c, "next_at", 0);
		char when[SHOW_WHEN_MAX];

		if (state != NULL && strcmp(state, "failing") == 0) {
			text = xasprintf("notify: channel %s fails, %lld "
			    "message%s waiting%s%s: %s", name, queued,
			    queued == 1 ? "" : "s", at > 0 ? ", next try " :
			    "", at > 0 ? show_span(now, at < now ? now : at,
			    when) : "", error != NULL ? error : "?");
			(void)fputc('\n', t->out);
			term_wrap(t, TERM_BAD, 0, 2, text);
			free(text);
		}
		free(error);
		free(name);
	}
}

void
status_table_free(struct status_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n; i++)
		row_clear(&table->rows[i]);
	free(table->rows);
	free(table);
}

void
status_table_print(struct status_table *table, const json_t *rest)
{
	const struct term *t = table->term;
	char *error = show_error(jsonx_get(rest, "config.error")), *text;

	if (table->n == 0)
		print_empty(t, rest);
	else
		print_rows(table);
	print_cleanup(t, json_object_get(rest, "cleanup"), "TXT record",
	    print_record, table->now);
	print_cleanup(t, json_object_get(rest, "http_files"),
	    "challenge file", print_file, table->now);
	print_channels(t, json_object_get(rest, "notify"), table->now);
	if (error == NULL)
		return;
	text = xasprintf("configuration: %s", error);
	(void)fputc('\n', t->out);
	term_wrap(t, TERM_BAD, 0, 2, text);
	free(text);
	free(error);
}
