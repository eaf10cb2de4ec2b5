/* SPDX-License-Identifier: MIT */
/*
 * hold_part - an account's limits that are about some names only: a registered
 * domain, one name, or the names of one certificate.  Whichever certificate was
 * told, all that such a limit is about are held; by a domain's not those whose
 * order is exempt from it (budget_spares_domain()), until they are told
 * themselves.
 * They are kept, with the limits of whole accounts, in one table of state.db
 * (hold_about.h).
 */
#ifndef DAEMON_ACCOUNTS_HOLD_PART_H
#define DAEMON_ACCOUNTS_HOLD_PART_H

#include <stdbool.h>
#include <time.h>

struct cert;
struct conf_account;
struct error;
struct hold_parts;
struct store;
struct store_hold;

struct hold_parts *hold_parts_new(struct store *);
void		 hold_parts_free(struct hold_parts *);
/* A row that has an about. */
void		 hold_parts_load(struct hold_parts *,
		    const struct store_hold *);
/* The same of another daemon's: it is kept, or is over. */
void		 hold_parts_set(struct hold_parts *, const struct store_hold *,
		    bool is_over);

/* Is the error a limit of some names, or a pause?  Then it is kept. */
bool		 hold_part_failed(struct hold_parts *, const struct cert *,
		    const struct conf_account *, const struct error *);
/* As hold_until(), of these alone. */
time_t		 hold_part_until(const struct hold_parts *,
		    const struct cert *, const struct conf_account *,
		    struct error *err);
/* The CA has made an order for it: none of them is used up any more, unless the
 * order is exempt from limits (hold_end()), and where it was paused, somebody
 * has unpaused the account.  true: others were held by them. */
bool		 hold_part_end(struct hold_parts *, const struct cert *,
		    const struct conf_account *, bool is_exempt);

#endif
