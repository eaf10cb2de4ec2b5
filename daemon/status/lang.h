/* SPDX-License-Identifier: MIT */
/* lang - the page's words, and times, in the languages that it speaks. */
#ifndef DAEMON_STATUS_LANG_H
#define DAEMON_STATUS_LANG_H

#include <stddef.h>
#include <time.h>

enum lang { LANG_EN, LANG_ZH, LANG_END };

/* "en", "zh-CN": for the attribute lang. */
const char	*lang_tag(enum lang);
/* "zh" or "en" as a parameter of the page; LANG_END: neither. */
enum lang	 lang_parse(const char *);
/* What Accept-Language (RFC 9110 section 12.5.4) likes most; NULL: none. */
enum lang	 lang_of_header(const char *header);

/* A text of the page, which is written in English in the sources; it must be
 * in the table of lang.c.  Its %s stay as they are. */
const char	*lang_word(enum lang, const char *english);

#define LANG_TIME_MAX 64
/* "in 3 days", "2 h ago", "now". */
const char	*lang_relative(enum lang, time_t at, time_t now,
		    char out[LANG_TIME_MAX]);
/* "3 days", without a direction. */
const char	*lang_span(enum lang, time_t seconds,
		    char out[LANG_TIME_MAX]);
/* "29 Nov 2026, 20:45" in this host's time zone. */
const char	*lang_time(enum lang, time_t at, char out[LANG_TIME_MAX]);
/* "Nov". */
const char	*lang_month(enum lang, time_t at, char out[LANG_TIME_MAX]);
/* "29 Nov". */
const char	*lang_day(enum lang, time_t at, char out[LANG_TIME_MAX]);

#endif
