/* SPDX-License-Identifier: MIT */
/*
 * acme - the protocol of RFC 8555 for one account at one CA: directory,
 * nonces, signed requests and their retries, one operation for each act.
 * Called by engine/.  Knows nothing of certificates' names, schedules or
 * where keys are kept.
 *
 * Inside: the directory is fetched once and kept (a day); nonces are kept in
 * a pool, the newest first, and a badNonce answer is retried with the fresh
 * nonce it carries (20 tries); a request that failed for a passing reason
 * (connection, time limit, 5xx without a problem document that says
 * otherwise) is retried 2 times, after 1 and 3 seconds, before its operation
 * fails.  A 404 of an order, or of what belongs to it, may be a replica's
 * that is behind: it is asked for 4 times more, after 1, 2, 4 and 8 seconds,
 * before it is ERR_REJECTED "acme:not-found".  A 429, or any answer with an
 * error and Retry-After, ends the operation with ERR_RATELIMIT and retry_at.
 */
#ifndef DAEMON_ACME_ACME_H
#define DAEMON_ACME_ACME_H

#include <jansson.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/acme/objects.h"

struct acme;
struct acme_op;
struct ca_clock;
struct error;
struct http;
struct loop;
struct tally;

struct acme_args {			/* borrowed; copied */
	const char	*directory;	/* URL */
	const char	*ca_file;	/* NULL: the system's */
	const char	*proxy;		/* as in http_args */
	EVP_PKEY	*key;		/* account key; one more reference is
					   taken */
	const char	*kid;		/* account URL if known; or NULL */
	const char *const *contact;	/* NULL-terminated; may be NULL */
	bool		 agree_tos;
	const char	*eab_kid;	/* NULL: none */
	const char	*eab_hmac_key;	/* base64url, as the CA gave it */
	struct tally	*tally;		/* of requests; NULL: none.  It stays
					   the caller's */
};

struct acme	*acme_new(struct loop *, struct http *,
		    const struct acme_args *);
/* All operations must be finished or cancelled before; the last one's done may
 * call it. */
void		 acme_free(struct acme *);

/*
 * key authorization -> TXT value of dns-01 (RFC 8555 section 8.4), 43
 * characters and a NUL, or "".
 */
#define ACME_TXT_SIZE 44
void		 acme_dns01_value(const struct acme *, const char *token,
		    char out[ACME_TXT_SIZE]);
void		 acme_dns01_value_of(const char *key_authorization,
		    char out[ACME_TXT_SIZE]);

/* What http-01 serves for a token (RFC 8555 section 8.1); the caller frees.
 * "" before there is an account. */
char		*acme_key_authorization(const struct acme *,
		    const char *token);

/* What the directory offered when it was last read: {NAME: description}, all
 * printable; NULL: it has not been read.  Borrowed, until the next turn of the
 * loop. */
const json_t	*acme_profiles(const struct acme *);

/*
 * Problem documents (RFC 7807, RFC 8555 section 6.7) become ERR_REJECTED (or
 * ERR_RATELIMIT, ERR_TRANSIENT for serverInternal, ERR_CONFIG for
 * externalAccountRequired, userActionRequired, unauthorized accounts, and
 * contacts or keys that the CA does not take) with code "acme:TYPE" and, in
 * the message, type, detail and every subproblem with its identifier.  Other
 * answers are "acme:http-STATUS", ERR_TRANSIENT for 5xx, else ERR_REJECTED.  A
 * reply that cannot be read is ERR_REJECTED "acme:badReply".  Without a kid all
 * but the account's operation fail with ERR_INTERNAL "acme:no-account".
 */
typedef void acme_account_cb(const struct error *err, const char *kid,
    void *arg);
typedef void acme_order_cb(const struct error *err,
    const struct acme_order *order, void *arg);
typedef void acme_authz_cb(const struct error *err,
    const struct acme_authz *authz, void *arg);
typedef void acme_cert_cb(const struct error *err,
    const struct acme_cert *cert, void *arg);
typedef void acme_renewal_info_cb(const struct error *err,
    const struct acme_renewal_info *, void *arg);
typedef void acme_cb(const struct error *err, void *arg);
/* 0: the request may be sent; -1: it ends with that error instead. */
typedef int acme_may_cb(struct error *err, void *arg);

/*
 * Find or create the account (newAccount answers 200 for a known key), or do
 * nothing if the kid is known already.  kid is the URL to remember.
 * ERR_CONFIG "acme:tos" names the terms' URL if agree_tos is not set.
 * Concurrent calls share one request.
 */
struct acme_op	*acme_account_start(struct acme *, acme_account_cb *,
		    void *arg);
/*
 * Is there an account of this key, and may it be used?  Asks the CA and makes
 * none (RFC 8555 section 7.3.1, onlyReturnExisting).  ERR_CONFIG
 * "acme:accountDoesNotExist", "acme:account-status", "acme:unauthorized".
 */
struct acme_op	*acme_account_find_start(struct acme *, acme_account_cb *,
		    void *arg);
/* Tell the CA whom to contact now: acme_args' contact, which may be nobody
 * (RFC 8555 section 7.3.2). */
struct acme_op	*acme_account_update_start(struct acme *, acme_cb *,
		    void *arg);
/* What the CA says of the account now (RFC 8555 section 7.1.2); borrowed. */
typedef void acme_object_cb(const struct error *err, const json_t *object,
    void *arg);
struct acme_op	*acme_account_get_start(struct acme *, acme_object_cb *,
		    void *arg);
/* Nothing can be done with it any more (RFC 8555 section 7.3.6). */
struct acme_op	*acme_account_deactivate_start(struct acme *, acme_cb *,
		    void *arg);
/*
 * Give the account another key (RFC 8555 section 7.3.5).  After success this
 * struct acme, whose key is the old one, is of no use any more.  After an error
 * other than ERR_REJECTED and ERR_CONFIG it may have been done all the same.
 * ERR_REJECTED "acme:no-key-change" if the CA offers none.
 */
struct acme_op	*acme_key_change_start(struct acme *, EVP_PKEY *new_key,
		    acme_cb *, void *arg);
/* Forget the kid after accountDoesNotExist: the next account op creates it. */
void		 acme_account_forget(struct acme *);

/*
 * Have the CA's clock looked at, before an order: asks for a nonce, which the
 * order uses, if it has not answered within the minute.
 */
struct acme_op	*acme_clock_start(struct acme *, acme_cb *, void *arg);
/* What its clock shows, by its last answers; borrowed. */
const struct ca_clock *acme_clock(const struct acme *);

/* Does its directory, as far as read, offer renewalInfo (RFC 9773)? */
bool		 acme_offers_renewal_info(const struct acme *);

struct acme_order_args {		/* borrowed; copied */
	const char *const *names;	/* may begin with "*." */
	size_t		 n_names;
	const char	*replaces;	/* ARI-ID of the certificate that the
					   new one is for, or NULL; only sent
					   to a CA that offers renewalInfo */
	const char	*profile;	/* or NULL; only sent to a CA that
					   offers it */
	bool		 needs_profile;	/* no order of one that does not:
					   ERR_REJECTED "acme:invalidProfile"
					   says what it offers */
	acme_may_cb	*may;		/* asked when its turn has come; or
					   NULL */
};
/* newOrder.  Several wait for the answers of the first (turns.h). */
struct acme_op	*acme_order_new_start(struct acme *,
		    const struct acme_order_args *, acme_order_cb *,
		    void *arg);
struct acme_op	*acme_order_get_start(struct acme *, const char *url,
		    acme_order_cb *, void *arg);
struct acme_op	*acme_authz_get_start(struct acme *, const char *url,
		    acme_authz_cb *, void *arg);
/* "I am ready": POST {} to the challenge. */
struct acme_op	*acme_challenge_start(struct acme *, const char *url,
		    acme_cb *, void *arg);
/*
 * csr is DER.  An answer that cannot be read is ERR_TRANSIENT: the CA may be at
 * it, and the order may tell.
 */
struct acme_op	*acme_finalize_start(struct acme *, const char *url,
		    const void *csr, size_t csr_len, const char *order_url,
		    acme_order_cb *, void *arg);
struct acme_op	*acme_cert_start(struct acme *, const char *url,
		    acme_cert_cb *, void *arg);
/*
 * When the CA would like the certificate of that ARI-ID to be renewed.
 * Unsigned; works without an account.  ERR_REJECTED "acme:no-renewal-info" if
 * it offers no such service: nothing is asked then, but for the directory.
 */
struct acme_op	*acme_renewal_info_start(struct acme *, const char *ari_id,
		    acme_renewal_info_cb *, void *arg);
/*
 * Revoke a certificate (RFC 8555 section 7.6) for that reason of RFC 5280,
 * section 5.3.1; key NULL: the account asks, else the certificate's key, which
 * needs no account.  One that is revoked already is as good.  ERR_REJECTED
 * "acme:no-revocation" if the CA offers none.
 */
struct acme_op	*acme_revoke_start(struct acme *, const void *der,
		    size_t der_len, int reason, EVP_PKEY *key, acme_cb *,
		    void *arg);
/* Any of the above; NULL is allowed. */
void		 acme_cancel(struct acme_op *);

/*
 * In done, with an error: the identifiers that it is about, as the CA's
 * subproblems tell (RFC 8555 section 6.7.1), NULL-terminated; NULL: it names
 * none.  They die on return.
 */
char *const	*acme_refused(const struct acme *);

/* Requests sent to this CA, every retry and nonce counted. */
unsigned long	 acme_requests(const struct acme *);

#endif
