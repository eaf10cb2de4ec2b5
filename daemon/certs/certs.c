/* SPDX-License-Identifier: MIT */
#include "daemon/certs/certs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/due.h"
#include "daemon/certs/issuer.h"

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

static void
cert_free(struct cert *c)
{
	json_decref(c->persist);
	store_cert_clear(&c->row);
	free(c->names);
	free(c->directory);
	free(c->note);
	free(c);
}

void
cert_save(struct cert *c)
{
	store_cert_put(c->certs->store, &c->row);
}

void
cert_order_forget(struct cert *c)
{
	struct store_cert *row = &c->row;

	free(row->order_url);
	free(row->order_names);
	free(row->order_account);
	free(row->order_finalize);
	row->order_url = row->order_names = NULL;
	row->order_account = row->order_finalize = NULL;
	row->order_at = row->order_sent_at = 0;
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted JSON array: what two sets of names are compared by. */
static char *
names_json(const char **names, size_t n)
{
	json_t *list = json_array();
	char *text;

	qsort(names, n, sizeof(*names), by_string);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(names[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (text == NULL)
		abort();
	return text;
}

static char *
conf_names_json(const struct conf_cert *conf)
{
	const char **names = xcalloc(conf->n_names, sizeof(*names));
	char *text;

	for (size_t i = 0; i < conf->n_names; i++)
		names[i] = conf->names[i].name;
	text = names_json(names, conf->n_names);
	free(names);
	return text;
}

static bool
conf_is_served(const struct conf_cert *conf, const struct cert_info *info)
{
	for (size_t i = 0; i < conf->n_names; i++) {
		const char *name = conf->names[i].name;

		if (!cert_info_serves(info, &name, 1))
			return false;
	}
	return true;
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

struct certs *
certs_new(struct loop *loop, struct store *store)
{
	struct certs *certs = xcalloc(1, sizeof(*certs));

	certs->store = store;
	places_init(&certs->places, loop);
	TAILQ_INIT(&certs->events.subs);
	store_cert_each(store, row_load_cb, certs);
	if (certs->n > 0)
		qsort(certs->list, certs->n, sizeof(*certs->list), by_name);
	return certs;
}

/* Is it to come from another CA from now on?  Then no earlier failure says
 * when to try. */
static bool
follow_directory(struct cert *c, const struct conf_cert *cc)
{
	const char *now = cc->account != NULL && cc->source == NULL ?
	    cc->account->directory : NULL;
	bool is_other = c->directory != NULL && now != NULL &&
	    !issuer_same(c->directory, now);

	free(c->directory);
	c->directory = now != NULL ? xstrdup(now) : NULL;
	if (is_other && c->row.failures > 0) {
		c->row.retry_at = 0;
		cert_save(c);
	}
	return is_other;
}

void
certs_apply(struct certs *certs, const struct conf *conf, json_t *report)
{
	size_t old = certs->n;

	certs->conf = conf;
	places_set_max(&certs->places, conf->max_renewals);
	for (size_t i = 0; i < old; i++)
		certs->list[i]->conf = NULL;
	certs->list = xreallocarray(certs->list, old + conf->n_certs,
	    sizeof(*certs->list));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct conf_cert *cc = conf->certs[i];
		struct cert key = { .row.name = cc->name }, *pkey = &key;
		struct cert **found = old == 0 ? NULL : bsearch(&pkey,
		    certs->list, old, sizeof(*certs->list), by_name);
		struct cert *c = found != NULL ? *found :
		    cert_new(certs, cc->name);
		char *names = conf_names_json(cc);
		const char *list = NULL;
		bool is_other_ca = follow_directory(c, cc);

		if (found == NULL)
			certs->list[certs->n++] = c;
		if (c->names == NULL)
			list = "added";
		else if (is_other_ca || strcmp(c->names, names) != 0 ||
		    (c->row.key != KEY_TYPE_END && c->row.key != cc->key))
			list = "changed";
		if (report != NULL && list != NULL)
			(void)json_array_append_new(json_object_get(report,
			    list), json_string(cc->name));
		free(c->names);
		c->names = names;
		c->conf = cc;
	}
	qsort(certs->list, certs->n, sizeof(*certs->list), by_name);
	for (size_t i = 0; i < certs->n; i++) {
		struct cert *c = certs->list[i];

		if (c->conf != NULL || c->names == NULL)
			continue;
		free(c->names);
		c->names = NULL;
		if (report != NULL)
			(void)json_array_append_new(json_object_get(report,
			    "removed"), json_string(c->row.name));
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
	free(certs->list);
	free(certs);
}

void
certs_changed(struct certs *certs)
{
	if (certs->changed != NULL)
		certs->changed(certs->arg);
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

/*
 * live/NAME is what servers see.  Where it and the row differ (a restored
 * backup, files removed by hand, a crash before the row was written) the
 * files are believed, and to be deployed: the servers may not have them yet.
 */
void
cert_follow_live(struct cert *c, const struct cert_info *info)
{
	struct store_cert *row = &c->row;
	size_t n = 0;
	bool serves;

	(void)text_printf(row->serial, sizeof(row->serial), "%s",
	    info->serial);
	(void)text_printf(row->issuer, sizeof(row->issuer), "%s",
	    info->issuer);
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->key = info->key;
	row->spread = due_spread();	/* the row may be a new one */
	free(row->names);
	while (info->names[n] != NULL)
		n++;
	/* Some CAs add names: it is what was asked for all the same. */
	serves = c->conf != NULL && conf_is_served(c->conf, info);
	row->names = serves ? xstrdup(c->names) :
	    names_json((const char **)info->names, n);
	ari_window_installed(c, info, NULL);
	if (row->order_url != NULL)
		row->asked_at = 0;	/* most likely it is of this order */
	cert_order_forget(c);
	cert_save(c);
}
