/* SPDX-License-Identifier: MIT */
/*
 * caddy - its storage, /var/lib/caddy/.local/share/caddy:
 *
 *   acme/CA/users/ID/NAME.{json,key}  an account
 *   certificates/CA/DOMAIN/DOMAIN.{crt,key,json}
 *
 * CA is the directory's URL with "-" for "/".  How names are proved stands in
 * the Caddyfile, and is Caddy's own doing mostly.
 */
#include <stdbool.h>
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

#define WILD "wildcard_."
#define CAS_MAX 100

struct caddy {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*env;
};

/* The accounts of one CA, with that directory. */
static void
read_accounts(struct caddy *b, const char *ca, const char *directory)
{
	char *dir = xasprintf("acme/%s/users", ca);
	struct error err;
	char **ids = source_list(&b->s, dir, "", CAS_MAX, &err);

	for (char **id = ids; id != NULL && *id != NULL; id++) {
		char *user = xasprintf("%s/%s", dir, *id);
		char **keys = source_list(&b->s, user, ".key", CAS_MAX, &err);

		for (char **k = keys; k != NULL && *k != NULL; k++) {
			/* Without a mail address: these names. */
			bool is_default = strcmp(*k, "private.key") == 0;
			char *path = xasprintf("%s/%s", user, *k), *text,
			    *json = is_default ?
			    xasprintf("%s/registration.json", user) :
			    xasprintf("%s/%.*s.json", user,
			    (int)(strlen(*k) - strlen(".key")), *k);
			json_t *j = source_json(&b->s, json, &err);
			struct import_account *a;

			text = source_read(&b->s, path, &err);
			if (text == NULL) {
				import_note(b->plan, path, "the account is "
				    "not imported: %s", err.msg);
			} else {
				a = import_add_account(b->plan);
				a->from = xstrdup(path);
				a->directory = xstrdup(directory);
				a->pem = text;
				if (jsonx_str(j, "location") != NULL)
					a->kid = xstrdup(jsonx_str(j,
					    "location"));
				if (jsonx_str(j, "contact.0") != NULL)
					a->contact = xstrdup(jsonx_str(j,
					    "contact.0"));
			}
			json_decref(j);
			free(json);
			free(path);
		}
		source_list_free(keys);
		free(user);
	}
	source_list_free(ids);
	free(dir);
}

/* The index of an account at that directory, read if it was not. */
static int
account_at(struct caddy *b, const char *ca, const char *directory)
{
	for (int tries = 0; tries < 2; tries++) {
		for (size_t i = 0; i < b->plan->n_accounts; i++) {
			if (strcmp(b->plan->accounts[i].directory,
			    directory) == 0)
				return (int)i;
		}
		if (tries == 0)
			read_accounts(b, ca, directory);
	}
	return IMPORT_NONE;
}

/* The CA's directory; before version 2.8 only the certificate's URL tells.  The
 * caller frees; NULL: not known. */
static char *
directory_of(const struct caddy *b, const json_t *j)
{
	const char *said = jsonx_str(j, "issuer_data.ca"),
	    *url = jsonx_str(j, "issuer_data.url");
	char *host, *directory;

	if (said != NULL)
		return xstrdup(said);
	host = given_host(url != NULL ? url : "");
	directory = given_directory(b->args, host);
	free(host);
	return directory;
}

static void
read_cert(struct caddy *b, const char *ca, const char *domain)
{
	size_t skip = strncmp(domain, WILD, strlen(WILD)) == 0 ?
	    strlen(WILD) : 0;
	char *stem = xasprintf("certificates/%s/%s/%s", ca, domain, domain),
	    *key = xasprintf("%s.key", stem), *name,
	    *chain = xasprintf("%s.crt", stem),
	    *json = xasprintf("%s.json", stem);
	struct import_cert *c;
	struct error err;
	json_t *j;

	name = common_name(b->plan, domain + skip, skip > 0, NULL);
	c = import_add_cert(b->plan, name);
	free(name);
	c->from = source_path(&b->s, chain);
	if (object_name_check(c->name, &err) == -1)
		import_skip(c, "%s", err.msg);
	else
		common_files(c, &b->s, key, chain);
	j = source_json(&b->s, json, &err);
	c->directory = directory_of(b, j);
	if (c->directory != NULL)
		c->account = account_at(b, ca, c->directory);
	if (c->skipped == NULL)
		given_challenge(b->plan, c, &b->s, b->args, b->env);
	json_decref(j);
	free(json);
	free(chain);
	free(key);
	free(stem);
}

int
read_caddy(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct caddy b = { .plan = plan, .args = args };
	struct error ignored;
	char **cas;

	if (source_open(&b.s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(b.s.dir);
	b.env = given_env(args, err);
	cas = b.env == NULL ? NULL : source_list(&b.s, "certificates", "",
	    CAS_MAX, err);
	for (char **ca = cas; ca != NULL && *ca != NULL; ca++) {
		char *dir = xasprintf("certificates/%s", *ca);
		/* "local" is Caddy's own CA, which is no ACME server. */
		char **list = strcmp(*ca, "local") == 0 ? NULL :
		    source_list(&b.s, dir, "", IMPORT_CERTS_MAX, &ignored);

		for (char **p = list; p != NULL && *p != NULL; p++)
			read_cert(&b, *ca, *p);
		source_list_free(list);
		free(dir);
	}
	if (cas != NULL && plan->n_certs == 0)
		(void)error_set(err, ERR_CONFIG, "import:source",
		    "%s: no certificates of Caddy found "
		    "(certificates/CA/NAME/NAME.crt)", b.s.dir);
	else if (plan->n_certs > 0)
		import_note(plan, "", "Caddy keeps renewing for every site "
		    "whose Caddyfile names no certificate: write `tls "
		    "/PATH/fullchain.pem /PATH/privkey.pem` into its sites, "
		    "see the recipe for caddy in deploy-recipes.md");
	source_list_free(cas);
	json_decref(b.env);
	source_close(&b.s);
	return plan->n_certs > 0 ? 0 : -1;
}
