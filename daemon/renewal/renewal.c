/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/renewal_priv.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/hold.h"
#include "daemon/accounts/skew.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/origin.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/hooks.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/publish/fetch.h"
#include "daemon/renewal/authorize.h"
#include "daemon/renewal/orderwait.h"
#include "daemon/rollout/release.h"
#include "daemon/rollout/rollout.h"

static void	enter_account(struct renewal *);
static void	enter_order(struct renewal *);

static void (*const enter[])(struct renewal *) = {
	[STEP_ACCOUNT] = enter_account,
	[STEP_ORDER] = enter_order,
	[STEP_AUTHORIZE] = renewal_enter_authorize,
	[STEP_FINALIZE] = renewal_enter_finalize,
	[STEP_DOWNLOAD] = renewal_enter_download,
	[STEP_INSTALL] = renewal_enter_install,
	[STEP_DEPLOY] = renewal_enter_deploy,
};
_Static_assert(sizeof(enter) / sizeof(enter[0]) == STEP_END, "steps");

void
renewal_say(struct renewal *r, const char *text)
{
	event_emit(r->env->certs, r->cert->row.name, r->cert->step, LOGL_INFO,
	    "%s",
	    text);
}

void
renewal_halt(struct renewal *r)
{
	r->cert->may_acquire = false;
	gate_end(r->gate);
	hooks_cancel(r->hooks);
	place_cancel(r->taking);
	cleanup_wait_cancel(r->tidy);
	rollout_run_cancel(r->deploy);
	orderwait_cancel(r->poll);
	fetch_cancel(r->fetch);
	release_cancel(r->release);
	authorize_cancel(r->auth);
	zones_free(r->zones);
	keygen_cancel(r->keygen);
	store_sync_cancel(r->sync);
	acme_cancel(r->acme_op);
	account_cancel(r->account_op);
	timer_clear(&r->enter);
	r->gate = NULL;
	timer_clear(&r->alternates_end);
	r->hooks = NULL;
	r->taking = NULL;
	r->tidy = NULL;
	r->deploy = NULL;
	r->poll = NULL;
	r->fetch = NULL;
	r->release = NULL;
	r->auth = NULL;
	r->zones = NULL;
	r->keygen = NULL;
	r->sync = NULL;
	r->acme_op = NULL;
	r->account_op = NULL;
	cleanup_kick(r->env->cleanup);
	tokens_kick(r->env->tokens);
}

void
renewal_cancel(struct renewal *r)
{
	if (r == NULL)
		return;
	renewal_halt(r);
	/* Of an order that was sent the CA may have made one. */
	if (r->hold.has_asked)
		budget_leave(r->env->certs, r->cc, r->at.account, &r->taken);
	else
		budget_give(r->env->certs, r->cc, r->at.account, &r->taken,
		    false);
	account_release(r->env->accounts, r->account);
	acme_order_free(r->order);
	EVP_PKEY_free(r->key);
	EVP_PKEY_free(r->first_key);
	free(r->first_pem);
	csr_clear(&r->csr);
	cert_info_clear(&r->info);
	strv_free(r->alternates);
	free(r->pem);
	free(r->kid);
	free(r->replaces);
	free(r->names);
	free(r->names_json);
	free(r->less);
	conf_unref(r->conf);
	free(r);
}

/* Put the step in front, where the message does not begin with it. */
static void
add_step(const struct renewal *r, struct error *err)
{
	const char *step = step_name(r->cert->step);
	size_t len = strlen(step);

	if (r->cert->step != STEP_DEPLOY && (strncmp(err->msg, step,
	    len) != 0 ||
	    err->msg[len] != ':'))
		(void)error_wrap(err, "%s", step);
}

void
renewal_end(struct renewal *r, const struct error *err)
{
	struct cert *cert = r->cert;
	renewal_done_cb *done = r->done;
	void *arg = r->arg;
	enum step step = cert->step;
	struct error copy;

	if (err != NULL) {
		/* A reload may have come: it failed with these names. */
		free(cert->row.names_failed);
		cert->row.names_failed = cert_names_of(r->all);
		copy = *err;
		add_step(r, &copy);
	}
	hold_mark(r->env->holds, cert, r->waits);
	cert->run = NULL;
	renewal_cancel(r);
	done(cert, step, err != NULL ? &copy : NULL, arg);
}

void
renewal_finish(struct renewal *r, const struct error *err)
{
	/* What another host renews is fetched without them. */
	if (r->conf->hooks_dir != NULL && r->is_issued &&
	    hooks_exist(r->conf->hooks_dir, HOOKS_POST_RENEWED))
		renewal_post_hooks(r, err);
	else
		renewal_end(r, err);
}

/* Was no order made, whatever became of the request? */
static bool
is_certain(const struct error *err)
{
	static const char *const codes[] = { "http:resolve", "http:connect",
	    "http:tls", "engine:held", "store:full" };
	static const char *const doubtful[] = { "acme:badReply",
	    "acme:serverInternal", "acme:invalid" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++) {
		if (strcmp(err->code, doubtful[i]) == 0)
			return false;
	}
	if (certs_is_shared_error(err))
		return true;
	/* A page of a proxy's is no answer of the CA's. */
	return strncmp(err->code, "acme:", 5) == 0 &&
	    strncmp(err->code, "acme:http-", 10) != 0;
}

/* What was taken for an order that failed before it was in the row; it brings
 * no certificate. */
static void
give_back(struct renewal *r, const struct error *err)
{
	budget_give(r->env->certs, r->cc, r->at.account, &r->taken,
	    r->hold.has_asked && !is_certain(err));
}

void
renewal_fail(struct renewal *r, const struct error *err)
{
	struct error told;

	give_back(r, err);
	if (renewal_order_is_dead(r, err))
		cert_order_forget(r->cert);
	if (strcmp(err->code, "acme:accountDoesNotExist") == 0 &&
	    r->account != NULL) {
		cert_order_forget(r->cert);
		account_forget(r->env->accounts, r->account, r->kid);
	}
	/* Before the next order is sent, whatever hooks follow. */
	told = *err;
	add_step(r, &told);
	r->waits = !cert_is_dry_run(r->cert->row.name) &&
	    hold_failed(r->env->holds, r->cert, r->at.account, &r->hold,
	    &told);
	renewal_finish(r, &told);
}

static void
enter_cb(void *arg)
{
	struct renewal *r = arg;

	enter[r->cert->step](r);
}

void
renewal_goto(struct renewal *r, enum step next)
{
	assert(next > r->cert->step);
	r->cert->step = next;
	if (next >= STEP_FINALIZE)
		place_begun(&r->cert->place);
	free(r->cert->note);
	r->cert->note = NULL;
	timer_set(&r->enter, 0);
}

/* Where the records go: from the beginning, while the CA is asked, unless
 * their names are made of the account. */
static void
find_zones(struct renewal *r)
{
	zones_free(r->zones);
	r->zones = zones_start(r->env->loop, r->env->dns, r->cc, r->kid);
}

/* --- account --- */

static void
account_done(const struct error *err, struct account *account, void *arg)
{
	struct renewal *r = arg;

	r->account_op = NULL;
	if (err != NULL) {
		renewal_fail(r, err);
		return;
	}
	r->account = account;
	r->kid = xstrdup(account->kid);
	if (account->lost_kid != NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING,
		    "account \"%s\" is registered anew, as %s, as its key was "
		    "lost; CAA (accounturi) and dns-persist-01 records that "
		    "name %s want the new one", r->at.account->name, r->kid,
		    account->lost_kid);
	free(account->lost_kid);
	account->lost_kid = NULL;
	if (conf_needs_kid(r->cc))
		find_zones(r);
	if (r->cert->step == STEP_ORDER)	/* registered anew */
		enter_order(r);
	else
		renewal_goto(r, STEP_ORDER);
}

static void
account_begin(struct renewal *r)
{
	r->account_op = account_start(r->env->accounts, r->at.account,
	    account_done, r);
}

/* What an earlier run got will do now. */
static void
install_kept(struct renewal *r)
{
	r->cert->may_acquire = false;
	renewal_say(r, "the certificate that was kept can be used now");
	renewal_issued(r);
}

/* A certificate that cannot be kept is not ordered; what is ordered already is
 * gone on with, however little room there is. */
static int
check_room(const struct renewal *r, struct error *err)
{
	struct store *store = r->env->store;

	if (store_check_room(store, r->cert->row.name, err) == -1)
		return -1;
	return renewal_has_order(r) ? 0 : store_check_space(store, err);
}

static void
account_first(struct renewal *r)
{
	void (*next)(struct renewal *) = account_begin;
	struct error err;

	if (renewal_csr_read(r, &err) == -1) {
		renewal_end(r, &err);	/* no hook has run */
		return;
	}
	renewal_pair_look(r);
	switch (renewal_kept_look(r, &err)) {
	case KEPT_WAITS:
		renewal_end(r, &err);	/* no hook has run */
		return;
	case KEPT_FITS:
		next = install_kept;
		break;
	case KEPT_NOTHING:
		if (check_room(r, &err) == -1) {
			renewal_end(r, &err);
			return;
		}
		break;
	}
	if (r->conf->hooks_dir != NULL &&
	    hooks_exist(r->conf->hooks_dir, HOOKS_PRE))
		renewal_pre_hooks(r, next);
	else
		next(r);
}

static void
enter_account(struct renewal *r)
{
	if (renewal_is_shared(r))
		renewal_look_first(r, account_first);
	else
		account_first(r);
}

/* The one way back: the order for the second of a pair follows the download of
 * the first. */
void
renewal_order_again(struct renewal *r)
{
	r->cert->may_acquire = true;
	if (!conf_needs_kid(r->cc) || r->kid != NULL)
		find_zones(r);
	if (r->account == NULL) {
		account_begin(r);
		return;
	}
	r->cert->step = STEP_ORDER;
	free(r->cert->note);
	r->cert->note = NULL;
	timer_set(&r->enter, 0);
}

/* --- order --- */

static void	order_new(struct renewal *, const char *replaces);

/* The CA does not know the account any more: once in a run, make it anew. */
static bool
account_again(struct renewal *r, const struct error *err)
{
	if (strcmp(err->code, "acme:accountDoesNotExist") != 0 ||
	    r->is_registered_anew)
		return false;
	r->is_registered_anew = true;
	event_emit(r->env->certs, r->cert->row.name, r->cert->step,
	    LOGL_WARNING,
	    "the CA does not know account %s any more; registering it anew",
	    r->kid);
	cert_order_forget(r->cert);
	account_forget(r->env->accounts, r->account, r->kid);
	account_release(r->env->accounts, r->account);
	r->account = NULL;
	free(r->kid);
	r->kid = NULL;
	account_begin(r);
	return true;
}

bool
renewal_save_again(struct renewal *r, store_sync_cb *done)
{
	if (r->is_saved_again)
		return false;
	r->is_saved_again = true;
	cert_save(r->cert);
	r->sync = store_sync_shared_start(r->env->store, r->cert->row.name,
	    done, r);
	return true;
}

static void
order_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL && !certs_is_shared_error(err) &&
	    renewal_save_again(r, order_stored))
		return;
	r->is_saved_again = false;
	if (err != NULL)
		renewal_fail(r, err);
	else
		renewal_goto(r, r->order->status == ACME_PENDING ?
		    STEP_AUTHORIZE : STEP_FINALIZE);
}

/*
 * What a CA may answer because of "replaces": besides alreadyReplaced, it may
 * not know the certificate (Boulder: malformed or unauthorized; Pebble:
 * serverInternal).  Where the cause was another, asking again tells.
 */
static bool
is_about_replaces(const struct error *err)
{
	static const char *const codes[] = { "acme:alreadyReplaced",
	    "acme:malformed", "acme:unauthorized", "acme:conflict",
	    "acme:serverInternal", "acme:other", "acme:http-400",
	    "acme:http-404", "acme:http-409" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return err->retry_at == 0;
	}
	return false;
}

/* The CA's default it is, then.  Told once: as long as it goes on, the row has
 * it. */
static void
miss_profile(struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;
	bool is_new = !row->profile_missed ||
	    !conf_has_profile(&r->at, row->profile);

	r->misses_profile = true;
	event_emit(r->env->certs, row->name, r->cert->step,
	    is_new ? LOGL_WARNING : LOGL_INFO,
	    "the CA does not offer the profile \"%s\"; ordering without one; "
	    "for what it offers: acmectl account show \"%s\"",
	    r->at.profile, r->at.account->name);
}

static void
order_created(const struct error *err, const struct acme_order *order,
    void *arg)
{
	struct renewal *r = arg;
	struct store_cert *row = &r->cert->row;

	r->acme_op = NULL;
	if (err != NULL)
		give_back(r, err);
	if (err != NULL && r->replaces != NULL && is_about_replaces(err)) {
		event_emit(r->env->certs, row->name, r->cert->step, LOGL_INFO,
		    "without \"replaces\", for: %s", err->msg);
		order_new(r, NULL);
		return;
	}
	if (err != NULL && account_again(r, err))
		return;
	/* Of a directory that was changed since it was read. */
	if (err != NULL && !r->is_profile_refused &&
	    r->at.profile != NULL && !r->at.profile_required &&
	    strcmp(err->code, "acme:invalidProfile") == 0) {
		r->is_profile_refused = true;
		renewal_say(r, err->msg);
		order_new(r, renewal_replaces(r));
		return;
	}
	if (err != NULL) {
		struct error told = *err;

		renewal_refused(r, err, acme_refused(r->account->acme));
		account_add_hint(&told);
		renewal_fail(r, &told);
		return;
	}
	if (order->status == ACME_INVALID) {
		struct error invalid;

		(void)error_set(&invalid, ERR_REJECTED, "acme:invalid",
		    "the CA answered with an order that is invalid: %s",
		    order->error != NULL ? order->error->msg : "no reason");
		renewal_refused(r, &invalid, order->refused);
		renewal_fail(r, &invalid);
		return;
	}
	r->is_foreign = order->status == ACME_PROCESSING ||
	    order->status == ACME_VALID;
	if (!r->is_foreign && (order->finalize_url == NULL ||
	    (order->status == ACME_PENDING && order->n_authz == 0))) {
		struct error empty;

		(void)error_set(&empty, ERR_REJECTED, "acme:badReply",
		    "the CA's new order has no %s", order->n_authz == 0 ?
		    "authorizations" : "URL \"finalize\"");
		renewal_fail(r, &empty);
		return;
	}
	hold_end(r->env->holds, r->cert, r->at.account, r->asked_ms,
	    r->replaces != NULL && acme_offers_renewal_info(r->account->acme));
	r->order = acme_order_dup(order);
	if (r->is_profile_refused || order->lacks_profile)
		miss_profile(r);
	cert_order_forget(r->cert);
	row->order_url = xstrdup(order->url);
	row->order_names = xstrdup(r->names_json);
	row->order_account = xstrdup(r->kid);
	xstrset(&row->order_profile, r->at.profile);
	row->order_finalize = xstrdup(order->finalize_url != NULL ?
	    order->finalize_url : "");
	row->order_at = clock_now();
	row->order_limits = r->taken;
	r->taken = 0;
	store_pending_drop(r->env->store, row->name);
	cert_save(r->cert);
	r->sync = store_sync_shared_start(r->env->store, row->name,
	    order_stored, r);
}

static void
clock_seen(const struct error *err, void *arg)
{
	struct renewal *r = arg;
	struct error wrong;

	r->acme_op = NULL;
	r->is_clock_seen = true;
	if (err != NULL)
		renewal_fail(r, err);
	else if (!skew_lets_order(r->cert, acme_clock(r->account->acme),
	    &wrong))
		renewal_fail(r, &wrong);
	else
		order_new(r, renewal_replaces(r));
}

/* Another run may have been told to wait meanwhile, and the disk may have
 * filled up since the run began. */
static int
may_order(struct error *err, void *arg)
{
	struct renewal *r = arg;

	if (store_check_space(r->env->store, err) == -1 ||
	    certs_check_held(r->env->certs, r->cert->row.name, err) == -1)
		return -1;
	r->asked_ms = clock_boot_ms();
	return hold_until_run(r->env->holds, r->cert, r->at.account, err) ==
	    0 ? 0 : -1;
}

static void
order_send(struct renewal *r)
{
	const struct acme_order_args args = {
		.names = r->names,
		.n_names = r->cc->n_names,
		.replaces = r->replaces,
		.profile = r->is_profile_refused ? NULL : r->at.profile,
		.needs_profile = r->at.profile_required,
		.may = may_order,
	};

	if (r->less != NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_NOTICE, "ordering a certificate for %u of its %u "
		    "names: the CA did not validate the others",
		    r->cc->n_names, r->all->n_names);
	else
		renewal_say(r, "ordering a certificate");
	r->hold.has_asked = true;
	r->is_resumed = r->is_sent = false;
	r->acme_op = acme_order_new_start(r->account->acme, &args,
	    order_created, r);
}

/* What it counts for is on disk: a crash does not make it less.  Who may go on
 * with it knows why it was begun. */
static void
budget_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL)
		renewal_fail(r, err);
	else
		order_send(r);
}

static void
order_new(struct renewal *r, const char *replaces)
{
	bool names_it = replaces != NULL &&
	    acme_offers_renewal_info(r->account->acme);
	struct error held;

	if (may_order(&held, r) == -1) {
		renewal_fail(r, &held);
		return;
	}
	if (!r->is_clock_seen) {
		r->acme_op = acme_clock_start(r->account->acme, clock_seen, r);
		return;
	}
	xstrset(&r->replaces, replaces);
	if (budget_take(r->cert, r->cc, r->at.account, names_it, &r->taken,
	    &held) == -1)
		renewal_fail(r, &held);
	else if (r->taken != 0 || store_is_shared(r->env->store))
		r->sync = store_sync_shared_start(r->env->store,
		    r->cert->row.name, budget_stored, r);
	else
		order_send(r);
}

/* Can a run go on from this order?  Past finalize its key must be here. */
static bool
is_usable(struct renewal *r, const struct acme_order *order)
{
	struct error ignored;

	if (order->status == ACME_PROCESSING || order->status == ACME_VALID)
		r->is_sent = true;
	else if (order->status != ACME_PENDING && order->status != ACME_READY)
		return false;
	if (r->is_sent && renewal_sent_key(r, &ignored) == -1)
		r->key = NULL;
	/* Of a first that has gone since, or of another configuration. */
	if (r->key != NULL && r->cc->is_pair && !key_is_type(r->key,
	    renewal_key_type(r))) {
		EVP_PKEY_free(r->key);
		r->key = NULL;
	}
	/* Without the key that was sent, another may be. */
	if (r->key == NULL)
		r->is_sent = false;
	return r->key != NULL || order->status == ACME_READY ||
	    (order->status == ACME_PENDING && order->n_authz > 0);
}

static void
order_resumed(const struct error *err, const struct acme_order *order,
    void *arg)
{
	struct renewal *r = arg;

	r->acme_op = NULL;
	/* Whatever the order says now: it may be issued any moment. */
	r->is_sent = renewal_is_sent_lately(r);
	if (err != NULL && account_again(r, err))
		return;
	if (err != NULL && !renewal_order_is_dead(r, err)) {
		renewal_fail(r, err);
		return;
	}
	if (err != NULL || !is_usable(r, order)) {
		renewal_say(r, "the earlier order is of no use any more");
		cert_order_forget(r->cert);
		order_new(r, renewal_replaces(r));
		return;
	}
	hold_reached(r->env->holds, r->cert, r->at.account);
	renewal_say(r, "resuming the earlier order");
	r->is_resumed = true;
	r->order = acme_order_dup(order);
	if (r->order->finalize_url == NULL)
		r->order->finalize_url = xstrdup(r->cert->row.order_finalize !=
		    NULL ? r->cert->row.order_finalize : "");
	renewal_goto(r, order->status == ACME_PENDING && r->key == NULL ?
	    STEP_AUTHORIZE : STEP_FINALIZE);
}

static void
enter_order(struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;

	if (renewal_has_order(r)) {
		r->hold.has_asked = true;
		r->acme_op = acme_order_get_start(r->account->acme,
		    row->order_url, order_resumed, r);
		return;
	}
	order_new(r, renewal_replaces(r));
}

/* --- */

bool
renewal_is_judged(const struct renewal *r)
{
	return r->auth != NULL && authorize_is_judged(r->auth);
}

json_t *
renewal_json(const struct renewal *r)
{
	return json_pack("{s:s, s:o, s:s}", "step", step_name(r->cert->step),
	    "started_at", jsonx_time(r->started_at), "msg",
	    r->cert->note != NULL ?
	    r->cert->note : "");
}

struct renewal *
renewal_start(const struct renewal_env *env, struct cert *cert,
    renewal_done_cb *done, void *arg)
{
	struct renewal *r = xcalloc(1, sizeof(*r));

	r->cert = cert;
	r->env = env;
	r->conf = conf_ref(env->certs->conf);
	r->all = cert->conf;
	r->less = missing_narrow(cert);
	r->cc = r->less != NULL ? r->less : r->all;
	r->source = origin_repository(cert);
	r->is_issued = origin_is_ca(cert);
	if (r->is_issued && conf_n_issuers(r->cc) > 0)
		r->at = conf_issuer(r->cc, conf_issuer_index(r->cc,
		    issuer_now(cert)->name));
	r->names = xcalloc(r->cc->n_names, sizeof(*r->names));
	for (size_t i = 0; i < r->cc->n_names; i++)
		r->names[i] = r->cc->names[i].name;
	r->names_json = cert_names_of(r->cc);
	r->started_at = clock_now();
	r->hold.begun = hold_count(env->holds);
	if (!r->is_issued) {
		cert->step = STEP_DOWNLOAD;
		place_begun(&cert->place);	/* no CA is asked */
	} else {
		cert->step = STEP_ACCOUNT;
		r->cert->may_acquire = true;
		if (!conf_needs_kid(r->cc))
			find_zones(r);
		if (!renewal_has_order(r))
			budget_reserve(cert, r->cc, r->at.account, &r->taken);
	}
	r->done = done;
	r->arg = arg;
	free(cert->note);
	cert->note = NULL;
	timer_init(&r->enter, r->env->loop, enter_cb, r);
	timer_init(&r->alternates_end, r->env->loop,
	    renewal_alternates_end_cb, r);
	timer_set(&r->enter, 0);
	return r;
}
