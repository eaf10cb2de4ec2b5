/* SPDX-License-Identifier: MIT */
/*
 * orderwait - poll an order until the CA has finished validating it, or
 * issuing from it.  One order is polled, not each of its authorizations.
 */
#ifndef DAEMON_ENGINE_ORDERWAIT_H
#define DAEMON_ENGINE_ORDERWAIT_H

#include <stdint.h>
#include <time.h>

struct acme;
struct acme_order;
struct error;
struct loop;
struct orderwait_op;

struct orderwait_args {			/* borrowed; copied */
	struct loop	*loop;
	struct acme	*acme;
	const char	*url;
	/*
	 * In: how long the CA usually takes; out: what it took now.  The
	 * first poll comes then, two more soon after; then, once a second has
	 * passed, the CA's Retry-After rules (1 to 30 s).
	 */
	int64_t		*pace_ms;
	unsigned	 timeout_ms;	/* then ERR_TRANSIENT
					   "acme:slow" */
};

/* order is pending or processing no more: ready, valid or invalid. */
typedef void orderwait_done_cb(const struct error *err,
    const struct acme_order *order, void *arg);

struct orderwait_op *orderwait_start(const struct orderwait_args *,
		    orderwait_done_cb *done, void *arg);
void		 orderwait_cancel(struct orderwait_op *);

#endif
