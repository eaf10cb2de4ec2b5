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
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/import/common.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/shvars.h"
#include "ctl/import/source.h"

#define ACCOUNTS_MAX 100

struct lego {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*env;	/* lego's environment */
};

/* The directories of CAs, which version 4 does not keep. */
static const struct {
	const char	*host, *directory;
} cas[] = {
	{ "acme-v02.api.letsencrypt.org",
	    "https://acme-v02.api.letsencrypt.org/directory" },
	{ "acme-staging-v02.api.letsencrypt.org",
	    "https://acme-staging-v02.api.letsencrypt.org/directory" },
	{ "acme.zerossl.com", "https://acme.zerossl.com/v2/DV90" },
	{ "dv.acme-v02.api.pki.goog",
	    "https://dv.acme-v02.api.pki.goog/directory" },
	{ "api.buypass.com", "https://api.buypass.com/acme/directory" },
};

/* The host of a URL, and its port as lego writes it: "localhost_14000".  The
 * caller frees. */
static char *
host_of(const char *url)
{
	const char *at = strstr(url, "://");
	char *host;

	if (at == NULL)
		return xstrdup("");
	host = xstrndup(at + 3, strcspn(at + 3, "/"));
	for (char *s = host; *s != '\0'; s++) {
		if (*s == ':')
			*s = '_';
	}
	return host;
}

/* --- accounts --- */

static char *
directory_of(const struct lego *b, const char *host, const json_t *account)
{
	const char *said = jsonx_str(account, "server");
	char *given;
	bool same;

	if (said != NULL)
		return xstrdup(said);
	for (size_t i = 0; i < sizeof(cas) / sizeof(cas[0]); i++) {
		if (strcmp(cas[i].host, host) == 0)
			return xstrdup(cas[i].directory);
	}
	if (b->args->directory == NULL)
		return NULL;
	given = host_of(b->args->directory);
	same = strcmp(given, host) == 0;
	free(given);
	return same ? xstrdup(b->args->directory) : NULL;
}

static void
read_account(struct lego *b, const char *host, const char *id)
{
	char *path = xasprintf("accounts/%s/%s/account.json", host, id), *key,
	    *directory, *text;
	const char *kid, *contact;
	struct import_account *a;
	struct error err;
	json_t *j = source_json(&b->s, path, &err);

	directory = j == NULL ? NULL : directory_of(b, host, j);
	key = xasprintf("accounts/%s/%s/%s.key", host, id, id);
	if (!source_has(&b->s, key)) {
		free(key);
		key = xasprintf("accounts/%s/%s/keys/%s.key", host, id, id);
	}
	text = j == NULL ? NULL : source_read(&b->s, key, &err);
	if (text == NULL || directory == NULL) {
		import_note(b->plan, path, "the account is not imported: %s",
		    text == NULL ? err.msg : "lego does not keep the address "
		    "of the CA's directory; say --directory URL");
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
	char *host = host_of(cert_url);
	int found = IMPORT_NONE;

	for (size_t i = 0; i < b->plan->n_accounts; i++) {
		char *other = host_of(b->plan->accounts[i].directory);

		if (strcmp(other, host) == 0)
			found = (int)i;
		free(other);
	}
	free(host);
	return found;
}

/* --- certificates --- */

static void
map_challenge(struct lego *b, struct import_cert *c)
{
	const struct reader_args *args = b->args;

	if (args->dns != NULL) {
		char *from = xasprintf("%s, %s", args->dns,
		    args->env_file != NULL ? args->env_file :
		    "the environment");

		common_dns(b->plan, c, &b->s, DNS_LEGO, args->dns, b->env,
		    from, args);
		free(from);
	} else if (args->webroot != NULL) {
		c->is_http = true;
		c->webroot = xstrdup(args->webroot);
	} else if (args->provider == NULL) {
		import_skip(c, "lego does not keep how names are proved: say "
		    "--dns NAME, as to lego, with its environment (or "
		    "--env-file FILE), --provider NAME for one of acmed.conf, "
		    "or --webroot DIR");
	}
}

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
		map_challenge(b, c);
	json_decref(j);
	free(chain);
	free(key);
	free(path);
	free(stem);
}

/* Where NAME_FILE is set, lego reads NAME from that file. */
static void
read_files(struct lego *b)
{
	static const char suffix[] = "_FILE";
	json_t *more = json_object(), *value;
	struct error ignored;
	const char *name;

	json_object_foreach(b->env, name, value) {
		size_t len = strlen(name), n = strlen(suffix);
		char *base, *text;

		if (len <= n || strcmp(name + len - n, suffix) != 0 ||
		    !json_is_string(value))
			continue;
		base = xstrndup(name, len - n);
		text = json_object_get(b->env, base) != NULL ? NULL :
		    source_read(&b->s, json_string_value(value), &ignored);
		if (text != NULL)
			(void)json_object_set_new(more, base,
			    json_string(text));
		freezero_str(text);
		free(base);
	}
	(void)json_object_update(b->env, more);
	json_decref(more);
}

static int
read_env(struct lego *b, struct error *err)
{
	char *text;

	if (b->args->env_file != NULL) {
		text = source_read(&b->s, b->args->env_file, err);
		if (text == NULL)
			return -1;
		b->env = shvars_parse(text);
		freezero_str(text);
	} else {
		b->env = json_object();
		for (char **p = environ; *p != NULL; p++) {
			size_t len = strcspn(*p, "=");
			char *name = xstrndup(*p, len);

			if ((*p)[len] == '=')
				(void)json_object_set_new(b->env, name,
				    json_string(*p + len + 1));
			free(name);
		}
	}
	read_files(b);
	return 0;
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
	if (read_env(&b, err) == 0)
		files = source_list(&b.s, "certificates", ".json",
		    IMPORT_CERTS_MAX, err);
	if (files != NULL && files[0] != NULL)
		read_accounts(&b);
	else if (files != NULL)
		(void)error_set(err, ERR_CONFIG, "import:source",
		    "%s: no certificates of lego are there "
		    "(certificates/*.json)", b.s.dir);
	for (char **p = files; p != NULL && *p != NULL; p++)
		read_cert(&b, *p);
	if (plan->n_certs > 0)
		import_note(plan, "", "lego does not keep what is run with a "
		    "new certificate (--run-hook, --renew-hook, "
		    "--deploy-hook): add a \"deploy\" section to the files in "
		    "conf.d/, and end what runs lego, such as a line in a "
		    "crontab");
	source_list_free(files);
	json_decref(b.env);
	source_close(&b.s);
	return plan->n_certs > 0 ? 0 : -1;
}
