/* SPDX-License-Identifier: MIT */
/*
 * Another key for an account (RFC 8555 section 7.3.5).  The new key is on disk,
 * beside the old one, before the CA is asked; whoever finds it there later asks
 * the CA which of the two it has.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/accounts_priv.h"
#include "daemon/accounts/share.h"
#include "daemon/acme/acme.h"
#include "daemon/config/conf.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

struct rollover {
	struct accounts	*accounts;
	const struct conf_account *conf;
	struct account_op *account_op;
	struct account	*used;		/* a reference, or NULL */
	struct keygen_op *keygen;
	void		*keeping;	/* of its share, or NULL */
	const struct account_share *share;
	struct acme_op	*op;
	struct timer	 end;		/* acme/'s operation is over then */
	struct error	 err;		/* kind ERR_NONE: it went well */
	void		(*done)(const struct error *, void *);
	void		*arg;
};

static bool
is_of(const struct entry *e, const struct conf_account *conf)
{
	return strcmp(e->name, conf->name) == 0 &&
	    strcmp(e->directory, conf->directory) == 0;
}

/* --- after a change whose end was not seen --- */

void
entry_unsettle(struct entry *e)
{
	acme_cancel(e->probe_op);
	acme_free(e->probe);
	EVP_PKEY_free(e->next);
	e->probe_op = NULL;
	e->probe = NULL;
	e->next = NULL;
}

/* The CA does, or does not, know the next key. */
static void
probed_cb(const struct error *err, const char *kid, void *arg)
{
	struct entry *e = arg;
	/* Nobody else has ever had that key, whatever its URL is now. */
	bool is_next = err == NULL;
	struct error failed;

	e->probe_op = NULL;
	if (is_next && store_account_next_take(e->store, e->name,
	    e->directory, &failed) == -1) {
		entry_wake(e, &failed);
		return;
	}
	if (err != NULL && strcmp(err->code, "acme:accountDoesNotExist") !=
	    0) {
		entry_wake(e, err);
		return;
	}
	if (is_next) {
		log_notice(NULL, "account \"%s\": the CA has its new key "
		    "already", e->name);
		EVP_PKEY_free(e->key);
		e->key = e->next;
		e->next = NULL;
	} else {
		log_notice(NULL, "account \"%s\": the CA has its old key "
		    "still; the new one is dropped", e->name);
		store_account_next_drop(e->store, e->name, e->directory);
	}
	e->is_settled = true;
	entry_wake(e, NULL);
}

bool
entry_settle(struct accounts *a, struct entry *e,
    const struct conf_account *conf, struct error *err)
{
	const struct entry *other;
	struct acme_args args;

	entry_unsettle(e);
	if (e->is_settled)
		return false;
	/* One that came with a reload in the middle of it: forget() ends it. */
	TAILQ_FOREACH(other, &a->entries, link)
		e->is_changing |= is_of(other, conf) && other->is_changing;
	if (e->is_changing)
		return true;
	if (store_account_next(e->store, e->name, e->directory, &e->next,
	    err) == -1)
		log_warning(NULL, "account \"%s\": %s; its old key is used",
		    e->name, err->msg);
	if (e->next == NULL) {
		e->is_settled = true;
		return false;
	}
	args = (struct acme_args){ .directory = conf->directory,
	    .ca_file = conf->ca_file, .proxy = conf->proxy, .key = e->next,
	    .tally = account_tally(a, conf) };
	e->probe = acme_new(a->loop, a->http, &args);
	e->probe_op = acme_account_find_start(e->probe, probed_cb, e);
	return true;
}

/* --- a change --- */

/* Another configuration of the same account counts, too. */
static bool
is_used(const struct rollover *r)
{
	const struct entry *e;
	unsigned refs = 0;

	TAILQ_FOREACH(e, &r->accounts->entries, link) {
		if (is_of(e, r->conf))
			refs += e->refs;
	}
	return refs > 1;
}

/* What anybody has of the account is read again. */
static void
forget(struct rollover *r)
{
	struct entry *e;

	TAILQ_FOREACH(e, &r->accounts->entries, link) {
		if (!is_of(e, r->conf))
			continue;
		entry_close(r->accounts, e);
		e->is_settled = false;
		e->is_changing = false;
		entry_wake(e, NULL);
	}
}

static void
rollover_free(struct rollover *r)
{
	timer_clear(&r->end);
	account_cancel(r->account_op);
	keygen_cancel(r->keygen);
	if (r->keeping != NULL)
		r->share->cancel(r->keeping, r->share->arg);
	acme_cancel(r->op);
	if (r->used != NULL && ((struct entry *)r->used)->is_changing)
		forget(r);
	account_release(r->accounts, r->used);
	free(r);
}

static void
end_cb(void *arg)
{
	struct rollover *r = arg;

	if (r->op == NULL && r->err.kind == ERR_NONE &&
	    store_account_next_take(r->accounts->store, r->conf->name,
	    r->conf->directory, &r->err) == 0)
		log_notice(NULL, "account \"%s\" has a new key", r->conf->name);
	/* done may free the configuration that r->conf is in. */
	if (r->used != NULL && ((struct entry *)r->used)->is_changing)
		forget(r);
	r->done(r->err.kind != ERR_NONE ? &r->err : NULL, r->arg);
	rollover_free(r);
}

static void
end(struct rollover *r, const struct error *err)
{
	r->err = *err;
	timer_set(&r->end, 0);
}

static void
changed_cb(const struct error *err, void *arg)
{
	struct rollover *r = arg;

	r->op = NULL;
	/* A refusal may be that of a second try, after a first whose yes was
	   lost: the account's next use asks which key the CA has. */
	if (err != NULL)
		r->err = *err;
	timer_set(&r->end, 0);
}

/* Every daemon that uses the account knows the next key. */
static void
kept_cb(const struct error *err, enum account_agreed what, void *arg)
{
	struct rollover *r = arg;
	EVP_PKEY *key = NULL;
	struct error failed;

	(void)what;
	r->keeping = NULL;
	if (err == NULL && store_account_next(r->accounts->store,
	    r->conf->name, r->conf->directory, &key, &failed) == -1)
		err = &failed;
	if (err == NULL && key == NULL) {
		(void)error_set(&failed, ERR_TRANSIENT, "account:busy",
		    "another member of the cluster changes the key of account "
		    "\"%s\"", r->conf->name);
		err = &failed;
	}
	if (err != NULL)
		end(r, err);
	else
		r->op = acme_key_change_start(r->used->acme, key, changed_cb,
		    r);
	EVP_PKEY_free(key);
}

static void
made_cb(const struct error *err, EVP_PKEY *key, void *arg)
{
	struct rollover *r = arg;
	const struct account_share *share = r->accounts->share;
	struct error failed;

	r->keygen = NULL;
	r->share = share;
	if (err == NULL && store_account_next_put(r->accounts->store,
	    r->conf->name, r->conf->directory, key, &failed) == -1)
		err = &failed;
	if (err != NULL)
		end(r, err);
	else if (share != NULL)
		r->keeping = share->keep(r->conf->name, r->conf->directory,
		    kept_cb, r, share->arg);
	else
		r->op = acme_key_change_start(r->used->acme, key, changed_cb,
		    r);
}

static void
opened_cb(const struct error *err, struct account *account, void *arg)
{
	struct rollover *r = arg;
	struct error busy;
	struct entry *e;

	r->account_op = NULL;
	if (err != NULL) {
		end(r, err);
		return;
	}
	r->used = account;
	if (is_used(r)) {
		(void)error_set(&busy, ERR_TRANSIENT, "account:busy",
		    "account \"%s\" is being used; try again when no renewal "
		    "is under way", r->conf->name);
		end(r, &busy);
		return;
	}
	TAILQ_FOREACH(e, &r->accounts->entries, link) {
		if (is_of(e, r->conf))
			e->is_changing = true;
	}
	r->keygen = keygen_start(r->accounts->loop, r->accounts->children,
	    r->conf->key, made_cb, r);
}

struct rollover *
account_rollover_start(struct accounts *a, const struct conf_account *conf,
    void (*done)(const struct error *, void *), void *arg)
{
	struct rollover *r = xcalloc(1, sizeof(*r));

	r->accounts = a;
	r->conf = conf;
	r->done = done;
	r->arg = arg;
	timer_init(&r->end, a->loop, end_cb, r);
	r->account_op = account_start(a, conf, opened_cb, r);
	return r;
}

void
account_rollover_cancel(struct rollover *r)
{
	if (r != NULL)
		rollover_free(r);
}
