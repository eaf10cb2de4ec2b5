/* SPDX-License-Identifier: MIT */
/* request_names - POST /v1/renew and /v1/check, of some certificates or all. */
#ifndef DAEMON_CONTROL_REQUEST_NAMES_H
#define DAEMON_CONTROL_REQUEST_NAMES_H

struct call;

void	post_renew(struct call *);
void	post_check(struct call *);

#endif
