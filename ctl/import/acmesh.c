/* SPDX-License-Identifier: MIT */
/*
 * acme.sh - ~/.acme.sh:
 *
 *   account.conf                      what is the same for all; credentials
 *   ca/HOST/PATH/                     account.key, ca.conf (ACCOUNT_URL)
 *   NAME_ecc/, NAME/                  NAME.conf, NAME.key, fullchain.cer
 *
 * The .conf files are shell assignments; they are read, not executed.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/import/common.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/shvars.h"
#include "ctl/import/source.h"

#define ECC "_ecc"
#define B64_BEGIN "__ACME_BASE64__START_"
#define B64_END "__ACME_BASE64__END_"
#define SAVED "SAVED_"

struct acmesh {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*account;	/* of account.conf */
	char			*home;		/* of certificates, in s */
};

/* What is between the two marks, decoded; NULL if it is not base64. */
static char *
decode(const char *s)
{
	char *url = xmalloc(strlen(s) + 1);
	unsigned char *data;
	size_t n = 0, len;
	int rc;

	for (; *s != '\0' && strncmp(s, B64_END, strlen(B64_END)) != 0; s++) {
		if (strchr("= \r\n", *s) == NULL)
			url[n++] = *s == '+' ? '-' : *s == '/' ? '_' : *s;
	}
	url[n] = '\0';
	rc = *s == '\0' ? -1 : text_b64url_decode(url, &data, &len);
	free(url);
	if (rc == -1)
		return NULL;
	if (strlen((char *)data) != len || !text_is_utf8((char *)data, len)) {
		freezero(data, len);
		return NULL;
	}
	return (char *)data;
}

/* The assignments of a file, with what is in base64 decoded. */
static json_t *
read_vars(const struct source *s, const char *path, struct error *err)
{
	char *text = source_read(s, path, err), *plain;
	json_t *vars, *value;
	const char *name;
	void *next;

	if (text == NULL)
		return NULL;
	vars = shvars_parse(text);
	freezero_str(text);
	json_object_foreach_safe(vars, next, name, value) {
		const char *v = json_string_value(value);

		if (v == NULL || strncmp(v, B64_BEGIN,
		    strlen(B64_BEGIN)) != 0)
			continue;
		plain = decode(v + strlen(B64_BEGIN));
		if (plain != NULL)
			(void)json_object_set_new(vars, name,
			    json_string(plain));
		freezero_str(plain);
	}
	return vars;
}

/* --- accounts --- */

static int
read_account(struct acmesh *b, const char *directory)
{
	const char *host = strstr(directory, "://"), *key_path, *path_at, *s;
	struct import_account *a;
	struct error err;
	json_t *ca;
	char *dir, *path, *key;

	for (size_t i = 0; i < b->plan->n_accounts; i++) {
		if (strcmp(b->plan->accounts[i].directory, directory) == 0)
			return (int)i;
	}
	if (host == NULL || strstr(host, "/../") != NULL)
		return IMPORT_NONE;
	/* acme.sh leaves the port out. */
	path_at = host + 3 + strcspn(host + 3, "/");
	dir = xasprintf("ca/%.*s%s", (int)strcspn(host + 3, ":/"), host + 3,
	    path_at);
	path = xasprintf("%s/ca.conf", dir);
	ca = read_vars(&b->s, path, &err);
	free(path);
	key_path = shvars_str(b->account, "ACCOUNT_KEY_PATH");
	path = key_path != NULL ? xstrdup(key_path) :
	    xasprintf("%s/account.key", dir);
	key = source_read(&b->s, path, &err);
	free(path);
	if (key == NULL) {
		import_note(b->plan, dir, "the account is not imported, and "
		    "another one is registered when it is needed: %s",
		    err.msg);
		json_decref(ca);
		free(dir);
		return IMPORT_NONE;
	}
	a = import_add_account(b->plan);
	a->from = dir;
	a->directory = xstrdup(directory);
	a->pem = key;
	if ((s = shvars_str(ca, "ACCOUNT_URL")) != NULL)
		a->kid = xstrdup(s);
	if ((s = shvars_str(ca, "CA_EMAIL")) != NULL)
		a->contact = xasprintf("mailto:%s", s);
	if ((s = shvars_str(ca, "CA_EAB_KEY_ID")) != NULL)
		a->eab_kid = xstrdup(s);
	if ((s = shvars_str(ca, "CA_EAB_HMAC_KEY")) != NULL)
		a->eab_hmac = xstrdup(s);
	if (b->s.uid == 0 && (s = shvars_str(b->account, "CA_BUNDLE")) !=
	    NULL && *s == '/')
		a->ca_file = xstrdup(s);
	json_decref(ca);
	return (int)b->plan->n_accounts - 1;
}

/* --- how names are proved --- */

/* What dnsapi/ finds: what is saved for all, then for this domain. */
static json_t *
credentials(const struct acmesh *b, const json_t *domain)
{
	const json_t *const from[] = { b->account, domain };
	json_t *vars = json_object(), *value;
	const char *name;

	for (size_t i = 0; i < 2; i++) {
		/* Those of old versions have no SAVED_. */
		json_object_foreach((json_t *)(uintptr_t)from[i], name, value)
			(void)json_object_set(vars, name, value);
	}
	for (size_t i = 0; i < 2; i++) {
		json_object_foreach((json_t *)(uintptr_t)from[i], name, value) {
			if (strncmp(name, SAVED, strlen(SAVED)) == 0)
				(void)json_object_set(vars,
				    name + strlen(SAVED), value);
		}
	}
	return vars;
}

/* The n-th of a list with commas, or its last; the caller frees. */
static char *
field(const char *list, size_t n)
{
	size_t len = strcspn(list, ",");

	while (n > 0 && list[len] == ',' && list[len + 1] != '\0') {
		list += len + 1;
		len = strcspn(list, ",");
		n--;
	}
	return xstrndup(list, len);
}

/* The provider behind "dns_cf", or IMPORT_NONE: then c is skipped, unless
 * there is one for that. */
static int
map_dns(struct acmesh *b, struct import_cert *c, const json_t *domain,
    const char *api)
{
	json_t *vars = credentials(b, domain);
	const char *port = shvars_str(vars, "NSUPDATE_SERVER_PORT"),
	    *server = shvars_str(vars, "NSUPDATE_SERVER");
	char *from = xasprintf("%s, %s", api, "account.conf");
	int before = c->provider, found;

	if (port != NULL && server != NULL && strcmp(port, "53") != 0) {
		char *both = xasprintf(strchr(server, ':') != NULL ?
		    "[%s]:%s" : "%s:%s", server, port);

		(void)json_object_set_new(vars, "NSUPDATE_SERVER",
		    json_string(both));
		free(both);
	}
	c->provider = IMPORT_NONE;
	common_dns(b->plan, c, &b->s, DNS_ACME_SH, api, vars, from, b->args);
	found = c->provider;
	c->provider = before;
	free(from);
	json_decref(vars);
	return found;
}

/* One name's way: the certificate's, if it is the first, or one that
 * differs. */
static void
map_way(struct acmesh *b, struct import_cert *c, const json_t *domain,
    const char *name, const char *way, bool is_first)
{
	int provider;

	if (strncmp(way, "dns_", 4) == 0) {
		provider = map_dns(b, c, domain, way);
		if (is_first)
			c->provider = provider;
		else if (provider != IMPORT_NONE &&
		    (c->is_http || provider != c->provider))
			(void)json_object_set_new(c->ways, name,
			    json_integer(provider));
	} else if (way[0] == '/') {
		if (is_first) {
			c->is_http = true;
			c->webroot = xstrdup(way);
		} else if (!c->is_http || c->webroot == NULL ||
		    strcmp(way, c->webroot) != 0) {
			(void)json_object_set_new(c->ways, name,
			    json_string(way));
		}
		import_note_webroot(b->plan, way);
	} else if (!is_first) {
		import_skip(c, "%s is proved by \"%s\", unlike the first name; "
		    "use `acmectl add`", name, way);
	} else if (strcmp(way, "no") == 0 || strcmp(way, "alpn") == 0 ||
	    strcmp(way, "stateless") == 0) {
		common_standalone(b->plan, c);
	} else if (strncmp(way, "nginx:", 6) == 0 ||
	    strcmp(way, "apache") == 0) {
		common_web_server(b->plan, c, way[0] == 'n' ? "nginx" :
		    "apache", b->args);
	} else if (b->args->provider == NULL) {
		import_skip(c, "acme.sh asked a person to prove its names; "
		    "add a provider to acmed.conf, then: acmectl import "
		    "acme.sh --provider NAME");
	}
}

static void
map_ways(struct acmesh *b, struct import_cert *c, const json_t *domain)
{
	const char *first = shvars_str(domain, "Le_Domain"),
	    *alt = shvars_str(domain, "Le_Alt"),
	    *ways = shvars_str(domain, "Le_Webroot"),
	    *alias = shvars_str(domain, "Le_ChallengeAlias");
	char *names, *first_way;

	if (first == NULL || ways == NULL) {
		import_skip(c, "%s does not say how its names are proved",
		    c->from);
		return;
	}
	names = alt == NULL || strcmp(alt, "no") == 0 ? xstrdup(first) :
	    xasprintf("%s,%s", first, alt);
	first_way = field(ways, 0);
	for (size_t i = 0, at = 0; names[at] != '\0' && c->skipped == NULL;
	    i++) {
		char *name = field(names + at, 0), *way = field(ways, i);

		if (i == 0 || strcmp(way, first_way) != 0)
			map_way(b, c, domain, name, way, i == 0);
		at += strlen(name);
		at += names[at] == ',';
		free(way);
		free(name);
	}
	free(first_way);
	free(names);
	/* One for all; where they differ the CNAMEs lead there as well. */
	if (alias != NULL && !c->is_http && strchr(alias, ',') == NULL &&
	    strcmp(alias, "no") != 0)
		c->alias = alias[0] == '=' ? xstrdup(alias + 1) :
		    xasprintf("_acme-challenge.%s", alias);
}

/* --- deployment --- */

static void
map_deploy(struct acmesh *b, struct import_cert *c, const json_t *domain)
{
	static const struct {
		const char *name, *format;
	} files[] = {
		{ "Le_RealKeyPath", "privkey" },
		{ "Le_RealCertPath", "cert" },
		{ "Le_RealCACertPath", "chain" },
		{ "Le_RealFullChainPath", "fullchain" },
	};
	static const char *const hooks[] = { "Le_ReloadCmd", "Le_RenewHook" };
	const char *s;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		s = shvars_str(domain, files[i].name);
		if (s == NULL || *s != '/')
			continue;
		/* Where acmed runs as root it would write anywhere. */
		if (b->s.uid != 0) {
			import_note(b->plan, c->name, "acme.sh copies its %s "
			    "to %s, which is not imported, because "
			    "another user than root set it up: see `install` "
			    "in acmed.conf(5)",
			    files[i].format, s);
			continue;
		}
		import_deploy(c, IMPORT_INSTALL, files[i].format, s);
		import_note(b->plan, "", "acmed must be allowed to write to "
		    "%.*s: `install` in acmed.conf(5) shows how",
		    (int)(strrchr(s, '/') - s), s);
	}
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		s = shvars_str(domain, hooks[i]);
		if (s != NULL)
			common_hook(b->plan, c, &b->s, i == 0 ?
			    "reload command" : "renew hook", s);
	}
	s = shvars_str(domain, "Le_DeployHook");
	if (s != NULL && strcmp(s, "no") != 0)
		import_note(b->plan, c->name, "the deploy hook \"%s\" is not "
		    "imported: see DEPLOY TARGETS in acmed.conf(5)", s);
	s = shvars_str(domain, "Le_PreHook");
	if (s == NULL)
		s = shvars_str(domain, "Le_PostHook");
	if (s != NULL)
		import_note(b->plan, c->name, "a command around each renewal "
		    "is not imported: %s; see HOOKS in acmed.conf(5)", s);
}

/* --- one certificate --- */

static void
map_rest(struct import_cert *c, const json_t *domain)
{
	const char *s = shvars_str(domain, "Le_ForceNewDomainKey");

	/* Unless told otherwise, acme.sh keeps the key. */
	c->reuse_key = s == NULL || strcmp(s, "1") != 0;
	if ((s = shvars_str(domain, "Le_Preferred_Chain")) != NULL)
		c->preferred_chain = xstrdup(s);
	if ((s = shvars_str(domain, "Le_Certificate_Profile")) != NULL)
		c->profile = xstrdup(s);
}

static bool
is_ecc(const char *dir)
{
	size_t len = strlen(dir), n = strlen(ECC);

	return len > n && strcmp(dir + len - n, ECC) == 0;
}

/* DIR is DOMAIN or DOMAIN_ecc, and has DOMAIN.conf; else it is passed over. */
static void
read_cert(struct acmesh *b, const char *dir)
{
	char *domain = xstrndup(dir, strlen(dir) - (is_ecc(dir) ?
	    strlen(ECC) : 0)), *path, *key, *chain, *name;
	struct import_cert *c;
	struct error err;
	const char *api;
	json_t *conf;

	path = xasprintf("%s/%s/%s.conf", b->home, dir, domain);
	conf = source_has(&b->s, path) ? read_vars(&b->s, path, &err) : NULL;
	if (conf == NULL && !source_has(&b->s, path)) {
		free(path);
		free(domain);
		return;
	}
	name = common_name(b->plan, strncmp(domain, "*.", 2) == 0 ?
	    domain + 2 : domain, strncmp(domain, "*.", 2) == 0,
	    is_ecc(dir) ? "ecc" : "rsa");
	c = import_add_cert(b->plan, name);
	c->from = source_path(&b->s, path);
	free(name);
	free(path);
	if (conf == NULL || object_name_check(c->name, &err) == -1) {
		import_skip(c, "%s", err.msg);
	} else {
		key = xasprintf("%s/%s/%s.key", b->home, dir, domain);
		chain = xasprintf("%s/%s/fullchain.cer", b->home, dir);
		common_files(c, &b->s, key, chain);
		free(chain);
		free(key);
		api = shvars_str(conf, "Le_API");
		if (api != NULL)
			c->directory = xstrdup(api);
		if (c->skipped == NULL && api != NULL)
			c->account = read_account(b, api);
		if (c->skipped == NULL)
			map_ways(b, c, conf);
		if (c->skipped == NULL) {
			map_deploy(b, c, conf);
			map_rest(c, conf);
		}
	}
	json_decref(conf);
	free(domain);
}

int
read_acmesh(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct acmesh b = { .plan = plan, .args = args };
	const struct passwd *pw;
	struct error ignored;
	const char *home;
	char **dirs;

	if (source_open(&b.s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(b.s.dir);
	b.account = read_vars(&b.s, "account.conf", &ignored);
	home = shvars_str(b.account, "CERT_HOME");
	b.home = xstrdup(home != NULL ? home : b.s.dir);
	dirs = source_list(&b.s, b.home, "", IMPORT_CERTS_MAX, err);
	/* Where a domain has both, the usual one goes by its name. */
	for (int rsa = 0; rsa < 2; rsa++) {
		for (char **p = dirs; p != NULL && *p != NULL; p++) {
			if (is_ecc(*p) == (rsa == 0))
				read_cert(&b, *p);
		}
	}
	pw = getpwuid(b.s.uid);
	if (pw != NULL) {
		struct import_switch *s = import_add_switch(plan,
		    "the crontab");

		s->crontab = xstrdup(pw->pw_name);
		s->match = xstrdup("acme.sh --cron");
	}
	if (dirs != NULL && plan->n_certs == 0)
		(void)error_set(err, ERR_CONFIG, "import:source",
		    "%s: no certificates of acme.sh found", b.s.dir);
	source_list_free(dirs);
	free(b.home);
	json_decref(b.account);
	source_close(&b.s);
	return plan->n_certs > 0 ? 0 : -1;
}
