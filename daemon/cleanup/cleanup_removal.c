/* SPDX-License-Identifier: MIT */
/* One removal: ask the provider, then see that the servers agree. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/cleanup_priv.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define REMOVE_TIMEOUT_MS	120000
#define ZONE_TIMEOUT_MS		30000
#define ABSENT_TIMEOUT_MS	600000
/* An add whose answer was lost may still land: it is removed twice. */
#define LATE_ADD_S		20
/* To see whether a record that was refused is there after all. */
#define LOOK_TIMEOUT_MS		5000
/* Longer than any add may take to be seen: what nobody has shown until then,
 * and the provider refuses to remove, is not there. */
#define NEVER_SEEN_S		86400

void
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
	bool is_absent = r->recs[0]->is_absent;

	for (size_t i = 0; i < r->n_recs; i++) {
		struct txtrec *t = r->recs[i];

		t->was_tried = true;
		t->remove_now = false;	/* another may have its place now */
		t->row.tries++;
		/* Some vendors lock accounts that fail to log in too often;
		   a reload or a restart tries at once. */
		t->row.retry_at = err->kind == ERR_CONFIG ?
		    due_retry_at(err, t->row.tries, now, 0) :
		    due_soon_retry_at(t->row.tries, now);
		if (err->retry_at > t->row.retry_at)
			t->row.retry_at = due_asked(err->retry_at, now);
		(void)text_printf(t->row.error, sizeof(t->row.error), "%s",
		    err->msg);
		text_clean(t->row.error);
		store_txt_put(c->env->store, &t->row);
	}
	event_emit(c->env->certs, r->recs[0]->row.cert, STEP_END, is_absent ?
	    LOGL_INFO : LOGL_WARNING, "TXT record %s is not removed yet: "
	    "%s%s; next try in %s", r->recs[0]->row.fqdn, err->msg, is_absent ?
	    "; no server shows it" : "",
	    text_span(r->recs[0]->row.retry_at - now, span));
	memcpy(recs, r->recs, n * sizeof(recs[0]));
	removal_free(r);
	for (size_t i = 0; i < n; i++)
		tell_gone(recs[i], err);
	timer_set(&c->work, 0);
	cleanup_check_waits(c);
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
			store_txt_put(c->env->store, &t->row);
			continue;
		}
		store_txt_delete(c->env->store, &t->row);
		txtrec_free(t);
	}
	timer_set(&c->work, 0);
	cleanup_check_waits(c);
}

/* A group of values that the provider refused to add. */
static bool
is_refused(const struct removal *r)
{
	return r->recs[0]->row.state == TXT_REFUSED;
}

/* Refused, and nobody shows it: is it to be forgotten? */
static void
removal_absent(struct removal *r)
{
	const struct txtrec *t = r->recs[0];
	time_t newest = 0;

	for (size_t i = 0; i < r->n_recs; i++) {
		r->recs[i]->is_absent = true;
		if (r->recs[i]->row.created_at > newest)
			newest = r->recs[i]->row.created_at;
	}
	if (is_refused(r)) {
		event_emit(r->cleanup->env->certs, t->row.cert, STEP_END,
		    LOGL_INFO, "TXT record %s was never there: nothing is to "
		    "be removed", t->row.fqdn);
	} else if (clock_now() - newest < NEVER_SEEN_S) {
		removal_failed(r, &r->failure);
		return;
	} else {
		event_emit(r->cleanup->env->certs, t->row.cert, STEP_END,
		    LOGL_NOTICE, "TXT record %s is forgotten: no server shows "
		    "it, and it cannot be removed: %s", t->row.fqdn,
		    r->failure.msg);
	}
	removal_finish(r, false);
}

/* Refused, but it may be there, as far as could be seen. */
static void
removal_unsure(struct removal *r, const struct error *why)
{
	if (!is_refused(r)) {
		removal_failed(r, &r->failure);
		return;
	}
	if (strcmp(why->code, "dns:stale") == 0) {
		/* Somebody shows it: the usual way, at once. */
		for (size_t i = 0; i < r->n_recs; i++) {
			r->recs[i]->row.state = TXT_REMOVING;
			store_txt_put(r->cleanup->env->store,
			    &r->recs[i]->row);
		}
		timer_set(&r->cleanup->work, 0);
		removal_free(r);
		return;
	}
	removal_failed(r, why);
}

static void
absent_done(const struct error *err, const struct txtwait_reply *reply,
    void *arg)
{
	struct removal *r = arg;

	r->wait = NULL;
	if (r->failure.kind != ERR_NONE || is_refused(r)) {
		if (err == NULL)
			removal_absent(r);
		else
			removal_unsure(r, err);
		return;
	}
	if (err != NULL) {
		removal_failed(r, err);
		return;
	}
	event_emit(r->cleanup->env->certs, r->recs[0]->row.cert, STEP_END,
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
		.timeout_ms = r->failure.kind != ERR_NONE || is_refused(r) ?
		    LOOK_TIMEOUT_MS : ABSENT_TIMEOUT_MS,
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
	if (err != NULL && r->failure.kind != ERR_NONE) {
		removal_failed(r, &r->failure);
		return;
	}
	if (err != NULL) {
		removal_failed(r, err);
		return;
	}
	zone_clear(&t->zone);
	zone_copy(&t->zone, zone);
	t->has_zone = true;
	removal_confirm(r);
}

/* Do the servers show it? */
static void
removal_look(struct removal *r)
{
	if (r->recs[0]->has_zone)
		removal_confirm(r);
	else	/* the name of the record is known: no alias */
		r->zone_op = zone_start_exact(r->dns, r->recs[0]->row.fqdn,
		    ZONE_TIMEOUT_MS, zone_found, r);
}

/*
 * The provider does not remove it, or there is none.  If it says so for good,
 * whether the record is there at all decides if that is anybody's trouble.
 */
static void
removal_refused(struct removal *r, const struct error *err)
{
	for (size_t i = 0; i < r->n_recs; i++) {
		r->recs[i]->was_tried = true;
		r->recs[i]->is_absent = false;
	}
	if ((err->kind != ERR_CONFIG && err->kind != ERR_REJECTED) ||
	    (r->cc != NULL && r->cc->propagation == PROPAGATION_NONE)) {
		removal_failed(r, err);
		return;
	}
	r->failure = *err;
	removal_look(r);
}

static void
removed_done(const struct error *err, const struct provider_run_reply *reply,
    void *arg)
{
	struct removal *r = arg;

	r->run = NULL;
	for (size_t i = 0; i < r->n_recs; i++)
		r->recs[i]->was_tried = true;
	if (err != NULL) {
		struct cleanup *c = r->cleanup;

		removal_refused(r, err);
		cleanup_check_waits(c);
		return;
	}
	if (r->cc != NULL && r->cc->propagation == PROPAGATION_NONE) {
		event_emit(r->cleanup->env->certs, r->recs[0]->row.cert,
		    STEP_END,
		    LOGL_INFO, "TXT record %s is removed",
		    r->recs[0]->row.fqdn);
		removal_finish(r, true);
		return;
	}
	removal_look(r);
	cleanup_check_waits(r->cleanup);
}

/*
 * Without a call: the provider never takes a value away, so that to wait for
 * that would be vain; it refused to add it; or there is none of that name.
 */
static void
close_cb(void *arg)
{
	struct removal *r = arg;
	const struct txtrec *t = r->recs[0];
	struct error err;

	if (is_refused(r) && r->cc != NULL &&
	    r->cc->propagation == PROPAGATION_NONE) {
		removal_finish(r, false);
	} else if (is_refused(r)) {
		removal_look(r);
	} else if (conf_find_provider(r->conf, t->row.provider) == NULL) {
		(void)error_set(&err, ERR_CONFIG, "engine:no-provider",
		    "provider \"%s\" is not in the configuration any more: "
		    "configure it again, or remove the record by hand",
		    t->row.provider);
		removal_refused(r, &err);
	} else {
		event_emit(r->cleanup->env->certs, t->row.cert, STEP_END,
		    LOGL_INFO, "TXT record %s stays until another takes its "
		    "place: provider %s cannot remove", t->row.fqdn,
		    t->row.provider);
		removal_finish(r, false);
	}
}

/*
 * Free to be removed?  Not while a run of its certificate may acquire it yet:
 * a resumed order wants the same value.
 */
bool
txtrec_is_free(const struct txtrec *t)
{
	const struct cert *cert;

	if (t->in_use || t->removal != NULL || !txtrec_is_ours(t))
		return false;
	if (t->remove_now)
		return true;
	cert = certs_find(t->cleanup->env->certs, t->row.cert);
	return cert == NULL || !cert->may_acquire;
}

bool
txtrec_is_due(const struct txtrec *t, time_t now)
{
	return due_planned(t->row.retry_at, now) <= now;
}

static bool
is_same_name(const struct txtrec *a, const struct txtrec *b)
{
	return strcmp(a->row.fqdn, b->row.fqdn) == 0 &&
	    strcmp(a->row.provider, b->row.provider) == 0 &&
	    (a->row.state == TXT_REFUSED) == (b->row.state == TXT_REFUSED);
}

/* As far as the configuration still says; the caller frees. */
static char *
all_identifiers(const struct conf_cert *cc, const char *identifier)
{
	char *all = xstrdup("");

	for (size_t i = 0; cc != NULL && i < cc->n_names; i++) {
		char *longer;

		if (cc->names[i].provider == NULL)
			continue;
		longer = xasprintf("%s%s%s", all, all[0] != '\0' ? "," : "",
		    dname_base(cc->names[i].name));
		free(all);
		all = longer;
	}
	if (all[0] != '\0')
		return all;
	free(all);
	return xstrdup(identifier);
}

static const struct conf *
conf_with_provider(const struct cleanup *c, const struct txtrec *t)
{
	const struct conf *conf = c->env->certs->conf;

	return t->conf != NULL &&
	    conf_find_provider(conf, t->row.provider) == NULL ? t->conf :
	    conf;
}

void
removal_start(struct cleanup *c, struct txtrec *first, time_t now)
{
	const char *values[GROUP_MAX], *handles[GROUP_MAX];
	struct removal *r = xcalloc(1, sizeof(*r));
	struct provider_run_args args;
	struct txtrec *t;
	char *all;

	r->cleanup = c;
	r->conf = conf_ref(conf_with_provider(c, first));
	r->cc = conf_find_cert(r->conf, cert_tried_name(first->row.cert));
	r->own_dns = zones_own_dns(c->env->dns, r->cc);
	r->dns = r->own_dns != NULL ? r->own_dns : c->env->dns;
	timer_init(&r->close, c->env->loop, close_cb, r);
	TAILQ_INSERT_TAIL(&c->removals, r, link);
	c->n_removals++;
	for (t = first; t != NULL && r->n_recs < GROUP_MAX;
	    t = TAILQ_NEXT(t, link)) {
		if (!txtrec_is_free(t) || !txtrec_is_due(t, now) ||
		    !is_same_name(t, first))
			continue;
		values[r->n_recs] = t->row.value;
		handles[r->n_recs] = txtrec_handle(t);
		r->recs[r->n_recs++] = t;
		t->removal = r;
		if (t->row.state != TXT_ADDED)
			continue;
		t->row.state = TXT_REMOVING;
		store_txt_put(c->env->store, &t->row);
	}
	args = (struct provider_run_args){
		.provider = conf_find_provider(r->conf, first->row.provider),
		.is_add = false,
		.cert = cert_tried_name(first->row.cert),
		.identifier = first->row.identifier,
		.fqdn = first->row.fqdn,
		.zone = first->row.zone,
		.values = values,
		.handles = handles,
		.n_values = r->n_recs,
		.timeout_ms = REMOVE_TIMEOUT_MS,
	};
	/* The caller is walking the list that these shorten. */
	if (is_refused(r) || args.provider == NULL) {
		timer_set(&r->close, 0);
		return;
	}
	if (args.provider->type->cannot_remove) {
		timer_set(&r->close, 0);
		return;
	}
	all = all_identifiers(r->cc, first->row.identifier);
	args.all_identifiers = all;
	r->run = provider_run_start(c->env->providers, &args, removed_done, r);
	free(all);
}
