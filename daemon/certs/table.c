/* SPDX-License-Identifier: MIT */
/* The table of certificates: rows of state.db joined with the configuration. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/due.h"
#include "daemon/certs/issuer.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/priv.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct cert *const *)a)->row.name,
	    (*(struct cert *const *)b)->row.name);
}

struct cert *
engine_find(const struct engine *e, const char *name)
{
	size_t lo = 0, hi = e->n_certs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(name, e->certs[mid]->row.name);

		if (cmp == 0)
			return e->certs[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static struct cert *
cert_new(struct engine *e, const char *name)
{
	struct cert *c = xcalloc(1, sizeof(*c));

	c->engine = e;
	c->row.name = xstrdup(name);
	c->row.key = KEY_TYPE_END;
	TAILQ_INIT(&c->actions);
	return c;
}

static void
cert_free(struct cert *c)
{
	renewal_cancel(c->run);
	watch_free(c);
	deployer_forget(c);
	json_decref(c->persist);
	store_cert_clear(&c->row);
	free(c->names);
	free(c->directory);
	free(c);
}

void
cert_save(struct cert *c)
{
	store_cert_put(c->engine->a.store, &c->row);
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
	struct engine *e = arg;
	struct cert *c = cert_new(e, row->name);

	free(c->row.name);
	store_cert_dup(&c->row, row);
	/* Somebody wrote it by hand. */
	if (c->row.spread < -DUE_SPREAD_MAX || c->row.spread > DUE_SPREAD_MAX)
		c->row.spread = due_spread();
	e->certs = xreallocarray(e->certs, e->n_certs + 1, sizeof(*e->certs));
	e->certs[e->n_certs++] = c;
}

void
engine_table_load(struct engine *e)
{
	store_cert_each(e->a.store, row_load_cb, e);
	if (e->n_certs > 0)
		qsort(e->certs, e->n_certs, sizeof(*e->certs), by_name);
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
engine_table_apply(struct engine *e, const struct conf *conf,
    json_t *report)
{
	size_t old = e->n_certs;

	for (size_t i = 0; i < old; i++)
		e->certs[i]->conf = NULL;
	e->certs = xreallocarray(e->certs, old + conf->n_certs,
	    sizeof(*e->certs));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct conf_cert *cc = conf->certs[i];
		struct cert key = { .row.name = cc->name }, *pkey = &key;
		struct cert **found = old == 0 ? NULL : bsearch(&pkey,
		    e->certs, old, sizeof(*e->certs), by_name);
		struct cert *c = found != NULL ? *found :
		    cert_new(e, cc->name);
		char *names = conf_names_json(cc);
		const char *list = NULL;
		bool is_other_ca = follow_directory(c, cc);

		if (found == NULL)
			e->certs[e->n_certs++] = c;
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
	for (size_t i = 0; i < e->n_certs; i++)
		watch_reload(e->certs[i]);
	qsort(e->certs, e->n_certs, sizeof(*e->certs), by_name);
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];

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
engine_table_free(struct engine *e)
{
	for (size_t i = 0; i < e->n_certs; i++)
		cert_free(e->certs[i]);
	free(e->certs);
	e->certs = NULL;
	e->n_certs = 0;
}

struct cert *
engine_find_known(const struct engine *e, const char *name,
    struct error *err)
{
	struct cert *c = engine_find(e, name);
	const char **names, *near;
	size_t n = 0;

	if (e->is_stopping) {
		(void)error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
		return NULL;
	}
	if (c != NULL && c->conf != NULL)
		return c;
	names = xcalloc(e->n_certs, sizeof(*names));
	for (size_t i = 0; i < e->n_certs; i++) {
		if (e->certs[i]->conf != NULL)
			names[n++] = e->certs[i]->row.name;
	}
	near = text_nearest(name, names, n);
	(void)error_set(err, ERR_CONFIG, "engine:unknown-cert",
	    "there is no certificate \"%s\" in the configuration%s%s%s",
	    name, near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
	free(names);
	return NULL;
}

/*
 * live/NAME is what servers see.  Where it and the row differ (a restored
 * backup, files removed by hand, a crash before the row was written) the
 * files are believed, and deployed: the servers may not have them yet.
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
	ari_installed(c, info, NULL);
	if (row->order_url != NULL)
		row->asked_at = 0;	/* most likely it is of this order */
	cert_order_forget(c);
	cert_save(c);
	deployer_plan(c->engine->deployer, c, c->conf, info->serial);
}
