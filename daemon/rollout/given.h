/* SPDX-License-Identifier: MIT */
/*
 * given - certificates that somebody else has made: in the files that `files`
 * names, or handed over by acmectl put, which is kept in pending/ until a run
 * has installed it.  For source_watch and the run.
 */
#ifndef DAEMON_ROLLOUT_GIVEN_H
#define DAEMON_ROLLOUT_GIVEN_H

#include <openssl/types.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "daemon/store/keys.h"

struct conf_cert;
struct error;
struct store;
struct store_cert;

/* What the two files were like. */
struct given_stamp {
	struct {
		bool		 is_there;
		dev_t		 dev;
		ino_t		 ino;
		off_t		 size;
		struct timespec	 mtime;
	}		 of[2];
};
void	given_stamp(const struct conf_cert *, struct given_stamp *);
bool	given_stamp_equal(const struct given_stamp *,
	    const struct given_stamp *);

struct given {
	EVP_PKEY	*key;
	char		*pem;		/* leaf first, in order */
	struct cert_info info;		/* of the leaf */
};
void	given_clear(struct given *);

/*
 * Are they one pair, of use now, with all names that are configured?  The
 * caller clears *g, also on failure.  ERR_TRANSIENT "given:key" (they do not
 * belong together, which a writer in between can be); ERR_CONFIG
 * "given:syntax", "given:names", "given:chain", "given:expired",
 * "given:not-yet".
 */
int	given_check(const struct conf_cert *, const char *chain,
	    const char *key, struct given *g, struct error *);
/* Neither the installed one nor older. */
bool	given_is_newer(const struct store_cert *, const struct cert_info *);
/* ERR_CONFIG "given:serial": it has the serial number of the installed one, and
 * is another, so that nobody could tell them apart (RFC 5280 section
 * 4.1.2.2). */
int	given_check_serial(const struct store_cert *, const struct cert_info *,
	    struct error *);

/* The same of the files; those of file_read() and file_read_private()
 * besides. */
int	given_read_files(const struct conf_cert *, struct given *g,
	    struct error *);
/* Is another certificate than the installed one in the file?  Cheap. */
bool	given_has_other(const struct conf_cert *, const struct store_cert *);

/* Keep what acmectl put handed over, checked: durable when it returns. */
int	given_keep(struct store *, const char *name, const struct given *,
	    struct error *);
/* Is something kept? */
bool	given_is_kept(struct store *, const char *name);
/* The same as given_read_files() of it; 1: there is none. */
int	given_read_kept(struct store *, const struct conf_cert *,
	    struct given *g, struct error *);

#endif
