/* SPDX-License-Identifier: MIT */
/*
 * renewal_priv - what the files of a run share: renewal.c (its life, account
 * and order), renewal_issue.c (authorize, finalize, download, and the key),
 * renewal_csr.c (where the key is elsewhere),
 * renewal_kept.c (what becomes of an order that cannot be used up),
 * renewal_fetch.c (of what another host publishes), renewal_take.c (of what is
 * in files), renewal_pair.c (two certificates), renewal_install.c (install,
 * deploy) and renewal_hooks.c (programs before and after).  Nobody else
 * includes it.
 */
#ifndef DAEMON_RENEWAL_RENEWAL_PRIV_H
#define DAEMON_RENEWAL_RENEWAL_PRIV_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/error.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/certs.h"
#include "daemon/io/loop.h"
#include "daemon/renewal/env.h"
#include "daemon/renewal/renewal.h"
#include "daemon/store/csr.h"

struct renewal {
	struct cert	*cert;
	const struct renewal_env *env;
	const struct conf *conf;	/* the one the run began with */
	const struct conf_cert *cc;	/* what it orders: all, or less */
	const struct conf_cert *all;	/* ... of that conf */
	struct conf_cert *less;		/* without names that fail
					   (missing.h); NULL: it orders all */
	const struct conf_repository *source;	/* it is fetched from there;
						   NULL: not.  Of conf */
	bool		 is_issued;	/* by a CA, at our request */
	struct conf_issuer at;		/* of cc: where it is ordered */
	const char	**names;	/* of cc; not owned strings */
	char		*names_json;
	time_t		 started_at;
	struct hold_run	 hold;		/* when it began, and how far it is */
	bool		 waits;		/* it failed for its account */
	struct timer	 enter;
	char		*replaces;	/* the order that is being made names
					   it (ARI-ID); or NULL */
	unsigned	 taken;		/* what that order counts for
					   (budget_take()); 0 once its row has
					   it */
	bool		 is_clock_seen;	/* the CA's, in this run */
	int64_t		 asked_ms;	/* clock_boot_ms() of its newOrder */
	bool		 is_profile_refused;	/* by the CA, though it is in
					   its directory */
	bool		 misses_profile;	/* the order has none: the CA
					   does not offer it */
	bool		 is_resumed;	/* the order is of an earlier run */
	bool		 is_foreign;	/* ... of nobody: new, and yet past
					   finalize */
	bool		 is_sent;	/* the CA has been asked to issue, and
					   may have done so */
	bool		 is_fetched;	/* its authorizations are */
	bool		 is_invalid;	/* the CA says so of the order */
	unsigned	 n_sends;	/* of finalize */
	bool		 is_registered_anew;	/* in this run */
	bool		 is_saved_again;	/* renewal_save_again() */
	bool		 is_second;	/* it orders, or has, the second of a
					   pair: order, key and pem are of
					   that */
	EVP_PKEY	*first_key;	/* ... these of the first; or NULL */
	char		*first_pem;

	struct account_op *account_op;
	struct account	*account;
	char		*kid;		/* of account when the run got it */
	struct acme_op	*acme_op;
	struct store_sync_op *sync;
	struct keygen_op *keygen;
	struct zones	*zones;
	struct authorize_op *auth;
	struct orderwait_op *poll;
	struct fetch_op	*fetch;
	struct release_op *release;
	struct rollout_run *deploy;
	struct cleanup_wait_op *tidy;
	struct hooks_op	*hooks;
	struct place_op	*taking;

	struct acme_order *order;
	EVP_PKEY	*key;		/* of csr: its public part */
	struct csr	 csr;		/* read in this run; clear: the key is
					   ours */
	bool		 is_key_kept;	/* it, or csr, is on disk */
	bool		 is_key_wanted;	/* finalize waits for the key */
	struct gate_op	*gate;		/* until live/NAME may be switched */
	char		 version[STORE_VERSION_SIZE];	/* to be live/NAME */
	struct cert_info info;		/* of its leaf */
	char		*pem;		/* the chain to install */
	size_t		 pem_len;
	char		**alternates;
	size_t		 next_alternate;
	struct timer	 alternates_end;	/* then the default will do */
	struct error	 deploy_err;
	struct error	 result;	/* while post hooks run */
	void		(*after_pre)(struct renewal *);
	void		(*after_look)(struct renewal *);
	renewal_done_cb	*done;
	void		*arg;
};

/* Each step begins with its enter function, called from the loop. */
void	renewal_enter_authorize(struct renewal *);
void	renewal_enter_finalize(struct renewal *);
void	renewal_enter_download(struct renewal *);
void	renewal_enter_fetch(struct renewal *);	/* instead of download */
void	renewal_enter_take(struct renewal *);	/* the same */
void	renewal_enter_install(struct renewal *);
void	renewal_enter_deploy(struct renewal *);

/* The only writer of cert->step.  Enters from the loop: no recursion. */
void	renewal_goto(struct renewal *, enum step next);
/* The run is over, but for the hooks after it; err NULL: it went well. */
void	renewal_finish(struct renewal *, const struct error *err);
/* ... and is freed. */
void	renewal_end(struct renewal *, const struct error *err);
/* Of alternates_end; the arg is the run. */
void	renewal_alternates_end_cb(void *);
/* Cancel everything that is under way. */
void	renewal_halt(struct renewal *);
/* Run the hooks of pre.d, then go on; if one fails, the run does. */
void	renewal_pre_hooks(struct renewal *, void (*next)(struct renewal *));
/* Run the hooks of post.d, then renewal_end(). */
void	renewal_post_hooks(struct renewal *, const struct error *err);
/* The same, and what follows from the error for its order and account. */
void	renewal_fail(struct renewal *, const struct error *err);
/* --- renewal_cluster.c --- */
/* Is it one of a cluster, which this member has issued? */
bool	renewal_is_shared(const struct renewal *);
/* Take what is published, if it is newer; else go on. */
void	renewal_look_first(struct renewal *, void (*next)(struct renewal *));
/* Of the version that is to be published the first wave begins; what others
 * know of it is to be there before it is. */
void	renewal_begin_wave(struct renewal *);
/* Publish the version that is to be installed, then go on. */
void	renewal_publish_first(struct renewal *,
	    void (*next)(struct renewal *));

/* --- renewal_pair.c --- */
/* The type of the key that is ordered now, and where that of the installed
 * version is (store_live_key()). */
enum key_type renewal_key_type(const struct renewal *);
const char *renewal_key_folder(const struct renewal *);
/* What its order replaces, or NULL. */
const char *renewal_replaces(const struct renewal *);
/* Go on with the second, where an earlier run got the first. */
void	renewal_pair_look(struct renewal *);
/* key and pem are good: install them, or go on to the second of the pair. */
void	renewal_issued(struct renewal *);
/* --- renewal.c: order, from whatever step. */
void	renewal_order_again(struct renewal *);

/* --- renewal_csr.c --- */
/*
 * Read the request that the configuration names, if it does, into r->csr; an
 * order that another one was sent for is forgotten.  Those of conf_csr_read().
 */
int	renewal_csr_read(struct renewal *, struct error *);
/* r->key is that of r->csr from now on. */
void	renewal_csr_key(struct renewal *);
/* r->key becomes what was sent for the order under way; 0 and NULL: that is not
 * here. */
int	renewal_sent_key(struct renewal *, struct error *);
/* --- renewal_kept.c --- */
/* Is that the URL of the run's account? */
bool	renewal_is_account(const struct renewal *, const char *url);
enum kept {
	KEPT_NOTHING,		/* the run goes its way */
	KEPT_FITS,		/* r->key and r->pem are to be installed */
	KEPT_WAITS		/* ... later: the error says why */
};
/*
 * Look at the chain that an earlier run got and could not use.  If its order
 * is not to be waited for any longer, that is forgotten.
 */
enum kept renewal_kept_look(struct renewal *, struct error *);
/* The CA issued what cannot be used, and why: keep it, and fail. */
void	renewal_unfit(struct renewal *, const char *pem, size_t len,
	    const struct error *why);
/* Is the order under way of the names and the account of the run? */
bool	renewal_has_order(const struct renewal *);
/* Did a CSR go to the CA for it within the hour? */
bool	renewal_is_sent_lately(const struct renewal *);
/* Is the order under way known to be of no use after this failure? */
bool	renewal_order_is_dead(const struct renewal *, const struct error *);

/* The row once more, after a sync that failed: what that tells of may be what
 * was written while the disk was full.  False: this was that already. */
bool	renewal_save_again(struct renewal *, store_sync_cb *done);

/* The error is about these names: those that the CA's subproblems list, or its
 * text names.  NULL: it lists none. */
void	renewal_refused(struct renewal *, const struct error *,
	    char *const *identifiers);

/* An event of the step, at info. */
void	renewal_say(struct renewal *, const char *text);

#endif
