/* SPDX-License-Identifier: MIT */
#include "daemon/io/sd.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/loop.h"

struct sd {
	struct timer	watchdog;
	int64_t		watchdog_ms;	/* between two signs of life; 0: none */
};

static void
watchdog_cb(void *arg)
{
	struct sd *sd = arg;

	(void)sd_notify(0, "WATCHDOG=1");
	timer_set(&sd->watchdog, sd->watchdog_ms);
}

struct sd *
sd_new(struct loop *loop)
{
	struct sd *sd = xcalloc(1, sizeof(*sd));
	uint64_t usec;

	timer_init(&sd->watchdog, loop, watchdog_cb, sd);
	/* sd_watchdog_enabled(3): notify every half of the time. */
	if (sd_watchdog_enabled(0, &usec) > 0) {
		sd->watchdog_ms = (int64_t)(usec / 2000);
		timer_set(&sd->watchdog, 0);
	}
	return sd;
}

void
sd_free(struct sd *sd)
{
	if (sd == NULL)
		return;
	timer_clear(&sd->watchdog);
	free(sd);
}

void
sd_ready(struct sd *sd)
{
	(void)sd_notify(0, "READY=1");
}

void
sd_reloading(struct sd *sd)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono_ms() * 1000);
}

void
sd_stopping(struct sd *sd)
{
	(void)sd_notify(0, "STOPPING=1");
}

void
sd_status(struct sd *sd, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	(void)sd_notifyf(0, "STATUS=%s", text);
	free(text);
}
