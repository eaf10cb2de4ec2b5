/* SPDX-License-Identifier: MIT */
#include "daemon/status/home.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "config.h"
#include "daemon/control/pieces.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"
#include "daemon/status/assets.h"
#include "daemon/status/detail.h"
#include "daemon/status/html.h"
#include "daemon/status/list.h"
#include "daemon/status/view.h"

/* What is done next. */
enum part { PART_SCAN, PART_HEAD, PART_CARDS, PART_TABLE, PART_ROWS,
    PART_FOOT };

struct home {
	struct view	*v;
	enum part	 part;
	char		*at;		/* the last certificate looked at */
	size_t		 i;		/* card or row */
};

static void
home_free(void *arg)
{
	struct home *h = arg;

	view_free(h->v);
	free(h->at);
	free(h);
}

/* The next certificate, NULL after the last; it is h->at from now on. */
static const char *
next_name(struct home *h)
{
	const char *name = engine_next_name(h->v->engine, h->at);
	char *copy;

	if (name == NULL)
		return NULL;
	copy = xstrdup(name);
	free(h->at);
	return h->at = copy;
}

static void
scan(struct home *h)
{
	const char *name = next_name(h);
	struct glance g;

	if (name == NULL)
		h->part = PART_HEAD;
	else if (engine_glance(h->v->engine, name, &g))
		view_count(h->v, name, &g);
}

static void
head(struct view *v)
{
	html_printf(v->out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>"
	    "<meta charset=\"utf-8\"><title>", lang_tag(v->lang));
	if (v->n_mood[MOOD_BAD] + v->n_mood[MOOD_WARN] + v->n_unwell > 0)
		html_printf(v->out, "(%zu) ", v->n_mood[MOOD_BAD] +
		    v->n_mood[MOOD_WARN] + v->n_unwell);
	if (v->cert != NULL) {
		html_text(v->out, v->cert);
		html_raw(v->out, " · ");
	}
	html_printf(v->out, "%s</title>"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\"><meta name=\"color-scheme\" "
	    "content=\"light dark\"><link rel=\"icon\" href=\"data:,\">"
	    "<style nonce=\"%s\">", view_word(v, "acmed: certificates"),
	    v->nonce);
	html_raw(v->out, asset_page_css);
	html_raw(v->out, "</style></head>\n<body>");
}

static void
lang_link(struct view *v, enum lang lang, const char *name)
{
	html_raw(v->out, "<a");
	view_href_lang(v, lang);
	html_printf(v->out, " lang=\"%s\" hreflang=\"%s\"%s>%s</a>",
	    lang_tag(lang), lang_tag(lang), lang == v->lang ?
	    " aria-current=\"true\"" : "", name);
}

static bool
is_overview(const struct view *v)
{
	return v->query[0] == '\0' && v->after[0] == '\0' &&
	    !v->only_attention;
}

static void
top(struct view *v)
{
	html_printf(v->out, "<a class=\"skip\" href=\"#main\">%s</a>"
	    "<header class=\"top\"><a class=\"brand\"", view_word(v,
	    "Skip to content"));
	view_href(v, NULL, NULL, NULL, false);
	html_printf(v->out, ">acmed</a><form role=\"search\" action=\"./\">"
	    "<input type=\"search\" id=\"q\" name=\"q\" maxlength=\"%d\" "
	    "aria-label=\"%s\" placeholder=\"%s\" autocomplete=\"off\" "
	    "spellcheck=\"false\" value=\"", VIEW_QUERY_MAX,
	    view_word(v, "Search by name"), view_word(v, "Search by name"));
	html_text(v->out, v->query);
	html_raw(v->out, "\">");
	if (v->lang_is_chosen)
		html_printf(v->out, "<input type=\"hidden\" name=\"lang\" "
		    "value=\"%s\">", v->lang == LANG_ZH ? "zh" : "en");
	html_printf(v->out, "<button>%s</button></form>"
	    "<nav class=\"lang\" id=\"lang\" aria-label=\"%s\">",
	    view_word(v, "Search"), view_word(v, "Language"));
	lang_link(v, LANG_EN, "English");
	lang_link(v, LANG_ZH, "中文");
	html_printf(v->out, "</nav></header>\n<main id=\"main\"><div%s>",
	    v->cert == NULL && is_overview(v) ? " class=\"overview\"" : "");
}

static void
begin(struct home *h)
{
	struct view *v = h->v;

	head(v);
	top(v);
	if (v->cert != NULL) {
		detail(v);
		h->part = PART_FOOT;
		return;
	}
	if (!is_overview(v)) {
		h->part = PART_TABLE;
		return;
	}
	list_summary(v);
	list_problems(v);
	list_watched(v);
	h->part = v->n == 0 ? PART_FOOT : PART_CARDS;
	if (v->n_worst > 0)
		html_printf(v->out, "<section class=\"attention\" "
		    "aria-labelledby=\"att\"><h2 id=\"att\">%s</h2>"
		    "<ul class=\"cards\">", view_word(v, "Needs attention"));
}

static void
card(struct home *h)
{
	struct view *v = h->v;
	struct glance g;

	if (h->i < v->n_worst) {
		const char *name = v->worst[h->i++].name;

		if (engine_glance(v->engine, name, &g))
			list_card(v, name, &g);
		return;
	}
	if (v->n_worst > 0) {
		html_raw(v->out, "</ul>");
		list_more_cards(v);
		html_raw(v->out, "</section>");
	}
	list_calendar(v);
	h->part = PART_TABLE;
}

static void
begin_table(struct home *h)
{
	list_begin(h->v);
	free(h->at);
	h->at = xstrdup(h->v->after);
	h->i = 0;
	h->part = PART_ROWS;
}

static void
row(struct home *h)
{
	char *last = h->i == VIEW_ROWS ? xstrdup(h->at) : NULL;
	const char *name = next_name(h);
	struct glance g;
	bool is_wanted = name != NULL &&
	    engine_glance(h->v->engine, name, &g) &&
	    view_wants(h->v, name, &g);

	if (name == NULL || (is_wanted && last != NULL)) {
		list_end(h->v, name != NULL ? last : NULL);
		h->part = PART_FOOT;
	} else if (is_wanted) {
		list_row(h->v, name, &g);
		h->i++;
	}
	free(last);
}

static void
foot(struct view *v)
{
	char when[LANG_TIME_MAX], zone[16] = "";
	struct tm tm;

	if (localtime_r(&v->now, &tm) != NULL)
		(void)strftime(zone, sizeof(zone), " %Z", &tm);
	html_raw(v->out, "</div></main>\n<footer><span id=\"asof\">");
	view_say(v, "as of %s", lang_time(v->lang, v->now, when), NULL, NULL);
	html_text(v->out, zone);
	html_printf(v->out, "</span> <span id=\"live\" hidden>%s</span>"
	    "<span>acmed " PACKAGE_VERSION "</span></footer>\n"
	    "<script nonce=\"%s\">", view_word(v, "live"), v->nonce);
	html_raw(v->out, asset_page_js);
	html_raw(v->out, "</script></body></html>\n");
}

static bool
fill(struct pieces *p, void *arg)
{
	struct home *h = arg;

	h->v->out = pieces_out(p);
	switch (h->part) {
	case PART_SCAN:
		scan(h);
		break;
	case PART_HEAD:
		begin(h);
		break;
	case PART_CARDS:
		card(h);
		break;
	case PART_TABLE:
		begin_table(h);
		break;
	case PART_ROWS:
		row(h);
		break;
	case PART_FOOT:
		foot(h->v);
		return false;
	}
	return true;
}

void
get_home(struct call *c)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(c->req);
	struct home *h = xcalloc(1, sizeof(*h));
	char *policy;

	h->v = view_new(c);
	h->at = xstrdup("");
	policy = xasprintf("default-src 'none'; style-src 'nonce-%s'; "
	    "script-src 'nonce-%s'; connect-src 'self'; img-src data:; "
	    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	    h->v->nonce, h->v->nonce);
	(void)evhttp_add_header(headers, "Content-Security-Policy", policy);
	(void)evhttp_add_header(headers, "Vary", "Accept-Language");
	free(policy);
	pieces_begin(c, "text/html; charset=utf-8", fill, home_free, h);
}
