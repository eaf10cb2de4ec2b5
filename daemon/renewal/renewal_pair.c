/* SPDX-License-Identifier: MIT */
/*
 * A pair of certificates: the second is ordered when the first is issued, with
 * the same names, account and profile.  The first waits for it in pending/, in
 * a file and in the row, so that whatever ends the run, the next goes on with
 * the second; nothing is installed before both are there.
 */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/pair.h"

enum key_type
renewal_key_type(const struct renewal *r)
{
	return r->is_second ? r->cc->second_key : r->cc->key;
}

const char *
renewal_key_folder(const struct renewal *r)
{
	return r->is_second ? key_type_family(r->cc->second_key) : NULL;
}

const char *
renewal_replaces(const struct renewal *r)
{
	return ari_window_replaces(r->cert, r->is_second);
}

/* --- the first one, of an earlier run --- */

/* Was it ordered as the second will be? */
static bool
is_of_this_run(const struct renewal *r)
{
	const struct store_pair *p = r->cert->pair;

	return r->cc->is_pair && strcmp(p->first_names, r->names_json) == 0 &&
	    conf_has_profile(&r->at, p->first_profile) &&
	    renewal_is_account(r, p->first_account);
}

/* Is it good still, and not to be renewed itself before long? */
static bool
is_good(const struct renewal *r, const char *pem)
{
	struct cert_info info;
	struct chain_fit fit;
	struct error ignored;
	time_t due;

	if (!key_is_type(r->first_key, r->cc->key) || chain_fit(pem,
	    strlen(pem), r->first_key, r->names, r->cc->n_names, &fit,
	    &ignored) == -1)
		return false;
	free(fit.pem);
	if (cert_info_read(pem, strlen(pem), &info, &ignored) == -1)
		return false;
	due = due_at(info.not_before, info.not_after, r->cc->renew_before_s,
	    0);
	cert_info_clear(&info);
	return due > clock_now();
}

void
renewal_pair_look(struct renewal *r)
{
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;
	struct error err;
	char *pem = NULL;

	if (pair_first_names(r->cert) == NULL)
		return;
	if (is_of_this_run(r) && store_first(store, name, &r->first_key, &pem,
	    &err) == 0 && pem != NULL && is_good(r, pem)) {
		r->first_pem = pem;
		r->is_second = true;
		return;
	}
	free(pem);
	EVP_PKEY_free(r->first_key);
	r->first_key = NULL;
	event_emit(r->env->certs, name, r->cert->step, LOGL_NOTICE, "the "
	    "certificate that was issued as the first of a pair is of no use "
	    "any more");
	/* An order under way was for the second, and has that one's key. */
	cert_order_forget(r->cert);
	pair_drop_first(r->cert);
	cert_save(r->cert);
}

/* --- on to the second --- */

static void
placed(void *arg)
{
	struct renewal *r = arg;

	r->taking = NULL;
	renewal_order_again(r);
}

static void
second_begin(struct renewal *r)
{
	store_pending_drop(r->env->store, r->cert->row.name);
	r->first_key = r->key;
	r->first_pem = r->pem;
	r->key = NULL;
	r->pem = NULL;
	r->pem_len = 0;
	acme_order_free(r->order);
	r->order = NULL;
	strv_free(r->alternates);
	r->alternates = NULL;
	r->next_alternate = 0;
	r->is_resumed = r->is_foreign = r->is_sent = r->is_invalid = false;
	r->is_fetched = r->is_key_kept = r->is_key_wanted = false;
	r->n_sends = 0;
	r->is_second = true;
	event_emit(r->env->certs, r->cert->row.name, r->cert->step, LOGL_INFO,
	    "the certificate with the key %s is issued; going on with %s",
	    key_type_name(r->cc->key), key_type_name(r->cc->second_key));
	r->taking = place_start(&r->cert->place, placed, r);
}

static void
first_stored(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->sync = NULL;
	if (err != NULL && !certs_is_shared_error(err) &&
	    renewal_save_again(r, first_stored))
		return;
	r->is_saved_again = false;
	if (err != NULL)
		renewal_fail(r, err);
	else
		second_begin(r);
}

/* The file before the row: until that is on disk, the order is there to be
 * asked for again. */
static void
keep_first(struct renewal *r)
{
	const struct store_part first = { .key = r->key, .pem = r->pem,
	    .len = r->pem_len };
	struct store_cert *row = &r->cert->row;
	struct store_pair *p = pair_row(r->cert);
	struct error err;

	if (store_first_put(r->env->store, row->name, &first, &err) == -1) {
		renewal_fail(r, &err);
		return;
	}
	xstrset(&p->first_names, r->names_json);
	xstrset(&p->first_account, r->kid != NULL ? r->kid :
	    row->order_account);
	xstrset(&p->first_profile, r->at.profile);
	p->first_at = clock_now();
	cert_order_forget(r->cert);
	cert_save(r->cert);
	r->sync = store_sync_shared_start(r->env->store, row->name,
	    first_stored, r);
}

void
renewal_issued(struct renewal *r)
{
	if (r->cc->is_pair && !r->is_second)
		keep_first(r);
	else
		renewal_goto(r, STEP_INSTALL);
}
