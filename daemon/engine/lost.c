/* SPDX-License-Identifier: MIT */
#include "daemon/engine/lost.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/event.h"
#include "daemon/certs/follow.h"
#include "daemon/certs/pair.h"
#include "daemon/engine/priv.h"
#include "daemon/rollout/takeover.h"
#include "daemon/store/keys.h"

#define FEW 3
#define SPREAD_S 3600
#define LOST_CODE "engine:lost"

static void
follow_live(struct engine *e, struct cert *c, const struct cert_info *info)
{
	cert_follow_live(c, info);
	rollout_plan(e->rollout, c, c->conf, info->serial);
}

/* The row of a certificate that is there again. */
static void
found(struct engine *e, struct cert *c, const struct cert_info *info)
{
	struct store_cert *row = &c->row;

	if (row->error != NULL && strcmp(row->error->code, LOST_CODE) == 0) {
		free(row->error);
		row->error = NULL;
		row->failures = 0;
		row->retry_at = 0;
	}
	if (strcmp(info->serial, cert_serial(c)) != 0 || !pair_is(c, info))
		follow_live(e, c, info);
	row->stamp = store_live_stamp(e->a.store, row->name);
	cert_save(c);
}

bool
lost_mend(struct engine *e, struct cert *c)
{
	struct store *store = e->a.store;
	const struct conf_cert *cc = c->conf;
	char version[STORE_VERSION_SIZE];
	const char **names;
	struct cert_info info;
	struct error err;
	int rc;

	/* What a run has staged, and could not tell the cluster yet: it goes on
	   with its order, and publishes that first. */
	if (cc->realm != NULL && c->row.serial == NULL &&
	    c->row.order_url != NULL)
		return false;
	names = xcalloc(cc->n_names, sizeof(*names));
	for (size_t i = 0; i < cc->n_names; i++)
		names[i] = cc->names[i].name;
	rc = store_find_lost(store, c->row.name, cert_serial(c), names,
	    cc->n_names, version, &info);
	free(names);
	if (rc != 0)
		return false;
	rc = store_promote(store, c->row.name, version, &err);
	if (rc == 0) {
		event_emit(c->certs, c->row.name, STEP_INSTALL, LOGL_NOTICE,
		    "live/%s was lost: linked again to archive/%s/%s, which "
		    "is complete and has not expired", c->row.name,
		    c->row.name, version);
		found(e, c, &info);
		/* The others may not have it: a run that could not publish it
		 * has left it so. */
		takeover_again(&e->rollout_env, c, 0);
	} else {
		event_emit(c->certs, c->row.name, STEP_INSTALL, LOGL_WARNING,
		    "live/%s was lost, and cannot be linked again: %s",
		    c->row.name, err.msg);
	}
	cert_info_clear(&info);
	return rc == 0;
}

/* A file of live/NAME is missing or damaged; why says which. */
static bool
make_whole(struct engine *e, struct cert *c, const struct error *why)
{
	struct cert_info info;
	struct error err;

	if (store_rebuild(e->a.store, c->row.name, &info, &err) == -1)
		return false;
	event_emit(c->certs, c->row.name, STEP_INSTALL, LOGL_WARNING,
	    "the installed certificate was damaged: %s; made whole from its "
	    "other files", why->msg);
	found(e, c, &info);
	cert_info_clear(&info);
	return true;
}

/* The row becomes what live/NAME is; true if there was a certificate, and is
 * none any more. */
static bool
follow(struct engine *e, struct cert *c)
{
	struct log_ctx ctx = { .cert = c->row.name };
	bool had = c->row.serial != NULL;
	uint64_t stamp = store_live_stamp(e->a.store, c->row.name);
	struct cert_info info;
	struct error err;
	int rc;

	if ((stamp != 0 && stamp == c->row.stamp) ||
	    (stamp == 0 && lost_mend(e, c)))
		return false;
	rc = store_live_info(e->a.store, c->row.name, &info, &err);
	if (rc == 0) {
		found(e, c, &info);
		cert_info_clear(&info);
		return false;
	}
	if (rc == -1 && make_whole(e, c, &err))
		return false;
	if (rc == -1)
		log_error(&ctx, "the installed certificate is damaged: %s; "
		    "renewing it", err.msg);
	xstrset(&c->row.serial, NULL);
	c->row.not_before = c->row.not_after = 0;
	c->row.stamp = 0;
	return had && c->watch == NULL;
}

/* Its renewal waits as one does that has failed: so it is shown, told, and
 * outlives restarts. */
static void
put_off(struct cert *c, time_t at)
{
	struct store_cert *row = &c->row;
	time_t now = clock_now();
	char when[TEXT_TIME_MAX];
	struct error err;

	if (row->failures > 0 && row->retry_at > now)
		return;
	(void)error_set(&err, ERR_TRANSIENT, LOST_CODE, "the certificate is "
	    "lost: live/%s and its versions in archive/ are not there or "
	    "damaged; it is renewed at %s, or at once by acmectl renew-now %s",
	    row->name, text_time(at, when), row->name);
	free(row->error);
	row->error = xmemdup(&err, sizeof(err));
	row->error_at = now;
	row->failures = 1;
	row->retry_at = at;
	free(row->names_failed);
	row->names_failed = cert_names(c);
	cert_save(c);
	event_emit(c->certs, row->name, STEP_ACCOUNT, LOGL_WARNING, "%s",
	    err.msg);
}

/* What was taken over from live/, and what was only in state.db. */
static void
tell_new_state(const struct engine *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->certs->n; i++)
		n += e->certs->list[i]->row.serial != NULL;
	if (n > 0)
		log_warning(NULL, "state.db was not there, or empty: the "
		    "schedule of %zu certificate%s is made anew from live/ "
		    "and the configuration, and nothing is ordered before it "
		    "is due; the history is lost, and so is what was still "
		    "to be removed: look for TXT records at _acme-challenge", n,
		    n == 1 ? "" : "s");
}

void
lost_start(struct engine *e)
{
	struct cert **lost = xcalloc(e->certs->n, sizeof(struct cert *));
	size_t n = 0;

	for (size_t i = 0; i < e->certs->n; i++) {
		if (e->certs->list[i]->conf != NULL &&
		    follow(e, e->certs->list[i]))
			lost[n++] = e->certs->list[i];
	}
	if (n > FEW) {
		log_error(NULL, "%zu certificates are lost from live/ and "
		    "archive/ (is a file system not mounted?): they are "
		    "renewed one after the other in the next hour; if they can "
		    "be put back, stop acmed, do that, and start it", n);
		for (size_t i = 0; i < n; i++)
			put_off(lost[i], clock_now() + (time_t)(SPREAD_S *
			    (i + 1) / (n + 1)));
	}
	if (store_is_new(e->a.store))
		tell_new_state(e);
	free(lost);
}
