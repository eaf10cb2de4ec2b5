/* SPDX-License-Identifier: MIT */
#include "daemon/status/list.h"

#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/cluster/cluster.h"
#include "daemon/engine/engine.h"
#include "daemon/status/html.h"
#include "daemon/status/parts.h"
#include "daemon/status/view.h"

#define NUMBER_MAX 24

static const char *
number(size_t n, char out[NUMBER_MAX])
{
	(void)text_printf(out, NUMBER_MAX, "%zu", n);
	return out;
}

/* --- at the top --- */

static void
count(struct view *v, enum mood mood, size_t n, const char *word)
{
	if (n > 0)
		html_printf(v->out, "<li class=\"%s\"><b>%zu</b> %s</li>",
		    mood_class(mood), n, view_word(v, word));
}

void
list_summary(struct view *v)
{
	size_t attention = v->n_mood[MOOD_BAD] + v->n_mood[MOOD_WARN] +
	    v->n_unwell;
	char n[NUMBER_MAX];

	html_raw(v->out, "<section class=\"summary\"><h1>");
	if (v->n == 0)
		html_raw(v->out, view_word(v, "No certificates yet"));
	else if (attention == 0)
		html_raw(v->out, view_word(v, "All is well"));
	else if (attention == 1)
		html_raw(v->out, view_word(v, "1 certificate needs "
		    "attention"));
	else
		view_say(v, "%s certificates need attention",
		    number(attention, n), NULL, NULL);
	html_raw(v->out, "</h1>");
	if (v->n == 0) {
		html_printf(v->out, "<p>%s <code>acmectl add example.com"
		    "</code></p></section>", view_word(v, "Add one:"));
		return;
	}
	html_raw(v->out, "<ul class=\"counts\"><li>");
	view_say(v, "%s certificates", number(v->n, n), NULL, NULL);
	html_raw(v->out, "</li>");
	count(v, MOOD_BAD, v->n_mood[MOOD_BAD], "urgent");
	count(v, MOOD_WARN, v->n_mood[MOOD_WARN], "with a problem");
	count(v, MOOD_BUSY, v->n_mood[MOOD_BUSY], "in progress");
	count(v, MOOD_GOOD, v->n_mood[MOOD_GOOD], "well");
	html_raw(v->out, "</ul></section>");
}

static void
problem(struct view *v, const char *what, const char *object,
    const char *words)
{
	html_printf(v->out, "<div class=\"problem\" role=\"status\"><b>%s</b> ",
	    view_word(v, what));
	html_text(v->out, object);
	html_raw(v->out, "<p class=\"words\">");
	html_text(v->out, words);
	html_raw(v->out, "</p></div>");
}

void
list_problems(struct view *v)
{
	const char *mistake = engine_reload_error(v->engine);
	time_t since;
	json_t *status = engine_status(v->engine);
	const struct error *trouble = cluster_trouble(engine_cluster(
	    v->engine), &since);
	const struct error *differs = cluster_differs(engine_cluster(
	    v->engine), &since);
	const json_t *o;
	size_t i, n = 0;

	if (differs != NULL)
		problem(v, "Members of the cluster have other certificates to "
		    "renew.", NULL, differs->msg);
	if (trouble != NULL)
		problem(v, "Nothing is renewed here: the cluster is away.",
		    NULL, trouble->msg);
	if (mistake != NULL)
		problem(v, "The configuration is not in force as it is "
		    "written.", NULL, mistake);
	json_array_foreach(json_object_get(status, "notify"), i, o) {
		const char *state = jsonx_str(o, "state");

		if (state != NULL && strcmp(state, "failing") == 0 && n++ < 5)
			problem(v, "Messages cannot be delivered on channel",
			    jsonx_str(o, "name"), jsonx_str(o, "error.msg"));
	}
	n = 0;
	json_array_foreach(json_object_get(status, "cleanup"), i, o) {
		if (jsonx_bool(o, "stuck", false) && n++ < 5)
			problem(v, "A TXT record could not be removed:",
			    jsonx_str(o, "name"), jsonx_str(o, "error"));
	}
	json_decref(status);
}

static void
watched(struct view *v, const json_t *w)
{
	bool is_ok = jsonx_bool(w, "ok", false);
	time_t end = (time_t)jsonx_int(w, "not_after", 0);
	const char *words = jsonx_str(w, "error.msg");
	char when[LANG_TIME_MAX];

	html_printf(v->out, "<li class=\"%s\"><b>",
	    mood_class(is_ok ? MOOD_GOOD : MOOD_WARN));
	html_text(v->out, jsonx_str(w, "name"));
	html_raw(v->out, "</b> <span>");
	html_text(v->out, jsonx_str(w, "target"));
	html_printf(v->out, "</span> <i>%s</i>", view_word(v,
	    jsonx_str(w, "condition")));
	if (end != 0) {
		html_raw(v->out, " <span>");
		view_say(v, "ends %s", lang_time(v->lang, end, when), NULL,
		    NULL);
		html_raw(v->out, "</span>");
	}
	if (words != NULL) {
		html_raw(v->out, "<p class=\"words\">");
		html_text(v->out, words);
		html_raw(v->out, "</p>");
	}
	html_raw(v->out, "</li>");
}

void
list_watched(struct view *v)
{
	json_t *status = engine_status(v->engine);
	const json_t *list = json_object_get(status, "watches"), *w;
	size_t i;

	if (json_array_size(list) > 0)
		html_printf(v->out, "<section class=\"watched\" "
		    "aria-labelledby=\"wat\"><h2 id=\"wat\">%s</h2><ul>",
		    view_word(v, "Watched, renewed by others"));
	for (int is_ok = 0; is_ok < 2; is_ok++) {
		json_array_foreach(list, i, w) {
			if (jsonx_bool(w, "ok", false) == (is_ok == 1))
				watched(v, w);
		}
	}
	if (json_array_size(list) > 0)
		html_raw(v->out, "</ul></section>");
	json_decref(status);
}

/* --- what needs attention --- */

static void
name_link(struct view *v, const char *name)
{
	html_raw(v->out, "<a class=\"name\"");
	view_href(v, name, NULL, NULL, false);
	html_raw(v->out, "><bdi>");
	html_text(v->out, name);
	html_raw(v->out, "</bdi></a>");
}

void
list_card(struct view *v, const char *name, const struct glance *g)
{
	json_t *cert = engine_cert_status(v->engine, name);

	if (cert == NULL)
		return;
	html_printf(v->out, "<li class=\"card %s\"><div class=\"line\">",
	    mood_class(mood_of(g)));
	name_link(v, name);
	parts_state(v, cert, g);
	html_raw(v->out, "</div><div class=\"life\">");
	parts_bar(v, cert, g);
	html_raw(v->out, "<span>");
	parts_left(v, g);
	html_raw(v->out, "</span></div>");
	parts_cause(v, cert);
	html_raw(v->out, "<p class=\"next\">");
	parts_next(v, g);
	html_raw(v->out, "</p>");
	parts_advice(v, cert, g);
	html_raw(v->out, "</li>");
	json_decref(cert);
}

void
list_more_cards(struct view *v)
{
	size_t all = v->n_mood[MOOD_BAD] + v->n_mood[MOOD_WARN];
	char n[NUMBER_MAX];

	if (all <= v->n_worst)
		return;
	html_raw(v->out, "<p class=\"more\"><a");
	view_href(v, NULL, NULL, NULL, true);
	html_raw(v->out, ">");
	view_say(v, "and %s more: show all that need attention",
	    number(all - v->n_worst, n), NULL, NULL);
	html_raw(v->out, "</a></p>");
}

/* --- the calendar --- */

/* More of them: darker. */
static int
shade(unsigned n, unsigned most)
{
	return n == 0 ? 0 : n * 4 >= most * 3 ? 4 : n * 2 >= most ? 3 :
	    n * 4 >= most ? 2 : 1;
}

static void
day(struct view *v, time_t at, unsigned renewals, unsigned expiries,
    unsigned most, bool is_first)
{
	char date[LANG_TIME_MAX], a[NUMBER_MAX], b[NUMBER_MAX];
	struct tm tm = { 0 };

	(void)localtime_r(&at, &tm);
	html_printf(v->out, "<td class=\"s%d%s%s\" title=\"",
	    shade(renewals, most), expiries > 0 ? " end" : "",
	    is_first ? " today" : "");
	view_say(v, "%s: %s renewals, %s expiries", lang_day(v->lang, at,
	    date), number(renewals, a), number(expiries, b));
	html_raw(v->out, "\"><span>");
	if (tm.tm_mday == 1)
		html_text(v->out, lang_month(v->lang, at, date));
	else
		html_printf(v->out, "%d", tm.tm_mday);
	html_raw(v->out, "</span>");
	if (renewals > 0)
		html_printf(v->out, "<b>%u</b>", renewals);
	if (expiries > 0)
		html_printf(v->out, "<em>%u</em>", expiries);
	html_raw(v->out, "</td>");
}

void
list_calendar(struct view *v)
{
	static const char *const days[] = { "Mo", "Tu", "We", "Th", "Fr",
	    "Sa", "Su" };
	struct tm tm = { 0 };
	unsigned most = 0;
	int column;

	(void)localtime_r(&v->now, &tm);
	column = (tm.tm_wday + 6) % 7;
	for (int i = 0; i < VIEW_DAYS; i++)
		most = v->renewals[i] > most ? v->renewals[i] : most;
	html_printf(v->out, "<section class=\"calendar\" "
	    "aria-labelledby=\"cal\"><h2 id=\"cal\">%s</h2><table><thead><tr>",
	    view_word(v, "Next 60 days"));
	for (int i = 0; i < 7; i++)
		html_printf(v->out, "<th scope=\"col\">%s</th>",
		    view_word(v, days[i]));
	html_raw(v->out, "</tr></thead><tbody><tr>");
	for (int i = 0; i < column; i++)
		html_raw(v->out, "<td class=\"none\"></td>");
	for (int i = 0; i < VIEW_DAYS; i++, column = (column + 1) % 7) {
		if (column == 0 && i > 0)
			html_raw(v->out, "</tr><tr>");
		/* Noon: whatever summer time does. */
		day(v, v->now - tm.tm_hour * 3600 + 43200 + i * 86400,
		    v->renewals[i], v->expiries[i], most, i == 0);
	}
	html_printf(v->out, "</tr></tbody></table><p class=\"key\">"
	    "<b>n</b> %s &#160; <em>n</em> %s</p></section>",
	    view_word(v, "renewals"),
	    view_word(v, "expiries without a renewal before"));
}

/* --- the table --- */

void
list_begin(struct view *v)
{
	static const char *const heads[] = { "Name", "State", "Lifetime",
	    "Next" };
	char n[NUMBER_MAX];

	html_printf(v->out, "<section class=\"all\" aria-labelledby=\"all\">"
	    "<h2 id=\"all\">%s", view_word(v, v->only_attention ?
	    "Needs attention" : "All certificates"));
	if (v->query[0] != '\0' || v->only_attention) {
		html_raw(v->out, " <small>");
		view_say(v, "%s found", number(v->n_found, n), NULL, NULL);
		html_raw(v->out, "</small>");
	}
	html_raw(v->out, "</h2>");
	if (v->only_attention) {
		html_raw(v->out, "<p><a");
		view_href(v, NULL, NULL, NULL, false);
		html_printf(v->out, ">%s</a></p>",
		    view_word(v, "Back to all certificates"));
	}
	if (v->n_found == 0) {
		html_printf(v->out, "<p>%s</p>",
		    view_word(v, "No certificate matches."));
		return;
	}
	html_raw(v->out, "<table class=\"certs\"><thead><tr>");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		html_printf(v->out, "<th scope=\"col\">%s</th>",
		    view_word(v, heads[i]));
	html_raw(v->out, "</tr></thead><tbody>\n");
}

void
list_row(struct view *v, const char *name, const struct glance *g)
{
	json_t *cert = engine_cert_brief(v->engine, name);

	if (cert == NULL)
		return;
	html_raw(v->out, "<tr><th scope=\"row\">");
	name_link(v, name);
	html_raw(v->out, "</th><td>");
	parts_state(v, cert, g);
	html_raw(v->out, "</td><td class=\"life\">");
	parts_bar(v, cert, g);
	html_raw(v->out, "<span>");
	parts_left(v, g);
	html_raw(v->out, "</span></td><td class=\"next\">");
	parts_next(v, g);
	html_raw(v->out, "</td></tr>\n");
	json_decref(cert);
}

void
list_end(struct view *v, const char *last)
{
	if (v->n_found > 0)
		html_raw(v->out, "</tbody></table>");
	if (v->after[0] != '\0' || last != NULL)
		html_raw(v->out, "<nav class=\"pages\">");
	if (v->after[0] != '\0') {
		html_raw(v->out, "<a");
		view_href(v, NULL, v->query, NULL, v->only_attention);
		html_printf(v->out, ">%s</a>", view_word(v, "First page"));
	}
	if (last != NULL) {
		html_raw(v->out, "<a rel=\"next\"");
		view_href(v, NULL, v->query, last, v->only_attention);
		html_printf(v->out, ">%s</a>", view_word(v, "Next page"));
	}
	if (v->after[0] != '\0' || last != NULL)
		html_raw(v->out, "</nav>");
	html_raw(v->out, "</section>");
}
