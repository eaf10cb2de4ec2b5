/* SPDX-License-Identifier: MIT */
/*
 * clockwatch - is told by the kernel when the wall clock is set, or the machine
 * comes back from suspend (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET): what is
 * planned by the wall clock need not wait for its next look.
 */
#ifndef DAEMON_IO_CLOCKWATCH_H
#define DAEMON_IO_CLOCKWATCH_H

#include <stdint.h>

#include "daemon/io/loop.h"

/* It was set so far ahead (negative: back), and slept so long since the last
 * call; seconds, one of them is not 0. */
typedef void clockwatch_cb(int64_t set_s, int64_t slept_s, void *arg);

/* Embedded in its owner. */
struct clockwatch {
	struct fdwatch	 watch;
	int		 fd;		/* -1: not watched */
	int64_t		 wall_ms, boot_ms;	/* against the clock before */
	clockwatch_cb	*cb;
	void		*arg;
};

void	clockwatch_init(struct clockwatch *, struct loop *, clockwatch_cb *,
	    void *arg);
/* Watch from now on.  Where the kernel cannot, nothing is ever told. */
void	clockwatch_start(struct clockwatch *);
/* Harmless if it is not watched. */
void	clockwatch_stop(struct clockwatch *);

#endif
