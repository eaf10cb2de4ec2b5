/* SPDX-License-Identifier: MIT */
/*
 * certdir_prune - removing versions of a certificate, for store/ only.
 * archive is archive/NAME.  Nothing here can fail in a way that matters: what
 * could not be removed is tried again by the next installation.
 */
#ifndef DAEMON_STORE_CERTDIR_PRUNE_H
#define DAEMON_STORE_CERTDIR_PRUNE_H

#include <stdbool.h>

/* The files of one version, then its directory. */
void	certdir_remove_version(int archive, const char *version);
/* What a crash left. */
void	certdir_clean(int archive);
/* All but the newest five versions; never the live one, nor those of the
 * serials in kept (NULL-terminated), of either certificate of a pair. */
void	certdir_prune(int archive, const char *live, char *const *kept);

/* Is the version one of that serial? */
bool	certdir_is_of(const char *version, const char *serial);

/* The versions made before `live`, newest first, NULL-terminated; the caller
 * frees each and the whole. */
char	**certdir_older(int archive, const char *live);
/* All of them, in the same form. */
char	**certdir_versions(int archive);

#endif
