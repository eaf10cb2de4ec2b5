/* SPDX-License-Identifier: MIT */
/*
 * queue - messages on their way to people.  Each is a durable row for each
 * target of each channel that wants it, and is sent until the channel has
 * taken it: at least once, with the same id every time.  Nothing waits for it.
 * Made and fed by notifier.
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
struct queue;

/* Of one channel; the oldest repeats are dropped first. */
#define QUEUE_MAX 200

/* Reads the queue; sends from queue_start() on. */
struct queue	*queue_new(const struct alerts_env *);
/* What is under way is cancelled, and stays queued.  NULL is allowed. */
void		 queue_free(struct queue *);
void		 queue_start(struct queue *);
/* Look again what is to be sent. */
void		 queue_kick(struct queue *);
/* The configuration has changed: what failed is tried again. */
void		 queue_reload(struct queue *);

/* The message's text depends on the channel's language: each item's own level
 * is the notice's.  Queues it for every channel whose filter it passes. */
void		 queue_put(struct queue *, const struct notice *,
		    unsigned events, enum notify_level filter_level);

/* Send a test message on that channel (NULL: on all) now.  ERR_CONFIG
 * "notify:unknown-channel", "notify:none"; ERR_TRANSIENT "notify:busy" if a
 * test is under way.  {"started": [NAME...]}. */
json_t		*queue_test(struct queue *, const char *channel,
		    struct error *);
/* {"running", "results": [...]} of the last test. */
json_t		*queue_test_json(const struct queue *);

/* A channel that is no queue (a heartbeat) went well, or not; for status. */
void		 queue_report(struct queue *, const char *channel,
		    const struct error *err);

/* "notify" of doc/control-api.md, and Prometheus text. */
json_t		*queue_json(const struct queue *);
void		 queue_metrics(const struct queue *, FILE *);

#endif
