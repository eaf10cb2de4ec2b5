/* SPDX-License-Identifier: MIT */
/*
 * client_priv - what client.c, signed requests and their queue, shares with
 * client_fetch.c, which gets the directory and nonces for them.
 */
#ifndef DAEMON_ACME_CLIENT_PRIV_H
#define DAEMON_ACME_CLIENT_PRIV_H

#include <openssl/types.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/acme/client.h"
#include "daemon/acme/nonces.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"

struct fetch;

enum op_state {
	OP_QUEUED,		/* waits for the directory or a nonce */
	OP_SENT,
	OP_PAUSED,		/* before it is tried again */
	OP_DONE,		/* waits to be told so */
	OP_FAILED		/* the same of op->err */
};

struct client_op {
	TAILQ_ENTRY(client_op)	 link;
	struct client		*client;
	enum op_state		 state;
	struct http_op		*http;
	int64_t			 sent_ms;	/* monotonic */
	struct timer		 retry;
	size_t			 n_retries, n_lags;
	unsigned		 n_bad_nonces;
	bool			 was_lost;
	struct client_request	 request;	/* without its strings: */
	char			*url, *kid, *payload;
	struct error		 err;
	char			**refused;
	client_done_cb		*done;
	void			*arg;
};

struct client {
	struct loop		*loop;
	struct http		*http;
	char			*url;		/* of the directory */
	char			*ca_file, *proxy;
	bool			 allow_plain;
	EVP_PKEY		*key;
	struct directory	*directory;
	time_t			 directory_at;
	struct fetch		*directory_fetch;
	struct nonces		 nonces;
	bool			 nonce_by_get;	/* HEAD is refused */
	int64_t			 nonce_ms;	/* clock_boot_ms() of the last;
						   0: none since the CA last
						   failed */
	TAILQ_HEAD(, fetch)	 nonce_fetches;
	size_t			 n_nonce_fetches;
	TAILQ_HEAD(, client_op)	 ops;		/* oldest first */
	struct timer		 pump;
	unsigned long		 n_requests;
	struct tally		*tally;
	struct ca_clock		 clock;
	int64_t			 answered_ms;	/* clock_boot_ms(); 0: never */
};

/* What passes in a moment is tried again after these. */
extern const int64_t client_retry_ms[];
#define CLIENT_RETRIES 2

struct http_op	*client_send(struct client *, struct http_args *,
		    http_done_cb *done, void *arg);
/* 0 if there is an answer and it is 2xx; else why not. */
int	client_check(const struct error *http_err, const struct http_reply *,
	    struct error *);
/* Keep what nonce a reply (NULL: none came) carries. */
bool	client_keep_nonce(struct client *, const struct http_reply *);
/* A request sent then (monotonic) has ended: it is counted. */
void	client_count(struct client *, int64_t sent_ms, const struct error *);
/* The CA itself has answered now, or (NULL) nobody has. */
void	client_keep_clock(struct client *, const struct http_reply *);
/* The operation fails in a turn of its own. */
void	client_fail_later(struct client_op *, const struct error *);
bool	client_is_signed(const struct client_op *);

/* Get the directory, or one more nonce; who waits is told by the pump. */
void	client_fetch_directory(struct client *);
void	client_fetch_nonce(struct client *);
/* Of whatever is under way. */
void	client_fetch_cancel(struct client *);

#endif
