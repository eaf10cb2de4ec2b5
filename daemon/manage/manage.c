/* SPDX-License-Identifier: MIT */
#include "daemon/manage/manage.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/account_adopt.h"
#include "daemon/accounts/accounts.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/config/conf.h"
#include "daemon/config/directories.h"
#include "daemon/io/loop.h"
#include "daemon/manage/reason.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"

struct manage_job {
	TAILQ_ENTRY(manage_job) link;
	struct manage_jobs *all;
	const struct manage_env *env;
	enum manage_act	 act;
	char		*name, *serial;
	int		 reason;
	bool		 by_key, in_use, tells;
	char		*ca_account, *ca_directory;	/* or NULL */
	bool		 is_new;	/* it is being registered */
	struct error	 err;		/* what manage_start() found */
	const struct conf *conf;	/* one reference */
	const struct conf_account *account;	/* in conf */
	struct store_version version;	/* to be revoked */
	char		 first[64];	/* the serial of the one of a pair that
					   is revoked, the version is of the
					   other; or "" */
	struct account_op *account_op;
	struct account	*used;		/* while the CA is asked */
	struct acme_op	*op;
	struct rollover	*rollover;
	struct account_adopt *adopt;
	struct timer	 begin;
	struct manage_job *leader;	/* asks the same: its end is ours */
	manage_done_cb	*done;
	void		*arg;
};

struct manage_jobs {
	const struct manage_env *env;
	bool		 is_stopping;
	manage_revoked_cb *revoked;	/* or NULL */
	void		*revoked_arg;
	TAILQ_HEAD(, manage_job) list;
};

/* Who waited for one that is gone asks by itself. */
static void
unlead(struct manage_job *j)
{
	struct manage_job *f;

	TAILQ_FOREACH(f, &j->all->list, link) {
		if (f->leader == j) {
			f->leader = NULL;
			timer_set(&f->begin, 0);
		}
	}
}

static void
job_free(struct manage_job *j)
{
	unlead(j);
	timer_clear(&j->begin);
	acme_cancel(j->op);
	account_rollover_cancel(j->rollover);
	account_adopt_cancel(j->adopt);
	account_cancel(j->account_op);
	account_release(j->env->accounts, j->used);
	store_version_clear(&j->version);
	TAILQ_REMOVE(&j->all->list, j, link);
	conf_unref(j->conf);
	free(j->name);
	free(j->serial);
	free(j->ca_account);
	free(j->ca_directory);
	free(j);
}

/* Who waits for it first, one after the other: a done may cancel the next. */
static void
job_end(struct manage_job *j, const struct error *err, const json_t *reply)
{
	struct manage_job *f;

	do {
		TAILQ_FOREACH(f, &j->all->list, link) {
			if (f->leader == j)
				break;
		}
		if (f != NULL) {
			f->leader = NULL;
			f->done(err, reply, f->arg);
			job_free(f);
		}
	} while (f != NULL);
	j->done(err, reply, j->arg);
	job_free(j);
}

/* --- revocation --- */

static void	revoke_other(struct manage_job *);

static void
revoked_cb(const struct error *err, void *arg)
{
	struct manage_job *j = arg;
	const char *told;
	json_t *reply;

	j->op = NULL;
	if (err != NULL) {
		if (!j->tells)
			event_emit(j->env->certs, j->name, STEP_COMMAND,
			    LOGL_WARNING, "certificate %s is not revoked: %s",
			    j->version.serial, err->msg);
		job_end(j, err, NULL);
		return;
	}
	event_emit(j->env->certs, j->name, STEP_COMMAND, LOGL_NOTICE,
	    "certificate %s is revoked, reason: %s", j->version.serial,
	    revoke_reason_name(j->reason));
	if (j->version.other[0] != '\0' && j->first[0] == '\0') {
		revoke_other(j);
		return;
	}
	told = j->first[0] != '\0' ? j->first : j->version.serial;
	if (j->all->revoked != NULL)
		j->all->revoked(j->name, told, j->all->revoked_arg);
	reply = json_pack("{s:s, s:s, s:s}", "certificate", j->name, "serial",
	    told, "reason", revoke_reason_name(j->reason));
	if (j->first[0] != '\0')
		(void)json_object_set_new(reply, "other",
		    json_string(j->version.serial));
	job_end(j, NULL, reply);
	json_decref(reply);
}

static void
revoke_send(struct manage_job *j)
{
	j->op = acme_revoke_start(j->used->acme, j->version.der,
	    j->version.der_len, j->reason, j->by_key ? j->version.key : NULL,
	    revoked_cb, j);
}

/* A pair goes as it came. */
static void
revoke_other(struct manage_job *j)
{
	char serial[sizeof(j->version.other)];
	struct error err;

	memcpy(serial, j->version.other, sizeof(serial));
	memcpy(j->first, j->version.serial, sizeof(j->first));
	store_version_clear(&j->version);
	if (store_version_read(j->env->store, j->name, serial, &j->version,
	    &err) == -1)
		job_end(j, &err, NULL);
	else
		revoke_send(j);
}

static void
first_open(const struct deploy_open *target, void *arg)
{
	const char **name = arg;

	if (*name == NULL)
		*name = target->name;
}

/* Neither the certificate nor its key may be what servers have. */
static int
check_replaced(struct manage_job *j, const struct cert *c, struct error *err)
{
	static const char *const folders[] = { NULL, "rsa", "ec" };
	const char *open = NULL;
	int rc = 0;

	if (j->in_use)
		return 0;
	if (strcmp(cert_serial(c), j->version.serial) == 0 ||
	    (j->version.other[0] != '\0' && strcmp(cert_serial(c),
	    j->version.other) == 0))
		return error_set(err, ERR_CONFIG, "manage:in-use",
		    "certificate %s is the installed one; renew \"%s\" first",
		    j->version.serial, j->name);
	rollout_open_each(c, first_open, &open);
	if (open != NULL)
		return error_set(err, ERR_CONFIG, "manage:in-use",
		    "certificate %s may still be served: target \"%s\" of "
		    "\"%s\" does not have its successor yet", j->version.serial,
		    open, j->name);
	for (size_t i = 0; rc == 0 && i < 3; i++) {
		EVP_PKEY *live = NULL;

		rc = store_live_public(j->env->store, j->name, folders[i],
		    &live, err);
		if (live != NULL && EVP_PKEY_eq(live, j->version.key) == 1)
			rc = error_set(err, ERR_CONFIG, "manage:in-use",
			    "the installed certificate of \"%s\" still has "
			    "the key of %s (%s)", j->name, j->version.serial,
			    j->version.has_key ? "reuse_key" : "csr: have a "
			    "request made with a new key");
		EVP_PKEY_free(live);
	}
	return rc;
}

static bool
has_account(const struct conf_cert *cc, const struct conf_account *a)
{
	for (unsigned i = 0; i < conf_n_issuers(cc); i++) {
		if (conf_issuer(cc, i).account == a)
			return true;
	}
	return false;
}

/*
 * The account that it came from: of that name at that CA.  Failing that one of
 * the certificate's own there, which may have validated its names as well (RFC
 * 8555 section 7.6); a revocation signed with the certificate's key may go
 * through any.
 */
static int
find_issuer(struct manage_job *j, const struct conf_cert *cc,
    const char *directory, const char *name, struct error *err)
{
	const struct conf_account *other = NULL;

	for (size_t i = 0; i < j->conf->n_accounts; i++) {
		const struct conf_account *a = j->conf->accounts[i];

		if (!directory_same(a->directory, directory))
			continue;
		if (name != NULL && strcmp(a->name, name) == 0) {
			j->account = a;
			return 0;
		}
		if (j->by_key || (cc != NULL && has_account(cc, a)))
			other = a;
	}
	j->account = other;
	if (other != NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "manage:other-ca", "certificate %s "
	    "is of account \"%s\" at %s, which is not configured any more: "
	    "write it back into acmed.conf%s%s", j->version.serial,
	    name != NULL ? name : "?", directory, j->tells ?
	    ", or give this up: acmectl revoke --cancel " : "", j->tells ?
	    j->name : "");
}

/* Of a version that does not say who issued it. */
static int
guess_issuer(struct manage_job *j, const struct cert *c,
    const struct conf_cert *cc, struct error *err)
{
	bool is_installed = strcmp(j->version.serial, cert_serial(c)) == 0;

	j->account = cc->account;
	if (is_installed && issuer_account(c) != NULL)
		j->account = issuer_account(c);
	if (is_installed && issuer_is_other(c))
		return error_set(err, ERR_CONFIG, "manage:other-ca",
		    "certificate %s was issued by another CA than account "
		    "\"%s\" is of", j->version.serial, j->account->name);
	return 0;
}

static int
revoke_prepare(struct manage_job *j, struct error *err)
{
	const struct cert *c = certs_find(j->env->certs, j->name);
	const struct conf_cert *cc = conf_find_cert(j->conf, j->name);
	const struct cert_ca *ca = &j->version.ca;
	int rc;

	if (c == NULL || (cc == NULL && j->ca_directory == NULL))
		return error_set(err, ERR_CONFIG, "engine:unknown-cert",
		    "there is no certificate \"%s\" in the configuration",
		    j->name);
	if (store_version_read(j->env->store, j->name, j->serial != NULL ?
	    j->serial : cert_serial(c), &j->version, err) == -1)
		return -1;
	if (j->by_key && !j->version.has_key)
		return error_set(err, ERR_CONFIG, "csr:key", "the key of "
		    "certificate %s is not on this machine; allowed: by the "
		    "account's key", j->version.serial);
	if (ca->directory != NULL)
		rc = find_issuer(j, cc, ca->directory, ca->account, err);
	else if (j->ca_directory != NULL)
		rc = find_issuer(j, cc, j->ca_directory, j->ca_account, err);
	else if (cc->account == NULL)
		rc = error_set(err, ERR_CONFIG, "manage:other-ca", cc->given !=
		    NULL ? "acmed did not have certificate %s of \"%s\" "
		    "issued; revoke it where it was" : "certificate %s of "
		    "\"%s\" is fetched from where another host publishes it; "
		    "revoke it there", j->version.serial, j->name);
	else
		rc = guess_issuer(j, c, cc, err);
	return rc == -1 ? -1 : check_replaced(j, c, err);
}

/* --- accounts --- */

static int
account_find(struct manage_job *j, struct error *err)
{
	for (size_t i = 0; i < j->conf->n_accounts; i++) {
		if (strcmp(j->conf->accounts[i]->name, j->name) == 0)
			j->account = j->conf->accounts[i];
	}
	if (j->account == NULL)
		return error_set(err, ERR_CONFIG, "manage:unknown-account",
		    "there is no account \"%s\" in the configuration",
		    j->name);
	if (j->conf->cluster != NULL && j->conf->cluster->role ==
	    CLUSTER_SERVE)
		return error_set(err, ERR_CONFIG, "manage:only-serves",
		    "this member of the cluster only serves: the key of "
		    "account \"%s\" is where certificates are renewed; see "
		    "acmectl cluster status", j->name);
	return 0;
}

static int
account_prepare(struct manage_job *j, struct error *err)
{
	size_t users = 0;
	char *kid;

	if (account_find(j, err) == -1)
		return -1;
	kid = store_account_kid(j->env->store, j->account->name,
	    j->account->directory);
	j->is_new = kid == NULL;
	free(kid);
	if (j->is_new && j->act != MANAGE_REGISTER)
		return error_set(err, ERR_CONFIG, "manage:not-registered",
		    "account \"%s\" is not registered yet; the first renewal "
		    "does it, or: acmectl account register %s", j->name,
		    j->name);
	for (size_t i = 0; i < j->conf->n_certs; i++)
		users += has_account(j->conf->certs[i], j->account);
	if (j->act == MANAGE_DEACTIVATE && users > 0)
		return error_set(err, ERR_CONFIG, "manage:used",
		    "%zu certificate%s %s account \"%s\"; give them another "
		    "account first", users, users == 1 ? "" : "s",
		    users == 1 ? "has the" : "have the", j->name);
	return 0;
}

static json_t *
account_json(const struct manage_job *j, const char *status,
    const json_t *contact)
{
	char *kid = store_account_kid(j->env->store, j->account->name,
	    j->account->directory);
	const json_t *profiles = j->used != NULL && (j->act == MANAGE_SHOW ||
	    j->act == MANAGE_REGISTER) ? acme_profiles(j->used->acme) : NULL;
	json_t *o = json_pack("{s:s, s:s, s:s?, s:s, s:O?, s:O?}", "name",
	    j->name, "directory", j->account->directory, "url", kid,
	    "status", status, "contact", contact, "profiles", profiles);

	free(kid);
	return o;
}

static void
shown_cb(const struct error *err, const json_t *object, void *arg)
{
	struct manage_job *j = arg;
	const char *status = json_string_value(json_object_get(object,
	    "status"));
	json_t *reply;

	j->op = NULL;
	if (err != NULL) {
		job_end(j, err, NULL);
		return;
	}
	reply = account_json(j, status != NULL ? status : "?",
	    json_object_get(object, "contact"));
	if (j->act == MANAGE_REGISTER)
		(void)json_object_set_new(reply, "new",
		    json_boolean(j->is_new));
	job_end(j, NULL, reply);
	json_decref(reply);
}

static void
changed_cb(const struct error *err, void *arg)
{
	struct manage_job *j = arg;
	bool is_end = j->act == MANAGE_DEACTIVATE;
	json_t *reply;

	j->op = NULL;
	if (err != NULL) {
		job_end(j, err, NULL);
		return;
	}
	if (is_end)
		log_notice(NULL, "account \"%s\" (%s) is deactivated",
		    j->name, j->used->kid);
	reply = account_json(j, is_end ? "deactivated" : "valid", NULL);
	job_end(j, NULL, reply);
	json_decref(reply);
}

/* The account has another key. */
static void
changed(struct manage_job *j, const struct error *err)
{
	json_t *reply = err == NULL ? account_json(j, "valid", NULL) : NULL;

	job_end(j, err, reply);
	json_decref(reply);
}

static void
rolled_cb(const struct error *err, void *arg)
{
	struct manage_job *j = arg;

	j->rollover = NULL;
	changed(j, err);
}

static void
adopted_cb(const struct error *err, void *arg)
{
	struct manage_job *j = arg;

	j->adopt = NULL;
	changed(j, err);
}

/* --- both --- */

static void
account_cb(const struct error *err, struct account *account, void *arg)
{
	struct manage_job *j = arg;
	struct acme *acme;

	j->account_op = NULL;
	if (err != NULL) {
		job_end(j, err, NULL);
		return;
	}
	j->used = account;
	acme = account->acme;
	switch (j->act) {
	case MANAGE_REVOKE:
		revoke_send(j);
		break;
	case MANAGE_SHOW:
	case MANAGE_REGISTER:
		j->op = acme_account_get_start(acme, shown_cb, j);
		break;
	case MANAGE_UPDATE:
		j->op = acme_account_update_start(acme, changed_cb, j);
		break;
	case MANAGE_DEACTIVATE:
		j->op = acme_account_deactivate_start(acme, changed_cb, j);
		break;
	case MANAGE_ROLLOVER:
	case MANAGE_ADOPT:
	case MANAGE_ACT_END:
		abort();
	}
}

/* One that asks the CA the same already, which j then waits for. */
static bool
follow(struct manage_job *j)
{
	struct manage_job *o;

	if (j->act != MANAGE_REVOKE)
		return false;
	TAILQ_FOREACH(o, &j->all->list, link) {
		if (o != j && o->act == MANAGE_REVOKE && o->leader == NULL &&
		    o->version.der != NULL && strcmp(o->name, j->name) == 0 &&
		    j->serial != NULL && o->by_key == j->by_key &&
		    o->reason == j->reason &&
		    strcmp(o->version.serial, j->serial) == 0) {
			j->leader = o;
			return true;
		}
	}
	return false;
}

static void
begin_cb(void *arg)
{
	struct manage_job *j = arg;
	struct error err;
	int rc;

	if (follow(j))
		return;
	if (j->err.kind != ERR_NONE) {
		err = j->err;
		rc = -1;
	} else if (j->all->is_stopping)
		rc = error_set(&err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
	else if (j->act == MANAGE_REVOKE)
		rc = revoke_prepare(j, &err);
	else
		rc = account_prepare(j, &err);
	if (rc == -1)
		job_end(j, &err, NULL);
	else if (j->act == MANAGE_ROLLOVER)
		j->rollover = account_rollover_start(j->env->accounts,
		    j->account, rolled_cb, j);
	else
		j->account_op = account_start(j->env->accounts, j->account,
		    account_cb, j);
}

struct manage_job *
manage_start(struct manage_jobs *all, const struct manage_args *a,
    manage_done_cb *done, void *arg)
{
	struct manage_job *j = xcalloc(1, sizeof(*j));

	j->all = all;
	j->env = all->env;
	j->act = a->act;
	j->name = xstrdup(a->name);
	j->serial = a->serial != NULL ? xstrdup(a->serial) : NULL;
	j->reason = a->reason;
	j->by_key = a->by_key;
	j->in_use = a->in_use;
	j->tells = a->tells;
	if (a->account != NULL && a->ca_directory != NULL) {
		j->ca_account = xstrdup(a->account);
		j->ca_directory = xstrdup(a->ca_directory);
	}
	j->conf = conf_ref(all->env->certs->conf);
	j->done = done;
	j->arg = arg;
	TAILQ_INSERT_TAIL(&all->list, j, link);
	timer_init(&j->begin, all->env->loop, begin_cb, j);
	if (a->act != MANAGE_ADOPT || all->is_stopping ||
	    account_find(j, &j->err) == -1)
		timer_set(&j->begin, 0);
	else
		j->adopt = account_adopt_start(all->env->accounts,
		    &(struct account_adopt_args){ .conf = j->account,
		    .pem = a->pem, .jwk = a->jwk, .directory = a->directory,
		    .force = a->force }, adopted_cb, j);
	return j;
}

void
manage_cancel(struct manage_job *j)
{
	if (j != NULL)
		job_free(j);
}

void
manage_jobs_stop(struct manage_jobs *all)
{
	struct manage_job *j;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping");
	all->is_stopping = true;
	while ((j = TAILQ_FIRST(&all->list)) != NULL)
		job_end(j, &err, NULL);
}

void
manage_jobs_tell(struct manage_jobs *all, manage_revoked_cb *revoked,
    void *arg)
{
	all->revoked = revoked;
	all->revoked_arg = arg;
}

struct manage_jobs *
manage_jobs_new(const struct manage_env *env)
{
	struct manage_jobs *all = xcalloc(1, sizeof(*all));

	all->env = env;
	TAILQ_INIT(&all->list);
	return all;
}

void
manage_jobs_free(struct manage_jobs *all)
{
	if (all == NULL)
		return;
	manage_jobs_stop(all);
	free(all);
}
