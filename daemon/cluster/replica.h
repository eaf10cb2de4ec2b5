/* SPDX-License-Identifier: MIT */
/*
 * replica - what the daemons of a cluster share, in etcd, as sealed documents
 * (document.h):
 *
 *   PREFIX/state/HASH8/cert/NAME       row, pending key and chain, TXT journal
 *   PREFIX/state/HASH8/account/NAME    key, next key, URL, contact
 *   PREFIX/state/HASH8/budget/HASH16   what was taken of a limit
 *   PREFIX/state/HASH8/hold/HASH16     what a CA asks an account to wait for
 *
 * HASH8 is of the CA's directory URL, as in the names of accounts/; a
 * certificate's is that of its first account.
 *
 * A certificate's document is written by who holds its lock, in a transaction
 * that etcd refuses when the lock is another one's (the fence); while nobody
 * holds it, by its owner, if it is what that has read.  Everybody takes from
 * it how the certificate fares; order, keys and journal come with the lock
 * (replica_adopt()).  With role = serve nothing is shared, and
 * what there is only asked for.
 */
#ifndef DAEMON_CLUSTER_REPLICA_H
#define DAEMON_CLUSTER_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/accounts/share.h"

struct cert;
struct certs;
struct cleanup;
struct conf;
struct error;
struct etcd;
struct holds;
struct loop;
struct replica;
struct store;

struct replica_env {			/* borrowed until freed */
	struct loop	*loop;
	struct etcd	*etcd;
	struct store	*store;
	struct certs	*certs;
	struct cleanup	*cleanup;
	struct holds	*holds;
	/* The account has another key, or URL, than before. */
	void		(*account)(const char *name, const char *directory,
			    void *arg);
	/* The lock of a certificate: the revision that made it, if it is ours
	 * (else 0), and its key in etcd (the caller frees). */
	int64_t		(*fence)(const struct cert *, void *arg);
	char		*(*lock_key)(const struct cert *, void *arg);
	/* Are we to renew it? */
	bool		(*ours)(const struct cert *, void *arg);
	/* It is another's: etcd says so. */
	void		(*lost)(struct cert *, void *arg);
	/* Another member tells which hosts may take which version of it.  May
	 * be NULL. */
	void		(*wave)(struct cert *, void *arg);
	/* etcd has no room for what is shared ("etcd:space").  May be NULL. */
	void		(*full)(const struct error *, void *arg);
	void		*arg;
};

struct replica	*replica_new(const struct replica_env *);
/* NULL is allowed. */
void		 replica_free(struct replica *);
/* The configuration in force, which is kept until the next: without a section
 * cluster nothing is shared. */
void		 replica_apply(struct replica *, const struct conf *);

/* PREFIX/state/HASH8/cert/NAME; the caller frees.  NULL: it is not shared. */
char		*replica_cert_key(const struct replica *, const struct cert *);
/*
 * The lock is ours, and this is the document that was there then (value NULL:
 * none): go on with it.  Not with a run under way.  ERR_REJECTED "seal:open",
 * "cluster:document"; ERR_INTERNAL of the disk.
 */
int		 replica_adopt(struct replica *, struct cert *,
		    const void *value, size_t len, int64_t modified,
		    struct error *);
/* With role = serve: how does it fare at the one who renews it?  Its row and
 * certs_changed() tell.  only_waves: or just which hosts may take which
 * version of it (env's wave() tells). */
void		 replica_ask(struct replica *, struct cert *, bool only_waves);
/* Other certificates may be ours to renew now. */
void		 replica_look(struct replica *);
/* Has the certificate's document an order, or TXT records, that somebody has
 * to go on with? */
bool		 replica_is_open(const struct replica *, const struct cert *);
/* Another one has the lock: its journal is not ours any more.  Not with a run
 * under way. */
void		 replica_drop(struct replica *, struct cert *);

/* For accounts_set_share(). */
const struct account_share *replica_accounts(struct replica *);

#endif
