/* SPDX-License-Identifier: MIT */
/* objects - what a CA's answers tell of (RFC 8555 section 7.1, RFC 9773). */
#ifndef DAEMON_ACME_OBJECTS_H
#define DAEMON_ACME_OBJECTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct error;

enum acme_status {			/* RFC 8555 section 7.1.6 */
	ACME_PENDING,
	ACME_READY,
	ACME_PROCESSING,
	ACME_VALID,
	ACME_INVALID,
	ACME_DEACTIVATED,
	ACME_EXPIRED,
	ACME_REVOKED,
	ACME_STATUS_END
};
const char	*acme_status_name(enum acme_status);

struct acme_order {
	enum acme_status status;
	char		*url;
	/* What some CAs leave out where they think that it is not needed: */
	char		**authz_urls;	/* NULL-terminated */
	size_t		 n_authz;	/* may be 0 */
	char		*finalize_url;	/* may be NULL */
	char		*cert_url;	/* NULL until valid, and with some a
					   moment longer */
	time_t		 retry_at;	/* Retry-After of this answer, or 0 */
	struct error	*error;		/* NULL if there is none; its kind says
					   what a new order is worth */
	char		**refused;	/* identifiers that error is about,
					   NULL-terminated; NULL: not told */
	time_t		 expires;	/* 0: it does not say */
	bool		 lacks_profile;	/* a new order's: the CA does not offer
					   the one that was wanted */
};

struct acme_challenge {
	char		*type;		/* "dns-01" */
	char		*url;
	char		*token;		/* checked: base64url, <= 256; NULL if
					   its type has none, as neither dns-01,
					   dns-account-01 nor http-01 may */
	char		**issuers;	/* dns-persist-01: the CA's names, 1 to
					   10, NULL-terminated; else NULL */
	char		*account_uri;	/* ... how the CA calls the account, if
					   it says so; else NULL */
	enum acme_status status;
	struct error	*error;		/* NULL if there is none; ERR_REJECTED
					   with the CA's words */
};

struct acme_authz {
	enum acme_status status;
	char		*identifier;	/* without "*." */
	bool		 wildcard;
	struct acme_challenge *challenges;	/* of every type */
	size_t		 n_challenges;
	time_t		 retry_at;
	time_t		 expires;	/* 0: it does not say */
};

struct acme_cert {
	char		*pem;		/* leaf first, then the chain */
	size_t		 pem_len;
	char		**alternates;	/* Link rel="alternate" URLs;
					   NULL-terminated, never NULL */
};

struct acme_renewal_info {		/* RFC 9773 section 4.2 */
	time_t		 start, end;	/* the window; end is the later */
	char		 explanation[512];	/* URL for a person, printable;
						   or "" */
	time_t		 retry_at;	/* when to ask again: in a minute to a
					   day, 6 hours if the CA is silent */
};

/* The names in what a directory offers, {NAME: description}, as "classic,
 * tlsserver", or "none"; the caller frees. */
char		*profiles_text(const json_t *profiles);

/* Owned copies of what a done function only borrows. */
struct acme_order *acme_order_dup(const struct acme_order *);
void		 acme_order_free(struct acme_order *);
struct acme_authz *acme_authz_dup(const struct acme_authz *);
void		 acme_authz_free(struct acme_authz *);

#endif
