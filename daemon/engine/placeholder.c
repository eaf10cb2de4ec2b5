/* SPDX-License-Identifier: MIT */
#include "daemon/engine/placeholder.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/certs/event.h"
#include "daemon/engine/priv.h"

/* Of one that was lost, the issuer is still known: it may be put back. */
static bool
is_wanted(const struct cert *c)
{
	return c->conf != NULL && c->conf->placeholder &&
	    c->row.serial == NULL && c->row.issuer == NULL;
}

static void
place(struct engine *e, struct cert *c)
{
	bool was = store_is_placeholder(e->a.store, c->row.name);
	const struct conf_cert *cc = c->conf;
	const char **names = xcalloc(cc->n_names, sizeof(*names));
	struct error err;
	int rc;

	for (size_t i = 0; i < cc->n_names; i++)
		names[i] = cc->names[i].name;
	rc = store_place(e->a.store, c->row.name, names, cc->n_names,
	    cc->is_pair ? key_type_family(cc->second_key) : NULL, &err);
	free(names);
	if (rc == -1)
		event_emit(c->certs, c->row.name, STEP_INSTALL, LOGL_WARNING,
		    "no placeholder for the certificate: %s", err.msg);
	else if (rc == 0 && !was)
		event_emit(c->certs, c->row.name, STEP_INSTALL, LOGL_NOTICE,
		    "live/%s is a self-signed placeholder until the first "
		    "certificate is issued", c->row.name);
}

void
placeholder_place(struct engine *e)
{
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		if (is_wanted(c))
			place(e, c);
		/* Also what the option has left that is no longer set. */
		c->has_placeholder = c->row.serial == NULL &&
		    store_is_placeholder(e->a.store, c->row.name);
	}
}
