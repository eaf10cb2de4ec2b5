/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/renewal_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/choice.h"
#include "daemon/accounts/skew.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/floor.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/deploy/gate.h"
#include "daemon/rollout/rollout.h"

#define CLEANUP_TIMEOUT_MS	5000

/* --- install --- */

static void
row_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL && renewal_save_again(r, row_stored))
		return;
	if (err != NULL) {
		/* Installed it is.  Should nothing be saved before we end,
		 * the next start resumes the order, with the pending key. */
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "this is not saved: %s", err->msg);
		cert_save(r->cert);
	} else {
		store_pending_drop(r->env->store, r->cert->row.name);
		store_first_drop(r->env->store, r->cert->row.name);
	}
	place_end(&r->cert->place);
	certs_changed(r->env->certs);
	renewal_goto(r, STEP_DEPLOY);
}

/* The row says what live/NAME now holds; the order is used up. */
static void
row_update(struct renewal *r, const struct cert_info *info)
{
	struct store_cert *row = &r->cert->row;

	/* Of an earlier order its key may be of another type. */
	cert_take_info(r->cert, info);
	free(row->names);
	row->names = xstrdup(r->names_json);
	missing_installed(r->cert, r->all, r->cc, NULL, 0);
	/* Who had it issued has the same configuration. */
	xstrset(&row->profile, r->source != NULL && r->cc->realm != NULL ?
	    r->cc->profile : r->at.profile);
	row->profile_missed = r->misses_profile;
	choice_installed(r->cert);
	row->installed_at = clock_now();
	row->stamp = store_live_stamp(r->env->store, row->name);
	row->spread = due_spread();
	row->failures = 0;
	row->retry_at = 0;
	row->asked_at = 0;
	r->cert->wants_new_key = false;	/* whatever a target says of it */
	free(row->error);
	row->error = NULL;
	ari_window_installed(r->cert, info, r->at.account != NULL ?
	    r->at.account->directory : NULL);
	cert_order_forget(r->cert);
	pair_forget_first(r->cert);
	cert_save(r->cert);
}

static void
tell_installed(const struct renewal *r)
{
	const struct cert_info *info = &r->info, *second = info->second;
	char until[TEXT_TIME_MAX];

	(void)text_time(r->cert->row.not_after, until);
	if (second == NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_NOTICE, "installed certificate %s by \"%s\", valid "
		    "until %s", info->serial, info->issuer, until);
	else
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_NOTICE, "installed certificates %s (%s) and %s (%s) "
		    "by \"%s\", valid until %s", info->serial,
		    key_type_name(info->key), second->serial,
		    key_type_name(second->key), info->issuer, until);
}

static void
warn_missing(const struct renewal *r)
{
	char *text = missing_text(r->cert);

	event_emit(r->env->certs, r->cert->row.name, r->cert->step,
	    LOGL_WARNING, "the certificate lacks names that were not "
	    "validated: %s", text);
	free(text);
}

/* Nobody reads live/ now. */
static void
may_switch(void *arg)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct renewal *r = arg;
	const struct cert_info *info = &r->info;
	struct error err;

	r->gate = NULL;
	/* What others have renewed is taken without. */
	if ((r->is_issued && certs_check_held(r->env->certs,
	    r->cert->row.name, &err) == -1) ||
	    store_promote(r->env->store, r->cert->row.name, r->version,
	    &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	row_update(r, info);
	/* The targets of today: those are what the rollout will run. */
	if (r->cert->conf != NULL)
		rollout_plan(r->env->rollout, r->cert, r->cert->conf,
		    info->serial);
	tell_installed(r);
	if (r->cc != r->all)
		warn_missing(r);
	if (strstr(strstr(r->pem, begin) + sizeof(begin) - 1, begin) == NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "%s no chain with it: chain.pem is "
		    "empty, which some servers refuse; let them read "
		    "fullchain.pem", r->cc->given == NULL ? "the CA sent" :
		    "there is");
	if (r->is_issued) {
		char clock[SKEW_TEXT_MAX];
		char *names = cert_names_of(r->all);
		bool same = skew_judge(r->cert, &r->cert->ca_clock, clock) ==
		    SKEW_NONE;

		floor_installed(r->cert, names,
		    ca_clock_now(&r->cert->ca_clock) == 0 ? NULL :
		    same ? "" : clock);
		free(names);
	}
	r->sync = store_sync_start(r->env->store, row_stored, r);
}

static void
gate_begin(struct renewal *r)
{
	const char *reader = gate_reader(r->env->gate);

	if (reader != NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_INFO,
		    "waiting for %s to end", reader);
	r->gate = gate_switch_start(r->env->gate, true, may_switch, r);
}

/* Nobody has gone on with the order meanwhile. */
static void
still_ours(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL)
		renewal_fail(r, err);
	else
		renewal_publish_first(r, gate_begin);
}

static int
stage(struct renewal *r, const struct cert_ca *ca, struct error *err)
{
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;

	if (r->is_second)
		return store_stage_pair(store, name, (const struct store_part
		    []){ { .key = r->first_key, .pem = r->first_pem,
		    .len = strlen(r->first_pem) }, { .key = r->key,
		    .pem = r->pem, .len = r->pem_len } }, ca, r->version,
		    &r->info, err);
	return store_stage(store, name, r->key, r->csr.key != NULL ? &r->csr :
	    NULL, r->pem, r->pem_len, ca, r->version, &r->info, err);
}

void
renewal_enter_install(struct renewal *r)
{
	const struct conf_account *a = r->at.account;
	struct cert_ca ca = { .directory = NULL };
	struct error err;

	place_give(&r->cert->place);
	if (cert_is_dry_run(r->cert->row.name)) {
		renewal_finish(r, NULL);
		return;
	}
	if (a != NULL)
		ca = (struct cert_ca){ a->directory, a->name };
	if (stage(r, &ca, &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	if (store_loses_access(r->env->store, r->cert->row.name,
	    r->version))
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "who may read live/%s was changed by hand, "
		    "and the new version cannot be given the same: acmed is "
		    "not in that group; see \"install\" in acmed.conf(5)",
		    r->cert->row.name);
	if (!renewal_is_shared(r)) {
		gate_begin(r);
		return;
	}
	renewal_begin_wave(r);
	r->sync = store_sync_shared_start(r->env->store, r->cert->row.name,
	    still_ours, r);
}

/* --- deploy, and give the clean-up a moment --- */

static void
tidied(void *arg)
{
	struct renewal *r = arg;

	r->tidy = NULL;
	renewal_finish(r, r->deploy_err.kind != ERR_NONE ? &r->deploy_err :
	    NULL);
}

static void
deployed(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->deploy = NULL;
	if (err != NULL)
		r->deploy_err = *err;
	r->tidy = cleanup_wait_start(r->env->cleanup, r->cert->row.name,
	    CLEANUP_TRIED, CLEANUP_TIMEOUT_MS, tidied, r);
}

void
renewal_enter_deploy(struct renewal *r)
{
	r->deploy = rollout_run_start(r->env->rollout, r->cert, deployed,
	    r);
}
