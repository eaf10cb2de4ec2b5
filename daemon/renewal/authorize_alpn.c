/* SPDX-License-Identifier: MIT */
/* tls-alpn-01: nothing is left anywhere, so there is nothing in the journal; a
 * run that goes on after a crash publishes again. */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/io/tls_alpn.h"

int
authorize_alpn_publish(struct authorize_op *op, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];
		char *text;

		if (!authorize_is_in_round(z) ||
		    z->type != CHALLENGE_TLS_ALPN_01 || z->proof != NULL)
			continue;
		text = acme_key_authorization(op->a.account->acme,
		    z->challenge->token);
		if (tls_alpn_put(op->a.env->tls_alpn, z->name->name, text,
		    cert_is_dry_run(op->a.conf->name), err) == -1) {
			free(text);
			authorize_name_failed(z, err);
			return error_wrap(err, "%s", z->name->name);
		}
		z->proof = text;
		n++;
	}
	if (n > 0)
		event_emit(op->a.env->certs, op->a.conf->name, STEP_AUTHORIZE,
		    LOGL_INFO, "%zu name%s can be proved over TLS", n,
		    n == 1 ? "" : "s");
	return 0;
}

void
authorize_alpn_clear(struct authorize_op *op)
{
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (z->proof == NULL)
			continue;
		tls_alpn_drop(op->a.env->tls_alpn, z->name->name, z->proof);
		freezero_str(z->proof);
		z->proof = NULL;
	}
}
