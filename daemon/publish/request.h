/* SPDX-License-Identifier: MIT */
/*
 * request - the certificate request of a host that keeps its private key
 * (key_source = host): put into the repository by the host, taken from there by
 * the publisher.
 *
 *   PREFIX/NAME/csr/HOST: {"at": epoch seconds, "csr": PEM}, from the host to
 *   the publisher (store/identity.h), aad "NAME/csr/HOST".
 */
#ifndef DAEMON_PUBLISH_REQUEST_H
#define DAEMON_PUBLISH_REQUEST_H

#include <stddef.h>
#include <time.h>

#include "daemon/publish/objects.h"

struct conf_repository;
struct error;
struct repo_keys;
struct request_op;
struct store;

#define REQUEST_MAX (64 * 1024)	/* bytes of the object */

/* The object, of the host's keys, for what lies at NAME/csr/HOST; the caller
 * frees. */
char	*request_make(const struct repo_keys *host, const char *key,
	    const char *csr, time_t at, size_t *len);
/*
 * What somebody has written there, by the publisher's keys and the public one
 * of that host: bounded and strict; whether the CSR is one is not looked at.
 * ERR_REJECTED "identity:open", "request:syntax"; the caller frees *csr.
 */
int	 request_read(const struct repo_keys *publisher, const char *host_key,
	    const char *key, const void *data, size_t len, char **csr,
	    time_t *at, struct error *);

struct request_args {			/* borrowed; copied */
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	struct store	*store;		/* of get: the publisher's key */
	const struct conf_repository *repository;	/* borrowed */
	const char	*certificate;
	const char	*host;
	const char	*csr;		/* of put: PEM */
	const char	*host_key;	/* of get: the host's public key */
	const char	*etag;		/* of get: of what is known; or "" */
};

struct request_reply {			/* of get */
	const char	*csr;		/* PEM, borrowed; NULL: as known */
	time_t		 at;		/* when the host made it */
	char		 etag[OBJECT_ETAG_SIZE];
};

/*
 * err NULL: it is there, or reply.  Errors: those of objects.h and repo_keys.h;
 * get: ERR_REJECTED "identity:open" (it is not of that host), "request:syntax".
 */
typedef void request_done_cb(const struct error *err,
    const struct request_reply *, void *arg);

struct request_op *request_put_start(const struct request_args *,
		    request_done_cb *done, void *arg);
struct request_op *request_get_start(const struct request_args *,
		    request_done_cb *done, void *arg);
void		 request_cancel(struct request_op *);

#endif
