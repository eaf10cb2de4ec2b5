/* SPDX-License-Identifier: MIT */
#include "daemon/config/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/opt.h"

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

/* Where our own answers to a challenge are; socket: systemd's for it. */
static char **
check_listen(struct check *c, const struct section *sec, const char *key,
    const char *socket)
{
	const struct item *item = tree_item(sec, key);
	char *allowed = xasprintf("ADDRESS, ADDRESS:PORT or [IPV6]:PORT, with "
	    "addresses in numbers, or systemd: the sockets of %s", socket);

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const char *text = item->values[i]->text;

		if (!is_address(text) && strcmp(text, "systemd") != 0)
			opt_refuse(c->m, sec, key, item->values[i], allowed);
	}
	free(allowed);
	return opt_list(c->m, sec, key);
}

/* Can only this machine reach it?  s is an address as above. */
static bool
is_loopback(const char *s)
{
	return strncmp(s, "127.", 4) == 0 || strcmp(s, "::1") == 0 ||
	    strncmp(s, "[::1]", 5) == 0;
}

static char **
check_status_listen(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "status_listen");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const struct value *v = item->values[i];

		if (strcmp(v->text, "systemd") == 0)
			continue;
		if (!is_address(v->text))
			opt_refuse(c->m, sec, "status_listen", v,
			    "ADDRESS:PORT or [IPV6]:PORT, with addresses in "
			    "numbers, or systemd: the sockets of "
			    "acmed-status.socket");
		else if (!is_loopback(v->text))
			opt_warn(c->m, sec, v->line, "status_listen = \"%s\": "
			    "other machines can read the status without a "
			    "password; listen on 127.0.0.1 behind a reverse "
			    "proxy that asks for one, or let a firewall "
			    "choose who may connect", v->text);
	}
	return opt_list(c->m, sec, "status_listen");
}

static char **
check_status_hosts(struct check *c, const struct section *sec)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const struct item *item = tree_item(sec, "status_hosts");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const char *text = item->values[i]->text;

		if (text[0] == '\0' || text[strspn(text, allowed)] != '\0')
			opt_refuse(c->m, sec, "status_hosts",
			    item->values[i], "host names such as "
			    "acmed.example.com, without a port");
	}
	return opt_list(c->m, sec, "status_hosts");
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
	if (v == NULL || is_directory(path)) {
		const struct section *where = v != NULL ? file :
		    c->n_files > 0 ? c->files[0] : NULL;

		if (where != NULL)
			check_hooks(c, where, v != NULL ? v->line : 0, path);
		return path;
	}
	if (path[0] == '/')
		opt_refuse(c->m, file, "hooks_dir", v,
		    "a directory that exists, or none");
	free(path);
	return NULL;
}

/* The daemon tells by itself, in its log and its status, when it cannot write
 * it; who only checks is told here. */
static char *
check_textfile(struct check *c)
{
	const struct section *file = file_with(c, "metrics_textfile");
	const struct value *v = tree_value(file, "metrics_textfile");
	char *path = opt_text(c->m, file, "metrics_textfile"), *dir;
	size_t len;

	if (path == NULL)
		return NULL;
	len = strlen(path);
	if (path[0] != '/' || len > 1024 || len < strlen("/a.prom") ||
	    strcmp(path + len - strlen(".prom"), ".prom") != 0) {
		opt_refuse(c->m, file, "metrics_textfile", v, "an absolute "
		    "path that ends in .prom, of at most 1024 bytes");
		return path;
	}
	dir = xasprintf("%.*s", (int)(strrchr(path, '/') - path + 1), path);
	if (c->m->is_shell && access(dir, W_OK | X_OK) == -1)
		opt_warn(c->m, file, v != NULL ? v->line : 0,
		    "metrics_textfile: acmed cannot write in %s: %s", dir,
		    strerror(errno));
	free(dir);
	return path;
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

/* Others keep it as a directory, or a key, of that name. */
static char *
check_host_name(struct check *c)
{
	const struct section *file = file_with(c, "host_name");
	char *name = opt_text(c->m, file, "host_name"), host[DNAME_SIZE];
	struct error err;

	if (name == NULL) {
		dname_of_host(host);
		return xasprintf("%.100s", host);
	}
	if (object_name_check(name, &err) == -1)
		opt_mistake(c->m, file, tree_value(file, "host_name")->line,
		    "host_name: %s", err.msg);
	return name;
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
	conf->http_listen = check_listen(c, file_with(c, "http_listen"),
	    "http_listen", "acmed-http.socket");
	conf->tls_alpn_listen = check_listen(c, file_with(c,
	    "tls_alpn_listen"), "tls_alpn_listen", "acmed-alpn.socket");
	conf->status_listen = check_status_listen(c, file_with(c,
	    "status_listen"));
	conf->status_hosts = check_status_hosts(c, file_with(c,
	    "status_hosts"));
	conf->max_renewals = (unsigned)opt_int(c->m,
	    file_with(c, "max_renewals"), "max_renewals", 1, 1000, 20);
	conf->freezes = check_freeze(c, file_with(c, "freeze"),
	    &conf->n_freezes);
	conf->on_name_failure = check_name_failure(c,
	    file_with(c, "on_name_failure"), NAME_FAILURE_FAIL);
	check_alarm(c, &conf->alarm);
	conf->metrics_textfile = check_textfile(c);
	conf->host_name = check_host_name(c);
	conf->log_level = LOGL_NOTICE;
	file = file_with(c, "log_level");
	v = tree_value(file, "log_level");
	if (v != NULL && log_level_parse(v->text, &conf->log_level) == -1)
		opt_refuse(c->m, file, "log_level", v,
		    "error, warning, notice, info, debug");
}
