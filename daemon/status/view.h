/* SPDX-License-Identifier: MIT */
/*
 * view - one request for the page: what is asked for, and what a look at all
 * certificates has found.
 */
#ifndef DAEMON_STATUS_VIEW_H
#define DAEMON_STATUS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/engine/glance.h"
#include "daemon/status/lang.h"

struct call;
struct engine;
struct evbuffer;

enum {
	VIEW_WORST = 50,	/* certificates shown with their cause */
	VIEW_ROWS = 100,	/* of the table, on one page */
	VIEW_DAYS = 60,		/* of the calendar */
	VIEW_QUERY_MAX = 200	/* bytes of a search */
};

/* How a certificate is seen at first sight. */
enum mood { MOOD_BAD, MOOD_WARN, MOOD_BUSY, MOOD_GOOD, MOOD_END };

struct worst {
	char		*name;
	enum mood	 mood;
	time_t		 not_after;
};

struct view {
	struct engine	*engine;
	struct evbuffer	*out;		/* of the piece being made */
	time_t		 now;
	char		 nonce[33];	/* of the Content-Security-Policy */

	/* What is asked for. */
	enum lang	 lang;
	bool		 lang_is_chosen;	/* links keep it */
	char		*query;		/* "": all */
	bool		 only_attention;
	char		*after;		/* the table begins behind it */
	char		*cert;		/* the details of one; or NULL */

	/* What there is. */
	size_t		 n, n_found;	/* with that query */
	size_t		 n_mood[MOOD_END];
	size_t		 n_unwell;	/* watched, that others renew */
	struct worst	 worst[VIEW_WORST];	/* worst first */
	size_t		 n_worst;
	unsigned	 renewals[VIEW_DAYS], expiries[VIEW_DAYS];
};

struct view	*view_new(struct call *);
void		 view_free(void *view);

/* Count a certificate in. */
void		 view_count(struct view *, const char *name,
		    const struct glance *);
/* Is it one of those that are asked for? */
bool		 view_wants(const struct view *, const char *name,
		    const struct glance *);

enum mood	 mood_of(const struct glance *);
/* "bad": a class of page.css. */
const char	*mood_class(enum mood);

/* A word of the page, in its language; not escaped: it needs none. */
const char	*view_word(const struct view *, const char *english);
/* The same, written; its %s are these, escaped. */
void		 view_say(struct view *, const char *english, const char *a,
		    const char *b, const char *c);
/* A link to this page: " href=\"...\"", with another member set; NULL: as it
 * is not.  What is NULL in all is the page at its beginning. */
void		 view_href(struct view *, const char *cert, const char *query,
		    const char *after, bool only_attention);
/* "?lang=..." of the same view. */
void		 view_href_lang(struct view *, enum lang);

#endif
