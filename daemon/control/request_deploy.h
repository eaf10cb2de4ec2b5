/* SPDX-License-Identifier: MIT */
/* request_deploy - POST /v1/deploy and /v1/rollback. */
#ifndef DAEMON_CONTROL_REQUEST_DEPLOY_H
#define DAEMON_CONTROL_REQUEST_DEPLOY_H

struct call;

void	post_deploy(struct call *);
void	post_rollback(struct call *);

#endif
