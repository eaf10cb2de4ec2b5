/* SPDX-License-Identifier: MIT */
/*
 * cleanup - the promise that every TXT record acmed made is removed again.
 * Each value has a row in the journal (store.h), durable before the provider
 * is called.  A run acquires the rows it works with and releases them when it
 * is done, however it ended; rows that nobody uses are removed through their
 * provider, and deleted once the authoritative servers show them no more;
 * with backoff, for ever.
 *
 *   acquire   the row is the caller's: nothing removes its value
 *   release   the value is removed once no run of its certificate could
 *             acquire it again
 *   remove    the same, but at once, also while that run goes on
 */
#ifndef DAEMON_CLEANUP_CLEANUP_H
#define DAEMON_CLEANUP_CLEANUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct certs;
struct cleanup;
struct cleanup_wait_op;
struct conf;
struct dns;
struct error;
struct http01;
struct loop;
struct provider_env;
struct store;
struct store_txt;
struct txtrec;
struct zone;

/* What the clean-up, and that of tokens.h, uses; borrowed until freed. */
struct cleanup_env {
	struct loop	*loop;
	struct store	*store;
	struct dns	*dns;
	struct provider_env *providers;
	struct http01	*http01;
	struct certs	*certs;
};

/* Values of acmectl check begin so, or what they are made of: they are of the
 * daemon that made them alone. */
#define CLEANUP_PROBE_HEAD "acmed-probe-"

/* Reads the journal; begins with cleanup_start(). */
struct cleanup	*cleanup_new(const struct cleanup_env *);
void		 cleanup_free(struct cleanup *);
void		 cleanup_start(struct cleanup *);
/* The configuration changed: what waited for a person is tried again. */
void		 cleanup_retry(struct cleanup *);
/* Stop the work under way, for another struct dns; start goes on. */
void		 cleanup_pause(struct cleanup *);

/*
 * A journal row for this value, written (not yet synced) with state adding:
 * the one that is there already, or a new one.  It belongs to the caller
 * until txtrec_release().
 */
struct txtrec	*cleanup_acquire(struct cleanup *, const char *cert,
		    const char *provider, const char *identifier,
		    const struct zone *zone, const char *value);
/* The provider has it; handle may be "". */
void		 txtrec_set_added(struct txtrec *, const char *handle);
/* The same before it is known whether the provider has it. */
void		 txtrec_set_handle(struct txtrec *, const char *handle);
/*
 * The provider refused to add it, before anything was done: forgotten as soon
 * as the servers are seen not to show it, without another word with the
 * provider.  Not if an earlier call for it may have been done.
 */
void		 txtrec_set_refused(struct txtrec *);
/* Give it up: it will be removed when the run has ended.  NULL is allowed. */
void		 txtrec_release(struct txtrec *);
/*
 * The same, but it is removed while the run goes on, so that the next value
 * can have its place; see CLEANUP_REMOVED.
 */
void		 txtrec_remove(struct txtrec *);
/*
 * A value that no run knows of: runs of its own certificate count it, too, as
 * another's (see cleanup_count_others()).  After cleanup_acquire().
 */
void		 txtrec_set_probe(struct txtrec *);
/* Its provider may be of this configuration alone (a draft, see conf_try()),
 * which is kept until the value is gone. */
void		 txtrec_set_conf(struct txtrec *, const struct conf *);
/*
 * txtrec_remove(), and tell once: when it was removed (err NULL), or that this
 * failed for now.  The record is not the caller's any more then; until then
 * txtrec_untell() tells nobody.
 */
typedef void txtrec_gone_cb(const struct error *err, void *arg);
void		 txtrec_remove_and_tell(struct txtrec *, txtrec_gone_cb *gone,
		    void *arg);
void		 txtrec_untell(struct txtrec *);
const char	*txtrec_fqdn(const struct txtrec *);
const char	*txtrec_value(const struct txtrec *);
const char	*txtrec_handle(const struct txtrec *);	/* "" if none */
const char	*txtrec_provider(const struct txtrec *);
const struct zone *txtrec_zone(const struct txtrec *);
const char	*txtrec_identifier(const struct txtrec *);

/*
 * How many values a provider has, or may have, at a name (is_zone: in a zone)
 * for runs of other certificates than cert (NULL: for any), and for probes;
 * one such certificate in *other (borrowed until the loop turns).
 */
unsigned	 cleanup_count_others(const struct cleanup *,
		    const char *cert, const char *provider,
		    const char *place, bool is_zone, const char **other);

/*
 * The rows of a certificate, where several daemons share it (struct certs,
 * held): of those only the one that holds it adds and removes.  each gets all
 * but probes'.  adopt: a row that another daemon has written is this one's,
 * too, unless it has the same value.  drop: another daemon has them now; they
 * are forgotten without a word to the provider, but for those in use.  has:
 * is there any?
 */
bool		 cleanup_has(const struct cleanup *, const char *cert);
/* ... that a run works with, or that is being removed? */
bool		 cleanup_is_busy(const struct cleanup *, const char *cert);
void		 cleanup_each(const struct cleanup *, const char *cert,
		    void (*each)(const struct store_txt *, void *), void *);
void		 cleanup_adopt(struct cleanup *, const struct store_txt *);
void		 cleanup_drop(struct cleanup *, const char *cert);

/* A run no longer keeps its certificate's rows from being removed. */
void		 cleanup_kick(struct cleanup *);

enum cleanup_wait {
	CLEANUP_TRIED,		/* every unused row was removed at its
				   provider once, or that failed, now or
				   earlier: it is not due */
	CLEANUP_REMOVED,	/* ... every row given to txtrec_remove() */
	CLEANUP_IDLE		/* no removal is being sent to a provider:
				   one that overtook an add would undo it */
};
/*
 * done when that holds for the rows of this certificate (NULL: of any), or
 * after timeout_ms.
 */
struct cleanup_wait_op *cleanup_wait_start(struct cleanup *, const char *cert,
		    enum cleanup_wait, unsigned timeout_ms,
		    void (*done)(void *arg), void *arg);
void		 cleanup_wait_cancel(struct cleanup_wait_op *);

/* The RECORDs of doc/control-api.md. */
json_t		*cleanup_json(const struct cleanup *);
size_t		 cleanup_count(const struct cleanup *);
/* Those that have become a person's. */
size_t		 cleanup_count_stuck(const struct cleanup *);
/* Has a removal that failed so often, or for so long, become a person's? */
bool		 cleanup_is_stuck(unsigned tries, time_t created_at,
		    time_t now);

#endif
