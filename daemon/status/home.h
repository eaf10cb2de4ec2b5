/* SPDX-License-Identifier: MIT */
/*
 * home - GET /: the page for people, written a piece at a time.  All of it is
 * made here, in either language; its script only fetches it again when
 * something has happened.
 */
#ifndef DAEMON_STATUS_HOME_H
#define DAEMON_STATUS_HOME_H

struct call;

void	get_home(struct call *);

#endif
