/* SPDX-License-Identifier: MIT */
/*
 * freeze - days in which nothing is renewed or deployed (conf_cert's freezes).
 * What falls due in them is renewed before, spread over up to a week, or an
 * eighth of the lifetime if that is less.  What is then still to be done waits
 * until they are over, unless less than an eighth of the lifetime would be
 * left then: that is not held at all.  Nor is what a person asks for.
 */
#ifndef DAEMON_CERTS_FREEZE_H
#define DAEMON_CERTS_FREEZE_H

#include <jansson.h>
#include <time.h>

struct cert;

/* When the installed certificate, which is due then, is to be renewed: before
 * the freeze that this falls in, once; else then. */
time_t	 freeze_due_at(const struct cert *, time_t due);
/* The first moment from at on when a renewal may begin. */
time_t	 freeze_renew_at(const struct cert *, time_t at);
/*
 * The first moment from at on when a target may run, of which what it serves
 * is near its end at urgent_at.  What was installed in a freeze is deployed in
 * it: nothing is left half done.
 */
time_t	 freeze_deploy_at(const struct cert *, time_t urgent_at, time_t at);
/* The "freeze" of doc/control-api.md: the one that is, or the next. */
json_t	*freeze_json(const struct cert *);

#endif
