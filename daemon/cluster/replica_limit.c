/* SPDX-License-Identifier: MIT */
/*
 * Documents of budgets and holds.  Members that take from one bucket at the
 * same time must not lose what the other took: each knows what it has taken
 * since etcd had its last word, and puts that on top of what it finds there.
 */
#include "daemon/cluster/replica_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/certs.h"
#include "daemon/limits/limits.h"

#define NAME_SIZE 17

static int64_t
now_ms(void)
{
	return (int64_t)clock_now() * 1000;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* 16 hexadecimal digits of these texts; the caller frees. */
static char *
path_of(const char *directory, const char *kind, const char *a, const char *b,
    const char *c)
{
	uint64_t hash = text_hash(text_hash(text_hash(TEXT_HASH_BASIS, a), b),
	    c);
	char name[NAME_SIZE];

	(void)text_printf(name, sizeof(name), "%016llx",
	    (unsigned long long)hash);
	return replica_path(directory, kind, name);
}

static struct item *
budget_item(struct replica *r, const struct store_budget *b)
{
	char *path = path_of(b->directory, "budget", limit_kind_name(b->kind),
	    b->account, b->key);
	struct item *i = item_get(r, path, ITEM_BUDGET, NULL, NULL);

	free(path);
	if (i->budget != NULL)
		return i;
	i->budget = xcalloc(1, sizeof(*i->budget));
	*i->budget = (struct store_budget){ .kind = b->kind,
	    .directory = xstrdup(b->directory),
	    .account = xstrdup(b->account), .key = xstrdup(b->key) };
	return i;
}

void
replica_limit_free(struct item *i)
{
	if (i->budget != NULL) {
		free(i->budget->directory);
		free(i->budget->account);
		free(i->budget->key);
	}
	free(i->budget);
	free(i->hold);
}

/* --- what changes here --- */

void
replica_budget_changed(const struct store_budget *b, bool is_over, void *arg)
{
	struct replica *r = arg;
	struct item *i;

	if (r->is_taking || replica_is_tried(b->account))
		return;
	i = budget_item(r, b);
	if (!is_over)
		i->taken_ms += b->full_at_ms - later(i->budget->full_at_ms,
		    now_ms());
	i->budget->since_ms = b->since_ms;
	i->budget->full_at_ms = b->full_at_ms;
	i->is_over = is_over;
	item_changed(i);
}

/* What the CA asks for; whether it can be reached each finds out itself. */
void
replica_hold_changed(const struct store_hold *h, bool is_over, void *arg)
{
	struct replica *r = arg;
	struct item *i;
	char *path;

	if (r->is_taking || replica_is_tried(h->account) ||
	    (h->err.kind != ERR_RATELIMIT && h->about[0] == '\0'))
		return;
	path = path_of(h->directory, "hold", h->account, h->about, "");
	i = item_get(r, path, ITEM_HOLD, NULL, NULL);
	free(path);
	if (i->hold == NULL)
		i->hold = xcalloc(1, sizeof(*i->hold));
	*i->hold = *h;
	i->is_over = is_over;
	item_changed(i);
}

json_t *
replica_limit_json(struct item *i)
{
	if (i->is_over)
		return NULL;
	return i->kind == ITEM_BUDGET ? budget_document_json(i->budget) :
	    hold_document_json(i->hold);
}

void
replica_limit_sent(struct item *i)
{
	i->sending_ms = 0;
}

/* --- what comes --- */

static void
budget_incoming(struct item *i, const struct store_budget *b)
{
	struct store_budget *own = i->budget;
	int64_t full = b->full_at_ms;

	/* Of what was taken before this daemon met the others the fuller use
	 * counts. */
	if (i->had == 0 && own->full_at_ms > full)
		full = own->full_at_ms;
	else if (i->taken_ms != 0)
		full = later(full, now_ms()) + i->taken_ms;
	if (own->since_ms == 0 || b->since_ms < own->since_ms)
		own->since_ms = b->since_ms;
	i->had = i->seen;
	own->full_at_ms = full;
	i->is_over = false;
	limits_set(i->r->env->certs->limits, own);
	if (full != b->full_at_ms)
		item_changed(i);
}

void
replica_limit_incoming(struct item *i, const json_t *o)
{
	struct replica *r = i->r;
	struct store_budget b;
	struct store_hold h;
	struct error err;
	int rc = 0;

	if (o == NULL && i->kind == ITEM_HOLD && i->hold != NULL &&
	    !i->is_over) {
		i->is_over = true;
		holds_set(r->env->holds, i->hold, true);
	} else if (o != NULL && i->kind == ITEM_HOLD) {
		rc = hold_document_read(o, &h, &err);
		if (rc == 0 && i->sent == i->gen) {
			if (i->hold == NULL)
				i->hold = xcalloc(1, sizeof(*i->hold));
			*i->hold = h;
			i->is_over = false;
			holds_set(r->env->holds, &h, false);
		}
	} else if (o != NULL) {
		rc = budget_document_read(o, &b, &err);
		if (rc == 0)
			budget_incoming(budget_item(r, &b), &b);
	}
	if (rc == -1)
		log_warning(NULL, "cluster: %s: %s", i->path, err.msg);
	else
		certs_changed(r->env->certs);
}

/* --- what was there before --- */

static void
budget_cb(const struct store_budget *b, void *arg)
{
	struct item *i;

	if (replica_is_tried(b->account))
		return;
	i = budget_item(arg, b);
	i->budget->since_ms = b->since_ms;
	i->budget->full_at_ms = b->full_at_ms;
	item_changed(i);
}

static void
hold_cb(const struct store_hold *h, void *arg)
{
	replica_hold_changed(h, false, arg);
}

void
replica_limit_load(struct replica *r)
{
	store_budget_each(r->env->store, budget_cb, r);
	store_hold_each(r->env->store, hold_cb, r);
}
