/* SPDX-License-Identifier: MIT */
/* cluster_priv - what cluster.c, members.c, differs.c, lock.c, wish.c and
 * report.c share. */
#ifndef DAEMON_CLUSTER_CLUSTER_PRIV_H
#define DAEMON_CLUSTER_CLUSTER_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/cluster/cluster.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"

struct etcd_mirror;
struct membership;
struct order;

struct member {
	char		*name;
	uint64_t	 hash;
	int64_t		 lease;
	enum cluster_role role;
	char		*version;	/* NULL: it cannot be read */
	time_t		 since;
	int64_t		 n_certs;	/* that it is to renew, */
	char		*digest;	/* and of them; NULL: none is told,
					   as by older versions */
};

/* One in etcd, or that we have just made. */
struct lock {
	LIST_ENTRY(lock) entry;
	struct cluster	*cluster;
	char		*path;		/* "REALM/CERT" */
	char		*member;	/* that has it; NULL: not readable */
	int64_t		 created;	/* revision */
	int64_t		 lease;
	bool		 is_held;	/* by us, for a run */
	struct etcd_op	*release;
	struct timer	 again;		/* release it */
};

struct wish {
	LIST_ENTRY(wish) entry;
	struct cluster	*cluster;
	char		*path;		/* "REALM/CERT" */
	int64_t		 modified;	/* revision; 0: it is being written */
	char		*serial;	/* of the one to be replaced */
	bool		 force;
	bool		 is_own;	/* it was asked for here */
	bool		 was_told;	/* to the engine, as it is ours */
	bool		 is_over;	/* to be deleted */
	struct etcd_op	*call;
};

struct cluster {
	const struct cluster_env *env;
	struct conf_cluster *k;		/* NULL: no cluster */
	char		*state_dir;
	struct membership *membership;
	struct etcd_mirror *mirror;	/* of PREFIX/run/ */
	char		*prefix;	/* "PREFIX/run/" */
	bool		 is_complete;	/* all was told once */
	bool		 is_current;	/* and what changes is */
	time_t		 old_since;	/* is_current ended; 0: it has not */
	struct member	**members;	/* sorted by name */
	size_t		 n_members;
	uint64_t	*renewers;	/* hashes of those that renew, */
	struct member	**by_renewer;	/* and they */
	size_t		 n_renewers;
	void		*by_path;	/* tsearch(3), of locks */
	LIST_HEAD(, lock) locks;
	LIST_HEAD(, wish) wishes;
	LIST_HEAD(, order) orders;
	unsigned	 n_held;
	TAILQ_HEAD(, cluster_lock_op) ops;
	const struct cluster_adopt *adopt;
	struct error	 trouble;	/* kind ERR_NONE: none */
	time_t		 trouble_since;
	bool		 is_logged;	/* so is the trouble; that of joining is
					   not */
	struct timer	 tell;		/* changed(), of all */
	struct timer	 late;		/* the same: trouble lasts */
	bool		 is_full;	/* etcd takes no writes (no room, no
					   right to), */
	struct timer	 probe;		/* as far as is known */
	struct etcd_op	*probing;
	size_t		 n_certs;	/* that we are to renew, */
	uint64_t	 digest;	/* and of them */
	struct error	 differs;	/* kind ERR_NONE: not told */
	time_t		 differs_since;	/* 0: nobody does */
	struct timer	 differs_tell;
	void		(*left)(void *arg);
	void		*left_arg;
};

/* --- cluster.c --- */
#define CLUSTER_PATH_MAX 128
/* "REALM/CERT"; "" if it is not the cluster's. */
const char	*cluster_path(const struct cert *, char out[CLUSTER_PATH_MAX]);
/* The certificate of "REALM/CERT"; NULL: it is not configured here. */
struct cert	*cluster_cert(const struct cluster *, const char *path);
/* "PREFIX/run/KIND/PATH"; the caller frees. */
char		*cluster_key(const struct cluster *, const char *kind,
		    const char *path);
/* JSON to be sealed there, or NULL; taken. */
char		*cluster_seal(const struct cluster *, const char *key, json_t *,
		    size_t *len, struct error *);
/* JSON sealed there, or NULL: it cannot be read. */
json_t		*cluster_open(const struct cluster *, const char *key,
		    const struct etcd_kv *);
/* changed(), of all, in the next turn. */
void		 cluster_tell_later(struct cluster *);
/* What etcd has answered to a request of ours. */
void		 cluster_asked(struct cluster *, const struct error *);

/* --- members.c --- */
/* What its key says; the caller frees, by member_free(). */
struct member	*member_read(const struct cluster *, const char *key,
		    const char *name, const struct etcd_kv *);
void		 member_free(struct member *);
void		 member_put(struct cluster *, const char *name,
		    const struct etcd_kv *);
void		 member_gone(struct cluster *, const char *name,
		    int64_t revision);
void		 members_clear(struct cluster *);
/* Who is to renew it, if nobody does just now; NULL: nobody renews. */
const struct member *member_owner(const struct cluster *, struct cert *);

/* --- differs.c --- */
/* What we are to renew, by the configuration in force. */
void		 differs_count(struct cluster *);
/* The members, or what we have, may be others now. */
void		 differs_look(struct cluster *);
/* It is to renew others than we are. */
bool		 differs_is(const struct cluster *, const struct member *);
void		 differs_tell_cb(void *cluster);

/* --- lock.c --- */
struct lock	*lock_find(const struct cluster *, const struct cert *);
void		 lock_put(struct cluster *, const char *path,
		    const struct etcd_kv *);
void		 lock_gone(struct cluster *, const char *path,
		    int64_t revision);
/* The lease is over. */
void		 lock_lose_all(struct cluster *, const struct error *);
void		 lock_free_all(struct cluster *);
/* Nothing is known of any; who asks for one goes on. */
void		 lock_forget_all(struct cluster *);
/* Those of our lease that nobody here holds. */
void		 lock_tidy(struct cluster *);

/* --- asked.c --- */
/* The request to write it, sealed; what is taken.  NULL: "cluster:away", or it
 * cannot be sealed. */
json_t		*asked_body(struct cluster *, const char *kind,
		    const struct cert *, json_t *what, struct error *);
struct etcd_op	*asked_write(struct cluster *, json_t *body, etcd_done_cb *,
		    void *arg);
/* It is done; but not what has come there since. */
struct etcd_op	*asked_remove(struct cluster *, const char *kind,
		    const char *path, int64_t modified, etcd_done_cb *,
		    void *arg);

/* --- wish.c --- */
void		 wish_put(struct cluster *, const char *path,
		    const struct etcd_kv *);
void		 wish_gone(struct cluster *, const char *path);
/* Tell the engine of those that are ours now; NULL: of any. */
void		 wish_look(struct cluster *, struct cert *);
void		 wish_free_all(struct cluster *);

/* --- order.c --- */
void		 order_put(struct cluster *, const char *path,
		    const struct etcd_kv *);
void		 order_gone(struct cluster *, const char *path);
/* As wish_look(). */
void		 order_look(struct cluster *, struct cert *);
void		 order_free_all(struct cluster *);

#endif
