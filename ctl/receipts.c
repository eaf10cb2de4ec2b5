/* SPDX-License-Identifier: MIT */
#include "ctl/receipts.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/show.h"
#include "ctl/term.h"

enum { HOST, CERT, STATE, EXPIRES, HEARD, COLUMNS, GAP = 2 };

static const char *const titles[COLUMNS] = {
	[HOST] = "HOST",
	[CERT] = "CERTIFICATE",
	[STATE] = "STATE",
	[EXPIRES] = "EXPIRES",
	[HEARD] = "HEARD",
};

char *
receipts_behind(const json_t *cert)
{
	long long known = jsonx_int(cert, "hosts.known", 0);
	long long behind = jsonx_int(cert, "hosts.behind", 0);

	return behind == 0 ? NULL : xasprintf("%lld of %lld host%s behind",
	    behind, known, known == 1 ? "" : "s");
}

char *
receipts_line(const json_t *host, time_t now)
{
	char *name = show_str(host, "host", "?"), *text;
	char *why = show_str(host, "why", "?");
	time_t since = (time_t)jsonx_int(host, "behind_since", 0);
	char span[TEXT_SPAN_MAX];

	text = since == 0 || since > now ? xasprintf("%s: %s", name, why) :
	    xasprintf("%s, for %s: %s", name, text_span(now - since, span),
	    why);
	free(why);
	free(name);
	return text;
}

static const char *
state_of(const json_t *h)
{
	return jsonx_bool(h, "silent", false) ? "silent" :
	    !jsonx_bool(h, "behind", false) ? "serves it" :
	    jsonx_str(h, "code") != NULL ? "failing" : "behind";
}

static void
cells(const json_t *h, time_t now, char *out[COLUMNS])
{
	time_t end = (time_t)jsonx_int(h, "not_after", 0);
	time_t at = (time_t)jsonx_int(h, "at", 0);
	char when[SHOW_WHEN_MAX];

	out[HOST] = show_str(h, "host", "?");
	out[CERT] = show_str(h, "certificate", "?");
	out[STATE] = xstrdup(state_of(h));
	out[EXPIRES] = xstrdup(end == 0 ? "-" : show_span(now, end, when));
	out[HEARD] = xstrdup(at == 0 ? "-" : show_span(now, at, when));
}

static void
cells_free(char *list[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		free(list[i]);
}

static void
print_host(const struct options *o, const json_t *h,
    const size_t widths[COLUMNS], time_t now)
{
	char *list[COLUMNS], *why = show_str(h, "why", NULL);
	bool is_behind = jsonx_bool(h, "behind", false);

	cells(h, now, list);
	for (int i = 0; i < COLUMNS; i++)
		term_cell(&o->out, i != STATE ? TERM_PLAIN : is_behind ?
		    TERM_BAD : TERM_GOOD, list[i], i == HEARD ? 0 :
		    widths[i] + GAP);
	(void)fputc('\n', o->out.out);
	cells_free(list);
	if (why != NULL) {
		(void)fputs("    ", o->out.out);
		term_wrap(&o->out, TERM_BAD, 4, 4, why);
	}
	free(why);
}

/* Those that are behind come first. */
static void
print_all(const struct options *o, const json_t *list, time_t now)
{
	size_t widths[COLUMNS], i, n_behind = 0;
	const json_t *h;
	char *row[COLUMNS];

	if (json_array_size(list) == 0) {
		(void)fputs(o->n_names > 0 || o->failing ? "no such host\n" :
		    "no host has reported here: ask the daemon that "
		    "publishes; in a cluster, a member that renews\n",
		    o->out.out);
		return;
	}
	for (int k = 0; k < COLUMNS; k++)
		widths[k] = strlen(titles[k]);
	json_array_foreach(list, i, h) {
		n_behind += jsonx_bool(h, "behind", false);
		cells(h, now, row);
		for (int k = 0; k < COLUMNS; k++) {
			if (term_columns(row[k]) > widths[k])
				widths[k] = term_columns(row[k]);
		}
		cells_free(row);
	}
	for (int k = 0; k < COLUMNS; k++)
		term_cell(&o->out, TERM_BOLD, titles[k], k == HEARD ? 0 :
		    widths[k] + GAP);
	(void)fputc('\n', o->out.out);
	for (int behind = 1; behind >= 0; behind--) {
		json_array_foreach(list, i, h) {
			if (jsonx_bool(h, "behind", false) == (behind == 1))
				print_host(o, h, widths, now);
		}
	}
	(void)fprintf(o->out.out, "\n%zu of %zu behind\n", n_behind,
	    json_array_size(list));
}

int
receipts_status(const struct options *o)
{
	struct client_reply reply;
	json_t *shown;
	const json_t *h;
	bool is_behind = false;
	size_t i;
	int code = ask_get(o, API_PATH_RECEIPTS, &reply);

	if (code != EXIT_OK)
		return code;
	shown = json_array();
	json_array_foreach(json_object_get(reply.body, "hosts"), i, h) {
		const char *cert = jsonx_str(h, "certificate");

		if (o->n_names > 0 && (cert == NULL || fnmatch(o->names[0],
		    cert, 0) != 0))
			continue;
		if (o->failing && !jsonx_bool(h, "behind", false))
			continue;
		is_behind |= jsonx_bool(h, "behind", false);
		(void)json_array_append(shown, (json_t *)(uintptr_t)h);
	}
	if (o->json) {
		(void)json_object_set(reply.body, "hosts", shown);
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		print_all(o, shown, clock_now());
	}
	json_decref(shown);
	client_reply_clear(&reply);
	return o->check && is_behind ? EXIT_FAILED : EXIT_OK;
}
