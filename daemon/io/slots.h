/* SPDX-License-Identifier: MIT */
/*
 * slots - at most so many at once of what costs something (a child process, a
 * connection); who comes later waits in line.
 */
#ifndef DAEMON_IO_SLOTS_H
#define DAEMON_IO_SLOTS_H

#include "daemon/io/loop.h"

struct slot;
struct slots;

struct slots	*slots_new(struct loop *, unsigned max);
/* All must be given back before.  NULL is allowed. */
void		 slots_free(struct slots *);
/* go is called from the loop when there is one; it stays taken until
 * slot_give(). */
struct slot	*slot_take(struct slots *, loop_cb *go, void *arg);
/* Also by who still waits.  NULL is allowed. */
void		 slot_give(struct slot *);

#endif
