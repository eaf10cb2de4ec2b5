/* SPDX-License-Identifier: MIT */
/* What is below the table: journal, channels, configuration. */
#include "ctl/status.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "ctl/show.h"
#include "ctl/term.h"

enum { ERROR_INDENT = 4 };

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
status_has_unwell(const json_t *status)
{
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(status, "watches"), i, w) {
		if (!jsonx_bool(w, "ok", false))
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

/* "  intranet  erp.example.com:443  ends soon, in 12d: words" */
static void
print_watch(const struct term *t, const json_t *w, time_t now)
{
	char *name = show_str(w, "name", "?");
	char *target = show_str(w, "target", "?");
	char *word = show_str(w, "condition", "?");
	char *error = show_error(json_object_get(w, "error"));
	time_t end = (time_t)jsonx_int(w, "not_after", 0);
	char when[SHOW_WHEN_MAX];
	char *text = xasprintf("%s: %s: %s%s%s%s%s", name, target, word,
	    end == 0 ? "" : end <= now ? ", ended " : ", ends ",
	    end == 0 ? "" : show_span(now, end, when),
	    error != NULL ? ": " : "", error != NULL ? error : "");

	(void)fputs("  ", t->out);
	term_wrap(t, jsonx_bool(w, "ok", false) ? TERM_PLAIN : TERM_BAD, 2,
	    ERROR_INDENT, text);
	free(text);
	free(error);
	free(word);
	free(target);
	free(name);
}

/* Those that are not well come first. */
static void
print_watches(const struct term *t, const json_t *list, time_t now)
{
	const json_t *w;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	(void)fputc('\n', t->out);
	term_wrap(t, TERM_PLAIN, 0, 2, "watched, renewed by others:");
	for (int is_ok = 0; is_ok < 2; is_ok++) {
		json_array_foreach(list, i, w) {
			if (jsonx_bool(w, "ok", false) == (is_ok == 1))
				print_watch(t, w, now);
		}
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

static void
print_trouble(const struct term *t, const char *what, char *error /* taken */)
{
	char *text;

	if (error == NULL)
		return;
	text = xasprintf("%s: %s", what, error);
	(void)fputc('\n', t->out);
	term_wrap(t, TERM_BAD, 0, 2, text);
	free(text);
	free(error);
}

void
status_print_rest(const struct term *t, const json_t *rest, time_t now)
{
	print_watches(t, json_object_get(rest, "watches"), now);
	print_cleanup(t, json_object_get(rest, "cleanup"), "TXT record",
	    print_record, now);
	print_cleanup(t, json_object_get(rest, "http_files"),
	    "challenge file", print_file, now);
	print_channels(t, json_object_get(rest, "notify"), now);
	print_trouble(t, "cluster: nothing is renewed here",
	    show_error(jsonx_get(rest, "cluster.error")));
	print_trouble(t, "cluster", show_error(jsonx_get(rest,
	    "cluster.differs")));
	print_trouble(t, "configuration", show_error(jsonx_get(rest,
	    "config.error")));
}
