/* SPDX-License-Identifier: MIT */
/* A run for a certificate that another host publishes: fetch, not issue. */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/event.h"
#include "daemon/certs/origin.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/store/csr.h"
#include "daemon/store/store.h"

/* What we have is what is published: the end of an error, if there was one. */
static void
nothing_new(struct renewal *r, const struct fetch_result *result)
{
	struct store_cert *row = &r->cert->row;

	if (result->is_held)
		renewal_say(r, "a newer certificate is published, and other "
		    "hosts take it first (waves)");
	else
		renewal_say(r, "the published certificate is installed "
		    "already");
	row->failures = 0;
	row->retry_at = 0;
	free(row->error);
	row->error = NULL;
	cert_save(r->cert);
	renewal_finish(r, NULL);
}

static bool
is_not_served(const char *name, const void *info)
{
	return !cert_info_serves(info, &name, 1);
}

/* It may have been issued without some of the names. */
static int
take_names(struct renewal *r, struct error *err)
{
	struct cert_info info;

	if (cert_info_read(r->pem, r->pem_len, &info, err) == -1)
		return -1;
	r->less = conf_cert_without(r->all, is_not_served, &info);
	cert_info_clear(&info);
	if (r->less == NULL)
		return 0;
	r->cc = r->less;
	free(r->names_json);
	r->names_json = cert_names_of(r->cc);
	return 0;
}

static EVP_PKEY *
key_ref(EVP_PKEY *key)
{
	return EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

/*
 * Its host has the key, and one of those that renew has ordered with what that
 * asked for: it is the last that we know, if we know of none, or, where we only
 * serve, at all.
 */
static int
take_csr(struct renewal *r, const struct csr *csr, struct error *err)
{
	const struct conf_cluster *k = r->env->certs->conf->cluster;
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;
	char *pem = csr_to_pem(csr);
	int rc = csr_parse(pem, strlen(pem), &r->csr, err);

	if (rc == 0 && (store_request_at(store, name) == 0 || (k != NULL &&
	    k->role == CLUSTER_SERVE))) {
		rc = store_request_put(store, name, pem, 1, err);
		if (rc == 0)
			cert_csr_seen(r->cert, r->csr.hash);
	}
	free(pem);
	return rc;
}

static void
take_files(struct renewal *r, const struct fetch_result *f)
{
	if (f->second_key == NULL) {
		r->key = key_ref(f->key);
		r->pem = xmemdup(f->pem, f->pem_len);
		r->pem_len = f->pem_len;
		return;
	}
	r->first_key = key_ref(f->key);
	r->first_pem = xasprintf("%.*s", (int)f->pem_len, f->pem);
	r->key = key_ref(f->second_key);
	r->pem = xstrdup(f->second_pem);
	r->pem_len = strlen(r->pem);
	r->is_second = true;
}

static void
fetched(const struct error *err, const struct fetch_result *result,
    void *arg)
{
	struct renewal *r = arg;
	struct error unread;

	r->fetch = NULL;
	if (err != NULL) {
		renewal_fail(r, err);
		return;
	}
	watch_seen(r->cert, result);
	if (!result->is_new) {
		nothing_new(r, result);
		return;
	}
	take_files(r, result);
	if ((result->csr != NULL && take_csr(r, result->csr, &unread) == -1) ||
	    take_names(r, &unread) == -1) {
		renewal_fail(r, &unread);
		return;
	}
	renewal_goto(r, STEP_INSTALL);
}

/* What it may be for: the key that was asked for, or the one in use. */
static int
own_keys(struct renewal *r, EVP_PKEY *own[2], struct error *err)
{
	const char *name = r->cert->row.name;

	if (store_request_key(r->env->store, name, &own[0], err) == -1)
		return -1;
	if (r->cert->row.serial == NULL ||
	    store_live_key(r->env->store, name, NULL, &own[1], err) == 0)
		return 0;
	EVP_PKEY_free(own[0]);
	return -1;
}

void
renewal_enter_fetch(struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;
	struct fetch_args args = { .loop = r->env->loop,
	    .http = r->env->http, .etcd = r->env->etcd,
	    .store = r->env->store, .cert = r->cc,
	    .repository = r->source, .serial = cert_serial(r->cert),
	    .not_before = row->not_before, .not_after = row->not_after,
	    .host = origin_wave_host(r->cert, r->source), .etag = "",
	    .published_at = row->source_at };
	struct error err;

	if (r->cc->keeps_key && own_keys(r, args.own, &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	event_emit(r->env->certs, row->name, r->cert->step, LOGL_INFO,
	    "fetching from "
	    "repository \"%s\"", r->source->name);
	r->fetch = fetch_start(&args, fetched, r);
}
