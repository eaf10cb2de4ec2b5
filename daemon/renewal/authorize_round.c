/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authorize_priv.h"

#include <string.h>

#include "common/log.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/renewal/authzwait.h"

#define VALIDATION_TIMEOUT_MS	300000
#define REMOVAL_TIMEOUT_MS	120000

bool
authorize_is_in_round(const struct authz *z)
{
	return z->challenge != NULL && z->round == z->op->round;
}

static void
next_round(void *arg)
{
	struct authorize_op *op = arg;

	op->idle = NULL;
	op->round++;
	authorize_round_begin(op);
}

/* This round's names are proved: make room for the values of the next. */
static void
round_end(struct authorize_op *op)
{
	op->is_judged = false;
	place_give(op->a.place);
	authorize_dns_round_end(op);
	op->idle = cleanup_wait_start(op->a.env->cleanup, op->a.conf->name,
	    CLEANUP_REMOVED, REMOVAL_TIMEOUT_MS, next_round, op);
}

static void
round_decided(const struct error *err, const struct acme_authz *authz,
    void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->wait = NULL;
	op->pending--;
	if (err != NULL) {
		authorize_finish(op, err, NULL);
		return;
	}
	if (authz->status != ACME_VALID)
		op->n_rounds = op->round + 1;	/* the order is lost */
	if (op->pending > 0)
		return;
	if (op->round + 1 >= op->n_rounds)
		authorize_poll_order(op);
	else
		round_end(op);
}

/* All challenges of this round are answered. */
static void
wait_for_verdict(struct authorize_op *op)
{
	struct authzwait_args args = {
		.loop = op->a.env->loop,
		.acme = op->a.account->acme,
		.place = op->a.place,
		.timeout_ms = VALIDATION_TIMEOUT_MS,
	};

	if (op->round + 1 >= op->n_rounds) {
		authorize_poll_order(op);
		return;
	}
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		if (!authorize_is_in_round(z))
			continue;
		args.url = z->url;
		z->wait = authzwait_start(&args, round_decided, z);
		op->pending++;
	}
}

/* Is there still something to be answered?  Then the CA meant its refusal. */
static void
recheck_done(const struct error *err, const struct acme_authz *authz,
    void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	op->pending--;
	if (err == NULL && authz->status == ACME_PENDING) {
		for (size_t i = 0; i < authz->n_challenges; i++) {
			if (strcmp(authz->challenges[i].url,
			    z->challenge->url) == 0 &&
			    authz->challenges[i].status == ACME_PENDING)
				err = &z->answer_err;
		}
	}
	if (err == &z->answer_err)
		authorize_name_failed(z, err);
	if (err != NULL)
		authorize_finish(op, err, NULL);
	else if (op->pending == 0)
		wait_for_verdict(op);
}

static void
answered(const struct error *err, void *arg)
{
	struct authz *z = arg;
	struct authorize_op *op = z->op;

	z->acme_op = NULL;
	if (err != NULL && err->kind == ERR_REJECTED) {
		/* Answered before a restart, it may be decided by now. */
		z->answer_err = *err;
		z->acme_op = acme_authz_get_start(op->a.account->acme, z->url,
		    recheck_done, z);
		return;
	}
	op->pending--;
	if (err != NULL)
		authorize_finish(op, err, NULL);
	else if (op->pending == 0)
		wait_for_verdict(op);
}

static void
answer_all(void *arg)
{
	struct authorize_op *op = arg;

	op->taking = NULL;
	for (size_t i = 0; i < op->n_authzs; i++) {
		struct authz *z = &op->authzs[i];

		/* One that is processing was answered before a restart. */
		if (!authorize_is_in_round(z) ||
		    z->challenge->status != ACME_PENDING)
			continue;
		z->acme_op = acme_challenge_start(op->a.account->acme,
		    z->challenge->url, answered, z);
		op->pending++;
	}
	op->is_judged = true;
	authorize_say(op, LOGL_INFO, "asking the CA to look");
	if (op->pending == 0)
		wait_for_verdict(op);
}

void
authorize_published(struct authorize_op *op)
{
	if (--op->unpublished > 0)
		return;
	if (op->a.place->is_working)
		answer_all(op);
	else
		op->taking = place_start(op->a.place, answer_all, op);
}

/* The journal is on disk. */
static void
journaled(const struct error *err, void *arg)
{
	struct authorize_op *op = arg;
	struct error failed;

	op->sync = NULL;
	/* First what may fail at once: an add is not to be cut short. */
	if (err == NULL && (certs_check_held(op->a.env->certs,
	    op->a.conf->name, &failed) == -1 ||
	    authorize_http_publish(op, &failed) == -1 ||
	    authorize_alpn_publish(op, &failed) == -1))
		err = &failed;
	if (err != NULL) {
		authorize_finish(op, err, NULL);
		return;
	}
	op->unpublished = 1;		/* until all have begun */
	authorize_dns_publish(op);
	authorize_published(op);
}

static void
placed(void *arg)
{
	struct authorize_op *op = arg;

	op->taking = NULL;
	authorize_round_begin(op);
}

void
authorize_round_begin(struct authorize_op *op)
{
	if (!authorize_dns_has_room(op))
		return;
	if (!op->a.place->is_working) {
		op->taking = place_start(op->a.place, placed, op);
		return;
	}
	authorize_dns_acquire(op);
	authorize_http_acquire(op);
	op->sync = store_sync_shared_start(op->a.env->store,
	    op->a.conf->name, journaled, op);
}
