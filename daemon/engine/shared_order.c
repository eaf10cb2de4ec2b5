/* SPDX-License-Identifier: MIT */
/* What a person decides about a roll-out in waves, at a member that does not
 * renew the certificate. */
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/cluster/cluster.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/shared.h"
#include "daemon/fleet/waves.h"
#include "daemon/store/store.h"

/* --- at the one who was asked --- */

int
shared_order(struct engine *e, struct cert *c, const char *act,
    struct error *err)
{
	char serial[64] = "";
	unsigned opened = 0;

	if (c->conf->realm == NULL || (!c->is_taken &&
	    cluster_part(e->cluster, c, NULL) == CLUSTER_OURS))
		return 1;
	(void)waves_shared(e->waves, c, serial, &opened);
	if (cluster_order(e->cluster, c, act, serial, opened, err) == -1)
		return -1;
	event_emit(e->certs, c->row.name, STEP_DEPLOY, LOGL_INFO,
	    "member \"%s\" of the cluster renews it, and is told: rollout %s",
	    shared_who(e, c), act);
	return 0;
}

void
shared_not_ordered(struct cert *c, const struct error *err, void *engine)
{
	const struct engine *e = engine;

	event_emit(e->certs, c->row.name, STEP_DEPLOY, LOGL_WARNING,
	    "the cluster cannot be told what to do about its roll-out: %s",
	    err->msg);
}

/* --- at the one who renews --- */

static bool
is_known(const char *act)
{
	return strcmp(act, "continue") == 0 || strcmp(act, "stop") == 0 ||
	    strcmp(act, "rollback") == 0;
}

bool
shared_ordered(struct cert *c, const char *act, const char *serial,
    unsigned wave, void *engine)
{
	struct engine *e = engine;
	char own[64] = "";
	unsigned opened = 0;
	struct error err;
	int rc;

	(void)waves_shared(e->waves, c, own, &opened);
	if (!is_known(act))
		rc = error_set(&err, ERR_REJECTED, "waves:none", "another "
		    "member's word about its roll-out is not known here");
	/* Done by one who died then, or decided about something else. */
	else if (serial[0] != '\0' && (strcmp(serial, own) != 0 ||
	    wave != opened))
		rc = error_set(&err, ERR_CONFIG, "waves:none", "rollout %s "
		    "was meant for wave %u of %s, and is not done", act, wave,
		    serial);
	else
		rc = engine_rollout(e, c->row.name, act, &err);
	/* Else when it has the lock. */
	if (rc == 0 && c->wave_act == 0)
		shared_acted(c, e);
	if (rc == 0)
		return true;
	/* It is being renewed, or deployed. */
	if (err.kind == ERR_TRANSIENT)
		return false;
	event_emit(e->certs, c->row.name, STEP_DEPLOY, LOGL_WARNING, "%s",
	    err.msg);
	cluster_order_over(e->cluster, c);
	return true;
}

static void
kept(const struct error *err, void *arg)
{
	struct cert *c = arg;
	const struct engine *e = c->certs->held_arg;

	c->acting = NULL;
	/* Else whoever renews it now is told again. */
	if (err == NULL)
		cluster_order_over(e->cluster, c);
}

void
shared_acted(struct cert *c, void *engine)
{
	struct engine *e = engine;

	store_sync_cancel(c->acting);
	c->acting = store_sync_shared_start(e->a.store, c->row.name, kept, c);
}
