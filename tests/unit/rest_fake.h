/* SPDX-License-Identifier: MIT */
/*
 * rest_fake - an HTTP server in the test's own loop that plays a vendor's
 * API, keeps records, and can fail at any request; and the table of vendors
 * it can play, one rest_NAME.c each.
 */
#ifndef TESTS_UNIT_REST_FAKE_H
#define TESTS_UNIT_REST_FAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define FAKE_MAX 32

struct evhttp_request;
struct fake;
struct loop;
struct provider;

enum fault {
	FAULT_NONE,
	FAULT_500,		/* not done, HTTP 500 */
	FAULT_THROTTLE,		/* not done, HTTP 429, Retry-After: 120 */
	FAULT_THROTTLE_SHORT,	/* not done, HTTP 429, Retry-After: 0 */
	FAULT_SILENT,		/* done, but no answer ever */
	FAULT_HTML,		/* not done, HTTP 200 with a proxy's page */
	FAULT_CUT,		/* done, but half of the answer is lost */
	FAULT_BARE		/* not done, HTTP 200 with an empty object */
};

/* One request as the vendor sees it. */
struct fake_request {
	const char	*method;
	const char	*path;		/* without query, still encoded */
	const json_t	*json;		/* NULL: no JSON */
	const char	*body;
	struct evhttp_request *raw;
};

struct fake_answer {
	int		 status;
	json_t		*json;		/* taken; or */
	const char	*text;
};

struct fake_record {
	bool		 used;
	char		 id[40], name[260], content[300];
	long		 ttl;
};

/* What is sent must be right to the letter: handlers assert it. */
typedef void fake_handler(struct fake *, const struct fake_request *,
    struct fake_answer *);

/* A vendor, as tests/unit/test_provider_rest.c wants to know it. */
struct rest_vendor {
	const char	*label;
	const struct provider *type;
	const char	*options[8][2];	/* name, value; besides base_url */
	const char	*base;		/* path of base_url */
	const char	*bad[2];	/* the option with wrong credentials */
	const char	*bad_words;	/* what the vendor says to them */
	bool		 has_zones;	/* knows example.test only */
	bool		 bare_status;	/* bodies do not matter */
	fake_handler	*handler;
};

extern const struct rest_vendor rest_cloudflare, rest_httpreq,
    rest_pdns_new, rest_pdns_old;

struct fake {
	struct evhttp	*http;
	int		 port;
	fake_handler	*handler;
	void		*arg;		/* handler's */
	struct fake_record records[FAKE_MAX];
	unsigned	 n_ids;
	unsigned	 n_requests;
	unsigned	 n_writes;	/* that are not GET */
	char		 log[4096];	/* "GET /path?query\n" ... */
	enum fault	 fault;
	unsigned	 fault_at;	/* number of the request, from 1 on */
	unsigned	 fault_n;	/* how many requests fail; 0: all */
};

struct fake *fake_new(struct loop *, fake_handler *, void *arg);
void	 fake_free(struct fake *);
/* From now on, request number `at` from here and n of them (0: all) fail. */
void	 fake_fail(struct fake *, enum fault, unsigned at, unsigned n);
void	 fake_reset(struct fake *);

/* A query parameter, "" if absent; lives until the next call. */
const char *fake_query(const struct fake_request *, const char *name);
const char *fake_header(const struct fake_request *, const char *name);
void	 fake_reply_header(const struct fake_request *, const char *name,
	    const char *value);
struct fake_record *fake_put(struct fake *, const char *name,
	    const char *content, long ttl);
struct fake_record *fake_by_id(struct fake *, const char *id);
/* Records with that name and value, quoted or not. */
int	 fake_count(struct fake *, const char *name, const char *value);
int	 fake_total(struct fake *);

#endif
