/* SPDX-License-Identifier: MIT */
/* preq_priv - what preq.c builds and preq_get.c reads. */
#ifndef DAEMON_REST_PREQ_PRIV_H
#define DAEMON_REST_PREQ_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct pair {
	char	*name;
	char	*value;
	bool	 secret;
};

struct pairs {
	struct pair	*v;
	size_t		 n;
};

struct preq {
	char		*base;		/* NULL: none */
	bool		 base_is_forced;
	bool		 is_started;
	bool		 is_given;	/* path is the user's whole URL */
	char		*method;
	struct str	 path;		/* or a whole URL */
	struct pairs	 query;		/* encoded */
	bool		 query_is_secret;
	struct pairs	 headers;
	struct str	 body;
	bool		 has_body;
	unsigned	 wait_ms;
	const char	*mistake_code;	/* the first one; NULL: none */
	const char	*mistake;
	/* What the getters return. */
	struct str	 url, full_url, host, uri, query_text, sorted;
	struct str	 canonical, names, label;
	struct http_header *http_headers;
};

void	pairs_add(struct pairs *, char *name /* taken */,
	    char *value /* taken */, bool secret);
void	pairs_clear(struct pairs *);
/* Names without case; NULL if it was not set. */
struct pair *preq_header_find(const struct preq *, const char *name);

#endif
