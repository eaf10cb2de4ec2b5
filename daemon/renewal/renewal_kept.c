/* SPDX-License-Identifier: MIT */
/*
 * What is issued is never thrown away: a CA that is slow, forgetful or odd
 * shall not issue a second certificate while the first may still be had.  An
 * order past finalize is kept and asked for again; a chain that cannot be used
 * is kept beside its key, and looked at again by later runs.
 */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/skew.h"
#include "daemon/acme/url.h"
#include "daemon/certs/event.h"

#define KEPT_S		3600	/* so long no other is ordered */
#define CLOCK_STEP_S	300	/* what NTP may take back */

/* Within the hour?  A time far ahead is of a clock that was wrong. */
static bool
is_recent(time_t at)
{
	int64_t age = (int64_t)clock_now() - at;

	return at != 0 && age >= -CLOCK_STEP_S && age < KEPT_S;
}

/* May it be that not the certificate is wrong, but our clock? */
static bool
is_of_clock(const struct error *err)
{
	return strcmp(err->code, "cert:expired") == 0 ||
	    strcmp(err->code, "cert:not-yet") == 0;
}

/*
 * Is it no refusal of the CA's, which may have issued: a page of a proxy before
 * it, or an answer that cannot be read?
 */
static bool
is_unworded(const struct renewal *r, const struct error *err)
{
	if (strcmp(err->code, "acme:not-found") == 0)
		return true;
	return r->cert->step >= STEP_FINALIZE &&
	    (strncmp(err->code, "acme:http-", 10) == 0 ||
	    strcmp(err->code, "acme:badReply") == 0);
}

bool
renewal_is_account(const struct renewal *r, const char *url)
{
	const struct conf_account *a = r->at.account;
	/* What the run was told may not be on disk, if that is full. */
	char *kid = r->kid != NULL ? xstrdup(r->kid) : store_account_kid(
	    r->env->store, a->name, a->directory);
	bool same = kid != NULL && url != NULL && strcmp(kid, url) == 0;

	free(kid);
	return same;
}

bool
renewal_has_order(const struct renewal *r)
{
	const struct store_cert *row = &r->cert->row;

	if (row->order_url == NULL || row->order_names == NULL ||
	    strcmp(row->order_names, r->names_json) != 0 ||
	    !conf_has_profile(&r->at, row->order_profile) ||
	    row->order_account == NULL)
		return false;
	return renewal_is_account(r, row->order_account);
}

bool
renewal_is_sent_lately(const struct renewal *r)
{
	return is_recent(r->cert->row.order_sent_at);
}

/*
 * An order at a host that is not the directory's, and cannot be reached: the
 * CA named a wrong one, and would never be asked for another.
 */
static bool
is_astray(const struct renewal *r, const struct error *err)
{
	const struct store_cert *row = &r->cert->row;

	return err->kind == ERR_TRANSIENT &&
	    strncmp(err->code, "http:", 5) == 0 && row->order_url != NULL &&
	    row->order_sent_at == 0 && r->at.account != NULL &&
	    !url_is_same_host(row->order_url, r->at.account->directory) &&
	    (r->cert->was_forced || !is_recent(row->order_at));
}

bool
renewal_order_is_dead(const struct renewal *r, const struct error *err)
{
	const struct store_cert *row = &r->cert->row;

	if (r->is_invalid || is_astray(r, err))
		return true;
	/* All else that is not a refusal is resumed. */
	if (err->kind != ERR_REJECTED)
		return false;
	if (r->is_foreign)
		return true;
	/* A person need not wait for the hour, where the CA knows of none. */
	if (r->cert->was_forced && strcmp(err->code, "acme:not-found") == 0)
		return true;
	if (!r->is_sent && !is_unworded(r, err))
		return true;
	return !is_of_clock(err) && !is_recent(row->order_sent_at != 0 ?
	    row->order_sent_at : row->order_at);
}

/*
 * Was it good when it was asked for?  Then it has expired since, and another
 * one may be better; else it is our clock that is wrong.
 */
static bool
has_expired_since(const struct renewal *r, const struct chain_fit *fit,
    const struct error *err)
{
	return strcmp(err->code, "cert:expired") == 0 &&
	    fit->not_after > r->cert->row.order_sent_at;
}

/* The CA's own clock agrees with ours: the dates are wrong, not the time. */
static bool
is_clock_right(const struct renewal *r)
{
	return r->cert->ca_clock.date != 0 && skew_judge(r->cert,
	    &r->cert->ca_clock, NULL) == SKEW_NONE;
}

/* Will the certificate that is kept never be of use? */
static bool
is_dead(const struct renewal *r, const struct chain_fit *fit,
    const struct error *err)
{
	return has_expired_since(r, fit, err) ||
	    (strcmp(err->code, "cert:expired") == 0 &&
	    !renewal_is_sent_lately(r) && is_clock_right(r));
}

/* Where the CA's clock is known, how far ours is from it. */
static void
add_clock(const struct renewal *r, struct error *err)
{
	size_t used = strlen(err->msg);
	char clock[SKEW_TEXT_MAX];

	if (skew_judge(r->cert, &r->cert->ca_clock, clock) != SKEW_NONE)
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    "; %s; " SKEW_FIX, clock);
}

static void
add_what_next(const struct renewal *r, struct error *err)
{
	size_t used = strlen(err->msg);

	(void)text_printf(err->msg + used, sizeof(err->msg) - used,
	    "; it is kept (pending/%s.pem); to order another: acmectl "
	    "renew-now %s", r->cert->row.name, r->cert->row.name);
}

static enum kept
judge(struct renewal *r, const char *pem, size_t len, struct error *err)
{
	struct chain_fit fit;

	if (chain_fit(pem, len, r->key, r->names, r->cc->n_names, &fit,
	    err) == 0) {
		r->pem = fit.pem;
		r->pem_len = strlen(fit.pem);
		return KEPT_FITS;
	}
	if (!r->cert->was_forced && is_of_clock(err) &&
	    !is_dead(r, &fit, err)) {
		add_what_next(r, err);
		return KEPT_WAITS;
	}
	if (r->cert->was_forced || is_of_clock(err) ||
	    !renewal_is_sent_lately(r)) {
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "the certificate that is kept cannot be "
		    "used: %s; ordering another", err->msg);
		cert_order_forget(r->cert);
		cert_save(r->cert);
	}
	return KEPT_NOTHING;
}

enum kept
renewal_kept_look(struct renewal *r, struct error *err)
{
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;
	enum kept kept = KEPT_NOTHING;
	struct error ignored;
	char *pem = NULL;
	size_t len;

	if (!renewal_has_order(r) ||
	    store_pending_chain(store, name, &pem, &len, &ignored) == -1 ||
	    pem == NULL)
		return KEPT_NOTHING;
	if (renewal_sent_key(r, &ignored) == 0 && r->key != NULL)
		kept = judge(r, pem, len, err);
	free(pem);
	if (kept != KEPT_FITS) {
		EVP_PKEY_free(r->key);
		r->key = NULL;
	}
	return kept;
}

void
renewal_unfit(struct renewal *r, const char *pem, size_t len,
    const struct error *why)
{
	struct store_cert *row = &r->cert->row;
	struct error err = *why, failed;
	size_t used;

	if (r->is_foreign || cert_is_dry_run(row->name)) {
		renewal_fail(r, why);
		return;
	}
	r->is_sent = true;
	if (row->order_sent_at == 0)
		row->order_sent_at = clock_now();
	if (store_pending_chain_put(r->env->store, row->name, pem, len,
	    &failed) == -1)
		event_emit(r->env->certs, row->name, r->cert->step,
		    LOGL_WARNING,
		    "this is only kept by the CA: %s", failed.msg);
	if (is_of_clock(why))
		add_clock(r, &err);
	used = strlen(err.msg);
	(void)text_printf(err.msg + used, sizeof(err.msg) - used,
	    is_of_clock(why) ? "; it is kept, and installed as soon as its "
	    "time has come" : "; it is issued and kept (pending/%s.pem), and "
	    "no other is ordered within the hour, unless by \"acmectl "
	    "renew-now %s\"", row->name, row->name);
	renewal_fail(r, &err);
}
