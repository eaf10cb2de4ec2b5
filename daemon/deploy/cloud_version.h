/* SPDX-License-Identifier: MIT */
/*
 * cloud_version - an installed version as cloud products want it: PEM without
 * blank lines, fingerprints, the name of the upload.
 */
#ifndef DAEMON_DEPLOY_CLOUD_VERSION_H
#define DAEMON_DEPLOY_CLOUD_VERSION_H

#include "clouds/cloud.h"
#include "daemon/store/keys.h"

struct conf_cert;

struct cloud_version {
	char		*fullchain, *leaf, *chain, *key, *sec1_key;
	struct cert_info info;
};

/* Fill call->cert and the name of the upload, which borrow from version. */
int	cloud_version_read(struct cloud_version *, const char *version_dir,
	    const char *name, struct cloud_call *, struct error *);
/* For a check before the first version: the names, and for the rest "", which
 * nothing is equal to. */
void	cloud_version_none(struct cloud_version *, const struct conf_cert *,
	    struct cloud_call *);
/* Wipes. */
void	cloud_version_clear(struct cloud_version *);

#endif
