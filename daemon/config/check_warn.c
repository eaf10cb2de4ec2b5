/* SPDX-License-Identifier: MIT */
/* What can be used, but is hardly what is meant: warnings. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clouds/cloud.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"

static int
by_title(const void *name, const void *row)
{
	return strcmp(name, ((const struct table_row *)row)->sec->title);
}

static void warn(struct check *, const struct conf_cert *, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static void
warn(struct check *c, const struct conf_cert *cert, const char *fmt, ...)
{
	const struct table_row *row = bsearch(cert->name, c->certs.rows,
	    c->certs.n, sizeof(*row), by_title);
	char *what;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	opt_warn(c->m, row->sec, cert->line, "%s", what);
	free(what);
}

/* Let's Encrypt refuses the order of such a pair. */
static void
warn_covered(struct check *c, const struct conf_cert *cert)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		const char *name = cert->names[i].name;
		const char *wild = conf_wildcard_over(cert, name);

		if (wild != NULL)
			warn(c, cert, "names: \"%s\" is covered by "
			    "\"%s\"; some CAs (Let's Encrypt) refuse "
			    "both in one certificate: leave \"%s\" "
			    "out", name, wild, name);
	}
}

/* --- pairs of certificates --- */

struct names {
	const struct conf_cert *cert;
	char		*text;
};

static int
by_text(const void *a, const void *b)
{
	const struct names *x = a, *y = b;
	int rc = strcmp(x->text, y->text);

	return rc != 0 ? rc : strcmp(x->cert->name, y->cert->name);
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The same for two that a CA sees as one: account, kind of key, names. */
static char *
identity(const struct conf_cert *cert)
{
	const char **list = xcalloc(cert->n_names + 2, sizeof(*list));
	size_t n = cert->n_names + 2, len = 0;
	char *text, *end;

	list[0] = cert->account->name;
	list[1] = cert->csr != NULL ? cert->csr->hash :
	    key_type_name(cert->key);
	for (size_t i = 2; i < n; i++)
		list[i] = cert->names[i - 2].name;
	qsort(list + 2, n - 2, sizeof(*list), by_string);
	for (size_t i = 0; i < n; i++)
		len += strlen(list[i]) + 1;
	end = text = xmalloc(len);
	for (size_t i = 0; i < n; i++) {
		len = strlen(list[i]);
		memcpy(end, list[i], len);
		end[len] = i + 1 < n ? ' ' : '\0';
		end += len + 1;
	}
	free(list);
	return text;
}

static void
warn_same_names(struct check *c)
{
	struct names *all = xcalloc(c->conf->n_certs + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < c->conf->n_certs; i++) {
		const struct conf_cert *cert = c->conf->certs[i];

		if (cert->account == NULL || cert->n_names == 0)
			continue;
		all[n].cert = cert;
		all[n++].text = identity(cert);
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(all[i].text, all[i - 1].text) == 0)
			warn(c, all[i].cert, "it has the same names as "
			    "certificate \"%s\" (%s:%d): two orders for what "
			    "one certificate with several deploy sections "
			    "does; CAs limit how often the same names are "
			    "issued", all[i - 1].cert->name,
			    all[i - 1].cert->file, all[i - 1].cert->line);
	}
	for (size_t i = 0; i < n; i++)
		free(all[i].text);
	free(all);
}

static int
by_name_caseless(const void *a, const void *b)
{
	const struct conf_cert *x = *(const struct conf_cert *const *)a;
	const struct conf_cert *y = *(const struct conf_cert *const *)b;
	int rc = strcasecmp(x->name, y->name);

	return rc != 0 ? rc : strcmp(x->name, y->name);
}

static void
warn_case(struct check *c)
{
	size_t n = c->conf->n_certs;
	const struct conf_cert **all = xcalloc(n + 1, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = c->conf->certs[i];
	if (n > 0)
		qsort(all, n, sizeof(*all), by_name_caseless);
	for (size_t i = 1; i < n; i++) {
		if (strcasecmp(all[i]->name, all[i - 1]->name) == 0 &&
		    strcmp(all[i]->name, all[i - 1]->name) != 0)
			warn(c, all[i], "its name differs from certificate "
			    "\"%s\" (%s:%d) only in upper and lower case; "
			    "they are two certificates", all[i - 1]->name,
			    all[i - 1]->file, all[i - 1]->line);
	}
	free(all);
}

/* --- the file system --- */

/* ENOENT only: what this user may not see may well be there. */
static bool
is_missing(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR);
}

static void
warn_webroots(struct check *c, const struct conf_cert *cert)
{
	const char *told = NULL;

	for (size_t i = 0; i < cert->n_names; i++) {
		const char *path = cert->names[i].webroot;

		if (cert->names[i].challenge != CHALLENGE_HTTP_01 ||
		    path == NULL || (told != NULL && strcmp(path, told) == 0))
			continue;
		told = path;
		if (is_missing(path))
			warn(c, cert, "webroot: there is no directory %s; "
			    "write the one that the web server serves", path);
	}
}

/* Where a request of the CA comes to another member, it finds no answer. */
static void
warn_members(struct check *c)
{
	const struct conf_cluster *k = c->conf->cluster;

	for (size_t i = 0; k != NULL && k->role != CLUSTER_SERVE &&
	    i < c->conf->n_certs; i++) {
		const struct conf_cert *cert = c->conf->certs[i];
		const struct conf_name *name = cert->names;

		for (; cert->realm != NULL && name < cert->names +
		    cert->n_names; name++) {
			if (name->challenge != CHALLENGE_HTTP_01 &&
			    name->challenge != CHALLENGE_TLS_ALPN_01)
				continue;
			warn(c, cert, "challenge = %s in a cluster: the "
			    "member that renews answers, no other; where "
			    "\"%s\" leads to several members, as behind a load "
			    "balancer, use dns-01%s", challenge_type_name(
			    name->challenge), name->name, name->challenge ==
			    CHALLENGE_HTTP_01 ? ", or a webroot that all of "
			    "them share" : "");
			return;		/* the first tells it all */
		}
	}
}

/* Is path in the directory dir, both as check_same_path() has them? */
static bool
is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static void
warn_install(struct check *c, const struct conf_cert *cert,
    const struct conf_deploy *d, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir, *same, *state;

	if (slash == NULL || slash == path)
		return;
	same = check_same_path(path);
	dir = xasprintf("%s/x", c->conf->state_dir);
	state = check_same_path(dir);
	state[strlen(state) - strlen("/x")] = '\0';
	free(dir);
	dir = xstrndup(path, (size_t)(slash - path));
	if (!is_inside(same, state) && is_missing(dir))
		warn(c, cert, "deploy \"%s\": install \"%s\": there is no "
		    "directory %s", d->name, path, dir);
	else if (is_inside(same, state))
		warn(c, cert, "deploy \"%s\": install \"%s\" is in acmed's own "
		    "%s, whose files it replaces; write another directory",
		    d->name, path, c->conf->state_dir);
	free(dir);
	free(state);
	free(same);
}

/* Is it for that domain, as clouds write them: ".example.com" is a wildcard
 * for some?  What is no name is theirs to judge. */
static bool
is_for(const struct conf_cert *cert, const char *domain)
{
	char *text = xasprintf("%s%s", domain[0] == '.' ? "*" : "", domain);
	char name[DNAME_SIZE];
	struct error err;
	bool is_name = dname_normalize(text, false, true, name, &err) == 0;

	free(text);
	for (size_t i = 0; is_name && i < cert->n_names; i++) {
		if (strcmp(cert->names[i].name, name) == 0)
			return true;
	}
	return !is_name || conf_wildcard_over(cert, name) != NULL;
}

/* A certificate from elsewhere has the names that it has. */
static void
warn_domains(struct check *c, const struct conf_cert *cert,
    const struct conf_deploy *d)
{
	const char *const *domains = d->cloud == NULL || cert->source !=
	    NULL || cert->n_names == 0 ? NULL :
	    provider_values_list(d->cloud->values, CLOUD_DOMAINS);

	for (size_t i = 0; domains != NULL && domains[i] != NULL; i++) {
		if (!is_for(cert, domains[i]))
			warn(c, cert, "deploy \"%s\": domains: \"%s\" is not "
			    "in the certificate, so that browsers would "
			    "refuse it there; add it to names, or take it "
			    "out of domains", d->name, domains[i]);
	}
}

static void
warn_deploys(struct check *c, const struct conf_cert *cert)
{
	for (size_t i = 0; i < cert->n_deploys; i++) {
		const struct conf_deploy *d = cert->deploys[i];

		for (size_t j = 0; j < d->n_installs; j++)
			warn_install(c, cert, d, d->installs[j].path);
		warn_domains(c, cert, d);
	}
}

void
check_warnings(struct check *c)
{
	const struct conf *conf = c->conf;

	for (size_t i = 0; i < conf->n_certs; i++) {
		warn_covered(c, conf->certs[i]);
		warn_webroots(c, conf->certs[i]);
		warn_deploys(c, conf->certs[i]);
	}
	warn_same_names(c);
	warn_case(c);
	warn_members(c);
	check_exposed(c);
	if (conf->n_certs == 0 && conf->n_watches == 0 && c->n_files > 0 &&
	    c->files[0] != NULL && !c->is_partial)
		opt_warn(c->m, c->files[0], 0, "there is no certificate; add "
		    "a section certificate \"NAME\" { ... }");
}
