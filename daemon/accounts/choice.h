/* SPDX-License-Identifier: MIT */
/*
 * choice - which of its accounts, and so of its CAs, a certificate uses: the
 * first of the configured list that is not held.  A run that fails by its CA's
 * fault, or when little time is left, is followed at once by one at the next
 * CA; after the last one the pause is the usual one, and the first begins
 * again.  A certificate that was renewed begins its next renewal at the first.
 *
 * The account of a run does not change: it is in cert->account, and in the row
 * with its order, so that it is also the one after a crash.
 */
#ifndef DAEMON_ACCOUNTS_CHOICE_H
#define DAEMON_ACCOUNTS_CHOICE_H

#include <stdbool.h>
#include <time.h>

#include "daemon/certs/step.h"

struct cert;
struct conf_account;
struct error;
struct holds;

/* Whoever is held for so short a time is waited for, unless a person waits. */
#define CHOICE_PATIENCE_S 60

/*
 * Of n accounts that are held until then (0: not), the one to use: the first
 * that may be used at that time at the latest, beginning with from; if there is
 * none, the one that may be first.
 */
unsigned choice_pick(const time_t *until, unsigned n, unsigned from,
	    time_t latest);
/* The next one after a failure at this one; -1: it was the last. */
int	choice_after(const time_t *until, unsigned n, unsigned at,
	    time_t latest);
/*
 * Does this failure, in that step, lead to the next CA?  What is the CA's fault
 * does: it cannot be reached, it has a fault, it asks to wait, has paused a
 * name, or does not accept the account.  If it is urgent everything does, but
 * what is wrong with this machine.
 */
bool	choice_moves(const struct error *, enum step, bool urgent);

/* Until when it would be held at this account: by what its CA asks or is, or by
 * what may still be asked of it (certs/budget.h); 0: it is not. */
time_t	choice_held(const struct holds *, const struct cert *,
	    const struct conf_account *, struct error *why);
/* Set cert->account, unless a run is under way; is_asked: a person waits. */
void	choice_make(const struct holds *, struct cert *, bool is_asked);
/* The same, where no other account than the first is worth it. */
void	choice_first(struct cert *);
/* A run begins at cert->account: the row says where, and why not at the first.
 * Not saved. */
void	choice_begin(const struct holds *, struct cert *);
/* The run has failed, and was told to hold.h: true if the next account is to
 * be used at once, which the row then says.  Not saved. */
bool	choice_failed(const struct holds *, struct cert *, enum step,
	    const struct error *);
/* The next try is planned for then: or sooner, where the account at which the
 * run has failed is held, when another one is so no longer. */
time_t	choice_sooner(const struct holds *, const struct cert *,
	    const char *failed, time_t at);
/* There is a certificate: the next renewal begins at the first.  Not saved. */
void	choice_installed(struct cert *);

#endif
