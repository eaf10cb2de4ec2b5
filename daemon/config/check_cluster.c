/* SPDX-License-Identifier: MIT */
/* cluster { etcd = { ... } ... } */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"

#define LEASE_S		15
#define LEASE_MIN_S	5
#define LEASE_MAX_S	300

static const char *const role_names[] = {
	[CLUSTER_BOTH] = "both",
	[CLUSTER_RENEW] = "renew",
	[CLUSTER_SERVE] = "serve",
};
_Static_assert(sizeof(role_names) / sizeof(role_names[0]) ==
    CLUSTER_ROLE_END, "role_names");

const char *
cluster_role_name(enum cluster_role role)
{
	return role_names[role];
}

static enum cluster_role
check_role(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "role");

	for (int i = 0; v != NULL && i < CLUSTER_ROLE_END; i++) {
		if (strcmp(v->text, role_names[i]) == 0)
			return (enum cluster_role)i;
	}
	if (v != NULL)
		opt_refuse(c->m, sec, "role", v, "both, renew, serve");
	return CLUSTER_BOTH;
}

/* What is renewed by whom is found by it: each has its own. */
static char *
check_name(struct check *c, const struct section *sec)
{
	char *name = opt_text(c->m, sec, "name"), host[DNAME_SIZE];
	struct error err;

	if (name == NULL) {
		dname_of_host(host);
		name = xasprintf("%.100s", host);
	}
	if (object_name_check(name, &err) == -1)
		opt_mistake(c->m, sec, tree_value(sec, "name") != NULL ?
		    tree_value(sec, "name")->line : sec->line, "name: %s",
		    err.msg);
	return name;
}

static char *
check_prefix(struct check *c, const struct section *sec)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/";
	char *text = opt_text(c->m, sec, "prefix");
	size_t n;

	if (text == NULL)
		return xstrdup("/acmed");
	for (n = strlen(text); n > 1 && text[n - 1] == '/'; n--)
		text[n - 1] = '\0';
	if (text[strspn(text, plain)] != '\0' || strcmp(text, "/") == 0)
		opt_refuse(c->m, sec, "prefix", tree_value(sec, "prefix"),
		    "letters, digits, '.', '-', '_' and '/', such as /acmed");
	return text;
}

struct conf_cluster *
check_cluster(struct check *c, const struct section *sec)
{
	struct conf_cluster *k = xcalloc(1, sizeof(*k));

	if (tree_value(sec, "etcd") == NULL)
		opt_mistake(c->m, sec, sec->line, "etcd is missing; allowed: "
		    "etcd = { \"https://HOST:2379\", ... }, the members of "
		    "the etcd cluster");
	k->etcd = check_etcd(c, sec, true);
	if (tree_value(sec, "encrypt_key_file") == NULL)
		opt_mistake(c->m, sec, sec->line, "encrypt_key_file is "
		    "missing; allowed: a file with a secret that all members "
		    "share, such as of openssl rand -hex 32");
	k->secret_file = opt_file(c->m, sec, "encrypt_key_file");
	k->secret = check_shared_secret(c, sec, "encrypt_key_file",
	    k->secret_file);
	k->prefix = check_prefix(c, sec);
	k->name = check_name(c, sec);
	k->role = check_role(c, sec);
	k->lease_s = (int)opt_duration(c->m, sec, "lease", LEASE_MIN_S,
	    LEASE_MAX_S, LEASE_S);
	check_waves(c, sec, &k->waves, &k->n_waves, &k->wave_pause_s);
	return k;
}

static char *
copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

struct conf_cluster *
conf_cluster_copy(const struct conf_cluster *k)
{
	struct conf_cluster *to = xmemdup(k, sizeof(*k));
	const struct conf_etcd *e = k->etcd;
	size_t n = 0;

	while (e->members[n] != NULL)
		n++;
	to->etcd = xmemdup(e, sizeof(*e));
	to->etcd->members = opt_list_new((const char *const *)e->members, n);
	to->etcd->user = copy(e->user);
	to->etcd->password_file = copy(e->password_file);
	to->etcd->ca_file = copy(e->ca_file);
	to->etcd->cert_file = copy(e->cert_file);
	to->etcd->key_file = copy(e->key_file);
	to->prefix = copy(k->prefix);
	to->secret_file = copy(k->secret_file);
	to->secret = copy(k->secret);
	to->name = copy(k->name);
	if (k->waves != NULL)
		to->waves = opt_list_new((const char *const *)k->waves,
		    k->n_waves);
	return to;
}

void
conf_cluster_free(struct conf_cluster *k)
{
	if (k == NULL)
		return;
	check_free_etcd(k->etcd);
	free(k->prefix);
	free(k->secret_file);
	freezero_str(k->secret);
	free(k->name);
	opt_list_free(k->waves);
	free(k);
}
