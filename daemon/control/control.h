/* SPDX-License-Identifier: MIT */
/*
 * control - the control API of doc/control-api.md: HTTP/1.1 with JSON on a
 * Unix socket, for acmectl, scripts and Prometheus.  Made by main, after
 * engine_start() and before the daemon says that it is ready.
 *
 * Nothing a client does harms the daemon: requests, streams and connections
 * are bounded in size, number and time, and only root, the daemon's own user
 * and the group acmed are served.  main ignores SIGPIPE.
 */
#ifndef DAEMON_CONTROL_CONTROL_H
#define DAEMON_CONTROL_CONTROL_H

#include <jansson.h>

struct control;
struct engine;
struct error;
struct loop;

/*
 * Read the configuration again and hand it to the engine.  Returns the object
 * of engine_reload(), or NULL with *err set and, in lines, one string for
 * each mistake.  The server decrefs both.
 */
typedef json_t *control_reload_cb(void *arg, struct error *err, json_t *lines);

/*
 * Listen on socket_path: mode 0660, group acmed if there is one.  A missing
 * last directory is made; what an earlier daemon left is replaced (the lock
 * on the state directory says that no other is running).  NULL and ERR_CONFIG
 * "control:socket" if that cannot be done.
 */
struct control	*control_new(struct loop *, struct engine *,
		    const char *socket_path, control_reload_cb *reload,
		    void *arg, struct error *);
/* Drop all clients, and remove the socket.  NULL is allowed. */
void		 control_free(struct control *);

/*
 * For tests: a silent or slow client is dropped after idle_ms (default 30 s)
 * and a stream shows that it lives every beat_ms (default 30 s).
 */
void		 control_test_limits(struct control *, unsigned idle_ms,
		    unsigned beat_ms);

#endif
