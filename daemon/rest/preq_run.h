/* SPDX-License-Identifier: MIT */
/*
 * preq_run - the runner's side of a request: made empty, given to a step's
 * builder, turned into what http_start() wants.  The builder's side is preq.h.
 */
#ifndef DAEMON_REST_PREQ_RUN_H
#define DAEMON_REST_PREQ_RUN_H

#include <stdbool.h>

struct error;
struct http_args;
struct preq;

/*
 * base is the URL that paths are appended to, NULL if there is none yet; with
 * is_forced (the user's base_url) preq_base() changes nothing.
 */
struct preq	*preq_new(const char *base, bool is_forced);
/* Wipes it.  NULL is allowed. */
void		 preq_free(struct preq *);
/* Was preq_start() called? */
bool		 preq_is_started(const struct preq *);
/*
 * Fill method, url, headers, body, allow_plain and secret_url of *a, borrowed
 * from the request until it is freed.  http:// is for loopback hosts, and for
 * others only if allow_http.  Errors: ERR_CONFIG "provider:url",
 * "provider:plain-http", "provider:header"; ERR_INTERNAL "provider:body".
 */
int		 preq_finish(struct preq *, bool allow_http,
		    struct http_args *a, struct error *);
/* What preq_wait() said; 0: nothing. */
unsigned	 preq_get_wait(const struct preq *);
/* "METHOD https://host/path", no query and no secrets; for logs. */
const char	*preq_label(struct preq *);
/* Replace by "***" what of its secrets stands in a message. */
void		 preq_hide(const struct preq *, char *msg);

#endif
