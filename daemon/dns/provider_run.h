/* SPDX-License-Identifier: MIT */
/*
 * provider_run - add or remove TXT values through a configured provider: the
 * runner behind providers/provider.h.  Owns HTTP, retries, throttling, the
 * lock of one name, zone discovery and the mapping of HTTP status to error
 * kind (401, 403: ERR_CONFIG; 429: ERR_RATELIMIT with Retry-After; 5xx:
 * ERR_TRANSIENT; others: ERR_REJECTED), and the bound on calls in flight.
 *
 * A transient failure is tried twice more, after 1 and 3 s; so is throttling
 * that is to last no longer than 10 s.  After a longer one nothing is sent to
 * that provider until it is over: calls fail at once with ERR_RATELIMIT.
 */
#ifndef DAEMON_DNS_PROVIDER_RUN_H
#define DAEMON_DNS_PROVIDER_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct conf_provider;
struct error;
struct provider_env;
struct provider_run_op;

/* One name, one or more values.  Borrowed; copied. */
struct provider_run_args {
	const struct conf_provider *provider;	/* the caller keeps the conf */
	bool		 is_add;
	bool		 is_caa;	/* the values are CAA records, as a zone
					   file has them: only where the type
					   takes_caa; else TXT */
	const char	*cert;
	const char	*identifier;	/* name being proved, no "*." */
	const char	*all_identifiers;	/* of all that is proved with
					   it, with commas; NULL: identifier */
	const char	*fqdn;		/* effective name of the record */
	const char	*zone;		/* apex found in the DNS; may be "";
					   a hint: the vendor's answer counts */
	const char *const *values;
	const char *const *handles;	/* as many as values, "" if unknown;
					   NULL: none known.  To add: for a
					   provider that wants_key_auth the key
					   authorizations */
	size_t		 n_values;
	unsigned	 timeout_ms;	/* the whole of it, queue and all; not
					   for providers with .call_ms, which
					   counts from the turn on */
};

struct provider_run_reply {
	const char *const *handles;	/* as many as values; "" if none;
					   also with an error */
	const char	*zone;		/* that was changed, "" if unknown */
	const char	*server;	/* likewise: the name server that was
					   told, with its address */
	bool		 is_undone;	/* of an error: all was refused, in so
					   many words, before anything was
					   done */
};

/*
 * Success means the provider has accepted all values (or no longer has any
 * of them).  With an error, of reply only is_undone and handles are
 * set.  The error's
 * message begins with "PROVIDER: ".  Codes besides
 * those of http.h and of the provider: "provider:credentials",
 * "provider:throttled", "provider:unavailable", "provider:refused",
 * "provider:reply" (malformed), "provider:no-zone", "provider:conflict",
 * "provider:unfinished", "provider:max-values", "provider:timeout",
 * "provider:url", "provider:plain-http", "provider:header".
 */
typedef void provider_run_done_cb(const struct error *err,
    const struct provider_run_reply *reply, void *arg);

struct provider_run_op *provider_run_start(struct provider_env *,
		    const struct provider_run_args *,
		    provider_run_done_cb *done, void *arg);
void		 provider_run_cancel(struct provider_run_op *);

#endif
