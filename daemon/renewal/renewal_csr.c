/* SPDX-License-Identifier: MIT */
/*
 * A run for a certificate whose key is elsewhere: what is sent is a request
 * that somebody else has made.  It is read anew in each run, and what was sent
 * is kept until the run has ended: a certificate for a request of before is of
 * no use.
 */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf_csr.h"

/* Was another request than this one sent for the order under way? */
static bool
is_of_another(const struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;
	struct error ignored;
	struct csr sent;
	bool is_other;

	if (row->order_url == NULL || row->order_sent_at == 0)
		return false;
	is_other = store_pending_csr(r->env->store, row->name, &sent,
	    &ignored) == -1 || strcmp(sent.hash, r->csr.hash) != 0;
	csr_clear(&sent);
	return is_other;
}

/* There is one, but it is of no use. */
static void
explain(const struct renewal *r, struct error *err)
{
	const struct error *why = r->cert->csr_refused;

	if (why != NULL && strcmp(err->code, "request:none") == 0)
		(void)error_set(err, why->kind, why->code, "the request of "
		    "host \"%s\" is not used: %s", r->cc->csr->host->name,
		    why->msg);
}

int
renewal_csr_read(struct renewal *r, struct error *err)
{
	const struct conf_csr *from = r->cc->csr;
	const char *name = r->cert->row.name;

	if (from == NULL)
		return 0;
	if (conf_csr_read(r->cc, &r->csr, err) == -1) {
		explain(r, err);
		return -1;
	}
	if (cert_is_dry_run(name))
		return 0;
	if (is_of_another(r)) {
		event_emit(r->env->certs, name, r->cert->step, LOGL_NOTICE,
		    "%s is another request than was sent for the order under "
		    "way: ordering anew", from->path);
		cert_order_forget(r->cert);
		store_pending_drop(r->env->store, name);
		cert_save(r->cert);
	}
	/* A reload meanwhile has read it as well. */
	if (r->cert->conf == r->all)
		cert_csr_seen(r->cert, r->csr.hash);
	return 0;
}

void
renewal_csr_key(struct renewal *r)
{
	(void)EVP_PKEY_up_ref(r->csr.key);
	r->key = r->csr.key;
}

int
renewal_sent_key(struct renewal *r, struct error *err)
{
	const char *name = r->cert->row.name;
	struct csr sent;
	int rc;

	if (r->csr.key == NULL)
		return store_pending_key(r->env->store, name, &r->key, err);
	rc = store_pending_csr(r->env->store, name, &sent, err);
	if (rc == 0 && strcmp(sent.hash, r->csr.hash) == 0)
		renewal_csr_key(r);
	csr_clear(&sent);
	return rc;
}
