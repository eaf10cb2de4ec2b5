/* SPDX-License-Identifier: MIT */
/* reply - the answers that requests have in common. */
#ifndef DAEMON_CONTROL_REPLY_H
#define DAEMON_CONTROL_REPLY_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct error;
struct evbuffer;
struct evhttp_request;

/* Answer with {"error": ...} and, unless it is NULL, "lines": lines. */
void	reply_error(struct evhttp_request *, int status, const struct error *,
	    json_t *lines);
/* Answer with j, which is taken. */
void	reply_json(struct evhttp_request *, int status, json_t *j /* taken */);

/* The HTTP status that fits an error of the engine. */
int	reply_status(const struct error *err);
/* 200 with reply, which is taken; NULL: err. */
void	reply_answer(struct call *, json_t *reply /* taken */,
	    const struct error *err);
/* Answer with these bytes, which are drained; NULL: none. */
void	reply_buffer(struct evhttp_request *, int status, const char *type,
	    struct evbuffer *);
/* 400, and why. */
void	bad_request(struct call *, const char *why);
bool	cert_exists(struct call *, const char *name);
/* Answer as the engine does for a name that it does not know. */
void	unknown_cert(struct call *, const char *name);

#endif
