/* SPDX-License-Identifier: MIT */
/*
 * missing - names of a certificate that the CA does not validate, and what
 * on_name_failure = shrink makes of them.
 *
 * A run that fails says which names it was for; that is kept until they work.
 * When the certificate is needed (it is in the last eighth of its life, or
 * there is none), those that failed twice in a row are left out of the next
 * run, and those that are missing already are so whenever it is renewed, if
 * they fail again.  Never are all.  What was issued without a name is tried
 * again with all of them: an hour later, 6 hours later, and then daily, which
 * costs the CA one order a day.  Such a run that fails changes nothing.
 *
 * All of it is in state.db with the row that the same turn writes, before a
 * run begins that depends on it.
 */
#ifndef DAEMON_CERTS_MISSING_H
#define DAEMON_CERTS_MISSING_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "daemon/store/store.h"

struct cert;
struct certs;
struct conf_cert;
struct error;

struct missing {
	struct store_missing row;
	bool		 is_fresh;	/* it failed in the run that ends */
};

/* Of all certificates, once; cert->missing is freed with them. */
void	missing_load(struct certs *);

/* What another daemon knows, which renewed it until now, takes the place of
 * what is here. */
void	missing_set(struct cert *, const struct store_missing *, size_t n);

/* --- runs --- */

/* What the next run is to order, if that is not all of its configuration; to
 * be freed.  NULL: all. */
struct conf_cert *missing_narrow(const struct cert *);
/* This name made the run fail. */
void	missing_failed(struct cert *, const char *name, const struct error *);
/*
 * A run that was to renew it has failed: which names does the next leave out?
 * True if these are more than it left out itself: it need not wait for long.
 */
bool	missing_decide(struct cert *, time_t now);
/* A person asks for a renewal: with all names. */
void	missing_try_all(struct cert *);
/*
 * A certificate for the names of has is installed, of the names of all, which
 * may be the same.  why: of those that have not failed here (it came from
 * elsewhere).  The others are tried again at retry_at; 0: in an hour.
 */
void	missing_installed(struct cert *, const struct conf_cert *all,
	    const struct conf_cert *has, const struct error *why,
	    time_t retry_at);
/* A run that was only to bring them back has failed. */
void	missing_put_off(struct cert *, const struct error *);

/* --- what is so --- */

/* Names that are configured, and that the installed certificate lacks as they
 * were left out. */
unsigned missing_count(const struct cert *);
/* Is this one of them? */
bool	missing_has(const struct cert *, const char *name);
/* When they are tried again; 0: there is none. */
time_t	missing_retry_at(const struct cert *);
/* Are these names, a sorted JSON array, all but those left out of the
 * installed certificate?  And all but those that the next run leaves out? */
bool	missing_fits(const struct cert *, const char *names);
bool	missing_fits_next(const struct cert *, const char *names);
/* The installed certificate as a configuration: without what it lacks.  NULL:
 * all is in it.  To be freed. */
struct conf_cert *missing_installed_conf(const struct cert *,
	    const struct conf_cert *);
/* "a.example.com: REASON; b.example.com: ..."; the caller frees. */
char	*missing_text(const struct cert *);
/* "missing_names" of doc/control-api.md. */
json_t	*missing_json(const struct cert *);

#endif
