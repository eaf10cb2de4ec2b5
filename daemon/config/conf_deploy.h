/* SPDX-License-Identifier: MIT */
/*
 * conf_deploy - the section `deploy "NAME" { }` of a certificate: one target,
 * which may ask for several steps.  Part of conf.h; read by deploy/, where
 * each kind of step has its file.
 */
#ifndef DAEMON_CONFIG_CONF_DEPLOY_H
#define DAEMON_CONFIG_CONF_DEPLOY_H

#include <stdbool.h>
#include <stddef.h>

/* A step that is not asked for is NULL. */
struct conf_deploy {
	char		*name;
	unsigned	 timeout_s;	/* of each step */
	char		**exec;		/* NULL-terminated argv */
};

#endif
