/* SPDX-License-Identifier: MIT */
/*
 * fake_http - daemon/io/http.h played from a script: which requests must come,
 * in which order, and what each is answered.  Link tests/fake/fake_http.c into
 * a test program and http.o stays in its archive.
 */
#ifndef TESTS_FAKE_FAKE_HTTP_H
#define TESTS_FAKE_FAKE_HTTP_H

#include <stddef.h>

struct http;

/* A failure that never comes: the request is in flight until cancelled.  With a
 * body, that has come, for those who read as it comes. */
#define FAKE_HANGS "hangs"

struct fake_exchange {
	const char	*method, *url;	/* what must be asked */
	int		 status;	/* of the answer */
	const char	*headers;	/* "Name: value" lines, or NULL; the
					   value of Date in epoch seconds */
	const char	*body;		/* or NULL */
	const char	*failure;	/* instead of an answer: "http:timeout",
					   or FAKE_HANGS */
};

/* What was asked. */
struct fake_sent {
	char		*method, *url, *body;
	char		*headers;	/* "Name: value" lines */
	unsigned	 timeout_ms;
	size_t		 max_reply;
};

/* Begin with a script; it is borrowed, and replaces what is left of another. */
void		 fake_http_script(struct http *, const struct fake_exchange *,
		    size_t n);
/* NULL if the script was followed to its end, or what went wrong. */
const char	*fake_http_check(struct http *);
/* The nth request since http_new(), NULL if there were fewer. */
const struct fake_sent *fake_http_sent(struct http *, size_t n);
size_t		 fake_http_in_flight(const struct http *);

#endif
