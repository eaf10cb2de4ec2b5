/* SPDX-License-Identifier: MIT */
/* command - what a person asks for, besides a renewal. */
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/engine/priv.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"

struct cert *
engine_find_known(const struct engine *e, const char *name,
    struct error *err)
{
	struct cert *c = certs_find(e->certs, name);
	const char **names, *near;
	size_t n = 0;

	if (e->is_stopping) {
		(void)error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
		return NULL;
	}
	if (c != NULL && c->conf != NULL)
		return c;
	names = xcalloc(e->certs->n, sizeof(*names));
	for (size_t i = 0; i < e->certs->n; i++) {
		if (e->certs->list[i]->conf != NULL)
			names[n++] = e->certs->list[i]->row.name;
	}
	near = text_nearest(name, names, n);
	(void)error_set(err, ERR_CONFIG, "engine:unknown-cert",
	    "there is no certificate \"%s\" in the configuration%s%s%s",
	    name, near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
	free(names);
	return NULL;
}

/* The certificate, if its live version may be worked with now. */
static struct cert *
find_idle(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return NULL;
	if (c->row.serial[0] == '\0') {
		(void)error_set(err, ERR_CONFIG, "engine:no-cert",
		    "there is no certificate yet for \"%s\"", name);
		return NULL;
	}
	if (c->run != NULL) {
		(void)error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is being renewed, and deployed after that; see: "
		    "acmectl status %s", name, name);
		return NULL;
	}
	return c;
}

int
engine_deploy_now(struct engine *e, const char *name, const char *target,
    struct error *err)
{
	struct cert *c = find_idle(e, name, err);

	return c == NULL ? -1 : rollout_force(e->rollout, c, target, err);
}

int
engine_rollback(struct engine *e, const char *name, bool force,
    struct error *err)
{
	struct cert *c = find_idle(e, name, err);

	if (c == NULL)
		return -1;
	if (!rollout_settle(e->rollout, c))
		return error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is being deployed; see: acmectl status %s", name,
		    name);
	if (rollback_check(c, force, err) == -1) {
		rollout_kick(e->rollout);
		return -1;
	}
	rollout_rollback(e->rollout, c, force);
	return 0;
}
