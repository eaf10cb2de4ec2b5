/* SPDX-License-Identifier: MIT */
/*
 * provider - what a DNS provider is to acmed: a provider includes this header,
 * and what else it needs from providers/ (records.h, sign.h, xml.h, schemes).
 * It is an option table, and two step tables (REST APIs) or a pair of start
 * and cancel functions (all others).  It never sees sockets, retries, time
 * limits, the guessing of zones, the locks or the journal: the runner
 * (daemon/dns/provider_run.h) owns those.
 *
 * To add one: providers/NAME.c with `const struct provider provider_NAME`,
 * one line in providers/Makefile.inc, a fake of the API in
 * tests/lab/vendors/NAME.py.  doc/adding-a-provider.md walks through one.
 *
 * What every provider must hold to:
 *  - add puts one TXT value at a name and touches no other value there; a
 *    value that is there already is success;
 *  - remove takes exactly that value away; a value that is gone already is
 *    success.  It works from (zone, name, value) alone: the handle kept from
 *    add is a hint that a crash may have lost;
 *  - both may be begun again at any point: after a time limit or an HTTP 503
 *    nobody knows what the vendor has done, and the runner repeats the call
 *    from its first step;
 *  - what the vendor says goes into the error in the vendor's words;
 *  - ids are opaque strings: copy them with jsonx_copy_str().
 *
 * Common shapes of APIs, and how they are expressed:
 *  - one object per value: the steps of providers/records.h, a table, and
 *    three small functions.  See digitalocean.c;
 *  - whole RRsets: .takes_batch, so that all values go in one write; read the
 *    set, write it with the values, answer REST_REPEAT if somebody else
 *    was faster (a precondition failed, the set read back lacks a value).
 *    See pdns.c;
 *  - a change that takes time: a last step that asks for it, REST_POLL;
 *  - long lists: REST_AGAIN with the next page in priv;
 *  - signatures: .prepare, which sees method, host, path, query, headers and
 *    body as they will be sent (daemon/rest/preq.h);
 *  - tokens to be fetched first: a first step that skips itself while
 *    c->keep holds a good one;
 *  - XML or text: .plain_text, then read a->body;
 *  - HTTP 200 for everything: .is_refusal;
 *  - one value per name, or two, or one call at a time, or one a second:
 *    .max_values, .max_calls, .gap_ms.
 */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/rest/rest.h"
#include "providers/option.h"

struct provider_env;
struct provider_records;

/*
 * The call
 */

#define PROVIDER_HANDLE_SIZE 256	/* bytes, with the NUL */
#define PROVIDER_ZONE_ID_SIZE 256

/* How far a list was read, and what was found (providers/records.h). */
struct provider_list {
	long		 ttl;		/* of the records at the name, where a
					   vendor wants one for all; 0: none */
	int64_t		 page;		/* pages read */
	int64_t		 seen;		/* entries on them */
	char		 cursor[256];	/* to the next page; "": the first */
	char		 id[64];	/* of our record */
	bool		 is_ttl_raised;	/* it was too low for the vendor */
	char		 refusal[300];	/* of a create, to be looked into */
	char		 exists[300];	/* what was said of a value that is
					   there already */
};

/* Where a change went, as far as it is known: "" if it is not. */
struct provider_changed {
	char		 zone[256];	/* canonical */
	char		 server[340];	/* a name server, for messages */
	bool		 may_be;	/* a request that changes something was
					   answered well, or not at all */
};

/* What is to be done.  All names are canonical, without a final dot. */
struct provider_call {
	bool		 is_add;
	const struct provider_values *values;	/* options */
	const char	*provider;	/* the configured name, for messages */
	const char	*cert;		/* its name, for exec's environment */
	const char	*identifier;	/* the name being proved, no "*." */
	const char	*fqdn;		/* where the TXT value goes (CNAMEs are
					   already followed) */
	const char	*zone;		/* REST: the zone to try, never "" (the
					   configured one, else a suffix of
					   fqdn).  Others: the configured one,
					   else the apex seen in the DNS, else
					   "" */
	const char	*value;		/* the TXT value, unquoted; with is_caa
					   a CAA record as in a zone file:
					   0 issue "ca.example" */
	bool		 is_caa;	/* it is no TXT record; only with
					   .takes_caa */
	const char *const *batch;	/* with .takes_batch all values of this
					   name, else only value */
	size_t		 n_batch;	/* at least 1; batch[0] is value */
	size_t		 n_after;	/* values of this name still to come
					   after this call */
	size_t		 n_left;	/* the same, of all names of this
					   certificate with this provider */
	const char	*all_identifiers;	/* of these names, with commas:
					   "a.example,b.example" */
	const char	*handle;	/* kept from add; "" if unknown.  add:
					   with .wants_key_auth the challenge's
					   key authorization, which is kept at
					   once */

	/* For the provider's own use. */
	const struct provider_records *records;	/* the provider's */
	struct provider_list list;	/* zeroed as priv is */
	void		*priv;		/* priv_size bytes; zeroed whenever the
					   first step is begun */
	json_t		*memo;		/* likewise: NULL at the first step;
					   what a step puts there is kept to
					   the last, then released */
	void		*keep;		/* keep_size bytes, zeroed once; one
					   for each configured provider, until
					   its options change; wiped */
	struct provider_changed *changed;	/* for all that are not REST to
					   fill in; NULL: nobody asks */
	char		*zone_id;	/* PROVIDER_ZONE_ID_SIZE bytes.  "" or
					   what an earlier call put there for
					   this zone: then a "find zone" step
					   may skip itself */
	char		*new_handle;	/* add: room for a handle to keep, also
					   if it fails; a batch has one for all
					   values */
	size_t		 new_handle_size;	/* .handle_size */
};

/*
 * The steps of a REST provider
 */

struct provider_step {
	const char	*name;		/* "find zone", for messages */

	/*
	 * Build the request; -1 and err if that cannot be done.  A builder
	 * that returns without having called preq_start() skips the step.
	 */
	int	(*request)(struct provider_call *, struct preq *,
		    struct error *);

	/* Read an answer with status 2xx.  NULL: REST_NEXT. */
	enum rest_next (*reply)(struct provider_call *,
		    const struct rest_answer *, struct error *);

	/*
	 * Read a refusal (any other status, or as .is_refusal says) that may
	 * be no failure: 404 of a zone or of a record to be removed, "exists
	 * already".  err is filled when it is called, so that REST_FAIL
	 * is all there is to do about others.  NULL: REST_FAIL.
	 */
	enum rest_next (*refused)(struct provider_call *,
		    const struct rest_answer *, struct error *);
};

/*
 * Asynchronous providers: the convention of ARCHITECTURE.md section 6.  call
 * stays valid until done or cancel.  The runner ends an operation that takes
 * too long by cancelling it.
 */
typedef void provider_done_cb(const struct error *err, void *arg);
struct provider_op;

struct provider {
	const char	*name;		/* type = "NAME" */
	const char	*title;		/* "Cloudflare" */
	const char	*doc;		/* where credentials come from and the
					   least privilege they need */
	const struct provider_opt *opts;
	const char	*credentials;	/* type of credentials (credentials.h)
					   that may stand for the options of
					   the same names; NULL: none */
	const char	*scope;		/* what these are for, where the type
					   tells that apart; else NULL */
	/* Beyond the table: a check of options together; may be NULL. */
	int	(*check)(const struct provider_values *, struct error *);

	size_t		 keep_size;
	size_t		 handle_size;	/* 0: PROVIDER_HANDLE_SIZE */
	bool		 cannot_remove;	/* values stay until others take their
					   place: the engine must not wait for
					   their absence */
	bool		 no_standing;	/* only holds what it is given while a
					   challenge is on: no record that is
					   to stay, at a name of its own */
	bool		 takes_batch;	/* all values of a name in one call */
	bool		 takes_caa;	/* the same calls write CAA records, for
					   acmectl check --write-caa */
	bool		 no_retry;	/* never repeat a failed call */
	unsigned	 max_values;	/* a name can hold; 0: any number */
	bool		 shares_values;	/* ... all names of one zone together */
	unsigned	 max_calls;	/* at once; 0: 8.  1 where whole zones
					   are replaced */
	unsigned	 propagation_s;	/* seconds until all of the vendor's
					   servers may show a change: the
					   default of propagation_timeout; 0:
					   600 */

	/* What depends on options; each may be NULL. */
	/* As max_calls, but goes before it if it is not 0. */
	unsigned (*calls_at_once)(const struct provider_values *);
	/* Milliseconds that one call may take, instead of what the engine
	   allows for all: it ends by itself then. */
	unsigned (*call_ms)(const struct provider_values *);
	/* Does it need the key authorization (RFC 8555 section 8.1)? */
	bool	(*wants_key_auth)(const struct provider_values *);

	/* REST: base_url and the step tables, each ended by .name NULL. */
	const char	*base_url;	/* NULL: the option is required */
	size_t		 priv_size;
	unsigned	 gap_ms;	/* least time between two requests */
	size_t		 max_reply;	/* bytes of an answer; 0: 2 MiB */
	const char	*lean_member;	/* of arrays of that name in a long
					   answer only elements with the value
					   of the call are read; NULL: all */
	bool		 plain_text;	/* answers are XML or text, or do not
					   matter.  Otherwise a 2xx body that
					   is not JSON is an error and no
					   reader is called */
	const char	*no_zone_help;	/* added to the error when no zone was
					   found: what right may be missing */
	/* Runs after each request: authentication, signatures. */
	int	(*prepare)(struct provider_call *, struct preq *,
		    struct error *);
	/* An error although its status is 2xx?  May be NULL. */
	bool	(*is_refusal)(const struct rest_answer *);
	/*
	 * Improve the error made of a refusal; may be NULL.  err is filled
	 * already: kind by status (401, 403: ERR_CONFIG; 429: ERR_RATELIMIT;
	 * 408, 5xx: ERR_TRANSIENT; others: ERR_REJECTED), msg from the
	 * members that vendors use most ("message", "error", ...), else from
	 * the beginning of the body.  Retry-After is the runner's; set
	 * retry_at if the body says it instead.
	 */
	void	(*failed)(struct provider_call *,
		    const struct rest_answer *, struct error *);
	const struct provider_step *add;
	const struct provider_step *remove;
	const struct provider_records *records;	/* for the steps that
					   providers/records.h has */

	/* Everything else: rfc2136, exec, builtin. */
	struct provider_op *(*start)(struct provider_env *,
		    const struct provider_call *, bool is_add,
		    provider_done_cb *done, void *arg);
	void	(*cancel)(struct provider_op *);
	/*
	 * A configuration that has such a provider comes into force: for what
	 * must be there before and after calls.  May be NULL.
	 */
	int	(*serve)(struct provider_env *, const struct provider_values *,
		    struct error *);
};

/*
 * Small help
 */

/* name without ".ZONE"; root ("@" with most vendors) if it is the zone. */
const char	*provider_relative(const char *fqdn, const char *zone,
		    const char *root, char *out, size_t size);
/*
 * Is what the vendor shows that name, in whatever case, with a final dot or
 * not, in Unicode or not?  (common/names.h)
 */
bool		 provider_name_is(const char *there, const char *name);
/* Is that type, in whatever case, TXT?  NULL is none. */
bool		 provider_is_txt(const char *type);
/* What the call is about, "TXT" or "CAA"; and is that type, in whatever case,
 * it? */
const char	*provider_type(const struct provider_call *);
bool		 provider_is_type(const struct provider_call *,
		    const char *type);
/*
 * The same for the name of a record and our fqdn: a whole name, or one
 * relative to the zone, of which the zone's own is "" or "@".  NULL is none.
 */
bool		 provider_is_at_name(const struct provider_call *,
		    const char *there);
/* Is content, quoted or not, in one string or several, that TXT value? */
bool		 provider_txt_is(const char *content, const char *value);
/* The same of whatever the call is about: a CAA record is one though its value
 * has no quotes. */
bool		 provider_value_is(const struct provider_call *,
		    const char *content, const char *value);
/* The value as a zone file has it: TXT in quotes.  Returns out. */
#define PROVIDER_CONTENT_SIZE 800
const char	*provider_content(const struct provider_call *,
		    const char *value, char out[PROVIDER_CONTENT_SIZE]);
/* The parts of a CAA record, as a zone file has it, quotes or not; false: it is
 * none. */
struct provider_caa {
	unsigned	 flags;
	char		 tag[16];
	char		 value[PROVIDER_CONTENT_SIZE];
};
bool		 provider_caa_read(const char *content,
		    struct provider_caa *);
/* How many values of the batch are to be there in the end: all, or none. */
size_t		 provider_wanted(const struct provider_call *);
/* Is content one of the values of this call? */
bool		 provider_in_batch(const struct provider_call *,
		    const char *content);
/*
 * For sets that are arrays of strings: how many values of the batch are in
 * it; and a new array without these, or with them, in quotes, behind all
 * others.
 */
size_t		 provider_set_holds(const struct provider_call *,
		    const json_t *set);
json_t		*provider_set_changed(const struct provider_call *,
		    const json_t *set, bool is_add);

/* All providers, sorted by name; the end is NULL. */
extern const struct provider *const provider_registry[];
/* The provider of that type, or NULL. */
const struct provider *provider_find(const char *type);
/* Why there is none of that type any more; NULL if there never was. */
const char *provider_retired(const char *type);

#endif
