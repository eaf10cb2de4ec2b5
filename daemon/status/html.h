/* SPDX-License-Identifier: MIT */
/*
 * html - HTML into a buffer.  What is not a literal of ours goes through
 * html_text() or html_encode(): names and the words of CAs are hostile.
 */
#ifndef DAEMON_STATUS_HTML_H
#define DAEMON_STATUS_HTML_H

#include <stddef.h>

struct evbuffer;

/* Markup, as it is. */
void	html_raw(struct evbuffer *, const char *markup);
/* printf() of numbers and literals of ours. */
void	html_printf(struct evbuffer *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* A text, or an attribute's value in double quotes: escaped, and control
 * characters replaced; NULL: nothing. */
void	html_text(struct evbuffer *, const char *text);
/* Percent-encoded, for a URL. */
void	html_encode(struct evbuffer *, const char *text);
/* <tag class="class">text</tag>; both are literals of ours. */
void	html_element(struct evbuffer *, const char *tag, const char *class,
	    const char *text);

#endif
