/* SPDX-License-Identifier: MIT */
/*
 * client - requests, nearly all signed, to one CA: the directory, the pool
 * of nonces, the queue of requests that wait for either, and the retries that
 * acme.h promises.  Called by acme.c, one level above http.
 */
#ifndef DAEMON_ACME_CLIENT_H
#define DAEMON_ACME_CLIENT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct ca_clock;
struct client;
struct client_op;
struct directory;
struct error;
struct http;
struct http_reply;
struct loop;
struct tally;

struct client_args {			/* borrowed; copied */
	const char	*directory;
	const char	*ca_file;
	const char	*proxy;
	EVP_PKEY	*key;		/* one more reference is taken */
	struct tally	*tally;		/* of requests, or NULL; borrowed */
};

struct client	*client_new(struct loop *, struct http *,
		    const struct client_args *);
/* All operations must be finished or cancelled before. */
void		 client_free(struct client *);

enum client_target {
	CLIENT_URL,			/* the url of the request */
	CLIENT_NEW_ACCOUNT,
	CLIENT_NEW_ORDER,
	/* The directory may have none of these: make_payload looks. */
	CLIENT_REVOKE_CERT,
	CLIENT_KEY_CHANGE,
	/*
	 * A GET without signature or nonce, url being the ARI-ID.  Fails with
	 * ERR_REJECTED "acme:no-renewal-info" where the CA offers none.
	 */
	CLIENT_RENEWAL_INFO,
	/*
	 * Nothing is sent, but for a nonce (which is kept) if the CA has not
	 * answered within the minute: then client_clock() is of now.  The
	 * result has no reply.
	 */
	CLIENT_LOOK_AT_CLOCK
};

/*
 * The payload (JSON, or "" for POST-as-GET), made when the directory is
 * known; the caller of the function frees.  arg is that of done.  NULL and
 * *err end the request before anything is sent.
 */
typedef char *client_payload_cb(const struct directory *, void *arg,
    struct error *err);

struct client_request {			/* borrowed; copied */
	const char	*what;		/* "new order": begins every error; a
					   literal */
	enum client_target target;
	const char	*url;		/* of CLIENT_URL */
	const char	*kid;		/* NULL: signed with the public key */
	EVP_PKEY	*key;		/* NULL: the account's; one more
					   reference is taken */
	const char	*payload;	/* or: */
	client_payload_cb *make_payload;
	const char	*accept;	/* a literal, or NULL */
	size_t		 max_reply;
	unsigned	 timeout_ms;	/* of one try */
	bool		 is_doubtful;	/* "serverInternal" is not tried again:
					   the caller has something else */
	bool		 may_lag;	/* a 404 may pass: the object is new,
					   and not every server of the CA
					   knows it.  ERR_REJECTED
					   "acme:not-found" if it stays */
};

struct client_result {
	/*
	 * The answer, always 2xx; NULL if there is an error, or nothing was
	 * asked.  It dies on return.
	 */
	const struct http_reply *reply;
	/*
	 * The answer of at least one try was lost, so that it may have done
	 * its work at the CA although a later one (or none) was answered.
	 */
	bool		 was_lost;
	/* The identifiers that the CA's refusal is about, NULL-terminated;
	   NULL: it names none.  They die on return. */
	char *const	*refused;
};

typedef void client_done_cb(const struct error *err,
    const struct client_result *, void *arg);

struct client_op *client_start(struct client *, const struct client_request *,
		    client_done_cb *, void *arg);
void		 client_cancel(struct client_op *);

/* May URLs of this CA be http? */
bool		 client_allows_plain(const struct client *);
/* As it was last read, or NULL. */
const struct directory *client_directory(const struct client *);
/* It may be wrong, or old: the next request reads it again. */
void		 client_doubt_directory(struct client *);
unsigned long	 client_requests(const struct client *);
/* By its answers to signed requests, and to those for nonces. */
const struct ca_clock *client_clock(const struct client *);

#endif
