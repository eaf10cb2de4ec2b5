/* SPDX-License-Identifier: MIT */
/*
 * authzwait - poll one authorization until the CA has decided it.  Only for
 * challenges that are solved one after the other; else the order is polled
 * (orderwait).  Its run has a place as there.
 */
#ifndef DAEMON_RENEWAL_AUTHZWAIT_H
#define DAEMON_RENEWAL_AUTHZWAIT_H

struct acme;
struct acme_authz;
struct authzwait_op;
struct error;
struct loop;
struct place;

struct authzwait_args {			/* borrowed; url until the end */
	struct loop	*loop;
	struct acme	*acme;
	const char	*url;
	struct place	*place;		/* its run's */
	unsigned	 timeout_ms;	/* then ERR_TRANSIENT "acme:slow" */
};

/* authz is pending no more: valid, or something that it should not be. */
typedef void authzwait_done_cb(const struct error *err,
    const struct acme_authz *authz, void *arg);

struct authzwait_op *authzwait_start(const struct authzwait_args *,
		    authzwait_done_cb *done, void *arg);
void		 authzwait_cancel(struct authzwait_op *);

#endif
