/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/account_adopt.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/account_key.h"
#include "daemon/accounts/accounts_priv.h"
#include "daemon/acme/acme.h"
#include "daemon/config/conf.h"
#include "daemon/config/directories.h"
#include "daemon/store/store.h"

struct account_adopt {
	struct accounts	*accounts;
	const struct conf_account *conf;
	bool		 force;
	EVP_PKEY	*key;
	struct acme	*acme;
	struct acme_op	*op;
	char		*kid;		/* of the key, as the CA says */
	char		*old_kid;	/* or NULL */
	struct store_sync_op *sync;
	struct timer	 end;
	struct error	 err;		/* kind ERR_NONE: it went well */
	account_adopted_cb *done;
	void		*arg;
};

void
account_adopt_cancel(struct account_adopt *a)
{
	if (a == NULL)
		return;
	timer_clear(&a->end);
	/* The old key is still there: so is its URL. */
	if (a->sync != NULL && a->old_kid != NULL)
		store_account_put(a->accounts->store, a->conf->name,
		    a->conf->directory, a->old_kid);
	store_sync_cancel(a->sync);
	acme_cancel(a->op);
	acme_free(a->acme);
	EVP_PKEY_free(a->key);
	free(a->kid);
	free(a->old_kid);
	free(a);
}

static void
end_cb(void *arg)
{
	struct account_adopt *a = arg;

	a->done(a->err.kind != ERR_NONE ? &a->err : NULL, a->arg);
	account_adopt_cancel(a);
}

static int
check_old(const struct account_adopt *a, struct error *err)
{
	const struct conf_account *c = a->conf;
	struct error why;
	EVP_PKEY *old = store_account_key(a->accounts->store, c->name,
	    c->directory, &why);
	bool is_same;

	if (old == NULL && (a->force ||
	    strcmp(why.code, "store:no-key") == 0))
		return 0;
	if (old == NULL) {
		*err = why;
		return -1;
	}
	is_same = EVP_PKEY_eq(old, a->key) == 1;
	EVP_PKEY_free(old);
	if (is_same || a->force)
		return 0;
	return error_set(err, ERR_CONFIG, "import:exists", "account \"%s\" has "
	    "another key already, which would be lost; to keep it: acmectl "
	    "account export %s FILE; then: acmectl account import --force",
	    c->name, c->name);
}

/* Nobody may be at work with the old key, nor may it be lost. */
static int
check_free(const struct account_adopt *a, struct error *err)
{
	const struct conf_account *c = a->conf;
	const struct entry *e;

	TAILQ_FOREACH(e, &a->accounts->entries, link) {
		if (strcmp(e->name, c->name) == 0 &&
		    strcmp(e->directory, c->directory) == 0 &&
		    (e->refs > 0 || e->keygen != NULL || e->is_changing))
			return error_set(err, ERR_TRANSIENT, "account:busy",
			    "account \"%s\" is being used; try again when no "
			    "renewal is under way", c->name);
	}
	return check_old(a, err);
}

/* The key is another one from now on. */
static int
take(struct account_adopt *a, struct error *err)
{
	struct accounts *all = a->accounts;
	const struct conf_account *c = a->conf;
	struct entry *e;

	if (check_free(a, err) == -1 || store_account_key_put(all->store,
	    c->name, c->directory, a->key, err) == -1) {
		store_account_put(all->store, c->name, c->directory,
		    a->old_kid);
		return -1;
	}
	store_account_next_drop(all->store, c->name, c->directory);
	store_account_put(all->store, c->name, c->directory, a->kid);
	TAILQ_FOREACH(e, &all->entries, link) {
		if (strcmp(e->name, c->name) == 0 &&
		    strcmp(e->directory, c->directory) == 0) {
			entry_unsettle(e);
			entry_close(all, e);
			e->is_contact_told = false;
		}
	}
	log_notice(NULL, "account \"%s\": imported its key; the CA knows it "
	    "as %s", c->name, a->kid);
	return 0;
}

static void
forgotten_cb(const struct error *err, void *arg)
{
	struct account_adopt *a = arg;

	a->sync = NULL;
	if (err != NULL)
		a->err = *err;
	else
		(void)take(a, &a->err);
	timer_set(&a->end, 0);
}

/* The old URL goes from the disk before the key comes: a crash in between would
 * join it with the new key.  Without a URL the next use asks the CA for it. */
static void
forget_url(struct account_adopt *a, const char *kid)
{
	struct store *s = a->accounts->store;
	const struct conf_account *c = a->conf;

	a->kid = xstrdup(kid);
	a->old_kid = store_account_kid(s, c->name, c->directory);
	store_account_put(s, c->name, c->directory, NULL);
	a->sync = store_sync_start(s, forgotten_cb, a);
}

static void
found_cb(const struct error *err, const char *kid, void *arg)
{
	struct account_adopt *a = arg;

	a->op = NULL;
	if (err == NULL && check_free(a, &a->err) == 0) {
		forget_url(a, kid);
		return;
	}
	if (err == NULL)
		;			/* check_free() says why not */
	else if (strcmp(err->code, "acme:accountDoesNotExist") == 0)
		(void)error_set(&a->err, ERR_CONFIG, err->code,
		    "the CA at %s knows no account of this key; is it of "
		    "another CA?", a->conf->directory);
	else
		a->err = *err;
	timer_set(&a->end, 0);
}

static int
prepare(struct account_adopt *a, const struct account_adopt_args *args,
    struct error *err)
{
	if (args->directory != NULL &&
	    !directory_same(args->directory, a->conf->directory))
		return error_set(err, ERR_CONFIG, "import:other-directory",
		    "that is an account at %s, but \"%s\" is configured with "
		    "directory = \"%s\"", args->directory, a->conf->name,
		    a->conf->directory);
	a->key = account_key_read(args->pem, args->jwk, err);
	return a->key == NULL ? -1 : check_old(a, err);
}

struct account_adopt *
account_adopt_start(struct accounts *accounts,
    const struct account_adopt_args *args, account_adopted_cb *done, void *arg)
{
	struct account_adopt *a = xcalloc(1, sizeof(*a));
	const struct conf_account *c = args->conf;

	a->accounts = accounts;
	a->conf = c;
	a->force = args->force;
	a->done = done;
	a->arg = arg;
	timer_init(&a->end, accounts->loop, end_cb, a);
	if (prepare(a, args, &a->err) == -1) {
		timer_set(&a->end, 0);
		return a;
	}
	a->acme = acme_new(accounts->loop, accounts->http, &(struct acme_args){
	    .directory = c->directory, .ca_file = c->ca_file,
	    .proxy = c->proxy, .key = a->key });
	a->op = acme_account_find_start(a->acme, found_cb, a);
	return a;
}
