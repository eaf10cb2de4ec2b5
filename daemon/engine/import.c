/* SPDX-License-Identifier: MIT */
/* import - what another ACME client had, or a person hands over, becomes
 * ours. */
#include <string.h>

#include "common/error.h"
#include "daemon/accounts/account_import.h"
#include "daemon/engine/priv.h"
#include "daemon/renewal/cert_import.h"
#include "daemon/rollout/given.h"
#include "daemon/rollout/takeover.h"
#include "daemon/store/store.h"

static int
check_stopping(const struct engine *e, struct error *err)
{
	return e->is_stopping ? error_set(err, ERR_TRANSIENT,
	    "engine:stopping", "acmed is stopping") : 0;
}

json_t *
engine_import_account(struct engine *e, const struct account_import *a,
    struct error *err)
{
	return check_stopping(e, err) == -1 ? NULL :
	    account_import(e->accounts, e->a.store, a, err);
}

json_t *
engine_import_cert(struct engine *e, const struct cert_import *a,
    struct error *err)
{
	struct cert *c;
	json_t *done;

	if (check_stopping(e, err) == -1)
		return NULL;
	done = cert_import(&e->renewal_env, a, err);
	c = certs_find(e->certs, a->name);
	/* The other members of a cluster are to have it as well. */
	if (done != NULL && c != NULL)
		takeover_again(&e->rollout_env, c, 0);
	return done;
}

int
engine_put(struct engine *e, const char *name, const char *chain,
    const char *key, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);
	struct given g;
	int rc;

	if (c == NULL)
		return -1;
	if (c->conf->given == NULL)
		return error_set(err, ERR_CONFIG, "given:renewed", "acmed has "
		    "\"%s\" renewed: acmectl put is for certificates with "
		    "files { } in acmed.conf", name);
	if (c->run != NULL)
		return error_set(err, ERR_TRANSIENT, "engine:busy", "\"%s\" "
		    "is being installed just now; see: acmectl status %s",
		    name, name);
	rc = given_check(c->conf, chain, key, &g, err);
	if (rc == -1)
		err->kind = ERR_CONFIG;	/* nothing more is to come */
	if (rc == 0)
		rc = given_check_serial(&c->row, &g.info, err);
	if (rc == 0 && c->row.serial != NULL &&
	    strcmp(c->row.serial, g.info.serial) != 0 &&
	    !given_is_newer(&c->row, &g.info))
		rc = error_set(err, ERR_CONFIG, "given:older", "certificate %s "
		    "is older than the installed one, %s; to go back: acmectl "
		    "rollback %s", g.info.serial, c->row.serial, name);
	if (rc == 0)
		rc = store_check_room(e->a.store, name, err);
	if (rc == 0)
		rc = store_check_space(e->a.store, err);
	if (rc == 0)
		rc = given_keep(e->a.store, name, &g, err);
	given_clear(&g);
	return rc == 0 ? engine_renew_now(e, name, err) : -1;
}
