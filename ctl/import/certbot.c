/* SPDX-License-Identifier: MIT */
/*
 * certbot - /etc/letsencrypt:
 *
 *   renewal/NAME.conf                 how NAME is renewed (ini.h)
 *   live/NAME/{privkey,fullchain}.pem links into archive/NAME/
 *   accounts/HOST/PATH/ID/            private_key.json (a JWK), regr.json
 *   renewal-hooks/{pre,deploy,post}/  programs for all certificates
 *   cli.ini                           options for all certificates
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/import/command.h"
#include "ctl/import/common.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/ini.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/source.h"

#define LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define HOOKS_MAX 100

/* All that is read of one directory. */
struct certbot {
	struct import		*plan;
	const struct reader_args *args;
	struct source		 s;
	json_t			*cli;	/* of cli.ini, or empty */
};

static json_t *
read_ini(const struct source *s, const char *path, struct error *err)
{
	char *text = source_read(s, path, err);
	json_t *j = text == NULL ? NULL : ini_parse(text, err);

	if (text != NULL && j == NULL)
		(void)error_wrap(err, "%s", path);
	freezero_str(text);
	return j;
}

/* --- accounts --- */

/* The directory of the one account there is at a server, or NULL. */
static char *
only_account(const struct certbot *b, const char *server_dir)
{
	struct error ignored;
	char **ids = source_list(&b->s, server_dir, "", HOOKS_MAX, &ignored);
	char *dir = ids != NULL && ids[0] != NULL && ids[1] == NULL ?
	    xasprintf("%s/%s", server_dir, ids[0]) : NULL;

	source_list_free(ids);
	return dir;
}

static bool
is_id(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= 64 &&
	    strspn(s, "0123456789abcdefABCDEF") == len;
}

/* Where the account of a certificate is; NULL: not known. */
static char *
account_dir(const struct certbot *b, const json_t *params, const char *server)
{
	const char *id = ini_str(params, "account"), *path;
	char *server_dir, *dir;

	path = strstr(server, "://");
	if (path == NULL || strstr(path, "/../") != NULL)
		return NULL;
	server_dir = xasprintf("accounts/%s", path + 3);
	dir = id != NULL && is_id(id) ? xasprintf("%s/%s", server_dir, id) :
	    only_account(b, server_dir);
	free(server_dir);
	return dir;
}

static int
read_account(struct certbot *b, const char *dir, const char *server)
{
	struct import_account *a;
	struct error err;
	json_t *key, *regr;
	char *path;

	for (size_t i = 0; i < b->plan->n_accounts; i++) {
		if (strcmp(b->plan->accounts[i].from, dir) == 0)
			return (int)i;
	}
	path = xasprintf("%s/private_key.json", dir);
	key = source_json(&b->s, path, &err);
	free(path);
	if (key == NULL) {
		import_note(b->plan, dir, "the account is not imported, and "
		    "another one is registered when it is needed: %s",
		    err.msg);
		return IMPORT_NONE;
	}
	path = xasprintf("%s/regr.json", dir);
	regr = source_json(&b->s, path, &err);
	free(path);
	a = import_add_account(b->plan);
	a->from = xstrdup(dir);
	a->directory = xstrdup(server);
	a->jwk = key;
	if (jsonx_str(regr, "uri") != NULL)
		a->kid = xstrdup(jsonx_str(regr, "uri"));
	json_decref(regr);
	return (int)b->plan->n_accounts - 1;
}

/* --- how names are proved --- */

/* The first of a list, or the string itself; NULL if there is none. */
static const char *
first_of(const json_t *params, const char *key)
{
	const json_t *v = json_object_get(params, key);

	return json_is_array(v) ? json_string_value(json_array_get(v, 0)) :
	    ini_str(params, key);
}

static void
map_webroot(struct certbot *b, struct import_cert *c, const json_t *params)
{
	const json_t *map = json_object_get(params, "webroot_map"), *path;
	const char *first = first_of(params, "webroot_path"), *name;

	c->is_http = true;
	json_object_foreach((json_t *)(uintptr_t)map, name, path) {
		if (json_string_value(path) == NULL)
			continue;
		if (first == NULL)
			first = json_string_value(path);
		if (strcmp(json_string_value(path), first) != 0)
			(void)json_object_set(c->ways, name,
			    (json_t *)(uintptr_t)path);
	}
	if (first == NULL || *first != '/') {
		import_skip(c, "its configuration has no webroot");
		return;
	}
	c->webroot = xstrdup(first);
	import_note_webroot(b->plan, first);
}

/* Does the list of preferred challenges begin with dns-01? */
static bool
prefers_dns(const json_t *params)
{
	const char *first = first_of(params, "pref_challs");

	return first != NULL && strncmp(first, "dns", 3) == 0;
}

/* Programs of a person, which certbot runs for each name. */
static void
map_manual(struct certbot *b, struct import_cert *c, const json_t *params)
{
	const char *add = ini_str(params, "manual_auth_hook"),
	    *del = ini_str(params, "manual_cleanup_hook");
	struct import_provider *p;

	if (add == NULL || !prefers_dns(params)) {
		if (b->args->provider == NULL)
			import_skip(c, "certbot asked a person to prove its "
			    "names%s; add a provider to acmed.conf, then: "
			    "acmectl import certbot --provider NAME",
			    add != NULL ? " by http-01, with a program" : "");
		return;
	}
	/* What acmed runs may read all of its keys. */
	if (b->s.uid != 0) {
		import_skip(c, "its names are proved by a program that another "
		    "user than root has chosen");
		return;
	}
	if (*add != '/' || strpbrk(add, "$`;|&<>\"'\\") != NULL ||
	    (del != NULL && (*del != '/' ||
	    strpbrk(del, "$`;|&<>\"'\\") != NULL))) {
		import_skip(c, "manual_auth_hook and manual_cleanup_hook are "
		    "not paths of programs; acmed runs no shell: write one, "
		    "see exec in acmed.conf(5)");
		return;
	}
	p = import_add_provider(b->plan);
	p->type = xstrdup("exec");
	p->from = xasprintf("%s, manual_auth_hook", c->from);
	import_opt(p, "program", add);
	import_opt(p, "cleanup_program", del != NULL ? del : "/bin/true");
	import_opt(p, "mode", "certbot");
	c->provider = import_share_provider(b->plan);
	import_note(b->plan, "", "%s is run by acmed as its own user and in "
	    "the sandbox of its unit, not as root: see exec in acmed.conf(5), "
	    "and try it with `acmectl check %s`", add, c->name);
}

/* Where boto3, which certbot-dns-route53 uses, finds an access key. */
static json_t *
aws_credentials(const struct source *s, char **from)
{
	const struct passwd *pw = getpwuid(s->uid);
	json_t *all, *section;
	struct error ignored;

	*from = xasprintf("%s/.aws/credentials",
	    pw != NULL ? pw->pw_dir : "/root");
	all = read_ini(s, *from, &ignored);
	section = json_incref(json_object_get(all, "default"));
	json_decref(all);
	return section != NULL ? section : json_object();
}

/* The members of a credential file that begin with prefix, without it. */
static json_t *
without_prefix(const json_t *all, const char *prefix)
{
	json_t *vars = json_object(), *value;
	size_t len = strlen(prefix);
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)all, key, value) {
		if (strncmp(key, prefix, len) == 0 && json_is_string(value))
			(void)json_object_set(vars, key + len, value);
	}
	return vars;
}

/* "server" and "port" of dns-rfc2136. */
static void
join_port(json_t *vars)
{
	const char *port = jsonx_str(vars, "port"),
	    *server = jsonx_str(vars, "server");
	char *both;

	if (port == NULL || server == NULL || strcmp(port, "53") == 0)
		return;
	both = xasprintf(strchr(server, ':') != NULL ? "[%s]:%s" : "%s:%s",
	    server, port);
	(void)json_object_set_new(vars, "server", json_string(both));
	free(both);
}

static void
map_dns(struct certbot *b, struct import_cert *c, const json_t *params,
    const char *plugin)
{
	char *prefix = xasprintf("%s_", plugin), *key, *from = NULL;
	json_t *all = NULL, *vars;
	struct error err;
	const char *path;

	for (char *s = prefix; *s != '\0'; s++) {
		if (*s == '-')
			*s = '_';
	}
	key = xasprintf("%scredentials", prefix);
	path = ini_str(params, key);
	if (strcmp(plugin, "dns-route53") == 0) {
		vars = aws_credentials(&b->s, &from);
	} else if (strcmp(plugin, "dns-google") == 0 || path == NULL) {
		vars = without_prefix(params, prefix);
		from = xstrdup(c->from);
	} else {
		all = read_ini(&b->s, path, &err);
		if (all == NULL && b->args->provider == NULL)
			import_skip(c, "the credentials of %s: %s", plugin,
			    err.msg);
		vars = without_prefix(all, prefix);
		join_port(vars);
		from = xasprintf("%s, %s", plugin, path);
	}
	if (c->skipped == NULL)
		common_dns(b->plan, c, &b->s, DNS_CERTBOT, plugin, vars, from,
		    b->args);
	json_decref(vars);
	json_decref(all);
	free(from);
	free(key);
	free(prefix);
}

static void
map_authenticator(struct certbot *b, struct import_cert *c,
    const json_t *params)
{
	const char *plugin = ini_str(params, "authenticator"), *colon;

	if (plugin == NULL) {
		import_skip(c, "%s does not say how its names are proved",
		    c->from);
		return;
	}
	/* "certbot-dns-x:dns-x", as old versions wrote it. */
	colon = strchr(plugin, ':');
	if (colon != NULL)
		plugin = colon + 1;
	if (strcmp(plugin, "webroot") == 0)
		map_webroot(b, c, params);
	else if (strcmp(plugin, "standalone") == 0)
		common_standalone(b->plan, c);
	else if (strcmp(plugin, "nginx") == 0 || strcmp(plugin, "apache") == 0)
		common_web_server(b->plan, c, plugin, b->args);
	else if (strcmp(plugin, "manual") == 0)
		map_manual(b, c, params);
	else
		map_dns(b, c, params, plugin);
}

/* --- hooks --- */

static void
map_hooks(struct certbot *b, struct import_cert *c, const json_t *params)
{
	static const char *const keys[] = { "renew_hook", "deploy_hook" };
	const char *pre = ini_str(params, "pre_hook"),
	    *post = ini_str(params, "post_hook"),
	    *installer = ini_str(params, "installer"), *s;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		s = ini_str(params, keys[i]);
		if (s != NULL)
			common_hook(b->plan, c, &b->s, "deploy hook", s);
	}
	s = ini_str(b->cli, "deploy-hook");
	if (s == NULL)
		s = ini_str(b->cli, "renew-hook");
	if (s != NULL)
		common_hook(b->plan, c, &b->s, "deploy hook", s);
	if (installer != NULL && strcmp(installer, "nginx") == 0)
		import_deploy(c, IMPORT_RELOAD, NULL, "nginx.service");
	else if (installer != NULL && strcmp(installer, "apache") == 0)
		import_deploy(c, IMPORT_RELOAD, NULL, "apache2.service");
	if (post != NULL && command_map(post, c))
		post = NULL;
	if (pre != NULL || post != NULL)
		import_note(b->plan, c->name, "commands around each try to "
		    "renew are not imported:%s%s%s%s%s; acmed seldom needs a "
		    "stopped server; if it does, see HOOKS in "
		    "acmed.conf(5)", pre != NULL ? " before: " : "",
		    pre != NULL ? pre : "",
		    pre != NULL && post != NULL ? "," : "",
		    post != NULL ? " after: " : "", post != NULL ? post : "");
}

/* A program of renewal-hooks/deploy/, for all certificates. */
static void
map_dir_hook(struct certbot *b, const char *path)
{
	struct error err;
	char *text = source_read(&b->s, path, &err), *name;
	const char *file = strrchr(path, '/') + 1;

	if (text == NULL || b->s.uid != 0) {
		import_note(b->plan, "", "the hook %s/%s is not imported%s%s: "
		    "see HOOKS in acmed.conf(5)", b->s.dir, path,
		    text == NULL ? ": " : ", because another user than root "
		    "wrote it",
		    text == NULL ? err.msg : "");
		freezero_str(text);
		return;
	}
	name = xasprintf("certbot-%s", file);
	for (size_t i = 0; i < b->plan->n_certs; i++) {
		struct import_cert *c = &b->plan->certs[i];

		if (c->skipped != NULL || command_map(text, c))
			continue;
		import_hook(b->plan, name, path, text);
		import_deploy(c, IMPORT_ROOT_HOOKS, NULL, "");
	}
	free(name);
	free(text);
}

static void
map_dir_hooks(struct certbot *b)
{
	static const char *const kinds[] = { "deploy", "pre", "post" };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		char *dir = xasprintf("renewal-hooks/%s", kinds[k]);
		struct error ignored;
		char **list = source_list(&b->s, dir, "", HOOKS_MAX,
		    &ignored);

		for (char **p = list; p != NULL && *p != NULL; p++) {
			char *path = xasprintf("%s/%s", dir, *p),
			    *full = source_path(&b->s, path);

			/* What certbot itself would not run. */
			if (access(full, X_OK) == -1 ||
			    (*p)[strlen(*p) - 1] == '~')
				;
			else if (k == 0)
				map_dir_hook(b, path);
			else
				import_note(b->plan, "", "the hook %s/%s is "
				    "not imported; acmed runs programs in /etc/"
				    "acmed/hooks/%s.d, as its own user: see "
				    "HOOKS in acmed.conf(5)", b->s.dir, path,
				    kinds[k]);
			free(full);
			free(path);
		}
		source_list_free(list);
		free(dir);
	}
}

/* --- one certificate --- */

static void
map_params(struct certbot *b, struct import_cert *c, const json_t *conf,
    const json_t *params)
{
	const char *server = ini_str(params, "server"),
	    *chain = ini_str(params, "preferred_chain"),
	    *profile = ini_str(params, "required_profile"),
	    *before = ini_str(conf, "renew_before_expiry"), *s;
	char *dir;

	c->directory = xstrdup(server != NULL ? server : LETSENCRYPT);
	dir = account_dir(b, params, c->directory);
	if (dir != NULL)
		c->account = read_account(b, dir, c->directory);
	free(dir);
	c->profile_required = profile != NULL;
	if (profile == NULL)
		profile = ini_str(params, "preferred_profile");
	if (chain != NULL)
		c->preferred_chain = xstrdup(chain);
	if (profile != NULL)
		c->profile = xstrdup(profile);
	s = ini_str(params, "reuse_key");
	c->reuse_key = s != NULL && strcasecmp(s, "true") == 0;
	if (before != NULL)
		c->renew_before_s = common_span(before);
	s = ini_str(params, "must_staple");
	if (s != NULL && strcasecmp(s, "true") == 0)
		import_note(b->plan, c->name, "must_staple is not imported: "
		    "new certificates do not have it");
	s = ini_str(params, "autorenew");
	if (s == NULL)
		s = ini_str(conf, "autorenew");
	if (s != NULL && strcasecmp(s, "false") == 0)
		import_note(b->plan, c->name, "certbot was told not to renew "
		    "it; acmed renews it: to prevent that, remove it from "
		    "conf.d/");
	map_authenticator(b, c, params);
	map_hooks(b, c, params);
}

/* A file of the lineage: as renewal/NAME.conf says, or below this directory if
 * it was moved. */
static char *
lineage_file(const struct certbot *b, const json_t *conf, const char *name,
    const char *what)
{
	char *path = xasprintf("live/%s/%s.pem", name, what);
	const char *said = ini_str(conf, what);

	if (source_has(&b->s, path) || said == NULL)
		return path;
	free(path);
	return xstrdup(said);
}

static void
read_cert(struct certbot *b, const char *file)
{
	char *name = xstrndup(file, strlen(file) - strlen(".conf")), *path;
	struct import_cert *c = import_add_cert(b->plan, name);
	const json_t *params;
	struct error err;
	json_t *conf;

	path = xasprintf("renewal/%s", file);
	c->from = source_path(&b->s, path);
	conf = read_ini(&b->s, path, &err);
	free(path);
	params = json_object_get(conf, "renewalparams");
	if (conf == NULL || object_name_check(name, &err) == -1) {
		import_skip(c, "%s", err.msg);
	} else if (!json_is_object(params)) {
		import_skip(c, "%s has no [renewalparams]", c->from);
	} else {
		char *key = lineage_file(b, conf, name, "privkey"),
		    *chain = lineage_file(b, conf, name, "fullchain");

		common_files(c, &b->s, key, chain);
		if (c->skipped == NULL)
			map_params(b, c, conf, params);
		free(chain);
		free(key);
	}
	json_decref(conf);
	free(name);
}

/* --- what runs certbot --- */

static void
find_timers(struct certbot *b)
{
	static const char *const units[] = { "certbot.timer",
	    "certbot-renew.timer", "snap.certbot.renew.timer" };
	static const char *const dirs[] = { "/etc/systemd/system",
	    "/usr/lib/systemd/system", "/lib/systemd/system" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		for (size_t k = 0; k < sizeof(dirs) / sizeof(dirs[0]); k++) {
			char *path = xasprintf("%s/%s", dirs[k], units[i]);
			bool has = access(path, F_OK) == 0;

			free(path);
			if (!has)
				continue;
			import_add_switch(b->plan, units[i])->unit =
			    xstrdup(units[i]);
			break;
		}
	}
}

int
read_certbot(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct certbot b = { .plan = plan, .args = args };
	struct error ignored;
	char **files;

	if (source_open(&b.s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(b.s.dir);
	files = source_list(&b.s, "renewal", ".conf", IMPORT_CERTS_MAX, err);
	if (files == NULL || files[0] == NULL) {
		if (files != NULL)
			(void)error_set(err, ERR_CONFIG, "import:source",
			    "%s: no certificates of certbot found "
			    "(renewal/*.conf)", b.s.dir);
		source_list_free(files);
		source_close(&b.s);
		return -1;
	}
	b.cli = read_ini(&b.s, "cli.ini", &ignored);
	for (char **p = files; *p != NULL; p++)
		read_cert(&b, *p);
	map_dir_hooks(&b);
	find_timers(&b);
	json_decref(b.cli);
	source_list_free(files);
	source_close(&b.s);
	return 0;
}
