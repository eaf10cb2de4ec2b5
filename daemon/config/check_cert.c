/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_csr.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_host.h"
#include "daemon/config/check_profile.h"
#include "daemon/config/directories.h"
#include "daemon/config/opt.h"
#include "daemon/store/csr.h"

#define NAMES_MAX 100
#define DAY 86400

/* The names as they are read. */
struct names {
	char		(*list)[DNAME_SIZE];
	unsigned	 n;
};

static void
add_name(struct check *c, const struct section *sec, struct names *names,
    const struct value *v)
{
	char *name = names->list[names->n];
	struct error err;

	if (!address_normalize(v->text, name) &&
	    dname_normalize(v->text, true, true, name, &err) == -1) {
		opt_mistake(c->m, sec, v->line, "names: %s", err.msg);
		return;
	}
	for (unsigned i = 0; i < names->n; i++) {
		if (strcmp(names->list[i], name) != 0)
			continue;
		opt_mistake(c->m, sec, v->line, "names: \"%s\" is given "
		    "twice; allowed: once", name);
		return;
	}
	names->n++;
}

/* There may be 100,000 certificates: their names are one block each. */
static void
keep_names(struct conf_cert *cert, const char *title,
    const struct names *names)
{
	size_t len = names->n * sizeof(*cert->names) + strlen(title) + 1;
	char *end;

	for (unsigned i = 0; i < names->n; i++)
		len += strlen(names->list[i]) + 1;
	cert->names = xcalloc(1, len);
	cert->n_names = names->n;
	cert->name = (char *)(cert->names + names->n);
	end = stpcpy(cert->name, title) + 1;
	for (unsigned i = 0; i < names->n; i++) {
		cert->names[i].name = end;
		end = stpcpy(end, names->list[i]) + 1;
	}
}

static void
check_names(struct check *c, const struct section *sec,
    struct conf_cert *cert, bool may_have_none, const struct csr *csr)
{
	const struct item *item = tree_item(sec, "names");
	size_t n = item != NULL ? item->n : csr->n_names > 0 ? csr->n_names : 1;
	struct names names = { .n = 0 };
	struct error err;

	if (item != NULL && n == 0)
		opt_mistake(c->m, sec, sec->line, "names = { }; allowed: 1 "
		    "to %d names", NAMES_MAX);
	if (n > NAMES_MAX) {
		opt_mistake(c->m, sec, item->values[NAMES_MAX]->line,
		    "found %zu names; allowed: 1 to %d", n, NAMES_MAX);
		n = NAMES_MAX;
	}
	names.list = xcalloc(n, sizeof(*names.list));
	for (size_t i = 0; item != NULL && i < n; i++)
		add_name(c, sec, &names, item->values[i]);
	for (size_t i = 0; item == NULL && i < csr->n_names; i++)
		(void)text_printf(names.list[names.n++], DNAME_SIZE, "%s",
		    csr->names[i]);
	if (item == NULL && csr->n_names > 0)
		;
	else if (item == NULL && may_have_none)
		names.n = 0;
	else if (item == NULL &&
	    !address_normalize(sec->title, names.list[0]) &&
	    dname_normalize(sec->title, true, false, names.list[0],
	    &err) == -1)
		opt_mistake(c->m, sec, sec->line, "names is missing, and the "
		    "certificate's own name is not a domain name");
	else if (item == NULL)
		names.n = 1;
	keep_names(cert, sec->title, &names);
	free(names.list);
}

enum name_failure
check_name_failure(struct check *c, const struct section *sec,
    enum name_failure fallback)
{
	static const char *const words[] = {
		[NAME_FAILURE_FAIL] = "fail",
		[NAME_FAILURE_SHRINK] = "shrink",
	};
	const struct value *v = tree_value(sec, "on_name_failure");

	_Static_assert(sizeof(words) / sizeof(words[0]) == NAME_FAILURE_END,
	    "words");
	for (int i = 0; v != NULL && i < NAME_FAILURE_END; i++) {
		if (strcmp(words[i], v->text) == 0)
			return (enum name_failure)i;
	}
	if (v != NULL)
		opt_refuse(c->m, sec, "on_name_failure", v, "fail, shrink");
	return fallback;
}

/* Another host proves the names and makes the key: what is about that has no
 * meaning here. */
static void
refuse_foreign(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const char *with, const char *why)
{
	static const char *const foreign[] = { "key", "key_source",
	    "account", "provider", "reuse_key", "preferred_chain", "profile",
	    "profile_required", "challenge", "challenge_alias", "csr",
	    "alias_provider", "follow_cname", "propagation",
	    "propagation_timeout", "propagation_delay", "resolvers" };

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const struct item *item = tree_item(sec, foreign[i]);

		if (i < 2 && cert->keeps_key)
			continue;
		if (item != NULL)
			opt_mistake(c->m, sec, item->n > 0 ?
			    item->values[0]->line : sec->line, "%s is not "
			    "for a certificate with %s: %s", foreign[i], with,
			    why);
	}
}

static void
check_source(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	cert->source = check_reference(c, sec, "source", &c->repositories);
	cert->poll_s = (int)opt_duration(c->m, sec, "poll", 5, DAY, 3600);
	if (cert->source != NULL && cert->source->to_hosts)
		opt_mistake(c->m, sec, tree_value(sec, "source")->line,
		    "source: repository \"%s\" has encrypt_to, which is to "
		    "publish only; allowed: one with host_key_file, or "
		    "encrypt_key_file", cert->source->name);
	check_keeps_key(c, sec, cert);
	refuse_foreign(c, sec, cert, "source", "the host that publishes it "
	    "decides");
}

static char *
check_given_path(const struct section *block, const char *key)
{
	const struct value *v = tree_value(block, key);

	return v != NULL ? opt_path(block->src, v->text) : NULL;
}

/* The block files { }, or NULL. */
static const struct section *
find_files(struct check *c, const struct section *sec)
{
	const struct section *found = NULL;

	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, "files") != 0)
			continue;
		if (found != NULL)
			opt_mistake(c->m, sec, sec->subs[i]->line, "files is "
			    "given twice, first in line %d; allowed: once",
			    found->line);
		else
			found = sec->subs[i];
	}
	return found;
}

/* Somebody has it made elsewhere. */
static void
check_given(struct check *c, const struct section *sec,
    const struct section *block, struct conf_cert *cert)
{
	struct conf_given *g = xcalloc(1, sizeof(*g));

	cert->given = g;
	g->fullchain = check_given_path(block, "fullchain");
	g->privkey = check_given_path(block, "privkey");
	if ((g->fullchain == NULL) != (g->privkey == NULL))
		opt_mistake(c->m, block, block->line, "%s is missing; "
		    "allowed: both fullchain and privkey, or none of them "
		    "(acmectl put)", g->privkey == NULL ? "privkey" :
		    "fullchain");
	cert->poll_s = (int)opt_duration(c->m, sec, "poll", 5, DAY, 60);
	if (tree_item(sec, "source") != NULL)
		opt_mistake(c->m, sec, block->line, "source and files are "
		    "given; allowed: one of them");
	refuse_foreign(c, sec, cert, "files", "nobody renews it here");
}

static void
add_issuer(struct conf_cert *cert, const struct conf_account *a)
{
	cert->others = xreallocarray(cert->others, cert->n_others + 1,
	    sizeof(*cert->others));
	cert->others[cert->n_others++] = (struct conf_issuer){ .account = a };
}

/*
 * The accounts, the best first.  Each is of another CA: which one a certificate
 * is of is told by the directory, and a second account at the same CA would
 * only be a way around its limits.
 */
static void
check_accounts(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct item *item = tree_item(sec, "account");
	size_t n = item != NULL ? item->n : 0;

	if (item != NULL && n == 0)
		opt_mistake(c->m, sec, sec->line, "account = { }; allowed: 1 "
		    "to %d accounts", CONF_ISSUERS_MAX);
	if (n > CONF_ISSUERS_MAX) {
		opt_mistake(c->m, sec, item->values[CONF_ISSUERS_MAX]->line,
		    "found %zu accounts; allowed: 1 to %d", n,
		    CONF_ISSUERS_MAX);
		n = CONF_ISSUERS_MAX;
	}
	if (item == NULL || n > 0)
		cert->account = check_reference(c, sec, "account",
		    &c->accounts);
	for (size_t i = 1; i < n; i++) {
		const struct conf_account *a = check_reference_value(c, sec,
		    "account", item->values[i], &c->accounts);
		const struct conf_account *same = NULL;

		for (unsigned k = 0; a != NULL && cert->account != NULL &&
		    same == NULL && k <= cert->n_others; k++) {
			struct conf_issuer at = conf_issuer(cert, k);

			if (directory_same(at.account->directory,
			    a->directory))
				same = at.account;
		}
		if (same == a && a != NULL)
			opt_mistake(c->m, sec, item->values[i]->line,
			    "account: \"%s\" is given twice; allowed: once",
			    a->name);
		else if (same != NULL)
			opt_mistake(c->m, sec, item->values[i]->line,
			    "account: \"%s\" is of the same CA as \"%s\" "
			    "(%s); allowed: one account of each CA", a->name,
			    same->name, same->directory);
		else if (a != NULL && cert->account != NULL)
			add_issuer(cert, a);
	}
}

/* One, or one of each family: a server chooses between the two by what the
 * client can verify. */
static void
check_keys(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct item *item = tree_item(sec, "key");
	enum key_type ignored;

	if (item == NULL)
		return;
	if (item->n < 1 || item->n > 2) {
		opt_mistake(c->m, sec, item->n > 0 ? item->values[2]->line :
		    sec->line, "key: found %zu values; allowed: one, or a "
		    "pair such as { \"ec256\", \"rsa2048\" }", item->n);
		return;
	}
	cert->key = opt_key_value(c->m, sec, "key", item->values[0]);
	if (item->n == 1)
		return;
	cert->is_pair = true;
	cert->second_key = opt_key_value(c->m, sec, "key", item->values[1]);
	for (size_t i = 0; i < 2; i++) {
		if (key_type_parse(item->values[i]->text, &ignored) == -1)
			return;		/* told */
	}
	if (strcmp(key_type_family(cert->key),
	    key_type_family(cert->second_key)) == 0)
		opt_mistake(c->m, sec, item->values[1]->line, "key: %s and %s "
		    "are of one kind; allowed: one EC and one RSA key",
		    key_type_name(cert->key), key_type_name(
		    cert->second_key));
}

/* Renewed here. */
static void
check_issue(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct value *v = tree_value(sec, "poll");

	check_accounts(c, sec, cert);
	check_cert_dns(c, sec, cert);
	if (cert->csr == NULL)
		check_keys(c, sec, cert);
	cert->reuse_key = opt_bool(c->m, sec, "reuse_key", false);
	cert->preferred_chain = opt_text(c->m, sec, "preferred_chain");
	check_cert_profile(c, sec, cert);
	if (cert->csr != NULL)
		cert->poll_s = (int)opt_duration(c->m, sec, "poll", 1, DAY,
		    60);
	else if (v != NULL)
		opt_mistake(c->m, sec, v->line, "poll is for a certificate "
		    "with source, files or csr");
}

struct conf_cert *
check_cert(struct check *c, const struct section *sec)
{
	struct conf_cert *cert = xcalloc(1, sizeof(*cert));
	const struct section *files = find_files(c, sec);
	struct csr csr;

	cert->file = sec->src->path;
	cert->line = sec->line;
	cert->end_line = sec->end;
	check_csr(c, sec, cert, &csr);
	check_names(c, sec, cert, files != NULL || (cert->csr != NULL &&
	    !cert->csr->is_hosts && csr.key == NULL), &csr);
	if (files != NULL)
		check_given(c, sec, files, cert);
	else if (tree_item(sec, "source") != NULL)
		check_source(c, sec, cert);
	else
		check_issue(c, sec, cert);
	cert->renew_before_s = (int)opt_duration(c->m, sec, "renew_before",
	    3600, 365 * DAY, (files != NULL ? 365 : 30) * DAY);
	cert->placeholder = opt_bool(c->m, sec, "placeholder", false);
	check_cert_freeze(c, sec, cert);
	cert->on_name_failure = check_name_failure(c, sec,
	    c->conf->on_name_failure);
	if (cert->csr != NULL)	/* the request names what it is for */
		cert->on_name_failure = NAME_FAILURE_FAIL;
	check_deploys(c, sec, cert);
	check_cert_hosts(c, sec, cert);
	check_csr_end(c, sec, cert, &csr);
	csr_clear(&csr);
	return cert;
}

void
check_free_cert(struct conf_cert *cert)
{
	if (cert == NULL)
		return;
	for (size_t i = 0; i < cert->n_names; i++) {
		free(cert->names[i].challenge_alias);
		free(cert->names[i].webroot);
	}
	check_free_deploys(cert);
	opt_list_free(cert->hosts);
	opt_list_free(cert->resolvers);
	free(cert->names);
	free(cert->preferred_chain);
	check_free_profiles(cert);
	if (cert->given != NULL) {
		free(cert->given->fullchain);
		free(cert->given->privkey);
		free(cert->given);
	}
	check_free_csr(cert);
	free(cert->others);
	free(cert->own_freezes);
	free(cert);
}
