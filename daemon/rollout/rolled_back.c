/* SPDX-License-Identifier: MIT */
/* Was it rolled back?  What only asks needs nothing of what does it. */
#include "daemon/rollout/rollback.h"

#include <string.h>

#include "common/error.h"
#include "daemon/certs/cert.h"

bool
rollback_is_wanted(const struct cert *c)
{
	return c->row.error != NULL && strcmp(c->row.error->code,
	    ROLLBACK_BY_COMMAND) == 0;
}

bool
rollback_is_error(const struct error *err)
{
	return strcmp(err->code, ROLLBACK_BY_COMMAND) == 0 || strcmp(err->code,
	    ROLLBACK_CODE) == 0;
}

bool
rollback_is_done(const struct cert *c)
{
	return c->row.error != NULL && rollback_is_error(c->row.error);
}
