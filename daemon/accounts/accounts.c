/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/accounts_priv.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/account_key.h"
#include "daemon/accounts/share.h"
#include "daemon/accounts/zerossl.h"
#include "daemon/acme/acme.h"
#include "daemon/config/conf.h"
#include "daemon/config/directories.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

struct accounts *
accounts_new(struct loop *loop, struct http *http, struct children *children,
    struct store *store)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->http = http;
	a->children = children;
	a->store = store;
	tallies_init(&a->tallies);
	TAILQ_INIT(&a->entries);
	TAILQ_INIT(&a->refreshes);
	return a;
}

void
entry_close(struct accounts *a, struct entry *e)
{
	acme_free(e->pub.acme);
	e->pub.acme = NULL;
	EVP_PKEY_free(e->key);
	e->key = NULL;
	free(e->kid);
	e->pub.kid = e->kid = NULL;
	free(e->eab_kid);
	freezero_str(e->eab_hmac_key);
	e->eab_kid = e->eab_hmac_key = NULL;
}

static void
entry_free(struct accounts *a, struct entry *e)
{
	if (e->agreeing != NULL)
		e->share->cancel(e->agreeing, e->share->arg);
	keygen_cancel(e->keygen);
	zerossl_cancel(e->eab_op);
	entry_unsettle(e);
	entry_close(a, e);
	TAILQ_REMOVE(&a->entries, e, link);
	free(e->identity);
	free(e->contact);
	free(e->name);
	free(e->directory);
	free(e->pub.lost_kid);
	free(e);
}

static void
refresh_free(struct refresh *f)
{
	account_cancel(f->op);
	conf_unref(f->conf);
	TAILQ_REMOVE(&f->accounts->refreshes, f, link);
	free(f);
}

void
accounts_free(struct accounts *a)
{
	struct refresh *f;
	struct entry *e;

	if (a == NULL)
		return;
	while ((f = TAILQ_FIRST(&a->refreshes)) != NULL)
		refresh_free(f);
	while ((e = TAILQ_FIRST(&a->entries)) != NULL)
		entry_free(a, e);
	tallies_clear(&a->tallies);
	free(a);
}

struct tally *
account_tally(struct accounts *a, const struct conf_account *c)
{
	const char *host = strstr(c->directory, "://");
	char *ca;
	struct tally *t;

	host = host == NULL ? c->directory : host + 3;
	ca = xasprintf("%.*s", (int)strcspn(host, "/?#"), host);
	t = tallies_get(&a->tallies, "account", c->name, "ca", ca);
	free(ca);
	return t;
}

void
accounts_metrics(const struct accounts *a, FILE *f)
{
	tallies_print(&a->tallies, "acmed_ca", "CAs", f);
}

bool
accounts_makes_key(const struct accounts *a, const char *name,
    const char *directory)
{
	const struct entry *e;

	TAILQ_FOREACH(e, &a->entries, link) {
		if (e->keygen != NULL && strcmp(e->name, name) == 0 &&
		    strcmp(e->directory, directory) == 0)
			return true;
	}
	return false;
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

static char *
contact_of(const struct conf_account *c)
{
	json_t *list = json_array();
	char *text;

	for (char **p = c->contact; *p != NULL; p++)
		(void)json_array_append_new(list, json_string(*p));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text != NULL ? text : xstrdup("[]");
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
	e->contact = contact_of(conf);
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
op_succeed(struct account_op *op)
{
	struct entry *e = op->entry;

	op->entry = NULL;		/* the reference goes to the caller */
	op->done(NULL, &e->pub, op->arg);
	op_free(op);
}

/* Is the CA to be told of another contact? */
static bool
is_contact_new(const struct entry *e)
{
	char *told = store_account_contact(e->store, e->name, e->directory);
	bool is_new = told == NULL ? strcmp(e->contact, "[]") != 0 :
	    strcmp(told, e->contact) != 0;

	free(told);
	return is_new;
}

/* The account does without: what failed is tried again with the next start,
 * reload or, if the CA was not reached, run. */
static void
updated_cb(const struct error *err, void *arg)
{
	struct account_op *op = arg;
	struct entry *e = op->entry;

	op->acme_op = NULL;
	if (err == NULL) {
		store_account_contact_put(e->store, e->name, e->directory,
		    e->contact);
		log_notice(NULL, "account \"%s\": the CA has the contact %s "
		    "now", e->name, e->contact);
	} else {
		e->is_contact_told = err->kind != ERR_TRANSIENT;
		log_warning(NULL, "account \"%s\": the CA was not told of the "
		    "contact %s: %s", e->name, e->contact, err->msg);
	}
	op_succeed(op);
}

static void
add_text(struct error *err, const char *hint)
{
	size_t used = strlen(err->msg);

	(void)text_printf(err->msg + used, sizeof(err->msg) - used, "; %s",
	    hint);
}

#define HINT_REFUSED "ask the CA why; an account of another name in the " \
	"configuration is registered anew"

void
account_add_hint(struct error *err)
{
	if (strcmp(err->code, "acme:unauthorized") == 0)
		add_text(err, HINT_REFUSED);
}

/* What a person can do about an account that the CA refuses to register. */
static void
add_hint(struct error *err, const struct entry *e, bool has_eab)
{
	const char *hint = NULL;

	if (strcmp(err->code, "acme:account-status") == 0 ||
	    (strcmp(err->code, "acme:unauthorized") == 0 && !has_eab))
		hint = HINT_REFUSED;
	else if (has_eab && (err->kind == ERR_REJECTED ||
	    (err->kind == ERR_CONFIG && strncmp(err->code, "acme:", 5) == 0)))
		hint = "an external account binding may be good for one "
		    "account only: ask the CA for a new eab_kid and key";
	if (hint != NULL && e->kid == NULL)
		add_text(err, hint);
}

static void
registered_cb(const struct error *err, const char *kid, void *arg)
{
	struct account_op *op = arg;
	struct entry *e = op->entry;

	op->acme_op = NULL;
	if (err != NULL) {
		struct error told = *err;

		add_hint(&told, e, op->conf->eab_kid != NULL);
		op_fail(op, &told);
		return;
	}
	if (e->kid == NULL || strcmp(e->kid, kid) != 0) {
		char *copy = xstrdup(kid);

		free(e->kid);
		e->pub.kid = e->kid = copy;
		/* No need to wait: newAccount finds it by key again. */
		store_account_put(op->accounts->store, e->name, e->directory,
		    kid);
		store_account_contact_put(op->accounts->store, e->name,
		    e->directory, e->contact);
	}
	if (e->is_contact_told || !is_contact_new(e)) {
		op_succeed(op);
		return;
	}
	e->is_contact_told = true;	/* once, not by each that waits */
	op->acme_op = acme_account_update_start(e->pub.acme, updated_cb, op);
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
	if (!key_is_type(e->key, c->key))
		log_warning(NULL, "account \"%s\": its key stays as it is, and "
		    "is none of the configured type; an account of another "
		    "name gets a new one", c->name);
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
		.eab_kid = e->eab_kid != NULL ? e->eab_kid : c->eab_kid,
		.eab_hmac_key = e->eab_kid != NULL ? e->eab_hmac_key :
		    hmac_key,
		.tally = account_tally(op->accounts, c),
	};
	e->pub.acme = acme_new(op->accounts->loop, op->accounts->http, &args);
	e->pub.pace = (struct pace){ .validation_ms = 5, .issuance_ms = 5 };
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

void
entry_wake(struct entry *e, const struct error *err)
{
	struct account_op *op;

	while ((op = TAILQ_FIRST(&e->waiting)) != NULL) {
		TAILQ_REMOVE(&e->waiting, op, link);
		op->is_waiting = false;
		if (err != NULL)
			op_fail(op, err);
		else
			timer_set(&op->begin, 0);
	}
}

bool
account_gets_eab(const struct conf_account *c)
{
	return c->eab_kid == NULL && directory_gives_eab(c->directory) &&
	    zerossl_mail(c) != NULL;
}

static void
eab_done(const struct error *err, const char *kid, const char *hmac_key,
    void *arg)
{
	struct entry *e = arg;

	e->eab_op = NULL;
	if (err == NULL) {
		log_notice(NULL, "account \"%s\": the CA has given an "
		    "external account for its contact", e->name);
		e->eab_kid = xstrdup(kid);
		e->eab_hmac_key = xstrdup(hmac_key);
	}
	entry_wake(e, err);
}

/* Has the CA to be asked for what newAccount will have to show? */
static bool
wants_eab(const struct account_op *op)
{
	const struct entry *e = op->entry;
	char *kid;

	if (e->pub.acme != NULL || e->eab_kid != NULL ||
	    !account_gets_eab(op->conf))
		return false;
	kid = store_account_kid(e->store, e->name, e->directory);
	free(kid);
	return kid == NULL;
}

/* --- where several daemons use it --- */

void
accounts_set_share(struct accounts *a, const struct account_share *share)
{
	a->share = share;
}

void
accounts_key_changed(struct accounts *a, const char *name,
    const char *directory)
{
	struct entry *e;

	TAILQ_FOREACH(e, &a->entries, link) {
		if (strcmp(e->name, name) != 0 ||
		    strcmp(e->directory, directory) != 0 || e->is_changing)
			continue;
		if (e->refs > 0) {
			/* Those that use it end with what they have. */
			xstrset(&e->identity, "");
			continue;
		}
		entry_close(a, e);
		e->is_agreed = e->is_settled = false;
	}
}

static void
agreed_cb(const struct error *err, enum account_agreed what, void *arg)
{
	struct entry *e = arg;

	e->agreeing = NULL;
	e->is_agreed = err == NULL && what == ACCOUNT_AGREED;
	e->is_new = err == NULL && what == ACCOUNT_NEW;
	/* It may be another one than it was. */
	if (e->is_agreed && e->pub.acme == NULL) {
		EVP_PKEY_free(e->key);
		e->key = NULL;
	}
	entry_wake(e, err);
}

/* Is it to be agreed first which key it has? */
static bool
wants_agreement(struct accounts *a, struct entry *e)
{
	if (a->share == NULL || e->is_agreed || e->is_new ||
	    e->pub.acme != NULL)
		return false;
	if (e->agreeing == NULL) {
		e->share = a->share;
		e->agreeing = e->share->agree(e->name, e->directory,
		    agreed_cb, e, e->share->arg);
	}
	return true;
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
	/* Where daemons share it, another may have been faster. */
	if (err == NULL && !e->is_new && EVP_PKEY_up_ref(key) == 1)
		e->key = key;
	e->is_new = false;
	while ((op = TAILQ_FIRST(&e->waiting)) != NULL) {
		TAILQ_REMOVE(&e->waiting, op, link);
		op->is_waiting = false;
		if (err != NULL)
			op_fail(op, err);
		else
			timer_set(&op->begin, 0);
	}
}

/* Registered is done without it; that it was lost is told. */
static void
warn_of_lost_key(struct account_op *op)
{
	struct entry *e = op->entry;
	char *kid = store_account_kid(op->accounts->store, e->name,
	    e->directory);

	if (kid != NULL)
		log_warning(NULL, "account \"%s\": %s, although it is "
		    "registered as %s; registering a new account: CAA records "
		    "(accounturi), dns-persist-01 records and limits are of "
		    "the old one", e->name, op->err.msg, kid);
	free(e->pub.lost_kid);
	e->pub.lost_kid = kid;
}

static void
op_wait(struct account_op *op)
{
	TAILQ_INSERT_TAIL(&op->entry->waiting, op, link);
	op->is_waiting = true;
}

static void
begin_cb(void *arg)
{
	struct account_op *op = arg;
	struct accounts *a = op->accounts;
	struct entry *e = op->entry;

	if (e->is_changing || e->probe_op != NULL) {
		op_wait(op);
		return;
	}
	if (wants_agreement(a, e)) {
		op_wait(op);
		return;
	}
	if (e->key == NULL && e->keygen == NULL) {
		e->key = account_key_load(a->store, op->conf, &op->err);
		if (e->key == NULL &&
		    strcmp(op->err.code, "store:no-key") != 0) {
			struct error err = op->err;

			op_fail(op, &err);
			return;
		}
	}
	if (e->key != NULL && wants_eab(op)) {
		op_wait(op);
		if (e->eab_op == NULL)
			e->eab_op = zerossl_start(a->http, op->conf, eab_done,
			    e);
		return;
	}
	if (e->key != NULL && !entry_settle(a, e, op->conf, &op->err)) {
		op_register(op);
		return;
	}
	op_wait(op);
	if (e->key != NULL || e->keygen != NULL)
		return;
	warn_of_lost_key(op);
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

/* --- what a reload changed --- */

static void
refreshed_cb(const struct error *err, struct account *account, void *arg)
{
	struct refresh *f = arg;

	f->op = NULL;
	if (err != NULL)
		log_warning(NULL, "the CA could not be told of a new contact: "
		    "%s", err->msg);
	else
		account_release(f->accounts, account);
	refresh_free(f);
}

void
accounts_refresh(struct accounts *a, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_accounts; i++) {
		const struct conf_account *c = conf->accounts[i];
		struct entry e = { .contact = contact_of(c),
		    .store = a->store, .name = c->name,
		    .directory = c->directory };
		char *told = store_account_contact(a->store, c->name,
		    c->directory);
		struct refresh *f;

		/* One that is not registered, or long ago, has time. */
		if (told != NULL && is_contact_new(&e)) {
			f = xcalloc(1, sizeof(*f));
			f->accounts = a;
			f->conf = conf_ref(conf);
			TAILQ_INSERT_TAIL(&a->refreshes, f, link);
			f->op = account_start(a, c, refreshed_cb, f);
		}
		free(told);
		free(e.contact);
	}
}
