/* SPDX-License-Identifier: MIT */
/*
 * http_priv - what the files of the http module share: http.c (the pool and
 * its queues), http_easy.c (one transfer of curl), http_reply.c (headers).
 * Nobody else includes it.
 */
#ifndef DAEMON_IO_HTTP_PRIV_H
#define DAEMON_IO_HTTP_PRIV_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/io/http.h"
#include "daemon/io/loop.h"

struct error;

/* Response headers, one "name\0value\0" after the other. */
struct http_headers {
	char	*buf;
	size_t	 len, size;
	size_t	 n;
};

/* One header line as it came; false if it is one too many or too long. */
bool	http_headers_add(struct http_headers *, const char *line, size_t len);
void	http_headers_clear(struct http_headers *);

enum http_speaks { SPEAKS_UNKNOWN, SPEAKS_HTTP1, SPEAKS_HTTP2 };

/* One scheme://host:port, and the requests to it that wait for their turn. */
struct http_origin {
	TAILQ_ENTRY(http_origin) entry;
	TAILQ_HEAD(, http_op)	 queue;
	char			*key;
	enum http_speaks	 speaks;
	unsigned		 active;
	unsigned		 streams;	/* of these, answers without
						   end */
	bool			 is_suspect;	/* a request got no answer on
						   a connection that is open */
};

enum http_state { OP_QUEUED, OP_ACTIVE, OP_FAILED };
enum http_limit { WITHIN_LIMITS, TOO_MANY_HEADERS, TOO_LONG_BODY };

struct http_op {
	TAILQ_ENTRY(http_op)	 entry;
	struct http		*http;
	struct http_origin	*origin;
	enum http_state		 state;
	struct error		*bad;		/* why it is OP_FAILED */
	struct timer		 deadline;
	int64_t			 started_ms;
	http_done_cb		*done;
	void			*arg;
	/* the request */
	char			*method;
	char			*url;
	char			*host;		/* for messages */
	char			*shown_url;	/* may be printed */
	bool			 once, decodes;
	struct tls_pin		*pin;		/* NULL: none */
	char			*ca_file, *cert_file, *key_file;
	void			(*data)(const char *, size_t, void *);
	char			*proxy;
	struct curl_slist	*connect_to;	/* NULL: as the URL says */
	char			*unix_socket;	/* NULL: TCP */
	struct curl_slist	*headers;
	void			*body;
	size_t			 body_len;
	size_t			 max_reply;
	unsigned		 timeout_ms;
	bool			 is_plain;	/* http:// */
	bool			 has_secret;	/* header */
	/* the transfer */
	CURL			*easy;		/* OP_ACTIVE only */
	char			 errbuf[CURL_ERROR_SIZE];
	enum http_limit		 limit;
	bool			 is_repeated;
	bool			 has_response;
	bool			 headers_done;
	struct http_headers	 reply_headers;
	char			*reply;
	size_t			 reply_len, reply_size;
};

/* Copy and check the arguments; *key is the origin, for the caller. */
int	http_op_fill(struct http_op *, const struct http_args *, char **key,
	    struct error *);
/* Everything that http_op_fill() and the transfer allocated. */
void	http_op_clear(struct http_op *);
/* Set op->easy, which is fresh or reset, up for the request. */
int	http_easy_setup(struct http_op *, const char *user_agent,
	    struct error *);
/* Why a transfer failed. */
int	http_easy_error(const struct http_op *, CURLcode, struct error *);

/* The response of op began: its origin's protocol is known.  In http.c. */
void	http_learned(struct http_op *, enum http_speaks);

#endif
