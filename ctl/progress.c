/* SPDX-License-Identifier: MIT */
#include "ctl/progress.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/show.h"

enum {
	NAME_MOST = 30,		/* columns that names may take */
	STEP_COLUMNS = 9	/* "authorize" */
};

void
progress_init(struct progress *p, const struct term *t, size_t n_names,
    size_t longest)
{
	*p = (struct progress){ .term = t, .good = "renewed" };
	if (n_names != 1)
		p->name_columns = longest > 0 && longest < NAME_MOST ?
		    longest : NAME_MOST;
	if (n_names > 0 && t->is_tty)
		p->start_ms = clock_mono_ms();
	p->failed = json_array();
}

void
progress_clear(struct progress *p)
{
	json_decref(p->failed);
}

void
progress_count(struct progress *p, const json_t *event)
{
	if (!jsonx_bool(event, "end", false))
		return;
	if (jsonx_bool(event, "ok", false)) {
		p->n_ok++;
		return;
	}
	p->n_failed++;
	(void)json_array_append(p->failed, json_object_get(event, "cert"));
}

static enum term_colour
event_colour(const json_t *event)
{
	const char *level = jsonx_str(event, "level");

	if (jsonx_bool(event, "end", false))
		return jsonx_bool(event, "ok", false) ? TERM_GOOD : TERM_BAD;
	if (level == NULL)
		return TERM_PLAIN;
	if (strcmp(level, "error") == 0)
		return TERM_BAD;
	return strcmp(level, "warning") == 0 ? TERM_WARN : TERM_PLAIN;
}

/* "[ 12.3s]", or the time of day: the columns taken, with a space. */
static size_t
print_clock(const struct progress *p, const json_t *event)
{
	time_t at = (time_t)jsonx_int(event, "at", (int64_t)clock_now());
	int64_t ms = clock_mono_ms() - p->start_ms;
	char text[32] = "";
	struct tm tm;

	if (p->start_ms != 0)
		(void)text_printf(text, sizeof(text), "[%3lld.%llds] ",
		    (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	else if (localtime_r(&at, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%H:%M:%S ", &tm);
	term_cell(p->term, TERM_FAINT, text, 0);
	return strlen(text);
}

static size_t
print_name(const struct progress *p, const json_t *event)
{
	char *name, *shown;

	if (p->name_columns == 0)
		return 0;
	name = show_str(event, "cert", "-");
	/* A program wants the whole name, and no columns. */
	shown = p->term->width == 0 ? xstrdup(name) :
	    term_shorten(p->term, name, p->name_columns);
	term_cell(p->term, TERM_BOLD, shown,
	    p->term->width == 0 ? 0 : p->name_columns);
	(void)fputs("  ", p->term->out);
	free(shown);
	free(name);
	return p->name_columns + 2;
}

/* Why it failed, unless that is what msg said, and when it is tried again. */
static void
print_failure(const struct progress *p, const json_t *event, const char *msg,
    size_t column)
{
	char *error = show_error(json_object_get(event, "error"));
	char *next = show_next(event, clock_now(), true);
	char *text;

	if (error != NULL && strstr(msg, error) == NULL) {
		(void)fprintf(p->term->out, "%*s", (int)column, "");
		term_wrap(p->term, TERM_BAD, column, column, error);
	}
	if (strcmp(next, "-") != 0) {
		text = xasprintf("next: %s", next);
		(void)fprintf(p->term->out, "%*s", (int)column, "");
		term_wrap(p->term, TERM_PLAIN, column, column, text);
		free(text);
	}
	free(next);
	free(error);
}

void
progress_event(struct progress *p, const json_t *event)
{
	char *step = show_str(event, "step", "-");
	char *msg = show_str(event, "msg", "");
	bool is_failure = jsonx_bool(event, "end", false) &&
	    !jsonx_bool(event, "ok", false);
	size_t column;

	progress_count(p, event);
	column = print_clock(p, event);
	column += print_name(p, event);
	term_cell(p->term, TERM_PLAIN, step, STEP_COLUMNS);
	(void)fputs("  ", p->term->out);
	column += 2 + (term_columns(step) > STEP_COLUMNS ?
	    term_columns(step) : STEP_COLUMNS);
	/* On a narrow terminal the text would become a thin column. */
	term_wrap(p->term, event_colour(event), column,
	    p->term->width != 0 && p->term->width < column + 30 ? 4 : column,
	    msg);
	if (is_failure)
		print_failure(p, event, msg, 4);
	free(msg);
	free(step);
	(void)fflush(p->term->out);
}

void
progress_summary(const struct progress *p)
{
	char *names, *text;

	if (p->n_ok + p->n_failed < 2)
		return;
	names = show_list(p->failed);
	text = xasprintf("%zu %s, %zu failed%s%s", p->n_ok, p->good,
	    p->n_failed, p->n_failed > 0 ? ": " : "", names);
	term_wrap(p->term, p->n_failed > 0 ? TERM_BAD : TERM_GOOD, 0, 2,
	    text);
	free(text);
	free(names);
}
