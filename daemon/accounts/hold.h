/* SPDX-License-Identifier: MIT */
/*
 * hold - an account that the CA asked to come back later (429, rateLimited,
 * Retry-After): none of its certificates asks until then, whichever of them
 * was told so.  Kept in state.db.
 *
 * What concerns some identifiers only (the same names too often, a name whose
 * validation failed too often) holds its certificate alone, by its row's
 * retry_at: the CA's words name one of its names or a domain above, or say
 * "domain", "hostname", "identifier" or "exact set".  All else is the
 * account's, or everybody's.
 */
#ifndef DAEMON_ACCOUNTS_HOLD_H
#define DAEMON_ACCOUNTS_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct cert;
struct conf_account;
struct error;
struct holds;
struct store;

struct holds	*holds_new(struct store *);
void		 holds_free(struct holds *);

/* A run of it failed: it may be that its account is held now. */
void		 hold_failed(struct holds *, const struct cert *,
		    const struct error *);
/* The CA has made an order for the account: nothing holds it any more, unless
 * the hold came after it was asked (clock_boot_ms()). */
void		 hold_end(struct holds *, const struct conf_account *,
		    int64_t asked_ms);

/*
 * Until when the account of this certificate is held, as far as it holds this
 * one (due_held_until(): one that is near its end, less); 0: it is not.  err,
 * where it is not NULL, becomes why: ERR_RATELIMIT "engine:held".
 */
time_t		 hold_until(const struct holds *, const struct cert *,
		    struct error *err);
/* The same, also for a certificate that the CA has told so itself. */
time_t		 hold_until_asked(const struct holds *,
		    const struct cert *, struct error *err);

#endif
