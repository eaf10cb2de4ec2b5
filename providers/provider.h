/* SPDX-License-Identifier: MIT */
/*
 * provider - what a DNS provider is to acmed: an option table, and either two
 * step tables (REST APIs) or a pair of start and cancel functions (everything
 * else).  A provider never sees HTTP, retries, time limits, status codes,
 * zones to be guessed or the journal: the runner (daemon/dns/provider_run.h)
 * owns those.
 *
 * To add one: providers/NAME.c with `const struct provider provider_NAME`,
 * its line in providers/Makefile.inc and in providers/registry.c, and its
 * tests.  HACKING.md walks through it.
 *
 * What every provider must hold to:
 *  - add puts one TXT value at a name and touches no other value there; a
 *    value that is there already is success;
 *  - remove takes exactly that value away; a value that is gone already is
 *    success.  It works from (zone, name, value) alone: the handle kept from
 *    add is a hint that a crash may have lost;
 *  - what the vendor says goes into the error in the vendor's words.
 */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct error;
struct preq;
struct provider_env;
struct provider_values;

/* One HTTP answer; json is NULL unless the body is JSON. */
struct provider_answer {
	int		 status;
	const json_t	*json;
	const char	*body;
	size_t		 body_len;
};

enum provider_opt_type {
	PROVIDER_OPT_STRING,
	PROVIDER_OPT_INT,		/* range in min, max */
	PROVIDER_OPT_BOOL,
	PROVIDER_OPT_DURATION,		/* "120s"; kept in seconds */
	PROVIDER_OPT_LIST		/* of strings */
};

/* One option of `provider "x" { ... }`; tables end with .name NULL. */
struct provider_opt {
	const char	*name;		/* the vendor's own term */
	const char	*help;		/* one line, for acmectl and manuals */
	enum provider_opt_type type;
	bool		 required;
	bool		 secret;	/* NAME_file is accepted as well; a
					   literal is refused in a file that
					   others can read */
	const char	*fallback;	/* default, as written in a file */
	long		 min, max;	/* INT only; both 0: any */
};

/* Options of one configured provider; indexes are those of its table. */
const char	*provider_str(const struct provider_values *, int opt);
long		 provider_int(const struct provider_values *, int opt);
bool		 provider_bool(const struct provider_values *, int opt);
/* NULL-terminated; never NULL. */
const char *const *provider_list(const struct provider_values *, int opt);

/* What is to be done.  All strings are canonical names without final dot. */
struct provider_call {
	const struct provider_values *values;
	const char	*provider;	/* the configured name, for messages */
	const char	*cert;		/* certificate, for exec's environment */
	const char	*identifier;	/* the name being proved, no "*." */
	const char	*fqdn;		/* where the TXT value goes (CNAMEs are
					   already followed) */
	const char	*zone;		/* the zone as the runner found it; ""
					   if the provider finds its own */
	const char	*value;		/* the TXT value, unquoted */
	const char	*handle;	/* kept from add; "" if unknown */
	void		*priv;		/* priv_size bytes, zeroed; from the
					   first step of a call to its last */
	char		*new_handle;	/* add: room for a handle to keep */
	size_t		 new_handle_size;
};

/* What a reply reader wants next. */
enum provider_next {
	PROVIDER_NEXT,		/* the next step; after the last: done */
	PROVIDER_AGAIN,		/* this step once more (a further page, a
				   change not finished); bounded by the
				   runner, with a pause if set */
	PROVIDER_DONE,		/* done, later steps are not needed */
	PROVIDER_NO_ZONE,	/* not in this zone: try the next suffix */
	PROVIDER_FAIL		/* err is set */
};

struct provider_step {
	const char	*name;		/* "find zone", for messages */
	int	(*request)(struct provider_call *, struct preq *,
		    struct error *);
	enum provider_next (*reply)(struct provider_call *,
		    const struct provider_answer *, struct error *);
};

/* Asynchronous providers: the convention of ARCHITECTURE.md section 6. */
typedef void provider_done_cb(const struct error *err, void *arg);
struct provider_op;

struct provider {
	const char	*name;		/* type = "NAME" */
	const char	*title;		/* "Cloudflare" */
	const char	*doc;		/* where credentials come from and the
					   least privilege they need */
	const struct provider_opt *opts;
	/* Beyond the table: a check of options together; may be NULL. */
	int	(*check)(const struct provider_values *, struct error *);

	/* REST: base_url and the step tables, each ended by .name NULL. */
	const char	*base_url;
	size_t		 priv_size;
	/* Runs after each request: authentication, signatures. */
	int	(*prepare)(struct provider_call *, struct preq *,
		    struct error *);
	/* Turns an HTTP error answer into an error; may be NULL. */
	int	(*failed)(struct provider_call *,
		    const struct provider_answer *, struct error *);
	const struct provider_step *add;
	const struct provider_step *remove;

	/* Everything else: rfc2136, exec. */
	struct provider_op *(*start)(struct provider_env *,
		    const struct provider_call *, bool is_add,
		    provider_done_cb *done, void *arg);
	void	(*cancel)(struct provider_op *);
};

/* All providers, sorted by name; the end is NULL. */
extern const struct provider *const provider_registry[];
/* The provider of that type, or NULL. */
const struct provider *provider_find(const char *type);

#endif
