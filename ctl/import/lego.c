/* SPDX-License-Identifier: MIT */
/*
 * lego - .lego, as versions 4 and 5 write it:
 *
 *   accounts/HOST/ID/account.json     and ID.key, in keys/ before 5
 *   certificates/NAME.{json,key,crt}  the chain is in .crt
 *
 * How names are proved, and what is run afterwards, stands nowhere: it was
 * given on the command line and in the environment.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/import/common.h"
#include "ctl/import/given.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/source.h"

#define ACCOUNTS_MAX 100

struct lego {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*env;	/* lego's environment */
};

/* --- accounts --- */

static void
read_account(struct lego *b, const char *host, const char *id)
{
	char *path = xasprintf("accounts/%s/%s/account.json", host, id), *key,
	    *directory, *text;
	const char *kid, *contact;
	struct import_account *a;
	struct error err;
	json_t *j = source_json(&b->s, path, &err);

	directory = j == NULL ? NULL : jsonx_str(j, "server") != NULL ?
	    xstrdup(jsonx_str(j, "server")) :
	    given_directory(b->args, host);
	key = xasprintf("accounts/%s/%s/%s.key", host, id, id);
	if (!source_has(&b->s, key)) {
		free(key);
		key = xasprintf("accounts/%s/%s/keys/%s.key", host, id, id);
	}
	text = j == NULL ? NULL : source_read(&b->s, key, &err);
	if (text == NULL || directory == NULL) {
		import_note(b->plan, path, "the account is not imported: %s",
		    text == NULL ? err.msg : "lego does not store the address "
		    "of the CA's directory; add --directory URL");
		freezero_str(text);
	} else {
		a = import_add_account(b->plan);
		a->from = xstrdup(path);
		a->directory = xstrdup(directory);
		a->pem = text;
		kid = jsonx_str(j, "registration.accountURL");
		if (kid == NULL)
			kid = jsonx_str(j, "registration.uri");
		if (kid != NULL)
			a->kid = xstrdup(kid);
		contact = jsonx_str(j, "email");
		if (contact != NULL && strchr(contact, '@') != NULL)
			a->contact = xasprintf("mailto:%s", contact);
	}
	free(directory);
	free(key);
	free(path);
	json_decref(j);
}

static void
read_accounts(struct lego *b)
{
	struct error ignored;
	char **hosts = source_list(&b->s, "accounts", "", ACCOUNTS_MAX,
	    &ignored);

	for (char **h = hosts; h != NULL && *h != NULL; h++) {
		char *dir = xasprintf("accounts/%s", *h);
		char **ids = source_list(&b->s, dir, "", ACCOUNTS_MAX,
		    &ignored);

		for (char **p = ids; p != NULL && *p != NULL; p++)
			read_account(b, *h, *p);
		source_list_free(ids);
		free(dir);
	}
	source_list_free(hosts);
}

/* The account at the CA that a certificate came from. */
static int
account_for(const struct lego *b, const char *cert_url)
{
	char *host = given_host(cert_url);
	int found = IMPORT_NONE;

	for (size_t i = 0; i < b->plan->n_accounts; i++) {
		char *other = given_host(b->plan->accounts[i].directory);

		if (strcmp(other, host) == 0)
			found = (int)i;
		free(other);
	}
	free(host);
	return found;
}

/* --- certificates --- */

static void
read_cert(struct lego *b, const char *file)
{
	char *stem = xstrndup(file, strlen(file) - strlen(".json")), *path,
	    *key, *chain, *name;
	struct import_cert *c;
	struct error err;
	const char *url;
	json_t *j;

	name = common_name(b->plan, strncmp(stem, "_.", 2) == 0 ? stem + 2 :
	    stem, strncmp(stem, "_.", 2) == 0, NULL);
	c = import_add_cert(b->plan, name);
	free(name);
	path = xasprintf("certificates/%s", file);
	key = xasprintf("certificates/%s.key", stem);
	chain = xasprintf("certificates/%s.crt", stem);
	c->from = source_path(&b->s, path);
	j = source_json(&b->s, path, &err);
	if (j == NULL || object_name_check(c->name, &err) == -1)
		import_skip(c, "%s", err.msg);
	else
		common_files(c, &b->s, key, chain);
	url = jsonx_str(j, "certUrl");
	if (c->skipped == NULL && url != NULL)
		c->account = account_for(b, url);
	if (c->account != IMPORT_NONE)
		c->directory = xstrdup(
		    b->plan->accounts[c->account].directory);
	if (c->skipped == NULL)
		given_challenge(b->plan, c, &b->s, b->args, b->env);
	json_decref(j);
	free(chain);
	free(key);
	free(path);
	free(stem);
}

int
read_lego(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct lego b = { .plan = plan, .args = args };
	char **files = NULL;

	if (source_open(&b.s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(b.s.dir);
	b.env = given_env(args, err);
	if (b.env != NULL)
		files = source_list(&b.s, "certificates", ".json",
		    IMPORT_CERTS_MAX, err);
	if (files != NULL && files[0] != NULL)
		read_accounts(&b);
	else if (files != NULL)
		(void)error_set(err, ERR_CONFIG, "import:source",
		    "%s: no certificates of lego found "
		    "(certificates/*.json)", b.s.dir);
	for (char **p = files; p != NULL && *p != NULL; p++)
		read_cert(&b, *p);
	if (plan->n_certs > 0)
		import_note(plan, "", "lego does not store what runs with a "
		    "new certificate (--run-hook, --renew-hook, "
		    "--deploy-hook): add a \"deploy\" section to the files in "
		    "conf.d/, and disable what runs lego, such as a line in a "
		    "crontab");
	source_list_free(files);
	json_decref(b.env);
	source_close(&b.s);
	return plan->n_certs > 0 ? 0 : -1;
}
