/* SPDX-License-Identifier: MIT */
/*
 * loop - the one event loop, its timers, signals and descriptors, over
 * libevent.  Nothing else in the program waits.  All callbacks run from
 * loop_run(), one after the other, on one thread.
 */
#ifndef DAEMON_IO_LOOP_H
#define DAEMON_IO_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct histogram;
struct loop;

typedef void loop_cb(void *arg);
typedef void loop_fd_cb(int fd, unsigned what, void *arg);

/* Embedded in its owner; needs no freeing, only timer_clear(). */
struct timer {
	struct event	 ev;
	loop_cb		*cb;
	void		*arg;
	struct loop	*loop;
	int64_t		 due_ms;	/* monotonic */
};

enum { FD_READ = 1, FD_WRITE = 2 };

/* One descriptor watched; embedded like a timer.  Does not own the fd. */
struct fdwatch {
	struct event	 ev;
	loop_fd_cb	*cb;
	void		*arg;
	bool		 is_set;
};

/* A signal watched; embedded. */
struct sigwatch {
	struct event	 ev;
	loop_cb		*cb;
	void		*arg;
};

struct loop	*loop_new(void);
void		 loop_free(struct loop *);
/* Run until loop_stop(). */
void		 loop_run(struct loop *);
/* Make loop_run() return after the callbacks that are due now. */
void		 loop_stop(struct loop *);
/* One turn: wait for and run what is due; for tests. */
void		 loop_turn(struct loop *);
/* How late timers fired: what else ran then, or the machine, was slow. */
const struct histogram *loop_lag(const struct loop *);
/* The base, for io/ and control/ only. */
struct event_base *loop_base(struct loop *);

/* Once, before the other timer_ calls. */
void	timer_init(struct timer *, struct loop *, loop_cb *, void *arg);
/*
 * Fire once, after ms milliseconds (0: in the next turn).  A set timer is set
 * anew.
 */
void	timer_set(struct timer *, int64_t ms);
/* Not fire.  Harmless on a timer that is not set. */
void	timer_clear(struct timer *);
bool	timer_is_set(const struct timer *);

void	fdwatch_init(struct fdwatch *, struct loop *, loop_fd_cb *, void *arg);
/* Call cb whenever fd is ready for what (FD_READ | FD_WRITE), until cleared. */
void	fdwatch_set(struct fdwatch *, int fd, unsigned what);
/* Before the fd is closed.  Harmless if not set. */
void	fdwatch_clear(struct fdwatch *);

/* Call cb on every delivery of the signal, from the loop. */
void	sigwatch_set(struct sigwatch *, struct loop *, int signo, loop_cb *,
	    void *arg);
void	sigwatch_clear(struct sigwatch *);

#endif
