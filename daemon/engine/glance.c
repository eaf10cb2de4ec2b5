/* SPDX-License-Identifier: MIT */
#include "daemon/engine/glance.h"

#include <string.h>

#include "daemon/engine/priv.h"
#include "daemon/rollout/rollout.h"

bool
engine_glance(const struct engine *e, const char *name, struct glance *g)
{
	const struct cert *c = certs_find(e->certs, name);

	if (c == NULL || c->conf == NULL)
		return false;
	memset(g, 0, sizeof(*g));
	g->condition = condition_of(c);
	g->word = condition_name(g->condition);
	g->is_good = condition_is_good(c);
	g->not_after = c->row.serial != NULL ? c->row.not_after : 0;
	g->next_at = engine_next_any(e, c, &g->action);
	g->err = condition_error(c);
	return true;
}

void
engine_each_unwell(const struct engine *e,
    void (*each)(const char *name, const char *what, const char *word,
    const char *why, void *), void *arg)
{
	watches_each_unwell(e->watches, each, arg);
}

const char *
engine_reload_error(const struct engine *e)
{
	return e->reload_error;
}
