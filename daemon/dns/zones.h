/* SPDX-License-Identifier: MIT */
/*
 * zones - where the TXT records of a certificate's names go (of those that are
 * proved by such a record), and who puts them there: the certificate's
 * challenge_alias, follow_cname, alias_provider and resolvers.  Looked for
 * from the beginning of a run, while the CA is asked for the order, since both
 * need several round trips.
 */
#ifndef DAEMON_DNS_ZONES_H
#define DAEMON_DNS_ZONES_H

struct conf;
struct conf_cert;
struct conf_provider;
struct dns;
struct error;
struct loop;
struct zone;
struct zones;

/* conf and dns (for certificates without resolvers) are borrowed until
 * zones_free().  kid: the account's URL, which conf_needs_kid() asks for; it
 * may be NULL else (account_label.h). */
struct zones	*zones_start(struct loop *, struct dns *,
		    const struct conf_cert *conf, const char *kid);
/* Cancels what is under way.  NULL is allowed. */
void		 zones_free(struct zones *);

/*
 * Call done once, from the loop, when all are found or have failed; NULL:
 * call nobody any more.
 */
void		 zones_wait(struct zones *, void (*done)(void *arg),
		    void *arg);
/*
 * The zone for the records of this name of the certificate, borrowed; NULL
 * and an error if it was not found.  Not before done was called, and not for
 * a name whose challenge needs no DNS.
 */
const struct zone *zones_get(const struct zones *, const char *name,
		    struct error *);
/* Who changes that zone; after zones_get() has found it. */
const struct conf_provider *zones_provider(const struct zones *,
		    const char *name);
/* Whom this certificate asks. */
struct dns	*zones_dns(const struct zones *);
/* A struct dns of the certificate's own, which was told the same as that one,
 * or NULL if it has no resolvers. */
struct dns	*zones_own_dns(const struct dns *, const struct conf_cert *);
/* Tell the DNS which zones and servers the providers name. */
void		 zones_tell(struct dns *, const struct conf *);

#endif
