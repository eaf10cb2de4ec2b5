/* SPDX-License-Identifier: MIT */
/*
 * http - one HTTP request on the event loop.  Besides smtp.c, the only
 * module that includes <curl/curl.h>.  Called by acme/, by the providers'
 * runner and by notify/.
 *
 * One struct http is one pool of connections.  It opens one connection for
 * each origin that speaks HTTP/2, and a few where the origin turned out to
 * speak HTTP/1.1 only.  After a request that ran into its time limit the next
 * one opens a connection of its own.  TLS is always verified.  Redirects are
 * followed for GET and HEAD without secret headers only, at most 5, never from
 * https to http; else the reply is the 3xx.
 */
#ifndef DAEMON_IO_HTTP_H
#define DAEMON_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;
struct http;
struct http_op;
struct loop;

struct http_header {
	const char	*name;
	const char	*value;
	bool		 secret;	/* never printed */
};

/* Borrowed; http_start() copies what it needs. */
struct http_args {
	const char	*method;	/* "GET", "HEAD", "POST", ... */
	const char	*url;		/* https://; http:// with allow_plain */
	const struct http_header *headers;
	size_t		 n_headers;
	const void	*body;		/* NULL for none */
	size_t		 body_len;	/* bytes */
	size_t		 max_reply;	/* bytes; a longer body is
					   ERR_REJECTED "http:too-large" */
	unsigned	 timeout_ms;	/* whole request; must be > 0 */
	const char	*ca_file;	/* PEM; NULL: the system's */
	const char	*fingerprint;	/* SHA-256 of a certificate in hex, with
					   colons or not: trusted if it is the
					   server's, whatever it says; NULL:
					   only what ca_file vouches for */
	const char	*cert_file, *key_file;	/* PEM: who we are, for servers
					   that ask; NULL: nobody */
	const char	*proxy;		/* NULL: http(s)_proxy, no_proxy of the
					   environment; "": none; else always
					   this one */
	const char	*address;	/* connect there ("192.0.2.1", "::1"),
					   whatever the host's name says; NULL:
					   where the name leads */
	const char	*unix_socket;	/* path: connect there instead, with no
					   proxy; messages name it as the host;
					   NULL: TCP */
	bool		 allow_plain;
	bool		 secret_url;	/* print only scheme and host of it */
	bool		 decodes;	/* undo a Content-Encoding, though none
					   is asked for */
	/* For an answer without end: its body as it comes, and the reply has
	   none.  From within libcurl: it must call nothing of this header.
	   NULL: it is collected. */
	void		(*data)(const char *data, size_t len, void *arg);
	bool		 urgent;	/* before those that wait for a
					   connection */
	bool		 once;		/* not idempotent: a connection of its
					   own, for on a kept one that ends
					   before the answer it would silently
					   be sent again */
};

struct http_reply {
	int		 status;
	const char	*body;		/* NUL-terminated besides body_len */
	size_t		 body_len;
	const struct http_headers *headers;	/* see http_reply_header() */
};

/*
 * err NULL: reply is set, whatever its HTTP status.  Both die on return.
 * Errors: ERR_TRANSIENT "http:resolve", "http:connect", "http:timeout",
 * "http:io"; "http:tls" is ERR_TRANSIENT too (a CA being repaired) and names
 * the reason the verification failed; ERR_REJECTED "http:too-large" (body or
 * headers), "http:redirect" (too many, or to where we do not follow);
 * ERR_CONFIG "http:url", "http:ca-file", "http:proxy", "http:header" (a
 * header to be sent is malformed).  Every message names the host.
 */
typedef void http_done_cb(const struct error *err,
    const struct http_reply *reply, void *arg);

/* user_agent is sent with every request; "acmed/1.0 libcurl/7.88.1". */
struct http	*http_new(struct loop *, const char *user_agent);
/* All operations must be finished or cancelled before. */
void		 http_free(struct http *);

/*
 * Begin a request.  Never fails: every failure, also a malformed URL, reaches
 * done, from the loop, after this call has returned.  The handle lives until
 * done is called or http_cancel(), whichever is first.
 */
struct http_op	*http_start(struct http *, const struct http_args *,
		    http_done_cb *done, void *arg);
/* Abort and free; done will not be called.  NULL is allowed. */
void		 http_cancel(struct http_op *);

/*
 * The nth (from 0) header of that name of the last response, or NULL.
 * Borrowed.  Names compare without case; at most 100 headers and 64 KiB of
 * them are accepted.
 */
const char	*http_reply_header(const struct http_reply *,
		    const char *name, size_t nth);
/*
 * Retry-After, both forms (RFC 9110 section 10.2.3), as epoch seconds; 0 if
 * there is none or it is malformed.  A date is taken relative to the reply's
 * own Date header where it has one, so that a wrong clock does no harm.
 */
time_t		 http_reply_retry_at(const struct http_reply *);
/* Date (RFC 9110 section 6.6.1); 0 if there is none or it is malformed. */
time_t		 http_reply_date(const struct http_reply *);

/* Requests finished since http_new(), for /metrics and the benchmark. */
unsigned long	 http_requests(const struct http *);
/* Connections opened since http_new(). */
unsigned long	 http_connections(const struct http *);

#endif
