/* SPDX-License-Identifier: MIT */
/*
 * webroot - challenges of http-01 as files in the directory that somebody
 * else's web server serves: WEBROOT/.well-known/acme-challenge/TOKEN.  Others
 * may write there: no link below WEBROOT is followed, and a file that does
 * not hold exactly what we wrote is not ours, and is kept.  Everything here
 * blocks, briefly.
 */
#ifndef DAEMON_HTTP01_WEBROOT_H
#define DAEMON_HTTP01_WEBROOT_H

#include <stdbool.h>

struct error;
struct webroot;

/*
 * Open the directory of the challenges.  is_new: make it if it is missing
 * (0755); it is never removed.  ERR_CONFIG "http01:missing" if there is no
 * such directory, else "http01:webroot": what stands in the way, for whom, and
 * what mends it.
 */
struct webroot	*webroot_open(const char *path, bool is_new,
		    struct error *);
/* NULL is allowed. */
void		 webroot_close(struct webroot *);

/*
 * Have this file, with mode 0644, at once and as a whole; not synced.
 * ERR_REJECTED "http01:token" if it is no token, ERR_CONFIG "http01:taken" if
 * somebody else's file is there.
 */
int		 webroot_add(struct webroot *, const char *token,
		    const char *text, struct error *);
/* 1 if it was there, 0 if it is gone or not ours; or -1. */
int		 webroot_remove(struct webroot *, const char *token,
		    const char *text, struct error *);
/* What was removed stays so, whatever the machine does. */
int		 webroot_sync(struct webroot *, struct error *);

#endif
