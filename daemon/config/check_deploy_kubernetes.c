/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define TOKEN_MAX	16384
#define NAME_MAX_LEN	253		/* of an object of Kubernetes */
#define IN_CLUSTER	"in-cluster"
#define IN_CLUSTER_DIR	"/var/run/secrets/kubernetes.io/serviceaccount/"

/* Where the API is for a pod; NULL if this is none. */
static char *
cluster_url(void)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");

	if (host == NULL || host[0] == '\0')
		return NULL;
	if (port == NULL || port[0] == '\0')
		port = "443";
	return strchr(host, ':') != NULL ? xasprintf("https://[%s]:%s",
	    host, port) : xasprintf("https://%s:%s", host, port);
}

static void
check_url(struct check *c, const struct section *sub,
    struct conf_kubernetes *k)
{
	size_t n;

	if (strcmp(sub->title, IN_CLUSTER) == 0) {
		k->url = cluster_url();
		if (k->url == NULL)
			opt_mistake(c->m, sub, sub->line, "this is not a pod "
			    "of Kubernetes (KUBERNETES_SERVICE_HOST is not "
			    "set); allowed: kubernetes \"https://HOST:PORT\" "
			    "{ ... }");
		return;
	}
	k->url = xstrdup(sub->title);
	if (!opt_is_url(k->url, false) || strpbrk(k->url, "?#@") != NULL)
		opt_mistake(c->m, sub, sub->line, "allowed: kubernetes "
		    "\"https://HOST:PORT\" { ... }, or \"" IN_CLUSTER "\"");
	for (n = strlen(k->url); n > 0 && k->url[n - 1] == '/'; n--)
		k->url[n - 1] = '\0';
}

/* A file that is named, or that every pod has. */
static char *
file_or(struct check *c, const struct section *sub, const char *key,
    const char *in_cluster)
{
	char *file = opt_file(c->m, sub, key);

	if (file == NULL && tree_value(sub, key) == NULL &&
	    strcmp(sub->title, IN_CLUSTER) == 0)
		file = xasprintf(IN_CLUSTER_DIR "%s", in_cluster);
	return file;
}

/* A name of Kubernetes (RFC 1123), with dots or without. */
static bool
is_name(const char *s, bool dots)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t n = strlen(s);

	return n > 0 && n <= (dots ? NAME_MAX_LEN : 63) &&
	    s[strspn(s, plain)] == '\0' && s[0] != '-' && s[0] != '.' &&
	    s[n - 1] != '-' && s[n - 1] != '.' &&
	    (dots || strchr(s, '.') == NULL);
}

static char *
cluster_namespace(const struct section *sub)
{
	struct error err;
	char *text;

	size_t len;

	if (strcmp(sub->title, IN_CLUSTER) != 0 || file_read(AT_FDCWD,
	    IN_CLUSTER_DIR "namespace", NAME_MAX_LEN, &text, &len,
	    &err) == -1)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void
check_names(struct check *c, const struct section *sub,
    struct conf_kubernetes *k)
{
	static const char rule[] = "lower-case letters, digits and '-', not "
	    "at the ends";

	k->namespace = opt_text(c->m, sub, "namespace");
	if (tree_value(sub, "namespace") == NULL)
		k->namespace = cluster_namespace(sub);
	k->secret = opt_text(c->m, sub, "secret");
	if (k->namespace == NULL && tree_value(sub, "namespace") == NULL)
		opt_mistake(c->m, sub, sub->line, "namespace is missing");
	else if (k->namespace != NULL && !is_name(k->namespace, false))
		opt_refuse(c->m, sub, "namespace",
		    tree_value(sub, "namespace"), rule);
	if (tree_value(sub, "secret") == NULL)
		opt_mistake(c->m, sub, sub->line, "secret is missing: the "
		    "name of a Secret of type kubernetes.io/tls");
	else if (k->secret != NULL && !is_name(k->secret, true))
		opt_refuse(c->m, sub, "secret", tree_value(sub, "secret"),
		    rule);
	if (k->secret != NULL && k->namespace != NULL) {
		char *place = xasprintf("%s %s", sub->title, k->namespace);

		check_claim(c, sub, "Secret", place, k->secret);
		free(place);
	}
}

/* KEY=VALUE; what exactly they may be, the API server knows best. */
static void
check_labels(struct check *c, const struct section *sub,
    struct conf_kubernetes *k)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/=";

	k->labels = opt_list(c->m, sub, "labels");
	for (char **p = k->labels; *p != NULL; p++) {
		const char *equals = strchr(*p, '=');

		if (equals == NULL || equals == *p ||
		    strpbrk(equals + 1, "=/") != NULL ||
		    (*p)[strspn(*p, plain)] != '\0')
			opt_mistake(c->m, sub, tree_value(sub, "labels")->line,
			    "labels: \"%s\"; allowed: \"KEY=VALUE\"", *p);
	}
}

void
check_deploy_kubernetes(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "kubernetes");
	struct conf_kubernetes *k = d->kubernetes = xcalloc(1, sizeof(*k));
	const struct value *v = tree_value(sub, "token_file");
	struct error err;
	char *secret;
	size_t len;
	int rc;

	check_url(c, sub, k);
	check_names(c, sub, k);
	check_labels(c, sub, k);
	k->token_file = file_or(c, sub, "token_file", "token");
	k->ca_file = file_or(c, sub, "ca_file", "ca.crt");
	if (k->token_file == NULL) {
		if (v == NULL)
			opt_mistake(c->m, sub, sub->line, "token_file is "
			    "missing: a file with the token of a service "
			    "account");
		return;
	}
	k->token_is_open = v == NULL;
	rc = k->token_is_open ? file_read(AT_FDCWD, k->token_file, TOKEN_MAX,
	    &secret, &len, &err) : file_read_secret(k->token_file, TOKEN_MAX,
	    &secret, &err);
	if (rc == -1)
		opt_absent(c->m, sub, v != NULL ? v->line : sub->line,
		    "token_file: %s", err.msg);
	else
		freezero_str(secret);
}

void
check_free_deploy_kubernetes(struct conf_deploy *d)
{
	struct conf_kubernetes *k = d->kubernetes;

	if (k == NULL)
		return;
	free(k->url);
	free(k->namespace);
	free(k->secret);
	free(k->token_file);
	free(k->ca_file);
	opt_list_free(k->labels);
	free(k);
}
