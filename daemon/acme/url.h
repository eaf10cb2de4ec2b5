/* SPDX-License-Identifier: MIT */
/*
 * url - the URLs that a CA hands out.  They are called and signed, so they
 * are looked at first.
 */
#ifndef DAEMON_ACME_URL_H
#define DAEMON_ACME_URL_H

#include <stdbool.h>

/*
 * Absolute, https (or http with allow_plain), with a host, without user
 * name or fragment, at most 2048 printable ASCII characters that need no
 * quoting in JSON.
 */
bool	 url_is_ok(const char *url, bool allow_plain);

/*
 * What ref, absolute or "/path", means in a reply from base; NULL if it is
 * anything else or not url_is_ok().  The caller frees.
 */
char	*url_resolve(const char *base, const char *ref, bool allow_plain);

/* Are both of the same host and port, as they are written? */
bool	 url_is_same_host(const char *, const char *);

#endif
