/* SPDX-License-Identifier: MIT */
#include "daemon/engine/cleanup.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/engine/due.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/renewal.h"
#include "daemon/engine/zones.h"
#include "providers/provider.h"

#define REMOVE_TIMEOUT_MS	120000
#define ZONE_TIMEOUT_MS		30000
#define ABSENT_TIMEOUT_MS	600000
#define GROUP_MAX		20	/* values of one name in one removal */
#define REMOVALS_MAX		50	/* at once */
#define WAKE_MAX_MS		60000
/* An add whose answer was lost may still land: it is removed twice. */
#define LATE_ADD_S		20

struct txtrec {
	TAILQ_ENTRY(txtrec) link;
	struct cleanup	*cleanup;
	struct store_txt row;
	struct zone	 zone;		/* servers unknown after a restart */
	bool		 has_zone;
	bool		 is_claimed;
	bool		 is_spent;	/* its run wants it removed now */
	struct removal	*removal;	/* under way */
	bool		 was_tried;	/* a removal has come back */
	bool		 is_probe;
	txtrec_gone_cb	*gone;		/* NULL: nobody wants to know */
	void		*gone_arg;
};

/* One removal: all unclaimed values of one name at one provider. */
struct removal {
	TAILQ_ENTRY(removal) link;
	struct cleanup	*cleanup;
	const struct conf *conf;
	struct txtrec	*recs[GROUP_MAX];
	size_t		 n_recs;
	const struct conf_cert *cc;	/* in conf; NULL: not any more */
	struct dns	*dns;
	struct dns	*own_dns;	/* NULL: dns is the engine's */
	struct provider_run_op *run;
	struct zone_op	*zone_op;
	struct txtwait_op *wait;
	struct timer	 close;		/* nothing can be removed */
};

struct cleanup_wait_op {
	TAILQ_ENTRY(cleanup_wait_op) link;
	struct cleanup	*cleanup;
	char		*cert;
	enum cleanup_wait what;
	struct timer	 timer;
	void		(*done)(void *);
	void		*arg;
};

struct cleanup {
	struct engine	*engine;
	struct timer	 work;
	bool		 is_started;
	TAILQ_HEAD(, txtrec) recs;
	TAILQ_HEAD(, removal) removals;
	unsigned	 n_removals;
	TAILQ_HEAD(, cleanup_wait_op) waits;
};

static void	check_waits(struct cleanup *);

static struct txtrec *
txtrec_new(struct cleanup *c)
{
	struct txtrec *t = xcalloc(1, sizeof(*t));

	t->cleanup = c;
	TAILQ_INSERT_TAIL(&c->recs, t, link);
	return t;
}

static void
txtrec_free(struct txtrec *t)
{
	TAILQ_REMOVE(&t->cleanup->recs, t, link);
	zone_clear(&t->zone);
	free(t);
}

static void
load_cb(const struct store_txt *row, void *arg)
{
	struct txtrec *t = txtrec_new(arg);

	t->row = *row;
}

static void
removal_free(struct removal *r)
{
	struct cleanup *c = r->cleanup;

	provider_run_cancel(r->run);
	zone_cancel(r->zone_op);
	txtwait_cancel(r->wait);
	timer_clear(&r->close);
	for (size_t i = 0; i < r->n_recs; i++)
		r->recs[i]->removal = NULL;
	TAILQ_REMOVE(&c->removals, r, link);
	c->n_removals--;
	dns_free(r->own_dns);
	conf_unref(r->conf);
	free(r);
}

static void
tell_gone(struct txtrec *t, const struct error *err)
{
	txtrec_gone_cb *gone = t->gone;

	t->gone = NULL;
	if (gone != NULL)
		gone(err, t->gone_arg);
}

/* The removal failed, in whatever step: later again. */
static void
removal_failed(struct removal *r, const struct error *err)
{
	struct cleanup *c = r->cleanup;
	struct txtrec *recs[GROUP_MAX];
	size_t n = r->n_recs;
	time_t now = clock_now();
	char span[TEXT_SPAN_MAX];

	for (size_t i = 0; i < r->n_recs; i++) {
		struct txtrec *t = r->recs[i];

		t->was_tried = true;
		t->is_spent = false;	/* another may have its place now */
		t->row.tries++;
		t->row.retry_at = due_soon_retry_at(t->row.tries, now);
		if (err->retry_at > t->row.retry_at)
			t->row.retry_at = due_asked(err->retry_at, now);
		(void)text_printf(t->row.error, sizeof(t->row.error), "%s",
		    err->msg);
		text_clean(t->row.error);
		store_txt_put(c->engine->a.store, &t->row);
	}
	event_emit(c->engine, r->recs[0]->row.cert, STEP_END, LOGL_WARNING,
	    "TXT record %s is not removed yet: %s; next try in %s",
	    r->recs[0]->row.fqdn, err->msg,
	    text_span(r->recs[0]->row.retry_at - now, span));
	memcpy(recs, r->recs, n * sizeof(recs[0]));
	removal_free(r);
	for (size_t i = 0; i < n; i++)
		tell_gone(recs[i], err);
	timer_set(&c->work, 0);
	check_waits(c);
}

/* It is over: the rows of its records are not needed any more. */
static void
removal_finish(struct removal *r, bool again_if_adding)
{
	struct cleanup *c = r->cleanup;
	struct txtrec *gone[GROUP_MAX];
	size_t n = r->n_recs;

	memcpy(gone, r->recs, n * sizeof(gone[0]));
	removal_free(r);
	for (size_t i = 0; i < n; i++) {
		struct txtrec *t = gone[i];

		tell_gone(t, NULL);
		if (again_if_adding && t->row.state == TXT_ADDING) {
			/* Whether the add got through was never known. */
			t->row.state = TXT_REMOVING;
			t->row.retry_at = clock_now() + LATE_ADD_S;
			store_txt_put(c->engine->a.store, &t->row);
			continue;
		}
		store_txt_delete(c->engine->a.store, t->row.id);
		txtrec_free(t);
	}
	timer_set(&c->work, 0);
	check_waits(c);
}

/* The provider never takes a value away: to wait for that would be vain. */
static void
close_cb(void *arg)
{
	struct removal *r = arg;

	event_emit(r->cleanup->engine, r->recs[0]->row.cert, STEP_END,
	    LOGL_INFO, "TXT record %s stays until another takes its place: "
	    "provider %s cannot remove", r->recs[0]->row.fqdn,
	    r->recs[0]->row.provider);
	removal_finish(r, false);
}

static void
absent_done(const struct error *err, const struct txtwait_reply *reply,
    void *arg)
{
	struct removal *r = arg;

	r->wait = NULL;
	if (err != NULL) {
		removal_failed(r, err);
		return;
	}
	event_emit(r->cleanup->engine, r->recs[0]->row.cert, STEP_END,
	    LOGL_INFO, "TXT record %s is removed and seen gone%s%s",
	    r->recs[0]->row.fqdn, reply->note[0] != '\0' ? "; " : "",
	    reply->note);
	removal_finish(r, true);
}

/* The provider has removed them; now see that the servers agree. */
static void
removal_confirm(struct removal *r)
{
	struct txtwait_item items[GROUP_MAX];
	struct txtwait_args args = {
		.items = items,
		.n_items = r->n_recs,
		.whom = r->cc != NULL &&
		    r->cc->propagation == PROPAGATION_RESOLVERS ?
		    TXTWAIT_RESOLVERS : TXTWAIT_AUTHORITATIVE,
		.timeout_ms = ABSENT_TIMEOUT_MS,
	};

	for (size_t i = 0; i < r->n_recs; i++) {
		items[i] = (struct txtwait_item){
			.zone = &r->recs[0]->zone,
			.value = r->recs[i]->row.value,
			.present = false,
		};
	}
	r->wait = txtwait_start(r->dns, &args, absent_done, r);
}

static void
zone_found(const struct error *err, const struct zone *zone, void *arg)
{
	struct removal *r = arg;
	struct txtrec *t = r->recs[0];

	r->zone_op = NULL;
	if (err != NULL) {
		removal_failed(r, err);
		return;
	}
	zone_clear(&t->zone);
	zone_copy(&t->zone, zone);
	t->has_zone = true;
	removal_confirm(r);
}

static void
removed_done(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct removal *r = arg;

	r->run = NULL;
	if (err != NULL) {
		removal_failed(r, err);
		return;
	}
	for (size_t i = 0; i < r->n_recs; i++)
		r->recs[i]->was_tried = true;
	if (r->cc != NULL && r->cc->propagation == PROPAGATION_NONE) {
		event_emit(r->cleanup->engine, r->recs[0]->row.cert, STEP_END,
		    LOGL_INFO, "TXT record %s is removed",
		    r->recs[0]->row.fqdn);
		removal_finish(r, true);
		return;
	}
	if (r->recs[0]->has_zone)
		removal_confirm(r);
	else	/* the name of the record is known: no alias */
		r->zone_op = zone_start_exact(r->dns, r->recs[0]->row.fqdn, ZONE_TIMEOUT_MS, zone_found, r);
	check_waits(r->cleanup);
}

/*
 * Free to be removed?  Not while a run of its certificate may still claim it:
 * a resumed order wants the same value.
 */
static bool
is_free(const struct txtrec *t)
{
	const struct cert *cert;

	if (t->is_claimed || t->removal != NULL)
		return false;
	if (t->is_spent)
		return true;
	cert = engine_find(t->cleanup->engine, t->row.cert);
	return cert == NULL || cert->run == NULL ||
	    !renewal_is_authorizing(cert->run);
}

static bool
is_due(const struct txtrec *t, time_t now)
{
	return due_planned(t->row.retry_at, now) <= now;
}

static bool
is_same_name(const struct txtrec *a, const struct txtrec *b)
{
	return strcmp(a->row.fqdn, b->row.fqdn) == 0 &&
	    strcmp(a->row.provider, b->row.provider) == 0;
}

static void
removal_start(struct cleanup *c, struct txtrec *first, time_t now)
{
	const char *values[GROUP_MAX], *handles[GROUP_MAX];
	struct removal *r = xcalloc(1, sizeof(*r));
	struct provider_run_args args;
	struct txtrec *t;

	r->cleanup = c;
	r->conf = conf_ref(c->engine->conf);
	r->cc = conf_find_cert(r->conf, first->row.cert);
	r->own_dns = zones_own_dns(c->engine->a.loop, r->cc);
	r->dns = r->own_dns != NULL ? r->own_dns : c->engine->dns;
	timer_init(&r->close, c->engine->a.loop, close_cb, r);
	TAILQ_INSERT_TAIL(&c->removals, r, link);
	c->n_removals++;
	for (t = first; t != NULL && r->n_recs < GROUP_MAX;
	    t = TAILQ_NEXT(t, link)) {
		if (!is_free(t) || !is_due(t, now) ||
		    !is_same_name(t, first))
			continue;
		values[r->n_recs] = t->row.value;
		handles[r->n_recs] = t->row.handle;
		r->recs[r->n_recs++] = t;
		t->removal = r;
		if (t->row.state != TXT_ADDED)
			continue;
		t->row.state = TXT_REMOVING;
		store_txt_put(c->engine->a.store, &t->row);
	}
	args = (struct provider_run_args){
		.provider = conf_find_provider(r->conf, first->row.provider),
		.is_add = false,
		.cert = first->row.cert,
		.identifier = first->row.identifier,
		.fqdn = first->row.fqdn,
		.zone = first->row.zone,
		.values = values,
		.handles = handles,
		.n_values = r->n_recs,
		.timeout_ms = REMOVE_TIMEOUT_MS,
	};
	if (args.provider == NULL) {
		struct error err;

		(void)error_set(&err, ERR_CONFIG, "engine:no-provider",
		    "provider \"%s\" is not in the configuration any more: "
		    "configure it again, or remove the record by hand",
		    first->row.provider);
		removal_failed(r, &err);
		return;
	}
	/* The caller is walking the list that close_cb() shortens. */
	if (args.provider->type->cannot_remove)
		timer_set(&r->close, 0);
	else
		r->run = provider_run_start(&c->engine->env, &args,
		    removed_done, r);
}

static void
work_cb(void *arg)
{
	struct cleanup *c = arg;
	time_t now = clock_now(), next = 0;
	struct txtrec *t;

	if (!c->is_started)
		return;
	TAILQ_FOREACH(t, &c->recs, link) {
		if (!is_free(t))
			continue;
		if (is_due(t, now) && c->n_removals < REMOVALS_MAX)
			removal_start(c, t, now);
		else if (!is_due(t, now) &&
		    (next == 0 || t->row.retry_at < next))
			next = t->row.retry_at;
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&c->work, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

struct cleanup *
cleanup_new(struct engine *e)
{
	struct cleanup *c = xcalloc(1, sizeof(*c));

	c->engine = e;
	TAILQ_INIT(&c->recs);
	TAILQ_INIT(&c->removals);
	TAILQ_INIT(&c->waits);
	timer_init(&c->work, e->a.loop, work_cb, c);
	store_txt_each(e->a.store, load_cb, c);
	return c;
}

void
cleanup_free(struct cleanup *c)
{
	struct txtrec *t;

	if (c == NULL)
		return;
	cleanup_pause(c);
	while ((t = TAILQ_FIRST(&c->recs)) != NULL)
		txtrec_free(t);
	free(c);
}

void
cleanup_start(struct cleanup *c)
{
	c->is_started = true;
	timer_set(&c->work, 0);
}

void
cleanup_pause(struct cleanup *c)
{
	struct removal *r;

	c->is_started = false;
	timer_clear(&c->work);
	while ((r = TAILQ_FIRST(&c->removals)) != NULL)
		removal_free(r);
}

void
cleanup_kick(struct cleanup *c)
{
	if (c->is_started)
		timer_set(&c->work, 0);
}

void
cleanup_retry(struct cleanup *c)
{
	struct txtrec *t;

	TAILQ_FOREACH(t, &c->recs, link)
		t->row.retry_at = 0;
	cleanup_kick(c);
}

struct txtrec *
cleanup_claim(struct cleanup *c, const char *cert, const char *provider,
    const char *identifier, const struct zone *zone, const char *value)
{
	struct txtrec *t;

	TAILQ_FOREACH(t, &c->recs, link) {
		if (!t->is_claimed && strcmp(t->row.cert, cert) == 0 &&
		    strcmp(t->row.provider, provider) == 0 &&
		    strcmp(t->row.fqdn, zone->fqdn) == 0 &&
		    strcmp(t->row.value, value) == 0)
			break;
	}
	if (t == NULL) {
		t = txtrec_new(c);
		(void)text_printf(t->row.cert, sizeof(t->row.cert), "%s", cert);
		(void)text_printf(t->row.provider, sizeof(t->row.provider),
		    "%s", provider);
		(void)text_printf(t->row.fqdn, sizeof(t->row.fqdn), "%s",
		    zone->fqdn);
		(void)text_printf(t->row.value, sizeof(t->row.value), "%s",
		    value);
		t->row.created_at = clock_now();
	} else if (t->removal != NULL) {
		struct removal *r = t->removal;

		/* The others of that removal begin again. */
		removal_free(r);
		timer_set(&c->work, 0);
	}
	(void)text_printf(t->row.identifier, sizeof(t->row.identifier), "%s",
	    identifier);
	(void)text_printf(t->row.zone, sizeof(t->row.zone), "%s", zone->apex);
	zone_clear(&t->zone);
	zone_copy(&t->zone, zone);
	t->has_zone = true;
	t->is_claimed = true;
	t->is_spent = false;
	t->is_probe = false;
	t->was_tried = false;
	t->row.state = TXT_ADDING;
	t->row.retry_at = 0;
	t->row.tries = 0;
	t->row.error[0] = '\0';
	store_txt_put(c->engine->a.store, &t->row);
	return t;
}

void
txtrec_set_added(struct txtrec *t, const char *handle)
{
	t->row.state = TXT_ADDED;
	(void)text_printf(t->row.handle, sizeof(t->row.handle), "%s", handle);
	store_txt_put(t->cleanup->engine->a.store, &t->row);
}

void
txtrec_release(struct txtrec *t)
{
	if (t == NULL)
		return;
	t->is_claimed = false;
	cleanup_kick(t->cleanup);
}

void
txtrec_spend(struct txtrec *t)
{
	t->is_spent = true;
	txtrec_release(t);
}

void
txtrec_set_probe(struct txtrec *t)
{
	t->is_probe = true;
}

void
txtrec_spend_and_tell(struct txtrec *t, txtrec_gone_cb *gone, void *arg)
{
	t->gone = gone;
	t->gone_arg = arg;
	txtrec_spend(t);
}

void
txtrec_untell(struct txtrec *t)
{
	t->gone = NULL;
}

unsigned
cleanup_count_others(const struct cleanup *c, const char *cert,
    const char *provider, const char *place, bool is_zone,
    const char **other)
{
	const struct txtrec *t;
	unsigned n = 0;

	TAILQ_FOREACH(t, &c->recs, link) {
		if (strcmp(is_zone ? t->row.zone : t->row.fqdn, place) != 0 ||
		    strcmp(t->row.provider, provider) != 0 ||
		    (cert != NULL && !t->is_probe &&
		    strcmp(t->row.cert, cert) == 0))
			continue;
		if (t->is_claimed ||
		    (t->removal != NULL && t->removal->run != NULL)) {
			*other = t->row.cert;
			n++;
		}
	}
	return n;
}

const char *
txtrec_fqdn(const struct txtrec *t)
{
	return t->row.fqdn;
}

const char *
txtrec_value(const struct txtrec *t)
{
	return t->row.value;
}

const char *
txtrec_provider(const struct txtrec *t)
{
	return t->row.provider;
}

const char *
txtrec_identifier(const struct txtrec *t)
{
	return t->row.identifier;
}

const struct zone *
txtrec_zone(const struct txtrec *t)
{
	return &t->zone;
}

/* Does what the caller waits for not hold yet? */
static bool
is_waiting(const struct cleanup *c, const char *cert, enum cleanup_wait what)
{
	const struct txtrec *t;
	time_t now = clock_now();

	TAILQ_FOREACH(t, &c->recs, link) {
		if (t->is_claimed || (cert != NULL &&
		    strcmp(t->row.cert, cert) != 0))
			continue;
		if (what == CLEANUP_IDLE ? t->removal != NULL &&
		    t->removal->run != NULL : !t->was_tried &&
		    (t->removal != NULL || t->row.retry_at <= now) &&
		    (what == CLEANUP_TRIED || t->is_spent))
			return true;
	}
	return false;
}

void
cleanup_wait_cancel(struct cleanup_wait_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->timer);
	TAILQ_REMOVE(&op->cleanup->waits, op, link);
	free(op->cert);
	free(op);
}

static void
wait_finish_cb(void *arg)
{
	struct cleanup_wait_op *op = arg;

	op->done(op->arg);
	cleanup_wait_cancel(op);
}

/* Wake those whose wait is over; from the loop, they may start anything. */
static void
check_waits(struct cleanup *c)
{
	struct cleanup_wait_op *op;

	TAILQ_FOREACH(op, &c->waits, link) {
		if (!is_waiting(c, op->cert, op->what))
			timer_set(&op->timer, 0);
	}
}

struct cleanup_wait_op *
cleanup_wait_start(struct cleanup *c, const char *cert,
    enum cleanup_wait what, unsigned timeout_ms, void (*done)(void *arg),
    void *arg)
{
	struct cleanup_wait_op *op = xcalloc(1, sizeof(*op));

	op->cleanup = c;
	op->cert = cert != NULL ? xstrdup(cert) : NULL;
	op->what = what;
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&c->waits, op, link);
	timer_init(&op->timer, c->engine->a.loop, wait_finish_cb, op);
	timer_set(&op->timer, is_waiting(c, cert, what) ? timeout_ms : 0);
	return op;
}

json_t *
cleanup_json(const struct cleanup *c)
{
	json_t *list = json_array();
	const struct txtrec *t;

	TAILQ_FOREACH(t, &c->recs, link) {
		json_t *o = json_pack(
		    "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:o, s:o}",
		    "cert", t->row.cert, "provider", t->row.provider,
		    "zone", t->row.zone, "name", t->row.fqdn,
		    "value", t->row.value,
		    "state", t->is_claimed ? "in use" :
		    txt_state_name(t->row.state),
		    "created_at", time_json(t->row.created_at),
		    "tries", (int)t->row.tries,
		    "next_at", time_json(t->is_claimed ? 0 : t->row.retry_at),
		    "error", t->row.error[0] != '\0' ?
		    json_string(t->row.error) : json_null());

		if (o != NULL)
			(void)json_array_append_new(list, o);
	}
	return list;
}

size_t
cleanup_count(const struct cleanup *c)
{
	const struct txtrec *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &c->recs, link)
		n++;
	return n;
}
