/* SPDX-License-Identifier: MIT */
/*
 * release - a version of a certificate is published for the other members of
 * the cluster (config/conf_realm.h): in a run before it becomes the live one
 * here, and when this member becomes the one that renews it (takeover.h).
 */
#ifndef DAEMON_ROLLOUT_RELEASE_H
#define DAEMON_ROLLOUT_RELEASE_H

#include <time.h>

struct conf;
struct conf_cert;
struct error;
struct etcd;
struct http;
struct loop;
struct object_fence;
struct release_op;
struct store;

struct release_args {			/* borrowed; copied */
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	struct store	*store;		/* says who may take it (waves) */
	const struct conf *conf;	/* one more reference is taken */
	const struct conf_cert *cc;	/* borrowed; has a realm */
	const char	*version_dir;	/* .../archive/NAME/SERIAL */
	const char	*serial;
	time_t		 renew_at;	/* when it is planned to be renewed */
	const struct object_fence *fence;	/* NULL: none */
	/* Progress, a line at a time; may be NULL; gets done's arg. */
	void		(*line)(const char *line, void *arg);
};

/* Errors: those of objects.h; ERR_TRANSIENT "cluster:newer": another member has
 * published a newer one. */
typedef void release_done_cb(const struct error *err, void *arg);

struct release_op *release_start(const struct release_args *,
		    release_done_cb *done, void *arg);
/* NULL is allowed. */
void		 release_cancel(struct release_op *);

#endif
