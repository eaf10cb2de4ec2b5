/* SPDX-License-Identifier: MIT */
#include "daemon/io/sdbus.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/sdbus_priv.h"

#define LEAVE_MS 1000

static void
disconnect(struct sdbus *b)
{
	fdwatch_clear(&b->watch);
	timer_clear(&b->timeout);
	timer_clear(&b->leave);
	if (b->bus != NULL)
		sd_bus_close_unref(b->bus);
	b->bus = NULL;
}

/* Whoever waits is told, each in its own turn. */
static void
lost(struct sdbus *b, const char *why)
{
	struct sdbus_op *op;

	TAILQ_FOREACH(op, &b->ops, entry)
		sdbus_op_lost(op, why);
	disconnect(b);
}

static void
process(struct sdbus *b)
{
	int rc;

	b->is_processing = true;
	do {
		rc = sd_bus_process(b->bus, NULL);
	} while (rc > 0);
	b->is_processing = false;
	if (rc < 0)
		lost(b, strerror(-rc));
	else if (sd_bus_is_open(b->bus) <= 0)
		lost(b, "the connection was closed");
	else
		sdbus_arm(b);
}

static void
ready_cb(int fd, unsigned what, void *arg)
{
	process(arg);
}

static void
timeout_cb(void *arg)
{
	process(arg);
}

/* sd-bus names its time absolutely, in microseconds of CLOCK_MONOTONIC. */
static void
arm_timeout(struct sdbus *b)
{
	uint64_t usec;
	int64_t ms;

	if (sd_bus_get_timeout(b->bus, &usec) < 0 || usec == UINT64_MAX) {
		timer_clear(&b->timeout);
		return;
	}
	ms = (int64_t)(usec / 1000) + 1 - clock_mono_ms();
	timer_set(&b->timeout, usec == 0 ? 0 : ms);
}

void
sdbus_arm(struct sdbus *b)
{
	int fd, events;

	if (b->bus == NULL || b->is_processing)
		return;
	fd = sd_bus_get_fd(b->bus);
	events = sd_bus_get_events(b->bus);
	if (fd < 0 || events < 0) {
		timer_set(&b->timeout, 0);	/* process() will see why */
		return;
	}
	fdwatch_set(&b->watch, fd, (events & POLLIN ? FD_READ : 0u) |
	    (events & POLLOUT ? FD_WRITE : 0u));
	arm_timeout(b);
}

static int
job_removed_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	struct sdbus *b = arg;
	const char *job, *unit, *result;
	struct sdbus_op *op;
	uint32_t id;

	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	/* Jobs of the same unit and kind are merged: there may be several. */
	TAILQ_FOREACH(op, &b->ops, entry)
		sdbus_op_removed(op, job, result);
	return 0;
}

static int
ignore_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	return 0;
}

static int
no_bus(int rc, struct error *err)
{
	if (sd_booted() <= 0)
		return error_set(err, ERR_CONFIG, "unit:no-systemd",
		    "this machine does not run systemd (no system bus: %s)",
		    strerror(-rc));
	return error_set(err, ERR_TRANSIENT, "unit:bus",
	    "cannot connect to the system bus: %s; is dbus.service running?",
	    strerror(-rc));
}

int
sdbus_connect(struct sdbus *b, struct error *err)
{
	int rc;

	timer_clear(&b->leave);
	if (b->bus != NULL)
		return 0;
	rc = sd_bus_open_system(&b->bus);
	if (rc < 0) {
		b->bus = NULL;
		return no_bus(rc, err);
	}
	b->connections++;
	(void)sd_bus_set_exit_on_disconnect(b->bus, 0);
	/* Both are on their way before the first job is. */
	rc = sd_bus_match_signal_async(b->bus, NULL, SYSTEMD_DEST,
	    SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", job_removed_cb,
	    ignore_cb, b);
	if (rc >= 0)
		rc = sd_bus_call_method_async(b->bus, NULL, SYSTEMD_DEST,
		    SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", ignore_cb, b,
		    "");
	if (rc < 0) {
		disconnect(b);
		return no_bus(rc, err);
	}
	sdbus_arm(b);
	return 0;
}

static void
leave_cb(void *arg)
{
	disconnect(arg);
}

void
sdbus_idle(struct sdbus *b)
{
	if (b->bus != NULL && TAILQ_EMPTY(&b->ops))
		timer_set(&b->leave, LEAVE_MS);
}

struct sdbus *
sdbus_new(struct loop *loop)
{
	struct sdbus *b = xcalloc(1, sizeof(*b));

	b->loop = loop;
	TAILQ_INIT(&b->ops);
	fdwatch_init(&b->watch, loop, ready_cb, b);
	timer_init(&b->timeout, loop, timeout_cb, b);
	timer_init(&b->leave, loop, leave_cb, b);
	return b;
}

void
sdbus_free(struct sdbus *b)
{
	if (b == NULL)
		return;
	assert(TAILQ_EMPTY(&b->ops));
	disconnect(b);
	free(b);
}

unsigned long
sdbus_connections(const struct sdbus *b)
{
	return b->connections;
}
