/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_env.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/dns/provider_account.h"
#include "daemon/dns/responder.h"
#include "daemon/io/tally.h"
#include "daemon/rest/lease.h"

void
provider_env_init(struct provider_env *env, struct loop *loop,
    struct http *http, struct dns *dns, struct children *children)
{
	*env = (struct provider_env){
	    .loop = loop, .http = http, .dns = dns, .children = children,
	    .locks = provider_locks_new(),
	    .leases = leases_new(loop, http),
	    .responder = responder_new(loop),
	    .tallies = xcalloc(1, sizeof(*env->tallies)),
	    .retry_ms = { 1000, 3000 },
	    .poll_ms = 500,
	    .request_ms = 30000,
	};
	tallies_init(env->tallies);
}

void
provider_env_clear(struct provider_env *env)
{
	provider_locks_free(env->locks);
	env->locks = NULL;
	leases_free(env->leases);
	env->leases = NULL;
	responder_free(env->responder);
	env->responder = NULL;
	tallies_clear(env->tallies);
	free(env->tallies);
	env->tallies = NULL;
}

void
provider_env_metrics(const struct provider_env *env, FILE *f)
{
	tallies_print(env->tallies, "acmed_provider", "DNS providers", f);
}
