/* SPDX-License-Identifier: MIT */
/*
 * sd - what acmed tells systemd (sd_notify(3)); with sdbus and common/log the
 * only user of libsystemd.  Without systemd every call does nothing.
 */
#ifndef DAEMON_IO_SD_H
#define DAEMON_IO_SD_H

#include <stddef.h>

struct loop;
struct sd;

/* Starts the watchdog's timer if WATCHDOG_USEC asks for one. */
struct sd	*sd_new(struct loop *);
void		 sd_free(struct sd *);
void		 sd_ready(struct sd *);
/* With MONOTONIC_USEC, as Type=notify-reload wants it; sd_ready() ends it. */
void		 sd_reloading(struct sd *);
void		 sd_stopping(struct sd *);
/* STATUS= line of systemctl status. */
void		 sd_status(struct sd *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/*
 * A message to the journal with that facility and severity of syslog(3), and
 * ACMED_NOTICE_ID= and ACMED_NOTICE= (JSON) as fields.  -1 if we do not log to
 * the journal ($JOURNAL_STREAM).
 */
int		 sd_journal_message(int facility, int severity,
		    const char *subject, const char *text, const char *id,
		    const char *json);
/*
 * The sockets that systemd has passed under that name (FileDescriptorName=),
 * at most max, not blocking.  They are open as long as the process is; none
 * of them is ours to close.
 */
size_t		 sd_sockets(const char *name, int *fds, size_t max);

#endif
