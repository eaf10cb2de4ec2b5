/* SPDX-License-Identifier: MIT */
#include "daemon/engine/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/engine/deployer.h"
#include "daemon/engine/due.h"
#include "daemon/engine/priv.h"
#include "daemon/store/keys.h"

#define ROLLED_BACK "deploy:rolled-back"
#define PAUSE_RUNG 4		/* of due_retry_at(): daily */

bool
rollback_is_done(const struct cert *c)
{
	return c->row.error != NULL && strcmp(c->row.error->code,
	    ROLLED_BACK) == 0;
}

/* As after a failed run: the scheduler waits. */
static void
hold(struct cert *c, const char *from, const char *why)
{
	struct store_cert *row = &c->row;
	time_t now = clock_now();
	struct error err;

	(void)error_set(&err, ERR_REJECTED, ROLLED_BACK, "rolled back from "
	    "certificate %s to %s: %s", from, row->serial, why);
	row->failures++;
	row->retry_at = due_retry_at(&err, PAUSE_RUNG, now, row->not_after);
	row->error_at = now;
	free(row->error);
	row->error = xmemdup(&err, sizeof(err));
	free(row->names_failed);
	row->names_failed = xstrdup(c->names);
	cert_save(c);
}

/*
 * A crash between the rename and the commit loses only the pause: the next
 * start finds what is live, deploys that, and renews it if it is due.
 */
int
rollback_cert(struct cert *c, bool force, const char *why, struct error *err)
{
	struct cert_info info;
	char from[sizeof(c->row.serial)], until[TEXT_TIME_MAX];

	memcpy(from, c->row.serial, sizeof(from));
	if (store_rollback(c->engine->a.store, c->row.name, force, &info,
	    err) == -1)
		return -1;
	cert_follow_live(c, &info);
	deployer_urge(c->engine->deployer, c);
	store_live_stamp(c->engine->a.store, c->row.name, c->row.stamp);
	c->row.installed_at = clock_now();
	hold(c, from, why);
	event_deploy(c->engine, c->row.name, NULL, ROLLED_BACK, LOGL_ERROR,
	    "rolled back from certificate %s to %s, valid until %s: %s",
	    from, info.serial, text_time(info.not_after, until), why);
	cert_info_clear(&info);
	return 0;
}
