/* SPDX-License-Identifier: MIT */
/*
 * etcd_watch - be told of what changes below a prefix of an etcd cluster, as it
 * changes: one request whose answer has no end.  It is begun again, at another
 * member if need be, where it ended; nothing is missed meanwhile, or `all` says
 * so.
 */
#ifndef DAEMON_ETCD_ETCD_WATCH_H
#define DAEMON_ETCD_ETCD_WATCH_H

#include "daemon/config/conf_etcd.h"
#include "daemon/etcd/etcd.h"

struct etcd_watch;

struct etcd_watch_args {		/* copied; what it points to borrowed */
	struct loop	*loop;
	struct etcd	*etcd;
	const struct conf_etcd *conf;
	const char	*prefix;	/* not "" */
	const char	*end;		/* keys below it that stand before this
					   one; NULL: all */
	/* All come from the loop, and must not free the watch. */
	void		(*changed)(const struct etcd_kv *, void *arg);
					/* put or deleted */
	void		(*all)(void *arg);	/* anything may be another:
					   nothing is known of the time before,
					   or etcd has forgotten it */
	void		(*anew)(void *arg);	/* before all(): etcd was put
					   back from a backup, or made anew: its
					   revisions are counted again; may be
					   NULL */
	void		(*state)(const struct error *, void *arg);
					/* err NULL: from now on what changes is
					   told; else that has failed, and is
					   tried again within a minute.  Each
					   once in a row */
	void		*arg;
};

struct etcd_watch *etcd_watch_new(const struct etcd_watch_args *);
/* One that waits to try again tries now: something else has just heard from
 * the cluster. */
void		 etcd_watch_kick(struct etcd_watch *);
/* NULL is allowed. */
void		 etcd_watch_free(struct etcd_watch *);

#endif
