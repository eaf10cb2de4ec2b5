/* SPDX-License-Identifier: MIT */
/*
 * channel - hand one message to one channel.  Called by alerts/queue, which
 * owns the queue and the retries.  One file for each kind.
 */
#ifndef DAEMON_NOTIFY_CHANNEL_H
#define DAEMON_NOTIFY_CHANNEL_H

#include <stddef.h>
#include <time.h>

#include "daemon/config/conf_notify.h"

struct channel_op;
struct children;
struct error;
struct http;
struct loop;

/* What channels work with; lives as long as the engine. */
struct channel_env {
	struct loop	*loop;
	struct children	*children;
	struct http	*http;
	const char	*host;		/* our name, for addresses */
};

/* env and conf are borrowed until done or cancel; the texts are copied. */
struct channel_args {
	const struct channel_env *env;
	const struct conf_notify *conf;
	const char	*target;	/* of mail: the address */
	const char	*id;		/* the same for each try and target */
	const char	*subject, *text, *json;
	time_t		 at;
	enum notify_level level;
};

/*
 * err NULL: it was taken.  Else the kind says what helps: ERR_TRANSIENT and
 * ERR_RATELIMIT time, ERR_CONFIG a person, ERR_REJECTED nothing: this message
 * is not wanted.
 */
typedef void channel_done_cb(const struct error *err, void *arg);

struct channel_op *channel_start(const struct channel_args *,
		    channel_done_cb *done, void *arg);
/* It may have been taken already.  NULL is allowed. */
void		 channel_cancel(struct channel_op *);
/* The targets of a channel, NULL-terminated; borrowed. */
const char *const *channel_targets(const struct conf_notify *);

/* An asynchronous operation, as everywhere; the op is the kind's own. */
struct channel_kind {
	void		*(*start)(const struct channel_args *,
			    channel_done_cb *done, void *arg);
	void		(*cancel)(void *op);
};
extern const struct channel_kind channel_mail;
extern const struct channel_kind channel_syslog;
extern const struct channel_kind channel_webhook;
extern const struct channel_kind channel_exec;

#endif
