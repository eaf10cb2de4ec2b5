/* SPDX-License-Identifier: MIT */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_TRANSIENT] = "transient",
	[ERR_RATELIMIT] = "rate-limited",
	[ERR_REJECTED] = "rejected",
	[ERR_CONFIG] = "config",
	[ERR_INTERNAL] = "internal",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == ERR_KIND_END,
    "kind_names");

const char *
err_kind_name(enum err_kind kind)
{
	return kind_names[kind];
}

enum err_kind
err_kind_parse(const char *name)
{
	for (int k = 0; k < ERR_KIND_END; k++) {
		if (strcmp(kind_names[k], name) == 0)
			return (enum err_kind)k;
	}
	return ERR_INTERNAL;
}

int
error_set(struct error *err, enum err_kind kind, const char *code,
    const char *fmt, ...)
{
	/* The arguments may be err's own members. */
	char msg[sizeof(err->msg)], stable[sizeof(err->code)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err->kind = kind;
	err->retry_at = 0;
	(void)text_printf(stable, sizeof(stable), "%s", code);
	text_clean(msg);
	text_clean(stable);
	memcpy(err->code, stable, sizeof(stable));
	memcpy(err->msg, msg, sizeof(msg));
	return -1;
}

int
error_wrap(struct error *err, const char *fmt, ...)
{
	char msg[sizeof(err->msg)], context[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	text_clean(context);
	memcpy(msg, err->msg, sizeof(msg));
	(void)text_printf(err->msg, sizeof(err->msg), "%s: %s", context, msg);
	return -1;
}

int
error_errno(struct error *err, const char *fmt, ...)
{
	char what[512];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return error_set(err, ERR_INTERNAL, "sys:io", "%s: %s", what,
	    strerror(saved));
}
