/* SPDX-License-Identifier: MIT */
#include "ctl/persist.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/show.h"
#include "ctl/term.h"

static bool
is_state(const json_t *record, const char *state)
{
	const char *s = jsonx_str(record, "state");

	return s != NULL && strcmp(s, state) == 0;
}

static bool
is_bad(const json_t *ca, bool is_removal)
{
	const json_t *record;
	size_t i;

	if (json_is_object(json_object_get(ca, "error")))
		return true;
	json_array_foreach(json_object_get(ca, "records"), i, record) {
		if (json_is_object(json_object_get(record, "error")) ||
		    (!is_removal && !is_state(record, "right")))
			return true;
	}
	return false;
}

bool
persist_is_bad(const json_t *reply, bool is_removal)
{
	bool bad = is_bad(reply, is_removal);
	const json_t *ca;
	size_t i;

	json_array_foreach(json_object_get(reply, "others"), i, ca)
		bad = is_bad(ca, is_removal) || bad;
	return bad;
}

int
persist_parse_until(const char *text, time_t now, time_t *until)
{
	struct tm tm = { .tm_hour = 0 };
	char check[16];
	int64_t span;
	const char *end;
	time_t at;

	if (text_parse_duration(text, &span) == 0) {
		if (span <= 0)
			return -1;
		*until = now + span;
		return 0;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end == NULL || *end != '\0')
		return -1;
	tm.tm_hour = 23;
	tm.tm_min = tm.tm_sec = 59;
	at = timegm(&tm);
	/* The 31st of February is none. */
	if (strftime(check, sizeof(check), "%Y-%m-%d", &tm) == 0 ||
	    strcmp(check, text) != 0 || at <= now)
		return -1;
	*until = at;
	return 0;
}

static void
comment(const struct term *t, enum term_colour colour, const char *text)
{
	(void)fputs("; ", t->out);
	term_cell(t, colour, text, 0);
	(void)fputc('\n', t->out);
}

static void
print_state(const struct term *t, const json_t *record, time_t now)
{
	bool is_right = is_state(record, "right");
	char *names = show_list(json_object_get(record, "for"));
	char *state = show_str(record, "state", "?");
	char *why = show_str(record, "why", NULL);
	char *action = show_str(record, "action", NULL);
	time_t until = (time_t)jsonx_int(record, "until", 0);
	char when[SHOW_WHEN_MAX], *text;

	text = xasprintf("%s: %s%s%s%s%s%s%s%s", names, state,
	    !is_right && why != NULL ? ", the record " : "",
	    !is_right && why != NULL ? why : "",
	    is_right && until != 0 ? ", ends " : "",
	    is_right && until != 0 ? show_when(now, until, when) : "",
	    action != NULL ? " (" : "", action != NULL ? action : "",
	    action != NULL ? ")" : "");
	comment(t, is_right ? TERM_GOOD : TERM_BAD, text);
	free(text);
	free(action);
	free(why);
	free(state);
	free(names);
}

static void
print_record(const struct term *t, const json_t *record, time_t now)
{
	char *line = show_str(record, "line", "?");
	char *alias = show_str(record, "alias", NULL);
	char *error = show_error(json_object_get(record, "error"));
	char *text;

	(void)fputc('\n', t->out);
	print_state(t, record, now);
	if (error != NULL)
		comment(t, TERM_BAD, error);
	if (alias != NULL) {
		text = xasprintf("it is an alias: the record belongs to %s",
		    alias);
		comment(t, TERM_PLAIN, text);
		free(text);
	}
	/* Never wrapped: it is to be copied. */
	(void)fprintf(t->out, "%s\n", line);
	free(error);
	free(alias);
	free(line);
}

/* The records of one CA; true: a provider can write one that is not right. */
static bool
print_ca(const struct term *t, const char *cert, const json_t *ca, time_t now)
{
	char *account = show_str(ca, "account", "?");
	char *url = show_str(ca, "account_url", "not registered");
	char *error = show_error(json_object_get(ca, "error"));
	const json_t *record;
	bool can_write = false;
	char *text;
	size_t i;

	text = xasprintf("dns-persist-01 records of certificate %s, account "
	    "%s (%s)", cert, account, url);
	comment(t, TERM_BOLD, text);
	free(text);
	if (error != NULL)
		comment(t, TERM_BAD, error);
	json_array_foreach(json_object_get(ca, "records"), i, record) {
		print_record(t, record, now);
		if (!is_state(record, "right") &&
		    jsonx_str(record, "provider") != NULL &&
		    jsonx_str(record, "action") == NULL)
			can_write = true;
	}
	free(error);
	free(url);
	free(account);
	return can_write;
}

void
persist_print(const struct term *t, const json_t *reply, time_t now)
{
	char *cert = show_str(reply, "certificate", "?");
	bool can_write = print_ca(t, cert, reply, now);
	const json_t *ca;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(reply, "others"), i, ca) {
		(void)fputc('\n', t->out);
		can_write = print_ca(t, cert, ca, now) || can_write;
	}
	if (can_write) {
		text = xasprintf("acmectl persist --write %s lets the provider "
		    "write what is not right", cert);
		(void)fputc('\n', t->out);
		comment(t, TERM_PLAIN, text);
		free(text);
	}
	if (!jsonx_bool(reply, "configured", true)) {
		(void)fputc('\n', t->out);
		comment(t, TERM_PLAIN, "no name is proved by them yet: set "
		    "challenge = \"dns-persist-01\" in the certificate");
	}
	free(cert);
}
