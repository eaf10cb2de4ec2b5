/* SPDX-License-Identifier: MIT */
/*
 * pieces - a reply that is written a piece at a time, the next one when the
 * client has read the last: what 100,000 certificates say costs as much memory
 * as what a hundred say, and no piece holds up the loop.
 */
#ifndef DAEMON_CONTROL_PIECES_H
#define DAEMON_CONTROL_PIECES_H

#include <stdbool.h>

struct call;
struct evbuffer;
struct pieces;

/*
 * Do the next bit of the work, such as one certificate, and add what comes of
 * it, if anything, to pieces_out().  false: it was the last one.  In between,
 * anything may change.
 */
typedef bool pieces_fill_cb(struct pieces *, void *arg);

/*
 * Begin to answer.  arg is freed with release when the reply is complete or
 * the client has left.
 */
void		 pieces_begin(struct call *, const char *type,
		    pieces_fill_cb *fill, void (*release)(void *arg),
		    void *arg /* taken */);
/* Where fill writes to; and the status, if it is not to be 200, before it has
 * written anything. */
struct evbuffer	*pieces_out(struct pieces *);
void		 pieces_set_status(struct pieces *, int status);

#endif
