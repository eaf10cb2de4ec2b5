/* SPDX-License-Identifier: MIT */
/*
 * cleanup_priv - what the files of cleanup share.  Nobody else includes it.
 */
#ifndef DAEMON_CLEANUP_CLEANUP_PRIV_H
#define DAEMON_CLEANUP_CLEANUP_PRIV_H

#include <stdbool.h>
#include <sys/queue.h>
#include <time.h>

#include "common/error.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"

#define GROUP_MAX 20	/* values of one name in one removal */

struct conf;
struct conf_cert;
struct dns;
struct owner;
struct provider_run_op;
struct txtwait_op;

TAILQ_HEAD(txtrecs, txtrec);

struct txtrec {
	TAILQ_ENTRY(txtrec) link;
	TAILQ_ENTRY(txtrec) of_cert;	/* beside the others of its own */
	struct owner	*owner;
	struct cleanup	*cleanup;
	struct store_txt row;		/* its handle is ours, or NULL */
	struct zone	 zone;		/* servers unknown after a restart */
	bool		 has_zone;
	bool		 in_use;	/* acquired, and not yet released */
	bool		 remove_now;	/* see txtrec_remove() */
	struct removal	*removal;	/* under way */
	bool		 was_tried;	/* a removal has come back */
	bool		 may_be_there;	/* of an earlier add */
	bool		 is_absent;	/* the last removal was refused, but no
					   server shows it */
	bool		 is_probe;
	const struct conf *conf;	/* has its provider where the one in
					   force does not; a reference, or
					   NULL */
	txtrec_gone_cb	*gone;		/* NULL: nobody wants to know */
	void		*gone_arg;
};

/* One removal: all unused values of one name at one provider. */
struct removal {
	TAILQ_ENTRY(removal) link;
	struct cleanup	*cleanup;
	const struct conf *conf;
	struct txtrec	*recs[GROUP_MAX];
	size_t		 n_recs;
	const struct conf_cert *cc;	/* in conf; NULL: not any more */
	struct dns	*dns;
	struct dns	*own_dns;	/* NULL: dns is everybody's */
	struct provider_run_op *run;
	struct zone_op	*zone_op;
	struct txtwait_op *wait;
	struct timer	 close;		/* nothing can be removed */
	struct error	 failure;	/* refused: do the servers show it?
					   kind ERR_NONE: it was not */
};

struct cleanup_wait_op {
	TAILQ_ENTRY(cleanup_wait_op) link;
	struct cleanup	*cleanup;
	char		*cert;
	enum cleanup_wait what;
	struct timer	 timer;
	void		(*done)(void *);
	void		*arg;
};

struct cleanup {
	const struct cleanup_env *env;
	struct timer	 work;
	bool		 is_started;
	struct txtrecs	 recs;
	size_t		 n_recs;
	void		*owners;	/* tsearch(3), by certificate */
	TAILQ_HEAD(, removal) removals;
	unsigned	 n_removals;
	TAILQ_HEAD(, cleanup_wait_op) waits;
};

void	 txtrec_free(struct txtrec *);
/* One more, as the row says. */
struct txtrec *txtrec_load(struct cleanup *, const struct store_txt *);
/* Is it of acmectl check, also after a restart? */
bool	 txtrec_is_of_probe(const struct txtrec *);
/* May this daemon remove it, or does another one hold its certificate? */
bool	 txtrec_is_ours(const struct txtrec *);

/* --- cleanup_cert.c --- */
struct txtrec *txtrec_new(struct cleanup *, const char *cert);
void	 txtrec_unlink(struct txtrec *);
/* The first one of a certificate; then TAILQ_NEXT(t, of_cert). */
struct txtrec *txtrec_first(const struct cleanup *, const char *cert);

/* --- cleanup_removal.c --- */
/* May the record be removed; and is it time to? */
bool	 txtrec_is_free(const struct txtrec *);
bool	 txtrec_is_due(const struct txtrec *, time_t now);
/* Remove this one, with all of its name and provider that are due too. */
void	 removal_start(struct cleanup *, struct txtrec *first, time_t now);
/* Give up the removal; its records stay as they are. */
void	 removal_free(struct removal *);

/* --- cleanup_wait.c --- */
/* Wake those whose wait is over; from the loop, they may start anything. */
void	 cleanup_check_waits(struct cleanup *);

#endif
