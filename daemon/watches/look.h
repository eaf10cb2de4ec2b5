/* SPDX-License-Identifier: MIT */
/*
 * look - what certificate does a server show, at all of its addresses, or is in
 * a file, and is anything wrong with it?  Called by watches.c.
 */
#ifndef DAEMON_WATCHES_LOOK_H
#define DAEMON_WATCHES_LOOK_H

#include <stdbool.h>

struct conf_verify;
struct dns;
struct error;
struct look_op;
struct loop;
struct slots;
struct tls_reply;

struct look_args {
	struct loop	*loop;
	struct dns	*dns;
	struct slots	*asking;	/* connections, of all who look */
	const struct conf_verify *target;	/* borrowed until done */
	const char	*ca_file;	/* where the target has none; or NULL */
};

/*
 * seen: of the certificates shown, the one that ends first; NULL: there is
 * none.  err NULL: every address shows one that is well, but that it may have
 * expired.  Else what is wrong at the first that is not: ERR_TRANSIENT
 * "tls:...", "dns:..." (no certificate was got), ERR_CONFIG "tls:ca",
 * "dns:name"; or what look_judge() says.  Addresses that this host has no way
 * to do not count beside others.
 */
typedef void look_done_cb(const struct error *err,
    const struct tls_reply *seen, void *arg);
struct look_op	*look_start(const struct look_args *, look_done_cb *done,
		    void *arg);
void		 look_cancel(struct look_op *);

/* The same of a file, at once; -1 and err.  ERR_CONFIG "file:...", "tls:pem",
 * "tls:ca" without anything *seen (not_after 0). */
int		 look_file(const char *path, const char *ca_file,
		    struct tls_reply *seen, struct error *err);

/*
 * Is a certificate well, but for its end?  ERR_REJECTED "watch:not-yet",
 * "watch:name" (it is not for the name that was asked), "watch:chain" (this
 * system, or ca_file, does not trust it), "watch:weak" (key or signature).
 */
int		 look_judge(const struct tls_reply *, struct error *);
/* Is that what err is about?  Else no certificate was got. */
bool		 look_is_judged(const struct error *);

#endif
