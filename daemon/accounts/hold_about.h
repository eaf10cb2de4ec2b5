/* SPDX-License-Identifier: MIT */
/*
 * hold_about - what an error of a run is about: its own order, its CA, all of
 * its account, or some of the account's names; and how long a limit lasts.
 * Pure, but for the clock.
 */
#ifndef DAEMON_ACCOUNTS_HOLD_ABOUT_H
#define DAEMON_ACCOUNTS_HOLD_ABOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/names.h"

struct cert;
struct error;

/* A run of a certificate whose account may be held. */
struct hold_run {
	unsigned long	 begun;		/* hold_count() then */
	bool		 has_asked;	/* ... for its own names */
};

/* Of a name that the CA has paused. */
#define HOLD_PAUSED "acme:paused"

/* --- the CA, or the account --- */

/* Does the CA itself ask to wait? */
bool	 hold_is_limit(const struct error *);
/* Would any other of the account have been told the same?  A CA's 5xx may be
 * about one order: then another will hear something else. */
bool	 hold_is_trouble(const struct cert *, const struct hold_run *,
	    const struct error *);
/* ... and was it this one's own order that it was told for? */
bool	 hold_is_own(const struct hold_run *, const struct error *);

/* --- some names --- */

enum hold_kind { HOLD_DOMAIN, HOLD_NAME, HOLD_NAMES, HOLD_KIND_END };
struct hold_about {
	enum hold_kind	 kind;
	uint64_t	 set;		/* of HOLD_NAMES; else 0 */
	const char	*name;		/* of the others; else "" */
};

/* A run goes on when a reload has taken its certificate out: 0. */
unsigned hold_n_names(const struct cert *);
/* All names of the certificate together. */
struct hold_about hold_about_names(const struct cert *);
/* false: it is about the whole account, or no limit at all.  domain: where
 * out's name is. */
bool	 hold_about_of(const struct cert *, const struct error *,
	    char domain[DNAME_SIZE], struct hold_about *out);
/* As in state.db: "domain:example.com", "name:www.example.com", "names:HASH".
 * Read: name is in text. */
bool	 hold_about_read(const char *text, struct hold_about *out);
void	 hold_about_print(const struct hold_about *, char *out, size_t size);

/* --- how long --- */

/*
 * Until when this certificate obeys one that was told at a time and lasts until
 * another (due_held_until()).
 */
time_t	 hold_limit_until(const struct cert *, const char *code, time_t at,
	    time_t until);
/* Did its last try end with a limit of the CA's? */
bool	 hold_limit_was_told(const struct cert *);
/* When one ends that was told now, the times-th time in a row: exactly when
 * the CA says, unless it says that again and again. */
time_t	 hold_limit_end(const struct error *, unsigned times, time_t now);

#endif
