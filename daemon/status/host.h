/* SPDX-License-Identifier: MIT */
/*
 * host - does a browser mean us?  A page of somebody else's may have its own
 * name lead to 127.0.0.1, and would then be let read what we answer (DNS
 * rebinding).  Its Host header still says that name.
 */
#ifndef DAEMON_STATUS_HOST_H
#define DAEMON_STATUS_HOST_H

#include <stdbool.h>

/*
 * Is "NAME", "NAME:PORT", "192.0.2.1:PORT" or "[2001:db8::1]:PORT" an address,
 * "localhost", own (this host's name, or the first label of it), or one of
 * names?
 */
bool	host_is_ours(const char *host, const char *own, char *const *names);

#endif
