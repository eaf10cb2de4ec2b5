/* SPDX-License-Identifier: MIT */
/*
 * cluster - several daemons with one configuration share the work through etcd
 * (`cluster { }`): who renews which certificate, and the lock that it must hold
 * while it does.
 *
 * Below PREFIX/run/, which all mirror, hang on the members' leases, sealed:
 * member/NAME of those that renew (those that only serve are in PREFIX/host/,
 * which nobody mirrors: 10,000 that come back would tell 10,000); and
 * lock/REALM/CERT, made only where there is none, whose create_revision is the
 * fence: each write of the holder has it as a condition.  wish/REALM/CERT is a
 * renewal that was asked for at another member, order/REALM/CERT what is to be
 * done about its roll-out in waves.
 */
#ifndef DAEMON_CLUSTER_CLUSTER_H
#define DAEMON_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct cert;
struct certs;
struct cluster;
struct cluster_lock_op;
struct cluster_present_op;
struct conf;
struct error;
struct etcd;
struct etcd_kv;
struct loop;
struct store_cert;

struct cluster_env {
	struct loop	*loop;
	struct etcd	*etcd;
	struct certs	*certs;
	/* Who renews it may be another now; NULL: of any. */
	void		(*changed)(struct cert *, void *arg);
	/* Its lock was lost: what we do about it must end. */
	void		(*lost)(struct cert *, const struct error *, void *arg);
	/* A member was asked to renew it, and it is ours; see
	 * cluster_wish_over(). */
	void		(*wished)(struct cert *, bool force, void *arg);
	/* It was asked for here, and the one who renews it is done with it
	 * (NULL), or could not be told. */
	void		(*granted)(struct cert *, const struct error *,
			    void *arg);
	/* A member was told what to do about its roll-out, as cluster_order()
	 * says, and it is ours; see cluster_order_over().  false: not now. */
	bool		(*ordered)(struct cert *, const char *act,
			    const char *serial, unsigned wave, void *arg);
	/* It was told here, and could not be passed on. */
	void		(*not_ordered)(struct cert *, const struct error *,
			    void *arg);
	void		*arg;
};

/* env is borrowed.  Nothing is done before cluster_apply(). */
struct cluster	*cluster_new(const struct cluster_env *);
/* NULL is allowed. */
void		 cluster_free(struct cluster *);
/* The configuration in force.  Where its cluster { } is another than before,
 * all that was held is lost. */
void		 cluster_apply(struct cluster *, const struct conf *);
/* Leave: what we hold goes to the others at once.  done once, from the loop,
 * within 2 seconds. */
void		 cluster_leave(struct cluster *, void (*done)(void *arg),
		    void *arg);

enum cluster_part {
	CLUSTER_ALONE,		/* there is no cluster, or nobody of it renews
				   this one */
	CLUSTER_OURS,
	CLUSTER_OTHERS,
	CLUSTER_AWAY		/* etcd cannot be asked */
};
/* Who is to renew it; *who (may be NULL): that member's name, borrowed until
 * the next turn of the loop; NULL: nobody, or not known. */
enum cluster_part cluster_part(const struct cluster *, struct cert *,
		    const char **who);

/* Are we in it, with the secret that all have, and know of all? */
bool		 cluster_is_joined(const struct cluster *);

/*
 * After so many failures in a row that another may not have, it is the next
 * one's to renew.  They try when it is due again, not sooner.
 */
#define CLUSTER_TRIES 2
/* How often it has been passed on, as this document of it says. */
unsigned	 cluster_turns(const struct store_cert *);
/* That is what the cluster's says now.  Is that another turn than before? */
bool		 cluster_turns_told(struct cert *, unsigned turns);
/* Its lock is ours, and it is so another's: to be given back, whatever there is
 * left to do. */
bool		 cluster_passes_on(const struct cluster *, struct cert *);
/* Is a member of that name there that renews, as far as is known? */
bool		 cluster_has_member(const struct cluster *, const char *name);

/* Is its lock ours, and our lease not over? */
bool		 cluster_holds(const struct cluster *, const struct cert *);
/* How many are. */
unsigned	 cluster_n_held(const struct cluster *);
void		 cluster_each_held(struct cluster *, void (*each)(struct cert *,
		    void *arg), void *arg);
/* The create_revision of our lock; 0: we hold none. */
int64_t		 cluster_fence(const struct cluster *, const struct cert *);
/* Its key in etcd; the caller frees. */
char		*cluster_lock_key(const struct cluster *, const struct cert *);

/*
 * What is known of a certificate elsewhere becomes ours with the lock.
 */
struct cluster_adopt {
	/* The key that is read with the lock, in one transaction; the caller
	 * frees. */
	char		*(*doc_key)(const struct cert *, void *arg);
	/* The lock is ours; doc NULL: there is no such key.  -1: it is given
	 * back. */
	int		(*adopt)(struct cert *, const struct etcd_kv *doc,
			    void *arg, struct error *);
	/* Is an order under way, or a record left, as far as is known? */
	bool		(*is_open)(const struct cert *, void *arg);
	/* The lock was lost. */
	void		(*lost)(struct cert *, void *arg);
	void		*arg;
};
/* Borrowed; NULL: nothing is adopted. */
void		 cluster_set_adopt(struct cluster *,
		    const struct cluster_adopt *);

/* etcd has no room for what somebody else wrote: as if we had found out. */
void		 cluster_full(struct cluster *, const struct error *);
/* etcd has refused what was written under our lock: it is lost. */
void		 cluster_fenced(struct cluster *, struct cert *);
bool		 cluster_is_open(const struct cluster *, const struct cert *);

/*
 * Take the lock, and adopt.  err NULL: it is held.  Errors: ERR_TRANSIENT
 * "cluster:locked" (another member has it), "cluster:away"; etcd.h's; adopt's.
 */
typedef void cluster_lock_done_cb(const struct error *err, void *arg);
struct cluster_lock_op *cluster_lock_start(struct cluster *, struct cert *,
		    cluster_lock_done_cb *done, void *arg);
/* NULL is allowed. */
void		 cluster_lock_cancel(struct cluster_lock_op *);
/* Give it back; nothing happens if it is not held. */
void		 cluster_unlock(struct cluster *, struct cert *);

/* Is any of these members there that only serve?  Names are copied.  Errors:
 * "cluster:away"; etcd.h's. */
typedef void cluster_present_done_cb(const struct error *err, bool any,
		    void *arg);
struct cluster_present_op *cluster_present_start(struct cluster *,
		    const char *const *names, size_t n,
		    cluster_present_done_cb *done, void *arg);
/* NULL is allowed. */
void		 cluster_present_cancel(struct cluster_present_op *);

/*
 * Have whoever renews it renew it now.  It is written when granted() is called,
 * or the end of a run that brings it.  ERR_TRANSIENT "cluster:away".
 */
int		 cluster_wish(struct cluster *, struct cert *, bool force,
		    struct error *);
/*
 * Have whoever renews it do that about its roll-out in waves: "continue",
 * "stop", "rollback".  serial and wave: as the one who decided saw it ("", 0:
 * it did not); of another it is not done.  ERR_TRANSIENT "cluster:away".
 */
int		 cluster_order(struct cluster *, struct cert *,
		    const char *act, const char *serial, unsigned wave,
		    struct error *);
/* It is done, durably, or cannot be. */
void		 cluster_order_over(struct cluster *, struct cert *);
/* Tell of a wish, or an order, for one that has become ours. */
void		 cluster_look(struct cluster *, struct cert *);
/* What was wished for has been done, or has failed. */
void		 cluster_wish_over(struct cluster *, struct cert *);

/* Why nothing is renewed now, and since when; NULL: nothing is wrong, or there
 * is no cluster, which may be NULL.  "cluster:away", or the code that says what
 * to do. */
const struct error *cluster_trouble(const struct cluster *, time_t *since);
/* The same of renewers that have other certificates to renew than this one, so
 * that some may be renewed by nobody: "cluster:differs". */
const struct error *cluster_differs(const struct cluster *, time_t *since);

#endif
