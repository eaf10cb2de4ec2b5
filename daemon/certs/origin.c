/* SPDX-License-Identifier: MIT */
#include "daemon/certs/origin.h"

#include <stddef.h>

#include "daemon/certs/cert.h"

const struct conf_repository *
origin_repository(const struct cert *c)
{
	return c->conf != NULL ? c->conf->source : NULL;
}

bool
origin_is_ca(const struct cert *c)
{
	return c->conf != NULL && conf_is_issued(c->conf) &&
	    origin_repository(c) == NULL;
}
