/* SPDX-License-Identifier: MIT */
/*
 * option - the tables of options that a configuration has from outside of
 * daemon/config/: those of DNS providers (provider.h), of credentials
 * (credentials.h) and of cloud products (clouds/cloud.h).
 */
#ifndef PROVIDERS_OPTION_H
#define PROVIDERS_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct provider_values;

enum provider_opt_type {
	PROVIDER_OPT_STRING,
	PROVIDER_OPT_INT,		/* range in min, max */
	PROVIDER_OPT_BOOL,
	PROVIDER_OPT_DURATION,		/* "120s"; kept in seconds */
	PROVIDER_OPT_LIST		/* of strings */
};

/* One option of such a section; tables end with .name NULL. */
struct provider_opt {
	const char	*name;		/* the vendor's own term */
	const char	*help;		/* one line, for acmectl and manuals */
	enum provider_opt_type type;
	bool		 required;
	bool		 is_usual;	/* not required, but examples have it */
	bool		 secret;	/* NAME_file is accepted as well; a
					   literal is refused in a file that
					   others can read */
	bool		 is_text;	/* secret: its file has lines, which
					   the provider reads by itself */
	bool		 is_program;	/* LIST, whose first word is one: it
					   should be there, executable */
	const char	*fallback;	/* default, as written in a file */
	long		 min, max;	/* INT only; both 0: any */
};

/*
 * Options that the runner itself obeys, under these names in any table.  Put
 * them after a provider's own:
 *
 *	static const struct provider_opt opts[] = {
 *		[OPT_TOKEN] = { ... },
 *		PROVIDER_ZONE_OPTS,
 *		PROVIDER_HTTP_OPTS,
 *		{ .name = NULL }
 *	};
 *
 * PROVIDER_BASE_OPT is for vendors with a fixed address; a provider whose
 * address only the user knows has a required "base_url" of its own instead.
 */
#define PROVIDER_BASE_OPT \
	{ .name = "base_url", \
	    .help = "address of the API, if not the usual one" }
#define PROVIDER_ZONE_OPTS \
	{ .name = "zone", \
	    .help = "zone of all names, if it is not to be found" }
#define PROVIDER_HTTP_OPTS \
	{ .name = "ca_file", .help = "PEM file trusted for the API's TLS" }, \
	{ .name = "proxy", .help = "HTTP proxy, or \"none\"" }, \
	{ .name = "allow_http", .type = PROVIDER_OPT_BOOL, \
	    .help = "speak plain HTTP to another host than this one" }

/*
 * Options of one configured provider; indexes are those of its table.  str:
 * NULL if the option was not given and has no fallback.
 */
const char	*provider_str(const struct provider_values *, int opt);
long		 provider_int(const struct provider_values *, int opt);
bool		 provider_bool(const struct provider_values *, int opt);
/*
 * Of credentials that are fetched (keyless.h): what was fetched takes the place
 * of what the configuration says, which provider_given() tells.  An index after
 * all options has provider_fetched() only, NULL if it was not.
 */
#define PROVIDER_FETCHED_MAX 16
const char	*provider_given(const struct provider_values *, int opt);
const char	*provider_fetched(const struct provider_values *, int at);
/* NULL-terminated; never NULL. */
const char *const *provider_list(const struct provider_values *, int opt);

#endif
