/* SPDX-License-Identifier: MIT */
/* command - what a person asks for, besides a renewal. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/origin.h"
#include "daemon/certs/pair.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/shared.h"
#include "daemon/manage/revocations.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/reports.h"
#include "daemon/fleet/waves.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"
#include "daemon/store/store.h"

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

int
engine_check_known(const struct engine *e, const char *name,
    struct error *err)
{
	return engine_find_known(e, name, err) != NULL ? 0 : -1;
}

/* The certificate, if its live version may be worked with now. */
static struct cert *
find_idle(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return NULL;
	if (c->row.serial == NULL) {
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

/* Who has it takes the one before, too. */
static int
roll_all_back(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = find_idle(e, name, err);
	bool is_shared = c != NULL && c->conf->realm != NULL;

	/* In a cluster it may have gone back by itself already. */
	if (c == NULL || ((!is_shared || !rollback_is_done(c)) &&
	    rollback_check(c, false, err) == -1))
		return -1;
	if (!rollout_settle(e->rollout, c))
		return error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is being deployed; see: acmectl status %s", name,
		    name);
	if (waves_do(e->waves, c, WAVES_WITHDRAW, err) == -1) {
		rollout_kick(e->rollout);
		return -1;
	}
	/* There the waves do, when the others can be told. */
	if (is_shared)
		rollout_kick(e->rollout);
	else
		rollout_rollback(e->rollout, c, false);
	return 0;
}

int
engine_rollout(struct engine *e, const char *name, const char *what,
    struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);
	int rc = c == NULL ? -1 : shared_order(e, c, what, err);

	if (rc != 1)
		return rc;
	if (strcmp(what, "rollback") == 0)
		return roll_all_back(e, name, err);
	return waves_do(e->waves, c, strcmp(what, "stop") == 0 ? WAVES_STOP :
	    WAVES_CONTINUE, err);
}

/* The next run of it is to have a key that was never used. */
static struct cert *
want_new_key(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return NULL;
	if (c->run != NULL) {
		(void)error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is being renewed, perhaps with its old key; try "
		    "again when that is over", name);
		return NULL;
	}
	if (c->conf->csr != NULL && cert_csr_fits(c)) {
		(void)error_set(err, ERR_CONFIG, "csr:key", "the key of \"%s\" "
		    "is where its request was made: have a request with a new "
		    "key made there and put it at %s; acmed renews with it at "
		    "once", name, c->conf->csr->path);
		return NULL;
	}
	if (c->conf->reuse_key) {
		c->wants_new_key = true;
		store_pending_drop(e->a.store, name);
		pair_drop_first(c);
		cert_order_forget(c);
		cert_save(c);
	}
	return c;
}

int
engine_renew_with_new_key(struct engine *e, const char *name,
    struct error *err)
{
	return want_new_key(e, name, err) == NULL ? -1 :
	    engine_renew_now(e, name, err);
}

int
engine_replace_and_revoke(struct engine *e, const char *name, int reason,
    bool by_key, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return -1;
	if (c->row.serial == NULL)
		return error_set(err, ERR_CONFIG, "engine:no-cert",
		    "there is no certificate yet for \"%s\"", name);
	if (c->conf->given != NULL)
		return error_set(err, ERR_CONFIG, "manage:other-ca",
		    "acmed did not have \"%s\" issued; revoke it where it was",
		    name);
	if (c->conf->realm != NULL && c->is_taken)
		return error_set(err, ERR_CONFIG, "manage:other-ca",
		    "member \"%s\" of the cluster renews \"%s\"; revoke it "
		    "there", shared_who(e, c), name);
	if (origin_repository(c) != NULL)
		return error_set(err, ERR_CONFIG, "manage:other-ca",
		    "\"%s\" is fetched from where another host publishes it; "
		    "revoke it there", name);
	if (issuer_is_other(c))
		return error_set(err, ERR_CONFIG, "manage:other-ca",
		    "certificate %s was issued by another CA than account "
		    "\"%s\" is of; name that CA's in acmed.conf, or revoke it "
		    "there", c->row.serial, c->conf->account->name);
	if (by_key && c->row.csr != NULL)
		return error_set(err, ERR_CONFIG, "csr:key", "the key of "
		    "\"%s\" is not on this machine; allowed: by the account's "
		    "key", name);
	if (want_new_key(e, name, err) == NULL)
		return -1;
	revocations_add(e->revocations, c, reason, by_key);
	return 0;
}

void
engine_revocation_kept(const char *cert, const struct error *err,
    void *engine)
{
	struct engine *e = engine;
	struct error failed;
	struct cert *c;

	if (err == NULL) {
		if (engine_renew_now(e, cert, &failed) == 0)
			return;
		err = &failed;
	}
	c = certs_find(e->certs, cert);
	if (c != NULL)
		event_end(c, STEP_ACCOUNT, err, "%s", err->msg);
}

int
engine_revoke_cancel(struct engine *e, const char *name, struct error *err)
{
	/* Also one whose certificate is not configured any more. */
	if (!revocations_are_open(e->revocations, name) &&
	    engine_find_known(e, name, err) == NULL)
		return -1;
	if (revocations_cancel(e->revocations, name) == 0)
		return error_set(err, ERR_CONFIG, "manage:no-revocation",
		    "no revocation of \"%s\" is pending", name);
	return 0;
}

int
engine_pause(struct engine *e, const char *name, time_t until,
    struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);
	char when[TEXT_TIME_MAX];

	if (c == NULL)
		return -1;
	c->row.paused_until = until != 0 ? until : STORE_PAUSED_EVER;
	cert_save(c);
	if (until != 0)
		event_emit(e->certs, name, STEP_COMMAND, LOGL_NOTICE,
		    "renewals are paused until %s", text_time(until, when));
	else
		event_emit(e->certs, name, STEP_COMMAND, LOGL_NOTICE,
		    "renewals are paused; to end that: acmectl resume %s",
		    name);
	engine_reschedule(e);
	return 0;
}

int
engine_resume(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return -1;
	if (c->row.paused_until == 0)
		return 0;
	c->row.paused_until = 0;
	cert_save(c);
	event_emit(e->certs, name, STEP_COMMAND, LOGL_NOTICE,
	    "renewals are resumed");
	engine_reschedule(e);
	return 0;
}

/* Nobody may be at work with it. */
static int
check_deletable(const struct engine *e, const struct cert *c,
    struct error *err)
{
	if (c->conf != NULL)
		return error_set(err, ERR_CONFIG, "engine:configured",
		    "\"%s\" is configured, in %s:%d; first: acmectl remove "
		    "%s", c->row.name, c->conf->file, c->conf->line,
		    c->row.name);
	if (revocations_are_open(e->revocations, c->row.name))
		return error_set(err, ERR_CONFIG, "manage:unrevoked",
		    "a certificate of \"%s\" is still to be revoked, for "
		    "which its key is needed; to give that up: acmectl revoke "
		    "--cancel %s", c->row.name, c->row.name);
	if (c->run != NULL || c->deploys > 0 || c->ari_polling ||
	    c->locking != NULL || c->unlocking != NULL)
		return error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is still being worked at; try again in a moment",
		    c->row.name);
	return 0;
}

int
engine_delete(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = certs_find(e->certs, name);
	int rc;

	if (e->is_stopping)
		return error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
	if (object_name_check(name, err) == -1 ||
	    (c != NULL && check_deletable(e, c, err) == -1))
		return -1;
	/* The row goes last: as long as it is there, this can be repeated. */
	rc = store_files_delete(e->a.store, name, err);
	if (rc == -1)
		return -1;
	if (rc == 1 && c == NULL)
		return error_set(err, ERR_CONFIG, "engine:unknown-cert",
		    "there is no certificate \"%s\", neither in the "
		    "configuration nor in the archive", name);
	store_cert_delete(e->a.store, name);
	if (c != NULL) {
		persist_watch_forget(e->persist_watch, c);
		hold_forget(e->holds, c);
		shared_forget(e, c);
		engine_unlook(e, c);
		takeover_cancel(c);
		watch_free(c);
		report_free(c);
		hosts_leave(c);
		rollout_forget(c);
		certs_remove(e->certs, c);
	}
	log_notice(NULL, "certificate \"%s\" is deleted, with its keys",
	    name);
	return 0;
}
