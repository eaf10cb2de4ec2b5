/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_env.h"

#include <stddef.h>

#include "daemon/dns/provider_account.h"
#include "daemon/dns/responder.h"

void
provider_env_init(struct provider_env *env, struct loop *loop,
    struct http *http, struct dns *dns, struct children *children)
{
	*env = (struct provider_env){
	    .loop = loop, .http = http, .dns = dns, .children = children,
	    .locks = provider_locks_new(),
	    .responder = responder_new(loop),
	    .retry_ms = { 1000, 3000 },
	    .poll_ms = 500,
	    .request_ms = 30000,
	};
}

void
provider_env_clear(struct provider_env *env)
{
	provider_locks_free(env->locks);
	env->locks = NULL;
	responder_free(env->responder);
	env->responder = NULL;
}
