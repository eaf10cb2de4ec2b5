/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"
#include "daemon/store/keys.h"

static bool
is_bracketed(const char *host)
{
	const char *end = strchr(host, ']');

	return end != NULL && (end[1] == '\0' || end[1] == ':');
}

static bool
has_port(const char *host)
{
	const char *end = strrchr(host, ']'), *colon = strrchr(host, ':');

	return colon != NULL && colon[1] != '\0' && (end == NULL ||
	    colon > end);
}

/* What is sent there must be seen by nobody: a password, or what is sealed by
 * nobody. */
static void
check_member(struct check *c, const struct section *sec,
    const struct value *v, bool plain)
{
	const char *host = strstr(v->text, "://"), *colon;

	if (!opt_is_url(v->text, plain) || strpbrk(v->text, "?#@") != NULL ||
	    strchr(host + 3, '/') != NULL)
		opt_refuse(c->m, sec, "etcd", v, plain ? "https://HOST:2379, "
		    "http://HOST:2379" : "https://HOST:2379 (http:// only "
		    "where it is encrypted and without user)");
	else if (host[3] == '[' ? !is_bracketed(host + 3) :
	    (colon = strchr(host + 3, ':')) != NULL &&
	    strchr(colon + 1, ':') != NULL)
		opt_refuse(c->m, sec, "etcd", v, "an IPv6 address in brackets, "
		    "as in https://[2001:db8::1]:2379");
	else if (!has_port(host + 3))
		opt_warn(c->m, sec, v->line, "etcd = \"%.200s\" has no port, "
		    "so that %s is asked; etcd listens on 2379", v->text,
		    v->text[4] == 's' ? "443" : "80");
}

/* Each needs the other. */
static void
check_pair(struct check *c, const struct section *sec, const char *one,
    const char *other)
{
	const struct value *v = tree_value(sec, one);

	if (v != NULL && tree_value(sec, other) == NULL)
		opt_mistake(c->m, sec, v->line, "%s is given without %s; "
		    "allowed: both, or neither", one, other);
}

/* What cannot be read is told by opt_pem_file(). */
static void
check_client(struct check *c, const struct section *sec,
    const struct conf_etcd *e)
{
	struct error err;

	if (e->cert_file == NULL || e->key_file == NULL ||
	    access(e->cert_file, R_OK) == -1 ||
	    access(e->key_file, R_OK) == -1)
		return;
	if (key_files_check(e->cert_file, e->key_file, &err) == -1)
		opt_mistake(c->m, sec, tree_value(sec, "key_file")->line,
		    "cert_file and key_file: %s", err.msg);
}

struct conf_etcd *
check_etcd(struct check *c, const struct section *sec, bool is_sealed)
{
	struct conf_etcd *e = xcalloc(1, sizeof(*e));
	const struct item *item = tree_item(sec, "etcd");
	bool plain = is_sealed && tree_value(sec, "user") == NULL;
	struct error err;
	char *password;

	e->members = opt_list(c->m, sec, "etcd");
	for (size_t i = 0; item != NULL && i < item->n; i++)
		check_member(c, sec, item->values[i], plain);
	e->user = opt_text(c->m, sec, "user");
	e->password_file = opt_file(c->m, sec, "password_file");
	e->ca_file = opt_ca_file(c->m, sec);
	e->cert_file = opt_pem_file(c->m, sec, "cert_file");
	e->key_file = opt_pem_file(c->m, sec, "key_file");
	check_pair(c, sec, "user", "password_file");
	check_pair(c, sec, "password_file", "user");
	check_pair(c, sec, "cert_file", "key_file");
	check_pair(c, sec, "key_file", "cert_file");
	check_client(c, sec, e);
	if (e->password_file == NULL)
		return e;
	if (file_read_secret(e->password_file, FILE_SECRET_MAX, &password,
	    &err) == -1) {
		opt_mistake(c->m, sec, tree_value(sec, "password_file")->line,
		    "password_file: %s", err.msg);
		return e;
	}
	check_hash_secret(c, password);
	freezero_str(password);
	return e;
}

void
check_free_etcd(struct conf_etcd *e)
{
	if (e == NULL)
		return;
	opt_list_free(e->members);
	free(e->user);
	free(e->password_file);
	free(e->ca_file);
	free(e->cert_file);
	free(e->key_file);
	free(e);
}
