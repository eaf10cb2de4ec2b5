/* SPDX-License-Identifier: MIT */
#include "daemon/status/html.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static void
add(struct evbuffer *out, const char *s, size_t len)
{
	if (evbuffer_add(out, s, len) == -1)
		abort();
}

void
html_raw(struct evbuffer *out, const char *markup)
{
	add(out, markup, strlen(markup));
}

void
html_printf(struct evbuffer *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (evbuffer_add_vprintf(out, fmt, ap) == -1)
		abort();
	va_end(ap);
}

void
html_text(struct evbuffer *out, const char *text)
{
	char *clean = xstrdup(text != NULL ? text : "");
	const char *s = clean;

	text_clean(clean);
	while (*s != '\0') {
		size_t len = strcspn(s, "&<>\"'");

		add(out, s, len);
		s += len;
		if (*s != '\0')
			html_printf(out, "&#%d;", *s++);
	}
	free(clean);
}

void
html_encode(struct evbuffer *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			add(out, text, 1);
		else
			html_printf(out, "%%%02X", (unsigned char)*text);
	}
}

void
html_element(struct evbuffer *out, const char *tag, const char *class,
    const char *text)
{
	html_printf(out, "<%s class=\"%s\">", tag, class);
	html_text(out, text);
	html_printf(out, "</%s>", tag);
}
