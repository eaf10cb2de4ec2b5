/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"

#define NAMES_MAX 100
#define DAY 86400

static struct conf_name *
find_name(const struct conf_cert *cert, const char *name)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		if (strcmp(cert->names[i].name, name) == 0)
			return &cert->names[i];
	}
	return NULL;
}

static void
add_name(struct check *c, const struct section *sec, struct conf_cert *cert,
    const char *text, int line, const char *key)
{
	char name[DNAME_SIZE];
	struct error err;

	if (dname_normalize(text, true, true, name, &err) == -1)
		opt_mistake(c->m, sec, line, "%s: %s", key, err.msg);
	else if (find_name(cert, name) != NULL)
		opt_mistake(c->m, sec, line, "%s: \"%s\" is given twice; "
		    "allowed: once", key, name);
	else
		cert->names[cert->n_names++].name = xstrdup(name);
}

static void
check_names(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct item *item = tree_item(sec, "names");
	size_t n = item != NULL ? item->n : 1;
	char name[DNAME_SIZE];
	struct error err;

	if (item != NULL && n == 0)
		opt_mistake(c->m, sec, sec->line, "names = { }; allowed: 1 "
		    "to %d names", NAMES_MAX);
	if (n > NAMES_MAX) {
		opt_mistake(c->m, sec, item->values[NAMES_MAX]->line,
		    "found %zu names; allowed: 1 to %d", n, NAMES_MAX);
		n = NAMES_MAX;
	}
	cert->names = xcalloc(n + 1, sizeof(*cert->names));
	for (size_t i = 0; item != NULL && i < n; i++)
		add_name(c, sec, cert, item->values[i]->text,
		    item->values[i]->line, "names");
	if (item != NULL)
		return;
	if (dname_normalize(sec->title, true, false, name, &err) == -1)
		opt_mistake(c->m, sec, sec->line, "names is missing, and the "
		    "certificate's own name is no domain name");
	else
		cert->names[cert->n_names++].name = xstrdup(name);
}

/* Values may hold anything here, also newlines. */
static void
check_exec(struct check *c, const struct section *sec, struct conf_deploy *d)
{
	const struct item *item = tree_item(sec, "exec");
	size_t n = item != NULL ? item->n : 0;
	const char *argv0 = n > 0 ? item->values[0]->text : NULL;

	d->exec = xcalloc(n + 1, sizeof(*d->exec));
	for (size_t i = 0; i < n; i++)
		d->exec[i] = xstrdup(item->values[i]->text);
	if (n == 0)
		opt_mistake(c->m, sec, sec->line, "exec is missing; allowed: "
		    "exec = { \"PROGRAM\", \"ARGUMENT\", ... }");
	else if (argv0[0] == '\0' ||
	    (argv0[0] != '/' && strchr(argv0, '/') != NULL))
		opt_refuse(c->m, sec, "exec", item->values[0],
		    "an absolute path, or the name of a program in the "
		    "search path");
	else if (n == 1 && strchr(argv0, ' ') != NULL)
		opt_refuse(c->m, sec, "exec", item->values[0],
		    "program and arguments one by one, as in { \"systemctl\","
		    " \"reload\", \"nginx\" }; there is no shell");
}

static void
check_deploys(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	struct error err;

	cert->deploys = xcalloc(sec->n_subs + 1, sizeof(*cert->deploys));
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];
		struct conf_deploy *d = &cert->deploys[cert->n_deploys];

		if (strcmp(sub->kind, "deploy") != 0)
			continue;
		if (object_name_check(sub->title, &err) == -1)
			opt_mistake(c->m, sub, sub->line, "%s", err.msg);
		for (size_t j = 0; j < cert->n_deploys; j++) {
			if (strcmp(cert->deploys[j].name, sub->title) == 0)
				opt_mistake(c->m, sub, sub->line, "it is "
				    "given twice; allowed: once");
		}
		d->name = xstrdup(sub->title);
		check_exec(c, sub, d);
		d->timeout_s = (unsigned)opt_duration(c->m, sub, "timeout", 1,
		    3600, 120);
		cert->n_deploys++;
	}
}

struct conf_cert *
check_cert(struct check *c, const struct section *sec)
{
	struct conf_cert *cert = xcalloc(1, sizeof(*cert));

	cert->name = xstrdup(sec->title);
	cert->file = sec->src->path;
	cert->line = sec->line;
	check_names(c, sec, cert);
	cert->account = check_reference(c, sec, "account", &c->accounts);
	check_cert_dns(c, sec, cert);
	cert->key = opt_key_type(c->m, sec, "key");
	cert->reuse_key = opt_bool(c->m, sec, "reuse_key", false);
	cert->renew_before_s = opt_duration(c->m, sec, "renew_before", 3600,
	    365 * DAY, 30 * DAY);
	cert->preferred_chain = opt_text(c->m, sec, "preferred_chain");
	check_deploys(c, sec, cert);
	return cert;
}

void
check_free_cert(struct conf_cert *cert)
{
	if (cert == NULL)
		return;
	for (size_t i = 0; i < cert->n_names; i++) {
		free(cert->names[i].name);
		free(cert->names[i].challenge_alias);
	}
	for (size_t i = 0; i < cert->n_deploys; i++) {
		free(cert->deploys[i].name);
		opt_list_free(cert->deploys[i].exec);
	}
	opt_list_free(cert->resolvers);
	free(cert->names);
	free(cert->deploys);
	free(cert->preferred_chain);
	free(cert->name);
	free(cert);
}
