/* SPDX-License-Identifier: MIT */
/*
 * limits - how much each account may still ask its CA for, so that work waits
 * before the CA refuses it (the key limits).  Token buckets (bucket.h), kept in
 * state.db as far as they are not full:
 *
 *   orders        per account
 *   failures      per account and name
 *   certificates  per CA and registered domain (domain.h)
 *   duplicates    per CA and set of names
 *
 * The last two are counted for all accounts of a directory together, as Let's
 * Encrypt does.  What other hosts take is not known here: the CA's own refusal
 * tells (accounts/hold.h).
 */
#ifndef DAEMON_LIMITS_LIMITS_H
#define DAEMON_LIMITS_LIMITS_H

#include <stdbool.h>
#include <time.h>

#include "daemon/config/conf_limits.h"
#include "daemon/limits/domain.h"

struct conf_account;
struct conf_cert;
struct error;
struct limits;
struct limits_plan;
struct store;
struct store_budget;

/* With what state.db has. */
struct limits	*limits_new(struct store *);
void		 limits_free(struct limits *);

/* An order that is to be made. */
struct limits_order {
	const struct conf_account *account;
	const struct conf_cert *cert;	/* its names, of those that it
					   really asks for */
	bool		 replaces;	/* it names the certificate that it
					   replaces (RFC 9773): no limit */
	bool		 renews;	/* that CA has issued one for the same
					   names before */
};
/* What it waits for. */
struct limits_wait {
	time_t		 until;
	enum limit_kind	 kind;
	struct conf_limit limit;
	char		 key[DOMAIN_SIZE];	/* the domain or name; "" */
};

/*
 * Until when the order is to wait; 0: not at all.  w, where it is not NULL,
 * becomes the limit that holds it longest; without it, the answer may be that
 * of another one, and is less work.
 */
time_t		 limits_until(const struct limits *,
		    const struct limits_order *, struct limits_wait *w);

/*
 * What would be if all who wait took their tokens one after the other, each as
 * soon as it has all that it needs.  A copy: nothing is taken.
 */
struct limits_plan *limits_plan_new(const struct limits *);
void		 limits_plan_free(struct limits_plan *);
/* When the next one can make its order. */
time_t		 limits_plan_next(struct limits_plan *,
		    const struct limits_order *);
/* ERR_RATELIMIT "engine:held": "waits for the CA's limit of ...". */
void		 limits_error(const struct limits_wait *, struct error *);

/*
 * The order is about to be sent: take what it counts for, also from empty
 * buckets.  The rows are written; the caller waits until they are on disk.
 * Returns a set of LIMIT_BIT(kind), for limits_give().
 */
#define LIMIT_BIT(kind) (1u << (kind))
unsigned	 limits_take(struct limits *, const struct limits_order *);
/* The CA has made no order of it, or no certificate. */
void		 limits_give(struct limits *, const struct limits_order *,
		    unsigned taken);
/*
 * The CA has issued it.  It counts certificates from then on, so what was taken
 * for them does not come back before; orders it counts when it makes them.
 */
void		 limits_issued(struct limits *, const struct limits_order *,
		    unsigned taken);
/* At a start: an order that limits_take() was called for is under way still. */
void		 limits_resume(struct limits *, const struct limits_order *,
		    unsigned taken);
/* The CA could not validate this name. */
void		 limits_failed(struct limits *, const struct conf_account *,
		    const char *name);

/*
 * What another daemon knows of a bucket that both take from: it is as full, or
 * empty, as this row says from now on.
 */
void		 limits_set(struct limits *, const struct store_budget *);

/*
 * Changes when something may wait less long than limits_until() has said: a
 * token was given back, or the clock was set back.
 */
unsigned	 limits_generation(struct limits *);

#endif
