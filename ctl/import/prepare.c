/* SPDX-License-Identifier: MIT */
#include "ctl/import/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/import/import.h"
#include "ctl/service.h"
#include "ctl/show.h"

enum { NAMES_TRIED = 20 };

/* What accounts at well-known CAs are called. */
static const struct {
	const char	*host, *name;
} cas[] = {
	{ "acme-v02.api.letsencrypt.org", "letsencrypt" },
	{ "acme-staging-v02.api.letsencrypt.org", "letsencrypt-staging" },
	{ "acme.zerossl.com", "zerossl" },
	{ "dv.acme-v02.api.pki.goog", "google" },
	{ "api.buypass.com", "buypass" },
	{ "acme.ssl.com", "sslcom" },
};

/* One request.  EXIT_OK and *reply, whatever its status; else it is told. */
static int
call(const struct options *o, const char *method, const char *path,
    const json_t *body, struct client_reply *reply)
{
	const struct client_request request = { .socket = o->socket,
	    .method = method, .path = path, .body = body };
	struct error err;

	if (client_call(&request, reply, &err) == 0)
		return EXIT_OK;
	say_error(err.msg);
	return ask_exit_code(&err);
}

json_t *
prepare_account(const struct import_account *a, bool check)
{
	json_t *key = a->pem != NULL ? json_string(a->pem) :
	    json_incref(a->jwk);
	json_t *body = json_pack("{s:s, s:s, s:o, s:b}", "account", a->name,
	    "directory", a->directory, "key", key, "check", check);

	if (body != NULL && a->kid != NULL)
		(void)json_object_set_new(body, "kid", json_string(a->kid));
	return body;
}

json_t *
prepare_cert(const struct import *plan, const struct import_cert *c,
    bool check)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:b}", "name", c->name,
	    "key", c->key_pem, "chain", c->chain_pem, "check", check);
	const char *directory = c->account != IMPORT_NONE ?
	    plan->accounts[c->account].directory : c->directory;

	if (body != NULL && directory != NULL)
		(void)json_object_set_new(body, "directory",
		    json_string(directory));
	if (body != NULL && c->profile != NULL)
		(void)json_object_set_new(body, "profile",
		    json_string(c->profile));
	return body;
}

/* --- certificates --- */

static void
take_facts(struct import_cert *c, json_t *facts)
{
	const char *state = jsonx_str(facts, "state");

	c->facts = json_incref(facts);
	c->is_there = jsonx_bool(facts, "configured", false);
	if (state == NULL || !c->is_there)
		return;
	if (strcmp(state, "same") == 0)
		import_skip(c, "it is in acmed's configuration already, with "
		    "this certificate");
	else if (strcmp(state, "renewed") == 0)
		import_skip(c, "it is in acmed's configuration already, and "
		    "acmed has renewed it since");
}

static int
prepare_one_cert(const struct options *o, struct import *plan,
    struct import_cert *c)
{
	struct client_reply reply;
	json_t *body;
	char *msg;
	int code;

	/* Ends of lines take two bytes. */
	if (strlen(c->key_pem) + strlen(c->chain_pem) >
	    API_BODY_MAX * 3 / 4) {
		import_skip(c, "key and chain are longer than acmed accepts");
		return EXIT_OK;
	}
	body = prepare_cert(plan, c, true);
	if (body == NULL) {
		import_skip(c, "its files are not UTF-8");
		return EXIT_OK;
	}
	code = call(o, "POST", API_PATH_IMPORT_CERT, body, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	if (reply.status == 403) {
		code = ask_refused(o, &reply);
	} else if (reply.status != 200) {
		msg = show_error(json_object_get(reply.body, "error"));
		import_skip(c, "%s", msg != NULL ? msg : "acmed refuses it");
		free(msg);
	} else {
		take_facts(c, reply.body);
	}
	client_reply_clear(&reply);
	return code;
}

/* --- accounts --- */

/* Does the daemon take it under this name?  *taken, and if not, why. */
static int
try_account(const struct options *o, struct import_account *a, bool *taken)
{
	json_t *body = prepare_account(a, true);
	struct client_reply reply;
	int code;

	*taken = false;
	free(a->refused);
	a->refused = NULL;
	if (body == NULL) {
		a->refused = xstrdup("its files are not UTF-8");
		return EXIT_OK;
	}
	code = call(o, "POST", API_PATH_IMPORT_ACCOUNT, body, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	if (reply.status == 403) {
		code = ask_refused(o, &reply);
	} else if (reply.status == 200) {
		*taken = true;
		a->key = show_str(reply.body, "key", "");
	} else {
		a->refused = show_error(json_object_get(reply.body, "error"));
		if (a->refused == NULL)
			a->refused = xstrdup("acmed refuses it");
	}
	client_reply_clear(&reply);
	return code;
}

static const char *
account_base(const struct import *plan, const struct import_account *a)
{
	const char *host = strstr(a->directory, "://");

	for (size_t i = 0; host != NULL && i < sizeof(cas) / sizeof(cas[0]);
	    i++) {
		size_t len = strlen(cas[i].host);

		if (strncmp(host + 3, cas[i].host, len) == 0 &&
		    (host[3 + len] == '/' || host[3 + len] == '\0'))
			return cas[i].name;
	}
	return plan->program;
}

/* The n-th name to try: "letsencrypt", "letsencrypt-certbot",
 * "letsencrypt-certbot-2", ... */
static char *
nth_name(const char *base, const char *program, size_t n)
{
	if (n == 0)
		return xstrdup(base);
	if (n == 1)
		return xasprintf("%s-%s", base, program);
	return xasprintf("%s-%s-%zu", base, program, n);
}

static bool
is_account_free(const struct import *plan, const char *name)
{
	if (jsonx_named(json_object_get(plan->config, "accounts"), name) !=
	    NULL)
		return false;
	for (size_t i = 0; i < plan->n_accounts; i++) {
		if (plan->accounts[i].name != NULL &&
		    strcmp(plan->accounts[i].name, name) == 0)
			return false;
	}
	return true;
}

/* acmed.conf may have an account at that CA which has no key yet, or this
 * one. */
static int
adopt_account(const struct options *o, struct import *plan,
    struct import_account *a, bool *taken)
{
	const json_t *one;
	size_t i;
	int code;

	*taken = false;
	json_array_foreach(json_object_get(plan->config, "accounts"), i, one) {
		const char *name = jsonx_str(one, "name"),
		    *directory = jsonx_str(one, "directory");

		if (name == NULL || directory == NULL ||
		    strcmp(directory, a->directory) != 0)
			continue;
		a->name = xstrdup(name);
		code = try_account(o, a, taken);
		if (code != EXIT_OK || *taken) {
			a->is_there = *taken;
			return code;
		}
		free(a->name);
		a->name = NULL;
	}
	return EXIT_OK;
}

static int
prepare_one_account(const struct options *o, struct import *plan,
    struct import_account *a)
{
	bool taken;
	int code = adopt_account(o, plan, a, &taken);

	for (size_t n = 0; code == EXIT_OK && !taken && n < NAMES_TRIED; n++) {
		char *name = nth_name(account_base(plan, a), plan->program,
		    n);

		if (is_account_free(plan, name)) {
			a->name = xstrdup(name);
			code = try_account(o, a, &taken);
			if (!taken) {
				free(a->name);
				a->name = NULL;
			}
		}
		free(name);
	}
	return code;
}

/*
 * A certificate whose account could not be had: any at its CA does, also one of
 * acmed.conf, and one is made if there is none.
 */
static void
replace_account(struct import *plan, struct import_cert *c)
{
	const char *said = c->account == IMPORT_NONE ? NULL :
	    plan->accounts[c->account].refused;
	struct import_account *a;
	const json_t *one;
	size_t n;

	if (said != NULL)
		import_note(plan, plan->accounts[c->account].from,
		    "the account is not imported, and another one is "
		    "registered when it is needed: %s", said);
	c->account = IMPORT_NONE;
	if (c->directory == NULL) {
		import_skip(c, "the address of the CA's directory is not "
		    "known: add --directory URL");
		return;
	}
	for (size_t i = 0; i < plan->n_accounts; i++) {
		a = &plan->accounts[i];
		if (a->name != NULL && strcmp(a->directory, c->directory) ==
		    0) {
			c->account = (int)i;
			a->is_used = true;
			return;
		}
	}
	a = import_add_account(plan);
	a->from = xstrdup(c->from);
	a->directory = xstrdup(c->directory);
	a->is_used = true;
	c->account = (int)plan->n_accounts - 1;
	json_array_foreach(json_object_get(plan->config, "accounts"), n, one) {
		const char *directory = jsonx_str(one, "directory"),
		    *name = jsonx_str(one, "name");

		if (directory != NULL && name != NULL &&
		    strcmp(directory, c->directory) == 0) {
			a->name = xstrdup(name);
			a->is_there = true;
			return;
		}
	}
	for (n = 0; a->name == NULL; n++) {
		char *name = nth_name(account_base(plan, a), plan->program,
		    n);

		if (is_account_free(plan, name))
			a->name = name;
		else
			free(name);
	}
}

/* --- providers --- */

static bool
is_provider_free(const struct import *plan, const char *name)
{
	if (jsonx_named(json_object_get(plan->config, "providers"), name) !=
	    NULL)
		return false;
	for (size_t i = 0; i < plan->n_providers; i++) {
		if (plan->providers[i].name != NULL &&
		    strcmp(plan->providers[i].name, name) == 0)
			return false;
	}
	return true;
}

static int
prepare_one_provider(const struct options *o, struct import *plan,
    struct import_provider *p)
{
	char *path = client_path(API_PATH_PROVIDER, p->type);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);

	free(path);
	if (code != EXIT_OK)
		return code;
	p->table = json_incref(reply.body);
	client_reply_clear(&reply);
	for (size_t n = 0; p->name == NULL; n++) {
		char *name = nth_name(p->type, plan->program, n);

		if (is_provider_free(plan, name))
			p->name = name;
		else
			free(name);
	}
	return EXIT_OK;
}

/* --provider NAME must be one of acmed.conf. */
static int
check_provider(const struct import *plan)
{
	char *msg;

	if (plan->provider == NULL || jsonx_named(json_object_get(plan->config,
	    "providers"), plan->provider) != NULL)
		return EXIT_OK;
	msg = xasprintf("--provider: acmed's configuration has no provider "
	    "\"%s\"", plan->provider);
	say_error(msg);
	free(msg);
	return EXIT_REFUSED;
}

/* What a person has to do for what will be written. */
static void
add_notes(struct import *plan)
{
	char *units = xstrdup(""), *longer;
	json_t *seen = json_object();
	bool needs_path = false;

	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];

		if (c->skipped != NULL || c->is_there)
			continue;
		needs_path |= c->n_deploys == 0 ||
		    c->deploys[0].step != IMPORT_INSTALL;
		for (size_t k = 0; k < c->n_deploys; k++) {
			const struct import_deploy *d = &c->deploys[k];

			if ((d->step != IMPORT_RELOAD &&
			    d->step != IMPORT_RESTART) ||
			    json_object_get(seen, d->text) != NULL)
				continue;
			(void)json_object_set_new(seen, d->text, json_true());
			longer = xasprintf("%s%s%s", units,
			    *units != '\0' ? ", " : "", d->text);
			free(units);
			units = longer;
		}
	}
	if (needs_path)
		import_note(plan, "", "your servers still read the files of "
		    "%s: let them read fullchain.pem and privkey.pem in "
		    "%s/live/NAME/ (grep -rn %s /etc finds the places)",
		    plan->program, jsonx_str(plan->config, "state_dir"),
		    plan->dir);
	if (*units != '\0' && !plan->allows_units)
		import_note(plan, "", "acmed needs a rule of polkit to reload "
		    "or restart %s: see DEPLOYING WITHOUT PRIVILEGES in "
		    "acmed(8)", units);
	if (plan->n_hooks > 0)
		import_note(plan, "", "%s must let acmed start "
		    "acmed-hook@.service, for the programs in root-hooks.d; "
		    "they run in a sandbox, and comments in that unit say how "
		    "to widen it", plan->allows_units ?
		    "a rule of polkit (acmed(8))" : "the same rule");
	if (plan->needs_http)
		import_note(plan, "", "acmed answers http-01 on port 80: "
		    "systemctl stop acmed; systemctl enable --now "
		    "acmed-http.socket; systemctl start acmed (port 80 must be "
		    "free)");
	json_decref(seen);
	free(units);
}

int
prepare(const struct options *o, struct import *plan)
{
	int code = service_configuration(o, &plan->config);
	const char *name;
	json_t *way;

	if (code != EXIT_OK)
		return code;
	code = check_provider(plan);
	for (size_t i = 0; code == EXIT_OK && i < plan->n_certs; i++) {
		if (plan->certs[i].skipped == NULL)
			code = prepare_one_cert(o, plan, &plan->certs[i]);
	}
	for (size_t i = 0; code == EXIT_OK && i < plan->n_certs; i++) {
		struct import_cert *c = &plan->certs[i];

		if (c->skipped != NULL || c->is_there)
			continue;
		if (c->account != IMPORT_NONE)
			plan->accounts[c->account].is_used = true;
		if (c->provider != IMPORT_NONE)
			plan->providers[c->provider].is_used = true;
		json_object_foreach(c->ways, name, way) {
			if (json_is_integer(way))
				plan->providers[json_integer_value(
				    way)].is_used = true;
		}
	}
	for (size_t i = 0; code == EXIT_OK && i < plan->n_accounts; i++) {
		if (plan->accounts[i].is_used)
			code = prepare_one_account(o, plan,
			    &plan->accounts[i]);
	}
	for (size_t i = 0; code == EXIT_OK && i < plan->n_certs; i++) {
		struct import_cert *c = &plan->certs[i];

		if (c->skipped == NULL && !c->is_there &&
		    (c->account == IMPORT_NONE ||
		    plan->accounts[c->account].name == NULL))
			replace_account(plan, c);
	}
	for (size_t i = 0; code == EXIT_OK && i < plan->n_providers; i++) {
		if (plan->providers[i].is_used)
			code = prepare_one_provider(o, plan,
			    &plan->providers[i]);
	}
	add_notes(plan);
	return code;
}
