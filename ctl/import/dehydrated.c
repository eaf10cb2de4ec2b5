/* SPDX-License-Identifier: MIT */
/*
 * dehydrated - its BASEDIR, /var/lib/dehydrated in Debian:
 *
 *   accounts/BASE64/                  of the CA's directory: account_key.pem,
 *                                     account_id.json
 *   certs/NAME/                       privkey.pem, fullchain.pem, config
 *   config                            or /etc/dehydrated/config, with
 *                                     /etc/dehydrated/conf.d/NAME.sh
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/import/common.h"
#include "ctl/import/given.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/shvars.h"
#include "ctl/import/source.h"

#define ETC "/etc/dehydrated"
#define LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define FILES_MAX 100

struct dehydrated {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*conf;
	json_t			*env;
};

/* Add what a file of the configuration sets. */
static void
add_vars(const struct source *s, const char *path, json_t *vars)
{
	struct error ignored;
	char *text = source_read(s, path, &ignored);
	json_t *more;

	if (text == NULL)
		return;
	more = shvars_parse(text);
	(void)json_object_update(vars, more);
	json_decref(more);
	freezero_str(text);
}

static json_t *
read_conf(const struct dehydrated *b)
{
	bool is_own = source_has(&b->s, "config");
	json_t *vars = json_object();
	struct error ignored;
	char **more;

	add_vars(&b->s, is_own ? "config" : ETC "/config", vars);
	if (is_own)
		return vars;
	more = source_list(&b->s, ETC "/conf.d", ".sh", FILES_MAX, &ignored);
	for (char **p = more; p != NULL && *p != NULL; p++) {
		char *path = xasprintf(ETC "/conf.d/%s", *p);

		add_vars(&b->s, path, vars);
		free(path);
	}
	source_list_free(more);
	return vars;
}

/* --- accounts --- */

/* The URL that a directory of accounts/ is named after; NULL: it is none. */
static char *
decode_name(const char *name)
{
	unsigned char *data;
	size_t len;

	if (text_b64url_decode(name, &data, &len) == -1)
		return NULL;
	while (len > 0 && data[len - 1] == '\n')
		data[--len] = '\0';
	if (strlen((char *)data) == len && text_is_utf8((char *)data, len) &&
	    strncmp((char *)data, "http", 4) == 0)
		return (char *)data;
	free(data);
	return NULL;
}

static void
read_account(struct dehydrated *b, const char *name)
{
	char *directory = decode_name(name), *path, *key;
	struct import_account *a;
	struct error err;
	json_t *j;

	if (directory == NULL)
		return;
	path = xasprintf("accounts/%s/account_key.pem", name);
	key = source_read(&b->s, path, &err);
	if (key == NULL) {
		import_note(b->plan, path, "the account is not imported: %s",
		    err.msg);
		free(directory);
		free(path);
		return;
	}
	a = import_add_account(b->plan);
	a->from = path;
	a->directory = directory;
	a->pem = key;
	path = xasprintf("accounts/%s/account_id.json", name);
	j = source_json(&b->s, path, &err);
	free(path);
	if (jsonx_str(j, "url") != NULL)
		a->kid = xstrdup(jsonx_str(j, "url"));
	json_decref(j);
}

/* CA= is a URL, or one of the words that dehydrated knows. */
static const char *
ca_of(const json_t *vars)
{
	static const struct { const char *word, *directory; } words[] = {
		{ "letsencrypt", LETSENCRYPT },
		{ "letsencrypt-test", "https://acme-staging-v02.api."
		    "letsencrypt.org/directory" },
		{ "zerossl", "https://acme.zerossl.com/v2/DV90" },
		{ "google", "https://dv.acme-v02.api.pki.goog/directory" },
		{ "buypass", "https://api.buypass.com/acme/directory" },
	};
	const char *ca = shvars_str(vars, "CA");

	if (ca == NULL)
		return LETSENCRYPT;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(ca, words[i].word) == 0)
			return words[i].directory;
	}
	return ca;
}

/* --- certificates --- */

static void
map_challenge(struct dehydrated *b, struct import_cert *c,
    const json_t *vars)
{
	static const char suffix[] = "/.well-known/acme-challenge";
	const char *type = shvars_str(vars, "CHALLENGETYPE"),
	    *dir = shvars_str(vars, "WELLKNOWN");
	char *own;
	size_t len;

	if (b->args->dns != NULL || b->args->provider != NULL ||
	    b->args->webroot != NULL || (type != NULL &&
	    strcmp(type, "http-01") != 0)) {
		given_challenge(b->plan, c, &b->s, b->args, b->env);
		return;
	}
	/* Debian writes it with ${BASEDIR}. */
	own = dir != NULL ? xstrdup(dir) :
	    xasprintf("%s/acme-challenges", b->s.dir);
	len = strlen(own);
	c->is_http = true;
	if (len > strlen(suffix) && strcmp(own + len - strlen(suffix),
	    suffix) == 0)
		own[len - strlen(suffix)] = '\0';
	else
		import_note(b->plan, "", "dehydrated puts files into %s "
		    "itself, acmed into .well-known/acme-challenge below it: "
		    "let the alias /.well-known/acme-challenge/ of the web "
		    "server lead to %s%s/", own, own, suffix);
	import_note_webroot(b->plan, own);
	c->webroot = own;
}

static void
map_rest(struct dehydrated *b, struct import_cert *c, const json_t *vars)
{
	const char *s = shvars_str(vars, "PRIVATE_KEY_RENEW");

	c->reuse_key = s != NULL && strcmp(s, "no") == 0;
	if ((s = shvars_str(vars, "PREFERRED_CHAIN")) != NULL)
		c->preferred_chain = xstrdup(s);
	if ((s = shvars_str(vars, "RENEW_DAYS")) != NULL)
		c->renew_before_s = common_span(s);
	if ((s = shvars_str(vars, "HOOK")) != NULL)
		import_note(b->plan, "", "the hook %s is not imported: what it "
		    "does with a new certificate belongs in a \"deploy\" "
		    "section, see acmed.conf(5)", s);
}

static void
read_cert(struct dehydrated *b, const char *dir)
{
	bool is_wild = strncmp(dir, "*.", 2) == 0;
	char *name, *key = xasprintf("certs/%s/privkey.pem", dir),
	    *chain = xasprintf("certs/%s/fullchain.pem", dir),
	    *conf = xasprintf("certs/%s/config", dir);
	struct import_cert *c;
	struct error err;
	json_t *vars;

	if (source_has(&b->s, key)) {
		name = common_name(b->plan, is_wild ? dir + 2 : dir, is_wild,
		    NULL);
		c = import_add_cert(b->plan, name);
		free(name);
		c->from = source_path(&b->s, chain);
		if (object_name_check(c->name, &err) == -1)
			import_skip(c, "%s", err.msg);
		else
			common_files(c, &b->s, key, chain);
		vars = json_copy(b->conf);
		add_vars(&b->s, conf, vars);
		c->directory = xstrdup(ca_of(vars));
		for (size_t i = 0; i < b->plan->n_accounts; i++) {
			if (strcmp(b->plan->accounts[i].directory,
			    c->directory) == 0)
				c->account = (int)i;
		}
		if (c->skipped == NULL)
			map_challenge(b, c, vars);
		if (c->skipped == NULL)
			map_rest(b, c, vars);
		json_decref(vars);
	}
	free(conf);
	free(chain);
	free(key);
}

int
read_dehydrated(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct dehydrated b = { .plan = plan, .args = args };
	struct error ignored;
	char **list, **accounts;

	if (source_open(&b.s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(b.s.dir);
	b.env = given_env(args, err);
	list = b.env == NULL ? NULL : source_list(&b.s, "certs", "",
	    IMPORT_CERTS_MAX, err);
	if (list != NULL) {
		b.conf = read_conf(&b);
		accounts = source_list(&b.s, "accounts", "", FILES_MAX,
		    &ignored);
		for (char **p = accounts; p != NULL && *p != NULL; p++)
			read_account(&b, *p);
		source_list_free(accounts);
		for (char **p = list; *p != NULL; p++)
			read_cert(&b, *p);
		if (plan->n_certs == 0)
			(void)error_set(err, ERR_CONFIG, "import:source",
			    "%s: no certificates of dehydrated found "
			    "(certs/NAME/privkey.pem)", b.s.dir);
		else
			import_note(plan, "", "disable what runs dehydrated, "
			    "such as a line in a crontab");
	}
	source_list_free(list);
	json_decref(b.conf);
	json_decref(b.env);
	source_close(&b.s);
	return plan->n_certs > 0 ? 0 : -1;
}
