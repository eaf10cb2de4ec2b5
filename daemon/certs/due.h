/* SPDX-License-Identifier: MIT */
/*
 * due - when: pure functions of times, called by the engine.  All times are
 * epoch seconds.
 */
#ifndef DAEMON_CERTS_DUE_H
#define DAEMON_CERTS_DUE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/error.h"
#include "daemon/config/conf_deploy.h"

/*
 * How long before not_after to renew: renew_before, but never more than a
 * third of the lifetime, or half of one that is under 10 days.
 */
int64_t	due_renew_before(time_t not_before, time_t not_after,
	    int64_t renew_before);

/*
 * The due time: not_after minus the above, moved by spread per mille of it
 * (-20 to 20), so that certificates issued together part.
 */
time_t	due_at(time_t not_before, time_t not_after, int64_t renew_before,
	    int spread);

/* A spread for due_at(), drawn at random. */
#define DUE_SPREAD_MAX 20
int	due_spread(void);

/*
 * When to try again after the failures-th failure in a row (1, 2, ...):
 * 1, 10 and 100 minutes, then daily; a CA's policy (a name it rejects, CAA, a
 * profile) daily; internal 5 minutes; each with 20 % jitter.  Where a
 * certificate is served that ends at not_after (0: none), the pause is at most
 * a tenth of what is left, or of what has passed since (6 hours at most), or an
 * hour if that is longer.  What the peer asks for (due_held_until()) lengthens
 * it, and never shortens it.
 */
time_t	due_retry_at(const struct error *err, unsigned failures, time_t now,
	    time_t not_after);

/*
 * A planned time as it is to be read: one further ahead than any that is given
 * out here was planned while the clock was wrong, and means now.
 */
time_t	due_planned(time_t at, time_t now);

/* What a peer asks for, at most 7 days off. */
time_t	due_asked(time_t at, time_t now);

/*
 * Until when the peer that answered with err at now asks us to wait, as far as
 * it is obeyed: at most 7 days.  A 5xx without a problem document (a proxy, a
 * page of maintenance), or a time that would take more than half of what is
 * left of the certificate, is obeyed for a tenth of what is left, at least an
 * hour.  Where nothing is left to save, as it has expired or there is none, the
 * CA's own time is obeyed to the second, and what is none of its words for a
 * tenth of the time since the end (1 to 6 h), or a day.  now: it asks for
 * nothing.
 */
time_t	due_held_until(const struct error *err, time_t now, time_t not_after);

/*
 * Is a new certificate due as it comes, or nearly so: is due, its due_at(),
 * less than an eighth of its lifetime, or than half a minute, after now?
 */
bool	due_is_near(time_t not_before, time_t not_after, time_t due,
	    time_t now);

/*
 * The next order of our own after the times-th one in a row (1, 2, ...) that
 * brought such a certificate, or none: an hour, then a day, later if not even
 * two thirds of what is really left until not_after (0: nothing) will have
 * passed.  Never sooner than the hour or day.
 */
time_t	due_floor(unsigned times, time_t now, time_t not_after);

/* The same ladder for work whose delay harms at once (deploy, clean up):
 * never more than an hour. */
time_t	due_soon_retry_at(unsigned failures, time_t now);

/* The first moment from at on that lies in one of the windows, local time;
 * at itself if there are none. */
time_t	due_window_at(const struct conf_window *, size_t n, time_t at);

/* When what is served until then is near its end: an eighth of the lifetime
 * is left. */
time_t	due_urgent_at(time_t not_before, time_t not_after);

/*
 * When to look next at what is served: a day from now, or a twentieth of the
 * lifetime if that is less (8 hours of 160), and an hour at least; with 12 %
 * jitter, so that not all look at once, nor always at the same time.
 */
time_t	due_look_at(time_t not_before, time_t not_after, time_t now);

/*
 * The due time where the CA suggests one (RFC 9773), whatever renew_before is:
 * drawn, but never later than due_urgent_at(); and not before pulled plus a
 * day (an eighth of the lifetime if that is less), where pulled is when it
 * last called for a renewal early (0: never), so that a CA whose suggestions
 * are always in the past is not given an order each time that it is asked.
 * Nor within an hour after installed (the same eighth if that is less).
 */
time_t	due_ari(time_t not_before, time_t not_after, time_t drawn,
	    time_t pulled, time_t installed);

/* A point of the window, drawn at random; drawn itself (0: none) if it is
 * inside (RFC 9773 section 4.2). */
time_t	due_ari_draw(time_t start, time_t end, time_t drawn);

#endif
