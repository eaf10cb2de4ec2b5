/* SPDX-License-Identifier: MIT */
/*
 * rig - a loop, an HTTP client, the runner's environment with short pauses,
 * and one configured provider: what tests of providers stand on.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "common/error.h"
#include "daemon/config/conf.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/provider_run.h"
#include "providers/provider.h"

struct rig {
	struct loop	*loop;
	struct http	*http;
	struct children	*children;
	struct provider_env env;
	struct conf_provider conf;
	const char	*identifier;	/* of each run; */
	const char	*all_identifiers;	/* ... NULL: that one */
	unsigned	 timeout_ms;
};

/* One run and what came of it. */
struct rig_run {
	struct provider_run_op *op;
	int		 calls;
	struct error	 err;		/* ERR_NONE: success */
	char		 handles[4][4096];	/* with an error, too */
	int64_t		 done_at;	/* monotonic */
};

void	rig_init(struct rig *, const struct provider *);
void	rig_clear(struct rig *);
/* A new environment: nothing is remembered of earlier calls. */
void	rig_env(struct rig *);
/* Back to no options but the fallbacks. */
void	rig_options(struct rig *, const struct provider *);
void	rig_set(struct rig *, const char *option, const char *text);

/* Begin; NULL-terminated values, at most 4; zone is the DNS's apex. */
void	rig_start(struct rig *, struct rig_run *, bool is_add,
	    const char *fqdn, const char *zone, const char *const *values,
	    const char *const *handles);
/* Turn the loop until it is done; at most 30 s. */
void	rig_wait(struct rig *, struct rig_run *);
/* Both. */
void	rig_do(struct rig *, struct rig_run *, bool is_add, const char *fqdn,
	    const char *zone, const char *const *values,
	    const char *const *handles);
/* Turn the loop for ms milliseconds. */
void	rig_spin(struct rig *, int ms);

#define VALUES(...) ((const char *const []){ __VA_ARGS__, NULL })

#endif
