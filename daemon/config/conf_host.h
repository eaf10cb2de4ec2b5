/* SPDX-License-Identifier: MIT */
/*
 * conf_host - the section `host "NAME" { }`: a host that fetches what is
 * published here, and the public half of its key (store/identity.h).  Part of
 * conf.h.
 */
#ifndef DAEMON_CONFIG_CONF_HOST_H
#define DAEMON_CONFIG_CONF_HOST_H

#include <stdint.h>

struct conf_host {
	char		*name;
	char		*public_key;
	const char	*file;		/* where it stands, for acmectl */
	int		 line, end_line;
	uint64_t	 hash;		/* of the section */
};

#endif
