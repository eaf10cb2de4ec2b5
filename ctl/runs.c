/* SPDX-License-Identifier: MIT */
#include "ctl/runs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/block.h"
#include "ctl/show.h"

enum {
	PAINT_MS = 1000,	/* times pass */
	HURRY_MS = 100,		/* not more often, whatever happens */
	NAME_MOST = 40,		/* columns that names may take */
	MARK_COLUMNS = 2,
	STEP_COLUMNS = 9,	/* "authorize" */
	TIME_COLUMNS = 6,	/* "12m05s" */
	NARROW = 60		/* columns; below, the step is left out */
};

/* In the order in which they get a line where there are too few. */
enum run_state { RUN_FAILED, RUN_GOING, RUN_WAITING, RUN_DONE, RUN_END };

static const struct {
	const char	*mark, *plain;
	enum term_colour colour;
	const char	*count;
} states[] = {
	[RUN_FAILED] = { "\xe2\x9c\x97", "!", TERM_BAD, "failed" },
	[RUN_GOING] = { "\xe2\x80\xa2", "*", TERM_WARN, "under way" },
	[RUN_WAITING] = { "\xc2\xb7", ".", TERM_FAINT, "waiting" },
	[RUN_DONE] = { "\xe2\x9c\x93", "+", TERM_GOOD, "done" },
};
_Static_assert(sizeof(states) / sizeof(states[0]) == RUN_END, "states");

struct run {
	char		*name, *shown;
	enum run_state	 state;
	char		*step, *msg;	/* clean; NULL: nothing was told yet */
	char		*error, *next;	/* once it has failed */
	int64_t		 from_ms, to_ms;
	bool		 has_line;
};

struct runs {
	struct term	 term;
	struct block	 block;
	struct run	*list;
	size_t		 n, name_columns;
	size_t		 counts[RUN_END];
	int64_t		 from_ms, painted_ms;
	bool		 is_new;	/* to be painted */
};

struct runs *
runs_new(const struct term *t, const char *const *names, size_t n)
{
	struct runs *r = xcalloc(1, sizeof(*r));

	r->term = *t;
	block_init(&r->block, &r->term);
	r->list = xcalloc(n, sizeof(*r->list));
	r->n = n;
	r->counts[RUN_WAITING] = n;
	r->from_ms = clock_mono_ms();
	for (size_t i = 0; i < n; i++) {
		struct run *run = &r->list[i];
		size_t columns;

		run->state = RUN_WAITING;
		run->name = xstrdup(names[i]);
		run->shown = t->is_utf8 ? dname_unicode(names[i]) :
		    xstrdup(names[i]);
		text_clean(run->shown);
		columns = term_columns(run->shown);
		if (columns > r->name_columns)
			r->name_columns = columns;
	}
	if (r->name_columns > NAME_MOST)
		r->name_columns = NAME_MOST;
	return r;
}

void
runs_free(struct runs *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		struct run *run = &r->list[i];

		free(run->name);
		free(run->shown);
		free(run->step);
		free(run->msg);
		free(run->error);
		free(run->next);
	}
	free(r->list);
	free(r);
}

/* "12s", "12m05s", "3h10m" */
static const char *
elapsed(int64_t ms, char out[32])
{
	long long s = ms / 1000;

	if (s < 60)
		(void)text_printf(out, 32, "%llds", s);
	else if (s < 3600)
		(void)text_printf(out, 32, "%lldm%02llds", s / 60, s % 60);
	else
		(void)text_printf(out, 32, "%lldh%02lldm", s / 3600,
		    s % 3600 / 60);
	return out;
}

/* --- the block --- */

static void
print_run(const struct runs *r, const struct term *t, const struct run *run,
    int64_t now_ms)
{
	size_t names = r->name_columns < t->width / 3 ? r->name_columns :
	    t->width / 3, at = MARK_COLUMNS + names + 2;
	char span[32] = "", *name, *msg;
	enum term_colour colour = states[run->state].colour;

	term_cell(t, colour, t->has_lines ? states[run->state].mark :
	    states[run->state].plain, MARK_COLUMNS);
	name = term_shorten(t, run->shown, names);
	term_cell(t, TERM_PLAIN, name, names + 2);
	if (run->msg != NULL)
		(void)elapsed((run->to_ms != 0 ? run->to_ms : now_ms) -
		    run->from_ms, span);
	term_cell(t, TERM_FAINT, span, TIME_COLUMNS + 1);
	at += TIME_COLUMNS + 1;
	if (t->width >= NARROW) {
		term_cell(t, TERM_PLAIN, run->step != NULL ? run->step : "",
		    STEP_COLUMNS + 2);
		at += run->step != NULL && term_columns(run->step) >
		    STEP_COLUMNS + 2 ? term_columns(run->step) :
		    STEP_COLUMNS + 2;
	}
	/* What is at its end counts, too: "(2 of 3 servers do)". */
	msg = term_shorten(t, run->error != NULL ? run->error : run->msg !=
	    NULL ? run->msg : "waiting", t->width > at ? t->width - at : 0);
	term_cell(t, run->state == RUN_GOING ? TERM_PLAIN : colour, msg, 0);
	(void)fputc('\n', t->out);
	free(msg);
	free(name);
}

/* Those with a line, of so many; they stay in their order. */
static void
choose(struct runs *r, size_t lines)
{
	for (size_t i = 0; i < r->n; i++)
		r->list[i].has_line = false;
	for (int state = 0; state < RUN_END; state++) {
		for (size_t i = 0; i < r->n && lines > 0; i++) {
			if (r->list[i].state != (enum run_state)state)
				continue;
			r->list[i].has_line = true;
			lines--;
		}
	}
}

/* "and 37 more: 30 waiting, 7 done" */
static void
print_more(const struct runs *r, const struct term *t)
{
	size_t hidden[RUN_END] = { 0 }, all = 0, len;
	const char *between = ": ";
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	for (size_t i = 0; i < r->n; i++) {
		hidden[r->list[i].state] += !r->list[i].has_line;
		all += !r->list[i].has_line;
	}
	(void)fprintf(f, "and %zu more", all);
	for (int i = 0; i < RUN_END; i++) {
		if (hidden[i] == 0)
			continue;
		(void)fprintf(f, "%s%zu %s", between, hidden[i],
		    states[i].count);
		between = ", ";
	}
	if (fclose(f) != 0 || text == NULL)
		abort();
	term_wrap(t, TERM_FAINT, 0, 0, text);
	free(text);
}

static void
print_total(const struct runs *r, const struct term *t, int64_t now_ms)
{
	char span[32], failed[32] = "", *text;

	if (r->counts[RUN_FAILED] > 0)
		(void)text_printf(failed, sizeof(failed), ", %zu failed",
		    r->counts[RUN_FAILED]);
	text = xasprintf("%zu of %zu done%s, %s", r->counts[RUN_DONE],
	    r->n, failed, elapsed(now_ms - r->from_ms, span));
	term_wrap(t, TERM_BOLD, 0, 0, text);
	free(text);
}

static void
paint(struct runs *r)
{
	int64_t now_ms = clock_mono_ms();
	const struct term *page = block_begin(&r->block);
	size_t room = page->height > 1 ? page->height - 1 : 1;
	bool fits = r->n <= room;

	choose(r, fits ? r->n : room - (room > 1));
	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].has_line)
			print_run(r, page, &r->list[i], now_ms);
	}
	if (!fits && room > 1)
		print_more(r, page);
	print_total(r, page, now_ms);
	block_end(&r->block);
	r->painted_ms = now_ms;
	r->is_new = false;
}

/* --- what it is told --- */

static struct run *
find(struct runs *r, const char *name)
{
	for (size_t i = 0; name != NULL && i < r->n; i++) {
		if (strcmp(r->list[i].name, name) == 0)
			return &r->list[i];
	}
	return NULL;
}

static void
set_state(struct runs *r, struct run *run, enum run_state state)
{
	r->counts[run->state]--;
	run->state = state;
	r->counts[state]++;
}

void
runs_event(struct runs *r, const json_t *event)
{
	struct run *run = find(r, jsonx_str(event, "cert"));
	int64_t now_ms = clock_mono_ms();

	if (run == NULL || run->to_ms != 0)
		return;
	if (run->msg == NULL)
		run->from_ms = now_ms;
	free(run->step);
	free(run->msg);
	run->step = show_str(event, "step", "-");
	run->msg = show_str(event, "msg", "");
	set_state(r, run, RUN_GOING);
	if (jsonx_bool(event, "end", false)) {
		run->to_ms = now_ms;
		set_state(r, run, jsonx_bool(event, "ok", false) ? RUN_DONE :
		    RUN_FAILED);
	}
	if (run->state == RUN_FAILED) {
		run->error = show_error(json_object_get(event, "error"));
		run->next = show_next(event, clock_now(), true);
	}
	r->is_new = true;
	if (now_ms - r->painted_ms >= HURRY_MS)
		paint(r);
}

void
runs_tick(struct runs *r)
{
	if (clock_mono_ms() - r->painted_ms >= PAINT_MS || r->is_new ||
	    term_resize(&r->term))
		paint(r);
}

void
runs_end(struct runs *r)
{
	const struct term *t = &r->term;

	paint(r);
	for (size_t i = 0; i < r->n; i++) {
		const struct run *run = &r->list[i];
		char *text;

		if (run->state != RUN_FAILED)
			continue;
		(void)fputc('\n', t->out);
		term_cell(t, TERM_BOLD, run->shown, 0);
		(void)fputs("\n  ", t->out);
		term_wrap(t, TERM_BAD, 2, 2, run->error != NULL ? run->error :
		    run->msg);
		if (strcmp(run->next, "-") == 0)
			continue;
		text = xasprintf("next: %s", run->next);
		(void)fputs("  ", t->out);
		term_wrap(t, TERM_PLAIN, 2, 2, text);
		free(text);
	}
}
