/* SPDX-License-Identifier: MIT */
/*
 * etcd_mirror - all keys below a prefix of an etcd cluster, with their values,
 * as they are and as they change: a list and a watch in one.  It begins again
 * by itself where etcd was away, has forgotten what was between, or is another
 * cluster; what is gone then is told as well.  The values are not kept.  One
 * of more than 4 MiB in base64 is left out: etcd is made to take such by
 * --max-request-bytes only, and acmed writes none.
 */
#ifndef DAEMON_ETCD_ETCD_MIRROR_H
#define DAEMON_ETCD_ETCD_MIRROR_H

#include <stddef.h>

#include "daemon/etcd/etcd.h"

struct etcd_mirror;

struct etcd_mirror_args {		/* copied; what it points to borrowed */
	struct loop	*loop;
	struct etcd	*etcd;
	const struct conf_etcd *conf;
	const char	*prefix;	/* not ""; keys are told without it */
	/* All come from the loop, and must not free the mirror.  The newest
	 * version of a key comes last; one that was replaced soon may be left
	 * out, and after a gap what is known is told again. */
	void		(*put)(const struct etcd_kv *, void *arg);
	void		(*gone)(const char *key, int64_t revision, void *arg);
					/* by which it was deleted, or at which
					   it was not there */
	void		(*anew)(void *arg);
					/* as etcd_watch.h's: what revisions
					   were told of before says nothing any
					   more, and all is told again, also by
					   state(); may be NULL */
	void		(*state)(const struct error *, void *arg);
					/* err NULL: all that there is was told,
					   and from now on what changes is; else
					   that has failed, and is tried again
					   within a minute.  Each once in a
					   row */
	void		*arg;
};

struct etcd_mirror *etcd_mirror_new(const struct etcd_mirror_args *);
/* NULL is allowed. */
void		 etcd_mirror_free(struct etcd_mirror *);
/* As etcd_watch_kick(). */
void		 etcd_mirror_kick(struct etcd_mirror *);
/* The store's revision up to which all was told; 0: nothing was yet. */
int64_t		 etcd_mirror_revision(const struct etcd_mirror *);

#endif
