/* SPDX-License-Identifier: MIT */
#include "daemon/certs/certs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/due.h"
#include "daemon/certs/pair.h"
#include "daemon/limits/limits.h"

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct cert *const *)a)->row.name,
	    (*(struct cert *const *)b)->row.name);
}

struct cert *
certs_find(const struct certs *certs, const char *name)
{
	size_t lo = 0, hi = certs->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(name, certs->list[mid]->row.name);

		if (cmp == 0)
			return certs->list[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static struct cert *
cert_new(struct certs *certs, const char *name)
{
	struct cert *c = xcalloc(1, sizeof(*c));

	c->certs = certs;
	c->place.places = &certs->places;
	c->row.name = xstrdup(name);
	c->row.key = KEY_TYPE_END;
	TAILQ_INIT(&c->targets);
	return c;
}

struct cert *
certs_add(struct certs *certs, const char *name)
{
	struct cert *c = certs_find(certs, name);

	if (c != NULL)
		return c;
	c = cert_new(certs, name);
	certs->list = xreallocarray(certs->list, certs->n + 1,
	    sizeof(*certs->list));
	certs->list[certs->n++] = c;
	qsort(certs->list, certs->n, sizeof(*certs->list), by_name);
	return c;
}

static void
cert_free(struct cert *c)
{
	json_decref(c->persist);
	free(c->missing);
	pair_free(c);
	store_cert_clear(&c->row);
	free(c->note);
	free(c->wished_for);
	free(c->csr_seen);
	free(c->csr_refused);
	free(c->csr_watch);
	free(c);
}

int
certs_check_held(const struct certs *certs, const char *name,
    struct error *err)
{
	const struct cert *c = certs->held != NULL ? certs_find(certs, name) :
	    NULL;

	if (c == NULL || certs->held(c, certs->held_arg))
		return 0;
	return error_set(err, ERR_TRANSIENT, "cluster:fenced",
	    "this member does not hold \"%s\" any more: another one may renew "
	    "it", name);
}

bool
certs_is_shared_error(const struct error *err)
{
	return strncmp(err->code, "cluster:", 8) == 0;
}

void
cert_save(struct cert *c)
{
	if (cert_is_dry_run(c->row.name))
		return;
	store_cert_put(c->certs->store, &c->row);
	pair_save(c);
}

const char *
cert_serial(const struct cert *c)
{
	return c->row.serial != NULL ? c->row.serial : "";
}

void
cert_take_info(struct cert *c, const struct cert_info *info)
{
	struct store_cert *row = &c->row;

	xstrset(&row->serial, info->serial);
	xstrset(&row->issuer, info->issuer);
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->key = info->key;
	xstrset(&row->csr, info->csr[0] != '\0' ? info->csr : NULL);
	pair_take_info(c, info);
}

void
cert_order_forget(struct cert *c)
{
	struct store_cert *row = &c->row;

	budget_order_over(c);
	xstrset(&row->order_url, NULL);
	xstrset(&row->order_names, NULL);
	xstrset(&row->order_account, NULL);
	xstrset(&row->order_finalize, NULL);
	xstrset(&row->order_profile, NULL);
	row->order_at = row->order_sent_at = 0;
	row->order_limits = 0;
}

static void
row_load_cb(const struct store_cert *row, void *arg)
{
	struct certs *certs = arg;
	struct cert *c = cert_new(certs, row->name);

	free(c->row.name);
	store_cert_dup(&c->row, row);
	/* Somebody wrote it by hand. */
	if (c->row.spread < -DUE_SPREAD_MAX || c->row.spread > DUE_SPREAD_MAX)
		c->row.spread = due_spread();
	certs->list = xreallocarray(certs->list, certs->n + 1,
	    sizeof(*certs->list));
	certs->list[certs->n++] = c;
}

static void
pair_load_cb(const struct store_pair *p, void *arg)
{
	struct cert *c = certs_find(arg, p->cert);

	if (c != NULL)
		pair_load(c, p);
}

struct certs *
certs_new(struct loop *loop, struct store *store)
{
	struct certs *certs = xcalloc(1, sizeof(*certs));

	certs->store = store;
	certs->limits = limits_new(store);
	places_init(&certs->places, loop);
	TAILQ_INIT(&certs->events.subs);
	store_cert_each(store, row_load_cb, certs);
	if (certs->n > 0)
		qsort(certs->list, certs->n, sizeof(*certs->list), by_name);
	store_pair_each(store, pair_load_cb, certs);
	return certs;
}

/* Is it to come from another CA, or in another profile, from now on?  Then no
 * earlier failure says when to try. */
static bool
follow_issuance(struct cert *c, const struct conf_cert *was)
{
	const struct conf_cert *now = c->conf;

	if (!conf_is_issued(was) || was->account == NULL ||
	    !conf_is_issued(now) || now->account == NULL ||
	    conf_same_issuers(was, now))
		return false;
	if (c->row.failures > 0) {
		c->row.retry_at = 0;
		cert_save(c);
	}
	return true;
}

/* The one of that name, if there still is a choice with it. */
static const struct conf_account *
account_now(const struct conf_cert *now, const struct conf_account *was)
{
	const struct conf_account *a;

	if (now == NULL || conf_n_issuers(now) == 0)
		return NULL;
	a = conf_issuer(now, conf_issuer_index(now, was->name)).account;
	return strcmp(a->name, was->name) == 0 ? a : NULL;
}

/* What that means for it: a list of certs_apply()'s report, or NULL. */
static const char *
follow_conf(struct cert *c, const struct conf_cert *now)
{
	const struct conf_cert *was = c->conf;
	bool is_other;

	c->conf = now;
	/* Whose it is to renew we shall be told. */
	if (now == NULL || now->realm == NULL) {
		c->is_taken = c->is_ours = false;
	} else if (was == NULL || was->realm == NULL) {
		c->is_taken = true;
		c->is_compared = false;
		c->knows_turns = false;
	}
	xstrset(&c->csr_seen, NULL);
	cert_csr_refused(c, NULL);
	c->limited_at = NULL;	/* it may be another one there now */
	c->limited_until = 0;
	/* A run goes on where it began; NULL: not at one of these. */
	if (c->account != NULL)
		c->account = account_now(now, c->account);
	if (was == NULL || now == NULL)
		return was == now ? NULL : now != NULL ? "added" : "removed";
	is_other = follow_issuance(c, was);
	return is_other || !conf_same_names(was, now) ||
	    (conf_is_issued(now) && c->row.serial != NULL &&
	    (!cert_csr_fits(c) || !pair_is_wanted(c))) ?
	    "changed" : NULL;
}

static void
add_missing(struct certs *certs, const struct conf *conf)
{
	size_t old = certs->n;

	certs->list = xreallocarray(certs->list, old + conf->n_certs,
	    sizeof(*certs->list));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const char *name = conf->certs[i]->name;
		struct cert key = { .row.name = (char *)(uintptr_t)name };
		const struct cert *pkey = &key;

		if (old == 0 || bsearch(&pkey, certs->list, old,
		    sizeof(*certs->list), by_name) == NULL)
			certs->list[certs->n++] = cert_new(certs, name);
	}
	certs->list = xreallocarray(certs->list, certs->n,
	    sizeof(*certs->list));
	qsort(certs->list, certs->n, sizeof(*certs->list), by_name);
}

void
certs_apply(struct certs *certs, const struct conf *conf, json_t *report)
{
	bool is_start = certs->conf == NULL;

	certs->conf = conf;
	places_set_max(&certs->places, conf->max_renewals);
	add_missing(certs, conf);
	for (size_t i = 0; i < certs->n; i++) {
		struct cert *c = certs->list[i];
		const char *list = follow_conf(c, conf_find_cert(conf,
		    c->row.name));

		if (is_start)
			budget_order_resume(c);
		if (report != NULL && list != NULL)
			(void)json_array_append_new(json_object_get(report,
			    list), json_string(c->row.name));
	}
}

void
certs_free(struct certs *certs)
{
	if (certs == NULL)
		return;
	for (size_t i = 0; i < certs->n; i++)
		cert_free(certs->list[i]);
	places_clear(&certs->places);
	limits_free(certs->limits);
	free(certs->list);
	free(certs);
}

void
certs_changed(struct certs *certs)
{
	if (certs->changed != NULL)
		certs->changed(NULL, certs->arg);
}

void
cert_changed(struct cert *c)
{
	if (c->certs->changed != NULL)
		c->certs->changed(c, c->certs->arg);
}

bool
cert_is_paused(const struct cert *c, time_t now)
{
	return c->row.paused_until > now;
}

void
certs_remove(struct certs *certs, struct cert *c)
{
	size_t i = 0;

	while (certs->list[i] != c)
		i++;
	memmove(&certs->list[i], &certs->list[i + 1],
	    (--certs->n - i) * sizeof(*certs->list));
	cert_free(c);
}
