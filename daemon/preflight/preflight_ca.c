/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/account_key.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/skew.h"
#include "daemon/acme/acme.h"
#include "daemon/acme/meta.h"
#include "daemon/config/directories.h"
#include "daemon/dns/zones.h"

void
pf_ca_free(struct pf_ca *ca)
{
	acme_meta_cancel(ca->op);
	account_cancel(ca->account_op);
	acme_cancel(ca->find);
	account_release(ca->pf->env->accounts, ca->used);
	strv_free(ca->identities);
	json_decref(ca->profiles);
	free(ca->terms);
	free(ca->kid);
	free(ca->methods);
	free(ca->lost_kid);
	TAILQ_REMOVE(&ca->pf->cas, ca, link);
	free(ca);
}

/* Is what the account needs on this machine there? */
static int
check_files(const struct pf_ca *ca, struct error *err)
{
	const struct conf_account *a = ca->account;
	EVP_PKEY *key;
	char *hmac_key;

	key = account_key_load(ca->pf->env->store, a, err);
	EVP_PKEY_free(key);
	if (key == NULL && strcmp(err->code, "store:no-key") != 0)
		return -1;
	if (a->eab_hmac_key_file == NULL)
		return 0;
	if (file_read_secret(a->eab_hmac_key_file, FILE_SECRET_MAX, &hmac_key,
	    err) == -1)
		return error_wrap(err, "eab_hmac_key_file");
	freezero_str(hmac_key);
	return 0;
}

static void
tell_registered(struct pf_check *c, const struct pf_ca *ca)
{
	const char *name = ca->account->name;
	const struct error *err = &ca->account_err;

	if (ca->err.kind != ERR_NONE)
		pf_tell(c, PF_WARN, NULL, "account \"%s\" is registered (%s), "
		    "but the CA could not be asked about it", name, ca->kid);
	else if (err->kind == ERR_NONE)
		pf_tell(c, PF_OK, NULL, "account \"%s\" is registered: %s",
		    name, ca->kid);
	else if (strcmp(err->code, "acme:accountDoesNotExist") == 0)
		pf_tell(c, PF_WARN, "nothing, unless CAA records name the old "
		    "account: the next renewal registers it anew", "the CA "
		    "does not know account \"%s\" (%s) any more", name,
		    ca->kid);
	else if (err->kind == ERR_TRANSIENT || err->kind == ERR_RATELIMIT)
		pf_tell(c, PF_WARN, "try again later", "account \"%s\" (%s): "
		    "%s", name, ca->kid, err->msg);
	else
		pf_tell(c, PF_FAIL, "ask the CA why, or use an account of "
		    "another name, which is registered anew", "account "
		    "\"%s\" (%s): %s", name, ca->kid, err->msg);
}

static void
tell_account(struct pf_check *c)
{
	const struct pf_ca *ca = c->ca;
	const struct conf_account *a = ca->account;
	struct error err;
	const char *page;
	char *fix = NULL;

	if (check_files(ca, &err) == -1) {
		pf_tell(c, PF_FAIL, "fix the file, or what acmed may read",
		    "account \"%s\": %s", a->name, err.msg);
	} else if (ca->kid != NULL) {
		tell_registered(c, ca);
	} else if (ca->err.kind != ERR_NONE) {
		pf_tell(c, PF_WARN, NULL, "account \"%s\" is not registered "
		    "yet; what the CA asks for is not known", a->name);
	} else if (ca->terms != NULL && !a->agree_tos) {
		fix = xasprintf("read them, and set agree_tos = true in "
		    "account \"%s\"", a->name);
		pf_tell(c, PF_FAIL, fix, "the CA wants you to agree to its "
		    "terms of service, %s", ca->terms);
	} else if (ca->eab_required && (a->eab_kid == NULL ||
	    a->eab_hmac_key_file == NULL) && !account_gets_eab(a)) {
		page = directory_eab_page(a->directory);
		fix = xasprintf("set eab_kid and eab_hmac_key_file, as the CA "
		    "gave them to you%s%s, in account \"%s\"", page != NULL ?
		    " at " : "", page != NULL ? page : "", a->name);
		pf_tell(c, PF_FAIL, fix, "the CA requires external "
		    "account binding");
	} else if (ca->lost_kid != NULL) {
		pf_tell(c, PF_WARN, "put the key back from a backup", "account "
		    "\"%s\" is registered as %s, but its key is lost; the "
		    "next renewal registers a new account", a->name,
		    ca->lost_kid);
	} else {
		pf_tell(c, PF_OK, NULL, "account \"%s\" is not registered "
		    "yet; the first renewal does it", a->name);
	}
	free(fix);
}

/* One more line about that CA. */
static struct pf_check *
add(struct pf_cert *pc, const struct pf_ca *ca, const char *what)
{
	struct pf_check *c = pf_check_add(pc, NULL, what, NULL);

	c->ca = ca;
	return c;
}

/* No line where the CA does not say what time it is. */
static void
tell_clock(struct pf_cert *pc, const struct pf_ca *ca)
{
	const struct cert *cert = certs_find(pc->pf->env->certs, pc->cc->name);
	char text[SKEW_TEXT_MAX];
	enum skew skew;

	if (cert == NULL || ca_clock_now(&ca->clock) == 0)
		return;
	skew = skew_judge(cert, &ca->clock, text);
	if (skew == SKEW_NONE)
		pf_tell(add(pc, ca, "clock"), PF_OK, NULL,
		    "this machine's clock and the CA's agree");
	else
		pf_tell(add(pc, ca, "clock"), skew ==
		    SKEW_STOPS ? PF_FAIL : PF_WARN, SKEW_FIX, "%s%s", text,
		    skew == SKEW_STOPS ? "; nothing is ordered" : "");
}

/* What the CA offers, in its own words, one line. */
static char *
offer_text(const json_t *profiles)
{
	char *text = xstrdup(""), *longer;
	const char *name, *words;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)profiles, name, value) {
		words = json_string_value(value);
		longer = xasprintf("%s%s%s%s%s%s", text, *text != '\0' ?
		    ", " : "", name, *words != '\0' ? " (" : "", words,
		    *words != '\0' ? ")" : "");
		free(text);
		text = longer;
	}
	return text;
}

/* No line where the CA offers no profiles, and none is wanted. */
static void
tell_profile(struct pf_cert *pc, const struct pf_ca *ca)
{
	const struct conf_issuer at = conf_issuer(pc->cc,
	    conf_issuer_index(pc->cc, ca->account->name));
	const json_t *offered = ca->profiles;
	char *text;

	if (ca->err.kind != ERR_NONE ||
	    (at.profile == NULL && json_object_size(offered) == 0))
		return;
	text = offer_text(offered);
	if (at.profile == NULL)
		pf_tell(add(pc, ca, "profile"), PF_OK, NULL,
		    "no profile is set: the CA's default; it offers %s", text);
	else if (json_object_get(offered, at.profile) != NULL)
		pf_tell(add(pc, ca, "profile"), PF_OK, NULL,
		    "the CA offers the profile \"%s\"; all that it offers: %s",
		    at.profile, text);
	else
		pf_tell(add(pc, ca, "profile"),
		    at.profile_required ? PF_FAIL : PF_WARN,
		    *text != '\0' ? "set profile to one of those" :
		    "remove profile", "the CA does not offer the profile "
		    "\"%s\"%s; it offers %s", at.profile,
		    at.profile_required ? ", and nothing is ordered without "
		    "it (profile_required)" : ": its default is ordered",
		    *text != '\0' ? text : "none");
	free(text);
}

/* Why TLS failed, where the certificate's dates are the reason. */
static bool
is_about_dates(const struct error *err)
{
	return strcmp(err->code, "http:tls") == 0 &&
	    (strstr(err->msg, "not yet valid") != NULL ||
	    strstr(err->msg, "expired") != NULL);
}

/* What no resolver has let it find is told of the resolvers. */
static bool
is_cut_off(const struct pf_cert *pc, const struct pf_ca *ca)
{
	const char *code = ca->err.code;

	return ca->err.kind != ERR_NONE && pf_is_cut_off(pc) &&
	    (strcmp(code, "http:resolve") == 0 ||
	    strcmp(code, "http:timeout") == 0);
}

static void
tell_ca(struct pf_cert *pc, const struct pf_ca *ca)
{
	const char *url = ca->account->directory;
	struct pf_check *c;
	char *fix;

	if (is_cut_off(pc, ca)) {
		pf_step(pc);
		return;
	}
	c = add(pc, ca, "directory");
	if (ca->err.kind == ERR_NONE) {
		pf_tell(c, PF_OK, NULL, "the CA answers: %s", url);
	} else {
		fix = xasprintf("%s; the same without acmed: curl -sS %s",
		    is_about_dates(&ca->err) ? "see that this machine's clock "
		    "is right (timedatectl; is NTP running?)" :
		    strcmp(ca->err.code, "http:tls") == 0 ? "if the CA is "
		    "your own, set ca_file in the account" :
		    strcmp(ca->err.code, "acme:directory") == 0 ? "set "
		    "directory in the account to the URL that the CA's "
		    "manual names, or to letsencrypt or letsencrypt-staging" :
		    "see that this machine reaches the CA", url);
		pf_tell(c, PF_FAIL, fix, "%s", ca->err.msg);
		free(fix);
	}
	tell_clock(pc, ca);
	tell_account(add(pc, ca, "account"));
	tell_profile(pc, ca);
	pf_step(pc);
}

void
pf_ca_go_on(struct pf_cert *pc)
{
	/* In the order of the configuration. */
	for (unsigned i = 0; i < conf_n_issuers(pc->cc) &&
	    pc->cas[i]->is_known && pf_reach_is_known(pc); i++) {
		if (pc->is_told[i])
			continue;
		pc->is_told[i] = true;
		tell_ca(pc, pc->cas[i]);
	}
}

/* Tell it to all that wait for it. */
static void
ca_known(struct pf_ca *ca)
{
	struct pf_cert *pc;

	ca->is_known = true;
	TAILQ_FOREACH(pc, &ca->pf->running, link) {
		for (unsigned i = 0; i < conf_n_issuers(pc->cc); i++) {
			if (pc->cas[i] == ca)
				pf_ca_go_on(pc);
		}
	}
}

static void
account_found(const struct error *err, const char *kid, void *arg)
{
	struct pf_ca *ca = arg;

	ca->find = NULL;
	if (acme_clock(ca->used->acme)->date != 0)
		ca->clock = *acme_clock(ca->used->acme);
	account_release(ca->pf->env->accounts, ca->used);
	ca->used = NULL;
	if (err != NULL)
		ca->account_err = *err;
	ca_known(ca);
}

static void
account_there(const struct error *err, struct account *account, void *arg)
{
	struct pf_ca *ca = arg;

	ca->account_op = NULL;
	if (err != NULL) {
		ca->account_err = *err;
		ca_known(ca);
		return;
	}
	ca->used = account;
	ca->find = acme_account_find_start(account->acme, account_found, ca);
}

static void
fetched(const struct error *err, const struct acme_meta *meta, void *arg)
{
	struct pf_ca *ca = arg;

	ca->op = NULL;
	if (err != NULL) {
		ca->err = *err;
	} else {
		ca->identities = strv_copy(meta->caa_identities);
		ca->terms = meta->terms != NULL ? xstrdup(meta->terms) : NULL;
		ca->eab_required = meta->eab_required;
		ca->profiles = json_deep_copy(meta->profiles);
		ca->clock = meta->clock;
	}
	/* Nothing is registered: the account's kid is known. */
	if (err == NULL && ca->kid != NULL)
		ca->account_op = account_start(ca->pf->env->accounts,
		    ca->account, account_there, ca);
	else
		ca_known(ca);
}

/* NULL: nothing is registered, or its key is lost and the next will be new. */
static char *
registered_kid(struct store *store, const struct conf_account *a)
{
	struct error ignored;
	EVP_PKEY *key = store_account_key(store, a->name, a->directory,
	    &ignored);

	if (key == NULL)
		return NULL;
	EVP_PKEY_free(key);
	return store_account_kid(store, a->name, a->directory);
}

static bool
uses(const struct conf_cert *cc, const struct conf_account *a)
{
	return conf_n_issuers(cc) > 0 && conf_issuer(cc, conf_issuer_index(
	    cc, a->name)).account == a;
}

/* A record narrower than this would stop another of its certificates. */
static char *
methods_of(const struct conf *conf, const struct conf_account *a)
{
	bool is_used[CHALLENGE_TYPE_END] = { false };
	char *all = xstrdup("");

	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct conf_cert *cc = conf->certs[i];

		for (size_t j = 0; uses(cc, a) && j < cc->n_names; j++)
			is_used[cc->names[j].challenge] = true;
	}
	/* What a record that stays is for, dns-01 can do in its place. */
	is_used[CHALLENGE_DNS_01] |= is_used[CHALLENGE_DNS_PERSIST_01];
	for (int t = 0; t < CHALLENGE_TYPE_END; t++) {
		char *longer;

		if (!is_used[t])
			continue;
		longer = xasprintf("%s%s%s", all, all[0] != '\0' ? "," : "",
		    challenge_type_name((enum challenge_type)t));
		free(all);
		all = longer;
	}
	return all;
}

static struct pf_ca *
ca_of(struct preflight *pf, const struct conf_account *a)
{
	struct acme_meta_args args = { .directory = a->directory,
	    .ca_file = a->ca_file, .proxy = a->proxy,
	    .timeout_ms = PREFLIGHT_TIMEOUT_MS };
	struct pf_ca *ca;

	TAILQ_FOREACH(ca, &pf->cas, link) {
		if (ca->account == a)
			return ca;
	}
	ca = xcalloc(1, sizeof(*ca));
	ca->pf = pf;
	ca->account = a;
	ca->kid = registered_kid(pf->env->store, a);
	ca->methods = methods_of(pf->conf, a);
	if (ca->kid == NULL)
		ca->lost_kid = store_account_kid(pf->env->store, a->name,
		    a->directory);
	TAILQ_INSERT_TAIL(&pf->cas, ca, link);
	ca->op = acme_meta_start(pf->env->ca_http, &args, fetched, ca);
	return ca;
}

void
pf_ca_start(struct pf_cert *pc)
{
	for (unsigned i = 0; i < conf_n_issuers(pc->cc); i++) {
		pc->cas[i] = ca_of(pc->pf, conf_issuer(pc->cc, i).account);
		pc->pending++;
	}
}
