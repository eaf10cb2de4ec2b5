/* SPDX-License-Identifier: MIT */
/*
 * skew - how far this machine's clock and the CA's are apart, looked at before
 * each order.  More than 5 minutes are told.  Nothing is ordered where what
 * comes would be of no use here: expired already (this clock is ahead by a
 * lifetime of the certificate, 90 days if there is none yet), or valid in a
 * day or later (behind by a day, or by the lifetime if that is less).  An hour
 * never stops an order.  A person who asks may have it all the same.
 */
#ifndef DAEMON_ACCOUNTS_SKEW_H
#define DAEMON_ACCOUNTS_SKEW_H

#include <stdbool.h>
#include <stddef.h>

struct ca_clock;
struct cert;
struct certs;
struct error;

#define SKEW_TEXT_MAX 200

enum skew {
	SKEW_NONE,		/* or not known */
	SKEW_TOLD,
	SKEW_STOPS
};
/* text, where it is not NULL, becomes both times and the difference, or ""
 * where the CA's is not known. */
enum skew	 skew_judge(const struct cert *, const struct ca_clock *,
		    char text[SKEW_TEXT_MAX]);
/* What is to be done about it. */
#define SKEW_FIX "set it (timedatectl; is NTP running?)"

/* Does a wrong clock stop the certificate now, as far as its last run knew?
 * err, where it is not NULL: why, ERR_TRANSIENT "engine:clock". */
bool		 skew_stops(const struct cert *, struct error *err);
/* Is that the row's error, and over? */
bool		 skew_is_over(const struct cert *);
/* What is shown of it: SKEW_TOLD's text, also of a certificate that is not
 * valid yet by this clock; or NULL.  The caller frees. */
char		*skew_shown(const struct cert *);
/* At the start, before any CA was asked: warn of such a certificate. */
void		 skew_start(const struct certs *);

/*
 * Before an order, the CA's clock being known: tell of a difference.  false:
 * stop, err says why.
 */
bool		 skew_lets_order(struct cert *, const struct ca_clock *,
		    struct error *err);

#endif
