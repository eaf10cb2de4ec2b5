/* SPDX-License-Identifier: MIT */
/*
 * conf_diff - what a reload has changed, by kind and name.
 */
#ifndef DAEMON_CONFIG_CONF_DIFF_H
#define DAEMON_CONFIG_CONF_DIFF_H

#include "daemon/config/conf.h"

/*
 * kind: "settings", "accounts", "providers", "hosts", "repositories",
 * "notify", "watches", "certificates" or "deploys"; name: what is new, changed
 * or gone, with "CERTIFICATE/TARGET" for a deploy.
 */
typedef void conf_diff_cb(const char *kind, const char *name, void *arg);

void	conf_diff(const struct conf *old, const struct conf *new,
	    conf_diff_cb *, void *arg);

#endif
