/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/choice.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/issuer.h"

unsigned
choice_pick(const time_t *until, unsigned n, unsigned from, time_t latest)
{
	unsigned best = from;

	for (unsigned k = 0; k < n; k++) {
		unsigned i = (from + k) % n;

		if (until[i] <= latest)
			return i;
		if (until[i] < until[best])
			best = i;
	}
	return best;
}

int
choice_after(const time_t *until, unsigned n, unsigned at, time_t latest)
{
	for (unsigned i = at + 1; i < n; i++) {
		if (until[i] <= latest)
			return (int)i;
	}
	return -1;
}

static bool
begins(const char *code, const char *head)
{
	return strncmp(code, head, strlen(head)) == 0;
}

bool
choice_moves(const struct error *err, enum step step, bool urgent)
{
	bool is_said = begins(err->code, "acme:");

	if (step >= STEP_INSTALL || err->kind == ERR_INTERNAL ||
	    begins(err->code, "store:") || begins(err->code, "hooks:") ||
	    certs_is_shared_error(err))
		return false;
	/* At its first step nothing has been said of the certificate yet. */
	if (urgent || step == STEP_ACCOUNT || strcmp(err->code,
	    "acme:paused") == 0 || strcmp(err->code, "engine:held") == 0)
		return true;
	/* In these steps providers' servers are asked as well, but their
	 * errors are told as theirs. */
	return begins(err->code, "http:") || (is_said &&
	    (err->kind == ERR_TRANSIENT || err->kind == ERR_RATELIMIT));
}

time_t
choice_held(const struct holds *holds, const struct cert *c,
    const struct conf_account *account, struct error *why)
{
	time_t asked = hold_until_at(holds, c, account, why), limited;
	struct error longer;

	limited = budget_until(c, account, why != NULL ? &longer : NULL);
	if (limited <= asked)
		return asked;
	if (why != NULL)
		*why = longer;
	return limited;
}

/* A person who asks may have unpaused it there: only asking tells. */
static bool
may_be_unpaused(const struct holds *holds, const struct cert *c,
    const struct conf_account *a)
{
	struct error why;

	return c->passes_hold && hold_until_at(holds, c, a, &why) != 0 &&
	    strcmp(why.code, "acme:paused") == 0;
}

/* Was its order begun there?  Of one that is not known, where the row says. */
static bool
is_order_at(const struct cert *c, const struct conf_account *a)
{
	const struct conf_account *made;

	if (c->row.order_url == NULL)
		return false;
	made = budget_order_account(c);
	return a == (made != NULL ? made : conf_issuer(c->conf,
	    conf_issuer_index(c->conf, c->row.account)).account);
}

/* Until when each is held; the caller frees. */
static time_t *
held(const struct holds *holds, const struct cert *c)
{
	unsigned n = conf_n_issuers(c->conf);
	time_t *until = xcalloc(n, sizeof(*until));

	for (unsigned i = 0; i < n; i++) {
		const struct conf_account *a = conf_issuer(c->conf,
		    i).account;

		/* An order that was begun there needs no other. */
		until[i] = is_order_at(c, a) ? hold_until_at(holds, c, a,
		    NULL) : choice_held(holds, c, a, NULL);
	}
	return until;
}

void
choice_make(const struct holds *holds, struct cert *c, bool is_asked)
{
	time_t *until, latest = clock_now() + (is_asked ? 0 :
	    CHOICE_PATIENCE_S);
	unsigned i;

	if (c->run != NULL)
		return;
	c->account = NULL;
	if (c->conf == NULL || conf_n_issuers(c->conf) < 2)
		return;
	until = held(holds, c);
	for (i = 0; i < conf_n_issuers(c->conf); i++) {
		if (may_be_unpaused(holds, c, conf_issuer(c->conf,
		    i).account))
			until[i] = budget_until(c, conf_issuer(c->conf,
			    i).account, NULL);
	}
	i = choice_pick(until, conf_n_issuers(c->conf), conf_issuer_index(
	    c->conf, c->row.account), latest);
	c->account = conf_issuer(c->conf, i).account;
	free(until);
}

void
choice_first(struct cert *c)
{
	if (c->run == NULL)
		c->account = c->conf == NULL || conf_n_issuers(c->conf) < 2 ?
		    NULL : c->conf->account;
}

void
choice_begin(const struct holds *holds, struct cert *c)
{
	struct error why;

	if (c->account == NULL || c->account == c->conf->account) {
		/* The list may get another order while there is one. */
		xstrset(&c->row.account, issuer_now(c) != NULL ?
		    issuer_now(c)->name : NULL);
		/* One that brings names back may come to nothing. */
		if (!c->is_comeback)
			xstrset(&c->row.account_why, NULL);
		return;
	}
	/* It was another run that found it out, of another certificate. */
	if (conf_issuer_index(c->conf, c->row.account) == 0)
		xstrset(&c->row.account_why, choice_held(holds, c,
		    c->conf->account, &why) != 0 ? why.msg : NULL);
	xstrset(&c->row.account, c->account->name);
}

/* Is what is served near its end? */
static bool
is_urgent(const struct cert *c, time_t now)
{
	const struct store_cert *row = &c->row;

	return row->serial != NULL && row->not_after != 0 &&
	    due_urgent_at(row->not_before, row->not_after) <= now;
}

bool
choice_failed(const struct holds *holds, struct cert *c, enum step step,
    const struct error *err)
{
	time_t now = clock_now(), *until;
	unsigned n, at;
	int next;

	/* What was ordered there is gone on with. */
	if (c->row.order_url == NULL)
		xstrset(&c->row.account, NULL);
	if (c->conf == NULL || c->account == NULL || step >= STEP_INSTALL ||
	    c->is_comeback || !choice_moves(err, step, is_urgent(c, now)))
		return false;
	n = conf_n_issuers(c->conf);
	at = conf_issuer_index(c->conf, c->account->name);
	until = held(holds, c);
	next = choice_after(until, n, at, now + CHOICE_PATIENCE_S);
	free(until);
	if (at == 0)
		xstrset(&c->row.account_why, err->msg);
	if (next != -1 || c->row.order_url != NULL)
		xstrset(&c->row.account, conf_issuer(c->conf, next == -1 ? 0 :
		    (unsigned)next).account->name);
	return next != -1;
}

time_t
choice_sooner(const struct holds *holds, const struct cert *c,
    const char *failed, time_t at)
{
	time_t now = clock_now(), *until;
	unsigned own;

	if (c->conf == NULL || conf_n_issuers(c->conf) < 2)
		return at;
	own = conf_issuer_index(c->conf, failed);
	until = held(holds, c);
	/* Not held, it would be asked again itself, and its own pause is the
	 * longer one. */
	for (unsigned i = 0; until[own] > now &&
	    i < conf_n_issuers(c->conf); i++) {
		if (i != own && until[i] > now && until[i] < at)
			at = until[i];
	}
	free(until);
	return at;
}

void
choice_installed(struct cert *c)
{
	if (c->conf != NULL && (c->account == NULL ||
	    c->account == c->conf->account))
		xstrset(&c->row.account_why, NULL);
	xstrset(&c->row.account, NULL);
}
