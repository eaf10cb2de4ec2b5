/* SPDX-License-Identifier: MIT */
/*
 * outbox - messages on their way to people.  Each is a durable row for each
 * target of each channel that wants it, and is sent until the channel has
 * taken it: at least once, with the same id every time.  Nothing waits for it.
 * Made and fed by teller.
 */
#ifndef DAEMON_ALERTS_QUEUE_H
#define DAEMON_ALERTS_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/notify/notice.h"

struct alerts_env;
struct conf;
struct error;
struct outbox;

/* Of one channel; the oldest repeats are dropped first. */
#define OUTBOX_MAX 200

/* Reads the queue; sends from outbox_start() on. */
struct outbox	*outbox_new(const struct alerts_env *);
/* What is under way is cancelled, and stays queued.  NULL is allowed. */
void		 outbox_free(struct outbox *);
void		 outbox_start(struct outbox *);
/* The configuration has changed: what failed is tried again. */
void		 outbox_reload(struct outbox *);

/* The message's text depends on the channel's language: each item's own level
 * is the notice's.  Queues it for every channel whose filter it passes. */
void		 outbox_put(struct outbox *, const struct notice *,
		    unsigned events, enum notify_level filter_level);

/* Send a test message on that channel (NULL: on all) now.  ERR_CONFIG
 * "notify:unknown-channel", "notify:none"; ERR_TRANSIENT "notify:busy" if a
 * test is under way.  {"started": [NAME...]}. */
json_t		*outbox_test(struct outbox *, const char *channel,
		    struct error *);
/* {"running", "results": [...]} of the last test. */
json_t		*outbox_test_json(const struct outbox *);

/* A channel that is no queue (a heartbeat) went well, or not; for status. */
void		 outbox_report(struct outbox *, const char *channel,
		    const struct error *err);

/* "notify" of doc/control-api.md, and Prometheus text. */
json_t		*outbox_json(const struct outbox *);
void		 outbox_metrics(const struct outbox *, FILE *);

#endif
