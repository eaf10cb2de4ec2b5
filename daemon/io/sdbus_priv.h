/* SPDX-License-Identifier: MIT */
/*
 * sdbus_priv - what sdbus.c (the connection) and sdbus_unit.c (an operation)
 * share.  Nobody else includes it.
 */
#ifndef DAEMON_IO_SDBUS_PRIV_H
#define DAEMON_IO_SDBUS_PRIV_H

#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-bus.h>

#include "common/error.h"
#include "daemon/io/loop.h"
#include "daemon/io/sdbus.h"

#define SYSTEMD_DEST	"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER	"org.freedesktop.systemd1.Manager"

struct sdbus {
	struct loop	*loop;
	sd_bus		*bus;		/* NULL: not connected */
	struct fdwatch	 watch;
	struct timer	 timeout;	/* sd-bus's own */
	struct timer	 leave;		/* when there is nothing to do */
	bool		 is_processing;
	unsigned long	 connections;
	TAILQ_HEAD(, sdbus_op) ops;
};

/* What of a unit's properties is looked at. */
struct unit_props {
	char		 id[SDBUS_NAME_MAX];
	char		 load[32], load_error[512], active[32], sub[32];
	char		 result[32], status[256], type[32];
	int		 can_reload;
	int32_t		 exit_code, exit_status;	/* of waitid(2) */
};

/* What an operation does in its next turn. */
enum sdbus_act {
	ACT_LOAD,		/* ask for the unit's object path */
	ACT_LOOK,		/* ... for its properties */
	ACT_BEGIN,		/* ... for the job, if there is to be one */
	ACT_ASKED,		/* whether it could begin is known */
	ACT_LOOK_AGAIN,		/* the job is over, and time has passed */
	ACT_JUDGE
};

struct sdbus_op {
	TAILQ_ENTRY(sdbus_op) entry;
	struct sdbus	*sdbus;
	enum sdbus_verb	 verb;
	char		 name[SDBUS_NAME_MAX];	/* as it was given */
	unsigned	 timeout_ms, settle_ms;
	bool		 only_ask;
	enum sdbus_act	 act;
	struct timer	 turn;		/* the next act */
	struct timer	 limit;
	sd_bus_slot	*call;		/* under way, or NULL */
	char		*path;		/* of the unit */
	char		*job;		/* its path */
	char		 result[32];	/* of the job; "": it runs */
	struct unit_props props;
	struct sdbus_unit unit;
	struct error	 err;		/* kind ERR_NONE: none yet */
	sdbus_done_cb	*done;
	void		*arg;
};

/* Connect, unless that is so. */
int	sdbus_connect(struct sdbus *, struct error *);
/* Something was sent or will be: look after descriptor and time again. */
void	sdbus_arm(struct sdbus *);
/* An operation ended. */
void	sdbus_idle(struct sdbus *);

/* The connection is gone. */
void	sdbus_op_lost(struct sdbus_op *, const char *why);
/* A job is gone, with this result. */
void	sdbus_op_removed(struct sdbus_op *, const char *job,
	    const char *result);

/* --- sdbus_text.c --- */

/* The reply of Properties.GetAll; -errno. */
int	unit_props_read(sd_bus_message *, struct unit_props *);
/* Why a call of an operation was refused. */
void	sdbus_call_error(const struct sdbus_op *, const sd_bus_error *,
	    struct error *);
/* "; it exited with status 1 ..."; from what systemd remembers. */
void	sdbus_unit_story(const struct unit_props *, char *out, size_t size);

#endif
