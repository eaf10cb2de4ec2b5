/* SPDX-License-Identifier: MIT */
/*
 * notice_priv - what the parts of a message share: notice.c has its text,
 * notice_subject.c the subject, notice_json.c what programs read, and
 * notice_page.c the lines on a page.
 */
#ifndef DAEMON_NOTIFY_NOTICE_PRIV_H
#define DAEMON_NOTIFY_NOTICE_PRIV_H

#include <stdio.h>

#include "daemon/notify/catalogue.h"
#include "daemon/notify/notice.h"

struct writer {
	const struct notice *n;
	bool		 zh;
	FILE		*f;		/* to buf */
	char		*buf;
	size_t		 len;
};

/* Is it about more than one? */
bool	 notice_is_many(const struct notice *);
/* The first of them, or one without a name. */
const struct notice_item *notice_first(const struct notice *);
/* Does it matter until when the certificate is good? */
bool	 notice_has_expiry(const struct notice *);
/* Is nothing wrong with it, but that it ends? */
bool	 notice_only_ends(const struct notice *);
/* Members of the cluster differ: "cluster:differs". */
bool	 notice_is_differs(const struct notice *);

/* These are the caller's to free. */
char	*notice_subject(const struct writer *);
char	*notice_json(const struct notice *, const char *subject,
	    const char *text);

/* "2026-12-04 10:11 CET" */
#define PAGE_TIME_MAX 64
const char *page_local_time(time_t, char out[PAGE_TIME_MAX]);
/* "12 days"; the caller frees. */
char	*page_left(const struct writer *, time_t at);
/* "2026-12-04 10:11 CET (in 12 days)"; the caller frees. */
char	*page_when(const struct writer *, time_t at);
/* Words, broken at spaces, after what fills the first line up to column. */
void	 page_wrap(struct writer *, size_t column, size_t indent,
	    const char *text);
/*
 * "Label:  text"; of a time; of what a peer said, clean and cut to max bytes;
 * of names, "a, b, c", each as dname_show() does and cut likewise.
 */
#define PAGE_NAMES_MAX 300
void	 page_line(struct writer *, enum phrase label, const char *text);
void	 page_time(struct writer *, enum phrase label, time_t at);
void	 page_words(struct writer *, enum phrase label, const char *text,
	    size_t max);
void	 page_names(struct writer *, enum phrase label, const char *names);

#endif
