/* SPDX-License-Identifier: MIT */
#include "daemon/certs/budget.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/config/directories.h"
#include "daemon/limits/limits.h"

/* Of one that was imported the CA is not known: most likely it is the one in
 * use, and a hundred of a domain shall not wait for weeks. */
static bool
is_of_ca(const struct cert *c, const struct conf_account *a)
{
	const char *known = c->row.ari_directory;

	return known != NULL ? directory_same(known, a->directory) :
	    issuer_account(c) == a && !issuer_is_staging(c);
}

/* Of what an order names, is it in use? */
static bool
is_same_set(const struct cert *c, const struct conf_cert *cc)
{
	char *names;
	bool same;

	if (cc == c->conf)
		return cert_is_for(c, c->row.names);
	names = cert_names_of(cc);
	same = c->row.names != NULL && strcmp(names, c->row.names) == 0;
	free(names);
	return same;
}

/* Is it of that CA, of the names that are ordered, and not over? */
static bool
renews(const struct cert *c, const struct conf_cert *cc,
    const struct conf_account *a)
{
	const struct store_cert *row = &c->row;

	return row->serial != NULL && row->not_after > clock_now() &&
	    is_of_ca(c, a) && is_same_set(c, cc);
}

static bool
is_limited(const struct conf_cert *cc, const struct conf_account *a)
{
	if (a == NULL || cc == NULL || !conf_is_issued(cc) ||
	    cert_is_dry_run(cc->name))
		return false;
	for (int i = 0; i < LIMIT_KIND_END; i++) {
		if (a->limits[i].count != 0)
			return true;
	}
	return false;
}

static time_t
marked_until(const struct cert *c, const struct conf_account *a)
{
	return c->limited_at == a && c->limited_until > clock_now() &&
	    c->limited_as_of == limits_generation(c->certs->limits) ?
	    c->limited_until : 0;
}

/* A CA that has given a window takes what an order replaces; of another one it
 * is not known yet.  One that is marked was not taken for one that replaces. */
bool
budget_is_exempt(const struct cert *c, const struct conf_account *a)
{
	return c->row.ari_end != 0 && issuer_now(c) == a &&
	    marked_until(c, a) == 0 && ari_window_replaces(c, false) != NULL;
}

/* As limits_until(), with the words. */
static time_t
ask(const struct cert *c, const struct limits_order *o, struct error *why)
{
	struct limits_wait w;
	time_t until = limits_until(c->certs->limits, o, why != NULL ? &w :
	    NULL);

	if (until != 0 && why != NULL)
		limits_error(&w, why);
	return until;
}

/* What its next order there would be; the caller frees *less, NULL or what it
 * asks for. */
static struct limits_order
next_order(const struct cert *c, const struct conf_account *a,
    struct conf_cert **less)
{
	struct limits_order o = { .account = a };

	*less = missing_narrow(c);
	o.cert = *less != NULL ? *less : c->conf;
	o.renews = renews(c, o.cert, a);
	o.replaces = budget_is_exempt(c, a);
	return o;
}

time_t
budget_plan(struct limits_plan *plan, const struct cert *c,
    const struct conf_account *a)
{
	struct conf_cert *less;
	struct limits_order o = next_order(c, a, &less);
	time_t at = limits_plan_next(plan, &o);

	free(less);
	return at;
}

bool
budget_spares_domain(const struct cert *c, const struct conf_account *a)
{
	const struct conf_limit *limit = &a->limits[LIMIT_CERTIFICATES];
	struct conf_cert *less;
	struct limits_order o;

	if (c->conf == NULL)
		return false;
	o = next_order(c, a, &less);
	free(less);
	return o.replaces || (o.renews && limit->count != 0 &&
	    limit->spares_renewals);
}

time_t
budget_until(const struct cert *c, const struct conf_account *a,
    struct error *why)
{
	struct limits_order o;
	struct conf_cert *less;
	time_t marked, until;

	if (c->passes_limits || !is_limited(c->conf, a))
		return 0;
	marked = marked_until(c, a);
	if (marked != 0 && why == NULL)
		return marked;
	o = next_order(c, a, &less);
	until = ask(c, &o, why);
	free(less);
	return until;
}

void
budget_mark(struct cert *c, const struct conf_account *a, time_t until)
{
	c->limited_at = a;
	c->limited_until = until;
	c->limited_as_of = limits_generation(c->certs->limits);
}

void
budget_reserve(struct cert *c, const struct conf_cert *cc,
    const struct conf_account *a, unsigned *taken)
{
	struct error held;

	*taken = 0;
	if (is_limited(cc, a) && budget_until(c, a, NULL) == 0)
		(void)budget_take(c, cc, a, budget_is_exempt(c, a), taken,
		    &held);
}

int
budget_take(struct cert *c, const struct conf_cert *cc,
    const struct conf_account *a, bool replaces, unsigned *taken,
    struct error *err)
{
	const struct limits_order o = { .account = a, .cert = cc,
	    .replaces = replaces, .renews = renews(c, cc, a) };
	time_t until;

	if (!is_limited(cc, a))
		return 0;
	if (replaces)
		budget_give(c->certs, cc, a, taken, false);
	if (replaces || *taken != 0)
		return 0;
	until = c->passes_limits ? 0 : ask(c, &o, err);
	if (until != 0) {
		budget_mark(c, a, until);
		return -1;
	}
	*taken = limits_take(c->certs->limits, &o);
	return 0;
}

void
budget_give(const struct certs *certs, const struct conf_cert *cc,
    const struct conf_account *a, unsigned *taken, bool but_order)
{
	const struct limits_order o = { .account = a, .cert = cc };

	if (*taken != 0 && is_limited(cc, a))
		limits_give(certs->limits, &o, but_order ?
		    *taken & ~LIMIT_BIT(LIMIT_ORDERS) : *taken);
	*taken = 0;
}

void
budget_leave(const struct certs *certs, const struct conf_cert *cc,
    const struct conf_account *a, unsigned *taken)
{
	const struct limits_order o = { .account = a, .cert = cc };

	if (*taken != 0 && is_limited(cc, a))
		limits_issued(certs->limits, &o, *taken);
	*taken = 0;
}

void
budget_failed(const struct certs *certs, const struct conf_cert *cc,
    const struct conf_account *a, const char *name)
{
	if (is_limited(cc, a))
		limits_failed(certs->limits, a, name);
}
