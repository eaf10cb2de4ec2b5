/* SPDX-License-Identifier: MIT */
/* watches_told - what is known of watched certificates, for all who show it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "daemon/config/conf.h"
#include "daemon/watches/look.h"
#include "daemon/watches/watches_priv.h"

enum watched_left
watched_left(const struct store_watch *row, int64_t warn_s, time_t now)
{
	int64_t life = (int64_t)row->not_after - row->not_before;
	int64_t warn = warn_s != 0 ? warn_s : life / 4;
	int64_t urgent = warn / 2 < life / 8 ? warn / 2 : life / 8;
	int64_t left = (int64_t)row->not_after - now;

	if (row->not_after == 0)
		return WATCHED_FINE;
	if (left <= 0)
		return WATCHED_EXPIRED;
	return left <= urgent ? WATCHED_URGENT : left <= warn ? WATCHED_SOON :
	    WATCHED_FINE;
}

const char *
watched_condition(const struct watched_item *i, time_t now)
{
	enum watched_left left = watched_left(&i->row, i->conf->warn_s, now);

	if (left == WATCHED_EXPIRED)
		return "expired";
	if (i->row.tries > 0)
		return "not answering";
	if (i->row.err.code[0] != '\0')
		return "wrong";
	if (i->row.not_after == 0)
		return "not looked at yet";
	return left != WATCHED_FINE ? "ends soon" : "valid";
}

bool
watched_is_well(const struct watched_item *i, time_t now)
{
	return i->row.err.code[0] == '\0' &&
	    watched_left(&i->row, i->conf->warn_s, now) == WATCHED_FINE;
}

void
watches_each(const struct watches *w,
    void (*each)(const struct watched *, void *), void *arg)
{
	const struct watched_item *i;

	TAILQ_FOREACH(i, &w->items, link) {
		if (i->conf != NULL)
			each(&(struct watched){ &i->row, i->conf->warn_s,
			    look_is_judged(&i->row.err) }, arg);
	}
}

void
watches_each_unwell(const struct watches *w,
    void (*each)(const char *name, const char *what, const char *word,
    const char *why, void *), void *arg)
{
	const struct watched_item *i;
	time_t now = clock_now();

	TAILQ_FOREACH(i, &w->items, link) {
		if (i->conf != NULL && !watched_is_well(i, now))
			each(i->row.watch, i->row.what,
			    watched_condition(i, now), i->row.err.msg, arg);
	}
}

static json_t *
text_or_null(const char *s)
{
	return *s != '\0' ? json_string(s) : json_null();
}

static json_t *
item_json(const struct watched_item *i, time_t now)
{
	const struct store_watch *row = &i->row;

	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:o, s:o, s:o, s:i, s:o}",
	    "name", row->watch, "target", row->what,
	    "kind", i->target != NULL ? "server" : "file",
	    "ok", watched_is_well(i, now),
	    "condition", watched_condition(i, now),
	    "serial", text_or_null(row->serial),
	    "issuer", text_or_null(row->issuer),
	    "subject", text_or_null(row->subject),
	    "key", text_or_null(row->key),
	    "not_before", jsonx_time(row->not_before),
	    "not_after", jsonx_time(row->not_after),
	    "looked_at", jsonx_time(row->looked_at),
	    "next_at", jsonx_time(row->next_at > now ? row->next_at : now),
	    "since", jsonx_time(row->since),
	    "tries", (int)row->tries,
	    "error", row->err.code[0] != '\0' ? jsonx_error(&row->err,
	    row->looked_at) : json_null());
}

json_t *
watches_json(const struct watches *w)
{
	json_t *list = json_array();
	const struct watched_item *i;
	time_t now = clock_now();

	TAILQ_FOREACH(i, &w->items, link) {
		if (i->conf != NULL)
			(void)json_array_append_new(list, item_json(i, now));
	}
	return list;
}

/* A label's value: what may not stand in it is escaped. */
static void
put_label(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
}

static void
put_line(FILE *f, const char *metric, const struct watched_item *i,
    int64_t value)
{
	fprintf(f, "%s{name=\"%s\",target=\"", metric, i->row.watch);
	put_label(f, i->row.what);
	fprintf(f, "\"} %" PRId64 "\n", value);
}

void
watches_metrics(const struct watches *w, FILE *f)
{
	const char *expiry = "acmed_watched_expiry_timestamp_seconds";
	const struct watched_item *i;
	time_t now = clock_now();

	fprintf(f, "# HELP %s notAfter of a certificate of `watch`, as seen "
	    "last; absent if it never was.\n# TYPE %s gauge\n", expiry,
	    expiry);
	TAILQ_FOREACH(i, &w->items, link) {
		if (i->conf != NULL && i->row.not_after != 0)
			put_line(f, expiry, i, i->row.not_after);
	}
	fprintf(f, "# HELP acmed_watched_ok 1 if it was well at the last look, "
	    "0 if not: it ends soon, is wrong, or does not answer.\n"
	    "# TYPE acmed_watched_ok gauge\n");
	TAILQ_FOREACH(i, &w->items, link) {
		if (i->conf != NULL && i->row.looked_at != 0)
			put_line(f, "acmed_watched_ok", i,
			    watched_is_well(i, now));
	}
}
