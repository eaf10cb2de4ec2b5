/* SPDX-License-Identifier: MIT */
/* mime - a mail as RFC 5322 and MIME want it.  Pure; for notify/. */
#ifndef DAEMON_NOTIFY_MIME_H
#define DAEMON_NOTIFY_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct mime_args {
	const char	*from;
	const char	*const *to;	/* NULL-terminated */
	const char	*subject;	/* UTF-8; what is no text in it is
					   replaced: no header can be added */
	const char	*text;		/* UTF-8, lines end in '\n' */
	const char	*id;		/* Message-ID without brackets */
	time_t		 at;
	bool		 is_urgent;
};

/*
 * Headers and body, with CRLF.  The body is 7bit if it is ASCII with lines of
 * at most 78 bytes, else quoted-printable.  The caller frees.
 */
char	*mime_mail(const struct mime_args *);

/* A header's value as RFC 2047 encoded words if it is not ASCII; folded so
 * that no line is longer than 76; the caller frees. */
char	*mime_header(const char *value);

#endif
