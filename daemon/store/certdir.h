/* SPDX-License-Identifier: MIT */
/*
 * certdir - archive/NAME/VERSION/ and the symlink live/NAME, for store/ only.
 * dirfd is the state directory everywhere.
 *
 * VERSION is the serial number, or SERIAL-2, SERIAL-3, ... if the directory
 * SERIAL holds something else (another chain for the same certificate, or a
 * damaged one).  A version is built under a name that begins with a dot and
 * gets its own by one rename when it is complete and on disk; live/NAME is
 * switched after that, by one rename as well.  The second certificate of a
 * pair is in a folder of the version, called after the family of its key, rsa
 * or ec, with the same four files.  So whenever the machine stops,
 * live/NAME is what it was or what it shall be.  What begins with a dot is
 * left by a crash and removed by the next installation of that name.
 */
#ifndef DAEMON_STORE_CERTDIR_H
#define DAEMON_STORE_CERTDIR_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/version.h"

struct cert_ca;
struct cert_info;
struct csr;
struct error;

/* As store_stage(), store_promote(), store_live_info(), store_previous(). */
int	certdir_stage(int dirfd, const char *name, const struct store_part *,
	    size_t n, const struct cert_ca *,
	    char version[STORE_VERSION_SIZE], struct cert_info *,
	    struct error *);
int	certdir_promote(int dirfd, const char *name, const char *version,
	    struct error *);
bool	certdir_loses_access(int dirfd, const char *name, const char *version);
int	certdir_live_info(int dirfd, const char *name, struct cert_info *,
	    struct error *);
int	certdir_previous(int dirfd, const char *name, bool force,
	    char version[STORE_VERSION_SIZE], struct cert_info *,
	    struct error *);

/* What is in the place of live/NAME (path from dirfd) that is not acmed's to
 * replace: "a directory", "a file"; NULL: nothing, or a link. */
const char *certdir_in_place(int dirfd, const char *path);

/* As store_place(), but always anew. */
int	certdir_place(int dirfd, const char *name, const char *const *names,
	    size_t n, const char *second, struct error *err);

/* As store_find_lost(). */
int	certdir_find_lost(int dirfd, const char *name, const char *serial,
	    const char *const *names, size_t n_names,
	    char version[STORE_VERSION_SIZE], struct cert_info *);

/* As store_rebuild(). */
int	certdir_rebuild(int dirfd, const char *name, struct cert_info *,
	    struct error *);

/* A key file; 0 and NULL if there is none.  The caller frees. */
int	certdir_read_key(int dirfd, const char *path, EVP_PKEY **,
	    struct error *);
/* A request, which is clear if there is none; the caller clears it. */
int	certdir_read_csr(int dirfd, const char *path, struct csr *,
	    struct error *);

#endif
