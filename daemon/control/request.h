/* SPDX-License-Identifier: MIT */
/* request - which request is answered by whom, and whether it may ask. */
#ifndef DAEMON_CONTROL_REQUEST_H
#define DAEMON_CONTROL_REQUEST_H

struct evhttp_request;

/* evhttp's callback for everything; arg is the struct control. */
void	request_cb(struct evhttp_request *, void *arg);

#endif
