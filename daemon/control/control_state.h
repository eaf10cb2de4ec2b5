/* SPDX-License-Identifier: MIT */
/* control_state - what requests know of the server on the Unix socket. */
#ifndef DAEMON_CONTROL_CONTROL_STATE_H
#define DAEMON_CONTROL_CONTROL_STATE_H

#include <jansson.h>
#include <sys/types.h>

#include "daemon/control/peer.h"

struct error;
struct server;

struct control {
	struct server	*server;
	char		*path;
	struct sock_id	 id;
	gid_t		 gid;		/* of API_GROUP, or -1 */
	/* control_reload_cb of control.h. */
	json_t		*(*reload)(void *arg, struct error *, json_t *lines);
	void		*reload_arg;
};

#endif
