/* SPDX-License-Identifier: MIT */
/* hosts - the table of hosts, with its rows in state.db. */
#include "daemon/fleet/hosts.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf.h"
#include "daemon/fleet/hosts_priv.h"

#define HOSTS_MAX	20000	/* of one publication; who writes there may
				   write anything */

/* --- one host --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name,
	    ((const struct host *)b)->name);
}

/* They come in order, mostly. */
static void
insert(struct publication *p, struct host *h)
{
	struct host *o;

	TAILQ_FOREACH_REVERSE(o, &p->hosts, host_list, link) {
		if (strcmp(o->name, h->name) < 0) {
			TAILQ_INSERT_AFTER(&p->hosts, o, h, link);
			return;
		}
	}
	TAILQ_INSERT_HEAD(&p->hosts, h, link);
}

struct host *
host_find(struct publication *p, const char *name, bool make)
{
	struct host wanted = { .name = (char *)(uintptr_t)name }, *h;
	struct host **found = tfind(&wanted, &p->by_name, by_name);

	if (found != NULL)
		return *found;
	if (!make || p->n >= HOSTS_MAX)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->of = p;
	h->name = xstrdup(name);
	h->code = xstrdup("");
	h->error = xstrdup("");
	if (tsearch(h, &p->by_name, by_name) == NULL)
		abort();		/* like xmalloc() */
	insert(p, h);
	p->n++;
	return h;
}

void
host_set_error(struct host *h, const char *code, const char *error)
{
	free(h->code);
	free(h->error);
	h->code = xstrdup(code);
	h->error = xstrdup(error);
}

static void
host_free(struct host *h)
{
	(void)tdelete(h, &h->of->by_name, by_name);
	TAILQ_REMOVE(&h->of->hosts, h, link);
	h->of->n--;
	free(h->name);
	free(h->code);
	free(h->error);
	free(h);
}

void
host_save(struct hosts *all, const struct host *h)
{
	store_receipt_put(all->env->store, &(struct store_receipt){
	    .cert = h->of->cert->row.name, .repository = h->of->repository,
	    .host = h->name, .version = h->version, .serial = h->serial,
	    .sha256 = h->sha256, .second = h->second,
	    .not_before = h->not_before,
	    .not_after = h->not_after, .ok = h->ok, .since = h->since,
	    .next_at = h->next_at, .at = h->at, .error_code = h->code,
	    .error_msg = h->error, .is_forgotten = h->is_forgotten });
}

void
host_drop(struct hosts *all, struct host *h)
{
	store_receipt_delete(all->env->store, h->of->cert->row.name,
	    h->of->repository, h->name);
	host_free(h);
}

/* --- where certificates are published --- */

struct publication *
publication_find(const struct cert *c, const struct conf_repository *conf)
{
	struct publication *p;

	LIST_FOREACH(p, &c->publications, link) {
		if (p->conf == conf)
			return p;
	}
	return NULL;
}

static struct publication *
publication_get(struct cert *c, const char *repository)
{
	struct publication *p;

	LIST_FOREACH(p, &c->publications, link) {
		if (strcmp(p->repository, repository) == 0)
			return p;
	}
	p = xcalloc(1, sizeof(*p));
	p->cert = c;
	p->repository = xstrdup(repository);
	TAILQ_INIT(&p->hosts);
	LIST_INSERT_HEAD(&c->publications, p, link);
	return p;
}

static void
publication_free(struct publication *p)
{
	struct host *h;

	while ((h = TAILQ_FIRST(&p->hosts)) != NULL)
		host_free(h);
	LIST_REMOVE(p, link);
	free(p->repository);
	free(p);
}

void
hosts_leave(struct cert *c)
{
	struct publication *p;

	while ((p = LIST_FIRST(&c->publications)) != NULL)
		publication_free(p);
}

/* --- all of them --- */

static void
load_cb(const struct store_receipt *r, void *arg)
{
	struct hosts *all = arg;
	struct cert *c = certs_find(all->env->certs, r->cert);
	struct host *h = c == NULL ? NULL :
	    host_find(publication_get(c, r->repository), r->host, true);

	if (h == NULL)
		return;
	(void)text_printf(h->version, sizeof(h->version), "%s", r->version);
	(void)text_printf(h->serial, sizeof(h->serial), "%s", r->serial);
	(void)text_printf(h->sha256, sizeof(h->sha256), "%s", r->sha256);
	(void)text_printf(h->second, sizeof(h->second), "%s", r->second);
	h->not_before = r->not_before;
	h->not_after = r->not_after;
	h->ok = r->ok;
	h->since = r->since;
	h->next_at = r->next_at;
	h->at = r->at;
	h->is_forgotten = r->is_forgotten;
	host_set_error(h, r->error_code, r->error_msg);
}

/* A publication is done: its hosts will have something to say. */
static void
happened(const json_t *event, void *arg)
{
	struct hosts *all = arg;
	const char *name = jsonx_str(event, "cert");
	const char *code = jsonx_str(event, "code");
	const struct cert *c = code == NULL || name == NULL ||
	    strcmp(code, "deploy:done") != 0 ? NULL :
	    certs_find(all->env->certs, name);
	struct repo *r;

	if (c == NULL || LIST_EMPTY(&c->publications))
		return;
	LIST_FOREACH(r, &all->repos, link) {
		if (publication_find(c, r->conf) != NULL)
			repo_expect(r);
	}
}

struct hosts *
hosts_new(const struct fleet_env *env)
{
	struct hosts *all = xcalloc(1, sizeof(*all));

	all->env = env;
	LIST_INIT(&all->repos);
	store_receipt_each(env->store, load_cb, all);
	all->events = event_subscribe(env->certs, happened, all);
	return all;
}

void
hosts_stop(struct hosts *all)
{
	struct publication *p;
	struct repo *r;

	all->is_stopped = true;
	for (size_t i = 0; i < all->env->certs->n; i++) {
		LIST_FOREACH(p, &all->env->certs->list[i]->publications,
		    link)
			p->repo = NULL;
	}
	while ((r = LIST_FIRST(&all->repos)) != NULL)
		repo_free(r);
}

void
hosts_free(struct hosts *all)
{
	if (all == NULL)
		return;
	hosts_stop(all);
	event_unsubscribe(all->events);
	for (size_t i = 0; i < all->env->certs->n; i++)
		hosts_leave(all->env->certs->list[i]);
	free(all);
}

static void
publish(struct hosts *all, struct cert *c,
    const struct conf_repository *conf)
{
	struct publication *p = publication_get(c, conf->name);
	struct repo *r;

	p->conf = conf;
	LIST_FOREACH(r, &all->repos, link) {
		if (r->conf == conf)
			break;
	}
	p->repo = r != NULL ? r : repo_new(all, conf);
}

static bool
may_open(const struct publication *p, const char *host)
{
	const struct conf_repository *r = p->conf;
	bool has_key = false;

	for (size_t i = 0; !has_key && i < r->n_hosts; i++)
		has_key = strcmp(r->hosts[i]->name, host) == 0;
	return has_key && conf_is_for_host(p->cert->conf, host);
}

/* Who was removed, or is not named any more, cannot take what is published:
 * nobody waits for it. */
static void
forget_removed(struct hosts *all, const struct publication *p)
{
	struct host *h;

	if (p->conf == NULL || !p->conf->to_hosts)
		return;
	TAILQ_FOREACH(h, &p->hosts, link) {
		if (h->is_forgotten || may_open(p, h->name))
			continue;
		h->is_forgotten = true;
		host_save(all, h);
	}
}

void
hosts_apply(struct hosts *all)
{
	struct publication *p;

	hosts_stop(all);
	all->is_stopped = false;
	for (size_t i = 0; i < all->env->certs->n; i++) {
		struct cert *c = all->env->certs->list[i];

		LIST_FOREACH(p, &c->publications, link)
			p->conf = NULL;
		/* Who never renews need not know of the others. */
		if (c->conf != NULL && c->conf->realm != NULL &&
		    all->env->certs->conf->cluster->role != CLUSTER_SERVE)
			publish(all, c, c->conf->realm->certs);
		for (unsigned k = 0; c->conf != NULL && k < c->conf->n_deploys;
		    k++) {
			const struct conf_repository *conf =
			    c->conf->deploys[k]->publish;

			if (conf != NULL && conf->receipts)
				publish(all, c, conf);
		}
		LIST_FOREACH(p, &c->publications, link)
			forget_removed(all, p);
	}
}

void
hosts_kick(struct hosts *all)
{
	struct repo *r;

	LIST_FOREACH(r, &all->repos, link)
		repo_expect(r);
}

int
hosts_forget(struct hosts *all, const char *host, struct error *err)
{
	struct publication *p;
	size_t n = 0;

	for (size_t i = 0; i < all->env->certs->n; i++) {
		LIST_FOREACH(p, &all->env->certs->list[i]->publications,
		    link) {
			struct host *h = host_find(p, host, false);

			if (h == NULL || h->is_forgotten)
				continue;
			h->is_forgotten = true;
			host_save(all, h);
			n++;
		}
	}
	if (n == 0)
		return error_set(err, ERR_CONFIG, "hosts:unknown", "no host "
		    "\"%.100s\" has said anything in a repository that is "
		    "published to here", host);
	all->env->noticed(all->env->arg);
	return 0;
}
