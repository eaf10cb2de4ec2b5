/* SPDX-License-Identifier: MIT */
/* import - what another ACME client had becomes ours. */
#include "common/error.h"
#include "daemon/accounts/account_import.h"
#include "daemon/engine/priv.h"
#include "daemon/renewal/cert_import.h"

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
	return check_stopping(e, err) == -1 ? NULL :
	    cert_import(&e->renewal_env, a, err);
}
