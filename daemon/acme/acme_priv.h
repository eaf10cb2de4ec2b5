/* SPDX-License-Identifier: MIT */
/*
 * acme_priv - what acme.c (what all operations share), account.c, orders.c and
 * renewal_info.c (the operations) know together.
 */
#ifndef DAEMON_ACME_ACME_PRIV_H
#define DAEMON_ACME_ACME_PRIV_H

#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/acme/acme.h"
#include "daemon/acme/client.h"
#include "daemon/acme/turns.h"
#include "daemon/io/loop.h"

struct act;
TAILQ_HEAD(acme_ops, acme_op);

struct acme {
	struct loop	*loop;
	struct client	*client;
	EVP_PKEY	*key;
	char		*directory;
	char		*thumbprint;		/* NULL: no key of ours */
	char		*kid;			/* NULL: not known yet */
	char		**contact;		/* NULL-terminated; or NULL */
	bool		 agree_tos;
	char		*eab_kid, *eab_hmac_key;
	struct client_op *account_request;	/* for all of: */
	struct acme_ops	 account_ops;
	struct turns	 turns;
	char		**refused;		/* acme_refused() */
};

struct acme_op {
	struct acme	*acme;
	const struct act *act;
	struct client_op *request;
	struct timer	 later;		/* ends the operation from the loop */
	struct error	*err;		/* what it then tells; NULL: success */
	char		*url;		/* of the object asked for; or the kid
					   that is told */
	union {
		acme_account_cb	*account;
		acme_order_cb	*order;
		acme_authz_cb	*authz;
		acme_cert_cb	*cert;
		acme_cb		*plain;
		acme_object_cb	*object;
		acme_renewal_info_cb *renewal;
	} done;
	void		*arg;
	char		*replaces;	/* of a newOrder, or NULL */
	char		*profile;	/* the same */
	bool		 needs_profile;	/* no order without it */
	bool		 lacks_profile;	/* the CA does not offer it */
	EVP_PKEY	*new_key;	/* of a key change, or NULL */
	acme_may_cb	*may;		/* the same */
	char		*target, *payload;	/* of the request; target NULL:
					   newOrder */
	struct turn	 turn;
	TAILQ_ENTRY(acme_op) link;	/* in account_ops */
	bool		 is_waiting;	/* is it there? */
};

/* What one kind of operation does with the end of its request. */
struct act {
	const char	*what;		/* "new order": begins every error */
	const char	*accept;
	size_t		 max_reply;
	unsigned	 timeout_ms;
	bool		 may_lag;	/* as in client_request */
	enum turn_kind	 turn;
	/* From the payload given and the directory; or NULL. */
	client_payload_cb *make_payload;
	/* A 2xx answer came. */
	void	(*answer)(struct acme_op *, const struct http_reply *);
	/* Call done with the error. */
	void	(*tell_error)(struct acme_op *, const struct error *);
	/*
	 * May make something else of a failure: true if it did.  NULL: it
	 * never does.
	 */
	bool	(*recover)(struct acme_op *, const struct error *,
		    bool was_lost);
};

struct acme_op	*op_new(struct acme *, const struct act *, void *arg);
/* Cancel what it is doing and free it. */
void		 op_free(struct acme_op *);
/* Tell the error and free it. */
void		 op_fail(struct acme_op *, const struct error *);
/*
 * Begin its signed request; without a kid it fails in the next turn, with
 * op->err if that is set.  url NULL: newOrder.  payload "": POST-as-GET.
 */
void		 op_post(struct acme_op *, const char *url,
		    const char *payload);
/* client_done_cb of every operation but the account's; arg is the op. */
void		 op_request_done(const struct error *err,
		    const struct client_result *, void *arg);
/* .tell_error and .answer of those that only tell whether it went well. */
void		 op_tell_plain_error(struct acme_op *, const struct error *);
void		 op_plain_answer(struct acme_op *, const struct http_reply *);

#endif
