/* SPDX-License-Identifier: MIT */
/*
 * persist_watch - looks at the dns-persist-01 records of all certificates
 * that are proved by them: at the start, after each run and reload, and once
 * a day.  Tells, at most daily, of a record that ends before the next renewal
 * and 14 days more, or that is gone.  What it saw is for status.
 */
#ifndef DAEMON_PERSIST_PERSIST_WATCH_H
#define DAEMON_PERSIST_PERSIST_WATCH_H

#include <jansson.h>

struct cert;
struct persist_env;
struct persist_watch;

struct persist_watch *persist_watch_new(const struct persist_env *);
void		 persist_watch_free(struct persist_watch *);
/* For good. */
void		 persist_watch_stop(struct persist_watch *);
/* Look at this certificate (NULL: at all) in a moment. */
void		 persist_watch_kick(struct persist_watch *, struct cert *);
/* The certificate is freed: look at it no more. */
void		 persist_watch_forget(struct persist_watch *,
		    const struct cert *);
/* The "persist" of doc/control-api.md. */
json_t		*persist_watch_json(const struct cert *);

#endif
