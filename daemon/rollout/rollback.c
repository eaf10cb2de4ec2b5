/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/follow.h"
#include "daemon/store/keys.h"

#define PAUSE_RUNG 4		/* of due_retry_at(): daily */

int
rollback_check(const struct cert *c, bool force, struct error *err)
{
	char version[STORE_VERSION_SIZE];
	struct cert_info info;

	if (store_previous(c->certs->store, c->row.name, force, version,
	    &info, err) == -1)
		return -1;
	cert_info_clear(&info);
	return 0;
}

/* As after a failed run: the scheduler waits. */
static void
hold(struct cert *c, const char *from, const char *why)
{
	struct store_cert *row = &c->row;
	time_t now = clock_now();
	struct error err;

	(void)error_set(&err, ERR_REJECTED, why != NULL ? ROLLBACK_CODE :
	    ROLLBACK_BY_COMMAND, "rolled back from certificate %s to %s%s%s",
	    from, row->serial, why != NULL ? ": " : " by acmectl",
	    why != NULL ? why : "");
	c->fails_here = c->is_taken;
	row->failures++;
	row->retry_at = due_retry_at(&err, PAUSE_RUNG, now, row->not_after);
	row->error_at = now;
	free(row->error);
	row->error = xmemdup(&err, sizeof(err));
	free(row->names_failed);
	row->names_failed = cert_names(c);
	cert_save(c);
}

/*
 * A crash between the rename and the commit loses only the pause: the next
 * start finds what is live, deploys that, and renews it if it is due.
 */
int
rollback_cert(struct cert *c, bool force, const char *why, struct error *err)
{
	struct store *s = c->certs->store;
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	char until[TEXT_TIME_MAX], *from;

	if (store_previous(s, c->row.name, force, version, &info, err) == -1)
		return -1;
	if (store_promote(s, c->row.name, version, err) == -1) {
		cert_info_clear(&info);
		return -1;
	}
	from = xstrdup(cert_serial(c));
	cert_follow_live(c, &info);
	c->row.stamp = store_live_stamp(s, c->row.name);
	c->row.installed_at = clock_now();
	hold(c, from, why);
	event_deploy(c->certs, c->row.name, NULL, ROLLBACK_CODE, why != NULL ?
	    LOGL_ERROR : LOGL_NOTICE, "rolled back from certificate %s to %s, "
	    "valid until %s: %s", from, info.serial, text_time(info.not_after,
	    until), why != NULL ? why : "acmectl rollback");
	free(from);
	cert_info_clear(&info);
	return 0;
}
