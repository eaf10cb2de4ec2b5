/* SPDX-License-Identifier: MIT */
/*
 * cert - one certificate, and the table of them (certs.h).  Each room keeps
 * what it needs of a certificate in the member that is named after it.
 */
#ifndef DAEMON_CERTS_CERT_H
#define DAEMON_CERTS_CERT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "daemon/acme/ca_clock.h"
#include "daemon/certs/places.h"
#include "daemon/certs/step.h"
#include "daemon/config/conf.h"
#include "daemon/store/store.h"

struct certs;
struct cluster_lock_op;
struct event_sub;
struct fault;
struct hold;
struct limits;
struct rehearsal;
struct missing;
struct renewal;
struct takeover;
struct publication;
struct report;
struct target;
struct watch;

TAILQ_HEAD(targets, target);

/* One certificate that is, or was, in the configuration. */
struct cert {
	struct certs	*certs;
	const struct conf_cert *conf;	/* in certs->conf; NULL: not in it */
	struct store_cert row;		/* what state.db says */
	struct store_pair *pair;	/* pair.h's; NULL: it never was one */
	struct missing	*missing;	/* names that fail (missing.h) */
	unsigned	 n_missing;

	/* The engine's. */
	struct place	 place;		/* its run's */
	bool		 forced;	/* renew-now asked for it, */
	bool		 wants_why;	/* ... and nobody was told yet why it
					   has not begun */
	char		*csr_seen;	/* cert_csr.h's; NULL: as when the
					   configuration was read */
	struct error	*csr_refused;	/* why the one of its host is not used;
					   NULL: none such is there */
	struct csr_watch *csr_watch;	/* engine/csrs.h's; NULL: none yet */
	bool		 wants_new_key;	/* of the next run, whatever reuse_key
					   says: a person asked */
	bool		 was_forced;	/* ... for the run under way */
	bool		 passes_hold;	/* a person asked, to the end of the
					   run: the account's hold is not for
					   it (see asked_after) */
	bool		 is_queued;	/* due, and waiting for a place */
	bool		 is_looked_at;	/* in the engine's looks: */
	TAILQ_ENTRY(cert) look;
	bool		 ari_polling;	/* the CA is being asked */
	bool		 is_pulled;	/* the run is one that ARI called for */
	bool		 has_placeholder;	/* in live/, as long as
					   row.serial is NULL */
	struct rehearsal *rehearsal;	/* its dry run; NULL: none */
	bool		 is_comeback;	/* the run is only for names that were
					   left out (missing.h) */
	time_t		 put_off;	/* no run before that: the cluster did
					   not let one go on */

	/* renewal/'s. */
	bool		 may_acquire;	/* the run may still acquire its
					   records again */
	bool		 avoids_persist;	/* the CA refused
					   dns-persist-01 in the last run */
	enum step	 step;		/* of the run */
	struct renewal	*run;		/* NULL: none */
	char		*note;		/* what the run waits for, or NULL */

	/* manage/'s. */
	bool		 is_revoking;	/* one before it is to be revoked, when
					   all targets have this one */

	/* accounts/'s. */
	const struct conf_account *account;	/* of the run, or that the next
					   one will use; NULL: there is but one
					   (issuer_now()) */
	struct ca_clock	 ca_clock;	/* as the last order found it */
	const struct hold *waits;	/* due, but its CA cannot be asked; it
					   stays so until a run of its own ends
					   otherwise.  NULL: no */

	/* budget.h's. */
	bool		 passes_limits;	/* a person asked with force, to the
					   end of the run */
	unsigned	 limited_as_of;	/* limits_generation() ... */
	time_t		 limited_until;	/* ... and what was found then, */
	const struct conf_account *limited_at;	/* at that account */

	/* The cluster's (origin.h); conf has a realm. */
	uint64_t	 name_hash;	/* rendezvous_hash(); 0: not made yet */
	struct cluster_lock_op *locking;	/* the engine asks for its
						   lock, */
	struct store_sync_op *unlocking;	/* or gives it back */
	struct store_sync_op *acting;	/* what was decided about its roll-out
					   becomes durable */
	char		*wished_for;	/* renew-now was asked here of another
					   member, to replace this serial; NULL:
					   it was not */
	time_t		 wished_at, wished_until;	/* 0: it is not done */
	bool		 is_ours;	/* we are to renew it; it is not yet as
					   long as is_taken: */
	bool		 is_compared;	/* what it had at its start, with what
					   the cluster has */
	bool		 is_taken;	/* from the realm's repository, as
					   another member renews it, or that is
					   not known */
	bool		 fails_here;	/* ... and row.error is of that, or of
					   a rollback here: the cluster's does
					   not replace it */

	bool		 knows_turns;	/* the cluster's document was seen; */
	unsigned	 turns_told;	/* ... it says that it has been passed
					   on so often */

	/* rollout/'s. */
	struct takeover	*takeover;	/* NULL: none is under way */
	struct watch	*watch;		/* NULL: it has no source */
	struct targets	 targets;	/* its deploy targets */
	unsigned	 deploys;	/* operations that run them */

	/* fleet/'s. */
	struct report	*report;	/* what this host says of it; NULL:
					   nothing */
	LIST_HEAD(, publication) publications;	/* where it is published */
	bool		 has_wave;	/* hosts have taken a version of it in
					   waves, as state.db may say */
	bool		 wave_is_open;	/* that may be under way */
	int64_t		 wave_retry_ms;	/* what could not be told of it is told
					   again; monotonic */
	unsigned char	 wave_act;	/* what a person has decided, waves.h's
					   plus 1; 0: nothing */
	char		 wave_of[64];	/* ... about this version, */
	unsigned	 wave_at;	/* ... when so many waves were open */

	unsigned	 ari_failures;	/* of asking, in a row */
	unsigned long	 asked_after;	/* passes_hold is up to this
					   hold_count() */

	/* persist/'s. */
	json_t		*persist;	/* what was seen, or NULL */
	time_t		 persist_at;	/* when it is to look again */
	time_t		 persist_told_at;	/* of a problem */
};

/* Whom event.h tells. */
struct events {
	TAILQ_HEAD(, event_sub) subs;
	bool		 is_telling;	/* in a round of the subscribers */
	/* "next" of doc/control-api.md, for the end of a run. */
	json_t		*(*next)(const struct cert *, void *arg);
	/* One at notice or above: there may be something to tell people. */
	void		(*noticed)(void *arg);
};

struct certs {
	struct store	*store;
	struct limits	*limits;	/* of the accounts */
	struct fault	*faults;	/* of the accounts, accounts/'s */
	const struct conf *conf;	/* in force; the engine's reference */
	struct cert	**list;		/* sorted by name */
	size_t		 n;
	struct places	 places;
	struct events	 events;
	/* Where several daemons share certificates: is this one this daemon's
	 * to work at now?  NULL: all are. */
	bool		(*held)(const struct cert *, void *held_arg);
	void		*held_arg;
	/* Something has changed that the schedule depends on, of one; NULL: of
	 * any. */
	void		(*changed)(struct cert *, void *arg);
	void		*arg;		/* of changed, and of the events' */
};

#endif
