/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/check_deploy.h"
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
	check_free_deploys(cert);
	opt_list_free(cert->resolvers);
	free(cert->names);
	free(cert->preferred_chain);
	free(cert->name);
	free(cert);
}
