/* SPDX-License-Identifier: MIT */
#include "daemon/engine/renewal.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/engine/accounts.h"
#include "daemon/engine/authorize.h"
#include "daemon/engine/cleanup.h"
#include "daemon/engine/deployer.h"
#include "daemon/engine/due.h"
#include "daemon/engine/orderwait.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/tokens.h"
#include "daemon/engine/zones.h"

#define ISSUANCE_TIMEOUT_MS	300000
#define CLEANUP_TIMEOUT_MS	5000
#define ALTERNATES_MAX		5

struct renewal {
	struct cert	*cert;
	struct engine	*engine;
	const struct conf *conf;	/* the one the run began with */
	const struct conf_cert *cc;
	const char	**names;	/* of cc; not owned strings */
	char		*names_json;
	time_t		 started_at;
	enum step	 step;
	struct timer	 enter;
	char		 note[600];
	bool		 is_authorizing;
	bool		 is_resumed;	/* the order is of an earlier run */

	struct account_op *account_op;
	struct account	*account;
	char		*kid;		/* of account when the run got it */
	struct acme_op	*acme_op;
	struct store_sync_op *sync;
	struct keygen_op *keygen;
	struct zones	*zones;
	struct authorize_op *auth;
	struct orderwait_op *poll;
	struct deployer_run *deploy;
	struct cleanup_wait_op *tidy;

	struct acme_order *order;
	EVP_PKEY	*key;
	bool		 is_key_kept;	/* it is on disk */
	bool		 is_key_wanted;	/* finalize waits for the key */
	char		*pem;		/* the chain to install */
	size_t		 pem_len;
	char		**alternates;
	size_t		 next_alternate;
	struct error	 deploy_err;
	renewal_done_cb	*done;
};

static void	enter_account(struct renewal *);
static void	enter_order(struct renewal *);
static void	enter_authorize(struct renewal *);
static void	enter_finalize(struct renewal *);
static void	enter_download(struct renewal *);
static void	enter_install(struct renewal *);
static void	enter_deploy(struct renewal *);

static const struct {
	const char	*name;
	void		(*enter)(struct renewal *);
} steps[] = {
	[STEP_ACCOUNT] = { "account", enter_account },
	[STEP_ORDER] = { "order", enter_order },
	[STEP_AUTHORIZE] = { "authorize", enter_authorize },
	[STEP_FINALIZE] = { "finalize", enter_finalize },
	[STEP_DOWNLOAD] = { "download", enter_download },
	[STEP_INSTALL] = { "install", enter_install },
	[STEP_DEPLOY] = { "deploy", enter_deploy },
};
_Static_assert(sizeof(steps) / sizeof(steps[0]) == STEP_END, "steps");

const char *
step_name(enum step step)
{
	return step < STEP_END ? steps[step].name : "cleanup";
}

static void
free_strings(char **list)
{
	for (char **p = list; p != NULL && *p != NULL; p++)
		free(*p);
	free(list);
}

static void
say(struct renewal *r, const char *text)
{
	event_emit(r->engine, r->cert->row.name, r->step, LOGL_INFO, "%s",
	    text);
}

static void
cancel_operations(struct renewal *r)
{
	cleanup_wait_cancel(r->tidy);
	deployer_run_cancel(r->deploy);
	orderwait_cancel(r->poll);
	authorize_cancel(r->auth);
	zones_free(r->zones);
	keygen_cancel(r->keygen);
	store_sync_cancel(r->sync);
	acme_cancel(r->acme_op);
	account_cancel(r->account_op);
	timer_clear(&r->enter);
}

void
renewal_cancel(struct renewal *r)
{
	if (r == NULL)
		return;
	r->is_authorizing = false;
	cancel_operations(r);
	cleanup_kick(r->engine->cleanup);
	tokens_kick(r->engine->tokens);
	account_release(r->engine->accounts, r->account);
	acme_order_free(r->order);
	EVP_PKEY_free(r->key);
	free_strings(r->alternates);
	free(r->pem);
	free(r->kid);
	free(r->names);
	free(r->names_json);
	conf_unref(r->conf);
	free(r);
}

/* Put the step in front, where the message does not begin with it. */
static void
add_step(const struct renewal *r, struct error *err)
{
	const char *step = steps[r->step].name;
	size_t len = strlen(step);

	if (r->step != STEP_DEPLOY && (strncmp(err->msg, step, len) != 0 ||
	    err->msg[len] != ':'))
		(void)error_wrap(err, "%s", step);
}

static void
finish(struct renewal *r, const struct error *err)
{
	struct cert *cert = r->cert;
	renewal_done_cb *done = r->done;
	enum step step = r->step;
	struct error copy;

	if (err != NULL) {
		/* A reload may have come: it failed with these names. */
		free(cert->row.names_failed);
		cert->row.names_failed = xstrdup(r->names_json);
		copy = *err;
		add_step(r, &copy);
	}
	cert->run = NULL;
	renewal_cancel(r);
	done(cert, step, err != NULL ? &copy : NULL);
}

static void
fail(struct renewal *r, const struct error *err)
{
	/* A refusal is final for its order; all else is resumed. */
	if (err->kind == ERR_REJECTED)
		cert_order_forget(r->cert);
	if (strcmp(err->code, "acme:accountDoesNotExist") == 0 &&
	    r->account != NULL) {
		cert_order_forget(r->cert);
		account_forget(r->engine->accounts, r->account, r->kid);
	}
	finish(r, err);
}

static void
enter_cb(void *arg)
{
	struct renewal *r = arg;

	steps[r->step].enter(r);
}

/* The only writer of r->step.  Enters from the loop: no recursion. */
static void
renewal_goto(struct renewal *r, enum step next)
{
	assert(next > r->step);
	r->step = next;
	r->note[0] = '\0';
	timer_set(&r->enter, 0);
}

/* --- account --- */

static void
account_done(const struct error *err, struct account *account, void *arg)
{
	struct renewal *r = arg;

	r->account_op = NULL;
	if (err != NULL) {
		fail(r, err);
		return;
	}
	r->account = account;
	r->kid = xstrdup(account->kid);
	renewal_goto(r, STEP_ORDER);
}

static void
enter_account(struct renewal *r)
{
	r->account_op = account_start(r->engine->accounts, r->cc->account,
	    account_done, r);
}

/* --- order --- */

static void	order_new(struct renewal *);

static void
order_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL)
		fail(r, err);
	else
		renewal_goto(r, r->order->status == ACME_PENDING ?
		    STEP_AUTHORIZE : STEP_FINALIZE);
}

static void
order_created(const struct error *err, const struct acme_order *order,
    void *arg)
{
	struct renewal *r = arg;
	struct store_cert *row = &r->cert->row;

	r->acme_op = NULL;
	if (err != NULL) {
		fail(r, err);
		return;
	}
	if (order->status == ACME_INVALID) {
		struct error invalid;

		(void)error_set(&invalid, ERR_REJECTED, "acme:invalid",
		    "the CA answered with an order that is invalid: %s",
		    order->error != NULL ? order->error->msg : "no reason");
		fail(r, &invalid);
		return;
	}
	r->order = acme_order_dup(order);
	cert_order_forget(r->cert);
	row->order_url = xstrdup(order->url);
	row->order_names = xstrdup(r->names_json);
	row->order_account = xstrdup(r->kid);
	row->order_finalize = xstrdup(order->finalize_url);
	store_pending_key_drop(r->engine->a.store, row->name);
	cert_save(r->cert);
	r->sync = store_sync_start(r->engine->a.store, order_stored, r);
}

static void
order_new(struct renewal *r)
{
	say(r, "ordering a certificate");
	r->is_resumed = false;
	r->acme_op = acme_order_new_start(r->account->acme, r->names,
	    r->cc->n_names, order_created, r);
}

/* Can a run go on from this order?  Past pending its key must be here. */
static bool
is_usable(struct renewal *r, const struct acme_order *order)
{
	struct error ignored;

	if (order->status == ACME_PENDING || order->status == ACME_READY)
		return true;
	if (order->status != ACME_PROCESSING && order->status != ACME_VALID)
		return false;
	return store_pending_key(r->engine->a.store, r->cert->row.name,
	    &r->key, &ignored) == 0 && r->key != NULL;
}

static void
order_resumed(const struct error *err, const struct acme_order *order,
    void *arg)
{
	struct renewal *r = arg;

	r->acme_op = NULL;
	if (err != NULL && err->kind != ERR_REJECTED) {
		fail(r, err);
		return;
	}
	if (err != NULL || !is_usable(r, order)) {
		say(r, "the earlier order is of no use any more");
		cert_order_forget(r->cert);
		order_new(r);
		return;
	}
	say(r, "resuming the earlier order");
	r->is_resumed = true;
	r->order = acme_order_dup(order);
	renewal_goto(r, order->status == ACME_PENDING ? STEP_AUTHORIZE :
	    STEP_FINALIZE);
}

static void
enter_order(struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;

	if (row->order_url != NULL && row->order_names != NULL &&
	    strcmp(row->order_names, r->names_json) == 0 &&
	    row->order_account != NULL &&
	    strcmp(row->order_account, r->kid) == 0) {
		r->acme_op = acme_order_get_start(r->account->acme,
		    row->order_url, order_resumed, r);
		return;
	}
	order_new(r);
}

/* --- authorize; the key is made meanwhile --- */

/* On disk before the CSR is sent: the CA may issue from that moment on. */
static int
key_keep(struct renewal *r, struct error *err)
{
	if (r->is_key_kept)
		return 0;
	if (store_pending_key_put(r->engine->a.store, r->cert->row.name,
	    r->key, err) == -1)
		return -1;
	r->is_key_kept = true;
	return 0;
}

/* The CA is busy: the disk may be, too.  What fails now fails again later. */
static void
idle(void *arg)
{
	struct renewal *r = arg;
	struct error later;

	if (r->key != NULL)
		(void)key_keep(r, &later);
}

static void
key_done(const struct error *err, EVP_PKEY *key, void *arg)
{
	struct renewal *r = arg;

	r->keygen = NULL;
	if (err != NULL) {
		fail(r, err);
		return;
	}
	(void)EVP_PKEY_up_ref(key);
	r->key = key;
	if (r->is_key_wanted) {
		r->is_key_wanted = false;
		timer_set(&r->enter, 0);
	}
}

/*
 * A key read from disk.  One that is damaged will never be mended: there is
 * none then.
 */
static int
key_load(struct renewal *r, int (*load)(struct store *, const char *,
    EVP_PKEY **, struct error *), struct error *err)
{
	const char *name = r->cert->row.name;

	if (load(r->engine->a.store, name, &r->key, err) == 0)
		return 0;
	if (strcmp(err->code, "key:syntax") != 0)
		return -1;
	event_emit(r->engine, name, r->step, LOGL_WARNING,
	    "%s; making a new key", err->msg);
	return 0;
}

/* The pending key of a resumed order, the live one to be reused, or new. */
static int
key_begin(struct renewal *r, struct error *err)
{
	if (r->key != NULL || r->keygen != NULL)
		return 0;
	if (r->is_resumed && key_load(r, store_pending_key, err) == -1)
		return -1;
	if (r->key == NULL && r->cc->reuse_key &&
	    key_load(r, store_live_key, err) == -1)
		return -1;
	if (r->key != NULL && !key_is_type(r->key, r->cc->key)) {
		EVP_PKEY_free(r->key);
		r->key = NULL;
	}
	if (r->key != NULL)
		return 0;
	r->keygen = keygen_start(r->engine->a.loop, r->engine->a.children,
	    r->cc->key, key_done, r);
	return 0;
}

static void
authorized(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->auth = NULL;
	r->is_authorizing = false;
	cleanup_kick(r->engine->cleanup);
	tokens_kick(r->engine->tokens);
	if (err != NULL) {
		fail(r, err);
		return;
	}
	acme_order_free(r->order);
	r->order = acme_order_dup(order);
	renewal_goto(r, STEP_FINALIZE);
}

static void
enter_authorize(struct renewal *r)
{
	struct authorize_args args = {
		.engine = r->engine,
		.account = r->account,
		.conf = r->cc,
		.order = r->order,
		.zones = r->zones,
		.idle = idle,
	};
	struct error err;

	r->auth = authorize_start(&args, authorized, r);
	if (key_begin(r, &err) == -1)
		fail(r, &err);
}

/* --- finalize --- */

static void
order_decided(struct renewal *r, const struct acme_order *order)
{
	struct error err;

	if (order->status == ACME_VALID && order->cert_url != NULL) {
		struct acme_order *copy = acme_order_dup(order);

		acme_order_free(r->order);
		r->order = copy;
		renewal_goto(r, STEP_DOWNLOAD);
		return;
	}
	if (order->error != NULL)
		err = *order->error;
	else
		(void)error_set(&err, ERR_REJECTED, "acme:order",
		    "the order became %s instead of valid",
		    acme_status_name(order->status));
	fail(r, &err);
}

static void
issued(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->poll = NULL;
	if (err != NULL)
		fail(r, err);
	else
		order_decided(r, order);
}

static void
wait_for_issuance(struct renewal *r)
{
	struct orderwait_args args = {
		.loop = r->engine->a.loop,
		.acme = r->account->acme,
		.url = r->order->url,
		.pace_ms = &r->account->pace.issuance_ms,
		.timeout_ms = ISSUANCE_TIMEOUT_MS,
	};

	r->poll = orderwait_start(&args, issued, r);
}

static void
finalized(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->acme_op = NULL;
	if (err != NULL)
		fail(r, err);
	else if (order->status == ACME_PROCESSING)
		wait_for_issuance(r);
	else
		order_decided(r, order);
}

static void
finalize_send(struct renewal *r)
{
	unsigned char *der;
	size_t der_len;
	struct error err;

	if (key_keep(r, &err) == -1 || csr_make(r->key, r->names,
	    r->cc->n_names, &der, &der_len, &err) == -1) {
		fail(r, &err);
		return;
	}
	say(r, "sending the request for the certificate");
	r->acme_op = acme_finalize_start(r->account->acme,
	    r->order->finalize_url, der, der_len, r->order->url, finalized, r);
	free(der);
}

static void
enter_finalize(struct renewal *r)
{
	struct error err;

	r->is_authorizing = false;
	if (r->order->status == ACME_PROCESSING) {
		wait_for_issuance(r);
		return;
	}
	if (r->order->status == ACME_VALID && r->key != NULL) {
		order_decided(r, r->order);
		return;
	}
	if (key_begin(r, &err) == -1) {
		fail(r, &err);
		return;
	}
	if (r->key == NULL)
		r->is_key_wanted = true;	/* key_done() comes back here */
	else
		finalize_send(r);
}

/* --- download --- */

static void
keep_chain(struct renewal *r, const struct acme_cert *cert)
{
	free(r->pem);
	r->pem = xmemdup(cert->pem, cert->pem_len);
	r->pem_len = cert->pem_len;
}

static void	next_alternate(struct renewal *);

static void
alternate_done(const struct error *err, const struct acme_cert *cert,
    void *arg)
{
	struct renewal *r = arg;
	struct error bad;

	r->acme_op = NULL;
	if (err == NULL && chain_is_preferred(cert->pem, cert->pem_len,
	    r->cc->preferred_chain) && chain_verify(cert->pem, cert->pem_len,
	    r->key, r->names, r->cc->n_names, &bad) == 0) {
		keep_chain(r, cert);
		renewal_goto(r, STEP_INSTALL);
		return;
	}
	next_alternate(r);
}

static void
next_alternate(struct renewal *r)
{
	const char *url = r->alternates[r->next_alternate];

	if (url == NULL || r->next_alternate >= ALTERNATES_MAX) {
		event_emit(r->engine, r->cert->row.name, r->step, LOGL_WARNING,
		    "the CA offers no chain to \"%s\"; using its default",
		    r->cc->preferred_chain);
		renewal_goto(r, STEP_INSTALL);
		return;
	}
	r->next_alternate++;
	r->acme_op = acme_cert_start(r->account->acme, url, alternate_done, r);
}

static char **
dup_strings(char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

static void
downloaded(const struct error *err, const struct acme_cert *cert, void *arg)
{
	struct renewal *r = arg;
	struct error bad;

	r->acme_op = NULL;
	if (err == NULL && chain_verify(cert->pem, cert->pem_len, r->key,
	    r->names, r->cc->n_names, &bad) == -1)
		err = &bad;
	if (err != NULL) {
		fail(r, err);
		return;
	}
	keep_chain(r, cert);
	if (r->cc->preferred_chain == NULL || chain_is_preferred(r->pem,
	    r->pem_len, r->cc->preferred_chain)) {
		renewal_goto(r, STEP_INSTALL);
		return;
	}
	r->alternates = dup_strings(cert->alternates);
	next_alternate(r);
}

static void
enter_download(struct renewal *r)
{
	r->acme_op = acme_cert_start(r->account->acme, r->order->cert_url,
	    downloaded, r);
}

/* --- install --- */

static void
row_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL) {
		/* Installed it is.  Should nothing be saved before we end,
		 * the next start resumes the order, with the pending key. */
		event_emit(r->engine, r->cert->row.name, r->step,
		    LOGL_WARNING, "this is not saved: %s", err->msg);
		cert_save(r->cert);
	} else {
		store_pending_key_drop(r->engine->a.store, r->cert->row.name);
	}
	renewal_goto(r, STEP_DEPLOY);
}

/* The row says what live/NAME now holds; the order is used up. */
static void
row_update(struct renewal *r, const struct cert_info *info)
{
	struct store_cert *row = &r->cert->row;

	(void)text_printf(row->serial, sizeof(row->serial), "%s",
	    info->serial);
	(void)text_printf(row->issuer, sizeof(row->issuer), "%s",
	    info->issuer);
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->key = info->key;	/* of an earlier order: perhaps another */
	free(row->names);
	row->names = xstrdup(r->names_json);
	row->installed_at = clock_now();
	store_live_stamp(r->engine->a.store, row->name, row->stamp);
	row->spread = due_spread();
	row->failures = 0;
	row->retry_at = 0;
	free(row->error);
	row->error = NULL;
	cert_order_forget(r->cert);
	cert_save(r->cert);
}

static void
enter_install(struct renewal *r)
{
	char until[TEXT_TIME_MAX];
	struct cert_info info;
	struct error err;

	if (store_install(r->engine->a.store, r->cert->row.name, r->key,
	    r->pem, r->pem_len, &info, &err) == -1) {
		fail(r, &err);
		return;
	}
	row_update(r, &info);
	deployer_plan(r->engine->deployer, r->cert, r->cc, info.serial);
	event_emit(r->engine, r->cert->row.name, r->step, LOGL_NOTICE,
	    "installed certificate %s by \"%s\", valid until %s", info.serial,
	    info.issuer, text_time(info.not_after, until));
	cert_info_clear(&info);
	r->sync = store_sync_start(r->engine->a.store, row_stored, r);
}

/* --- deploy, and give the clean-up a moment --- */

static void
tidied(void *arg)
{
	struct renewal *r = arg;

	r->tidy = NULL;
	finish(r, r->deploy_err.kind != ERR_NONE ? &r->deploy_err : NULL);
}

static void
deployed(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->deploy = NULL;
	if (err != NULL)
		r->deploy_err = *err;
	r->tidy = cleanup_wait_start(r->engine->cleanup, r->cert->row.name,
	    CLEANUP_TRIED, CLEANUP_TIMEOUT_MS, tidied, r);
}

static void
enter_deploy(struct renewal *r)
{
	r->deploy = deployer_run_start(r->engine->deployer, r->cert, deployed,
	    r);
}

/* --- */

bool
renewal_is_authorizing(const struct renewal *r)
{
	return r->is_authorizing;
}

bool
renewal_is_judged(const struct renewal *r)
{
	return r->auth != NULL && authorize_is_judged(r->auth);
}

enum step
renewal_step(const struct renewal *r)
{
	return r->step;
}

void
renewal_note(struct renewal *r, const char *msg)
{
	(void)text_printf(r->note, sizeof(r->note), "%s", msg);
	text_clean(r->note);
}

json_t *
renewal_json(const struct renewal *r)
{
	return json_pack("{s:s, s:o, s:s}", "step", step_name(r->step),
	    "started_at", time_json(r->started_at), "msg", r->note);
}

struct renewal *
renewal_start(struct cert *cert, renewal_done_cb *done)
{
	struct renewal *r = xcalloc(1, sizeof(*r));

	r->cert = cert;
	r->engine = cert->engine;
	r->conf = conf_ref(cert->engine->conf);
	r->cc = cert->conf;
	r->names = xcalloc(r->cc->n_names, sizeof(*r->names));
	for (size_t i = 0; i < r->cc->n_names; i++)
		r->names[i] = r->cc->names[i].name;
	r->names_json = xstrdup(cert->names);
	r->started_at = clock_now();
	r->is_authorizing = true;
	r->zones = zones_start(r->engine->a.loop, r->engine->dns, r->cc);
	r->done = done;
	timer_init(&r->enter, r->engine->a.loop, enter_cb, r);
	timer_set(&r->enter, 0);
	return r;
}
