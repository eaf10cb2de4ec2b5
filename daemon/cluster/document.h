/* SPDX-License-Identifier: MIT */
/*
 * document - what the daemons of a cluster tell each other of one certificate,
 * account, budget or hold: a JSON object, sealed (store/seal.h) for the key it
 * lies at.  Pure; whatever is read is bounded, and of the right types.
 */
#ifndef DAEMON_CLUSTER_DOCUMENT_H
#define DAEMON_CLUSTER_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/store.h"

struct error;

/* Larger ones are refused: etcd takes requests of 1.5 MiB. */
#define DOCUMENT_MAX (1u << 20)
/* More TXT records than that no certificate has. */
#define DOCUMENT_TXT_MAX 1000
#define DOCUMENT_MISSING_MAX 100	/* nor names that fail */

/* All that a daemon needs to go on with a certificate where another was. */
struct document {
	/* What the members in document.c say; the rest is each daemon's own,
	 * and NULL or 0. */
	struct store_cert row;
	char		*key;		/* pending: PEM, or NULL */
	char		*chain;		/* likewise */
	char		*csr;		/* likewise, where its host has the
					   key */
	char		*request;	/* what that host asks for (PEM), or
					   NULL; */
	time_t		 request_at;	/* ... and when it has made it */
	struct store_txt *txt;		/* each with a handle of its own */
	size_t		 n_txt;
	struct store_missing *missing;	/* names that fail */
	size_t		 n_missing;
	/* Of a pair, where one is issued (certs/pair.h). */
	struct document_first {
		char	*names;		/* NULL: there is none */
		char	*account, *profile;
		char	*key, *chain;	/* PEM */
		time_t	 at;
	} first;
	/* The version that hosts take in waves; serial "": none is known, as
	 * by older acmeds. */
	struct store_wave wave;
};
void		 document_clear(struct document *);
/* Has somebody to go on with it: an order, the second of a pair, or records to
 * be removed? */
bool		 document_is_open(const struct document *);
json_t		*document_json(const struct document *);
/* ERR_REJECTED "cluster:document", and *d is empty. */
int		 document_read(const json_t *, struct document *,
		    struct error *);
/*
 * What of it says how another daemon fares with the certificate (failures,
 * pause, ARI of the same certificate) becomes the row's; or, with all, what an
 * order goes on with, too.  What is installed stays the row's own.  true: the
 * row is another one now.
 */
bool		 document_apply(const struct document *, struct store_cert *row,
		    bool all);

struct account_document {
	char		*key, *next;	/* PEM; next NULL: no change of it is
					   under way */
	char		*kid, *contact;	/* NULL: not registered, not known */
	char		*by;		/* the member that made the key */
};
void		 account_document_clear(struct account_document *);
json_t		*account_document_json(const struct account_document *);
int		 account_document_read(const json_t *,
		    struct account_document *, struct error *);

json_t		*budget_document_json(const struct store_budget *);
/* Its texts are the object's. */
int		 budget_document_read(const json_t *, struct store_budget *,
		    struct error *);

json_t		*hold_document_json(const struct store_hold *);
int		 hold_document_read(const json_t *, struct store_hold *,
		    struct error *);

/* Seal an object, which is taken, for that key; the caller frees. */
char		*document_close(const char *secret, const char *key, json_t *,
		    size_t *len);
/* The object sealed there; the caller decrefs.  NULL and ERR_REJECTED
 * "seal:open", "json:syntax" or "cluster:document". */
json_t		*document_open(const char *secret, const char *key,
		    const void *sealed, size_t len, struct error *);

#endif
