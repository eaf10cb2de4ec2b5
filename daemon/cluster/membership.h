/* SPDX-License-Identifier: MIT */
/*
 * membership - this daemon as a member of the cluster: one lease of etcd, and
 * the key that says that we are here.  What hangs on the lease is gone when it
 * ends.  Past its deadline, by a clock that also goes on while the machine
 * sleeps, we hold nothing, whatever etcd may still think.
 */
#ifndef DAEMON_CLUSTER_MEMBERSHIP_H
#define DAEMON_CLUSTER_MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct conf_cluster;
struct error;
struct etcd;
struct loop;
struct membership;

struct membership_args {		/* copied; what it points to borrowed */
	struct loop	*loop;
	struct etcd	*etcd;
	const struct conf_cluster *conf;
	const char	*state_dir;	/* remembers the lease: a daemon that is
					   started again ends its old one */
	/* From the loop; they must not free it. */
	void		(*joined)(void *arg);
	/* Nothing that hung on the lease is ours any more; it joins again by
	 * itself. */
	void		(*lost)(const struct error *, void *arg);
	/* etcd was asked, and has answered (NULL) or not.  Errors: etcd.h's,
	 * "cluster:name" (another daemon has our name), "cluster:secret"
	 * (another encrypt_key_file is used here). */
	void		(*asked)(const struct error *, void *arg);
	void		*arg;
};

struct membership *membership_new(const struct membership_args *);
/* NULL is allowed. */
void		 membership_free(struct membership *);

/* Do we hold what hangs on the lease? */
bool		 membership_is_held(const struct membership *);
/* Its ID; 0: there is none. */
int64_t		 membership_lease(const struct membership *);
/* How many certificates we are to renew, and a digest of them: told to the
 * others by our key, also while we are there.  What was never told is not in
 * it. */
void		 membership_tell(struct membership *, size_t n_certs,
		    uint64_t digest);
/* Until the deadline; 0: it is past. */
int64_t		 membership_left_ms(const struct membership *);
/* Our own key was deleted by somebody, at that revision: join again. */
void		 membership_drop(struct membership *, int64_t revision,
		    const struct error *);
/* Leave: what hangs on the lease is gone when done is called, or will be when
 * the lease ends.  joined and lost are not called any more. */
void		 membership_leave(struct membership *, void (*done)(void *arg),
		    void *arg);

#endif
