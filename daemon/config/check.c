/* SPDX-License-Identifier: MIT */
#include "daemon/config/check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_notify.h"
#include "daemon/config/opt.h"
#include "daemon/config/schema.h"

/* The file that sets a global key; more than one is a mistake. */
static const struct section *
file_with(struct check *c, const char *key)
{
	static const struct section nothing;
	const struct section *found = NULL;

	for (size_t i = 0; i < c->n_files; i++) {
		const struct section *file = c->files[i];
		const struct value *v, *first;

		if (file == NULL || file->n_items == 0 ||
		    tree_item(file, key) == NULL)
			continue;
		if (found == NULL) {
			found = file;
			continue;
		}
		v = tree_value(file, key);
		first = tree_value(found, key);
		opt_mistake(c->m, file, v != NULL ? v->line : 0,
		    "%s is given twice, first in %s:%d; allowed: once", key,
		    found->src->path, first != NULL ? first->line : 0);
	}
	return found != NULL ? found : &nothing;
}

static bool
is_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 5 && s[n] == '\0' && strtol(s, NULL, 10) >= 1 &&
	    strtol(s, NULL, 10) <= 65535;
}

/* "ADDRESS", "ADDRESS:PORT", "[V6]", "[V6]:PORT"; a scope is not accepted. */
static bool
is_address(const char *s)
{
	unsigned char addr[sizeof(struct in6_addr)];
	char host[64];
	const char *end;

	if (inet_pton(AF_INET, s, addr) == 1 ||
	    inet_pton(AF_INET6, s, addr) == 1)
		return true;
	if (s[0] == '[') {
		end = strchr(s, ']');
		if (end == NULL || !text_printf(host, sizeof(host), "%.*s",
		    (int)(end - s - 1), s + 1) ||
		    inet_pton(AF_INET6, host, addr) != 1)
			return false;
		return end[1] == '\0' || (end[1] == ':' && is_port(end + 2));
	}
	end = strrchr(s, ':');
	return end != NULL && text_printf(host, sizeof(host), "%.*s",
	    (int)(end - s), s) && inet_pton(AF_INET, host, addr) == 1 &&
	    is_port(end + 1);
}

static char **
check_http_listen(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "http_listen");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const char *text = item->values[i]->text;

		if (!is_address(text) && strcmp(text, "systemd") != 0)
			opt_refuse(c->m, sec, "http_listen", item->values[i],
			    "ADDRESS, ADDRESS:PORT or [IPV6]:PORT, with "
			    "addresses in numbers, or systemd: the sockets of "
			    "acmed-http.socket");
	}
	return opt_list(c->m, sec, "http_listen");
}

char **
check_resolvers(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "resolvers");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		if (!is_address(item->values[i]->text))
			opt_refuse(c->m, sec, "resolvers", item->values[i],
			    "ADDRESS, ADDRESS:PORT or [IPV6]:PORT, with "
			    "addresses in numbers");
	}
	return opt_list(c->m, sec, "resolvers");
}

/* An absolute path of at most max bytes, or the fallback. */
static char *
check_path(struct check *c, const char *key, size_t max,
    const char *fallback)
{
	const struct section *file = file_with(c, key);
	char *path = opt_text(c->m, file, key), allowed[80];

	if (path == NULL)
		return xstrdup(fallback);
	(void)text_printf(allowed, sizeof(allowed),
	    "an absolute path of at most %zu bytes", max);
	if (path[0] != '/' || strlen(path) > max)
		opt_refuse(c->m, file, key, tree_value(file, key), allowed);
	return path;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The default may be missing, and may be made later; what somebody wrote may
 * not. */
static char *
check_hooks_dir(struct check *c)
{
	const struct section *file = file_with(c, "hooks_dir");
	const struct value *v = tree_value(file, "hooks_dir");
	char *path;

	if (v != NULL && strcmp(v->text, "none") == 0)
		return NULL;
	path = check_path(c, "hooks_dir", 1024, SYSCONFDIR "/acmed/hooks");
	if (v == NULL || is_directory(path))
		return path;
	if (v != NULL && path[0] == '/')
		opt_refuse(c->m, file, "hooks_dir", v,
		    "a directory that exists, or none");
	free(path);
	return NULL;
}

/* "HH:MM" as seconds. */
static int
check_time_of_day(struct check *c, const char *key, int fallback)
{
	const struct section *file = file_with(c, key);
	const struct value *v = tree_value(file, key);
	int hour, minute, end = 0;

	if (v == NULL)
		return fallback;
	if (sscanf(v->text, "%2d:%2d%n", &hour, &minute, &end) == 2 &&
	    v->text[end] == '\0' && hour >= 0 && hour < 24 && minute >= 0 &&
	    minute < 60)
		return hour * 3600 + minute * 60;
	opt_refuse(c->m, file, key, v, "a time of day such as 08:00");
	return fallback;
}

static void
check_alarm(struct check *c, struct conf_alarm *a)
{
	a->after_tries = (unsigned)opt_int(c->m,
	    file_with(c, "alarm_after_tries"), "alarm_after_tries", 1, 100,
	    3);
	a->gather_s = opt_duration(c->m, file_with(c, "alarm_gather"),
	    "alarm_gather", 0, 3600, 30);
	a->repeat_s = opt_duration(c->m, file_with(c, "alarm_repeat"),
	    "alarm_repeat", 60, 365 * 86400, 86400);
	a->digest_at_s = check_time_of_day(c, "digest_at", 8 * 3600);
}

void
check_globals(struct check *c)
{
	struct conf *conf = c->conf;
	const struct section *file;
	const struct value *v;

	conf->state_dir = check_path(c, "state_dir", 1024, "/var/lib/acmed");
	conf->control_socket = check_path(c, "control_socket",
	    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
	    "/run/acmed/acmed.sock");
	conf->hooks_dir = check_hooks_dir(c);
	conf->resolvers = check_resolvers(c, file_with(c, "resolvers"));
	conf->http_listen = check_http_listen(c, file_with(c,
	    "http_listen"));
	conf->max_renewals = (unsigned)opt_int(c->m,
	    file_with(c, "max_renewals"), "max_renewals", 1, 1000, 20);
	check_alarm(c, &conf->alarm);
	conf->log_level = LOGL_NOTICE;
	file = file_with(c, "log_level");
	v = tree_value(file, "log_level");
	if (v != NULL && log_level_parse(v->text, &conf->log_level) == -1)
		opt_refuse(c->m, file, "log_level", v,
		    "error, warning, notice, info, debug");
}

/* Call what for every section of a kind. */
static void
each(struct check *c, const char *kind,
    void (*what)(struct check *, struct section *))
{
	for (size_t i = 0; i < c->n_files; i++) {
		const struct section *file = c->files[i];

		for (size_t j = 0; file != NULL && j < file->n_subs; j++) {
			if (strcmp(file->subs[j]->kind, kind) == 0)
				what(c, file->subs[j]);
		}
	}
}

static void
check_title(struct check *c, const struct section *sec)
{
	struct error err;

	if (object_name_check(sec->title, &err) == -1)
		opt_mistake(c->m, sec, sec->line, "%s", err.msg);
}

static void
add_account(struct check *c, struct section *sec)
{
	struct conf_account *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_account(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->accounts, sec, object);
}

static void
add_provider(struct check *c, struct section *sec)
{
	struct conf_provider *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_provider(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->providers, sec, object);
}

static void
add_repository(struct check *c, struct section *sec)
{
	struct conf_repository *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_repository(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->repositories, sec, object);
}

static bool
is_no_deploy(const char *key)
{
	return strcmp(key, "deploy") != 0;
}

static void
add_cert(struct check *c, struct section *sec)
{
	struct conf_cert *object;

	check_title(c, sec);
	object = check_cert(c, sec);
	object->hash = check_hash(sec, is_no_deploy);
	table_add(&c->certs, sec, object);
	tree_strip(sec);		/* the next one uses the memory */
}

static void
add_notify(struct check *c, struct section *sec)
{
	struct conf_notify *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_notify(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->notifies, sec, object);
}

static void
take_notifies(struct conf *conf, const struct table *t)
{
	conf->notifies = xcalloc(t->n + 1, sizeof(*conf->notifies));
	for (; conf->n_notifies < t->n; conf->n_notifies++)
		conf->notifies[conf->n_notifies] =
		    t->rows[conf->n_notifies].object;
}

static void
take_accounts(struct conf *conf, const struct table *t)
{
	conf->accounts = xcalloc(t->n + 1, sizeof(*conf->accounts));
	for (; conf->n_accounts < t->n; conf->n_accounts++)
		conf->accounts[conf->n_accounts] =
		    t->rows[conf->n_accounts].object;
}

static void
take_providers(struct conf *conf, const struct table *t)
{
	conf->providers = xcalloc(t->n + 1, sizeof(*conf->providers));
	for (; conf->n_providers < t->n; conf->n_providers++)
		conf->providers[conf->n_providers] =
		    t->rows[conf->n_providers].object;
}

static void
take_repositories(struct conf *conf, const struct table *t)
{
	conf->repositories = xcalloc(t->n + 1, sizeof(*conf->repositories));
	for (; conf->n_repositories < t->n; conf->n_repositories++)
		conf->repositories[conf->n_repositories] =
		    t->rows[conf->n_repositories].object;
}

static void
take_certs(struct conf *conf, const struct table *t)
{
	conf->certs = xcalloc(t->n + 1, sizeof(*conf->certs));
	for (; conf->n_certs < t->n; conf->n_certs++)
		conf->certs[conf->n_certs] = t->rows[conf->n_certs].object;
}

void
check_all(struct check *c)
{
	struct conf *conf = c->conf;

	check_globals(c);
	each(c, "account", add_account);
	table_sort(&c->accounts, c->m);
	take_accounts(conf, &c->accounts);
	each(c, "provider", add_provider);
	table_sort(&c->providers, c->m);
	take_providers(conf, &c->providers);
	each(c, "repository", add_repository);
	table_sort(&c->repositories, c->m);
	take_repositories(conf, &c->repositories);
	each(c, "certificate", add_cert);
	table_sort(&c->certs, c->m);
	take_certs(conf, &c->certs);
	each(c, "notify", add_notify);
	table_sort(&c->notifies, c->m);
	take_notifies(conf, &c->notifies);
	check_warnings(c);
	check_free_claims(c);
	table_clear(&c->notifies);
	table_clear(&c->accounts);
	table_clear(&c->providers);
	table_clear(&c->repositories);
	table_clear(&c->certs);
}
