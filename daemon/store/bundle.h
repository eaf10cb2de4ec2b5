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
 * freezero(*out, *len).  ERR_INTERNAL "store:damaged", "store:mismatch".
 */
int	bundle_make(const char *version_dir, enum bundle_format,
	    const char *name, const char *password, char **out, size_t *len,
	    struct error *);

#endif
