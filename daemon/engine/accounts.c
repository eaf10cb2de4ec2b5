/* SPDX-License-Identifier: MIT */
#include "daemon/engine/accounts.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/acme/acme.h"
#include "daemon/config/conf.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

/* One account in use; pub comes first, so that a pointer to it is one to us. */
struct entry {
	struct account	 pub;
	TAILQ_ENTRY(entry) link;
	char		*identity;	/* all of conf_account that matters */
	char		*name, *directory, *kid;
	EVP_PKEY	*key;
	struct store	*store;
	struct keygen_op *keygen;
	unsigned	 refs;
	TAILQ_HEAD(, account_op) waiting;	/* for the key */
};

struct account_op {
	TAILQ_ENTRY(account_op) link;
	struct accounts	*accounts;
	const struct conf_account *conf;
	struct entry	*entry;		/* one reference; NULL if err is set */
	bool		 is_waiting;
	struct acme_op	*acme_op;
	struct timer	 begin;
	struct error	 err;
	account_done_cb	*done;
	void		*arg;
};

struct accounts {
	struct loop	*loop;
	struct http	*http;
	struct children	*children;
	struct store	*store;
	unsigned long	 requests;	/* of entries that are gone */
	TAILQ_HEAD(, entry) entries;
};

struct accounts *
accounts_new(struct loop *loop, struct http *http, struct children *children,
    struct store *store)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->http = http;
	a->children = children;
	a->store = store;
	TAILQ_INIT(&a->entries);
	return a;
}

static void
entry_free(struct accounts *a, struct entry *e)
{
	keygen_cancel(e->keygen);
	if (e->pub.acme != NULL)
		a->requests += acme_requests(e->pub.acme);
	TAILQ_REMOVE(&a->entries, e, link);
	acme_free(e->pub.acme);
	EVP_PKEY_free(e->key);
	free(e->identity);
	free(e->name);
	free(e->directory);
	free(e->kid);
	free(e);
}

void
accounts_free(struct accounts *a)
{
	struct entry *e;

	if (a == NULL)
		return;
	while ((e = TAILQ_FIRST(&a->entries)) != NULL)
		entry_free(a, e);
	free(a);
}

unsigned long
accounts_requests(const struct accounts *a)
{
	unsigned long n = a->requests;
	const struct entry *e;

	TAILQ_FOREACH(e, &a->entries, link) {
		if (e->pub.acme != NULL)
			n += acme_requests(e->pub.acme);
	}
	return n;
}

static char *
identity_of(const struct conf_account *c)
{
	char *id = xasprintf("%s\n%s\n%s\n%s\n%d\n%d\n%s\n%s", c->name,
	    c->directory, c->ca_file != NULL ? c->ca_file : "",
	    c->proxy != NULL ? c->proxy : "-", c->key, c->agree_tos,
	    c->eab_kid != NULL ? c->eab_kid : "",
	    c->eab_hmac_key_file != NULL ? c->eab_hmac_key_file : "");

	for (char **p = c->contact; *p != NULL; p++) {
		char *longer = xasprintf("%s\n%s", id, *p);

		free(id);
		id = longer;
	}
	return id;
}

/* The entry of this configuration, with one more reference. */
static struct entry *
entry_get(struct accounts *a, const struct conf_account *conf)
{
	char *identity = identity_of(conf);
	struct entry *e;

	TAILQ_FOREACH(e, &a->entries, link) {
		if (strcmp(e->identity, identity) == 0) {
			free(identity);
			e->refs++;
			return e;
		}
	}
	e = xcalloc(1, sizeof(*e));
	e->identity = identity;
	e->name = xstrdup(conf->name);
	e->directory = xstrdup(conf->directory);
	e->store = a->store;
	e->refs = 1;
	TAILQ_INIT(&e->waiting);
	TAILQ_INSERT_TAIL(&a->entries, e, link);
	return e;
}

void
account_release(struct accounts *a, struct account *account)
{
	struct entry *e = (struct entry *)account;

	/* Kept without references: the next run finds it warm.  Entries of a
	 * configuration that is gone are few and go with the process. */
	if (e != NULL)
		e->refs--;
}

void
account_forget(struct accounts *a, struct account *account, const char *kid)
{
	struct entry *e = (struct entry *)account;

	if (e->kid == NULL || strcmp(e->kid, kid) != 0)
		return;
	acme_account_forget(e->pub.acme);
	store_account_put(a->store, e->name, e->directory, NULL);
	free(e->kid);
	e->pub.kid = e->kid = NULL;
}

static void
op_free(struct account_op *op)
{
	acme_cancel(op->acme_op);
	timer_clear(&op->begin);
	if (op->is_waiting)
		TAILQ_REMOVE(&op->entry->waiting, op, link);
	if (op->entry != NULL)
		account_release(op->accounts, &op->entry->pub);
	free(op);
}

void
account_cancel(struct account_op *op)
{
	if (op != NULL)
		op_free(op);
}

static void
op_fail(struct account_op *op, const struct error *err)
{
	op->done(err, NULL, op->arg);
	op_free(op);
}

static void
registered_cb(const struct error *err, const char *kid, void *arg)
{
	struct account_op *op = arg;
	struct entry *e = op->entry;

	op->acme_op = NULL;
	if (err != NULL) {
		op_fail(op, err);
		return;
	}
	if (e->kid == NULL || strcmp(e->kid, kid) != 0) {
		char *copy = xstrdup(kid);

		free(e->kid);
		e->pub.kid = e->kid = copy;
		/* No need to wait: newAccount finds it by key again. */
		store_account_put(op->accounts->store, e->name, e->directory,
		    kid);
	}
	op->entry = NULL;		/* the reference goes to the caller */
	op->done(NULL, &e->pub, op->arg);
	op_free(op);
}

/* The key is there: make the protocol object once, then register. */
static int
entry_open(struct account_op *op, struct error *err)
{
	struct entry *e = op->entry;
	const struct conf_account *c = op->conf;
	char *hmac_key = NULL;
	struct acme_args args;

	if (e->pub.acme != NULL)
		return 0;
	if (c->eab_hmac_key_file != NULL && file_read_secret(
	    c->eab_hmac_key_file, FILE_SECRET_MAX, &hmac_key, err) == -1)
		return error_wrap(err, "eab_hmac_key_file of account \"%s\"",
		    c->name);
	e->kid = store_account_kid(op->accounts->store, e->name,
	    e->directory);
	e->pub.kid = e->kid;
	args = (struct acme_args){
		.directory = c->directory,
		.ca_file = c->ca_file,
		.proxy = c->proxy,
		.key = e->key,
		.kid = e->kid,
		.contact = (const char *const *)c->contact,
		.agree_tos = c->agree_tos,
		.eab_kid = c->eab_kid,
		.eab_hmac_key = hmac_key,
	};
	e->pub.acme = acme_new(op->accounts->loop, op->accounts->http, &args);
	e->pub.pace = (struct pace){ .validation_ms = 15, .issuance_ms = 10 };
	freezero_str(hmac_key);
	return 0;
}

static void
op_register(struct account_op *op)
{
	if (entry_open(op, &op->err) == -1) {
		struct error err = op->err;

		op_fail(op, &err);
		return;
	}
	op->acme_op = acme_account_start(op->entry->pub.acme, registered_cb,
	    op);
}

/* All who waited for the key go on, or fail, together. */
static void
key_done(const struct error *err, EVP_PKEY *key, void *arg)
{
	struct entry *e = arg;
	struct account_op *op;
	struct error failed;

	e->keygen = NULL;
	if (err == NULL && store_account_key_put(e->store, e->name,
	    e->directory, key, &failed) == -1)
		err = &failed;
	if (err == NULL && EVP_PKEY_up_ref(key) == 1)
		e->key = key;
	while ((op = TAILQ_FIRST(&e->waiting)) != NULL) {
		TAILQ_REMOVE(&e->waiting, op, link);
		op->is_waiting = false;
		if (err != NULL)
			op_fail(op, err);
		else
			op_register(op);
	}
}

/* It is never replaced unasked: the account may own more than certificates. */
static void
key_unreadable(struct account_op *op)
{
	struct error err = op->err;

	if (strcmp(err.code, "key:syntax") == 0)
		(void)error_set(&err, ERR_CONFIG, "key:syntax", "%s; restore "
		    "it from a backup, or remove it and a new account is "
		    "registered", op->err.msg);
	op_fail(op, &err);
}

static void
begin_cb(void *arg)
{
	struct account_op *op = arg;
	struct accounts *a = op->accounts;
	struct entry *e = op->entry;

	if (e->key == NULL && e->keygen == NULL) {
		e->key = store_account_key(a->store, e->name, e->directory,
		    &op->err);
		if (e->key == NULL &&
		    strcmp(op->err.code, "store:no-key") != 0) {
			key_unreadable(op);
			return;
		}
	}
	if (e->key != NULL) {
		op_register(op);
		return;
	}
	TAILQ_INSERT_TAIL(&e->waiting, op, link);
	op->is_waiting = true;
	if (e->keygen != NULL)
		return;
	/* What a lost key was registered as is not what the new one is. */
	store_account_put(a->store, e->name, e->directory, NULL);
	e->keygen = keygen_start(a->loop, a->children, op->conf->key,
	    key_done, e);
}

struct account_op *
account_start(struct accounts *a, const struct conf_account *conf,
    account_done_cb *done, void *arg)
{
	struct account_op *op = xcalloc(1, sizeof(*op));

	op->accounts = a;
	op->conf = conf;
	op->entry = entry_get(a, conf);
	op->done = done;
	op->arg = arg;
	timer_init(&op->begin, a->loop, begin_cb, op);
	timer_set(&op->begin, 0);
	return op;
}
