/* SPDX-License-Identifier: MIT */
/*
 * cloud - what a cloud product that takes certificates is to acmed: a product
 * includes this header, its vendor's (clouds/aliyun.h, ...) and what requests
 * are built with (daemon/rest/).  It is an option table and tables of steps,
 * whose builders and readers are pure.  It never sees sockets, retries, time
 * limits, the journal or other targets: the runner (daemon/deploy/cloud.c)
 * owns these.  HACKING.md, "Adding a cloud product", goes through one.
 *
 * All products run one skeleton:
 *
 *	look	what is bound now?  If it is right, nothing is written;
 *	find	is this certificate in the store already?  By serial or
 *		fingerprint, never by common name: a certificate may have none,
 *		and another of the same name may be somebody else's;
 *	upload	journalled before and after, so that a reply that was lost does
 *		not make a second one;
 *	bind	and wait until the vendor shows it;
 *	remove	after `verify`: the predecessors that acmed uploaded itself, and
 *		that no target of the certificate holds any more.
 *
 * Two families: a store gives each upload an id of its own, to which what
 * serves it is bound each time; or (.is_in_place) the content of one object is
 * replaced, whose id stays, and nothing is to be bound or removed.
 *
 * What every product must hold to:
 *  - all tables may be begun again at any point, as the runner does after a
 *    failure that may pass: they read before they write;
 *  - what is read, changed and written back keeps all that is not ours;
 *  - keys are in bodies only; what the vendor says goes into the error.
 */
#ifndef CLOUDS_CLOUD_H
#define CLOUDS_CLOUD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/rest/rest.h"
#include "providers/option.h"

#define CLOUD_ID_SIZE	512		/* bytes, with the NUL */
#define CLOUD_HOSTS_MAX	50		/* entries of a list of domains */

/* The certificate that is to be served; texts are borrowed. */
struct cloud_cert {
	const char	*name;		/* of the section */
	const char *const *names;	/* in it; NULL-terminated */
	/* PEM without blank lines, a newline at the end. */
	const char	*fullchain, *leaf, *chain;
	const char	*key;		/* PKCS#8; or "BEGIN RSA PRIVATE KEY",
					   where that was refused: see
					   cloud_other_key() */
	char		*sec1_key;	/* the runner's: that other form */
	char		 sha256[65], sha1[41];	/* of the leaf, in hex */
	char		 serial[64];	/* hex */
	time_t		 not_before, not_after;
};

/* What is to be done; what the steps' functions get as user. */
struct cloud_call {
	const struct provider_values *values;	/* options of the section */
	const struct provider_values *credentials;
	const void	*service;	/* the product's .service */
	struct cloud_cert cert;
	char		 upload_name[65];	/* "acmed-NAME-FINGERPRINT" */
	/*
	 * The certificate's id in the store.  find: what is known of it, or
	 * ""; is_found says whether it holds this certificate.  In place: the
	 * object that is to be replaced, "" if it is to be made (find clears
	 * it if it is gone).  upload sets it.
	 */
	char		 id[CLOUD_ID_SIZE];
	bool		 is_found;	/* find: no upload is needed */
	bool		 is_foreign;	/* find: somebody else has uploaded it:
					   it will not be removed */
	bool		 is_known;	/* an upload of it was begun before, by
					   this target or another */
	bool		 is_begun;	/* ... and no target has it yet: it may
					   be there with an id that nobody
					   was told */
	bool		 is_right;	/* look: all is bound already */
	bool		 is_full;	/* upload: refused for the quota */
	bool		 is_in_use;	/* remove: refused, it is in use */
	const char	*bound_id;	/* what this target had the last time;
					   "" if nothing */
	const char	*old_id;	/* remove */

	/* For the product's own use. */
	bool		 is_bound[CLOUD_HOSTS_MAX];	/* by entry of a list;
					   stays from look to bind */
	int64_t		 number;	/* likewise: a version, a total */
	void		*priv;		/* .priv_size bytes, zeroed at the start
					   of a run, and wiped: tokens */
	/* Zeroed whenever a table is begun. */
	size_t		 at;		/* entry of a list */
	int64_t		 page;
	char		 cursor[1024];	/* "": the first page */
	json_t		*memo;		/* NULL; released at the end: no
					   secrets */
	void		(*say)(const struct cloud_call *, const char *line);
	/* Key and chain as PKCS#12 with an empty password, in base64; the
	 * caller frees with freezero_str().  NULL and err. */
	char		*(*pkcs12)(const struct cloud_call *, struct error *);
};

/* How a service is spoken to; of the rest_args of daemon/rest/run.h. */
struct cloud_api {
	const char	*base_url;	/* NULL: builders say preq_base() */
	bool		 plain_text;
	size_t		 max_reply;	/* 0: 2 MiB */
	/* user is a struct cloud_call *, as in steps. */
	int		(*prepare)(void *user, struct preq *, struct error *);
	bool		(*is_refusal)(void *user, const struct rest_answer *);
	void		(*failed)(void *user, const struct rest_answer *,
			    struct error *);
};

/* Where certificates are kept; several products may share one. */
struct cloud_store {
	const char	*name;		/* "aliyun-cas": part of the journal */
	const struct cloud_api *api;
	bool		 is_in_place;
	/* The option that says which of several it is ("region"); NULL: there
	   is one for each customer. */
	const char	*place;
	/* Options that together say which object it is; NULL-terminated, and
	   none if the first was not given.  NULL: each upload is a new one, or
	   the vendor says. */
	const char	*const *object;
	const struct rest_step *find;
	const struct rest_step *upload;
	const struct rest_step *remove;	/* NULL with is_in_place */
};

struct cloud {
	const char	*name;		/* cloud "NAME" */
	const char	*title;		/* "Alibaba Cloud CDN" */
	const char	*doc;		/* what it does, and what must be there
					   before; for manuals */
	const char	*policy;	/* least privilege, to paste; lines */
	const char	*example;	/* values of required options, as in a
					   file: "domains = { ... }"; lines */
	const char	*credentials;	/* type */
	const char	*scope;		/* what these are for, where the type
					   tells that apart; else NULL */
	const struct provider_opt *opts;
	/* Beyond the table; may be NULL. */
	int		(*check)(const struct provider_values *,
			    struct error *);
	size_t		 priv_size;
	/* What tells products of one family apart, which share their steps;
	 * NULL: it has steps of its own. */
	const void	*service;
	const struct cloud_store *store;
	/* Options that say what a domain belongs to, where it may belong to
	 * several: a listener.  NULL-terminated; NULL: it is in one place.
	 * within_is_whole: without domains that has one certificate. */
	const char	*const *within;
	bool		 within_is_whole;
	const struct cloud_api *api;	/* of look and bind */
	const struct rest_step *look;	/* NULL: what find says is all */
	const struct rest_step *bind;	/* NULL: there is nothing to bind */
};

/* Options of every table, after its own: what the runner obeys. */
#define CLOUD_OPTS \
	PROVIDER_BASE_OPT, \
	PROVIDER_HTTP_OPTS, \
	{ .name = NULL }
/*
 * The names that are bound.  The runner verifies them at the edge unless the
 * target says otherwise.
 */
#define CLOUD_DOMAINS "domains"

/* All products, sorted by name; the end is NULL. */
extern const struct cloud *const cloud_registry[];
/* The product of that name, or NULL. */
const struct cloud *cloud_find(const char *name);

/*
 * Small help
 */

/* For vendors with a site for China and another for all else, whose customers
 * do not see each other: the first option of their tables, and .check. */
enum { CLOUD_SITE };
#define CLOUD_SITE_OPT \
	[CLOUD_SITE] = { .name = "site", .fallback = "china", \
	    .help = "site of the account: china or international" }
int		 cloud_check_site(const struct provider_values *,
		    struct error *);
bool		 cloud_is_china(const struct cloud_call *);

/*
 * For .check, of what becomes a part of a host's name or of a path: letters,
 * digits, "-", "_", "*" and ".", but not dots only.  NULL is right.  what is
 * for the message: "the name of a bucket".
 */
int		 cloud_check_word(const char *option, const char *value,
		    const char *what, struct error *);
/* The same of each entry of a list, of which there are not more than .is_bound
 * has. */
int		 cloud_check_words(const char *option,
		    const char *const *list, const char *what,
		    struct error *);

/* The same number in hex, in whatever case, with colons or not, and with or
 * without zeros in front?  NULL is none. */
bool		 cloud_same_hex(const char *a, const char *b);
/* Is that the fingerprint, SHA-1 or SHA-256, of the certificate? */
bool		 cloud_is_print(const struct cloud_call *, const char *print);
/* Is the first certificate of that PEM ours?  NULL is none. */
bool		 cloud_is_ours(const struct cloud_call *, const char *pem);
/*
 * For the refusal of a key: take the other form of it, if it was not tried
 * yet, and answer REST_AGAIN; else REST_FAIL.
 */
enum rest_next	 cloud_other_key(struct cloud_call *);
/* Is that key one for RSA? */
bool		 cloud_is_rsa(const struct cloud_call *);
/* An answer without what it must have: REST_FAIL. */
enum rest_next	 cloud_lacks(const char *what, struct error *);
/* What an object store says in XML, Code and Message of its root, and what its
 * codes mean that are not about the request (rest.h). */
void		 cloud_judge_xml(const struct rest_code *,
		    const struct rest_answer *, struct error *);
/* The next entry of a list that is not bound yet; NULL: none is left. */
const char	*cloud_next_unbound(struct cloud_call *,
		    const char *const *list);
/* The entry at c->at is done: REST_AGAIN for the next that is not bound yet;
 * after the last REST_NEXT, and c->at is 0. */
enum rest_next	 cloud_next_domain(struct cloud_call *,
		    const char *const *list);
/* Are all of them? */
bool		 cloud_all_bound(const struct cloud_call *,
		    const char *const *list);
/* A line of progress. */
void		 cloud_say(const struct cloud_call *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

#endif
