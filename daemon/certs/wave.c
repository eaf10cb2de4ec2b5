/* SPDX-License-Identifier: MIT */
#include "daemon/certs/wave.h"

#include <string.h>

#include "daemon/certs/certs.h"
#include "daemon/config/conf.h"
#include "daemon/store/store.h"

bool
wave_holds(const struct cert *c)
{
	const struct conf_repository *r;
	struct store_wave w;

	if (!c->has_wave || c->conf == NULL || c->conf->realm == NULL)
		return false;
	r = c->conf->realm->certs;
	return r->waves != NULL && store_wave_get(c->certs->store,
	    c->row.name, r->name, &w) == 0 &&
	    strcmp(w.serial, cert_serial(c)) == 0 && w.opened < r->n_waves &&
	    w.state != WAVE_DONE && w.state != WAVE_WITHDRAWN &&
	    !conf_waves_have(r->waves, w.opened,
		c->certs->conf->cluster->name);
}
