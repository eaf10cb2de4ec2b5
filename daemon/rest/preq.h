/* SPDX-License-Identifier: MIT */
/*
 * preq - the HTTP request that a step of a REST API builds.  Included through
 * daemon/rest/rest.h.
 *
 *	preq_start(rq, "DELETE", "/zones");
 *	preq_path(rq, c->zone_id);
 *	preq_path(rq, "records");
 *	preq_query(rq, "name", c->fqdn);
 *
 * Nothing here fails: the first mistake (a control character in a header, a
 * NULL body) is remembered, and the request then fails instead of being sent.
 * All arguments are copied, unless they are marked as taken.
 */
#ifndef DAEMON_REST_PREQ_H
#define DAEMON_REST_PREQ_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct preq;

/*
 * Begin: method, and a path below the base ("" or "/..."), or a whole URL
 * ("https://...", for token services).  It is taken as it is, so it must be
 * encoded already: constants, mostly.  Comes before all others.
 */
void	preq_start(struct preq *, const char *method, const char *path);
/*
 * Begin with a whole URL that was given by the user: its query stays in front
 * of what preq_query() adds, and all but scheme and host is kept a secret.
 */
void	preq_url(struct preq *, const char *method, const char *url);
/* Another base than the provider's base_url (a region's, say).  An option
 * "base_url" set by the user wins over it. */
void	preq_base(struct preq *, const char *url);
/* Append "/" and the segment, percent-encoded. */
void	preq_path(struct preq *, const char *segment);
/* Append "/" and several segments, in which "/" stays as it is. */
void	preq_subpath(struct preq *, const char *path);
/* Append name=value, both percent-encoded (RFC 3986), in this order. */
void	preq_query(struct preq *, const char *name, const char *value);
void	preq_query_number(struct preq *, const char *name, int64_t value);
/* The same for an API key in the query: the query will not be logged. */
void	preq_secret_query(struct preq *, const char *name, const char *value);
/* Append a name alone, "?JSON". */
void	preq_query_word(struct preq *, const char *name);
/* Set a header; replaces one of the same name. */
void	preq_header(struct preq *, const char *name, const char *value);
void	preq_secret_header(struct preq *, const char *name, const char *value);
/* "Authorization: PREFIX TOKEN", secret; "Bearer". */
void	preq_token(struct preq *, const char *prefix, const char *token);
/* "Authorization: Basic ...", secret. */
void	preq_basic(struct preq *, const char *user, const char *password);

/* The body; the last one set counts.  Bodies are never logged. */
void	preq_json(struct preq *, json_t * /* taken */);
void	preq_body(struct preq *, const void *, size_t len,
	    const char *content_type);
/* Append a field to an application/x-www-form-urlencoded body. */
void	preq_form(struct preq *, const char *name, const char *value);

/* Send it no sooner than in so many milliseconds. */
void	preq_wait(struct preq *, unsigned ms);

/*
 * For signatures: what will be sent.  Borrowed, until the request is changed.
 * Signed headers must be set before; those that the runner and curl add later
 * (Accept, User-Agent) are not part of it.
 */
const char	*preq_get_method(const struct preq *);
/* As in the Host header: with the port if the URL names one that is not the
 * scheme's own. */
const char	*preq_get_host(struct preq *);
/* The encoded path with that of the base; "/" if it is empty. */
const char	*preq_get_path(struct preq *);
/* The query without "?" as it is sent, and sorted by encoded name, value. */
const char	*preq_get_query(struct preq *);
const char	*preq_get_sorted_query(struct preq *);
/* Names without case; NULL if it was not set. */
const char	*preq_get_header(const struct preq *, const char *name);
const void	*preq_get_body(const struct preq *, size_t *len);
/*
 * Host and all headers set so far as SigV4 and its relatives want them:
 * "name:value\n" with names in lower case, values trimmed, sorted; and
 * *names "a;b;c".
 */
const char	*preq_get_signed_headers(struct preq *, const char **names);

#endif
