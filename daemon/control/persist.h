/* SPDX-License-Identifier: MIT */
/* persist - POST /v1/persist: one reply, when the job is done. */
#ifndef DAEMON_CONTROL_PERSIST_H
#define DAEMON_CONTROL_PERSIST_H

struct call;

void	post_persist(struct call *);

#endif
