/* SPDX-License-Identifier: MIT */
/* The document of a certificate. */
#include "daemon/cluster/replica_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cluster/cluster.h"
#include "daemon/config/conf.h"
#include "daemon/rollout/rollback.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"

struct cert *
replica_cert_of(const struct item *i)
{
	struct cert *c = certs_find(i->r->env->certs, i->name);
	char path[REPLICA_PATH_MAX];

	return c != NULL && replica_cert_path(c, path) &&
	    strcmp(path, i->path) == 0 ? c : NULL;
}

static void
add_txt(const struct store_txt *row, void *arg)
{
	struct document *d = arg;

	if (d->n_txt == DOCUMENT_TXT_MAX)
		return;
	d->txt = xreallocarray(d->txt, d->n_txt + 1, sizeof(*d->txt));
	d->txt[d->n_txt] = *row;
	d->txt[d->n_txt++].handle = row->handle != NULL ?
	    xstrdup(row->handle) : NULL;
}

static void
add_first(const struct replica *r, const struct cert *c,
    struct document_first *f)
{
	const struct store_pair *p = c->pair;
	EVP_PKEY *key = NULL;
	struct error err;

	if (pair_first_names(c) == NULL || store_first(r->env->store,
	    c->row.name, &key, &f->chain, &err) == -1 || key == NULL)
		return;
	f->key = key_to_pem(key);
	EVP_PKEY_free(key);
	f->at = p->first_at;
	xstrset(&f->names, p->first_names);
	xstrset(&f->account, p->first_account);
	xstrset(&f->profile, p->first_profile);
}

/* Is it ordered with what its host asks for? */
static bool
keeps_request(const struct cert *c)
{
	return c->conf != NULL && c->conf->csr != NULL &&
	    c->conf->csr->is_hosts;
}

/* The row is borrowed. */
static void
gather(const struct replica *r, const struct cert *c, struct document *d)
{
	size_t len;
	struct error err;

	*d = (struct document){ .row = c->row };
	cleanup_each(r->env->cleanup, c->row.name, add_txt, d);
	for (unsigned k = 0; k < c->n_missing && k < DOCUMENT_MISSING_MAX;
	    k++) {
		d->missing = xreallocarray(d->missing, k + 1,
		    sizeof(*d->missing));
		d->missing[d->n_missing++] = c->missing[k].row;
	}
	add_first(r, c, &d->first);
	if (c->has_wave && store_wave_get(r->env->store, c->row.name,
	    c->conf->realm->certs->name, &d->wave) == -1)
		d->wave.serial[0] = '\0';
	if (keeps_request(c)) {
		d->request = store_request_pem(r->env->store, c->row.name);
		d->request_at = store_request_at(r->env->store, c->row.name);
	}
	if (c->row.order_url == NULL)
		return;
	d->csr = store_pending_csr_pem(r->env->store, c->row.name);
	d->key = store_pending_key_pem(r->env->store, c->row.name);
	if (store_pending_chain(r->env->store, c->row.name, &d->chain, &len,
	    &err) == -1)
		d->chain = NULL;
}

json_t *
replica_cert_json(struct item *i)
{
	const struct cert *c = replica_cert_of(i);
	struct document d;
	json_t *o;

	if (c == NULL)
		return NULL;
	gather(i->r, c, &d);
	i->sending_paused = c->row.paused_until;
	i->sending_turns = cluster_turns(&c->row);
	o = document_json(&d);
	i->is_open = document_is_open(&d);
	d.row = (struct store_cert){ .key = KEY_TYPE_END };
	document_clear(&d);
	return o;
}

void
replica_cert_made(struct item *i)
{
	struct cert *c = replica_cert_of(i);

	i->paused = i->sending_paused;
	i->knows_pause = true;
	if (c != NULL && cluster_turns_told(c, i->sending_turns))
		cert_changed(c);
}

/* --- what comes --- */

/* What was sent for the order. */
static int
take_csr(const struct replica *r, const char *name, const char *pem,
    struct error *err)
{
	struct csr csr;
	int rc;

	if (csr_parse(pem, strlen(pem), &csr, err) == -1)
		return -1;
	rc = store_pending_csr_put(r->env->store, name, &csr, err);
	csr_clear(&csr);
	return rc;
}

/* What its host asks for, if we do not know it, or something newer. */
static int
take_request(const struct replica *r, struct cert *c,
    const struct document *d, struct error *err)
{
	const char *name = c->row.name;
	struct csr csr;
	int rc;

	if (d->request == NULL || !keeps_request(c) ||
	    d->request_at <= store_request_at(r->env->store, name))
		return 0;
	if (csr_parse(d->request, strlen(d->request), &csr, err) == -1)
		return -1;
	rc = store_request_put(r->env->store, name, d->request,
	    d->request_at, err);
	if (rc == 0)
		cert_csr_seen(c, csr.hash);
	csr_clear(&csr);
	return rc;
}

static int
take_pending(const struct replica *r, const struct cert *c,
    const struct document *d, struct error *err)
{
	const char *name = d->row.name;
	EVP_PKEY *key;
	int rc;

	if (d->row.order_url == NULL && c->row.order_url == NULL)
		return 0;
	store_pending_drop(r->env->store, name);
	if (d->csr != NULL && take_csr(r, name, d->csr, err) == -1)
		return -1;
	if (d->key != NULL) {
		key = key_from_pem(d->key, err);
		rc = key == NULL ? -1 : store_pending_key_put(r->env->store,
		    name, key, err);
		EVP_PKEY_free(key);
		if (rc == -1)
			return -1;
	}
	return d->chain == NULL ? 0 : store_pending_chain_put(r->env->store,
	    name, d->chain, strlen(d->chain), err);
}

/* Of a pair, what another daemon had issued. */
static int
take_first(const struct replica *r, struct cert *c,
    const struct document_first *f, struct error *err)
{
	struct store_pair *p;
	EVP_PKEY *key;
	int rc;

	if (f->names == NULL) {
		if (pair_first_names(c) != NULL)
			pair_drop_first(c);
		return 0;
	}
	key = key_from_pem(f->key, err);
	if (key == NULL)
		return -1;
	rc = store_first_put(r->env->store, c->row.name, &(struct store_part){
	    .key = key, .pem = f->chain, .len = strlen(f->chain) }, err);
	EVP_PKEY_free(key);
	p = pair_row(c);
	xstrset(&p->first_names, rc == 0 ? f->names : NULL);
	xstrset(&p->first_account, f->account);
	xstrset(&p->first_profile, f->profile);
	p->first_at = f->at;
	return rc;
}

static bool
is_same_wave(const struct store_wave *a, const struct store_wave *b)
{
	return strcmp(a->serial, b->serial) == 0 && a->state == b->state &&
	    a->opened == b->opened && a->opened_at == b->opened_at &&
	    a->served_at == b->served_at && strcmp(a->why, b->why) == 0;
}

/* Which hosts may take what, unless what is known here is of a newer version,
 * whose document has never come so far. */
static void
take_wave(struct replica *r, struct cert *c, const struct store_wave *given)
{
	const struct replica_env *env = r->env;
	struct store_wave own, w = *given;
	bool was_taking = r->is_taking;

	if (w.serial[0] == '\0' || replica_is_tried(c->row.name))
		return;
	(void)text_printf(w.cert, sizeof(w.cert), "%s", c->row.name);
	(void)text_printf(w.repository, sizeof(w.repository), "%s",
	    c->conf->realm->certs->name);
	if (store_wave_get(env->store, w.cert, w.repository, &own) == 0 &&
	    (own.not_before > w.not_before || is_same_wave(&own, &w)))
		return;
	r->is_taking = true;		/* it is no change of ours */
	store_wave_put(env->store, &w);
	r->is_taking = was_taking;
	c->has_wave = true;
	if (env->wave != NULL)
		env->wave(c, env->arg);
}

/*
 * How it fares is who renews it's to say; but not of what failed here, such as
 * a full disk, which that one knows nothing of, until it goes well here.  Nor
 * has what it rolled back to anything to do with what is used here.
 */
static bool
keeps_own(const struct cert *c, const struct document *d)
{
	const char *serial = d->row.serial;

	if (c->fails_here && c->row.error != NULL)
		return true;
	if (d->row.error == NULL || !rollback_is_error(d->row.error))
		return false;
	/* Who has what it rolled back to is to take the next all the same. */
	return c->is_taken || (serial != NULL &&
	    strcmp(serial, cert_serial(c)) != 0);
}

static bool
apply(const struct document *d, struct cert *c, bool all)
{
	struct store_cert *row = &c->row, own = *row;
	bool changed;

	if (!keeps_own(c, d))
		return document_apply(d, row, all);
	row->error = NULL;
	row->names_failed = NULL;
	changed = document_apply(d, row, all);
	free(row->error);
	free(row->names_failed);
	row->error = own.error;
	row->names_failed = own.names_failed;
	row->failures = own.failures;
	row->retry_at = own.retry_at;
	row->error_at = own.error_at;
	return changed;
}

static int
take(struct replica *r, struct cert *c, const struct document *d,
    struct error *err)
{
	const char *was = c->row.order_url, *is = d->row.order_url;
	bool is_other = was == NULL || is == NULL || strcmp(was, is) != 0;
	time_t asked_at = c->row.asked_at;

	if (take_request(r, c, d, err) == -1 ||
	    take_pending(r, c, d, err) == -1 ||
	    take_first(r, c, &d->first, err) == -1)
		return -1;
	/* What this daemon has counted for its own order it has counted. */
	if (is_other && was != NULL)
		budget_order_issued(c);
	(void)apply(d, c, true);
	/* A person asked here just now.  What state.db has of it may be done
	 * since, by another daemon. */
	if (c->forced && c->row.asked_at < asked_at)
		c->row.asked_at = asked_at;
	if (is_other && c->row.order_url != NULL)
		budget_order_resume(c);
	cleanup_drop(r->env->cleanup, c->row.name);
	for (size_t k = 0; k < d->n_txt; k++)
		cleanup_adopt(r->env->cleanup, &d->txt[k]);
	if (d->n_missing > 0 || c->n_missing > 0)
		missing_set(c, d->missing, d->n_missing);
	take_wave(r, c, &d->wave);
	cert_save(c);
	return 0;
}

/* How it fares; or all, where there is nothing to go on with: then also what
 * was left here of an order that another has brought to its end. */
static bool
follow(struct item *i, struct cert *c, const struct document *d,
    int64_t modified)
{
	struct error err;

	/* Who only serves never goes on with it. */
	if (i->is_open || i->r->conf->cluster->role == CLUSTER_SERVE)
		return apply(d, c, false);
	if (take(i->r, c, d, &err) == -1)
		return false;
	i->had = modified;
	i->digest = 0;		/* it is not what we wrote last */
	return true;
}

void
replica_cert_incoming(struct item *i, const json_t *o, int64_t modified,
    bool is_echo)
{
	const struct replica_env *env = i->r->env;
	struct cert *c = replica_cert_of(i);
	bool was_open = i->is_open, is_moved, knows_better;
	struct document d;
	struct error err;

	if (o == NULL) {
		i->is_open = false;
		if (c != NULL && cluster_turns_told(c, 0))
			cert_changed(c);
		return;
	}
	if (document_read(o, &d, &err) == -1) {
		log_warning(NULL, "cluster: %s: %s", i->path, err.msg);
		return;
	}
	is_moved = c != NULL && cluster_turns_told(c, cluster_turns(&d.row));
	if (i->asks == ASKS_WAVE) {
		if (c != NULL)
			take_wave(i->r, c, &d.wave);
		document_clear(&d);
		return;
	}
	i->is_open = document_is_open(&d);
	if (c != NULL)
		replica_pause_merge(i, c, &d);
	if (is_echo)
		i->had = modified;
	/* Who holds it, or has said it, knows all the rest better. */
	knows_better = is_echo || c == NULL || env->fence(c, env->arg) != 0;
	if (!knows_better)
		take_wave(i->r, c, &d.wave);
	if (!knows_better && strcmp(d.row.name, i->name) == 0 &&
	    c->run == NULL && follow(i, c, &d, modified)) {
		cert_save(c);
		cert_changed(c);
	} else if (c != NULL && (was_open != i->is_open || is_moved)) {
		cert_changed(c);
	}
	document_clear(&d);
}

/* Is there anything to be told of it? */
static bool
has_news(const struct replica *r, const struct cert *c)
{
	struct document d;
	bool news;

	gather(r, c, &d);
	news = document_is_open(&d) || c->row.error != NULL ||
	    c->row.asked_at != 0 || c->row.paused_until != 0 ||
	    c->row.ari_id != NULL || d.wave.serial[0] != '\0';
	d.row = (struct store_cert){ .key = KEY_TYPE_END };
	document_clear(&d);
	return news;
}

void
replica_cert_listed(struct replica *r)
{
	const struct replica_env *env = r->env;

	for (size_t k = 0; k < env->certs->n; k++) {
		struct cert *c = env->certs->list[k];
		char path[REPLICA_PATH_MAX];
		struct item *i;

		if (!replica_cert_path(c, path) || !env->ours(c, env->arg))
			continue;
		i = item_find(r, path);
		/* It came before we knew that we renew it. */
		if (i != NULL && i->is_old && i->sent == i->gen) {
			i->digest = 0;
			item_changed(i);
		}
		/* From before it had the others. */
		if ((i == NULL || i->seen == 0) && has_news(r, c))
			item_changed(item_get(r, path, ITEM_CERT, c->row.name,
			    NULL));
	}
}

/* --- what comes with the lock --- */

int
replica_adopt(struct replica *r, struct cert *c, const void *value,
    size_t len, int64_t modified, struct error *err)
{
	char path[REPLICA_PATH_MAX], *key;
	struct document d;
	struct item *i;
	json_t *o;
	int rc;

	if (value == NULL || !replica_cert_path(c, path))
		return 0;
	i = item_get(r, path, ITEM_CERT, c->row.name, NULL);
	/* What is here is that, and perhaps more. */
	if (i->had == modified && !c->fails_here)
		return 0;
	key = replica_key(r, path);
	o = document_open(r->secret, key, value, len, err);
	free(key);
	if (o != NULL && !c->fails_here && replica_is_echo(i, o)) {
		json_decref(o);
		i->seen = i->had = modified;
		return 0;
	}
	rc = o == NULL ? -1 : document_read(o, &d, err);
	json_decref(o);
	/* Else nobody would ever renew it again: ours replaces it. */
	if (rc == -1) {
		log_warning(&(struct log_ctx){ .cert = c->row.name },
		    "what the cluster knows of it cannot be read, and is not "
		    "used: %s", err->msg);
		return 0;
	}
	(void)cluster_turns_told(c, cluster_turns(&d.row));
	replica_pause_merge(i, c, &d);
	r->is_taking = true;
	c->fails_here = false;		/* it is renewed here */
	rc = take(r, c, &d, err);
	r->is_taking = false;
	if (rc == 0) {
		i->seen = i->had = modified;
		i->digest = 0;
		i->is_open = document_is_open(&d);
	}
	document_clear(&d);
	return rc;
}

void
replica_drop(struct replica *r, struct cert *c)
{
	r->is_taking = true;
	cleanup_drop(r->env->cleanup, c->row.name);
	r->is_taking = false;
}
