/* SPDX-License-Identifier: MIT */
#include "daemon/io/sd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"

struct sd {
	struct timer	watchdog;
	int64_t		every_ms;	/* 0: nobody watches */
};

static void
watchdog_cb(void *arg)
{
	struct sd *sd = arg;

	(void)sd_notify(0, "WATCHDOG=1");
	timer_set(&sd->watchdog, sd->every_ms);
}

struct sd *
sd_new(struct loop *loop)
{
	struct sd *sd = xcalloc(1, sizeof(*sd));
	uint64_t usec;

	timer_init(&sd->watchdog, loop, watchdog_cb, sd);
	/* It looks at WATCHDOG_PID, too: a child of ours is not meant. */
	if (sd_watchdog_enabled(0, &usec) > 0) {
		sd->every_ms = (int64_t)(usec / 2000);
		if (sd->every_ms == 0)
			sd->every_ms = 1;
		timer_set(&sd->watchdog, sd->every_ms);
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
	/*
	 * Ignored if it is earlier than systemd's own request for a reload,
	 * which may be of this very millisecond: name the end of it.
	 */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono_ms() * 1000 + 999);
}

void
sd_stopping(struct sd *sd)
{
	(void)sd_notify(0, "STOPPING=1");
}

void
sd_status(struct sd *sd, const char *fmt, ...)
{
	char status[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(status, sizeof(status), fmt, ap);
	va_end(ap);
	text_clean(status);	/* a newline would begin another variable */
	(void)sd_notifyf(0, "STATUS=%s", status);
}

size_t
sd_sockets(const char *name, int *fds, size_t max)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	size_t found = 0;

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		int flags = fcntl(fd, F_GETFL);

		if (strcmp(names[i], name) == 0 && found < max &&
		    flags != -1 &&
		    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1)
			fds[found++] = fd;
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return found;
}

int
sd_journal_message(int facility, int severity, const char *subject,
    const char *text, const char *id, const char *json)
{
	if (getenv("JOURNAL_STREAM") == NULL ||
	    access("/run/systemd/journal/socket", W_OK) == -1)
		return -1;
	return sd_journal_send("MESSAGE=%s\n\n%s", subject, text,
	    "PRIORITY=%d", severity, "SYSLOG_FACILITY=%d", facility >> 3,
	    "SYSLOG_IDENTIFIER=acmed", "ACMED_NOTICE_ID=%s", id,
	    "ACMED_NOTICE=%s", json, NULL) < 0 ? -1 : 0;
}
