/* SPDX-License-Identifier: MIT */
/*
 * orderwait - poll an order until the CA has finished validating it, or
 * issuing from it.  One order is polled, not each of its authorizations.  In
 * pauses of a second or more its run has no place.
 */
#ifndef DAEMON_RENEWAL_ORDERWAIT_H
#define DAEMON_RENEWAL_ORDERWAIT_H

#include <stdint.h>
#include <time.h>

struct acme;
struct acme_order;
struct error;
struct loop;
struct orderwait_op;
struct place;

struct orderwait_args {			/* borrowed; copied */
	struct loop	*loop;
	struct acme	*acme;
	const char	*url;
	struct place	*place;		/* its run's */
	/*
	 * In: how long the CA usually takes; out: what it took now.  The
	 * first poll comes then, two more soon after; then, once a second has
	 * passed, the CA's Retry-After rules (1 to 30 s).
	 */
	int64_t		*pace_ms;
	unsigned	 timeout_ms;	/* then ERR_TRANSIENT
					   "acme:slow" */
	/*
	 * 0: for the validation.  Else for what comes after finalize, where
	 * the order may be ready or pending once more, or valid before it
	 * says where its certificate is, and this is how long it may be ready
	 * until done is told so (RFC 8555 section 7.4; replicas that lag).
	 */
	unsigned	 ready_ms;
};

/*
 * For the validation: the order is pending or processing no more: ready, valid
 * or invalid.  After finalize: it is valid and has a certificate, it is
 * invalid, or it is ready for so long.
 */
typedef void orderwait_done_cb(const struct error *err,
    const struct acme_order *order, void *arg);

struct orderwait_op *orderwait_start(const struct orderwait_args *,
		    orderwait_done_cb *done, void *arg);
void		 orderwait_cancel(struct orderwait_op *);

#endif
