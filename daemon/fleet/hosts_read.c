/* SPDX-License-Identifier: MIT */
/* hosts_read - how what hosts say comes here: lists, watches, objects. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd_watch.h"
#include "daemon/fleet/hosts_priv.h"
#include "daemon/publish/objects.h"
#include "daemon/publish/receipt.h"
#include "daemon/publish/repo_keys.h"

#define READS_MAX	8	/* at once, of one repository */
#define LIST_MAX	100000
#define PAGE		1000
#define TIMEOUT_MS	30000
#define START_MS	1000
#define AGAIN_S		60	/* after one that could not be read */
#define SOON_S		2	/* between looks as long as one is awaited, of
				   each page of the list */
#define RETRY_MAX_S	300
#define IDLE_S		900
#define TOLD_S		3600	/* where what changes is told */
#define DENIED_S	3600

/* An object that is to be read. */
struct host_read {
	TAILQ_ENTRY(host_read) link;
	struct repo	*repo;
	struct host	*host;
	char		 version[OBJECT_VERSION_SIZE];
	struct object_op *get;		/* NULL: it waits */
};

static void	next_read(struct repo *);

/* Nothing depends on it, so it is told once. */
static void
tell(struct repo *repo, const struct error *err)
{
	if (strcmp(repo->told, err->code) == 0)
		return;
	(void)text_printf(repo->told, sizeof(repo->told), "%s", err->code);
	log_notice(NULL, "what hosts serve is not known: %s%s", err->msg,
	    err->kind == ERR_CONFIG && !repo->conf->of_cluster ?
	    " (give acmed the right to list and read there, or set receipts "
	    "= no)" : "");
}

/* --- objects --- */

static void
read_free(struct host_read *r)
{
	if (r->get != NULL)
		r->repo->n_reading--;
	object_cancel(r->get);
	TAILQ_REMOVE(&r->repo->reads, r, link);
	r->host->read = NULL;
	free(r);
}

static void
take(struct host *h, const struct receipt *r)
{
	(void)text_printf(h->serial, sizeof(h->serial), "%s", r->serial);
	(void)text_printf(h->sha256, sizeof(h->sha256), "%s", r->sha256);
	(void)text_printf(h->second, sizeof(h->second), "%s", r->second);
	h->not_before = r->not_before;
	h->not_after = r->not_after;
	h->ok = r->ok;
	h->since = r->since;
	h->next_at = r->next_at;
	/* A clock that was ahead must not keep what it says later from being
	 * believed. */
	h->at = r->at < clock_now() ? r->at : clock_now();
	host_set_error(h, r->code, r->error);
}

/* Of a host with a key of its own, in a repository of such; else NULL. */
static const char *
public_key(const struct conf_repository *r, const char *host)
{
	for (size_t i = 0; i < r->n_hosts; i++) {
		if (strcmp(r->hosts[i]->name, host) == 0)
			return r->hosts[i]->public_key;
	}
	return NULL;
}

/* What cannot be read says nothing of what is served; that it is so is the
 * host's trouble, and no other's. */
static void
judge(struct host *h, const char *data, size_t len,
    const struct repo_keys *keys)
{
	struct receipt r;
	struct error err;

	if (receipt_read(data, len, keys, public_key(h->of->conf, h->name),
	    h->name, h->of->cert->row.name, &r, &err) == -1) {
		(void)error_wrap(&err, "what it reports cannot be read");
		h->ok = false;
		host_set_error(h, err.code, err.msg);
		return;
	}
	/* An old one that somebody has put back. */
	if (r.at < h->at)
		return;
	if (h->is_forgotten && r.at > h->at &&
	    clock_now() - r.at < HOST_FORGET_S)
		h->is_forgotten = false;
	take(h, &r);
}

static void
note(struct repo *repo, struct host *h, const char *version)
{
	(void)text_printf(h->version, sizeof(h->version), "%s", version);
	host_save(repo->all, h);
	repo->all->env->noticed(repo->all->env->arg);
}

static void
take_value(struct repo *repo, struct host *h, const char *data, size_t len,
    const char *version)
{
	struct repo_keys keys;
	struct error err;

	if (repo_keys_read(repo->conf, repo->all->env->store, &keys, &err) ==
	    -1) {
		tell(repo, &err);
		return;
	}
	judge(h, data, len, &keys);
	repo_keys_clear(&keys);
	note(repo, h, version);
}

static void
got(const struct error *err, const struct object_reply *reply, void *arg)
{
	struct host_read *r = arg;
	struct repo *repo = r->repo;

	r->get = NULL;
	repo->n_reading--;
	if (err == NULL) {
		take_value(repo, r->host, reply->data, reply->len,
		    r->version);
	} else if (strcmp(err->code, "http:too-large") == 0) {
		r->host->ok = false;
		host_set_error(r->host, "receipt:syntax", "what it reports "
		    "cannot be read: it is too long");
		note(repo, r->host, r->version);
	} else if (err->kind == ERR_TRANSIENT && repo->list == NULL) {
		/* Until the next list has it again, not all is known. */
		repo->was_listed = false;
		timer_set(&repo->look, (int64_t)AGAIN_S * 1000);
	}
	read_free(r);
	next_read(repo);
}

static void
next_read(struct repo *repo)
{
	const struct fleet_env *env = repo->all->env;
	struct host_read *r;

	TAILQ_FOREACH(r, &repo->reads, link) {
		char *name, *key;

		if (repo->n_reading == READS_MAX)
			return;
		if (r->get != NULL)
			continue;
		name = receipt_key(r->host->name, r->host->of->cert->row.name);
		key = xasprintf("%s%s", receipt_folder(repo->conf), name);
		repo->n_reading++;
		r->get = object_get_start(&(struct object_args){
		    .loop = env->loop, .http = env->http, .etcd = env->etcd,
		    .repository = repo->conf, .key = key, .max = RECEIPT_MAX,
		    .timeout_ms = TIMEOUT_MS }, got, r);
		free(key);
		free(name);
	}
	repo->is_known |= repo->was_listed && TAILQ_EMPTY(&repo->reads);
}

static void
want(struct repo *repo, struct host *h, const char *version)
{
	struct host_read *r = h->read;

	/* One that is being read may be the one before. */
	if (r == NULL) {
		r = xcalloc(1, sizeof(*r));
		r->repo = repo;
		r->host = h;
		TAILQ_INSERT_TAIL(&repo->reads, r, link);
		h->read = r;
		(void)text_printf(r->version, sizeof(r->version), "%s",
		    version);
	} else if (strcmp(r->version, version) != 0) {
		(void)text_printf(r->version, sizeof(r->version), "%s", "");
	}
}

/* The object's host; NULL: it is of no certificate that is published here. */
static struct host *
host_of(struct repo *repo, const char *key)
{
	char name[RECEIPT_HOST_SIZE], cert[RECEIPT_HOST_SIZE];
	const struct cert *c;
	struct publication *p;

	if (!receipt_key_read(key, name, cert) || (repo->conf->to_hosts &&
	    public_key(repo->conf, name) == NULL))
		return NULL;
	c = certs_find(repo->all->env->certs, cert);
	p = c != NULL ? publication_find(c, repo->conf) : NULL;
	return p != NULL ? host_find(p, name, true) : NULL;
}

/* --- lists --- */

static void
listed_one(const char *key, const char *version, void *arg)
{
	struct repo *repo = arg;
	struct host *h = host_of(repo, key);

	repo->n_listed++;
	if (h == NULL)
		return;
	h->seen = repo->round;
	if (strcmp(h->version, version) != 0)
		want(repo, h, version);
}

/* Hosts that are silent for long are forgotten; what is left of them goes when
 * their object has gone. */
static void
age(struct repo *repo, bool is_whole)
{
	const struct certs *certs = repo->all->env->certs;
	time_t now = clock_now();

	for (size_t i = 0; i < certs->n; i++) {
		struct publication *p = publication_find(certs->list[i],
		    repo->conf);
		struct host *h, *next;

		for (h = p != NULL ? TAILQ_FIRST(&p->hosts) : NULL; h != NULL;
		    h = next) {
			next = TAILQ_NEXT(h, link);
			/* It has never said anything that could be read. */
			if (h->at == 0 && is_whole && h->read == NULL &&
			    h->seen != repo->round) {
				host_drop(repo->all, h);
				continue;
			}
			if (!h->is_forgotten && h->at != 0 &&
			    now - h->at > HOST_FORGET_S) {
				h->is_forgotten = true;
				host_save(repo->all, h);
			}
			if (h->is_forgotten && is_whole && h->read == NULL &&
			    h->seen != repo->round)
				host_drop(repo->all, h);
		}
	}
}

/* The shortest of all; -1: nobody is awaited. */
static int64_t
awaited_s(const struct repo *repo)
{
	const struct certs *certs = repo->all->env->certs;
	int64_t least = -1, s;

	for (size_t i = 0; i < certs->n; i++) {
		const struct publication *p = publication_find(certs->list[i],
		    repo->conf);

		s = p != NULL ? publication_awaited_s(p) : -1;
		if (s != -1 && (least == -1 || s < least))
			least = s;
	}
	return least;
}

/* Of who is awaited for long, a tenth of that later: some 60 lists in all. */
static int64_t
pause_s(const struct repo *repo)
{
	int64_t s;

	if (repo->watch != NULL)
		return TOLD_S;
	s = awaited_s(repo);
	if (s == -1)
		return IDLE_S;
	s = s / 10 > SOON_S ? s / 10 : SOON_S;
	if (repo->conf->type != REPOSITORY_DIRECTORY)
		s *= (int64_t)(1 + repo->n_listed / PAGE);
	return s < IDLE_S ? s : IDLE_S;
}

static void
listed(const struct error *err, bool is_whole, void *arg)
{
	struct repo *repo = arg;
	int64_t s;

	repo->list = NULL;
	if (err != NULL) {
		tell(repo, err);
		/* What will not be listed is told all the same. */
		repo->was_listed |= err->kind != ERR_TRANSIENT &&
		    repo->watch != NULL;
		s = err->kind != ERR_TRANSIENT ? DENIED_S :
		    repo->tries < 5 ? 10 << repo->tries : RETRY_MAX_S;
		repo->tries++;
	} else {
		repo->tries = 0;
		repo->was_listed = true;
		repo->told[0] = '\0';
		age(repo, is_whole);
		s = pause_s(repo);
	}
	next_read(repo);
	timer_set(&repo->look, s * 1000 - (int64_t)arc4random_uniform(
	    (uint32_t)(s * 100 + 1)));
}

static void
look_cb(void *arg)
{
	struct repo *repo = arg;
	const struct fleet_env *env = repo->all->env;

	if (repo->list != NULL)
		return;
	repo->round++;
	repo->n_listed = 0;
	repo->list = object_list_start(&(struct object_list_args){
	    .loop = env->loop, .http = env->http, .etcd = env->etcd,
	    .repository = repo->conf, .folder = receipt_folder(repo->conf),
	    .max = LIST_MAX, .timeout_ms = TIMEOUT_MS, .each = listed_one },
	    listed, repo);
}

/* --- watches --- */

/* It says all, so that nothing is to be read. */
static void
changed(const struct etcd_kv *kv, void *arg)
{
	struct repo *repo = arg;
	struct host *h = kv->value != NULL && kv->len <= RECEIPT_MAX ?
	    host_of(repo, kv->key) : NULL;
	char version[OBJECT_VERSION_SIZE];

	if (h == NULL)
		return;
	object_etcd_version(kv, version);
	/* What is being read may be the one before. */
	if (h->read != NULL)
		read_free(h->read);
	take_value(repo, h, kv->value, kv->len, version);
}

static void
anything(void *arg)
{
	struct repo *repo = arg;

	timer_set(&repo->look, 0);
}

/* etcd's own trouble is told by who publishes. */
static void
state(const struct error *err, void *arg)
{
	struct repo *repo = arg;

	if (err != NULL)
		tell(repo, err);
}

/* --- all of it --- */

struct repo *
repo_new(struct hosts *all, const struct conf_repository *conf)
{
	struct repo *repo = xcalloc(1, sizeof(*repo));

	repo->all = all;
	repo->conf = conf;
	TAILQ_INIT(&repo->reads);
	timer_init(&repo->look, all->env->loop, look_cb, repo);
	LIST_INSERT_HEAD(&all->repos, repo, link);
	timer_set(&repo->look, START_MS);
	if (conf->type != REPOSITORY_ETCD)
		return repo;
	repo->watched = xasprintf("%s%s", conf->prefix,
	    receipt_folder(conf));
	repo->watch = etcd_watch_new(&(struct etcd_watch_args){
	    .loop = all->env->loop, .etcd = all->env->etcd,
	    .conf = conf->etcd, .prefix = repo->watched, .changed = changed,
	    .all = anything, .state = state, .arg = repo });
	return repo;
}

void
repo_free(struct repo *repo)
{
	struct host_read *r;

	timer_clear(&repo->look);
	object_list_cancel(repo->list);
	etcd_watch_free(repo->watch);
	while ((r = TAILQ_FIRST(&repo->reads)) != NULL)
		read_free(r);
	LIST_REMOVE(repo, link);
	free(repo->watched);
	free(repo);
}

void
repo_expect(struct repo *repo)
{
	if (repo->list == NULL && repo->watch == NULL)
		timer_set(&repo->look, START_MS);
}
