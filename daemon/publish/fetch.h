/* SPDX-License-Identifier: MIT */
/*
 * fetch - the subscriber's side of manifest.h: read the manifest of a
 * certificate, and, if it tells of a newer one, key and chain, checked.
 * Called by engine/.
 */
#ifndef DAEMON_PUBLISH_FETCH_H
#define DAEMON_PUBLISH_FETCH_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/publish/objects.h"

struct conf_cert;
struct conf_repository;
struct csr;
struct fetch_op;
struct store;

struct fetch_args {			/* borrowed; copied */
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	struct store	*store;		/* keeps what was withdrawn */
	const struct conf_cert *cert;	/* borrowed; its names */
	const struct conf_repository *repository;	/* borrowed */
	const char	*serial;	/* installed here; "": none */
	time_t		 not_before, not_after;	/* of that one */
	const char	*host;		/* this one, to whom waves may say
					   wait; NULL: they do not matter */
	const char	*etag;		/* of the manifest read last; or "" */
	time_t		 published_at;	/* of the newest manifest ever seen; 0:
					   none was */
	bool		 only_look;	/* do not fetch what is new */
	EVP_PKEY	*own[2];	/* of cert->keeps_key: of which it may
					   be; taken over; NULL: none */
};

struct fetch_result {
	bool		 is_new;	/* the manifest names a newer one */
	bool		 is_held;	/* ... which other hosts take first */
	bool		 is_old_secret;	/* it is signed with the second line of
					   the secret (seal.h) */
	char		 etag[OBJECT_ETAG_SIZE];	/* of the manifest */
	char		 serial[64];	/* of the one published */
	/* Of the manifest, as there; published_at 0: it is unchanged. */
	const char	*publisher;	/* borrowed */
	time_t		 published_at, renew_at;
	/* is_new, and not only_look; borrowed: */
	EVP_PKEY	*key;		/* take EVP_PKEY_up_ref() */
	const struct csr *csr;		/* its key is that of this request, and
					   elsewhere; NULL: it is here */
	const char	*pem;		/* leaf first */
	size_t		 pem_len;
	EVP_PKEY	*second_key;	/* of a pair; NULL: it is none */
	const char	*second_pem;
};

/*
 * What is new has been checked: signature of the manifest, sizes and hashes,
 * decryption; that the chain parses, the key is the leaf's, the names are
 * those of the manifest and hold all that the configuration wants, the dates
 * are good now.  Errors: those of objects.h and manifest.h, ERR_REJECTED
 * "fetch:hash", "fetch:names", "fetch:expired", "fetch:older" (the repository
 * went back to what it had before, or to what was withdrawn since), and
 * chain_verify()'s; "fetch:key" where the host keeps its key: it is published,
 * or is another one.
 */
typedef void fetch_done_cb(const struct error *err,
    const struct fetch_result *, void *arg);

/* Is this error of a look about what is there, which is no better than ours:
 * nothing, an older one, one without our names, or one that has expired? */
bool		 fetch_found_no_better(const struct error *);

struct fetch_op	*fetch_start(const struct fetch_args *, fetch_done_cb *done,
		    void *arg);
void		 fetch_cancel(struct fetch_op *);

#endif
