/* SPDX-License-Identifier: MIT */
#include "daemon/io/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/tally.h"

struct loop {
	struct event_base	*base;
	struct histogram	 lag;
};

struct loop *
loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct event_config *cfg = event_config_new();

	/* Renewals overlap in milliseconds; a coarse clock would batch them. */
	if (cfg == NULL ||
	    event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER) == -1 ||
	    (loop->base = event_base_new_with_config(cfg)) == NULL)
		abort();
	event_config_free(cfg);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	event_base_free(loop->base);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void
loop_stop(struct loop *loop)
{
	(void)event_base_loopexit(loop->base, NULL);
}

void
loop_turn(struct loop *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_ONCE);
}

const struct histogram *
loop_lag(const struct loop *loop)
{
	return &loop->lag;
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

static void
timer_fired_cb(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	histogram_add(&t->loop->lag, clock_mono_ms() - t->due_ms);
	t->cb(t->arg);
}

void
timer_init(struct timer *t, struct loop *loop, loop_cb *cb, void *arg)
{
	t->cb = cb;
	t->arg = arg;
	t->loop = loop;
	(void)evtimer_assign(&t->ev, loop->base, timer_fired_cb, t);
}

void
timer_set(struct timer *t, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	t->due_ms = clock_mono_ms() + ms;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	(void)evtimer_add(&t->ev, &tv);
}

void
timer_clear(struct timer *t)
{
	(void)evtimer_del(&t->ev);
}

bool
timer_is_set(const struct timer *t)
{
	return evtimer_pending(&t->ev, NULL) != 0;
}

static void
fd_ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct fdwatch *w = arg;

	w->cb(fd, (what & EV_READ ? FD_READ : 0u) |
	    (what & EV_WRITE ? FD_WRITE : 0u), w->arg);
}

void
fdwatch_init(struct fdwatch *w, struct loop *loop, loop_fd_cb *cb, void *arg)
{
	w->cb = cb;
	w->arg = arg;
	w->is_set = false;
	(void)event_assign(&w->ev, loop->base, -1, 0, fd_ready_cb, w);
}

void
fdwatch_set(struct fdwatch *w, int fd, unsigned what)
{
	struct event_base *base = event_get_base(&w->ev);
	short events = EV_PERSIST;

	fdwatch_clear(w);
	if (what & FD_READ)
		events |= EV_READ;
	if (what & FD_WRITE)
		events |= EV_WRITE;
	(void)event_assign(&w->ev, base, fd, events, fd_ready_cb, w);
	w->is_set = event_add(&w->ev, NULL) == 0;
}

void
fdwatch_clear(struct fdwatch *w)
{
	if (w->is_set)
		(void)event_del(&w->ev);
	w->is_set = false;
}

static void
signal_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sigwatch *w = arg;

	w->cb(w->arg);
}

void
sigwatch_set(struct sigwatch *w, struct loop *loop, int signo, loop_cb *cb,
    void *arg)
{
	w->cb = cb;
	w->arg = arg;
	(void)evsignal_assign(&w->ev, loop->base, signo, signal_cb, w);
	(void)evsignal_add(&w->ev, NULL);
}

void
sigwatch_clear(struct sigwatch *w)
{
	(void)evsignal_del(&w->ev);
}
