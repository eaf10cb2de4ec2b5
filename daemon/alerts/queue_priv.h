/* SPDX-License-Identifier: MIT */
/* queue_priv - what queue.c and queue_status.c (status, test messages) share.
 * Nobody else includes it. */
#ifndef DAEMON_ALERTS_QUEUE_PRIV_H
#define DAEMON_ALERTS_QUEUE_PRIV_H

#include "common/error.h"
#include "daemon/alerts/env.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/certs.h"
#include "daemon/io/loop.h"
#include "daemon/notify/channel.h"

/* A row of the queue. */
struct message {
	TAILQ_ENTRY(message) link;
	struct store_notice row;
	unsigned	 tries;		/* refused for itself */
	time_t		 retry_at;
};

/* One channel, configured now or with messages left. */
struct channel {
	TAILQ_ENTRY(channel) link;
	struct queue	*queue;
	char		*name;
	const struct conf_notify *conf;	/* in conf_ref; NULL: gone */
	const struct conf *conf_ref;	/* while something is sent */
	struct channel_op *op;
	struct message	*sending;
	unsigned	 tries;		/* failures of the channel in a row */
	time_t		 retry_at;
	struct error	*error;		/* of the last try; NULL: it was good */
	time_t		 error_at, sent_at;
	unsigned long	 sent, failed;
	unsigned	 dropped;	/* and not yet told; durable */
};

struct test_send {
	struct queue	*queue;
	json_t		*result;	/* in queue->results */
	struct channel_op *op;
};

struct queue {
	const struct alerts_env *env;
	struct channel_env channel_env;
	char		 host[DNAME_SIZE];
	TAILQ_HEAD(, message) messages;	/* oldest first */
	TAILQ_HEAD(, channel) channels;
	struct timer	 work;
	struct store_sync_op *sync;
	bool		 is_started;

	const struct conf *test_conf;	/* while a test is under way */
	struct test_send *sends;
	size_t		 n_sends, sends_left;
	json_t		*results;
};

/* The channel of that name, made if there is none. */
struct channel	*queue_channel(struct queue *, const char *name);
/* How many messages that channel has still to send. */
size_t		 queue_count(const struct queue *, const char *channel);
/* A name for a message that nobody else has; the caller frees. */
char		*queue_id(const struct queue *, const char *channel);
void		 queue_test_cancel(struct queue *);

#endif
