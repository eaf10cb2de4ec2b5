/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/source_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/origin.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd_watch.h"
#include "daemon/publish/receipt.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"

/* A fleet that lost a member of the cluster shall not ask the next at once. */
#define ALL_SPREAD_S	10

struct stream {
	LIST_ENTRY(stream) entry;
	struct source_streams *all;
	const struct conf_repository *repository;
	char		*end;		/* what hosts report is not for us */
	struct etcd_watch *watch;
	bool		 has_failed;
};

struct source_streams {
	const struct rollout_env *env;
	LIST_HEAD(, stream) streams;
};

static bool
is_of_realm(const struct cert *c, const struct conf_repository *r)
{
	return c->conf != NULL && c->conf->realm != NULL &&
	    c->conf->realm->certs == r;
}

/* "NAME/manifest.json" */
static void
changed(const struct etcd_kv *kv, void *arg)
{
	const struct stream *s = arg;
	const char *key = kv->key, *file = strchr(key, '/');
	struct cert *c;
	char *name;

	if (file == NULL || strcmp(file, "/manifest.json") != 0)
		return;
	name = xasprintf("%.*s", (int)(file - key), key);
	c = certs_find(s->all->env->certs, name);
	free(name);
	if (c != NULL && origin_repository(c) == s->repository) {
		watch_soon(c, 0);
		/* Who has rolled back does not look so soon. */
		if (rollback_is_done(c) && is_of_realm(c, s->repository) &&
		    s->all->env->looked != NULL)
			s->all->env->looked(c, s->all->env->arg);
	} else if (c != NULL && c->run == NULL &&
	    is_of_realm(c, s->repository)) {
		/* Ours, but published by another all the same: who renewed it
		 * before us has ended late. */
		takeover_again(s->all->env, c, 0);
	}
}

static void
anything(void *arg)
{
	const struct stream *s = arg;
	struct certs *certs = s->all->env->certs;

	for (size_t i = 0; i < certs->n; i++) {
		struct cert *c = certs->list[i];

		if (origin_repository(c) == s->repository)
			watch_soon(c, ALL_SPREAD_S);
		/* It may have lost ours. */
		else if (c->run == NULL && is_of_realm(c, s->repository))
			takeover_again(s->all->env, c, ALL_SPREAD_S);
	}
}

/* What was told may not have been there to be read, and runs of ours were put
 * off. */
static void
back(struct stream *s)
{
	struct certs *certs = s->all->env->certs;

	anything(s);
	for (size_t i = 0; i < certs->n; i++) {
		if (is_of_realm(certs->list[i], s->repository))
			certs->list[i]->put_off = 0;
	}
	certs_changed(certs);
}

static void
state(const struct error *err, void *arg)
{
	struct stream *s = arg;

	if (err != NULL) {
		log_warning(NULL, "repository \"%s\": cannot watch for "
		    "changes%s: %s", s->repository->name,
		    s->repository->of_cluster ? "" : ", looking as \"poll\" "
		    "says until that works again", err->msg);
		s->has_failed = true;
	} else {
		log_info(NULL, "repository \"%s\": watching for changes%s",
		    s->repository->name, s->has_failed ? " again" : "");
		if (s->has_failed)
			back(s);
		s->has_failed = false;
	}
}

static void
add(struct source_streams *all, const struct conf_repository *r)
{
	struct stream *s;

	LIST_FOREACH(s, &all->streams, entry) {
		if (s->repository == r)
			return;
	}
	s = xcalloc(1, sizeof(*s));
	s->all = all;
	s->repository = r;
	s->end = xasprintf("%s%s", r->prefix, receipt_folder(r));
	s->watch = etcd_watch_new(&(struct etcd_watch_args){
	    .loop = all->env->loop, .etcd = all->env->etcd, .conf = r->etcd,
	    .prefix = r->prefix, .end = s->end, .changed = changed,
	    .all = anything, .state = state, .arg = s });
	LIST_INSERT_HEAD(&all->streams, s, entry);
}

struct source_streams *
source_streams_new(const struct rollout_env *env)
{
	struct source_streams *all = xcalloc(1, sizeof(*all));

	all->env = env;
	LIST_INIT(&all->streams);
	return all;
}

void
source_streams_apply(struct source_streams *all, const struct conf *conf)
{
	struct stream *s;

	while ((s = LIST_FIRST(&all->streams)) != NULL) {
		LIST_REMOVE(s, entry);
		etcd_watch_free(s->watch);
		free(s->end);
		free(s);
	}
	for (size_t i = 0; conf != NULL && i < conf->n_realms; i++)
		add(all, conf->realms[i]->certs);
	for (size_t i = 0; conf != NULL && i < conf->n_certs; i++) {
		const struct conf_repository *r = conf->certs[i]->source;

		if (r != NULL && r->type == REPOSITORY_ETCD)
			add(all, r);
	}
}

void
source_streams_kick(struct source_streams *all)
{
	struct stream *s;

	LIST_FOREACH(s, &all->streams, entry)
		etcd_watch_kick(s->watch);
}

void
source_streams_free(struct source_streams *all)
{
	if (all == NULL)
		return;
	source_streams_apply(all, NULL);
	free(all);
}
