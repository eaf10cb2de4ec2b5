/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authorize_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/budget.h"
#include "daemon/renewal/authzwait.h"
#include "daemon/renewal/orderwait.h"

#define VALIDATION_TIMEOUT_MS	300000
#define REASONS_TIMEOUT_MS	20000

void
authorize_add_reason(struct error *err, const struct authz *z)
{
	const struct acme_authz *got = z->got;
	size_t used = strlen(err->msg);

	if (got == NULL || got->status == ACME_VALID)
		return;
	for (size_t i = 0; i < got->n_challenges; i++) {
		const struct acme_challenge *c = &got->challenges[i];

		if (c->error == NULL)
			continue;
		if (used == 0)
			*err = *c->error;
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    "%s%s%s: %s", used > 0 ? "; " : "",
		    got->wildcard ? "*." : "", got->identifier,
		    c->error->msg);
		text_clean(err->msg);
		return;
	}
}

/* The CA has decided that it is not valid: why?  What is still pending says
 * nothing. */
static void
tell_failed(struct authz *z)
{
	struct error err = { .kind = ERR_REJECTED };

	if (z->got == NULL || z->got->status != ACME_INVALID)
		return;
	authorize_add_reason(&err, z);
	if (err.msg[0] == '\0')
		(void)error_set(&err, ERR_REJECTED, "acme:authorization",
		    "the authorization is invalid");
	authorize_name_failed(z, &err);
}

static void
explain(struct authorize_op *op)
{
	struct error err = { .kind = ERR_REJECTED };

	authorize_persist_remember(op);

	for (size_t i = 0; i < op->n_authzs; i++) {
		const struct acme_authz *got = op->authzs[i].got;

		authorize_add_reason(&err, &op->authzs[i]);
		if (got != NULL && got->status == ACME_INVALID)
			budget_failed(op->a.env->certs, op->a.conf,
			    op->a.at, got->identifier);
		tell_failed(&op->authzs[i]);
	}
	if (err.msg[0] == '\0' && op->invalid->error != NULL)
		err = *op->invalid->error;
	if (err.msg[0] == '\0')
		(void)error_set(&err, ERR_REJECTED, "acme:invalid",
		    "the CA made the order invalid and gave no reason");
	if (op->dns_note[0] != '\0') {
		size_t used = strlen(err.msg);

		(void)text_printf(err.msg + used, sizeof(err.msg) - used,
		    " (before: %s)", op->dns_note);
		text_clean(err.msg);
	}
	authorize_finish(op, &err, NULL);
}

static void
reason_done(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	z->wait = NULL;
	op->pending--;
	if (err == NULL) {
		acme_authz_free(z->got);
		z->got = acme_authz_dup(authz);
		z->challenge = NULL;
	}
	if (op->pending == 0)
		explain(op);
}

/*
 * The first name that fails makes the order invalid, while the CA may still
 * look at the others.  Where those that fail are to be left out, all are
 * waited for, so that it is one try and not one for each.
 */
static void
ask_reason(struct authz *z)
{
	struct authorize_op *op = z->op;

	if (op->a.conf->on_name_failure == NAME_FAILURE_SHRINK &&
	    z->challenge != NULL && z->round <= op->round)
		z->wait = authzwait_start(&(struct authzwait_args){
		    .loop = op->a.env->loop, .acme = op->a.account->acme,
		    .url = z->url, .place = op->a.place,
		    .timeout_ms = REASONS_TIMEOUT_MS }, reason_done, z);
	else
		z->acme_op = acme_authz_get_start(op->a.account->acme, z->url,
		    reason_done, z);
}

static void
decided(const struct error *err, const struct acme_order *order, void *arg)
{
	struct authorize_op *op = arg;

	op->poll = NULL;
	if (err != NULL || order->status != ACME_INVALID) {
		if (err == NULL)
			authorize_persist_remember(op);
		authorize_finish(op, err, order);
		return;
	}
	op->invalid = acme_order_dup(order);
	for (size_t i = 0; i < op->n_authzs; i++) {
		ask_reason(&op->authzs[i]);
		op->pending++;
	}
}

void
authorize_poll_order(struct authorize_op *op)
{
	struct orderwait_args args = {
		.loop = op->a.env->loop,
		.acme = op->a.account->acme,
		.url = op->a.order->url,
		.place = op->a.place,
		.pace_ms = &op->a.account->pace.validation_ms,
		.timeout_ms = VALIDATION_TIMEOUT_MS,
	};

	op->poll = orderwait_start(&args, decided, op);
	if (op->a.idle != NULL)
		op->a.idle(op->arg);
}
