/* SPDX-License-Identifier: MIT */
#include "ctl/import/files.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/import/import.h"

/* --- accounts and providers --- */

static void
add_account(struct conf_text *t, struct conf_batch *b,
    const struct import_account *a)
{
	char *name;

	conf_text_begin(t, "account", a->name);
	conf_text_value(t, "directory", a->directory);
	conf_text_value(t, "contact", a->contact);
	conf_text_bool(t, "agree_tos", true);
	conf_text_value(t, "ca_file", a->ca_file);
	if (a->key != NULL)
		conf_text_value(t, "key", a->key);
	if (a->eab_kid != NULL && a->eab_hmac != NULL) {
		name = xasprintf("%s-eab", a->name);
		conf_text_value(t, "eab_kid", a->eab_kid);
		conf_text_value(t, "eab_hmac_key_file", conf_batch_secret(b,
		    name, a->eab_hmac));
		free(name);
	}
	conf_text_end(t);
}

static bool
is_secret(const struct import_provider *p, const char *key)
{
	const json_t *option;
	size_t i;

	json_array_foreach(json_object_get(p->table, "options"), i, option) {
		const char *name = jsonx_str(option, "name");

		if (name != NULL && strcmp(name, key) == 0)
			return jsonx_bool(option, "secret", true);
	}
	return true;
}

static void
add_provider(struct conf_text *t, struct conf_batch *b,
    const struct import_provider *p)
{
	char *from = xasprintf("From %s.", p->from);

	conf_text_comment(t, from);
	free(from);
	conf_text_begin(t, "provider", p->name);
	conf_text_value(t, "type", p->type);
	for (size_t i = 0; i < p->n_opts; i++) {
		const struct import_opt *o = &p->opts[i];
		char *name, *key;

		if (!is_secret(p, o->key)) {
			conf_text_value(t, o->key, o->value);
			continue;
		}
		name = xasprintf("%s-%s", p->name, o->key);
		key = xasprintf("%s_file", o->key);
		conf_text_value(t, key, conf_batch_secret(b, name, o->value));
		free(key);
		free(name);
	}
	conf_text_end(t);
}

/* Must acmed be told to answer http-01 by itself? */
static bool
must_listen(const struct import *plan)
{
	return plan->needs_http && json_array_size(json_object_get(
	    plan->config, "http_listen")) == 0;
}

/* conf.d/NAME.conf that is not there yet. */
static char *
free_name(const char *main_file, const char *program)
{
	const char *slash = strrchr(main_file, '/');

	for (unsigned n = 1;; n++) {
		char *name = n == 1 ? xasprintf("import-%s", program) :
		    xasprintf("import-%s-%u", program, n);
		char *path = xasprintf("%.*s/conf.d/%s.conf",
		    slash == NULL ? 1 : (int)(slash - main_file),
		    slash == NULL ? "." : main_file, name);
		bool is_free = access(path, F_OK) == -1;

		free(path);
		if (is_free)
			return name;
		free(name);
	}
}

static void
add_shared(struct conf_batch *b, const struct import *plan,
    const char *main_file)
{
	char *comment = xasprintf("Accounts and DNS providers, imported from "
	    "%s (%s).", plan->program, plan->dir), *name;
	struct conf_text *t = conf_text_new(comment);
	bool any = must_listen(plan);

	free(comment);
	if (any)
		conf_text_value(t, "http_listen", "systemd");
	for (size_t i = 0; i < plan->n_accounts; i++) {
		const struct import_account *a = &plan->accounts[i];

		if (!a->is_used || a->is_there || a->name == NULL)
			continue;
		add_account(t, b, a);
		any = true;
	}
	for (size_t i = 0; i < plan->n_providers; i++) {
		if (!plan->providers[i].is_used)
			continue;
		add_provider(t, b, &plan->providers[i]);
		any = true;
	}
	if (any) {
		name = free_name(main_file, plan->program);
		(void)conf_batch_file(b, name, conf_text_take(t));
		free(name);
	} else {
		free(conf_text_take(t));
	}
}

/* --- certificates --- */

/* The strings of an array; the list is the caller's, they are borrowed. */
static const char **
string_list(const json_t *array)
{
	const char **list = xcalloc(json_array_size(array) + 1,
	    sizeof(*list));
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
		list[i] = json_string_value(one);
	return list;
}

static void
add_units(struct conf_text *t, const struct import_cert *c,
    enum import_step step, const char *key)
{
	const char **units = xcalloc(c->n_deploys + 1, sizeof(*units));
	size_t n = 0;

	for (size_t i = 0; i < c->n_deploys; i++) {
		if (c->deploys[i].step == step)
			units[n++] = c->deploys[i].text;
	}
	if (n > 0)
		conf_text_list(t, key, units);
	free(units);
}

static void
add_deploys(struct conf_text *t, const struct import_cert *c)
{
	bool has_root = false;
	char *unit;

	if (c->n_deploys == 0)
		return;
	conf_text_begin(t, "deploy", "imported");
	for (size_t i = 0; i < c->n_deploys; i++) {
		const struct import_deploy *d = &c->deploys[i];

		has_root |= d->step == IMPORT_ROOT_HOOKS;
		if (d->step != IMPORT_INSTALL)
			continue;
		conf_text_begin(t, "install", d->text);
		conf_text_value(t, "format", d->format);
		conf_text_end(t);
	}
	if (has_root) {
		unit = xasprintf("acmed-hook@%s.service", c->name);
		conf_text_value(t, "start", unit);
		free(unit);
	}
	add_units(t, c, IMPORT_RELOAD, "reload");
	add_units(t, c, IMPORT_RESTART, "restart");
	conf_text_end(t);
}

static void
add_challenge(struct conf_text *t, const struct import *plan,
    const struct import_cert *c, const char *const *names)
{
	if (c->is_http) {
		conf_text_value(t, "challenge", "http-01");
		conf_text_value(t, "webroot", c->webroot);
	} else {
		conf_text_value(t, "provider", c->provider != IMPORT_NONE ?
		    plan->providers[c->provider].name : plan->provider);
		conf_text_value(t, "challenge_alias", c->alias);
	}
	for (; *names != NULL; names++) {
		const json_t *way = json_object_get(c->ways, *names);

		if (way == NULL)
			continue;
		conf_text_begin(t, "name", *names);
		if (json_is_string(way) != c->is_http)
			conf_text_value(t, "challenge", json_is_string(way) ?
			    "http-01" : "dns-01");
		if (json_is_string(way))
			conf_text_value(t, "webroot", json_string_value(way));
		else
			conf_text_value(t, "provider", plan->providers[
			    json_integer_value(way)].name);
		conf_text_end(t);
	}
}

static void
add_seconds(struct conf_text *t, const char *key, long seconds)
{
	char *text;

	if (seconds <= 0)
		return;
	text = xasprintf("%lds", seconds);
	conf_text_value(t, key, text);
	free(text);
}

static void
add_cert(struct conf_batch *b, const struct import *plan,
    const struct import_cert *c)
{
	char *comment = xasprintf("Imported from %s: %s.", plan->program,
	    c->from);
	const char **names = string_list(json_object_get(c->facts, "names"));
	struct conf_text *t = conf_text_new(comment);

	free(comment);
	conf_text_begin(t, "certificate", c->name);
	conf_text_list(t, "names", names);
	conf_text_value(t, "account", plan->accounts[c->account].name);
	add_challenge(t, plan, c, names);
	conf_text_value(t, "key", jsonx_str(c->facts, "key"));
	if (c->reuse_key)
		conf_text_bool(t, "reuse_key", true);
	conf_text_value(t, "preferred_chain", c->preferred_chain);
	conf_text_value(t, "profile", c->profile);
	if (c->profile_required)
		conf_text_bool(t, "profile_required", true);
	add_seconds(t, "renew_before", c->renew_before_s);
	add_seconds(t, "propagation_delay", c->delay_s);
	add_deploys(t, c);
	conf_text_end(t);
	(void)conf_batch_file(b, c->name, conf_text_take(t));
	free(names);
}

struct conf_batch *
files_batch(const struct import *plan, const char *main_file)
{
	struct conf_batch *b = conf_batch_new(main_file);

	add_shared(b, plan, main_file);
	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];

		if (c->skipped == NULL && !c->is_there)
			add_cert(b, plan, c);
	}
	return b;
}

/* --- root hooks --- */

char *
files_hook_path(const char *main_file, const char *name)
{
	const char *slash = strrchr(main_file, '/');

	return xasprintf("%.*s/root-hooks.d%s%s", slash == NULL ? 1 :
	    (int)(slash - main_file), slash == NULL ? "." : main_file,
	    *name != '\0' ? "/" : "", name);
}

/* Is it there as it is to be? */
static bool
is_there(const char *path, const char *text)
{
	struct error ignored;
	size_t len;
	char *old;
	bool same;

	if (file_read(AT_FDCWD, path, strlen(text), &old, &len, &ignored) ==
	    -1)
		return false;
	same = strcmp(old, text) == 0;
	free(old);
	return same;
}

static int
write_hook(struct import_hook *h, const char *path, struct error *err)
{
	/* Never over one that is there; its mode is not the umask's. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

	if (fd == -1 && errno == EEXIST && is_there(path, h->text))
		return 0;
	if (fd == -1)
		return error_set(err, ERR_CONFIG, "ctl:exists", "%s: %s", path,
		    strerror(errno));
	h->is_written = true;
	if (file_write_all(fd, h->text, strlen(h->text)) == -1 ||
	    fchmod(fd, 0755) == -1 || fsync(fd) == -1) {
		(void)error_errno(err, "%s", path);
		(void)close(fd);
		return -1;
	}
	(void)close(fd);
	return 0;
}

int
files_write_hooks(struct import *plan, const char *main_file,
    struct error *err)
{
	char *path = files_hook_path(main_file, "");
	int rc = 0;

	if (plan->n_hooks > 0)
		rc = file_mkdir(AT_FDCWD, path, 0755, err);
	free(path);
	for (size_t i = 0; rc == 0 && i < plan->n_hooks; i++) {
		path = files_hook_path(main_file, plan->hooks[i].name);
		rc = write_hook(&plan->hooks[i], path, err);
		free(path);
	}
	if (rc == -1)
		files_remove_hooks(plan, main_file);
	return rc;
}

void
files_remove_hooks(const struct import *plan, const char *main_file)
{
	for (size_t i = 0; i < plan->n_hooks; i++) {
		char *path = files_hook_path(main_file, plan->hooks[i].name);

		if (plan->hooks[i].is_written)
			(void)unlink(path);
		free(path);
	}
}
