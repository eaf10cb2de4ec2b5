/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/skew.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"

#define TOLD_S		300
#define HOUR_S		3600
#define DAY_S		86400
#define LIFETIME_S	(90 * (int64_t)DAY_S)	/* of one not issued yet */

static int64_t
at_least_an_hour(int64_t s)
{
	return s > HOUR_S ? s : HOUR_S;
}

enum skew
skew_judge(const struct cert *c, const struct ca_clock *clock,
    char text[SKEW_TEXT_MAX])
{
	char ours[TEXT_TIME_MAX], theirs[TEXT_TIME_MAX], span[TEXT_SPAN_MAX];
	time_t now = clock_now(), there = ca_clock_now(clock);
	int64_t ahead = (int64_t)now - there, lifetime = LIFETIME_S;

	if (text != NULL)
		text[0] = '\0';
	if (there == 0)
		return SKEW_NONE;
	if (text != NULL)
		(void)text_printf(text, SKEW_TEXT_MAX, "this machine's clock "
		    "is %s %s the CA's: it shows %s, the CA's %s",
		    text_span(ahead < 0 ? -ahead : ahead, span),
		    ahead < 0 ? "behind" : "ahead of", text_time(now, ours),
		    text_time(there, theirs));
	if (c->row.serial != NULL)
		lifetime = (int64_t)c->row.not_after - c->row.not_before;
	if (ahead > at_least_an_hour(lifetime) || -ahead >
	    at_least_an_hour(lifetime < DAY_S ? lifetime : DAY_S))
		return SKEW_STOPS;
	return ahead > TOLD_S || -ahead > TOLD_S ? SKEW_TOLD : SKEW_NONE;
}

static void
say_why(const char *text, struct error *err)
{
	(void)error_set(err, ERR_TRANSIENT, "engine:clock", "%s; nothing is "
	    "ordered, for what the CA issues now could not be used here; "
	    SKEW_FIX, text);
}

bool
skew_stops(const struct cert *c, struct error *err)
{
	char text[SKEW_TEXT_MAX];

	if (skew_judge(c, &c->ca_clock, text) != SKEW_STOPS)
		return false;
	if (err != NULL)
		say_why(text, err);
	return true;
}

bool
skew_is_over(const struct cert *c)
{
	return c->row.error != NULL &&
	    strcmp(c->row.error->code, "engine:clock") == 0 &&
	    c->ca_clock.date != 0 && !skew_stops(c, NULL);
}

/*
 * As long as no CA was asked: a certificate that is in use and not valid yet
 * was made at a later time than it is by this clock.
 */
static bool
is_before_own(const struct cert *c, char text[SKEW_TEXT_MAX])
{
	char ours[TEXT_TIME_MAX], from[TEXT_TIME_MAX], span[TEXT_SPAN_MAX];
	time_t now = clock_now();

	if (c->row.serial == NULL || ca_clock_now(&c->ca_clock) != 0 ||
	    c->row.not_before <= now + TOLD_S)
		return false;
	(void)text_printf(text, SKEW_TEXT_MAX, "this machine's clock is %s "
	    "behind, or more: it shows %s, and the certificate in use is "
	    "valid from %s on", text_span(c->row.not_before - now, span),
	    text_time(now, ours), text_time(c->row.not_before, from));
	return true;
}

char *
skew_shown(const struct cert *c)
{
	char text[SKEW_TEXT_MAX];

	if (!is_before_own(c, text) &&
	    skew_judge(c, &c->ca_clock, text) == SKEW_NONE)
		return NULL;
	return xasprintf("%s; " SKEW_FIX, text);
}

void
skew_start(const struct certs *certs)
{
	const struct cert *latest = NULL;
	char text[SKEW_TEXT_MAX];

	for (size_t i = 0; i < certs->n; i++) {
		const struct cert *c = certs->list[i];

		if (c->row.serial != NULL && c->conf != NULL && (latest ==
		    NULL || c->row.not_before > latest->row.not_before))
			latest = c;
	}
	if (latest != NULL && is_before_own(latest, text))
		log_warning(NULL, "%s (%s); renewals are late by as much; "
		    SKEW_FIX, text, latest->row.name);
}

bool
skew_lets_order(struct cert *c, const struct ca_clock *clock,
    struct error *err)
{
	char text[SKEW_TEXT_MAX];
	enum skew skew = skew_judge(c, clock, text);

	c->ca_clock = *clock;
	if (skew == SKEW_STOPS && !c->passes_hold) {
		say_why(text, err);
		return false;
	}
	if (skew != SKEW_NONE)
		event_emit(c->certs, c->row.name, STEP_ORDER, LOGL_WARNING,
		    "%s; " SKEW_FIX, text);
	return true;
}
