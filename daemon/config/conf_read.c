/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf_read.h"

#include <stdint.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/pool.h"
#include "daemon/config/check_all.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_host.h"
#include "daemon/config/check_notify.h"
#include "daemon/config/conf.h"
#include "daemon/config/load.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/opt.h"
#include "daemon/config/saved.h"
#include "daemon/config/schema.h"

/* What conf_load() really makes: certificates point to their files. */
struct conf_whole {
	struct conf	 conf;		/* first: callers have this pointer */
	struct source	**sources;
	size_t		 n_sources;
	struct pool	*pool;		/* sources, texts and trees */
	struct pool	*paths;		/* of the sources */
};

void
conf_forget_files(const struct conf *conf)
{
	struct conf_whole *whole = (struct conf_whole *)(uintptr_t)conf;

	pool_free(whole->pool);
	whole->pool = NULL;
	free(whole->sources);
	whole->sources = NULL;
	whole->n_sources = 0;
}

static void
free_whole(struct conf *conf)
{
	struct conf_whole *whole = (struct conf_whole *)conf;

	for (size_t i = 0; i < conf->n_certs; i++)
		check_free_cert(conf->certs[i]);
	for (size_t i = 0; i < conf->n_providers; i++)
		check_free_provider(conf->providers[i]);
	/* Providers and certificates refer to them. */
	for (size_t i = 0; i < conf->n_credentials; i++)
		check_free_credentials(conf->credentials[i]);
	free(conf->credentials);
	for (size_t i = 0; i < conf->n_accounts; i++)
		check_free_account(conf->accounts[i]);
	for (size_t i = 0; i < conf->n_repositories; i++)
		check_free_repository(conf->repositories[i]);
	free(conf->repositories);
	for (size_t i = 0; i < conf->n_hosts; i++)
		check_free_host(conf->hosts[i]);
	free(conf->hosts);
	for (size_t i = 0; i < conf->n_notifies; i++)
		check_free_notify(conf->notifies[i]);
	free(conf->notifies);
	for (size_t i = 0; i < conf->n_watches; i++)
		check_free_watch(conf->watches[i]);
	free(conf->watches);
	check_free_realms(conf);
	conf_cluster_free(conf->cluster);
	free(conf->certs);
	free(conf->providers);
	free(conf->accounts);
	opt_list_free(conf->resolvers);
	free(conf->freezes);
	opt_list_free(conf->http_listen);
	opt_list_free(conf->tls_alpn_listen);
	opt_list_free(conf->status_listen);
	opt_list_free(conf->status_hosts);
	free(conf->control_socket);
	free(conf->metrics_textfile);
	free(conf->host_name);
	check_free_deploy(conf->hooks);
	free(conf->hooks_dir);
	free(conf->state_dir);
	free(conf->path);
	conf_forget_files(conf);
	pool_free(whole->paths);
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
	whole->pool = load.pool;
	whole->paths = load.paths;
	whole->conf.refs = 1;
	whole->conf.free = free_whole;
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

/* Was it read? */
static bool
has_source(const struct conf *conf, const char *path)
{
	size_t n;
	struct source *const *sources = conf_sources(conf, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(sources[i]->path, path) == 0)
			return true;
	}
	return false;
}

struct conf *
conf_try(const char *path, const struct conf_draft *drafts, size_t n,
    conf_report_cb *report, void *arg)
{
	struct saved_file *files = xcalloc(n + 1, sizeof(*files));
	struct saved saved = { .files = files, .n = n };
	struct load_rules rules = { .list = xcalloc(n + 1,
	    sizeof(*rules.list)), .n = n, .saved = &saved,
	    .are_drafts = true };
	struct source main_file = { .path = (char *)(uintptr_t)path };
	struct mistakes m = { 0 };
	struct conf *conf;

	for (size_t i = 0; i < n; i++) {
		files[i] = (struct saved_file){
		    .path = (char *)(uintptr_t)drafts[i].path,
		    .text = (char *)(uintptr_t)drafts[i].text,
		    .len = strlen(drafts[i].text) };
		rules.list[i] = (struct load_rule){ .path = files[i].path,
		    .saved = &files[i], .top = TOP_FILE };
	}
	conf = conf_read(path, &rules, false, &m);
	for (size_t i = 0; i < n; i++) {
		if (!has_source(conf, drafts[i].path))
			mistake_add(&m, CONF_MISTAKE, &main_file, 0,
			    TOP_FILE, "no include leads to %s; write "
			    "include(\"conf.d/*.conf\") here",
			    drafts[i].path);
	}
	mistakes_report(&m, report, arg);
	if (m.n_wrong > 0) {
		conf_unref(conf);
		conf = NULL;
	}
	mistakes_clear(&m);
	free(rules.list);
	free(files);
	return conf;
}
