/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/event.h"
#include "daemon/certs/missing.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/io/loop.h"
#include "daemon/renewal/authorize.h"
#include "daemon/renewal/orderwait.h"

#define ISSUANCE_TIMEOUT_MS	300000
#define ALTERNATES_MAX		5
#define ALTERNATES_MS		30000	/* all of them together */

/* --- authorize; the key is made meanwhile --- */

/* On disk before the CSR is sent: the CA may issue from that moment on. */
static int
key_keep(struct renewal *r, struct error *err)
{
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;

	/* What is thrown away need not outlive a crash. */
	if (r->is_key_kept || cert_is_dry_run(name))
		return 0;
	if ((r->csr.key != NULL ? store_pending_csr_put(store, name, &r->csr,
	    err) : store_pending_key_put(store, name, r->key, err)) == -1)
		return -1;
	r->is_key_kept = true;
	return 0;
}

static void
begun(struct renewal *r)
{
	if (r->is_fetched && r->keygen == NULL)
		place_begun(&r->cert->place);
}

static void
fetched(void *arg)
{
	struct renewal *r = arg;

	r->is_fetched = true;
	begun(r);
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
		renewal_fail(r, err);
		return;
	}
	(void)EVP_PKEY_up_ref(key);
	r->key = key;
	if (r->is_key_wanted) {
		r->is_key_wanted = false;
		timer_set(&r->enter, 0);
	}
	begun(r);
}

/*
 * A key read from disk.  One that is damaged will never be mended: there is
 * none then.
 */
static int
key_load(struct renewal *r, bool is_live, struct error *err)
{
	const char *name = r->cert->row.name;
	struct store *store = r->env->store;
	int rc = is_live ? store_live_key(store, name,
	    renewal_key_folder(r), &r->key, err) :
	    store_pending_key(store, name, &r->key, err);

	if (rc == 0)
		return 0;
	if (strcmp(err->code, "key:syntax") != 0)
		return -1;
	event_emit(r->env->certs, name, r->cert->step, LOGL_WARNING,
	    "%s; making a new key", err->msg);
	return 0;
}

/* The pending key of a resumed order, the live one to be reused, or new; or
 * that of a request, at once. */
static int
key_begin(struct renewal *r, struct error *err)
{
	if (r->key != NULL || r->keygen != NULL)
		return 0;
	if (r->csr.key != NULL) {
		renewal_csr_key(r);
		return 0;
	}
	if (r->is_resumed && key_load(r, false, err) == -1)
		return -1;
	if (r->key == NULL && r->cc->reuse_key && !r->cert->wants_new_key &&
	    key_load(r, true, err) == -1)
		return -1;
	if (r->key != NULL && !key_is_type(r->key, renewal_key_type(r))) {
		EVP_PKEY_free(r->key);
		r->key = NULL;
	}
	if (r->key != NULL)
		return 0;
	r->keygen = keygen_start(r->env->loop, r->env->children,
	    renewal_key_type(r), key_done, r);
	return 0;
}

/* What the CA says now; its first words stand where it is silent. */
static void
order_update(struct renewal *r, const struct acme_order *order)
{
	struct acme_order *copy = acme_order_dup(order);

	if (copy->finalize_url == NULL && r->order->finalize_url != NULL)
		copy->finalize_url = xstrdup(r->order->finalize_url);
	acme_order_free(r->order);
	r->order = copy;
}

static void
authorized(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->auth = NULL;
	r->cert->may_acquire = false;
	cleanup_kick(r->env->cleanup);
	tokens_kick(r->env->tokens);
	if (err != NULL) {
		renewal_fail(r, err);
		return;
	}
	order_update(r, order);
	renewal_goto(r, STEP_FINALIZE);
}

static void
name_failed(const char *name, const struct error *err, void *arg)
{
	struct renewal *r = arg;

	missing_failed(r->cert, name, err);
}

void
renewal_enter_authorize(struct renewal *r)
{
	struct authorize_args args = {
		.env = r->env,
		.account = r->account,
		.at = r->at.account,
		.kid = r->kid,
		.place = &r->cert->place,
		.conf = r->cc,
		.order = r->order,
		.zones = r->zones,
		.fetched = fetched,
		.failed = name_failed,
		.idle = idle,
	};
	struct error err;

	r->auth = authorize_start(&args, authorized, r);
	if (key_begin(r, &err) == -1)
		renewal_fail(r, &err);
}

/* --- finalize --- */

/*
 * How long an order may be ready after finalize until it is sent once more,
 * with the same key: most such orders are only shown by a replica that lags.
 */
static const unsigned ready_ms[] = { 10000, 30000,
    2 * ISSUANCE_TIMEOUT_MS /* the time is up before */ };

static void	finalize_send(struct renewal *);

static bool
has_certificate(const struct acme_order *order)
{
	return order->status == ACME_VALID && order->cert_url != NULL;
}

static void
order_decided(struct renewal *r, const struct acme_order *order)
{
	struct error err;

	if (has_certificate(order)) {
		order_update(r, order);
		budget_order_issued(r->cert);
		cert_save(r->cert);
		renewal_goto(r, STEP_DOWNLOAD);
		return;
	}
	r->is_invalid = true;
	if (order->error != NULL)
		err = *order->error;
	else
		(void)error_set(&err, ERR_REJECTED, "acme:order",
		    "the order became %s instead of valid",
		    acme_status_name(order->status));
	renewal_refused(r, &err, order->refused);
	renewal_fail(r, &err);
}

/* A new order that was said to be past finalize has no key yet. */
static void
ready_again(struct renewal *r, const struct acme_order *order)
{
	if (r->key != NULL) {
		finalize_send(r);
		return;
	}
	order_update(r, order);
	renewal_enter_finalize(r);
}

static void
issued(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->poll = NULL;
	if (err != NULL)
		renewal_fail(r, err);
	else if (order->status == ACME_READY)
		ready_again(r, order);
	else
		order_decided(r, order);
}

static void
wait_for_issuance(struct renewal *r)
{
	unsigned n = r->n_sends > 0 ? r->n_sends - 1 : 0;
	struct orderwait_args args = {
		.loop = r->env->loop,
		.acme = r->account->acme,
		.url = r->order->url,
		.place = &r->cert->place,
		.pace_ms = &r->account->pace.issuance_ms,
		.timeout_ms = ISSUANCE_TIMEOUT_MS,
		.ready_ms = ready_ms[n],
	};

	r->poll = orderwait_start(&args, issued, r);
}

/* May the CA be at it, in spite of this answer to finalize? */
static bool
is_under_way(const struct renewal *r, const struct error *err)
{
	return err->kind == ERR_REJECTED &&
	    (r->is_sent || strcmp(err->code, "acme:orderNotReady") == 0);
}

static void
finalized(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->acme_op = NULL;
	if (err != NULL && !is_under_way(r, err)) {
		/* Nothing was issued of what it has refused. */
		if (err->kind == ERR_REJECTED && !r->is_sent)
			r->cert->row.order_sent_at = 0;
		renewal_refused(r, err, acme_refused(r->account->acme));
		renewal_fail(r, err);
		return;
	}
	if (err == NULL)
		r->is_sent = true;
	if (err == NULL && (has_certificate(order) ||
	    order->status == ACME_INVALID))
		order_decided(r, order);
	else
		wait_for_issuance(r);
}

static void
csr_send(struct renewal *r)
{
	const unsigned char *der = r->csr.der;
	size_t der_len = r->csr.der_len;
	unsigned char *made = NULL;
	struct error err;

	if (certs_check_held(r->env->certs, r->cert->row.name, &err) == -1 ||
	    (der == NULL && csr_make(r->key, r->names, r->cc->n_names, &made,
	    &der_len, &err) == -1)) {
		renewal_fail(r, &err);
		return;
	}
	if (made != NULL)
		der = made;
	renewal_say(r, r->n_sends++ == 0 ?
	    "sending the request for the certificate" :
	    "the order is ready still: sending the request again");
	r->acme_op = acme_finalize_start(r->account->acme,
	    r->order->finalize_url, der, der_len, r->order->url, finalized, r);
	free(made);
}

/* Whoever goes on with the order has its key now. */
static void
key_shared(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL)
		renewal_fail(r, err);
	else
		csr_send(r);
}

static void
finalize_send(struct renewal *r)
{
	struct store_cert *row = &r->cert->row;
	struct error err;

	if (r->order->finalize_url == NULL ||
	    r->order->finalize_url[0] == '\0') {
		(void)error_set(&err, ERR_REJECTED, "acme:badReply",
		    "the CA's order has no URL \"finalize\"");
		renewal_fail(r, &err);
		return;
	}
	if (key_keep(r, &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	if (row->order_sent_at == 0) {
		row->order_sent_at = clock_now();
		cert_save(r->cert);
	}
	/* On this disk not waited for: should it be lost, the order's status
	   tells. */
	if (store_is_shared(r->env->store))
		r->sync = store_sync_shared_start(r->env->store, row->name,
		    key_shared, r);
	else
		csr_send(r);
}

void
renewal_enter_finalize(struct renewal *r)
{
	struct error err;

	r->cert->may_acquire = false;
	if (has_certificate(r->order) && r->key != NULL) {
		order_decided(r, r->order);
		return;
	}
	if (r->is_sent || r->order->status == ACME_PROCESSING) {
		wait_for_issuance(r);
		return;
	}
	if (key_begin(r, &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	if (r->key == NULL)
		r->is_key_wanted = true;	/* key_done() comes back here */
	else
		finalize_send(r);
}

/* --- download --- */

/* The chain to install; it takes fit's text. */
static void
take_chain(struct renewal *r, const struct chain_fit *fit)
{
	free(r->pem);
	r->pem = fit->pem;
	r->pem_len = strlen(fit->pem);
}

static void
download_end(struct renewal *r)
{
	timer_clear(&r->alternates_end);
	renewal_issued(r);
}

static void	next_alternate(struct renewal *);

static void
alternate_done(const struct error *err, const struct acme_cert *cert,
    void *arg)
{
	struct renewal *r = arg;
	struct chain_fit fit;
	struct error bad;

	r->acme_op = NULL;
	if (err == NULL && chain_is_preferred(cert->pem, cert->pem_len,
	    r->cc->preferred_chain) && chain_fit(cert->pem, cert->pem_len,
	    r->key, r->names, r->cc->n_names, &fit, &bad) == 0) {
		take_chain(r, &fit);
		download_end(r);
		return;
	}
	next_alternate(r);
}

void
renewal_alternates_end_cb(void *arg)
{
	struct renewal *r = arg;

	acme_cancel(r->acme_op);
	r->acme_op = NULL;
	event_emit(r->env->certs, r->cert->row.name, r->cert->step,
	    LOGL_WARNING,
	    "the CA's other chains do not come within 30 s; using its "
	    "default");
	download_end(r);
}

static void
next_alternate(struct renewal *r)
{
	const char *url = r->alternates[r->next_alternate];

	if (url == NULL || r->next_alternate >= ALTERNATES_MAX) {
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING,
		    "the CA offers no chain to \"%s\"; using its default",
		    r->cc->preferred_chain);
		download_end(r);
		return;
	}
	r->next_alternate++;
	r->acme_op = acme_cert_start(r->account->acme, url, alternate_done, r);
}

static void
downloaded(const struct error *err, const struct acme_cert *cert, void *arg)
{
	struct renewal *r = arg;
	struct chain_fit fit;
	struct error bad;

	r->acme_op = NULL;
	if (err != NULL) {
		renewal_fail(r, err);
		return;
	}
	if (chain_fit(cert->pem, cert->pem_len, r->key, r->names,
	    r->cc->n_names, &fit, &bad) == -1) {
		renewal_unfit(r, cert->pem, cert->pem_len, &bad);
		return;
	}
	if (fit.extra[0] != '\0')
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_NOTICE,
		    "the CA put names in that were not asked for: %s",
		    fit.extra);
	take_chain(r, &fit);
	if (r->cc->preferred_chain == NULL || chain_is_preferred(r->pem,
	    r->pem_len, r->cc->preferred_chain)) {
		renewal_issued(r);
		return;
	}
	r->alternates = strv_copy((const char *const *)cert->alternates);
	timer_set(&r->alternates_end, ALTERNATES_MS);
	next_alternate(r);
}

void
renewal_enter_download(struct renewal *r)
{
	if (r->source != NULL) {
		renewal_enter_fetch(r);
		return;
	}
	if (r->cc->given != NULL) {
		renewal_enter_take(r);
		return;
	}
	r->acme_op = acme_cert_start(r->account->acme, r->order->cert_url,
	    downloaded, r);
}
