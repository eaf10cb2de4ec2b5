/* SPDX-License-Identifier: MIT */
/*
 * secret - the secret that the members of a cluster share: what it seals, and
 * whether ours is the others'.  Called by membership, cluster and publisher.
 */
#ifndef DAEMON_CLUSTER_SECRET_H
#define DAEMON_CLUSTER_SECRET_H

#include <stddef.h>

struct conf_cluster;
struct error;
struct etcd;
struct loop;
struct secret_op;

/* What the secret seals into TEXT, and back: aad is the key's path.  The
 * caller frees, a text by freezero_str().  Errors: of the file; "seal:open". */
char	*secret_seal(const struct conf_cluster *, const char *key,
	    const char *text, size_t *len, struct error *);
char	*secret_open(const struct conf_cluster *, const char *key,
	    const char *sealed, size_t len, struct error *);

/*
 * Is it the one that PREFIX/secret is sealed with?  The first member writes
 * that; one that is sealed with the second line (store/seal.h) is sealed anew.
 * conf is borrowed.  Errors: ERR_CONFIG "cluster:secret"; etcd.h's.
 */
typedef void secret_done_cb(const struct error *err, void *arg);
struct secret_op *secret_check_start(struct loop *, struct etcd *,
	    const struct conf_cluster *conf, unsigned timeout_ms,
	    secret_done_cb *done, void *arg);
/* NULL is allowed. */
void	secret_check_cancel(struct secret_op *);

#endif
