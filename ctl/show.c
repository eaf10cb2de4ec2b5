/* SPDX-License-Identifier: MIT */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"

char *
show_str(const json_t *j, const char *path, const char *fallback)
{
	const json_t *v = jsonx_get(j, path);
	char *s;

	if (json_is_integer(v))
		return xasprintf("%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
	if (!json_is_string(v))
		return fallback == NULL ? NULL : xstrdup(fallback);
	s = xstrdup(json_string_value(v));
	text_clean(s);
	return s;
}

char *
show_error(const json_t *error)
{
	char *s;

	if (json_is_object(error))
		return show_str(error, "msg", NULL);
	if (!json_is_string(error))
		return NULL;
	s = xstrdup(json_string_value(error));
	text_clean(s);
	return s;
}

char *
show_list(const json_t *array)
{
	char *all = xstrdup("");
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		char *s = show_error(item), *longer;

		longer = xasprintf("%s%s%s", all, i > 0 ? ", " : "",
		    s == NULL ? "?" : s);
		free(s);
		free(all);
		all = longer;
	}
	return all;
}

char *
show_name(const json_t *cert, bool is_utf8)
{
	char *name = show_str(cert, "name", "?"), *shown;

	if (!is_utf8)
		return name;
	shown = dname_unicode(name);
	free(name);
	return shown;
}

char *
show_names(const json_t *cert, bool is_utf8)
{
	json_t *list = json_array();
	const json_t *item;
	char *all;
	size_t i;

	json_array_foreach(json_object_get(cert, "names"), i, item) {
		const char *name = json_string_value(item);
		char *shown = name == NULL ? xstrdup("?") :
		    is_utf8 ? dname_show(name) : xstrdup(name);

		(void)json_array_append_new(list, json_string(shown));
		free(shown);
	}
	all = show_list(list);
	json_decref(list);
	return all;
}

const char *
show_date(time_t at, char out[SHOW_WHEN_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(out, SHOW_WHEN_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
		(void)text_printf(out, SHOW_WHEN_MAX, "@%lld", (long long)at);
	return out;
}

const char *
show_span(time_t now, time_t at, char out[SHOW_WHEN_MAX])
{
	char span[TEXT_SPAN_MAX];

	if (at == now)
		(void)text_printf(out, SHOW_WHEN_MAX, "now");
	else if (at > now)
		(void)text_printf(out, SHOW_WHEN_MAX, "in %s",
		    text_span(at - now, span));
	else
		(void)text_printf(out, SHOW_WHEN_MAX, "%s ago",
		    text_span(now - at, span));
	return out;
}

const char *
show_when(time_t now, time_t at, char out[SHOW_WHEN_MAX])
{
	char span[SHOW_WHEN_MAX], date[SHOW_WHEN_MAX];

	(void)text_printf(out, SHOW_WHEN_MAX, "%s (%s)",
	    show_span(now, at, span), show_date(at, date));
	return out;
}

char *
show_next_word(const json_t *cert, bool is_long, time_t *at)
{
	const char *word = jsonx_str(cert, "next.action");
	char when[SHOW_WHEN_MAX], *step, *out;
	time_t then = (time_t)jsonx_int(cert, "next.at", 0);

	*at = 0;
	if (json_is_object(jsonx_get(cert, "run"))) {
		step = show_str(cert, "run.step", "running");
		out = xasprintf("now: %s", step);
		free(step);
		return out;
	}
	/* Its end came after it was taken out of the configuration. */
	if (word != NULL && strcmp(word, "none") == 0)
		return xstrdup(is_long ? "nothing: it is not configured any "
		    "more" : "-");
	if (word != NULL && strcmp(word, "paused") == 0)
		return then == 0 ? xstrdup(is_long ? "nothing: paused until "
		    "acmectl resume" : "paused") : xasprintf("paused until "
		    "%.10s", show_date(then, when));
	if (word != NULL && strcmp(word, "held") == 0)
		return xstrdup(is_long ? "nothing: paused by the CA, until "
		    "acmectl renew-now" : "held");
	if (word != NULL && strcmp(word, "put") == 0)
		return xstrdup(is_long ? "nothing: it comes by acmectl put" :
		    "put");
	*at = then;
	return show_str(cert, "next.action", "-");
}

char *
show_fallback(const json_t *cert)
{
	char *issued = show_str(cert, "fallback.issued", NULL);
	char *next = show_str(cert, "fallback.next", NULL);
	char *first, *why, *text = NULL;

	if (issued == NULL && next == NULL)
		return NULL;
	first = show_str(cert, "fallback.first", "?");
	why = show_str(cert, "fallback.why", NULL);
	text = xasprintf("%s, not %s%s%s%s", next != NULL ? next : issued,
	    first, next == NULL ? ", which the next renewal asks again" : "",
	    why != NULL ? ": " : "", why != NULL ? why : "");
	free(why);
	free(first);
	free(next);
	free(issued);
	return text;
}

char *
show_next(const json_t *cert, time_t now, bool is_long)
{
	char when[SHOW_WHEN_MAX], *word, *out;
	time_t at;

	word = show_next_word(cert, is_long, &at);
	if (at == 0)
		return word;
	/* What was due a moment ago is about to begin. */
	if (at < now)
		at = now;
	out = xasprintf("%s %s", word, is_long ? show_when(now, at, when) :
	    show_span(now, at, when));
	free(word);
	return out;
}
