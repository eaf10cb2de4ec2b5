/* SPDX-License-Identifier: MIT */
/*
 * run - carry out a recipe: its requests one after the other by daemon/rest,
 * then, however that ended, what is to be done at the end (log out).  Callers:
 * deploy/recipe and notify/webhook.
 */
#ifndef DAEMON_RECIPES_RUN_H
#define DAEMON_RECIPES_RUN_H

#include <jansson.h>
#include <stdbool.h>

#include "common/error.h"

struct http;
struct loop;
struct log_ctx;
struct provider_values;
struct recipe;
struct recipe_op;

struct recipe_args {		/* pointers stay the caller's until the end */
	struct loop	*loop;
	struct http	*http;
	const struct log_ctx *log;	/* of lines at debug; NULL: none */
	const struct recipe *recipe;
	const struct provider_values *values;	/* as in scope.h */
	json_t		*(*word)(void *user, const char *name,
			    struct error *err);
	/* A request is about to be sent; NULL: nobody asks. */
	void		(*say)(void *user, const char *title);
	void		*user;		/* of both */
	bool		 allow_http;
	const char	*ca_file, *proxy;	/* as in daemon/rest/run.h */
	const char	*fingerprint;	/* as in io/http.h; NULL: none */
	unsigned	 timeout_ms;	/* of each request */
};

/* err NULL: all of it was done.  Else its message begins with the request, has
 * no secrets, and its kind is that of daemon/rest/run.h. */
typedef void recipe_done_cb(struct error *err, void *arg);

struct recipe_op *recipe_start(const struct recipe_args *,
		    recipe_done_cb *done, void *arg);
/* At once, without a log out.  NULL is allowed. */
void		 recipe_cancel(struct recipe_op *);

#endif
