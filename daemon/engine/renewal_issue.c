/* SPDX-License-Identifier: MIT */
#include "daemon/engine/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/acme/acme.h"
#include "daemon/engine/accounts.h"
#include "daemon/engine/authorize.h"
#include "daemon/engine/cleanup.h"
#include "daemon/engine/orderwait.h"
#include "daemon/engine/tokens.h"

#define ISSUANCE_TIMEOUT_MS	300000
#define ALTERNATES_MAX		5

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
		renewal_fail(r, err);
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
		renewal_fail(r, err);
		return;
	}
	acme_order_free(r->order);
	r->order = acme_order_dup(order);
	renewal_goto(r, STEP_FINALIZE);
}

void
renewal_enter_authorize(struct renewal *r)
{
	struct authorize_args args = {
		.engine = r->engine,
		.account = r->account,
		.kid = r->kid,
		.conf = r->cc,
		.order = r->order,
		.zones = r->zones,
		.idle = idle,
	};
	struct error err;

	r->auth = authorize_start(&args, authorized, r);
	if (key_begin(r, &err) == -1)
		renewal_fail(r, &err);
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
	renewal_fail(r, &err);
}

static void
issued(const struct error *err, const struct acme_order *order, void *arg)
{
	struct renewal *r = arg;

	r->poll = NULL;
	if (err != NULL)
		renewal_fail(r, err);
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
		renewal_fail(r, err);
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
		renewal_fail(r, &err);
		return;
	}
	renewal_say(r, "sending the request for the certificate");
	r->acme_op = acme_finalize_start(r->account->acme,
	    r->order->finalize_url, der, der_len, r->order->url, finalized, r);
	free(der);
}

void
renewal_enter_finalize(struct renewal *r)
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
		renewal_fail(r, &err);
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
		renewal_fail(r, err);
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

void
renewal_enter_download(struct renewal *r)
{
	if (r->cc->source != NULL) {
		renewal_enter_fetch(r);
		return;
	}
	r->acme_op = acme_cert_start(r->account->acme, r->order->cert_url,
	    downloaded, r);
}
