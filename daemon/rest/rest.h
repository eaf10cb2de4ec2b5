/* SPDX-License-Identifier: MIT */
/*
 * rest - what the steps of a REST API are written with: requests (preq.h),
 * answers, and what a reader of one wants next.  Sees no sockets, retries or
 * time limits; signatures are in sign.h and scheme_*.h, XML in xml.h.
 */
#ifndef DAEMON_REST_REST_H
#define DAEMON_REST_REST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "daemon/rest/preq.h"

struct http_reply;

/* One HTTP answer; all borrowed until the reader returns. */
struct rest_answer {
	int		 status;
	const json_t	*json;		/* NULL: an empty body; in a refusal
					   and with .plain_text also one that
					   is no JSON */
	const char	*body;		/* NUL-terminated */
	size_t		 body_len;
	const struct http_reply *http;
};

/* What a reader wants next. */
enum rest_next {
	REST_NEXT,		/* the next step; after the last: done */
	REST_DONE,		/* done, later steps are not needed */
	REST_AGAIN,		/* this step once more at once: a further page
				   (at most 500 times) */
	REST_POLL,		/* this step once more after 0.5 to 5 s: the
				   change is not finished (at most 50 times) */
	REST_REPEAT,		/* from the first step once more, after a
				   short random pause: what was read is no
				   longer true (at most 5 times, and twice
				   for one and the same refusal).  Not for
				   refusals that last: see rest_says() */
	REST_NO_ZONE,		/* DNS providers only: the vendor has no zone
				   of that name, or none for these
				   credentials: from the first step with the
				   next suffix.  The last such refusal of kind
				   ERR_CONFIG is told if no suffix is a zone */
	REST_FAIL		/* err is set */
};

/*
 * A step.  user is the table's own; of the tables of DNS providers the rows
 * are struct provider_step, which say the same of a struct provider_call.
 */
struct rest_step {
	const char	*name;		/* "bind", for messages; NULL ends the
					   table */
	/*
	 * Build the request; -1 and err if that cannot be done.  A builder
	 * that returns without having called preq_start() skips the step.
	 */
	int	(*request)(void *user, struct preq *, struct error *);
	/* Read an answer with status 2xx.  NULL: REST_NEXT. */
	enum rest_next (*reply)(void *user, const struct rest_answer *,
		    struct error *);
	/*
	 * Read a refusal (any other status, or as the API says) that may be no
	 * failure.  err is filled when it is called, so that REST_FAIL is all
	 * there is to do about others.  NULL: REST_FAIL.
	 */
	enum rest_next (*refused)(void *user, const struct rest_answer *,
		    struct error *);
};

/* The first header of that name, or the nth from 0 on, or NULL; borrowed. */
const char	*rest_header(const struct rest_answer *, const char *name);
const char	*rest_header_nth(const struct rest_answer *, const char *name,
		    size_t nth);
/*
 * The array at path ("" for the answer itself), or NULL and err: an answer
 * without it must not pass for an empty list.
 */
const json_t	*rest_array(const struct rest_answer *, const char *path,
		    struct error *);
/*
 * The same for a list of zones, sets or records, which some leave null where it
 * is empty, or out, with a 0 at total (NULL: not told).  Not for the values of
 * a set that is to be written again.
 */
const json_t	*rest_entries(const struct rest_answer *, const char *path,
		    const char *total, struct error *);
/* Does the answer have one of these words, in whatever case?  NULL ends it. */
bool		 rest_says(const struct rest_answer *,
		    const char *const *words);
/*
 * For a refusal that could be a lost race: is it one that will not go away by
 * itself, for it speaks of a CNAME at the name, a lock, a quota or a limit?
 * Not if it says itself that it ends, nor for words in names and URLs.
 */
bool		 rest_is_lasting(const struct rest_answer *);
/* A row of what a vendor's codes mean that are not about the request. */
struct rest_code {
	const char	*word;		/* NULL ends the table */
	enum err_kind	 kind;
	const char	*code;
};
#define REST_CREDENTIALS ERR_CONFIG, "provider:credentials"
#define REST_QUOTA ERR_CONFIG, "provider:quota"
#define REST_THROTTLED ERR_RATELIMIT, "provider:throttled"
#define REST_UNAVAILABLE ERR_TRANSIENT, "provider:unavailable"

/* How a row's word is found in the vendor's code, in whatever case. */
enum rest_match { REST_IS, REST_BEGINS, REST_HAS };
/* Give err the kind and the code of the first row that is found; its message
 * stays.  code NULL: none is. */
void		 rest_judge(const struct rest_code *, enum rest_match,
		    const char *code, struct error *);
/*
 * For signatures that were too old or too new: add to the error how far this
 * machine's clock is from the vendor's (Date of the answer), if that is more
 * than a minute.
 */
void		 rest_blame_clock(const struct rest_answer *, struct error *);

/*
 * The text of the answer, without the tags of HTML or XML, in one line; and
 * what the vendor says in it, from where most of them put it ("message",
 * "error", ...), else that text.
 */
#define REST_WORDS_MAX 300		/* bytes, with the NUL */
void		 rest_plain_words(const struct rest_answer *,
		    char out[REST_WORDS_MAX]);
void		 rest_vendor_words(const struct rest_answer *,
		    char out[REST_WORDS_MAX]);

#endif
