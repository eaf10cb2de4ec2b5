/* SPDX-License-Identifier: MIT */
/*
 * store - everything the daemon remembers: state.db (SQLite, WAL,
 * synchronous=FULL), account keys, pending keys and the certificate
 * directories.  Called by engine/ and control/; the only place that knows
 * the layout of the state directory:
 *
 *   state.db                          below
 *   lock                              flock(2): one daemon
 *   accounts/NAME-HASH8.key           0600, PKCS#8; HASH8: the first 8 hex
 *                                     digits of the directory URL's SHA-256
 *   accounts/NAME-HASH8.key.old       0600, the one before the cluster's
 *   pending/NAME.key                  0600, key of an order under way
 *   pending/NAME.first                0600, key and chain of the first of a
 *                                     pair, until the second is issued
 *   pending/NAME.pem                  0600, the chain issued for it, if it is
 *                                     of no use as it is; or chain and key that
 *                                     acmectl put handed over
 *   pending/NAME.csr                  0600, what was sent for it, where the
 *                                     key is not on this machine (csr)
 *   archive/NAME/SERIAL/{privkey,cert,chain,fullchain}.pem
 *                                     SERIAL-2 if SERIAL holds another chain
 *   archive/NAME/SERIAL/csr.pem       in the place of privkey.pem (csr)
 *   archive/NAME/SERIAL/ca.json       which CA issued it (certdir_ca.h)
 *   archive/NAME/SERIAL/rsa/, or ec/  the second certificate of a pair, in the
 *                                     same four files, where its key is RSA or
 *                                     EC and the first one's is the other
 *   live/NAME -> ../archive/NAME/SERIAL
 *   requests/NAME.key                 0600, key that this host asks a
 *                                     certificate for (key_source)
 *   requests/NAME.pem                 0600, the request of such a host, at its
 *                                     publisher; its mtime: when it was made
 *   publisher.key                     0600, store/identity.h
 *   scratch/                          0700, emptied at start
 *
 * Writes to state.db are collected: all of one turn of the loop go into one
 * transaction, committed in the next turn, whether anybody waits for it or
 * not.  A caller whose next act depends on a row being on disk calls
 * store_sync_start() and acts in its done.  Rows that no act depends on
 * (history) simply ride along.
 *
 * A transaction is on disk as a whole or not at all.  If a write or the
 * commit fails (disk full, I/O), it is rolled back and the rest of its writes
 * is dropped; the next sync is told, and the next write begins anew.  The
 * caller then puts its rows again: an id that a row got stays its own.
 * Reading sees what was written, committed or not; callbacks may write, but
 * not call the same _each function.  If reading fails, the rows end early and
 * the next sync is told (what is read at start is checked by store_open()).
 */
#ifndef DAEMON_STORE_STORE_H
#define DAEMON_STORE_STORE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/error.h"
#include "common/names.h"
#include "daemon/config/conf_limits.h"
#include "daemon/store/keys.h"
#include "daemon/store/version.h"

struct csr;
struct identity;
struct loop;
struct store;
struct store_sync_op;

/*
 * Open (and create) the state directory: lock, database, directories, schema
 * migrations.  ERR_CONFIG "store:locked" if another daemon has it (names its
 * pid), "store:dir" if it cannot be written (says by whom and how to mend
 * it), "store:version" if the database is newer than this program;
 * ERR_INTERNAL "store:db" if it is damaged.
 */
struct store	*store_open(struct loop *, const char *state_dir,
		    struct error *);
/* Was there no state.db, or an empty one? */
bool		 store_is_new(const struct store *);
/* Commits what is open.  Not from a done function; sync operations that still
 * wait are cancelled.  NULL is allowed. */
void		 store_close(struct store *);

/*
 * done once everything written up to now is on disk: from the next turn of
 * the loop, after one commit for all that wait.  err (ERR_INTERNAL
 * "store:io", or "store:db" if the file is damaged) if any write since the
 * last sync that was answered is not on disk.
 */
typedef void store_sync_cb(const struct error *err, void *arg);
struct store_sync_op *store_sync_start(struct store *, store_sync_cb *done,
		    void *arg);
void		 store_sync_cancel(struct store_sync_op *);

/*
 * Where several daemons share what is in the store (replica.h): done once that
 * is on disk, and what belongs to this certificate is where the others find it.
 * err may be the replica's, then.  Without a replica as store_sync_start().
 */
struct store_sync_op *store_sync_shared_start(struct store *,
		    const char *cert, store_sync_cb *done, void *arg);
bool		 store_is_shared(const struct store *);

/* --- accounts --- */

/* The account's key.  The pair (name, directory) names an account.  NULL and
 * ERR_CONFIG "store:no-key" if there is none yet: make one (keygen_start())
 * and keep it with store_account_key_put().  The caller frees. */
EVP_PKEY	*store_account_key(struct store *, const char *name,
		    const char *directory, struct error *);
/* The one that is there is kept beside it, as NAME-HASH8.key.old: another one
 * takes its place.  Durable when it returns. */
int		 store_account_key_keep(struct store *, const char *name,
		    const char *directory, struct error *);
/* Keep a new account key, durably. */
int		 store_account_key_put(struct store *, const char *name,
		    const char *directory, const EVP_PKEY *, struct error *);
/*
 * The key that the account is to have next, kept before the CA is asked to
 * change it: durable when it returns.  Read: 0 and NULL if there is none.
 * take: it is the account's key from now on; durable when it returns.
 */
int		 store_account_next_put(struct store *, const char *name,
		    const char *directory, const EVP_PKEY *, struct error *);
int		 store_account_next(struct store *, const char *name,
		    const char *directory, EVP_PKEY **, struct error *);
int		 store_account_next_take(struct store *, const char *name,
		    const char *directory, struct error *);
void		 store_account_next_drop(struct store *, const char *name,
		    const char *directory);
/* The account URL, or NULL; the caller frees. */
char		*store_account_kid(struct store *, const char *name,
		    const char *directory);
/* What the CA was last told of whom to contact, as a JSON array; NULL: that is
 * not known.  The caller frees. */
char		*store_account_contact(struct store *, const char *name,
		    const char *directory);
void		 store_account_contact_put(struct store *, const char *name,
		    const char *directory, const char *contact);
/* kid NULL forgets it; the contact is forgotten with either. */
void		 store_account_put(struct store *, const char *name,
		    const char *directory, const char *kid);

/* An account that the CA asked to wait, or whose CA cannot be asked; key:
 * account, directory, about. */
struct store_hold {
	char		 account[128];
	char		 directory[1024];
	char		 about[DNAME_SIZE + 16];	/* what of it
					   (accounts/hold.c); "": all */
	time_t		 since, at;	/* when that was seen first, and last */
	time_t		 until;		/* at most 7 days after at, or
					   STORE_PAUSED_EVER */
	unsigned	 times;		/* in a row */
	struct error	 err;		/* the last; its retry_at is not kept */
};
void		 store_hold_each(struct store *,
		    void (*each)(const struct store_hold *, void *), void *);
/* Insert or replace. */
void		 store_hold_put(struct store *, const struct store_hold *);
void		 store_hold_delete(struct store *, const struct store_hold *);

/* How much may still be asked for (limits/limits.h); key: the first four.
 * There are rows of what was taken lately only. */
struct store_budget {
	enum limit_kind	 kind;
	char		*directory;
	char		*account;	/* "": all of the directory */
	char		*key;		/* domain, name, set of names; or "" */
	int64_t		 since_ms, full_at_ms;	/* its struct level */
};
void		 store_budget_each(struct store *,
		    void (*each)(const struct store_budget *, void *), void *);
/* Insert or replace. */
void		 store_budget_put(struct store *, const struct store_budget *);
void		 store_budget_delete(struct store *,
		    const struct store_budget *);

/* --- one row per certificate the daemon has ever managed --- */

/* There may be 100,000 in memory: a text that is not known is NULL. */
struct store_cert {
	char		*name;
	/* The installed certificate; serial NULL if there is none. */
	char		*serial;
	char		*issuer;
	time_t		 not_before, not_after;
	char		*names;		/* JSON array, sorted */
	char		*profile;	/* that was wanted with it; NULL: the
					   CA's default */
	bool		 profile_missed;	/* ... and the CA did not offer
					   it */
	time_t		 installed_at;
	uint64_t	 stamp;		/* store_live_stamp() when that was
					   read */
	enum key_type	 key;
	char		*csr;		/* the hash of what it was asked for
					   with (csr.h); NULL: its key is
					   here */
	/* The schedule. */
	int		 spread;	/* per mille of renew_before, -20..20;
					   drawn at installation */
	unsigned	 failures;	/* since the last success */
	unsigned	 early;		/* in a row: certificates that were due
					   as they came, orders that came to
					   nothing past finalize */
	time_t		 retry_at;	/* of the failed run; 0: none failed */
	char		*names_failed;	/* JSON array the failure was about */
	struct error	*error;		/* of the last run; NULL if it went
					   well */
	time_t		 error_at;
	time_t		 asked_at;	/* a person wants a renewal, and has
					   not got it yet; 0: none does */
	/* The order under way; NULL if none. */
	char		*order_url;
	char		*order_names;	/* JSON array, sorted */
	char		*order_account;	/* kid it was made with */
	char		*order_finalize;
	char		*order_profile;	/* that it was made for, or NULL */
	char		*account;	/* of those in the configuration, which
					   it was made with, or which the next
					   run begins with; NULL: the first */
	char		*account_why;	/* why not the first, of the order or
					   of the installed; NULL: it is */
	time_t		 order_at;	/* when it was made */
	time_t		 order_sent_at;	/* when the CA was first asked to issue
					   from it; 0: not yet */
	unsigned	 order_limits;	/* what it counts for until then: a set
					   of LIMIT_BIT() (limits/limits.h) */
	/* RFC 9773: when the CA would like the certificate to be renewed. */
	char		*ari_id;	/* NULL: none, or not known yet */
	char		*ari_directory;	/* of the CA that issued it, as far as
					   known; else NULL.  Another one than
					   the account's makes it due */
	time_t		 ari_start, ari_end;	/* 0: it has not said */
	time_t		 ari_at;	/* drawn in between */
	char		*ari_url;	/* explanation, or NULL */
	time_t		 ari_poll_at;	/* when to ask again; 0: at once */
	time_t		 ari_pulled_at;	/* the last renewal that it called
					   for early; stays */
	time_t		 paused_until;	/* a person wants no renewal before
					   this; 0: they do */
#define STORE_PAUSED_EVER ((time_t)1 << 40)
	/* Of the newest manifest seen, where another host publishes it. */
	char		*source_host;	/* NULL: not known */
	time_t		 source_at;	/* when that was published; 0: none */
	time_t		 source_renew_at;	/* it renews then; 0: it does
					   not say */
};
void		 store_cert_clear(struct store_cert *);
/* A deep copy; *to is overwritten. */
void		 store_cert_dup(struct store_cert *to,
		    const struct store_cert *from);

/* Call each for every row, sorted by name, borrowed. */
void		 store_cert_each(struct store *,
		    void (*each)(const struct store_cert *, void *), void *);
/* Insert or replace the row. */
void		 store_cert_put(struct store *, const struct store_cert *);
/* The row, its deploy targets and what they uploaded, its history, what was to
 * be revoked and its names that fail. */
void		 store_cert_delete(struct store *, const char *name);

/* --- the second certificate of a pair: two keys under one name --- */

struct store_pair {
	char		*cert;
	/* The installed one; serial NULL if there is none. */
	char		*serial;
	time_t		 not_before, not_after;
	enum key_type	 key;
	/* As in struct store_cert. */
	char		*ari_id;
	time_t		 ari_start, ari_end;
	time_t		 ari_at;
	/* The first of a new pair, which is issued and kept (store_first())
	 * until the second is: what it was ordered with. */
	char		*first_names;	/* NULL: there is none */
	char		*first_account;	/* kid */
	char		*first_profile;	/* NULL: the CA's default */
	time_t		 first_at;
};
void		 store_pair_clear(struct store_pair *);
/* Call each for every row, borrowed. */
void		 store_pair_each(struct store *,
		    void (*each)(const struct store_pair *, void *), void *);
/* Insert or replace; it goes with store_cert_delete(). */
void		 store_pair_put(struct store *, const struct store_pair *);

/* --- a name that the CA does not validate, until it does --- */

struct store_missing {
	char		 cert[128];
	char		 name[DNAME_SIZE];
	bool		 is_left_out;	/* the installed certificate lacks it */
	time_t		 since;		/* that it fails */
	time_t		 failed_at;	/* the last time */
	unsigned	 tries;		/* that failed, in a row; of one left
					   out: since it was */
	time_t		 omitted_at;	/* when it was decided to order without
					   it; 0: it is not */
	time_t		 retry_at;	/* of one left out: the next try with
					   it */
	struct error	 err;		/* of the last try */
};
void		 store_missing_each(struct store *,
		    void (*each)(const struct store_missing *, void *),
		    void *);
/* Insert or replace; key: cert, name. */
void		 store_missing_put(struct store *,
		    const struct store_missing *);
void		 store_missing_delete(struct store *, const char *cert,
		    const char *name);

/* --- what was seen of certificates that others renew --- */

struct store_watch {
	char		 watch[128];	/* its section */
	char		 what[256];	/* target or file, as configured */
	time_t		 looked_at;	/* the last time; 0: never */
	time_t		 next_at;
	time_t		 since;		/* that err is told of it */
	unsigned	 tries;		/* that got no certificate, in a row */
	/* Of the certificate seen last; not_after 0: none ever was. */
	char		 serial[64];
	char		 issuer[256];
	char		 subject[256];	/* its first name */
	char		 key[48];	/* "RSA 2048" */
	time_t		 not_before, not_after;
	struct error	 err;		/* of the last look; code "": it was
					   well, but for its end */
};
void		 store_watch_each(struct store *,
		    void (*each)(const struct store_watch *, void *), void *);
/* Insert or replace; key: watch, what. */
void		 store_watch_put(struct store *, const struct store_watch *);
void		 store_watch_delete(struct store *, const char *watch,
		    const char *what);

/* --- what hosts say that they serve of what is published --- */

struct store_receipt {			/* texts are borrowed, never NULL */
	const char	*cert, *repository, *host;
	const char	*version;	/* of the object it was read from */
	/* As in publish/receipt.h; at 0: none was ever read. */
	const char	*serial, *sha256, *second;
	time_t		 not_before, not_after;
	bool		 ok;
	time_t		 since, next_at, at;
	const char	*error_code, *error_msg;
	bool		 is_forgotten;	/* until it says something new */
};
/* Sorted by cert and repository; borrowed until each returns. */
void		 store_receipt_each(struct store *,
		    void (*each)(const struct store_receipt *, void *),
		    void *);
/* Insert or replace; key: cert, repository, host. */
void		 store_receipt_put(struct store *,
		    const struct store_receipt *);
void		 store_receipt_delete(struct store *, const char *cert,
		    const char *repository, const char *host);

/* --- a version that hosts take in waves --- */

enum wave_state {
	WAVE_RUNNING,
	WAVE_STOPPED,			/* no further wave is opened */
	WAVE_DONE,			/* all may take it */
	WAVE_WITHDRAWN,			/* who has it takes the one before */
	WAVE_STATE_END
};
/* "running", "stopped", "done", "rolled back". */
const char	*wave_state_name(enum wave_state);
/* 0, or -1: there is no such state. */
int		 wave_state_parse(const char *, enum wave_state *);

struct store_wave {
	char		 cert[128], repository[128];
	char		 serial[64];
	time_t		 not_before;	/* of that version */
	unsigned	 opened;	/* waves that may take it, from 1 */
	time_t		 opened_at;	/* the last of them */
	time_t		 served_at;	/* when all of them served it; 0: not
					   yet; or: */
#define STORE_WAVE_UNTOLD ((time_t)-1)	/* the manifest is still to say it */
	enum wave_state	 state;
	char		 why[512];	/* it was stopped; or "" */
};
/* 0, or -1: there is none. */
int		 store_wave_get(struct store *, const char *cert,
		    const char *repository, struct store_wave *);
/* The certificates that have one; each until it returns. */
void		 store_wave_each(struct store *,
		    void (*each)(const char *cert, void *), void *);
/* Insert or replace; key: cert, repository.  Members of a cluster share it with
 * the certificate's row. */
void		 store_wave_put(struct store *, const struct store_wave *);
/* A new version is being published: the first wave may take it.  Nothing
 * happens where it is known.  true: it was put, and must be durable before the
 * version is published. */
bool		 store_wave_begin(struct store *, const char *cert,
		    const char *repository, const char *serial,
		    time_t not_before, time_t now);

/*
 * --- what a publisher has taken back, on the hosts: not to be taken again ---
 *
 * When the newest manifest was published that withdraws this version; 0: none
 * is known.  They are few, as a person withdraws each, and stay.
 */
time_t		 store_withdrawn_at(struct store *, const char *cert,
		    const char *repository, const char *serial);
void		 store_withdrawn_put(struct store *, const char *cert,
		    const char *repository, const char *serial,
		    time_t published_at);

/* --- what a person wants to be revoked, until the CA has done it --- */

struct store_revocation {
	char		 cert[128];
	char		 serial[64];
	int		 reason;	/* RFC 5280 section 5.3.1 */
	bool		 by_key;	/* signed with its own key */
	/* Its CA; "" in rows of acmed before it was kept: the certificate's. */
	char		 account[128];	/* the configured name */
	char		 directory[1024];
	time_t		 not_after;
	time_t		 asked_at;
	unsigned	 tries;		/* that failed */
	time_t		 retry_at;	/* of these */
	struct error	 err;		/* of the last */
};
void		 store_revocation_each(struct store *,
		    void (*each)(const struct store_revocation *, void *),
		    void *);
/* Insert or replace; key: cert, serial. */
void		 store_revocation_put(struct store *,
		    const struct store_revocation *);
void		 store_revocation_delete(struct store *, const char *cert,
		    const char *serial);
/* The serials of a certificate's rows, NULL-terminated; the caller frees each
 * and the whole. */
char		**store_revocation_serials(struct store *, const char *cert);

/* --- keys and certificates on disk --- */

/* The key of the order under way; 0 and NULL if there is none. */
int		 store_pending_key(struct store *, const char *name,
		    EVP_PKEY **key, struct error *);
/* The same as it lies there, or NULL where there is none; the caller frees it
 * by freezero_str(). */
char		*store_pending_key_pem(struct store *, const char *name);
/* Durable when it returns. */
int		 store_pending_key_put(struct store *, const char *name,
		    const EVP_PKEY *, struct error *);
/* What was sent for it instead, where its key is elsewhere (csr.h); clear if
 * there is none.  The caller clears it. */
int		 store_pending_csr(struct store *, const char *name,
		    struct csr *, struct error *);
/* The same as it lies there, or NULL; the caller frees. */
char		*store_pending_csr_pem(struct store *, const char *name);
/* Durable when it returns. */
int		 store_pending_csr_put(struct store *, const char *name,
		    const struct csr *, struct error *);
/* The chain that was issued for that order and could not be used; 0 and NULL
 * if there is none.  The caller frees. */
int		 store_pending_chain(struct store *, const char *name,
		    char **pem, size_t *len, struct error *);
/* Durable when it returns. */
int		 store_pending_chain_put(struct store *, const char *name,
		    const char *pem, size_t len, struct error *);
/* Key, request and chain. */
void		 store_pending_drop(struct store *, const char *name);
/* The key that a host asks for, which keeps it; 0 and NULL if there is none.
 * Durable when put returns. */
int		 store_request_key(struct store *, const char *name,
		    EVP_PKEY **key, struct error *);
int		 store_request_key_put(struct store *, const char *name,
		    const EVP_PKEY *, struct error *);
void		 store_request_key_drop(struct store *, const char *name);
/* A request (PKCS#10, PEM) with it; 0 and NULL if there is none.  The caller
 * frees. */
int		 store_request_make(struct store *, const char *name,
		    const char *const *names, size_t n, char **pem,
		    struct error *);
/* Is it that of the installed certificate? */
bool		 store_request_is_live(struct store *, const char *name);
/* Key and request of a certificate that is deleted. */
void		 store_request_drop(struct store *, const char *name);
/* When the request that is kept of such a host was made; 0: there is none.
 * Keep another one. */
time_t		 store_request_at(struct store *, const char *name);
/* It, or NULL; the caller frees. */
char		*store_request_pem(struct store *, const char *name);
int		 store_request_put(struct store *, const char *name,
		    const char *pem, time_t at, struct error *);
/*
 * The first certificate of a pair, until the second is issued: its key and its
 * chain.  Durable when it returns.
 */
int		 store_first_put(struct store *, const char *name,
		    const struct store_part *, struct error *);
/* 0 and NULL if there is none.  The caller frees the key, and the chain. */
int		 store_first(struct store *, const char *name, EVP_PKEY **key,
		    char **pem, struct error *);
void		 store_first_drop(struct store *, const char *name);
/* The key of the installed certificate (reuse_key), or of the second of a pair
 * in that folder of it (NULL: the first); 0 and NULL if none: a
 * placeholder's is no certificate's.  Keys are freed by the caller. */
int		 store_live_key(struct store *, const char *name,
		    const char *folder, EVP_PKEY **key, struct error *);
/* The public one in it, wherever its key is; 0 and NULL if there is none. */
int		 store_live_public(struct store *, const char *name,
		    const char *folder, EVP_PKEY **key, struct error *);

/*
 * Asked before an order: could what it brings be kept and installed?  The
 * first looks whether pending/, archive/ and live/ can be written, and whether
 * live/NAME can be made a link (ERR_CONFIG "store:dir", "store:not-ours", with
 * what to do); it makes those of the three that are gone.  The second whether
 * the disk has room: ERR_TRANSIENT "store:full".
 */
int		 store_check_room(const struct store *, const char *name,
		    struct error *);
int		 store_check_space(const struct store *, struct error *);

/*
 * Put key and chain into archive/NAME as one unit: a new directory, everything
 * fsynced, read back, key and leaf checked to belong together.  csr, unless it
 * is NULL, is in the place of the key, which is public then.  What is there
 * already is taken.  ca is what is kept with it, borrowed; NULL: not known.
 * *info is the leaf's, which the caller clears; version is for store_promote(),
 * without which nothing has changed for anybody.  Durable when it returns;
 * blocks for about nine fsyncs.
 * ERR_REJECTED "cert:syntax", ERR_INTERNAL "store:mismatch" (key of another
 * certificate), "sys:io".  The second of a pair comes with it: one has an EC
 * key, the other one of RSA.
 */
int		 store_stage(struct store *, const char *name,
		    const EVP_PKEY *, const struct csr *csr,
		    const char *pem, size_t pem_len,
		    const struct cert_ca *ca,
		    char version[STORE_VERSION_SIZE], struct cert_info *info,
		    struct error *);
int		 store_stage_pair(struct store *, const char *name,
		    const struct store_part pair[2], const struct cert_ca *ca,
		    char version[STORE_VERSION_SIZE], struct cert_info *info,
		    struct error *);
/*
 * Group, permissions and access lists that somebody gave live/NAME are given
 * to each new version.  Could some not be (a group that we are not in)?  Asked
 * between store_stage() and store_promote().
 */
bool		 store_loses_access(struct store *, const char *name,
		    const char *version);
/*
 * live/NAME becomes that version, by one rename: whenever the machine stops,
 * it is the old or the new.  Older versions than the last 5 are removed, the
 * live one never.  Durable when it returns; an fsync.  ERR_INTERNAL "sys:io".
 */
int		 store_promote(struct store *, const char *name,
		    const char *version, struct error *);
/*
 * The newest complete version in archive/NAME that is older than what live/NAME
 * is, to be promoted; *info is its leaf's, the caller clears it.
 * ERR_REJECTED "store:no-previous"; unless force, if it lacks a file that
 * live/NAME has, and "store:expired"; ERR_INTERNAL "sys:io".
 */
int		 store_previous(struct store *, const char *name, bool force,
		    char version[STORE_VERSION_SIZE], struct cert_info *info,
		    struct error *);
/*
 * Where live/NAME is gone, or a link that leads nowhere: the version in
 * archive/NAME that is complete, not expired, and of this serial ("": none is
 * known), else the newest such one that serves all of these names, to be
 * promoted.  0 and *info, its leaf's, which the caller clears; or 1: nothing is
 * lost, or nothing is left of it.
 */
int		 store_find_lost(struct store *, const char *name,
		    const char *serial, const char *const *names,
		    size_t n_names, char version[STORE_VERSION_SIZE],
		    struct cert_info *info);
/*
 * live/NAME lacks a file, or has it damaged, that the others can replace: the
 * key and either fullchain.pem, or cert.pem and chain.pem.  Build a whole
 * version of them and make it the live one; 0 and *info.
 */
int		 store_rebuild(struct store *, const char *name,
		    struct cert_info *info, struct error *);
/* One certificate of the archive, as revoking it needs it. */
struct store_version {
	char		 serial[64];
	char		 other[64];	/* the serial of the one that makes a
					   pair with it; "": none does */
	unsigned char	*der;		/* the certificate */
	size_t		 der_len;
	EVP_PKEY	*key;
	bool		 has_key;	/* key is not its public part only */
	struct cert_ca	 ca;
};
void		 store_version_clear(struct store_version *);
/* The caller clears it.  ERR_CONFIG "manage:no-version" if the archive does not
 * have it. */
int		 store_version_read(struct store *, const char *name,
		    const char *serial, struct store_version *,
		    struct error *);
/*
 * A placeholder for a certificate that was never issued: live/NAME becomes a
 * self-signed certificate with these names (at least one) and a key of its own,
 * unless something is there, or in archive/NAME: 1.  0: it is one now, or was.
 * second: another one is in this folder of it, as of a pair; or NULL.
 * The first promotion replaces it.
 */
int		 store_place(struct store *, const char *name,
		    const char *const *names, size_t n, const char *second,
		    struct error *);
bool		 store_is_placeholder(struct store *, const char *name);
/*
 * What live/NAME holds now: 0 and *info, or 1 if there is nothing (or no more
 * than a placeholder), or -1 if
 * it is damaged (missing file, key of another certificate): ERR_INTERNAL
 * "store:damaged".  Parses: 0.6 ms.
 */
int		 store_live_info(struct store *, const char *name,
		    struct cert_info *info, struct error *);
/*
 * A number that changes with the files of live/NAME, 0 if they cannot be
 * seen: whoever has the row of the same stamp need not read them.  (Reading
 * takes 0.6 ms, and there may be 100,000.)
 */
uint64_t	 store_live_stamp(struct store *, const char *name);
/*
 * Remove live/NAME, archive/NAME with all versions, and what is pending: the
 * keys are gone for good.  Again after a crash.  1: there was nothing.
 * ERR_CONFIG "store:not-ours" if live/NAME is no link.
 */
int		 store_files_delete(struct store *, const char *name,
		    struct error *);
/* Absolute path of live/NAME; the caller frees. */
char		*store_live_path(const struct store *, const char *name);
/*
 * The key that signs what is published for hosts with keys of their own; made
 * on first use.  The caller frees; NULL and identity_read()'s errors.
 */
struct identity	*store_publisher(struct store *, struct error *);
/*
 * Where several daemons share one: it is not made here, but this told, until a
 * call with NULL; with hides, one that is there is not used either.
 */
void		 store_publisher_hold(struct store *, const struct error *,
		    bool hides);
/* The one that is there, whatever is held; 0 and NULL: none is. */
int		 store_publisher_read(struct store *, struct identity **,
		    struct error *);
/* Keep this one, durably, where there is none; ERR_INTERNAL if there is. */
int		 store_publisher_put(struct store *, const struct identity *,
		    struct error *);
/* Absolute path of a directory for files that need not outlive their use. */
const char	*store_scratch(const struct store *);
/* That of a version in archive/ (store_stage()); the caller frees. */
char		*store_version_path(const struct store *, const char *name,
		    const char *version);
/* The directory in archive/ that it is now, which never changes; where there
 * is none, the same as store_live_path().  The caller frees. */
char		*store_live_version_path(const struct store *,
		    const char *name);

/* --- the journal of TXT records (ARCHITECTURE.md section 4) --- */

enum txt_state {
	TXT_ADDING,		/* the provider may have it */
	TXT_ADDED,		/* the provider said so */
	TXT_REMOVING,		/* asked to remove, absence not confirmed */
	TXT_REFUSED,		/* the provider refused to add it */
	TXT_STATE_END
};
const char	*txt_state_name(enum txt_state);

struct store_txt {
	int64_t		 id;		/* 0 until store_txt_put() gave one */
	char		 cert[128];
	char		 provider[128];	/* configured name */
	char		 identifier[DNAME_SIZE];
	char		 fqdn[DNAME_SIZE];
	char		 zone[DNAME_SIZE];
	char		 value[64];
	const char	*handle;	/* the provider's; NULL: "".  store_
					   txt_each(): until it returns */
	enum txt_state	 state;
	time_t		 created_at;
	unsigned	 tries;		/* failed removals */
	time_t		 retry_at;	/* next removal */
	char		 error[512];	/* of the last removal, or "" */
};
void		 store_txt_each(struct store *,
		    void (*each)(const struct store_txt *, void *), void *);
/* Insert (id 0, which it sets) or replace (also if the row is gone). */
void		 store_txt_put(struct store *, struct store_txt *);
void		 store_txt_delete(struct store *, const struct store_txt *);

/* --- the journal of files in webroots (http-01) --- */

struct store_http {			/* key: cert, webroot, token */
	char		 cert[128];
	char		 webroot[1032];
	char		 token[264];
	char		 text[320];	/* what the file holds */
	time_t		 created_at;
	unsigned	 tries;		/* failed removals */
	time_t		 retry_at;	/* next removal */
	char		 error[512];	/* of the last removal, or "" */
};
void		 store_http_each(struct store *,
		    void (*each)(const struct store_http *, void *), void *);
/* Insert or replace. */
void		 store_http_put(struct store *, const struct store_http *);
void		 store_http_delete(struct store *, const struct store_http *);

/* --- deploy targets: what was done, and what is to be done --- */

/* Texts belong to who fills it in; store_deploy_each() lends them. */
struct store_deploy {
	const char	*cert;
	char		*target;
	char		*serial;	/* certificate it is for */
	bool		 done;
	unsigned	 tries;
	time_t		 retry_at;
	time_t		 done_at;
	char		*error;		/* of the last try, or NULL */
	uint64_t	 hash;		/* of the settings it was done with; 0
					   in rows of older versions */
	time_t		 not_before, not_after;	/* of that certificate */
	time_t		 urgent_at;	/* no deploy_window holds it after
					   this: what is served is near its end;
					   0: at once */
	time_t		 check_at;	/* next look at what is served; 0:
					   none is planned */
	time_t		 alarm_at;	/* when that was last warned of */
	bool		 is_old;	/* an earlier certificate is served */
	time_t		 served_before, served_after;	/* dates of what is
					   served, as far as known, while this
					   is not done; 0: nothing is known */
};
void		 store_deploy_each(struct store *,
		    void (*each)(const struct store_deploy *, void *), void *);
void		 store_deploy_put(struct store *, const struct store_deploy *);
void		 store_deploy_delete(struct store *, const char *cert,
		    const char *action);

/* --- what was uploaded to clouds --- */

/*
 * An upload of one certificate for one target: written without an id before
 * the vendor is asked, with it afterwards.
 */
struct store_cloud {
	char		 cert[128];
	char		 target[128];
	char		 place[320];	/* which store, of which customer */
	char		 sha256[65];	/* of the leaf, hex */
	char		 id[512];	/* there; "": not known */
	bool		 is_foreign;	/* somebody else's upload */
	time_t		 at;
	time_t		 bound_at;	/* when the target got it; 0: not yet.
					   The last one is what it has */
};
/* Of one certificate; of each target in this order. */
void		 store_cloud_each(struct store *, const char *cert,
		    void (*each)(const struct store_cloud *, void *), void *);
/* Insert or replace; key: cert, target, place, sha256. */
void		 store_cloud_put(struct store *, const struct store_cloud *);
void		 store_cloud_delete(struct store *, const struct store_cloud *);
/* All of one certificate is also that of another, which is the same under
 * another name. */
void		 store_cloud_copy(struct store *, const char *from,
		    const char *to);
/* All of a target that is gone. */
void		 store_cloud_forget(struct store *, const char *cert,
		    const char *target);

/* --- what people are told --- */

/* One thing that is wrong, as long as it is; a row without told_at has been
 * seen and not told. */
struct store_alarm {
	char		 key[256];	/* "failed CERT" */
	char		 cause[256];	/* of those that are told together */
	unsigned	 events;	/* set of NEV_BIT() */
	int		 level;		/* as it was told */
	int		 stage;
	time_t		 since;
	time_t		 told_at;	/* 0: not yet */
};
void		 store_alarm_each(struct store *,
		    void (*each)(const struct store_alarm *, void *), void *);
void		 store_alarm_put(struct store *, const struct store_alarm *);
void		 store_alarm_delete(struct store *, const char *key);

/* A message not yet delivered to one target of one channel. */
struct store_notice {
	int64_t		 id;		/* 0 until store_notice_put() */
	char		*channel;	/* configured name */
	char		*target;	/* an address, or "" */
	char		*msgid;		/* stable, without brackets */
	time_t		 at;
	int		 level;
	bool		 is_repeat;	/* of what was told before */
	char		*subject, *text, *json;
};
void		 store_notice_clear(struct store_notice *);
/* Oldest first; borrowed. */
void		 store_notice_each(struct store *,
		    void (*each)(const struct store_notice *, void *), void *);
/* Insert; sets the id, which is never used again. */
void		 store_notice_put(struct store *, struct store_notice *);
void		 store_notice_delete(struct store *, int64_t id);

/* --- history: the last 100 steps of each certificate --- */

struct store_event {
	int64_t		 id;		/* counts per certificate; store_
					   event_add() ignores it */
	time_t		 at;
	char		 step[32];
	int		 level;		/* enum log_level */
	const char	*msg;
};
void		 store_event_add(struct store *, const char *cert,
		    const struct store_event *);
/* The last n, oldest first. */
void		 store_event_each(struct store *, const char *cert, int n,
		    void (*each)(const struct store_event *, void *), void *);

#endif
