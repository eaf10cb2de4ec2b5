/* SPDX-License-Identifier: MIT */
/*
 * unit_log - what a unit wrote to the journal: the last lines of its own, or,
 * where it wrote none, what systemd said about it.
 */
#ifndef DAEMON_DEPLOY_UNIT_LOG_H
#define DAEMON_DEPLOY_UNIT_LOG_H

#include <time.h>

#define UNIT_LOG_MAX 900

struct children;
struct unit_log_op;

/* lines: joined by " | ", clean; "" if there are none, or they cannot be read
 * (acmed is not in the group systemd-journal). */
typedef void unit_log_cb(const char *lines, void *arg);

/* since: epoch seconds; 0: of the last hour. */
struct unit_log_op *unit_log_start(struct children *, const char *unit,
		    time_t since, unit_log_cb *done, void *arg);
void		 unit_log_cancel(struct unit_log_op *);

#endif
