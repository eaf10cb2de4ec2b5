/* SPDX-License-Identifier: MIT */
/*
 * run - carry out a table of steps of a REST API.  The design in ten lines:
 *
 * A table has a row for each request: its builder, and the readers of its
 * answer and of its refusal.  They are pure: they see request, answer and their
 * user's state, never a socket, and say what is wanted next.  The runner has
 * what would be written again: turns of the loop, time limits, JSON, the kinds
 * of refusals, Retry-After, pages, polls, lost races with a bound on each, and
 * the wiping and hiding of what is secret.  It sends one request at a time, and
 * repeats none by itself.  The user has what differs: who signs (.prepare, or
 * the builder), what is trusted, whether plain HTTP is, how often (.pace), and
 * whether all is tried again, how many run at once, and what is durable.
 *
 * Users: DNS providers (dns/provider_walk, for zone after zone), deploy steps
 * (deploy/rest_step), object stores (publish/), webhooks (notify/).
 */
#ifndef DAEMON_REST_RUN_H
#define DAEMON_REST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/rest/rest.h"

struct http;
struct log_ctx;
struct loop;
struct rest_op;
struct tally;

struct rest_args {		/* pointers stay the caller's until the end */
	struct loop	*loop;
	struct http	*http;
	const struct rest_step *steps;
	void		*user;		/* what the functions here and in the
					   steps get */
	const struct log_ctx *log;	/* of lines at debug; NULL: none */

	const char	*base_url;	/* NULL: builders name whole URLs */
	bool		 base_is_forced;	/* preq_base() does nothing */
	bool		 allow_http;	/* http:// to other hosts than this */
	const char	*ca_file;	/* NULL: the system's */
	const char	*fingerprint;	/* as in io/http.h; NULL: none */
	const char	*cert_file, *key_file;	/* as in io/http.h */
	const char	*proxy;		/* as in io/http.h */
	const char	*unix_socket;	/* likewise */
	size_t		 max_reply;	/* bytes; 0: 2 MiB */
	const char	*lean_member, *lean_needle;
					/* of an answer over 256 KiB only that
					   is parsed (lean.h); NULL: all */
	unsigned	 timeout_ms;	/* of each request */
	struct tally	*tally;		/* where they are counted; NULL: not */
	unsigned	 poll_ms;	/* first pause of REST_POLL, and before
					   REST_REPEAT; 0: 500 */
	unsigned	 poll_max_ms;	/* to which these grow; 0: 5000 */
	unsigned	 max_polls;	/* of one step; 0: 50 */
	bool		 plain_text;	/* answers are not, or need not be,
					   JSON: else a 2xx that is not is an
					   error and no reader is called */
	bool		 decodes;	/* undo a Content-Encoding */
	bool		 urgent;	/* as http.h's */
	bool		 is_idempotent;	/* any request may reach the server
					   twice; else only GET and DELETE */

	/* Each may be NULL. */
	void	(*begin)(void *user);	/* the first step is about to be begun,
					   also again */
	int	(*prepare)(void *user, struct preq *, struct error *);
					/* after each builder: authentication,
					   signatures */
	bool	(*is_refusal)(void *user, const struct rest_answer *);
					/* ... although the status is 2xx? */
	void	(*failed)(void *user, const struct rest_answer *,
		    struct error *);	/* improve what was made of a refusal */
	int64_t	(*pace)(void *user);	/* ms to wait before the next request */
};

/*
 * end is REST_DONE with err NULL, or REST_FAIL or REST_NO_ZONE with err set.
 * Messages begin with the name of the step, unless it is "" or the end is
 * REST_NO_ZONE.  What the last reader saw of the answer is still there.
 *
 * Of refusals the kind is by status: 401, 403: ERR_CONFIG
 * "provider:credentials"; 429: ERR_RATELIMIT "provider:throttled"; 408, 5xx:
 * ERR_TRANSIENT "provider:unavailable"; others: ERR_REJECTED
 * "provider:refused"; a page of HTML with 403 where JSON is spoken:
 * "provider:refused" as well; a redirect: ERR_CONFIG "provider:redirect";
 * retry_at of the first three is set if the server asked
 * for it.  Other codes: "provider:reply" (malformed), "provider:conflict",
 * "provider:unfinished", those of preq_finish() and of io/http.h.  A provider
 * here is whoever offers the API, also to deploy steps and webhooks: scripts
 * and conditions of the log know these codes.
 */
typedef void rest_done_cb(enum rest_next end, struct error *err, void *arg);

struct rest_op	*rest_start(const struct rest_args *, rest_done_cb *done,
		    void *arg);
/* NULL is allowed. */
void		 rest_cancel(struct rest_op *);

/* The step under way, counted from 0; and its name, "begin" before the first;
 * also from done. */
size_t		 rest_at(const struct rest_op *);
const char	*rest_step_name(const struct rest_op *);
/* Was a request that does not only read answered well, or not at all? */
bool		 rest_may_have_changed(const struct rest_op *);

#endif
