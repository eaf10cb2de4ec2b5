/* SPDX-License-Identifier: MIT */
/*
 * authorize_priv - what the three files of an authorization share:
 * authorize.c (its life, what is to be proved), authorize_round.c (the
 * records: add, wait, answer; once, or in rounds) and authorize_verdict.c
 * (what the CA decides).  Nobody else includes it.
 */
#ifndef DAEMON_ENGINE_AUTHORIZE_PRIV_H
#define DAEMON_ENGINE_AUTHORIZE_PRIV_H

#include "daemon/engine/authorize.h"
#include "daemon/engine/priv.h"

/* One authorization of the order. */
struct authz {
	struct authorize_op *op;
	const char	*url;		/* the order's */
	struct acme_op	*acme_op;
	struct acme_authz *got;		/* NULL: not fetched yet */
	const struct acme_challenge *challenge;	/* dns-01; in got */
	const struct conf_name *name;
	const struct conf_provider *provider;
	const struct zone *zone;
	unsigned	 round;		/* in which it is to be proved */
	struct txtrec	*txt;		/* NULL: not in this round */
	struct authzwait_op *wait;
	struct error	 answer_err;	/* the CA refused the answer */
};

/* One call of a provider: all values of one record name. */
struct add {
	struct authorize_op *op;
	struct provider_run_op *run;
	struct authz	**authzs;
	size_t		 n_authzs;
};

struct authorize_op {
	struct authorize_args a;
	struct timer	 begin;
	struct cleanup_wait_op *idle;
	unsigned	 round, n_rounds;
	struct timer	 room;
	int64_t		 room_since;	/* 0: not waiting for it */
	struct timer	 settle;	/* propagation_delay */
	struct authz	*authzs;
	size_t		 n_authzs;
	struct add	*adds;
	size_t		 n_adds;
	unsigned	 pending;	/* operations of this stage under way */
	struct error	 add_err;	/* of the first add that failed */
	struct store_sync_op *sync;
	struct txtwait_op *wait;
	struct orderwait_op *poll;
	bool		 is_judged;
	char		 dns_note[512];	/* what txtwait could not confirm */
	struct acme_order *invalid;	/* while the reasons are fetched */
	authorize_done_cb *done;
	void		*arg;
};

/* An event of the step. */
void	authorize_say(struct authorize_op *, enum log_level,
	    const char *text);
/* Call done and free.  err may point into op. */
void	authorize_finish(struct authorize_op *, const struct error *err,
	    const struct acme_order *order);

/* Once, before the next two. */
void	authorize_round_init(struct authorize_op *);
/* Prove what belongs to the round op->round, then go on to the next. */
void	authorize_round_begin(struct authorize_op *);
/* Cancel and forget the calls of providers. */
void	authorize_drop_adds(struct authorize_op *);
/* What holds no more than the provider's max_values: a name, or a zone. */
const char	*authorize_place_of(const struct authz *);

/* All is answered: wait for the order, and explain what it became. */
void	authorize_poll_order(struct authorize_op *);
/* Add the CA's reason for one failed authorization to err. */
void	authorize_add_reason(struct error *err, const struct authz *);

#endif
