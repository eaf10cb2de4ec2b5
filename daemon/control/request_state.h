/* SPDX-License-Identifier: MIT */
/* request_state - POST /v1/pause, /v1/resume and /v1/delete: what a person
 * decides about one certificate. */
#ifndef DAEMON_CONTROL_REQUEST_STATE_H
#define DAEMON_CONTROL_REQUEST_STATE_H

struct call;

void	post_pause(struct call *);
void	post_resume(struct call *);
void	post_delete(struct call *);
void	post_rollout(struct call *);
void	post_receipts_forget(struct call *);

#endif
