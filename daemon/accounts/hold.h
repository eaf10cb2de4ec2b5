/* SPDX-License-Identifier: MIT */
/*
 * hold - an account none of whose certificates asks now, whichever of them was
 * told why.  Kept in state.db.  One of two:
 *
 * The CA asked it to come back later (429, rateLimited, Retry-After), of all
 * or, where its words say so, of some names only: a registered domain, one
 * name, or the names of the certificate that was told (hold_part.h).
 *
 * Or its CA cannot be asked: what failed came before anything was said of
 * names, or the CA is in trouble itself (no answer, 5xx).  One certificate asks
 * for all, after 1 and 10 minutes and then hourly; the others wait for what it
 * hears, and show that as their error.
 */
#ifndef DAEMON_ACCOUNTS_HOLD_H
#define DAEMON_ACCOUNTS_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/accounts/hold_about.h"

struct cert;
struct conf;
struct conf_account;
struct error;
struct hold;
struct holds;
struct store;
struct store_hold;

struct holds	*holds_new(struct store *);
void		 holds_free(struct holds *);

/* How often an account was found held so far: what was begun at one count has
 * nothing of it that is counted later. */
unsigned long	 hold_count(const struct holds *);

/*
 * It failed at that account, which a reload may have taken from the
 * certificate meanwhile, as in what follows: it may be that the account is held
 * now.  If another run has found out the same since this one began, *err
 * becomes that of hold_until().  true: it is no failure of its own, and the
 * certificate waits.
 */
bool		 hold_failed(struct holds *, const struct cert *,
		    const struct conf_account *, const struct hold_run *,
		    struct error *err);
/*
 * The CA has made an order for it: nothing holds its account any more, unless
 * the hold came after it was asked (clock_boot_ms()).  Who waits goes on.
 * is_exempt: the order named the certificate that it replaces, and CAs make
 * such whatever limit is used up (RFC 9773 section 5,
 * https://letsencrypt.org/docs/rate-limits/): limits go on until their time.
 */
void		 hold_end(struct holds *, struct cert *,
		    const struct conf_account *, int64_t asked_ms,
		    bool is_exempt);
/* The CA has answered it, but made no order: the same, if it could not be
 * reached before. */
void		 hold_reached(struct holds *, struct cert *,
		    const struct conf_account *);
/* What another daemon with the same account was told by the CA: it holds, or is
 * over.  Only what the CA asks for: whether it can be reached each daemon finds
 * out itself. */
void		 holds_set(struct holds *, const struct store_hold *,
		    bool is_over);
/* A person may have mended what keeps CAs from being asked: ask now.  At a
 * start only where it was a person's to mend, and not if systemd starts us
 * again and again. */
void		 hold_retry(struct holds *, bool is_start);

/*
 * Until when the account that this certificate uses is held, as far as it holds
 * this one (due_held_until(): one that is near its end, less; a person who has
 * asked since, not at all); STORE_PAUSED_EVER: until a person asks; 0: it is
 * not.  err, where it is not NULL, becomes why: "engine:held", or
 * "acme:paused".
 */
time_t		 hold_until(const struct holds *, const struct cert *,
		    struct error *err);
/* The same at the account of its run. */
time_t		 hold_until_run(const struct holds *, const struct cert *,
		    const struct conf_account *, struct error *err);
/* The same of one of its accounts, whoever asks. */
time_t		 hold_until_at(const struct holds *, const struct cert *,
		    const struct conf_account *, struct error *err);
/* What the CA asks for, of the account or of this certificate alone, if
 * nobody asks all the same; the same otherwise. */
time_t		 hold_until_asked(const struct holds *,
		    const struct cert *, struct error *err);

/* It begins a run: the others wait for what that hears. */
void		 hold_begin(struct holds *, const struct cert *);
/* The certificate is freed. */
void		 hold_forget(struct holds *, const struct cert *);
/* Can the CA of the account not be asked, so that the next try is put off? */
bool		 hold_is_down(const struct holds *,
		    const struct conf_account *);

/* --- certificates that wait for a CA that cannot be asked --- */

/* It is due, but for its account (or not): set cert->waits. */
void		 hold_mark(struct holds *, struct cert *, bool is_due);
#define HOLD_WORDS_MAX 512
/* For cert->waits, not NULL. */
struct hold_told {
	const struct error *err;	/* the CA's, as the last who asked was
					   told */
	unsigned	 times;		/* asked in vain */
	time_t		 since, at;	/* the first and the last time */
	time_t		 until;		/* the next; 0: now, or it answers */
	char		 words[HOLD_WORDS_MAX];	/* all of that, but err */
};
void		 hold_tell(const struct hold *, struct hold_told *);
/* How many wait with it, itself included; 0: its account is not held so. */
size_t		 hold_waiting(const struct holds *, const struct cert *);

#endif
