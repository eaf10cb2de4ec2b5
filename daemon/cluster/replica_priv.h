/* SPDX-License-Identifier: MIT */
/*
 * replica_priv - what the files of replica share: replica.c (the table of
 * documents, what the store tells, who waits), replica_put.c (one document to
 * etcd), replica_cert.c, replica_limit.c and replica_account.c (what is in each
 * kind).  Nobody else includes it.
 */
#ifndef DAEMON_CLUSTER_REPLICA_PRIV_H
#define DAEMON_CLUSTER_REPLICA_PRIV_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/cluster/document.h"
#include "daemon/cluster/replica.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/store/replica.h"

struct etcd_mirror;

enum item_kind { ITEM_CERT, ITEM_ACCOUNT, ITEM_BUDGET, ITEM_HOLD };

/* One document, here or in etcd. */
struct item {
	SLIST_ENTRY(item) link;
	TAILQ_ENTRY(item) queued;	/* in queue: to be sent */
	TAILQ_ENTRY(item) limit;	/* in limits: of budgets and holds */
	struct replica	*r;
	uint64_t	 hash;
	char		*path;		/* behind PREFIX/state/ */
	enum item_kind	 kind;
	char		*name;		/* certificate, or account */
	char		*directory;	/* of an account */
	bool		 is_queued, is_limit;
	uint64_t	 gen;		/* changes here, so far; */
	uint64_t	 sent;		/* ... those that etcd has; */
	uint64_t	 sending;	/* ... those under way */
	uint64_t	 seq;		/* replica's, of a limit's first change
					   that was not sent */
	int64_t		 seen;		/* its revision in etcd; 0: none */
	int64_t		 had;		/* the one that is all here, or was
					   made here; 0: none */
	uint64_t	 digest;	/* of what was sent last */
	uint64_t	 sending_digest;
	struct etcd_op	*op;		/* the transaction under way */
	bool		 is_fenced;	/* ... has the lock's revision */
	bool		 is_open;	/* replica_is_open() */
	bool		 is_old;	/* sealed with the secret's second
					   line */
	bool		 was_resealed;
	time_t		 paused;	/* paused_until there */
	time_t		 sending_paused;
	bool		 knows_pause;	/* paused was seen */
	unsigned	 sending_turns;	/* cluster_turns() of what is sent */
	char		*by;		/* account: the member that made its
					   key */
	struct store_budget *budget;	/* its texts are ours */
	int64_t		 taken_ms;	/* of the bucket, and not sent yet */
	int64_t		 sending_ms;
	struct store_hold *hold;
	bool		 is_over;	/* budget, hold: to be deleted */
	/* What is asked for, if anything: which hosts may take it; or all that
	 * who does not renew it may know. */
	enum { ASKS_NOTHING, ASKS_WAVE, ASKS_ALL } asks;
	bool		 is_asked_again;	/* for all, meanwhile */
};
TAILQ_HEAD(items, item);

/* Somebody who waits until etcd has a document. */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct replica	*r;
	struct item	*item;		/* NULL: none */
	uint64_t	 gen;		/* of it */
	uint64_t	 seq;		/* limits up to this one; 0: none */
	struct timer	 timer;		/* its patience, or its end */
	bool		 is_over;
	struct error	 err;		/* ... how; ERR_NONE: well */
	void		(*done)(const struct error *, void *);
	void		*arg;
};

struct replica {
	const struct replica_env *env;
	const struct conf *conf;	/* a reference; NULL: no cluster */
	char		*secret, *prefix;	/* PREFIX/state/ */
	struct etcd_mirror *mirror;
	bool		 is_listed;	/* what etcd has is known */
	bool		 is_taking;	/* the store is told of others' */
	struct store_replica hooks;
	struct account_share share;
	SLIST_HEAD(heads, item) *heads;	/* by hash; n_heads is a power of 2 */
	size_t		 n_heads, n;
	struct items	 queue, limits;
	uint64_t	 seq;
	unsigned	 n_ops;
	struct timer	 turn;		/* send what is queued */
	bool		 is_away;	/* the last transaction failed: */
	struct error	 why;
	TAILQ_HEAD(, waiter) waiters;
	LIST_HEAD(, agreement) agreements;
};

/* --- replica.c --- */
/* The one at that path; made if there is none.  name and directory may be
 * NULL. */
struct item *item_get(struct replica *, const char *path, enum item_kind,
	    const char *name, const char *directory);
struct item *item_find(const struct replica *, const char *path);
/* It is another one here now: send it. */
void	item_changed(struct item *);
/* It is nowhere any more. */
void	item_drop(struct item *);
/* Queue it again. */
void	item_queue(struct item *);
/* Those that wait for it fail; what is not sent is dropped. */
void	item_give_up(struct item *, const struct error *);
void	replica_look_at_waiters(struct replica *);
struct waiter *waiter_start(struct replica *, struct item *, uint64_t gen,
	    uint64_t seq, void (*done)(const struct error *, void *),
	    void *arg);
void	waiter_cancel(struct waiter *);
/* HASH8/cert/NAME; false: it is not shared. */
#define REPLICA_PATH_MAX 160
bool	replica_cert_path(const struct cert *, char out[REPLICA_PATH_MAX]);
/* HASH8/KIND/NAME; the caller frees. */
char	*replica_path(const char *directory, const char *kind,
	    const char *name);
/* PREFIX/state/PATH; the caller frees. */
char	*replica_key(const struct replica *, const char *path);
/* Of the names of accounts and certificates that are only tried. */
bool	replica_is_tried(const char *name);

/* --- replica_put.c --- */
void	replica_send_cb(void *);
/* Ask etcd something about it; its op. */
void	replica_call(struct item *, const char *path, json_t *body /* taken */,
	    etcd_done_cb *);
/* The first word of a done: false: it failed, and is tried again. */
bool	replica_answered(struct item *, const struct error *);
/* A condition: target "MOD" or "CREATE". */
json_t	*replica_compare(const char *key, const char *target,
	    const char *member, int64_t revision);
/* What etcd has at that path now (value NULL: nothing, any more). */
void	replica_incoming(struct replica *, const char *path,
	    const void *value, size_t len, int64_t modified);

/* The same, as an answer's "kvs.0" has it; NULL: nothing. */
void	replica_told(struct item *, const json_t *kv);

/* --- replica_cert.c --- */
/* Its document; NULL: it is to be deleted. */
json_t	*replica_cert_json(struct item *);
/* etcd has it. */
void	replica_cert_made(struct item *);
/* Is it what we are writing just now, which was told before the answer came?
 * What has changed here since is newer. */
bool	replica_is_echo(const struct item *, const json_t *);
/* is_echo: it is that. */
void	replica_cert_incoming(struct item *, const json_t *, int64_t modified,
	    bool is_echo);
/* What is here and etcd does not have yet. */
void	replica_cert_listed(struct replica *);
/* Its certificate, if it is configured with that directory; or NULL. */
struct cert *replica_cert_of(const struct item *);

/* --- replica_pause.c --- */
/* What a person has said at another member is said to us; what one has said
 * here is kept, whatever the document has yet. */
void	replica_pause_merge(struct item *, struct cert *, struct document *);
/* If a person has paused, or resumed, one here that another member renews: put
 * that into its document. */
void	replica_pause_begin(struct item *);

/* --- replica_account.c --- */
json_t	*replica_account_json(struct item *);
void	replica_account_incoming(struct item *, const json_t *);
void	replica_account_changed(const char *name, const char *directory,
	    void *);
void	replica_account_init(struct replica *);
void	replica_account_clear(struct replica *);

/* --- replica_limit.c --- */
json_t	*replica_limit_json(struct item *);
void	replica_limit_incoming(struct item *, const json_t * /* NULL: gone */);
/* The transaction under way was made, or refused. */
void	replica_limit_sent(struct item *);
void	replica_budget_changed(const struct store_budget *, bool is_over,
	    void *);
void	replica_hold_changed(const struct store_hold *, bool is_over, void *);
void	replica_limit_load(struct replica *);
void	replica_limit_free(struct item *);

#endif
