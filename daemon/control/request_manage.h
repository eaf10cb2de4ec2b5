/* SPDX-License-Identifier: MIT */
/*
 * request_manage - POST /v1/revoke and /v1/accounts: one reply, when the CA has
 * answered.
 */
#ifndef DAEMON_CONTROL_REQUEST_MANAGE_H
#define DAEMON_CONTROL_REQUEST_MANAGE_H

struct call;

void	post_revoke(struct call *);
void	post_account(struct call *);

#endif
