/* SPDX-License-Identifier: MIT */
#include "daemon/status/detail.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/engine/engine.h"
#include "daemon/status/html.h"
#include "daemon/status/parts.h"
#include "daemon/status/view.h"

static const char *
why_next(const json_t *cert, const struct glance *g)
{
	const char *reason = jsonx_str(cert, "next.reason");

	if (reason != NULL && strcmp(reason, "ari") == 0)
		return "The CA suggests this time (ARI).";
	if (reason != NULL && strcmp(reason, "other-ca") == 0)
		return "It comes from another CA than its account names now.";
	if (reason != NULL && strcmp(reason, "missing-names") == 0)
		return "Names that the CA did not validate are tried again.";
	if (strcmp(g->action, "running") == 0)
		return NULL;	/* its step says more */
	if (strcmp(g->action, "retry") == 0)
		return "The last attempt failed. acmed waits longer after each "
		    "failure.";
	if (strcmp(g->action, "deploy") == 0)
		return "A deploy target failed and is tried again.";
	if (strcmp(g->action, "paused") == 0)
		return "Somebody paused it.";
	if (strcmp(g->action, "held") == 0)
		return "The CA has paused a name: see below what it asks "
		    "for.";
	if (strcmp(g->action, "renew") == 0)
		return g->not_after == 0 ? NULL : "Renewed before it expires; "
		    "the exact time is spread so that not all come at once.";
	return "It is watched in its repository.";
}

static void
next_section(struct view *v, const json_t *cert, const struct glance *g)
{
	const char *why = why_next(cert, g);
	const char *run = jsonx_str(cert, "run.msg");
	int64_t failures = jsonx_int(cert, "failures", 0);
	char n[24];

	html_printf(v->out, "<section><h2>%s</h2><p class=\"next\">",
	    view_word(v, "What comes next"));
	parts_next(v, g);
	html_raw(v->out, "</p>");
	if (why != NULL)
		html_printf(v->out, "<p class=\"quiet\">%s</p>",
		    view_word(v, why));
	if (run != NULL)
		html_element(v->out, "p", "words", run);
	if (failures > 0) {
		(void)text_printf(n, sizeof(n), "%lld", (long long)failures);
		html_raw(v->out, "<p class=\"quiet\">");
		view_say(v, "failures in a row: %s", n, NULL, NULL);
		html_raw(v->out, "</p>");
	}
	parts_cause(v, cert);
	if (mood_of(g) <= MOOD_WARN)
		parts_advice(v, cert, g);
	html_raw(v->out, "</section>");
}

static void
targets(struct view *v, const json_t *cert)
{
	static const struct { const char *state, *class; } moods[] = {
		{ "done", "good" }, { "failed", "bad" },
		{ "running", "busy" }, { "verifying", "busy" },
	};
	const json_t *list = json_object_get(cert, "deploy"), *o;
	size_t i;

	html_printf(v->out, "<section><h2>%s</h2>", view_word(v,
	    "Deployment"));
	if (json_array_size(list) == 0)
		html_printf(v->out, "<p class=\"quiet\">%s</p>",
		    view_word(v, "no deploy targets"));
	html_raw(v->out, "<ul class=\"targets\">");
	json_array_foreach(list, i, o) {
		const char *state = jsonx_str(o, "state");
		const char *class = "busy";

		if (state == NULL)
			state = "pending";
		for (size_t k = 0; k < sizeof(moods) / sizeof(moods[0]); k++) {
			if (strcmp(moods[k].state, state) == 0)
				class = moods[k].class;
		}
		if (jsonx_bool(o, "serving_old", false)) {
			state = "serving old";
			class = "warn";
		}
		html_raw(v->out, "<li><b>");
		html_text(v->out, jsonx_str(o, "name"));
		html_printf(v->out, "</b> <span class=\"state %s\">%s</span> ",
		    class, view_word(v, state));
		parts_when(v, (time_t)jsonx_int(o, "at", 0));
		html_raw(v->out, "</li>");
	}
	html_raw(v->out, "</ul></section>");
}

static void
fact(struct view *v, const char *what, const char *text)
{
	if (text == NULL)
		return;
	html_printf(v->out, "<dt>%s</dt><dd>", view_word(v, what));
	html_text(v->out, text);
	html_raw(v->out, "</dd>");
}

static void
fact_time(struct view *v, const char *what, const json_t *cert,
    const char *key)
{
	time_t at = (time_t)jsonx_int(cert, key, 0);
	char buf[LANG_TIME_MAX];

	if (at > 0)
		fact(v, what, lang_time(v->lang, at, buf));
}

static void
fact_list(struct view *v, const char *what, const json_t *list)
{
	const json_t *o;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	html_printf(v->out, "<dt>%s</dt><dd>", view_word(v, what));
	json_array_foreach(list, i, o)
		html_element(v->out, "span", "item", json_string_value(o));
	html_raw(v->out, "</dd>");
}

static void
facts(struct view *v, const json_t *cert)
{
	const char *file = jsonx_str(cert, "file");
	char *where;

	html_printf(v->out, "<section><h2>%s</h2><dl>", view_word(v,
	    "Details"));
	fact_list(v, "Domain names", json_object_get(cert, "names"));
	fact(v, "Issued by", jsonx_str(cert, "issuer"));
	fact_time(v, "Issued", cert, "not_before");
	fact_time(v, "Expires", cert, "not_after");
	fact_list(v, "Validation", json_object_get(cert, "challenges"));
	fact(v, "DNS provider", jsonx_str(cert, "provider"));
	fact(v, "Account", jsonx_str(cert, jsonx_str(cert,
	    "fallback.issued") != NULL ? "fallback.issued" : "account"));
	fact(v, "Why not the first CA", jsonx_str(cert, "fallback.why"));
	fact(v, "Key", jsonx_str(cert, "key"));
	fact(v, "Serial number", jsonx_str(cert, "serial"));
	fact(v, "Second key", jsonx_str(cert, "second.key"));
	fact(v, "Second serial number", jsonx_str(cert, "second.serial"));
	fact(v, jsonx_bool(cert, "placeholder", false) ?
	    "Self-signed placeholder" : "Files", jsonx_str(cert, "live_dir"));
	if (file != NULL) {
		where = xasprintf("%s:%lld", file,
		    (long long)jsonx_int(cert, "line", 0));
		fact(v, "Configured in", where);
		free(where);
	}
	html_raw(v->out, "</dl></section>");
}

static void
timeline(struct view *v, const json_t *cert)
{
	static const struct { const char *level, *class; } moods[] = {
		{ "error", "bad" }, { "warning", "warn" },
		{ "notice", "good" },
	};
	const json_t *steps = json_object_get(cert, "steps");
	char buf[LANG_TIME_MAX];

	html_printf(v->out, "<section class=\"timeline\"><h2>%s</h2>",
	    view_word(v, "Timeline"));
	if (json_array_size(steps) == 0)
		html_printf(v->out, "<p class=\"quiet\">%s</p>",
		    view_word(v, "No events yet."));
	html_raw(v->out, "<ol>");
	for (size_t i = json_array_size(steps); i-- > 0;) {
		const json_t *o = json_array_get(steps, i);
		const char *level = jsonx_str(o, "level"), *class = "info";

		for (size_t k = 0; k < sizeof(moods) / sizeof(moods[0]); k++) {
			if (level != NULL &&
			    strcmp(moods[k].level, level) == 0)
				class = moods[k].class;
		}
		html_printf(v->out, "<li class=\"%s\"><time>", class);
		html_text(v->out, lang_time(v->lang,
		    (time_t)jsonx_int(o, "at", 0), buf));
		html_raw(v->out, "</time><div>");
		html_element(v->out, "b", "step", jsonx_str(o, "step"));
		html_raw(v->out, " <bdi>");
		html_text(v->out, jsonx_str(o, "msg"));
		html_raw(v->out, "</bdi></div></li>");
	}
	html_raw(v->out, "</ol></section>");
}

/* The bar, with what its marks mean. */
static void
life(struct view *v, const json_t *cert, const struct glance *g)
{
	time_t from = (time_t)jsonx_int(cert, "not_before", 0);
	char buf[LANG_TIME_MAX];

	html_raw(v->out, "<div class=\"biglife\">");
	parts_bar(v, cert, g);
	if (g->not_after > 0) {
		html_printf(v->out, "<p><span>%s %s</span>",
		    view_word(v, "issued"), lang_day(v->lang, from, buf));
		html_raw(v->out, "<span>");
		parts_left(v, g);
		html_printf(v->out, "</span><span>%s %s</span></p>",
		    view_word(v, "expires"), lang_day(v->lang, g->not_after,
		    buf));
	}
	html_raw(v->out, "</div>");
}

void
detail(struct view *v)
{
	json_t *cert = engine_cert_status(v->engine, v->cert);
	struct glance g;

	html_raw(v->out, "<p class=\"back\"><a");
	view_href(v, NULL, NULL, NULL, false);
	html_printf(v->out, ">← %s</a></p>", view_word(v,
	    "Back to all certificates"));
	if (cert == NULL || !engine_glance(v->engine, v->cert, &g)) {
		html_printf(v->out, "<h1>%s</h1>", view_word(v,
		    "There is no certificate of this name."));
		json_decref(cert);
		return;
	}
	html_raw(v->out, "<header class=\"cert\"><h1><bdi>");
	html_text(v->out, v->cert);
	html_raw(v->out, "</bdi></h1>");
	parts_state(v, cert, &g);
	html_raw(v->out, "</header>");
	life(v, cert, &g);
	html_raw(v->out, "<div class=\"columns\"><div>");
	next_section(v, cert, &g);
	timeline(v, cert);
	html_raw(v->out, "</div><div>");
	targets(v, cert);
	facts(v, cert);
	html_raw(v->out, "</div></div>");
	json_decref(cert);
}
