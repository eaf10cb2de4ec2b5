/* SPDX-License-Identifier: MIT */
#include "daemon/status/parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "daemon/notify/advice.h"
#include "daemon/status/html.h"
#include "daemon/status/view.h"

void
parts_state(struct view *v, const json_t *cert, const struct glance *g)
{
	static const char *const signs[] = { [MOOD_BAD] = "✕",
	    [MOOD_WARN] = "!", [MOOD_BUSY] = "↻", [MOOD_GOOD] = "✓" };
	enum mood mood = mood_of(g);
	const char *word = g->word;

	if (mood == MOOD_GOOD && strcmp(g->action, "paused") == 0)
		word = "paused";
	html_printf(v->out, "<span class=\"state %s\"><i aria-hidden=\"true\">"
	    "%s</i>%s</span>", mood_class(mood), signs[mood],
	    view_word(v, word));
}

static double
share(time_t at, time_t from, time_t to)
{
	double x = (double)(at - from) * 100 / (double)(to - from);

	return x < 0 ? 0 : x > 100 ? 100 : x;
}

void
parts_bar(struct view *v, const json_t *cert, const struct glance *g)
{
	time_t from = (time_t)jsonx_int(cert, "not_before", 0);
	bool has_any = g->not_after > from && from > 0;

	html_printf(v->out, "<svg class=\"bar %s\" viewBox=\"0 0 100 8\" "
	    "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"",
	    mood_class(mood_of(g)));
	parts_left(v, g);
	html_raw(v->out, "\"><rect class=\"all\" width=\"100\" height=\"8\" "
	    "rx=\"1\"/>");
	if (has_any && v->now < g->not_after)
		html_printf(v->out, "<rect class=\"left\" x=\"%.2f\" "
		    "width=\"%.2f\" height=\"8\"/>",
		    share(v->now, from, g->not_after),
		    100 - share(v->now, from, g->not_after));
	if (has_any && g->next_at > from && g->next_at < g->not_after &&
	    strcmp(g->action, "deploy") != 0)
		html_printf(v->out, "<rect class=\"tick\" x=\"%.2f\" "
		    "width=\"0.7\" height=\"8\"/>",
		    share(g->next_at, from, g->not_after));
	html_raw(v->out, "</svg>");
}

void
parts_when(struct view *v, time_t at)
{
	char buf[LANG_TIME_MAX];

	if (at <= 0)
		return;
	html_raw(v->out, "<time title=\"");
	html_text(v->out, lang_time(v->lang, at, buf));
	html_raw(v->out, "\">");
	html_text(v->out, lang_relative(v->lang, at, v->now, buf));
	html_raw(v->out, "</time>");
}

/* A sentence whose %s is a time. */
static void
say_when(struct view *v, const char *english, time_t at)
{
	const char *s = view_word(v, english), *gap = strstr(s, "%s");

	html_printf(v->out, "%.*s", (int)(gap - s), s);
	parts_when(v, at == 0 ? v->now : at);
	html_raw(v->out, gap + 2);
}

void
parts_next(struct view *v, const struct glance *g)
{
	static const struct { const char *action, *words; } rows[] = {
		{ "renew", "renewal %s" }, { "retry", "next attempt %s" },
		{ "deploy", "deployment %s" }, { "paused", "paused, until %s" },
	};

	if (strcmp(g->action, "running") == 0) {
		html_raw(v->out, view_word(v, "being renewed now"));
		return;
	}
	if (g->next_at < 0) {
		html_raw(v->out, view_word(v, strcmp(g->action, "paused") ==
		    0 ? "paused, until acmectl resume" : strcmp(g->action,
		    "held") == 0 ? "paused by the CA, until acmectl "
		    "renew-now" : strcmp(g->action, "put") == 0 ?
		    "waits for acmectl put" : "nothing"));
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].action, g->action) == 0) {
			say_when(v, rows[i].words, g->next_at);
			return;
		}
	}
	say_when(v, strcmp(g->action, "take") == 0 ? "is taken in %s" :
	    "asks its repository %s", g->next_at);
}

void
parts_left(struct view *v, const struct glance *g)
{
	char span[LANG_TIME_MAX];

	if (g->not_after == 0)
		html_raw(v->out, view_word(v, "not issued"));
	else if (g->not_after <= v->now)
		html_raw(v->out, view_word(v, "expired"));
	else
		view_say(v, "%s left", lang_span(v->lang,
		    g->not_after - v->now, span), NULL, NULL);
}

/* What is wrong with one part of it: a target, a name. */
static void
cause_of(struct view *v, const json_t *part, const char *msg)
{
	html_raw(v->out, "<p class=\"words\"><b>");
	html_text(v->out, jsonx_str(part, "name"));
	html_raw(v->out, "</b> ");
	html_text(v->out, msg);
	html_raw(v->out, "</p>");
}

void
parts_cause(struct view *v, const json_t *cert)
{
	const char *msg = jsonx_str(cert, "error.msg");
	const json_t *target, *name;
	size_t i;

	if (msg == NULL)
		msg = jsonx_str(cert, "held.msg");
	if (msg == NULL)
		msg = jsonx_str(cert, "note");
	if (msg != NULL)
		html_element(v->out, "p", "words", msg);
	json_array_foreach(json_object_get(cert, "deploy"), i, target) {
		const char *err = jsonx_str(target, "error");

		if (err == NULL)
			err = jsonx_str(target, "error.msg");
		if (err != NULL)
			cause_of(v, target, err);
	}
	json_array_foreach(json_object_get(cert, "missing_names"), i, name)
		cause_of(v, name, jsonx_str(name, "error.msg"));
}

static void
command(struct view *v, const char *what, const char *verb, const char *name)
{
	html_printf(v->out, "<span>%s <code>acmectl %s ", view_word(v, what),
	    verb);
	html_text(v->out, name);
	html_raw(v->out, "</code></span> ");
}

/* Of the error's own code; a line after a tab is a command.  Was there one? */
static bool
advice(struct view *v, const json_t *cert, const struct error *err)
{
	const char *who = jsonx_str(cert, strncmp(err->code, "acme:", 5) == 0 ?
	    "account" : "provider");
	char *text = advice_text(err, jsonx_str(cert, "name"),
	    who != NULL ? who : "", v->lang == LANG_ZH);
	char *rest = text, *line;
	bool has_command = false;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			html_element(v->out, *line == '\t' ? "code" : "span",
			    "do", line + (*line == '\t'));
		html_raw(v->out, " ");
		has_command |= *line == '\t';
	}
	free(text);
	return has_command;
}

void
parts_advice(struct view *v, const json_t *cert, const struct glance *g)
{
	const char *name = jsonx_str(cert, "name");

	html_raw(v->out, "<div class=\"advice\">");
	if (g->err == NULL && (g->condition == COND_SERVING_OLD ||
	    g->condition == COND_NOT_DEPLOYED)) {
		command(v, "See its log:", "history", name);
		command(v, "Deploy again:", "deploy", name);
	} else {
		if (g->err == NULL || !advice(v, cert, g->err))
			command(v, "Find the cause:", "check", name);
		command(v, "Then try again:", "renew-now", name);
	}
	html_raw(v->out, "</div>");
}
