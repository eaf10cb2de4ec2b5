/* SPDX-License-Identifier: MIT */
#include "daemon/config/check_all.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_host.h"
#include "daemon/config/check_notify.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe_of.h"

/* Call what for every section of a kind. */
static void
each(struct check *c, const char *kind,
    void (*what)(struct check *, struct section *))
{
	for (size_t i = 0; i < c->n_files; i++) {
		const struct section *file = c->files[i];

		for (size_t j = 0; file != NULL && j < file->n_subs; j++) {
			if (strcmp(file->subs[j]->kind, kind) == 0)
				what(c, file->subs[j]);
		}
	}
}

static void
check_title(struct check *c, const struct section *sec)
{
	struct error err;

	if (object_name_check(sec->title, &err) == -1)
		opt_mistake(c->m, sec, sec->line, "%s", err.msg);
}

static void
add_account(struct check *c, struct section *sec)
{
	struct conf_account *object;

	check_title(c, sec);
	c->secrets = 0;
	c->m->is_elsewhere = c->only_serves;
	object = check_account(c, sec);
	c->m->is_elsewhere = false;
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->accounts, sec, object);
}

static void
add_credentials(struct check *c, struct section *sec)
{
	struct conf_credentials *object;

	check_title(c, sec);
	c->secrets = 0;
	c->m->is_elsewhere = c->only_serves;
	object = check_credentials(c, sec);
	c->m->is_elsewhere = false;
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->credentials, sec, object);
}

static void
add_provider(struct check *c, struct section *sec)
{
	struct conf_provider *object;

	check_title(c, sec);
	c->secrets = 0;
	c->m->is_elsewhere = c->only_serves;
	object = check_provider(c, sec);
	c->m->is_elsewhere = false;
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->providers, sec, object);
}

static void
add_host(struct check *c, struct section *sec)
{
	struct conf_host *object;

	check_title(c, sec);
	object = check_host(c, sec);
	object->hash = check_hash(sec, NULL);
	table_add(&c->hosts, sec, object);
}

static void
add_repository(struct check *c, struct section *sec)
{
	struct conf_repository *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_repository(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->repositories, sec, object);
}

static bool
is_no_deploy(const char *key)
{
	return strcmp(key, "deploy") != 0;
}

static void
add_cert(struct check *c, struct section *sec)
{
	struct conf_cert *object;

	check_title(c, sec);
	object = check_cert(c, sec);
	object->hash = check_hash(sec, is_no_deploy);
	if (object->csr != NULL)
		object->hash += text_hash(TEXT_HASH_BASIS, object->csr->hash);
	table_add(&c->certs, sec, object);
}

static void
add_notify(struct check *c, struct section *sec)
{
	struct conf_notify *object;

	check_title(c, sec);
	c->secrets = 0;
	object = check_notify(c, sec);
	object->hash = check_hash(sec, NULL) + c->secrets;
	table_add(&c->notifies, sec, object);
}

static void
add_watch(struct check *c, struct section *sec)
{
	struct conf_watch *object;

	check_title(c, sec);
	object = check_watch(c, sec);
	object->hash = check_hash(sec, NULL);
	table_add(&c->watches, sec, object);
}

/* Waves change nothing about who is a member, and what it holds. */
static bool
is_membership(const char *key)
{
	return strcmp(key, "waves") != 0 && strcmp(key, "wave_pause") != 0;
}

/* There is one of these, whatever file it stands in. */
static void
add_cluster(struct check *c, struct section *sec)
{
	struct conf_cluster *object;

	if (c->cluster != NULL) {
		opt_mistake(c->m, sec, sec->line, "it is given twice, first "
		    "in %s%s%d; allowed: once", c->cluster->src == sec->src ?
		    "" : c->cluster->src->path, c->cluster->src == sec->src ?
		    "line " : ":", c->cluster->line);
		return;
	}
	c->cluster = sec;
	c->secrets = 0;
	object = check_cluster(c, sec);
	object->hash = check_hash(sec, is_membership) + c->secrets;
	c->conf->cluster = object;
}

static void
take_watches(struct conf *conf, const struct table *t)
{
	conf->watches = xcalloc(t->n + 1, sizeof(*conf->watches));
	for (; conf->n_watches < t->n; conf->n_watches++)
		conf->watches[conf->n_watches] =
		    t->rows[conf->n_watches].object;
}

static void
take_notifies(struct conf *conf, const struct table *t)
{
	conf->notifies = xcalloc(t->n + 1, sizeof(*conf->notifies));
	for (; conf->n_notifies < t->n; conf->n_notifies++)
		conf->notifies[conf->n_notifies] =
		    t->rows[conf->n_notifies].object;
}

static void
take_accounts(struct conf *conf, const struct table *t)
{
	conf->accounts = xcalloc(t->n + 1, sizeof(*conf->accounts));
	for (; conf->n_accounts < t->n; conf->n_accounts++)
		conf->accounts[conf->n_accounts] =
		    t->rows[conf->n_accounts].object;
}

static void
take_credentials(struct conf *conf, const struct table *t)
{
	conf->credentials = xcalloc(t->n + 1, sizeof(*conf->credentials));
	for (; conf->n_credentials < t->n; conf->n_credentials++)
		conf->credentials[conf->n_credentials] =
		    t->rows[conf->n_credentials].object;
}

static void
take_providers(struct conf *conf, const struct table *t)
{
	conf->providers = xcalloc(t->n + 1, sizeof(*conf->providers));
	for (; conf->n_providers < t->n; conf->n_providers++)
		conf->providers[conf->n_providers] =
		    t->rows[conf->n_providers].object;
}

static void
take_hosts(struct conf *conf, const struct table *t)
{
	conf->hosts = xcalloc(t->n + 1, sizeof(*conf->hosts));
	for (; conf->n_hosts < t->n; conf->n_hosts++)
		conf->hosts[conf->n_hosts] = t->rows[conf->n_hosts].object;
}

static void
take_repositories(struct conf *conf, const struct table *t)
{
	conf->repositories = xcalloc(t->n + 1, sizeof(*conf->repositories));
	for (; conf->n_repositories < t->n; conf->n_repositories++)
		conf->repositories[conf->n_repositories] =
		    t->rows[conf->n_repositories].object;
}

static void
take_certs(struct conf *conf, const struct table *t)
{
	conf->certs = xcalloc(t->n + 1, sizeof(*conf->certs));
	for (; conf->n_certs < t->n; conf->n_certs++)
		conf->certs[conf->n_certs] = t->rows[conf->n_certs].object;
}

/* What is only read by others need not be there. */
static void
find_role(struct check *c, struct section *sec)
{
	const struct value *v = tree_value(sec, "role");

	c->only_serves |= v != NULL && strcmp(v->text, "serve") == 0;
	c->only_renews |= v != NULL && strcmp(v->text, "renew") == 0;
}

void
check_all(struct check *c)
{
	struct conf *conf = c->conf;

	check_globals(c);
	each(c, "cluster", find_role);
	each(c, "account", add_account);
	table_sort(&c->accounts, c->m);
	take_accounts(conf, &c->accounts);
	each(c, "credentials", add_credentials);
	table_sort(&c->credentials, c->m);
	take_credentials(conf, &c->credentials);
	each(c, "provider", add_provider);
	table_sort(&c->providers, c->m);
	take_providers(conf, &c->providers);
	each(c, "host", add_host);
	table_sort(&c->hosts, c->m);
	check_hosts_end(c);
	take_hosts(conf, &c->hosts);
	each(c, "repository", add_repository);
	table_sort(&c->repositories, c->m);
	take_repositories(conf, &c->repositories);
	each(c, "cluster", add_cluster);
	each(c, "certificate", add_cert);
	table_sort(&c->certs, c->m);
	take_certs(conf, &c->certs);
	check_realms(c);
	each(c, "watch", add_watch);
	table_sort(&c->watches, c->m);
	take_watches(conf, &c->watches);
	each(c, "notify", add_notify);
	table_sort(&c->notifies, c->m);
	take_notifies(conf, &c->notifies);
	check_unused_credentials(c);
	check_warnings(c);
	check_free_claims(c);
	check_free_recipes(c);
	free(c->program);
	free(c->program_fault);
	table_clear(&c->notifies);
	table_clear(&c->watches);
	table_clear(&c->accounts);
	table_clear(&c->providers);
	table_clear(&c->credentials);
	table_clear(&c->hosts);
	table_clear(&c->repositories);
	table_clear(&c->certs);
}
