/* SPDX-License-Identifier: MIT */
/* request_look - one certificate, and what happens: both servers have these. */
#ifndef DAEMON_CONTROL_REQUEST_LOOK_H
#define DAEMON_CONTROL_REQUEST_LOOK_H

struct call;

void	get_cert(struct call *);
void	get_events(struct call *);

#endif
