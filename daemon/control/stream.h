/* SPDX-License-Identifier: MIT */
/* stream - replies that go on: what happens to certificates, and checks. */
#ifndef DAEMON_CONTROL_STREAM_H
#define DAEMON_CONTROL_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct evhttp_request;
struct preflight_args;
struct server;
struct stream;

/*
 * A stream of events: of all certificates (cert NULL), of one, or, for
 * stream_follow(), of the members of names (an object, each NAME: true; taken)
 * until each of them has ended.  Events are kept back until stream_begin()
 * has sent the reply's head.  NULL if there are too many streams; the request
 * is then answered.
 */
struct stream	*stream_new(struct server *, struct evhttp_request *,
		    const char *cert);
struct stream	*stream_follow(struct server *, struct evhttp_request *,
		    json_t *names /* taken */);
/*
 * A stream of the lines of a preflight, which ends with it, and it with the
 * stream: begun already.  If there are too many the request is answered.
 */
void		 stream_check(struct server *, struct evhttp_request *,
		    const struct preflight_args *);
/* Before stream_begin(): nothing is begun for that certificate before at. */
void		 stream_skip(struct stream *, const char *cert, bool ok,
		    time_t at);
void		 stream_begin(struct stream *);
/* Before stream_begin(): forget it; the request is still to be answered. */
void		 stream_abort(struct stream *);

#endif
