/* SPDX-License-Identifier: MIT */
/*
 * docker_stream - the output of a command in a container, as the engine sends
 * it without a terminal: frames of 8 bytes {1: stdout or 2: stderr, 0, 0, 0,
 * length as a big-endian number} and so much output (Docker Engine API,
 * ContainerAttach, "Stream format").
 */
#ifndef DAEMON_DEPLOY_DOCKER_STREAM_H
#define DAEMON_DEPLOY_DOCKER_STREAM_H

#include <stddef.h>

#define DOCKER_STREAM_LINE_MAX	256	/* bytes, with the NUL */

/*
 * Call line for each line of it that is not empty, printable and cut to
 * DOCKER_STREAM_LINE_MAX; for the first max of them.  stdout and stderr each
 * have lines of their own.  -1: this is no such stream, or it ends inside a
 * frame; the lines until there were told.
 */
int	docker_stream_read(const void *data, size_t len, size_t max,
	    void (*line)(const char *line, void *arg), void *arg);

#endif
