/* SPDX-License-Identifier: MIT */
#include "daemon/certs/freeze.h"

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert.h"
#include "daemon/certs/due.h"

#define LEAD_MAX_S (7 * 86400)	/* at most so long before */
#define POINTS 4096		/* in which they are spread */
#define LIVES_MAX 1000		/* foreseen */

/* The first that is not over at that time, or NULL. */
static const struct conf_freeze *
next_freeze(const struct cert *c, time_t at)
{
	for (unsigned i = 0; c->conf != NULL && i < c->conf->n_freezes; i++) {
		if (at < c->conf->freezes[i].end)
			return &c->conf->freezes[i];
	}
	return NULL;
}

static const struct conf_freeze *
freeze_at(const struct cert *c, time_t at)
{
	const struct conf_freeze *f = next_freeze(c, at);

	return f != NULL && at >= f->from ? f : NULL;
}

/*
 * When one that came at since, and is due in the freeze, is renewed before it.
 * The last quarter of that time is left to failures.  One that is nearly new
 * is not renewed again: it is the one that came for the freeze.
 */
static time_t
before(const struct cert *c, const struct conf_freeze *f, time_t since,
    int64_t life, time_t due)
{
	int64_t lead = life / 8 < LEAD_MAX_S ? life / 8 : LEAD_MAX_S;
	int64_t point = (int64_t)(text_hash(TEXT_HASH_BASIS, c->row.name) %
	    POINTS);
	time_t at = f->from - (time_t)(lead - lead * 3 / 4 * point / POINTS);
	/* It may be the difference between lasting and not. */
	bool lasts = since + life - life / 8 >= f->end;

	return at < since + (lasts ? life / 8 : life / 32) ? due : at;
}

time_t
freeze_due_at(const struct cert *c, time_t due)
{
	const struct store_cert *row = &c->row;
	const struct conf_freeze *f = freeze_at(c, due);
	time_t at;

	if (f == NULL)
		return due;
	at = before(c, f, row->not_before, (int64_t)row->not_after -
	    row->not_before, due);
	/* CAs date back: by this clock, it is the one that came for it. */
	return at <= row->installed_at && row->installed_at <= clock_now() ?
	    due : at;
}

static bool
is_held(const struct cert *c, const struct conf_freeze *f)
{
	return !c->forced && c->row.asked_at == 0 &&
	    due_urgent_at(c->row.not_before, c->row.not_after) >= f->end &&
	    !ari_window_is_recalled(c);
}

time_t
freeze_renew_at(const struct cert *c, time_t at)
{
	const struct conf_freeze *f = freeze_at(c, at);

	return f != NULL && is_held(c, f) ? f->end : at;
}

time_t
freeze_deploy_at(const struct cert *c, time_t urgent_at, time_t at)
{
	const struct conf_freeze *f = freeze_at(c, at);
	time_t installed = c->row.installed_at;

	return f == NULL || urgent_at < f->end || c->is_revoking ||
	    (installed >= f->from && installed < f->end) ? at : f->end;
}

/* Will one have to be renewed in it?  Those that come until then are taken to
 * live as long as this one, and to be due as early. */
static bool
ends_first(const struct cert *c, const struct conf_freeze *f)
{
	time_t since = c->row.not_before, due, at, now = clock_now();
	int64_t life = (int64_t)c->row.not_after - since, used;
	bool by_ari;

	if (now >= f->from)
		return due_urgent_at(since, c->row.not_after) < f->end;
	due = ari_window_due_at(c, &by_ari);
	used = (int64_t)due - since;
	for (int i = 0; used > 0 && i < LIVES_MAX; i++) {
		if (due >= f->from) {
			at = due >= f->end ? due : before(c, f, since, life,
			    due);
			since = at < due ? (at > now ? at : now) : since;
			return due < f->end && since + life - life / 8 <
			    f->end;
		}
		since = due > now ? due : now;
		due = since + (time_t)used;
	}
	return f->end - f->from > life - life / 8;
}

json_t *
freeze_json(const struct cert *c)
{
	const struct conf_freeze *f = next_freeze(c, clock_now());
	char days[CONF_FREEZE_TEXT_MAX];

	if (f == NULL)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:b}",
	    "days", conf_freeze_text(f, days), "from", jsonx_time(f->from),
	    "until", jsonx_time(f->end),
	    "ends_first", c->row.serial != NULL && ends_first(c, f));
}
