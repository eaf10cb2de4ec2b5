/* SPDX-License-Identifier: MIT */
/*
 * status - an HTTP listener that only answers questions: metrics, health, the
 * status, events, and a page for people.  Off unless status_listen asks for
 * it.  It knows nobody, and so it takes no command and tells no secret.
 */
#ifndef DAEMON_STATUS_STATUS_H
#define DAEMON_STATUS_STATUS_H

struct conf;
struct engine;
struct error;
struct loop;
struct status;

/* In status_listen: the sockets that systemd has passed
 * (acmed-status.socket). */
#define STATUS_SYSTEMD "systemd"

struct status	*status_new(struct loop *, struct engine *);
/* Drop all clients.  NULL is allowed. */
void		 status_free(struct status *);

/*
 * Listen where conf says, and nowhere else.  Passed sockets are served whether
 * they are asked for or not.  ERR_CONFIG "status:listen": the first address
 * that could not be had; all such are tried again every 30 s.  As long as none
 * could be had, it listens where it did before, except where that is open to
 * more than conf asks for.
 */
int		 status_listen(struct status *, const struct conf *,
		    struct error *);

/* For tests: as control_test_limits(); and when addresses are tried again. */
void		 status_test_limits(struct status *, unsigned idle_ms,
		    unsigned beat_ms, unsigned retry_ms);

#endif
