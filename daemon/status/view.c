/* SPDX-License-Identifier: MIT */
#include "daemon/status/view.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/control/server.h"
#include "daemon/status/html.h"

/* What the query of the URL says; what it does not know, or is too long, is
 * as if it were not there. */
static void
parse(struct view *v, const char *uri_query)
{
	struct evkeyvalq params = TAILQ_HEAD_INITIALIZER(params);
	const struct evkeyval *kv;

	if (uri_query == NULL ||
	    evhttp_parse_query_str(uri_query, &params) == -1)
		return;
	TAILQ_FOREACH(kv, &params, next) {
		enum lang lang = lang_parse(kv->value);

		if (strlen(kv->value) > VIEW_QUERY_MAX)
			continue;
		if (strcmp(kv->key, "q") == 0) {
			free(v->query);
			v->query = xstrdup(kv->value);
		} else if (strcmp(kv->key, "after") == 0) {
			free(v->after);
			v->after = xstrdup(kv->value);
		} else if (strcmp(kv->key, "cert") == 0) {
			free(v->cert);
			v->cert = xstrdup(kv->value);
		} else if (strcmp(kv->key, "show") == 0) {
			v->only_attention = strcmp(kv->value, "attention") ==
			    0;
		} else if (strcmp(kv->key, "lang") == 0 && lang != LANG_END) {
			v->lang = lang;
			v->lang_is_chosen = true;
		}
	}
	evhttp_clear_headers(&params);
}

static void
count_unwell(const char *name, const char *what, const char *word,
    const char *why, void *arg)
{
	struct view *v = arg;

	v->n_unwell++;
}

struct view *
view_new(struct call *c)
{
	struct view *v = xcalloc(1, sizeof(*v));
	unsigned char random[16];

	v->engine = c->server->engine;
	v->now = clock_now();
	v->query = xstrdup("");
	v->after = xstrdup("");
	v->lang = lang_of_header(evhttp_find_header(
	    evhttp_request_get_input_headers(c->req), "Accept-Language"));
	/* It cannot fail for so few bytes: getrandom(2). */
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	for (size_t i = 0; i < sizeof(random); i++)
		(void)text_printf(v->nonce + 2 * i, 3, "%02x", random[i]);
	engine_each_unwell(v->engine, count_unwell, v);
	parse(v, evhttp_uri_get_query(evhttp_request_get_evhttp_uri(c->req)));
	return v;
}

void
view_free(void *view)
{
	struct view *v = view;

	for (size_t i = 0; i < v->n_worst; i++)
		free(v->worst[i].name);
	free(v->query);
	free(v->after);
	free(v->cert);
	free(v);
}

/* --- what there is --- */

enum mood
mood_of(const struct glance *g)
{
	switch (g->condition) {
	case COND_MISSING:
		return g->err != NULL ? MOOD_BAD : MOOD_BUSY;
	case COND_EXPIRED:
		return MOOD_BAD;
	case COND_FAILING:
	case COND_NAMES_MISSING:
	case COND_SERVING_OLD:
	case COND_NOT_DEPLOYED:
		return MOOD_WARN;
	case COND_RENEWING:
		return g->err != NULL ? MOOD_WARN : MOOD_BUSY;
	case COND_ROLLED_BACK:
		return g->is_good ? MOOD_BUSY : MOOD_WARN;
	case COND_DEPLOYING:
	case COND_OTHER_CA:
		return MOOD_BUSY;
	case COND_STAGING:
	case COND_VALID:
	case COND_END:
		break;
	}
	return MOOD_GOOD;
}

const char *
mood_class(enum mood mood)
{
	static const char *const classes[] = { [MOOD_BAD] = "bad",
	    [MOOD_WARN] = "warn", [MOOD_BUSY] = "busy",
	    [MOOD_GOOD] = "good" };

	return classes[mood];
}

static bool
is_worse(const struct worst *a, const struct worst *b)
{
	return a->mood != b->mood ? a->mood < b->mood :
	    a->not_after < b->not_after;
}

/* The worst of those seen, in order. */
static void
keep_worst(struct view *v, const char *name, enum mood mood, time_t not_after)
{
	struct worst w = { NULL, mood, not_after };
	size_t i;

	if (v->n_worst == VIEW_WORST) {
		if (!is_worse(&w, &v->worst[VIEW_WORST - 1]))
			return;
		free(v->worst[--v->n_worst].name);
	}
	for (i = v->n_worst++; i > 0 && is_worse(&w, &v->worst[i - 1]); i--)
		v->worst[i] = v->worst[i - 1];
	w.name = xstrdup(name);
	v->worst[i] = w;
}

/* Into its day of the calendar; days are of 24 hours from now on, which is
 * what they differ by but for the hour of a change to summer time. */
static void
count_day(const struct view *v, unsigned *days, time_t at)
{
	struct tm tm;
	time_t midnight;

	if (localtime_r(&v->now, &tm) == NULL)
		return;
	midnight = v->now - tm.tm_hour * 3600 - tm.tm_min * 60 - tm.tm_sec;
	if (at >= v->now && at < midnight + VIEW_DAYS * 86400)
		days[(at - midnight) / 86400]++;
}

void
view_count(struct view *v, const char *name, const struct glance *g)
{
	enum mood mood = mood_of(g);

	v->n++;
	v->n_mood[mood]++;
	v->n_found += view_wants(v, name, g);
	if (mood <= MOOD_WARN)
		keep_worst(v, name, mood, g->not_after);
	/* One that will be renewed before alarms nobody. */
	if (mood <= MOOD_WARN || g->next_at < 0 || g->next_at > g->not_after)
		count_day(v, v->expiries, g->not_after);
	if (g->next_at >= 0 && strcmp(g->action, "renew") == 0)
		count_day(v, v->renewals, g->next_at == 0 ? v->now :
		    g->next_at);
}

bool
view_wants(const struct view *v, const char *name, const struct glance *g)
{
	return (v->query[0] == '\0' || strcasestr(name, v->query) != NULL) &&
	    (!v->only_attention || mood_of(g) <= MOOD_WARN);
}

/* --- words and links --- */

const char *
view_word(const struct view *v, const char *english)
{
	return lang_word(v->lang, english);
}

void
view_say(struct view *v, const char *english, const char *a, const char *b,
    const char *c)
{
	const char *args[] = { a, b, c }, *s = view_word(v, english), *next;
	char *literal;

	for (size_t i = 0; (next = strstr(s, "%s")) != NULL; i++) {
		literal = xasprintf("%.*s", (int)(next - s), s);
		html_text(v->out, literal);
		free(literal);
		html_text(v->out, i < 3 ? args[i] : NULL);
		s = next + 2;
	}
	html_text(v->out, s);
}

static void
param(struct view *v, char *sep, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	html_printf(v->out, "%s%s=", *sep == '?' ? "?" : "&amp;", key);
	html_encode(v->out, value);
	*sep = '&';
}

static void
href(struct view *v, const char *cert, const char *query, const char *after,
    bool only_attention, enum lang lang)
{
	char sep = '?';

	html_raw(v->out, " href=\"./");
	param(v, &sep, "cert", cert);
	param(v, &sep, "q", query);
	param(v, &sep, "show", only_attention ? "attention" : NULL);
	param(v, &sep, "after", after);
	param(v, &sep, "lang", lang == LANG_END ? NULL : lang == LANG_ZH ?
	    "zh" : "en");
	html_raw(v->out, "\"");
}

void
view_href(struct view *v, const char *cert, const char *query,
    const char *after, bool only_attention)
{
	href(v, cert, query, after, only_attention,
	    v->lang_is_chosen ? v->lang : LANG_END);
}

void
view_href_lang(struct view *v, enum lang lang)
{
	href(v, v->cert, v->query, v->after, v->only_attention, lang);
}
