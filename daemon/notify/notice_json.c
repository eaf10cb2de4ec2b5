/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/notify/notice_priv.h"

static json_t *
string_or_null(const char *s)
{
	json_t *j = s != NULL && *s != '\0' ? json_string(s) : NULL;

	return j != NULL ? j : json_null();
}

static json_t *
time_or_null(time_t t)
{
	return t > 0 ? json_integer(t) : json_null();
}

static json_t *
item_json(const struct notice_item *i)
{
	char *said = i->words != NULL ? xstrdup(i->words) : NULL;
	json_t *j;

	if (said != NULL)
		text_clean(said);
	j = json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:o}",
	    "name", string_or_null(i->name), "object",
	    string_or_null(i->object), "names", string_or_null(i->names),
	    "step", string_or_null(i->step), "tries", (int)i->tries,
	    "error", string_or_null(said),
	    "repository", string_or_null(i->repository),
	    "publisher", string_or_null(i->publisher),
	    "not_after", time_or_null(i->not_after),
	    "new_not_after", time_or_null(i->new_not_after),
	    "since", time_or_null(i->since),
	    "next_at", time_or_null(i->next_at));
	free(said);
	return j;
}

char *
notice_json(const struct notice *n, const char *subject, const char *text)
{
	static const char *const whats[] = {
		[NOTICE_NEW] = "new", [NOTICE_REPEAT] = "repeat",
		[NOTICE_WORSE] = "worse", [NOTICE_CHANGED] = "changed",
		[NOTICE_RECOVERED] = "recovered",
	};
	json_t *items = json_array(), *j;
	char *out;

	_Static_assert(sizeof(whats) / sizeof(whats[0]) == NOTICE_END,
	    "whats");
	for (size_t i = 0; i < n->n_items && i < 100; i++)
		(void)json_array_append_new(items, item_json(&n->items[i]));
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o,"
	    " s:I, s:o}", "id", n->id,
	    "event", n->channel != NULL ? "test" : notify_event_name(n->event),
	    "what", n->channel != NULL ? "test" : whats[n->what],
	    "level", notify_level_name(n->level), "at", time_or_null(n->at),
	    "host", n->host, "subject", subject, "text", text,
	    "code", string_or_null(n->code), "who", string_or_null(n->who),
	    "count", (json_int_t)n->n_items, "certificates", items);
	out = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return out != NULL ? out : xstrdup("{}");
}
