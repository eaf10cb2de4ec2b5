/* SPDX-License-Identifier: MIT */
/*
 * authorize_priv - what the files of an authorization share: authorize.c (its
 * life, what is to be proved how), authorize_round.c (publish, answer; once,
 * or in rounds), one file for each way of proving (authorize_dns.c,
 * authorize_http.c,
 * authorize_alpn.c, authorize_persist.c), and authorize_verdict.c (what the CA
 * decides).  Nobody else includes it.
 */
#ifndef DAEMON_RENEWAL_AUTHORIZE_PRIV_H
#define DAEMON_RENEWAL_AUTHORIZE_PRIV_H

#include "daemon/certs/certs.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/loop.h"
#include "daemon/renewal/authorize.h"
#include "daemon/renewal/env.h"

/* One authorization of the order. */
struct authz {
	struct authorize_op *op;
	const char	*url;		/* the order's */
	struct acme_op	*acme_op;
	struct acme_authz *got;		/* NULL: not fetched yet */
	const struct acme_challenge *challenge;	/* in got; NULL: none is
					   to be answered */
	const struct conf_name *name;
	enum challenge_type type;	/* of challenge */
	unsigned	 round;		/* in which it is to be proved */
	/* dns-01 */
	const struct conf_provider *provider;
	const struct zone *zone;	/* NULL: another type */
	struct txtrec	*txt;		/* NULL: not in this round */
	/* http-01 */
	struct token	*token;		/* NULL: not acquired */
	/* tls-alpn-01 */
	char		*proof;		/* NULL: not published */

	/* dns-persist-01 */
	struct persist_look_op *look;

	struct authzwait_op *wait;
	struct error	 answer_err;	/* the CA refused the answer */
};

/* One call of a provider: all values of one record name. */
struct add {
	struct authorize_op *op;
	struct provider_run_op *run;
	struct authz	**authzs;
	size_t		 n_authzs;
	char		 zone[DNAME_SIZE];	/* that was changed, if known */
	char		 server[340];
};

struct authorize_op {
	struct authorize_args a;
	struct timer	 begin;
	struct place_op	*taking;
	struct cleanup_wait_op *idle;
	unsigned	 round, n_rounds;
	struct authz	*authzs;
	size_t		 n_authzs;
	unsigned	 pending;	/* operations of this stage under way */
	unsigned	 unpublished;	/* ways of proving not ready yet */
	struct store_sync_op *sync;
	/* dns-01 */
	struct timer	 room;
	char		*room_holder;	/* the certificate in the way; NULL:
					   not waiting for room */
	int64_t		 room_since;	/* ... that one has been */
	struct timer	 settle;	/* propagation_delay */
	struct add	*adds;
	size_t		 n_adds;
	struct error	 add_err;	/* of the first add that failed */
	struct txtwait_op *wait;
	/* dns-persist-01 */
	size_t		 next_look;	/* in authzs */

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
/* It is this name that fails. */
void	authorize_name_failed(struct authz *, const struct error *);
/* Call done and free.  err may point into op. */
void	authorize_finish(struct authorize_op *, const struct error *err,
	    const struct acme_order *order);

/* Authorizations, zones and standing records are known: what is to be proved
 * when? */
void	authorize_plan(struct authorize_op *);
/* Borrowed; NULL: the CA does not offer it. */
const struct acme_challenge *authorize_find_challenge(
	    const struct acme_authz *, enum challenge_type);
/* Prove what belongs to the round op->round, then go on to the next. */
void	authorize_round_begin(struct authorize_op *);
/* One way of proving has all of the round where the CA can see it. */
void	authorize_published(struct authorize_op *);
/* Is it to be proved in the round under way? */
bool	authorize_is_in_round(const struct authz *);

/*
 * dns-01.  A round: is there room, acquire, (the journal is synced,) publish,
 * (the challenges are answered and decided,) round_end.  Each looks for what
 * is its own in the round, which may be nothing.
 */
void	authorize_dns_init(struct authorize_op *);
/* However it ends: cancel, and give the records to cleanup. */
void	authorize_dns_clear(struct authorize_op *);
/* false: authorize_round_begin() will be called again, or it is over. */
bool	authorize_dns_has_room(struct authorize_op *);
/* Write the journal. */
void	authorize_dns_acquire(struct authorize_op *);
/* If there is anything: op->unpublished grows by one until
 * authorize_published(), which is called later. */
void	authorize_dns_publish(struct authorize_op *);
void	authorize_dns_round_end(struct authorize_op *);
/* What holds no more than the provider's max_values: a name, or a zone. */
const char	*authorize_dns_place(const struct authz *);

/*
 * http-01.  All of it belongs to the first round; it stays until the end.
 */
/* Write the journal. */
void	authorize_http_acquire(struct authorize_op *);
int	authorize_http_publish(struct authorize_op *, struct error *err);
/* However it ends: take it back. */
void	authorize_http_clear(struct authorize_op *);

/*
 * tls-alpn-01.  All of it belongs to the first round; it stays until the end.
 */
int	authorize_alpn_publish(struct authorize_op *, struct error *err);
/* However it ends: take it back. */
void	authorize_alpn_clear(struct authorize_op *);

/*
 * dns-persist-01.  Look for the records, choose dns-01 where they are not
 * right, then go on to authorize_plan(): perhaps before it returns.
 */
void	authorize_persist_start(struct authorize_op *);
void	authorize_persist_clear(struct authorize_op *);
/* By dns-01 then; -1 if that cannot be: an error that tells the record. */
int	authorize_persist_fall_back(struct authz *, const char *why,
	    struct error *);
/* Decided: one that the CA refused is not tried again in the next run. */
void	authorize_persist_remember(struct authorize_op *);

/* All is answered: wait for the order, and explain what it became. */
void	authorize_poll_order(struct authorize_op *);
/* Add the CA's reason for one failed authorization to err. */
void	authorize_add_reason(struct error *err, const struct authz *);

#endif
