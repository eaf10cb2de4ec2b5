/* SPDX-License-Identifier: MIT */
/*
 * certs - the table of certificates: the rows of state.db joined with the
 * configuration in force.  All rooms above read it; when a certificate is
 * worked at is the engine's to say.
 */
#ifndef DAEMON_CERTS_CERTS_H
#define DAEMON_CERTS_CERTS_H

#include <jansson.h>

#include "daemon/certs/cert.h"
#include "daemon/certs/cert_names.h"

struct cert_info;
struct error;

/* With all rows of state.db; nothing is configured yet. */
struct certs	*certs_new(struct loop *, struct store *);
/* The rooms have given up what they keep in them. */
void		 certs_free(struct certs *);
/*
 * Join the table with a configuration, which is kept; the one before is still
 * there.  report NULL, or lists of the names that were added, removed and
 * changed.
 */
void		 certs_apply(struct certs *, const struct conf *,
		    json_t *report);
/* The certificate of that name, or NULL. */
struct cert	*certs_find(const struct certs *, const char *name);
/* That, which is made if there is none: it is not configured then. */
struct cert	*certs_add(struct certs *, const char *name);
/* Let the engine look at all certificates in the next turn. */
void		 certs_changed(struct certs *);
/* At this one. */
void		 cert_changed(struct cert *);

/*
 * May this daemon work at it now (struct certs, held)?  Asked before each act
 * that must not be done by two: an order, a TXT record, a new version.  What is
 * only tried, or is of no certificate in the table, may be.  0; or -1 and
 * ERR_TRANSIENT "cluster:fenced".
 */
int		 certs_check_held(const struct certs *, const char *name,
		    struct error *);
/* Is that error of what daemons share, so that the certificate has not failed:
 * another one has it, or the cluster cannot be asked? */
bool		 certs_is_shared_error(const struct error *);

/* Of the installed certificate; "" if there is none. */
const char	*cert_serial(const struct cert *);
/* The row gets its serial, issuer, dates and type of key. */
void		 cert_take_info(struct cert *, const struct cert_info *);
/* Put the row into state.db (the transaction of this turn). */
void		 cert_save(struct cert *);
/* The order under way is of no use any more; not saved.  What it counted for is
 * given back where the CA was never asked to issue from it. */
void		 cert_order_forget(struct cert *);
/* Does a person want no renewal now? */
bool		 cert_is_paused(const struct cert *, time_t now);
/* Drop one that is not configured, and that no room has anything of. */
void		 certs_remove(struct certs *, struct cert *);

#endif
