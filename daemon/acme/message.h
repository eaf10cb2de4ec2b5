/* SPDX-License-Identifier: MIT */
/*
 * message - the objects of RFC 8555 section 7.1, read strictly: members that
 * must be there are, of the right type, within bounds, and every URL is one
 * that may be called (url.h).  Members that are not known are passed over.
 *
 * What returns a pointer returns an allocated object, or NULL with
 * ERR_REJECTED "acme:badReply".
 */
#ifndef DAEMON_ACME_MESSAGE_H
#define DAEMON_ACME_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/acme/objects.h"

/* Identifiers and authorizations of an order, challenges of one of these. */
#define MESSAGE_LIST_MAX 100

struct directory {
	char	*new_nonce;
	char	*new_account;
	char	*new_order;
	char	*revoke_cert;		/* NULL: it is not offered */
	char	*key_change;		/* the same */
	char	*renewal_info;		/* RFC 9773; the same */
	char	*terms;			/* NULL: none to agree to */
	bool	 eab_required;
	json_t	*profiles;		/* {NAME: description}, all printable,
					   at most MESSAGE_LIST_MAX; never
					   NULL */
	char	**caa_identities;	/* host names, lower case, at most
					   MESSAGE_LIST_MAX; NULL-terminated;
					   never NULL */
};

struct directory *message_directory(const char *text, size_t len,
		    bool allow_plain, struct error *);
void		 directory_free(struct directory *);

/*
 * Who refuses to give a directory, or gives something else, is perhaps not
 * the one that was meant: ERR_REJECTED becomes "acme:directory" and asks.
 */
void		 message_directory_doubt(struct error *);

/* url is copied. */
struct acme_order *message_order(const char *text, size_t len,
		    const char *url, bool allow_plain, struct error *);
struct acme_authz *message_authz(const char *text, size_t len,
		    bool allow_plain, struct error *);

/* RFC 3339 section 5.6, nothing before or after it: true and *out. */
bool		 message_time(const char *text, time_t *out);

/*
 * RFC 9773 section 4.2.  The end is after the start, and both are between
 * 1970 and 9999; without an explanation that is "".  retry_at is left alone.
 */
int		 message_renewal_info(const char *text, size_t len,
		    struct acme_renewal_info *, struct error *);

/*
 * Is this text with a certificate in it?  Whether it is the right one, and
 * what else there is, is not looked at: store/keys.h does.
 */
int		 message_chain(const char *text, size_t len, struct error *);

#endif
