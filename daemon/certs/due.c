/* SPDX-License-Identifier: MIT */
#include "daemon/certs/due.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S	86400
#define HOUR_S	3600
#define NEAR_S	30
#define MAX_RETRY_AFTER_S (7 * DAY_S)

int64_t
due_renew_before(time_t not_before, time_t not_after, int64_t renew_before)
{
	int64_t lifetime = (int64_t)not_after - not_before;
	int64_t most = lifetime < 10 * DAY_S ? lifetime / 2 : lifetime / 3;

	return renew_before < most ? renew_before : most;
}

time_t
due_at(time_t not_before, time_t not_after, int64_t renew_before, int spread)
{
	int64_t before = due_renew_before(not_before, not_after, renew_before);

	return (time_t)(not_after - before + before * spread / 1000);
}

int
due_spread(void)
{
	return (int)arc4random_uniform(2 * DUE_SPREAD_MAX + 1) -
	    DUE_SPREAD_MAX;
}

/* +-20 % of s. */
static int64_t
jitter(int64_t s)
{
	return s - s / 5 +
	    (int64_t)arc4random_uniform((uint32_t)(s * 2 / 5 + 1));
}

static int64_t
ladder(unsigned failures)
{
	static const int64_t steps[] = { 60, 600, 6000 };

	if (failures >= 1 && failures <= sizeof(steps) / sizeof(steps[0]))
		return steps[failures - 1];
	return DAY_S;
}

/* The CA has said no to the request itself: asking often changes nothing. */
static bool
is_policy(const struct error *err)
{
	static const char *const codes[] = { "acme:rejectedIdentifier",
	    "acme:unsupportedIdentifier", "acme:caa", "acme:badCSR",
	    "acme:invalidProfile" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	/* newOrder alone: such as a name that a wildcard covers. */
	return strcmp(err->code, "acme:malformed") == 0 &&
	    strstr(err->msg, "new order: ") != NULL;
}

time_t
due_planned(time_t at, time_t now)
{
	/* due_retry_at() adds some jitter to what the peer asks for. */
	return at > now + MAX_RETRY_AFTER_S + DAY_S ? now : at;
}

time_t
due_asked(time_t at, time_t now)
{
	return at < now + MAX_RETRY_AFTER_S ? at : now + MAX_RETRY_AFTER_S;
}

/*
 * No pause is longer where a certificate is served that ends then.  When it has
 * ended the pauses grow again: what has failed for days will fail in an hour.
 */
static int64_t
longest(time_t now, time_t not_after)
{
	int64_t tenth = ((int64_t)not_after - now) / 10;

	if (tenth < 0)
		tenth = -tenth < DAY_S / 4 ? -tenth : DAY_S / 4;
	return tenth > HOUR_S ? tenth : HOUR_S;
}

/* Not the CA's own words: a proxy's, or those of a page of maintenance. */
static bool
is_unworded(const struct error *err)
{
	return strncmp(err->code, "acme:http-5", 11) == 0;
}

time_t
due_held_until(const struct error *err, time_t now, time_t not_after)
{
	int64_t most = not_after != 0 ? longest(now, not_after) : DAY_S;
	int64_t asked;

	if (err->retry_at <= now)
		return now;
	asked = (int64_t)due_asked(err->retry_at, now) - now;
	if (asked > most && (is_unworded(err) || (not_after > now &&
	    asked > ((int64_t)not_after - now) / 2)))
		asked = most;
	return now + (time_t)asked;
}

time_t
due_retry_at(const struct error *err, unsigned failures, time_t now,
    time_t not_after)
{
	int64_t pause = err->kind == ERR_INTERNAL ? 300 : is_policy(err) ?
	    DAY_S : ladder(failures);
	int64_t asked = (int64_t)due_held_until(err, now, not_after) - now;

	if (not_after != 0 && pause > longest(now, not_after))
		pause = longest(now, not_after);
	pause = jitter(pause);
	/* All who were told the same time do not come at once; what is kept
	 * until its time has come is nobody else's. */
	if (asked > 0 && strcmp(err->code, "cert:not-yet") != 0)
		asked += arc4random_uniform((uint32_t)(asked / 20 + 2));
	return now + (time_t)(asked > pause ? asked : pause);
}

bool
due_is_near(time_t not_before, time_t not_after, time_t due, time_t now)
{
	int64_t eighth = ((int64_t)not_after - not_before) / 8;

	return due < now + (eighth > NEAR_S ? eighth : NEAR_S);
}

time_t
due_floor(unsigned times, time_t now, time_t not_after)
{
	int64_t pause = times <= 1 ? HOUR_S : DAY_S;
	int64_t share = ((int64_t)not_after - now) / 3 * 2;

	pause += arc4random_uniform((uint32_t)(pause / 20));
	return now + (time_t)(share > pause ? share : pause);
}

time_t
due_soon_retry_at(unsigned failures, time_t now)
{
	int64_t pause = ladder(failures);

	return now + (time_t)jitter(pause < HOUR_S ? pause : HOUR_S);
}

/* Does it begin on the day days after now's? */
static bool
begins_on(const struct conf_window *w, const struct tm *now, int days)
{
	return w->days == 0 || (w->days >> (now->tm_wday + 7 + days) % 7 & 1);
}

static bool
is_in_window(const struct conf_window *w, const struct tm *now)
{
	int minute = now->tm_hour * 60 + now->tm_min;

	if (minute >= w->from)
		return (w->to < w->from || minute < w->to) &&
		    begins_on(w, now, 0);
	return w->to < w->from && minute < w->to && begins_on(w, now, -1);
}

/* When it begins next. */
static time_t
next_window(const struct conf_window *w, const struct tm *now)
{
	struct tm tm = *now;
	int days = now->tm_hour * 60 + now->tm_min >= w->from;

	while (!begins_on(w, now, days))
		days++;		/* at most a week: there is a day */
	tm.tm_hour = w->from / 60;
	tm.tm_min = w->from % 60;
	tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

time_t
due_window_at(const struct conf_window *windows, size_t n, time_t at)
{
	time_t best = at;
	struct tm now;

	if (n == 0 || localtime_r(&at, &now) == NULL)
		return at;
	for (size_t i = 0; i < n; i++) {
		time_t from;

		if (is_in_window(&windows[i], &now))
			return at;
		from = next_window(&windows[i], &now);
		if (from > at && (best == at || from < best))
			best = from;
	}
	return best;
}

time_t
due_urgent_at(time_t not_before, time_t not_after)
{
	return not_after == 0 ? 0 : not_after - (not_after - not_before) / 8;
}

time_t
due_look_at(time_t not_before, time_t not_after, time_t now)
{
	int64_t every = ((int64_t)not_after - not_before) / 20;

	if (every > DAY_S || not_after == 0)
		every = DAY_S;
	if (every < HOUR_S)
		every = HOUR_S;
	return now + (time_t)(every - every / 8 +
	    (int64_t)arc4random_uniform((uint32_t)(every / 4)));
}

time_t
due_ari(time_t not_before, time_t not_after, time_t drawn, time_t pulled,
    time_t installed)
{
	time_t eighth = (not_after - not_before) / 8;
	time_t daily = pulled + (eighth < DAY_S ? eighth : DAY_S);
	time_t hourly = installed + (eighth < HOUR_S ? eighth : HOUR_S);
	time_t at = drawn > hourly ? drawn : hourly;

	if (pulled != 0 && at < daily)
		at = daily;
	return at < not_after - eighth ? at : not_after - eighth;
}

time_t
due_ari_draw(time_t start, time_t end, time_t drawn)
{
	int64_t span = (int64_t)end - start;

	if (drawn >= start && drawn <= end)
		return drawn;
	return start + (time_t)arc4random_uniform(span < UINT32_MAX ?
	    (uint32_t)span : UINT32_MAX);
}
