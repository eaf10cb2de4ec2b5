/* SPDX-License-Identifier: MIT */
/*
 * sdbus - units of systemd reloaded, restarted and started over D-Bus; the
 * only user of sd-bus.  Called by the deploy steps of those names.
 *
 * The system bus is connected to when there is work and left a moment after
 * the last of it: a bus that was restarted in between is not noticed.
 */
#ifndef DAEMON_IO_SDBUS_H
#define DAEMON_IO_SDBUS_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct loop;
struct sdbus;
struct sdbus_op;

/* As systemctl(1) means them: restart and start also start what is stopped.
 * The reload of a unit that is stopped does nothing: it reads its files when
 * it is started. */
enum sdbus_verb {
	SDBUS_RELOAD,
	SDBUS_RESTART,
	SDBUS_START,
	SDBUS_VERB_END
};
const char	*sdbus_verb_name(enum sdbus_verb);

struct sdbus_args {			/* borrowed; sdbus_start() copies */
	enum sdbus_verb	 verb;
	const char	*unit;		/* with its suffix: "nginx.service" */
	bool		 only_ask;	/* find out whether systemd would do it,
					   for this user; for start only
					   whether there is such a unit */
	unsigned	 timeout_ms;	/* for all of it; > 0 */
	unsigned	 settle_ms;	/* after the job, before the unit is
					   looked at once more: what has read a
					   bad file may take its time to exit */
};

#define SDBUS_NAME_MAX 256

/* What is known of the unit, as far as it got. */
struct sdbus_unit {
	char	 id[SDBUS_NAME_MAX];	/* its proper name; args' at least */
	char	 active[32];		/* ActiveState: "active", "failed" */
	bool	 has_log;		/* its log may tell more */
	bool	 was_stopped;		/* so reload did nothing */
	bool	 was_failed;		/* so reload was not possible */
};

/*
 * err NULL: the job is done, and the unit did not fail within settle_ms.
 * Errors, each with the unit's name in the message:
 *   ERR_CONFIG     "unit:denied"    no rule of polkit allows it; the message
 *                                   names the user
 *                  "unit:no-polkit" the same, and polkit was not asked, or
 *                                   it says no for certain
 *                  "unit:unknown", "unit:masked", "unit:bad"
 *                                   (cannot be loaded), "unit:no-reload"
 *                                   (has no ExecReload=)
 *                  "unit:no-systemd" this machine has none
 *   ERR_TRANSIENT  "unit:failed"    the job, or the unit after it, or before
 *                                   a reload; with systemd's result
 *                  "unit:timeout", "unit:bus"
 */
typedef void sdbus_done_cb(const struct error *err,
    const struct sdbus_unit *unit, void *arg);

struct sdbus	*sdbus_new(struct loop *);
/* All operations must be finished or cancelled before.  NULL is allowed. */
void		 sdbus_free(struct sdbus *);

struct sdbus_op	*sdbus_start(struct sdbus *, const struct sdbus_args *,
		    sdbus_done_cb *done, void *arg);
/* A job that systemd has begun goes on.  NULL is allowed. */
void		 sdbus_cancel(struct sdbus_op *);

/* Connections made, for tests. */
unsigned long	 sdbus_connections(const struct sdbus *);

#endif
