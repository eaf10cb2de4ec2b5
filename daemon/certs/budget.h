/* SPDX-License-Identifier: MIT */
/*
 * budget - a certificate and what its account may still ask the CA for
 * (limits/limits.h).  A renewal that is only tried, at another CA, counts for
 * nothing.
 */
#ifndef DAEMON_CERTS_BUDGET_H
#define DAEMON_CERTS_BUDGET_H

#include <stdbool.h>
#include <time.h>

struct cert;
struct certs;
struct conf_account;
struct conf_cert;
struct error;
struct limits_plan;

/*
 * Until when a new order for it is held at this account; 0: it is not.  why,
 * where it is not NULL, becomes "engine:held" with the limit, what it is of,
 * and the time.  Without it, another limit than the longest may be the answer,
 * and budget_mark()'s is kept to: 100,000 that wait cost little.
 */
time_t	budget_until(const struct cert *, const struct conf_account *,
	    struct error *why);
/* When it can make its order at this account, after all that were asked for
 * before in this plan. */
time_t	budget_plan(struct limits_plan *, const struct cert *,
	    const struct conf_account *);
/* Will its next order at this account name the one that it replaces (RFC 9773),
 * so that the CA makes it whatever limit is used up? */
bool	budget_is_exempt(const struct cert *, const struct conf_account *);
/*
 * Will its next order at this account be exempt from the limit of certificates
 * per domain?  That, or a renewal of the very same names where the CA spares
 * those, though not from its limit of duplicates
 * (https://letsencrypt.org/docs/rate-limits/).
 */
bool	budget_spares_domain(const struct cert *, const struct conf_account *);
/* It waits at this account until then, whatever was thought of its order: the
 * CA may not have taken it for a renewal. */
void	budget_mark(struct cert *, const struct conf_account *, time_t until);

/*
 * A run begins: take what its order will most likely count for, so that the
 * others that begin see it; *taken, for the two below.  Nothing where it is
 * held.
 */
void	budget_reserve(struct cert *, const struct conf_cert *,
	    const struct conf_account *, unsigned *taken);
/*
 * The order is about to be sent, which names the one that it replaces (RFC
 * 9773) or not: the same for what it really is.  0: the caller waits for the
 * disk if *taken is not 0, and keeps it in the row's order_limits
 * (budget_order.h); -1: it is held, by that error, and marked.
 */
int	budget_take(struct cert *, const struct conf_cert *,
	    const struct conf_account *, bool replaces, unsigned *taken,
	    struct error *);
/* Nobody waits for what becomes of it: it counts. */
void	budget_leave(const struct certs *, const struct conf_cert *,
	    const struct conf_account *, unsigned *taken);
/* The CA has certainly made nothing of it; or nothing but an order. */
void	budget_give(const struct certs *, const struct conf_cert *,
	    const struct conf_account *, unsigned *taken, bool but_order);
/* The CA could not validate this name of it. */
void	budget_failed(const struct certs *, const struct conf_cert *,
	    const struct conf_account *, const char *name);

#endif
