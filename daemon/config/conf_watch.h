/* SPDX-License-Identifier: MIT */
/*
 * conf_watch - the sections `watch "NAME" { }`: certificates that others renew,
 * on servers and in files.  Part of conf.h; read by watches/.
 */
#ifndef DAEMON_CONFIG_CONF_WATCH_H
#define DAEMON_CONFIG_CONF_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config/conf_deploy.h"

struct conf_watch {
	char		*name;
	char		**texts;	/* of targets, as they are written: what
					   each is called; NULL-terminated */
	struct conf_verify *targets;	/* ... and what it means */
	size_t		 n_targets;
	char		**files;	/* paths; NULL-terminated */
	int64_t		 warn_s;	/* so long before the end; 0: a quarter
					   of the lifetime */
	char		*ca_file;	/* of files, and of targets without
					   their own; NULL: the system's */
	uint64_t	 hash;		/* of the section */
};

#endif
