/* SPDX-License-Identifier: MIT */
/*
 * bundle - key and chain of an installed version in the format that a server
 * wants.  Called by deploy/ for what it copies and uploads.
 */
#ifndef DAEMON_STORE_BUNDLE_H
#define DAEMON_STORE_BUNDLE_H

#include <stddef.h>

#include "daemon/config/conf_deploy.h"

struct error;

/*
 * Make it of the files in version_dir (archive/NAME/SERIAL), after a check
 * that key and certificate belong together.  password: of BUNDLE_PKCS12,
 * whose friendly name is name; else ignored.  The caller frees *out with
 * freezero(*out, *len).  ERR_INTERNAL "store:damaged", "store:mismatch";
 * ERR_CONFIG "store:no-privkey": the key is not on this machine (csr).
 */
int	bundle_make(const char *version_dir, enum bundle_format,
	    const char *name, const char *password, char **out, size_t *len,
	    struct error *);

struct conf_install;

/*
 * The same for a file as it is configured: with its password, and of the one
 * of a pair that it names.
 */
int	bundle_make_file(const char *version_dir, const struct conf_install *,
	    const char *name, char **out, size_t *len, struct error *);

/* The folder of a version, or live/NAME, that has the second of a pair: "rsa",
 * "ec".  NULL: there is none. */
const char *bundle_second(const char *dir);
/*
 * Where that one of a pair is whose key is of this family: dir itself, or its
 * folder; the caller frees.  NULL and ERR_CONFIG "deploy:key": there is none.
 */
char	*bundle_part(const char *dir, const char *family, struct error *);
/* The serial number of what is there, or NULL; the caller frees. */
char	*bundle_serial(const char *dir, struct error *);

#endif
