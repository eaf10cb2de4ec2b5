/* SPDX-License-Identifier: MIT */
/* health - GET /healthz: is all well, as acmectl status --check has it? */
#ifndef DAEMON_STATUS_HEALTH_H
#define DAEMON_STATUS_HEALTH_H

struct call;

void	get_health(struct call *);

#endif
