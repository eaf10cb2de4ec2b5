/* SPDX-License-Identifier: MIT */
/* Where the records of a certificate's names go, and who sees them. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"
#include "providers/provider.h"

#define DAY 86400

static const char *const propagation_names[] = {
	[PROPAGATION_AUTHORITATIVE] = "authoritative",
	[PROPAGATION_RESOLVERS] = "resolvers",
	[PROPAGATION_BOTH] = "both",
	[PROPAGATION_NONE] = "none",
};
_Static_assert(sizeof(propagation_names) / sizeof(propagation_names[0]) ==
    PROPAGATION_END, "propagation_names");

void *
check_reference(struct check *c, const struct section *sec, const char *key,
    const struct table *t)
{
	return check_reference_value(c, sec, key, tree_value(sec, key), t);
}

void *
check_reference_value(struct check *c, const struct section *sec,
    const char *key, const struct value *v, const struct table *t)
{
	void *found = v != NULL ? table_find(t, v->text) : NULL;
	char *hint;

	if (found != NULL)
		return found;
	if (v == NULL && t->n == 1)
		return t->rows[0].object;
	if (c->is_partial)
		return NULL;
	hint = table_hint(t, v != NULL ? v->text : "");
	if (v != NULL)
		opt_mistake(c->m, sec, v->line, "%s = \"%.200s\" is not "
		    "defined%s", key, v->text, hint);
	else
		opt_mistake(c->m, sec, sec->line, "%s is missing%s", key,
		    hint);
	free(hint);
	return NULL;
}

/* The name of a TXT record, on the heap; NULL if there is none. */
static char *
check_alias(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "challenge_alias");
	char name[DNAME_SIZE];
	struct error err;

	if (v == NULL)
		return NULL;
	if (dname_normalize(v->text, false, false, name, &err) == 0)
		return xstrdup(name);
	opt_mistake(c->m, sec, v->line, "challenge_alias: %s", err.msg);
	return NULL;
}

/* name "www.example.org" { provider = "other" } */
static void
check_name_section(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	struct conf_name *found = NULL;
	char name[DNAME_SIZE];
	struct error err;

	if (!address_normalize(sec->title, name) &&
	    dname_normalize(sec->title, true, true, name, &err) == -1) {
		opt_mistake(c->m, sec, sec->line, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < cert->n_names; i++) {
		if (strcmp(cert->names[i].name, name) == 0)
			found = &cert->names[i];
	}
	if (found == NULL) {
		opt_mistake(c->m, sec, sec->line, "it is not one of the "
		    "certificate's names");
		return;
	}
	if (found->has_section) {
		opt_mistake(c->m, sec, sec->line, "it is given twice; "
		    "allowed: once");
		return;
	}
	found->has_section = true;
	found->challenge_alias = check_alias(c, sec);
	check_name_challenge(c, sec, found);
	if (tree_value(sec, "provider") != NULL) {
		found->provider = check_reference(c, sec, "provider",
		    &c->providers);
		found->has_own_provider = true;
	} else if (tree_value(sec, "challenge_alias") == NULL &&
	    tree_value(sec, "challenge") == NULL &&
	    tree_value(sec, "webroot") == NULL) {
		opt_mistake(c->m, sec, sec->line, "it says nothing; allowed: "
		    "challenge, webroot, provider, challenge_alias");
	}
}

static void
check_providers(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct conf_provider *fallback = NULL;
	size_t missing = 0;

	for (size_t i = 0; i < cert->n_names; i++)
		missing += challenge_is_txt(cert->names[i].challenge) &&
		    !cert->names[i].has_own_provider;
	/* Not needed if every name has its own, or needs none. */
	if (missing > 0 || tree_value(sec, "provider") != NULL)
		fallback = check_reference(c, sec, "provider",
		    &c->providers);
	for (size_t i = 0; i < cert->n_names; i++) {
		if (!cert->names[i].has_own_provider)
			cert->names[i].provider = fallback;
	}
	if (tree_value(sec, "alias_provider") != NULL)
		cert->alias_provider = check_reference(c, sec,
		    "alias_provider", &c->providers);
}

static enum propagation
check_propagation(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "propagation");

	for (int i = 0; v != NULL && i < PROPAGATION_END; i++) {
		if (strcmp(propagation_names[i], v->text) == 0)
			return (enum propagation)i;
	}
	if (v != NULL)
		opt_refuse(c->m, sec, "propagation", v,
		    "authoritative, resolvers, both, none");
	return PROPAGATION_AUTHORITATIVE;
}

/* Some vendors are slow, and say so. */
static int64_t
usual_propagation(const struct conf_cert *cert)
{
	int64_t most = 600;

	for (size_t i = 0; i <= cert->n_names; i++) {
		const struct conf_provider *p = i < cert->n_names ?
		    cert->names[i].provider : cert->alias_provider;

		if (p != NULL && p->type != NULL &&
		    p->type->propagation_s > most)
			most = p->type->propagation_s;
	}
	return most;
}

void
check_cert_dns(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	char *alias;

	check_cert_challenge(c, sec, cert);
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, "name") == 0)
			check_name_section(c, sec->subs[i], cert);
	}
	check_challenges_end(c, sec, cert);
	check_providers(c, sec, cert);
	alias = check_alias(c, sec);
	for (size_t i = 0; alias != NULL && i < cert->n_names; i++) {
		if (cert->names[i].challenge_alias == NULL)
			cert->names[i].challenge_alias = xstrdup(alias);
	}
	free(alias);
	for (size_t i = 0; i < cert->n_names; i++)
		check_name_length(c, sec, &cert->names[i]);
	cert->follow_cname = opt_bool(c->m, sec, "follow_cname", true);
	cert->resolvers = check_resolvers(c, sec);
	cert->propagation = check_propagation(c, sec);
	cert->propagation_timeout_s = (int)opt_duration(c->m, sec,
	    "propagation_timeout", 1, DAY, usual_propagation(cert));
	cert->propagation_delay_s = (int)opt_duration(c->m, sec,
	    "propagation_delay", 0, DAY, 0);
}
