/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/check_notify.h"
#include "daemon/config/conf_read.h"
#include "daemon/config/load.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/opt.h"
#include "daemon/config/schema.h"

static const char *const key_type_names[] = {
	[KEY_EC256] = "ec256",
	[KEY_EC384] = "ec384",
	[KEY_RSA2048] = "rsa2048",
	[KEY_RSA3072] = "rsa3072",
	[KEY_RSA4096] = "rsa4096",
};
_Static_assert(sizeof(key_type_names) / sizeof(key_type_names[0]) ==
    KEY_TYPE_END, "key_type_names");

static const char *const challenge_type_names[] = {
	[CHALLENGE_DNS_01] = "dns-01",
	[CHALLENGE_HTTP_01] = "http-01",
	[CHALLENGE_DNS_PERSIST_01] = "dns-persist-01",
};
_Static_assert(sizeof(challenge_type_names) /
    sizeof(challenge_type_names[0]) == CHALLENGE_TYPE_END,
    "challenge_type_names");

/* What conf_load() really makes: certificates point to their files. */
struct conf_whole {
	struct conf	 conf;		/* first: callers have this pointer */
	struct source	**sources;
	size_t		 n_sources;
};

const char *
key_type_name(enum key_type type)
{
	return key_type_names[type];
}

int
key_type_parse(const char *name, enum key_type *type)
{
	for (int i = 0; i < KEY_TYPE_END; i++) {
		if (strcmp(key_type_names[i], name) == 0) {
			*type = (enum key_type)i;
			return 0;
		}
	}
	return -1;
}

const char *
challenge_type_name(enum challenge_type type)
{
	return challenge_type_names[type];
}

int
challenge_type_parse(const char *name, enum challenge_type *type)
{
	for (int i = 0; i < CHALLENGE_TYPE_END; i++) {
		if (strcmp(challenge_type_names[i], name) == 0) {
			*type = (enum challenge_type)i;
			return 0;
		}
	}
	return -1;
}

bool
conf_name_needs_dns(const struct conf_name *name)
{
	return name->challenge != CHALLENGE_HTTP_01;
}

const char *
conf_wildcard_over(const struct conf_cert *cert, const char *name)
{
	const char *rest = dname_is_wildcard(name) ? NULL :
	    dname_parent(name);

	for (size_t i = 0; rest != NULL && i < cert->n_names; i++) {
		const char *wild = cert->names[i].name;

		if (dname_is_wildcard(wild) &&
		    strcmp(rest, dname_base(wild)) == 0)
			return wild;
	}
	return NULL;
}

static void
free_whole(struct conf_whole *whole)
{
	struct conf *conf = &whole->conf;

	for (size_t i = 0; i < conf->n_certs; i++)
		check_free_cert(conf->certs[i]);
	for (size_t i = 0; i < conf->n_providers; i++)
		check_free_provider(conf->providers[i]);
	for (size_t i = 0; i < conf->n_accounts; i++)
		check_free_account(conf->accounts[i]);
	for (size_t i = 0; i < conf->n_repositories; i++)
		check_free_repository(conf->repositories[i]);
	free(conf->repositories);
	for (size_t i = 0; i < conf->n_notifies; i++)
		check_free_notify(conf->notifies[i]);
	free(conf->notifies);
	free(conf->certs);
	free(conf->providers);
	free(conf->accounts);
	opt_list_free(conf->resolvers);
	opt_list_free(conf->http_listen);
	free(conf->control_socket);
	free(conf->hooks_dir);
	free(conf->state_dir);
	free(conf->path);
	load_free_sources(whole->sources, whole->n_sources);
	free(whole);
}

struct conf *
conf_read(const char *path, struct load_rules *rules, bool keep_texts,
    struct mistakes *m)
{
	struct conf_whole *whole = xcalloc(1, sizeof(*whole));
	struct load load = { .schema = schema_new(), .m = m,
	    .rules = rules, .keep_texts = keep_texts };
	struct check check = { .conf = &whole->conf, .m = m };

	load_all(&load, path);
	whole->sources = load.sources;
	whole->n_sources = load.n;
	whole->conf.refs = 1;
	whole->conf.path = xstrdup(path);
	check.files = load.files;
	check.n_files = load.n;
	/* With rules, what is not there is meant not to be. */
	check.is_partial = load.is_partial && rules == NULL;
	check_all(&check);
	load_clear(&load);
	schema_free(load.schema);
	return &whole->conf;
}

struct source *const *
conf_sources(const struct conf *conf, size_t *n)
{
	const struct conf_whole *whole = (const struct conf_whole *)conf;

	*n = whole->n_sources;
	return whole->sources;
}

static struct conf *
load_with(const char *path, struct mistakes m, bool keep_texts,
    conf_report_cb *report, void *arg)
{
	struct conf *conf = conf_read(path, NULL, keep_texts, &m);

	mistakes_report(&m, report, arg);
	if (m.n_wrong > 0) {
		conf_unref(conf);
		conf = NULL;
	}
	mistakes_clear(&m);
	return conf;
}

struct conf *
conf_load(const char *path, conf_report_cb *report, void *arg)
{
	return load_with(path, (struct mistakes){ 0 }, true, report, arg);
}

struct conf *
conf_check(const char *path, conf_report_cb *report, void *arg)
{
	return load_with(path, (struct mistakes){ .is_shell = true }, false,
	    report, arg);
}

const struct conf *
conf_ref(const struct conf *conf)
{
	((struct conf *)(uintptr_t)conf)->refs++;
	return conf;
}

void
conf_unref(const struct conf *conf)
{
	struct conf_whole *whole = (struct conf_whole *)(uintptr_t)conf;

	if (whole != NULL && --whole->conf.refs == 0)
		free_whole(whole);
}

static int
compare_cert(const void *name, const void *cert)
{
	return strcmp(name, (*(struct conf_cert *const *)cert)->name);
}

const struct conf_cert *
conf_find_cert(const struct conf *conf, const char *name)
{
	struct conf_cert **found = bsearch(name, conf->certs, conf->n_certs,
	    sizeof(*conf->certs), compare_cert);

	return found != NULL ? *found : NULL;
}

const struct conf_notify *
conf_find_notify(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_notifies; i++) {
		if (strcmp(conf->notifies[i]->name, name) == 0)
			return conf->notifies[i];
	}
	return NULL;
}

const struct conf_provider *
conf_find_provider(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_providers; i++) {
		if (strcmp(conf->providers[i]->name, name) == 0)
			return conf->providers[i];
	}
	return NULL;
}
