/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>

#include "common/log.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/tokens.h"

static bool
is_mine(const struct authz *z)
{
	return authorize_is_in_round(z) && z->type == CHALLENGE_HTTP_01;
}

void
authorize_http_acquire(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];
		char *text;

		if (!is_mine(z))
			continue;
		text = acme_key_authorization(op->a.account->acme,
		    z->challenge->token);
		z->token = tokens_acquire(op->a.env->tokens,
		    op->a.conf->name, z->name->webroot, z->challenge->token,
		    text);
		free(text);
	}
}

int
authorize_http_publish(struct authorize_op *op, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (!is_mine(z))
			continue;
		if (token_publish(z->token, err) == -1) {
			authorize_name_failed(z, err);
			return error_wrap(err, "%s", z->name->name);
		}
		n++;
	}
	if (n > 0)
		event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "%zu name%s can be proved over HTTP", n,
		    n == 1 ? "" : "s");
	return 0;
}

void
authorize_http_clear(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++)
		token_release(op->authzs[i].token);
}
