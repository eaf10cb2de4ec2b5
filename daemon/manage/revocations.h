/* SPDX-License-Identifier: MIT */
/*
 * revocations - certificates that are to be revoked as soon as their
 * replacement is in use.  Each is a row of state.db, written before the
 * replacement is ordered: whatever stops acmed in between, the next start goes
 * on.  The replacement is a renewal like any other, and the engine's; once it
 * is installed, and all deploy targets have it, the CA is asked to revoke the
 * one before, again and again (at most hourly) until it has, or until that has
 * expired.  The CA is the one that issued it, whatever is configured since; why
 * it fails is told by events, daily.
 */
#ifndef DAEMON_MANAGE_REVOCATIONS_H
#define DAEMON_MANAGE_REVOCATIONS_H

#include <jansson.h>
#include <stdbool.h>

struct cert;
struct error;
struct manage_env;
struct manage_jobs;
struct revocations;

/* The row is on disk, so that the replacement may be ordered; or err: it is
 * not, and is forgotten. */
typedef void revocations_kept_cb(const char *cert, const struct error *err,
    void *arg);
/* Reads the rows; nothing is asked before revocations_look(). */
struct revocations *revocations_new(const struct manage_env *,
		    struct manage_jobs *, revocations_kept_cb *kept,
		    void *arg);
void		 revocations_free(struct revocations *);

/* The installed certificate is to be revoked when it is replaced; kept is told
 * from a later turn of the loop. */
void		 revocations_add(struct revocations *, const struct cert *,
		    int reason, bool by_key);
/* Give all of a certificate up, and the replacement with a new key that has not
 * come yet: how many.  A request that the CA has got is
 * obeyed all the same; kept is told of what was not on disk yet. */
size_t		 revocations_cancel(struct revocations *, const char *cert);
/* Is there one of it? */
bool		 revocations_are_open(const struct revocations *,
		    const char *cert);
/* Is the installed certificate of it to be replaced, by one of another key,
 * and is that on disk? */
bool		 revocations_want_new_key(const struct revocations *,
		    const struct cert *);
/* Each that has failed and is tried again, and each that nobody replaces: with
 * why. */
typedef void revocation_failed_cb(const char *cert, const char *serial,
    unsigned tries, const struct error *err, void *arg);
void		 revocations_each_failed(const struct revocations *,
		    revocation_failed_cb *, void *arg);
/* A renewal or a deployment is over, or time has passed: go on. */
void		 revocations_look(struct revocations *);
/* "revocation" of doc/control-api.md; null: there is none. */
json_t		*revocations_json(const struct revocations *,
		    const struct cert *);

#endif
