/* SPDX-License-Identifier: MIT */
/*
 * notice - what a person is told, as facts, and as text in their language.
 * Made by alerts/notifier; notify/ sends the text.  Words of peers may be
 * anything: they come out as printable lines of bounded length.
 */
#ifndef DAEMON_NOTIFY_NOTICE_H
#define DAEMON_NOTIFY_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/config/conf_notify.h"

#define NOTICE_SUBJECT_MAX	70	/* columns */
#define NOTICE_LISTED		20	/* certificates; "and 87 more" */

enum notice_what {
	NOTICE_NEW,
	NOTICE_REPEAT,
	NOTICE_WORSE,
	NOTICE_CHANGED,
	NOTICE_RECOVERED,
	NOTICE_END
};

/* One certificate it is about; what is not known is NULL or 0. */
struct notice_item {
	const char	*name;		/* certificate; "" if it is none */
	const char	*object;	/* deploy target, TXT record */
	const char	*names;		/* "a, b, c" */
	const char	*repository;	/* it is fetched from there ... */
	const char	*publisher;	/* ... and this host renews it; "": not
					   known */
	bool		 is_given;	/* nobody renews it here (conf_given) */
	const char	*step;
	const char	*words;		/* the peer's */
	time_t		 not_after;	/* of what is in use; of a deploy: of
					   what is served, as far as known */
	time_t		 new_not_after;	/* of a deploy: of what is to be
					   served; else 0 */
	time_t		 since;
	time_t		 next_at;
	unsigned	 tries;
};

struct notice {
	enum notify_event event;
	enum notice_what what;
	enum notify_level level;
	time_t		 at;
	const char	*id;		/* of the message */
	const char	*host;
	const char	*code;		/* stable id of the error, or "" */
	const char	*who;		/* provider or account, or "" */
	const struct notice_item *items;	/* the worst first */
	size_t		 n_items;
	unsigned	 dropped;	/* messages that were never delivered */
	const char	*channel;	/* of a test; else NULL */
	/* Of a digest. */
	unsigned	 n_certs, n_valid, n_failing;
};

struct notice_text {
	char	*subject;	/* one line, UTF-8 */
	char	*text;		/* lines that end in '\n' */
	char	*json;		/* one object, for programs */
};

/* Times are shown in the local zone. */
void	notice_format(const struct notice *, bool is_chinese,
	    struct notice_text *);
void	notice_text_clear(struct notice_text *);

#endif
