/* SPDX-License-Identifier: MIT */
/*
 * event - what happens, told to the log, the history and those who listen.
 * All rooms tell through it; what must happen then is decided above.
 */
#ifndef DAEMON_CERTS_EVENT_H
#define DAEMON_CERTS_EVENT_H

#include <jansson.h>

#include "common/log.h"
#include "daemon/certs/step.h"

struct cert;
struct certs;
struct error;
struct event_sub;

/*
 * An event is an object of doc/control-api.md ("at", "cert", "step", "level",
 * "msg", and "end": true with "ok" when a run is over).  Borrowed.  cb may
 * unsubscribe.
 */
typedef void event_sub_cb(const json_t *event, void *arg);
struct event_sub *event_subscribe(struct certs *, event_sub_cb *, void *arg);
void		 event_unsubscribe(struct event_sub *);

/* Tell what happens to a certificate, which may be gone from the table. */
void		 event_emit(struct certs *, const char *cert, enum step,
		    enum log_level, const char *fmt, ...)
		    __attribute__((format(printf, 5, 6)));
/* The same of a deploy target, or of all (NULL), with the code of
 * rollout.h; NULL: none. */
void		 event_deploy(struct certs *, const char *cert,
		    const char *target, const char *code, enum log_level,
		    const char *fmt, ...)
		    __attribute__((format(printf, 6, 7)));
/* The last event of a run; err NULL: it went well; "engine:held": it never
 * began to do anything, which only those who listen are told. */
void		 event_end(struct cert *, enum step, const struct error *err,
		    const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
/* The same of a failure that had a warning of its own: a notice. */
void		 event_end_told(struct cert *, enum step,
		    const struct error *, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

#endif
