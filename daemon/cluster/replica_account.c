/* SPDX-License-Identifier: MIT */
/*
 * The document of an account.  Whoever comes first creates it with the key that
 * it has made, before that is used; who comes later takes the key, and waits
 * until the first has registered it.
 */
#include "daemon/cluster/replica_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/config/conf.h"
#include "daemon/rest/sign.h"
#include "daemon/store/keys.h"

#define LOOK_MS		500	/* at one that another registers */
#define TIMEOUT_MS	5000
#define REPLY_MAX	(256 * 1024)

struct agreement {
	LIST_ENTRY(agreement) link;
	struct replica	*r;
	struct item	*item;		/* NULL: there is nothing to agree on */
	bool		 is_keep;	/* only until etcd has it */
	int64_t		 by_ms;		/* so long another may register it */
	struct timer	 timer;
	bool		 is_over;
	struct etcd_op	*op;
	struct waiter	*waiter;
	struct error	 err;
	enum account_agreed what;
	account_agreed_cb *done;
	void		*arg;
};

/* --- the store's, and the document's --- */

static char *
key_pem(struct replica *r, const struct item *i)
{
	struct error err;
	EVP_PKEY *key = store_account_key(r->env->store, i->name,
	    i->directory, &err);
	char *pem = key != NULL ? key_to_pem(key) : NULL;

	EVP_PKEY_free(key);
	return pem;
}

static void
gather(struct replica *r, const struct item *i, struct account_document *d)
{
	struct store *s = r->env->store;
	EVP_PKEY *next = NULL;
	struct error err;

	*d = (struct account_document){ .key = key_pem(r, i) };
	if (store_account_next(s, i->name, i->directory, &next, &err) == 0 &&
	    next != NULL)
		d->next = key_to_pem(next);
	EVP_PKEY_free(next);
	d->kid = store_account_kid(s, i->name, i->directory);
	d->contact = store_account_contact(s, i->name, i->directory);
	d->by = xstrdup(i->by != NULL ? i->by : r->conf->cluster->name);
}

json_t *
replica_account_json(struct item *i)
{
	struct account_document d;
	json_t *o = NULL;

	gather(i->r, i, &d);
	if (d.key != NULL)
		o = account_document_json(&d);
	account_document_clear(&d);
	return o;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
put_key(struct replica *r, const struct item *i, const char *pem,
    int (*put)(struct store *, const char *, const char *, const EVP_PKEY *,
    struct error *), struct error *err)
{
	EVP_PKEY *key = key_from_pem(pem, err);
	int rc = key == NULL ? -1 : put(r->env->store, i->name, i->directory,
	    key, err);

	EVP_PKEY_free(key);
	return rc;
}

/* What the others have becomes the store's; *is_other: another key than the
 * one that was here. */
static int
take(struct item *i, const struct account_document *d, bool *is_other,
    struct error *err)
{
	struct replica *r = i->r;
	struct store *s = r->env->store;
	struct account_document own;
	bool is_new;
	int rc = 0;

	gather(r, i, &own);
	is_new = !is_same(own.key, d->key);
	*is_other = is_new && own.key != NULL;
	/* Not one that was never used, nor the one before a change of it. */
	if (*is_other && own.kid != NULL && !is_same(own.next, d->key)) {
		log_warning(NULL, "account \"%s\": the members of the cluster "
		    "use another key than the one that was here, which is "
		    "kept beside it (.old)", i->name);
		rc = store_account_key_keep(s, i->name, i->directory, err);
	}
	if (rc == 0 && is_new)
		rc = put_key(r, i, d->key, store_account_key_put, err);
	/* Registered here just now, or about to get another key. */
	if (rc == 0 && !is_same(own.next, d->next) && (d->next != NULL ||
	    is_new || i->sent == i->gen)) {
		if (d->next != NULL)
			rc = put_key(r, i, d->next, store_account_next_put,
			    err);
		else
			store_account_next_drop(s, i->name, i->directory);
	}
	if (rc == 0 && !is_same(own.kid, d->kid) && (d->kid != NULL ||
	    is_new || i->sent == i->gen))
		store_account_put(s, i->name, i->directory, d->kid);
	if (rc == 0 && d->kid != NULL && !is_same(own.contact, d->contact))
		store_account_contact_put(s, i->name, i->directory,
		    d->contact);
	account_document_clear(&own);
	return rc;
}

static int
take_json(struct item *i, const json_t *o, bool *is_other, bool *is_registered,
    struct error *err)
{
	struct replica *r = i->r;
	bool was_taking = r->is_taking;
	struct account_document d;
	int rc;

	if (account_document_read(o, &d, err) == -1)
		return -1;
	xstrset(&i->by, d.by);
	*is_registered = d.kid != NULL;
	r->is_taking = true;
	rc = take(i, &d, is_other, err);
	r->is_taking = was_taking;
	account_document_clear(&d);
	if (rc == 0)
		i->had = i->seen;
	return rc;
}

static bool
is_at(const char *directory, const char *name, const char *path)
{
	char *own = replica_path(directory, "account", name);
	bool same = strcmp(own, path) == 0;

	free(own);
	return same;
}

/* Of one that is not configured here nothing is taken. */
static bool
has_directory(struct item *i)
{
	const struct conf *conf = i->r->env->certs->conf;

	for (size_t k = 0; i->directory == NULL && k < conf->n_accounts; k++) {
		const struct conf_account *a = conf->accounts[k];

		if (strcmp(a->name, i->name) == 0 && is_at(a->directory,
		    a->name, i->path))
			i->directory = xstrdup(a->directory);
	}
	return i->directory != NULL;
}

void
replica_account_incoming(struct item *i, const json_t *o)
{
	const struct replica_env *env = i->r->env;
	bool is_other, is_registered;
	struct error err;

	if (o == NULL || !has_directory(i))
		return;
	if (take_json(i, o, &is_other, &is_registered, &err) == -1)
		log_warning(NULL, "cluster: account \"%s\": %s", i->name,
		    err.msg);
	else if (is_other && !LIST_EMPTY(&i->r->agreements))
		return;			/* nobody uses the old one */
	else if (is_other)
		env->account(i->name, i->directory, env->arg);
}

static struct item *
item_of(struct replica *r, const char *name, const char *directory)
{
	char *path;
	struct item *i;

	if (r->conf == NULL || replica_is_tried(name))
		return NULL;
	path = replica_path(directory, "account", name);
	i = item_get(r, path, ITEM_ACCOUNT, name, directory);
	free(path);
	if (i->directory == NULL)
		i->directory = xstrdup(directory);
	return i;
}

void
replica_account_changed(const char *name, const char *directory, void *arg)
{
	struct replica *r = arg;
	struct item *i = r->is_taking ? NULL : item_of(r, name, directory);

	/* Its key is agreed on first. */
	if (i != NULL && i->had != 0)
		item_changed(i);
}

/* --- agreements --- */

static void	ask(struct agreement *);

static void
agreement_free(struct agreement *a)
{
	timer_clear(&a->timer);
	etcd_cancel(a->op);
	if (a->waiter != NULL)
		waiter_cancel(a->waiter);
	LIST_REMOVE(a, link);
	free(a);
}

static void
end(struct agreement *a, const struct error *err, enum account_agreed what)
{
	a->is_over = true;
	a->what = what;
	if (err != NULL) {
		a->err = *err;
		/* No account, and no certificate, has failed. */
		if (strncmp(err->code, "cluster:", 8) != 0)
			(void)error_set(&a->err, ERR_TRANSIENT,
			    "cluster:away", "%s", err->msg);
		(void)error_wrap(&a->err, "the key of the account");
	}
	timer_set(&a->timer, 0);
}

static void
kept(const struct error *err, void *arg)
{
	struct agreement *a = arg;

	a->waiter = NULL;
	if (err != NULL || a->is_keep)
		end(a, err, ACCOUNT_AGREED);
	else
		ask(a);			/* it may be the other's now */
}

/* Nobody has one: ours is everybody's, if we have one. */
static void
offer(struct agreement *a)
{
	struct item *i = a->item;
	struct error err;
	EVP_PKEY *key = store_account_key(a->r->env->store, i->name,
	    i->directory, &err);

	i->seen = i->had = 0;
	if (key == NULL) {
		/* Of one that is damaged accounts/ tells. */
		end(a, NULL, strcmp(err.code, "store:no-key") == 0 ?
		    ACCOUNT_NEW : ACCOUNT_AGREED);
		return;
	}
	EVP_PKEY_free(key);
	xstrset(&i->by, a->r->conf->cluster->name);
	item_changed(i);
	a->waiter = waiter_start(a->r, i, i->gen, 0, kept, a);
}

static void
read_kv(struct agreement *a, const json_t *kv)
{
	struct item *i = a->item;
	const char *text = jsonx_str(kv, "value");
	int64_t modified = jsonx_number(kv, "mod_revision", 0);
	char *key = replica_key(a->r, i->path);
	bool is_other, is_registered = false;
	unsigned char *value;
	json_t *o = NULL;
	struct error err;
	size_t len;
	int rc = -1;

	if (text == NULL || sign_base64_decode(text, &value, &len) == -1) {
		(void)error_set(&err, ERR_REJECTED, "cluster:document",
		    "%s: there is no document", key);
	} else {
		o = document_open(a->r->secret, key, value, len, &err);
		freezero(value, len);
	}
	free(key);
	if (o != NULL) {
		if (modified > i->seen)
			i->seen = modified;
		rc = take_json(i, o, &is_other, &is_registered, &err);
	}
	json_decref(o);
	if (rc == 0 && !is_registered && clock_mono_ms() < a->by_ms &&
	    i->by != NULL && strcmp(i->by, a->r->conf->cluster->name) != 0)
		timer_set(&a->timer, LOOK_MS);
	else
		end(a, rc == -1 ? &err : NULL, ACCOUNT_AGREED);
}

static void
asked(const struct error *err, const json_t *reply, void *arg)
{
	struct agreement *a = arg;
	const json_t *kv = jsonx_get(reply, "kvs.0");

	a->op = NULL;
	if (err != NULL)
		end(a, err, ACCOUNT_AGREED);
	else if (kv != NULL)
		read_kv(a, kv);
	else
		offer(a);
}

static void
ask(struct agreement *a)
{
	char *key = replica_key(a->r, a->item->path);

	a->op = etcd_call_start(a->r->env->etcd, &(struct etcd_args){
	    .conf = a->r->conf->cluster->etcd, .max_reply = REPLY_MAX,
	    .timeout_ms = TIMEOUT_MS }, "/v3/kv/range",
	    json_pack("{s:o}", "key", etcd_text(key)), asked, a);
	free(key);
}

static void
agreement_cb(void *arg)
{
	struct agreement *a = arg;

	if (!a->is_over) {
		ask(a);
		return;
	}
	a->done(a->err.kind != ERR_NONE ? &a->err : NULL, a->what, a->arg);
	agreement_free(a);
}

static struct agreement *
agreement_new(struct replica *r, const char *name, const char *directory,
    account_agreed_cb *done, void *arg)
{
	struct agreement *a = xcalloc(1, sizeof(*a));

	a->r = r;
	a->item = item_of(r, name, directory);
	a->done = done;
	a->arg = arg;
	timer_init(&a->timer, r->env->loop, agreement_cb, a);
	LIST_INSERT_HEAD(&r->agreements, a, link);
	if (a->item == NULL)
		end(a, NULL, ACCOUNT_AGREED);
	else
		a->by_ms = clock_mono_ms() +
		    (int64_t)r->conf->cluster->lease_s * 2000;
	return a;
}

static void *
agree(const char *name, const char *directory, account_agreed_cb *done,
    void *done_arg, void *arg)
{
	struct agreement *a = agreement_new(arg, name, directory, done,
	    done_arg);

	if (!a->is_over)
		timer_set(&a->timer, 0);
	return a;
}

static void *
keep(const char *name, const char *directory, account_agreed_cb *done,
    void *done_arg, void *arg)
{
	struct agreement *a = agreement_new(arg, name, directory, done,
	    done_arg);

	a->is_keep = true;
	if (!a->is_over)
		a->waiter = waiter_start(a->r, a->item, a->item->gen, 0, kept,
		    a);
	return a;
}

static void
cancel(void *op, void *arg)
{
	(void)arg;
	agreement_free(op);
}

void
replica_account_init(struct replica *r)
{
	r->share = (struct account_share){ .agree = agree, .keep = keep,
	    .cancel = cancel, .arg = r };
}

/* Nothing is shared any more: what each has is its own. */
void
replica_account_clear(struct replica *r)
{
	struct agreement *a;

	LIST_FOREACH(a, &r->agreements, link) {
		etcd_cancel(a->op);
		a->op = NULL;
		if (a->waiter != NULL)
			waiter_cancel(a->waiter);
		a->waiter = NULL;
		a->item = NULL;
		if (!a->is_over)
			end(a, NULL, ACCOUNT_AGREED);
	}
}
