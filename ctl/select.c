/* SPDX-License-Identifier: MIT */
#include "ctl/select.h"

#include <fnmatch.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/status.h"

bool
select_is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

static int
parse_span(const char *text, const char *option, time_t now, time_t *by)
{
	int64_t span;

	*by = 0;
	if (text == NULL)
		return EXIT_OK;
	if (text_parse_duration(text, &span) == 0) {
		*by = now + span;
		return EXIT_OK;
	}
	(void)fprintf(stderr, "acmectl: %s needs a span, such as 20d or "
	    "12h\n", option);
	return EXIT_USAGE;
}

int
select_init(struct select *s, const struct options *o, time_t now)
{
	*s = (struct select){ .failing = o->failing || o->failed };
	if (parse_span(o->expires_within, "--expires-within", now,
	    &s->ends_by) != EXIT_OK)
		return EXIT_USAGE;
	return parse_span(o->due_within, "--due-within", now, &s->due_by);
}

static bool
is_due(const json_t *cert, time_t by)
{
	const char *action = jsonx_str(cert, "next.action");
	time_t at = (time_t)jsonx_int(cert, "next.at", 0);

	return action != NULL && (strcmp(action, "renew") == 0 ||
	    strcmp(action, "retry") == 0) && at <= by;
}

bool
select_has(const struct select *s, const json_t *cert)
{
	const char *name = jsonx_str(cert, "name");

	if (s->pattern != NULL && (name == NULL ||
	    fnmatch(s->pattern, name, 0) != 0))
		return false;
	if (s->failing && !status_is_bad(cert))
		return false;
	if (s->ends_by != 0 && jsonx_int(cert, "not_after", 0) > s->ends_by)
		return false;
	return s->due_by == 0 || is_due(cert, s->due_by);
}
