/* SPDX-License-Identifier: MIT */
#include "common/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "common/clock.h"
#include "common/text.h"

static const struct {
	const char	*name;
	int		 priority;	/* syslog(3) */
} levels[] = {
	[LOGL_ERROR] = { "error", LOG_ERR },
	[LOGL_WARNING] = { "warning", LOG_WARNING },
	[LOGL_NOTICE] = { "notice", LOG_NOTICE },
	[LOGL_INFO] = { "info", LOG_INFO },
	[LOGL_DEBUG] = { "debug", LOG_DEBUG },
};
_Static_assert(sizeof(levels) / sizeof(levels[0]) == LOGL_END, "levels");

static enum log_level max_level = LOGL_NOTICE;
static bool to_journal;

/* sd_journal_stream_fd(3): $JOURNAL_STREAM names stderr's device and inode. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream != NULL &&
	    sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && (uintmax_t)st.st_dev == dev &&
	    (uintmax_t)st.st_ino == ino;
}

void
log_open(void)
{
	to_journal = stderr_is_journal();
}

void
log_set_level(enum log_level level)
{
	max_level = level;
}

bool
log_enabled(enum log_level level)
{
	return level <= max_level;
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

int
log_level_parse(const char *name, enum log_level *level)
{
	for (int i = 0; i < LOGL_END; i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

static void
send_journal(enum log_level level, const struct log_ctx *ctx, const char *msg)
{
	char text[4200], priority[16], cert[300], step[64], provider[128];
	char target[300], code[96], id[64];
	struct iovec iov[9];
	int n = 0;
	const struct {
		char		*buf;
		size_t		 size;
		const char	*key, *value;
	} f[] = {
		{ cert, sizeof(cert), "ACMED_CERT", ctx->cert },
		{ step, sizeof(step), "ACMED_STEP", ctx->step },
		{ provider, sizeof(provider), "ACMED_PROVIDER", ctx->provider },
		{ target, sizeof(target), "ACMED_TARGET", ctx->target },
		{ code, sizeof(code), "ACMED_CODE", ctx->code },
		{ id, sizeof(id), "MESSAGE_ID", log_id_text(ctx->id) },
	};

	(void)text_printf(text, sizeof(text), "MESSAGE=%s%s%s",
	    ctx->cert != NULL ? ctx->cert : "", ctx->cert != NULL ? ": " : "",
	    msg);
	(void)text_printf(priority, sizeof(priority), "PRIORITY=%d",
	    levels[level].priority);
	iov[n++] = (struct iovec){ text, strlen(text) };
	iov[n++] = (struct iovec){ priority, strlen(priority) };
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++) {
		if (f[i].value == NULL)
			continue;
		(void)text_printf(f[i].buf, f[i].size, "%s=%s", f[i].key,
		    f[i].value);
		iov[n++] = (struct iovec){ f[i].buf, strlen(f[i].buf) };
	}
	(void)sd_journal_sendv(iov, n);
}

static void
send_stderr(enum log_level level, const struct log_ctx *ctx, const char *msg)
{
	char stamp[TEXT_TIME_MAX], line[4600], fields[600] = "";
	size_t len;
	const struct { const char *key, *value; } f[] = {
		{ "cert", ctx->cert }, { "step", ctx->step },
		{ "provider", ctx->provider },
	};

	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++) {
		size_t used = strlen(fields);

		if (f[i].value != NULL)
			(void)text_printf(fields + used, sizeof(fields) - used,
			    " %s=%s", f[i].key, f[i].value);
	}
	(void)text_printf(line, sizeof(line) - 1, "%s %s%s: %s",
	    text_time(clock_now(), stamp), levels[level].name, fields, msg);
	text_clean(line);
	len = strlen(line);
	line[len++] = '\n';
	/* One write: lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, len) == -1)
		return;		/* nobody is left to tell */
}

void
log_at(enum log_level level, const struct log_ctx *ctx, const char *fmt, ...)
{
	static const struct log_ctx none;
	char msg[4096];
	va_list ap;

	if (!log_enabled(level))
		return;
	if (ctx == NULL)
		ctx = &none;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	if (to_journal)
		send_journal(level, ctx, msg);
	else
		send_stderr(level, ctx, msg);
}
