/* SPDX-License-Identifier: MIT */
/*
 * fake_systemd - a private dbus-daemon, and on it the manager of one unit,
 * nginx.service, which remembers what it is asked and does what it is told.
 */
#ifndef TESTS_FAKE_FAKE_SYSTEMD_H
#define TESTS_FAKE_FAKE_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct fake_unit {
	const char	*load, *active, *sub, *result, *status, *type;
	bool		 can_reload;
	int32_t		 exit_code, exit_status;
};

struct fake_systemd {
	struct fake_unit unit, after;	/* ... a job of it */
	const char	*error, *error_text;	/* refuse jobs with that */
	unsigned	 job_ms;	/* how long one takes */
	const char	*job_result;
	bool		 is_silent;	/* no answers at all */
	unsigned	 subscribers, jobs;	/* jobs: after merging */
	char		 log[1024];	/* "ReloadUnit nginx.service\n" */
};
extern struct fake_systemd fake_systemd;

/* Start dbus-daemon, and let DBUS_SYSTEM_BUS_ADDRESS lead to it; false if it
 * is not installed. */
bool	fake_bus_start(void);
void	fake_bus_stop(void);

/* The manager joins the bus; all is well: an active unit, quick jobs. */
void	fake_systemd_start(struct loop *);
void	fake_systemd_stop(void);

#endif
