/* SPDX-License-Identifier: MIT */
#include "daemon/engine/requests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf_csr.h"
#include "daemon/engine/csrs.h"
#include "daemon/engine/priv.h"
#include "daemon/publish/request.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

#define FIRST_MS	2000	/* a fleet that starts at once */
#define TICK_MAX_S	60
#define LEAD_S		3600	/* before the publisher would renew by itself */
#define EXPECT_S	1800	/* until what was asked for has come */
#define AGAIN_S		3600	/* a host that asks on and on */
#define AHEAD_S		300	/* a host's clock, of ours */
#define JUMP_S		60	/* a clock that was set */

struct asked {
	TAILQ_ENTRY(asked) link;
	struct requests	*all;
	char		*name;
	struct timer	 tick;
	struct keygen_op *keygen;
	struct request_op *op;
	bool		 is_put;	/* by the host, since we started: */
	time_t		 put_at;
	int64_t		 put_boot_ms;	/* the same, whatever the clock says */
	bool		 is_wanted;	/* a person has said so */
	char		 etag[OBJECT_ETAG_SIZE];	/* of what was taken */
	time_t		 taken_at;	/* another one; 0: not yet */
	struct error	 told;		/* last; "": it is over */
};

struct requests {
	struct engine	*engine;
	const struct conf *conf;	/* that the operations borrow */
	TAILQ_HEAD(, asked) list;
};

/* Once, until it is another trouble, or over. */
static bool
tell(struct asked *a, const char *what, const struct error *err)
{
	if (strcmp(a->told.msg, err->msg) == 0)
		return false;
	a->told = *err;
	event_emit(a->all->engine->certs, a->name, STEP_DOWNLOAD,
	    LOGL_WARNING, "%s: %s", what, err->msg);
	return true;
}

static void
tell_host(struct asked *a, const struct error *err)
{
	(void)tell(a, "asking for a certificate for the key of this host",
	    err);
}

static struct request_args
request_args(const struct asked *a)
{
	const struct engine *e = a->all->engine;

	return (struct request_args){ .loop = e->a.loop, .http = e->a.http,
	    .etcd = e->etcd, .store = e->a.store, .certificate = a->name };
}

/* --- on the host --- */

static void
put_done(const struct error *err, const struct request_reply *reply,
    void *arg)
{
	struct asked *a = arg;

	(void)reply;
	a->op = NULL;
	if (err != NULL) {
		tell_host(a, err);
		return;
	}
	a->told.msg[0] = '\0';
	a->is_put = true;
	a->put_at = clock_now();
	a->put_boot_ms = clock_boot_ms();
	timer_set(&a->tick, 0);
	event_emit(a->all->engine->certs, a->name, STEP_DOWNLOAD, LOGL_INFO,
	    "asked for a certificate for the key of this host; the publisher "
	    "orders it");
}

static void
put(struct asked *a, const struct conf_cert *cc, const char *pem)
{
	struct request_args args = request_args(a);

	args.repository = cc->source;
	args.host = cc->source->host;
	args.csr = pem;
	a->op = request_put_start(&args, put_done, a);
}

static void
key_made(const struct error *err, EVP_PKEY *key, void *arg)
{
	struct asked *a = arg;
	struct error failed;

	a->keygen = NULL;
	if (err == NULL && store_request_key_put(a->all->engine->a.store,
	    a->name, key, &failed) == -1)
		err = &failed;
	if (err != NULL)
		tell_host(a, err);
	else
		timer_set(&a->tick, 0);
}

/* Is it time for the next one?  The publisher renews when it sees it. */
static bool
wants_key(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	time_t life = row->not_after - row->not_before;
	time_t at = row->source_renew_at != 0 ? row->source_renew_at :
	    row->not_after - life / 3;

	return row->serial == NULL ||
	    clock_now() >= at - (life / 10 < LEAD_S ? life / 10 : LEAD_S);
}

/*
 * Is what was put still what the publisher should find?  It has the time in it,
 * which a clock that was set since has made wrong; and after a while somebody
 * may have lost it.
 */
static bool
is_good(const struct asked *a)
{
	int64_t s = (clock_boot_ms() - a->put_boot_ms) / 1000;
	int64_t jump = clock_now() - a->put_at - s;

	return a->is_put && s <= EXPECT_S && jump >= -JUMP_S &&
	    jump <= JUMP_S;
}

/* What was asked for is there soon: look sooner than `poll`, or than what has
 * failed would be tried again. */
static void
expect(struct asked *a, struct cert *c)
{
	time_t now = clock_now(), waits = now - a->put_at;

	if (waits < 0 || waits > EXPECT_S)
		return;
	timer_set(&a->tick, waits < 2 ? 2000 : waits > TICK_MAX_S ?
	    TICK_MAX_S * 1000 : (int64_t)waits * 1000);
	if (c->run != NULL || waits < 2)
		return;
	c->row.retry_at = 0;
	watch_soon(c, 0);
}

/* What is asked for with the key that is kept; *pem NULL: there is none. */
static int
make_request(const struct asked *a, const struct conf_cert *cc, char **pem,
    struct error *err)
{
	const char **names = xcalloc(cc->n_names, sizeof(*names));
	int rc;

	for (unsigned i = 0; i < cc->n_names; i++)
		names[i] = cc->names[i].name;
	rc = store_request_make(a->all->engine->a.store, a->name, names,
	    cc->n_names, pem, err);
	free(names);
	return rc;
}

static void
tick_host(struct asked *a, struct cert *c)
{
	struct engine *e = a->all->engine;
	struct error err;
	char *pem;

	/* What it was for is installed. */
	if (store_request_is_live(e->a.store, a->name)) {
		store_request_key_drop(e->a.store, a->name);
		a->is_put = false;
	}
	if (make_request(a, c->conf, &pem, &err) == -1) {
		tell_host(a, &err);
		return;
	}
	if (pem == NULL && (a->is_wanted || wants_key(c)))
		a->keygen = keygen_start(e->a.loop, e->a.children,
		    c->conf->key, key_made, a);
	if (pem != NULL)
		a->is_wanted = false;
	if (pem != NULL && !is_good(a))
		put(a, c->conf, pem);
	else if (pem != NULL)
		expect(a, c);
	free(pem);
}

/* --- at the publisher --- */

/*
 * Is it one that was made since the last?  One of a clock that is ahead would
 * make all that come after it older.
 */
static int
check_time(struct asked *a, time_t at, struct error *err)
{
	time_t soon = clock_now() + AHEAD_S;
	time_t last = store_request_at(a->all->engine->a.store, a->name);
	char text[TEXT_TIME_MAX];

	if (at > soon)
		return error_set(err, ERR_CONFIG, "request:clock", "it was "
		    "made at %s, says the clock of that host, which is ahead "
		    "of the one here: set the clock (NTP); then it asks again "
		    "by itself", text_time(at, text));
	/* Ours was ahead then: what is made now is newer. */
	if (last > soon)
		last = clock_now() - AHEAD_S;
	return at >= last ? 0 : error_set(err, ERR_REJECTED, "request:older",
	    "one that is older than the last was put back, which is not used, "
	    "or the clock of that host is slow: set the clock (NTP)");
}

static int
take(struct asked *a, struct cert *c, const struct request_reply *reply,
    struct error *err)
{
	struct engine *e = a->all->engine;
	time_t now = clock_now();
	struct csr csr;
	bool is_other;
	int rc;

	if (check_time(a, reply->at, err) == -1)
		return -1;
	if (csr_parse(reply->csr, strlen(reply->csr), &csr, err) == -1)
		return -1;
	rc = conf_csr_check_names(c->conf, &csr, err);
	is_other = strcmp(csr.hash, cert_csr_wanted(c)) != 0;
	csr_clear(&csr);
	if (rc == -1 || !is_other)
		return rc;
	if (a->taken_at != 0 && now < a->taken_at + AGAIN_S &&
	    now >= a->taken_at)
		return error_set(err, ERR_RATELIMIT, "request:soon", "it asks "
		    "for another key within an hour: that waits");
	/* Who has none may soon find that he wants another. */
	if (c->row.serial != NULL)
		a->taken_at = now;
	return store_request_put(e->a.store, a->name, reply->csr, reply->at,
	    err);
}

/* Who waits for a request shall see why this one is none. */
static void
refuse(struct asked *a, struct cert *c, const struct error *err)
{
	char *what;
	bool is_other;

	if (c == NULL || c->conf == NULL || c->conf->csr == NULL ||
	    c->conf->csr->host == NULL)
		return;
	what = xasprintf("the request of host \"%s\" is not used",
	    c->conf->csr->host->name);
	is_other = tell(a, what, err);
	free(what);
	if (!is_other)
		return;
	cert_csr_refused(c, err);
	if (c->row.error != NULL && strcmp(c->row.error->code,
	    "request:none") == 0 && c->run == NULL) {
		c->row.retry_at = 0;
		cert_save(c);
		certs_changed(a->all->engine->certs);
	}
}

static void
got(const struct error *err, const struct request_reply *reply, void *arg)
{
	struct asked *a = arg;
	struct cert *c = certs_find(a->all->engine->certs, a->name);
	struct error failed;

	a->op = NULL;
	/* It may not have been put yet. */
	if (err != NULL && strcmp(err->code, "object:missing") == 0) {
		if (c != NULL)
			cert_csr_refused(c, NULL);
		return;
	}
	if (err == NULL && reply->csr != NULL && c != NULL &&
	    take(a, c, reply, &failed) == -1)
		err = &failed;
	if (err != NULL) {
		refuse(a, c, err);
		return;
	}
	a->told.msg[0] = '\0';
	if (c != NULL)
		cert_csr_refused(c, NULL);
	(void)text_printf(a->etag, sizeof(a->etag), "%s", reply->etag);
	if (reply->csr != NULL)
		csrs_look(a->all->engine->csrs);
}

static void
tick_publisher(struct asked *a, const struct conf_csr *csr)
{
	struct request_args args = request_args(a);

	args.repository = csr->repository;
	args.host = csr->host->name;
	args.host_key = csr->host->public_key;
	args.etag = a->etag;
	a->op = request_get_start(&args, got, a);
}

/* --- both --- */

static void
tick_cb(void *arg)
{
	struct asked *a = arg;
	struct cert *c = certs_find(a->all->engine->certs, a->name);
	int every;

	if (c == NULL || c->conf == NULL)
		return;
	every = c->conf->poll_s < TICK_MAX_S ? c->conf->poll_s : TICK_MAX_S;
	timer_set(&a->tick, (int64_t)every * 1000);
	if (a->op != NULL || a->keygen != NULL)
		return;
	if (c->conf->keeps_key)
		tick_host(a, c);
	else
		tick_publisher(a, c->conf->csr);
}

static void
clear(struct requests *all)
{
	struct asked *a;

	while ((a = TAILQ_FIRST(&all->list)) != NULL) {
		TAILQ_REMOVE(&all->list, a, link);
		timer_clear(&a->tick);
		keygen_cancel(a->keygen);
		request_cancel(a->op);
		free(a->name);
		free(a);
	}
	conf_unref(all->conf);
	all->conf = NULL;
}

struct requests *
requests_new(struct engine *e)
{
	struct requests *all = xcalloc(1, sizeof(*all));

	all->engine = e;
	TAILQ_INIT(&all->list);
	return all;
}

void
requests_free(struct requests *all)
{
	if (all == NULL)
		return;
	clear(all);
	free(all);
}

void
requests_apply(struct requests *all)
{
	const struct conf *conf = all->engine->conf;
	bool orders = conf->cluster == NULL ||
	    conf->cluster->role != CLUSTER_SERVE;

	clear(all);
	all->conf = conf_ref(conf);
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct conf_cert *cc = conf->certs[i];
		struct asked *a;

		if (!cc->keeps_key && (cc->csr == NULL ||
		    cc->csr->host == NULL || !orders))
			continue;
		a = xcalloc(1, sizeof(*a));
		a->all = all;
		a->name = xstrdup(cc->name);
		timer_init(&a->tick, all->engine->a.loop, tick_cb, a);
		timer_set(&a->tick, arc4random_uniform(FIRST_MS));
		TAILQ_INSERT_TAIL(&all->list, a, link);
	}
}

void
requests_want(struct requests *all, const char *cert)
{
	struct asked *a;

	TAILQ_FOREACH(a, &all->list, link) {
		if (strcmp(a->name, cert) != 0)
			continue;
		a->is_wanted = true;
		timer_set(&a->tick, 0);
	}
}
