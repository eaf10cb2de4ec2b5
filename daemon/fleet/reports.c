/* SPDX-License-Identifier: MIT */
#include "daemon/fleet/reports.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/origin.h"
#include "daemon/certs/pair.h"
#include "daemon/fleet/env.h"
#include "daemon/io/slots.h"
#include "daemon/publish/objects.h"
#include "daemon/publish/receipt.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/rollout/rollout.h"

#define PUTS_MAX	4	/* at once */
#define SETTLE_MS	300	/* one step seldom comes alone */
#define START_SPREAD_MS	2000
#define REFRESH_S	86400
#define PLANNED_S	60	/* a window, not the next turn */
#define KEEP_S		(3 * REFRESH_S)	/* in etcd, without a word more */
#define TIMEOUT_MS	30000

struct report {
	struct reports	*all;
	struct cert	*cert;
	const struct conf_repository *to;
	struct timer	 due;
	bool		 is_soon;	/* due is set for something new */
	bool		 is_again;	/* something was new while it was put */
	struct slot	*slot;
	struct object_op *put;
	uint64_t	 sent, sending;	/* hash of what was, and is being, said;
					   0: nothing */
	time_t		 sent_at;
	unsigned	 tries;		/* that failed, in a row */
	char		 of[64];	/* serial of: */
	char		 sha256[65];
};

struct reports {
	const struct fleet_env *env;
	struct slots	*puts;
	struct event_sub *events;
	/* Repositories that took none, of this configuration; told once. */
	const struct conf_repository **told;
	size_t		 n_told;
	bool		 is_stopped;
};

void
report_free(struct cert *c)
{
	struct report *r = c->report;

	if (r == NULL)
		return;
	timer_clear(&r->due);
	object_cancel(r->put);
	slot_give(r->slot);
	free(r);
	c->report = NULL;
}

/* --- what is said --- */

static void
note_open(const struct deploy_open *o, void *arg)
{
	struct receipt *r = arg;

	if (o->error[0] == '\0' || r->code[0] != '\0')
		return;
	(void)text_printf(r->code, sizeof(r->code), "%s", o->serves_old ?
	    "deploy:serving-old" : "deploy:failed");
	(void)text_printf(r->error, sizeof(r->error), "deploy \"%s\": %s",
	    o->name, o->error);
}

static const char *
fingerprint(struct report *r)
{
	const char *serial = cert_serial(r->cert);
	struct cert_info info;
	struct error ignored;

	if (strcmp(r->of, serial) == 0)
		return r->sha256;
	r->sha256[0] = '\0';
	if (serial[0] != '\0' && store_live_info(r->all->env->store,
	    r->cert->row.name, &info, &ignored) == 0) {
		if (strcmp(info.serial, serial) == 0)
			memcpy(r->sha256, info.sha256, sizeof(r->sha256));
		cert_info_clear(&info);
	}
	(void)text_printf(r->of, sizeof(r->of), "%s", serial);
	return r->sha256;
}

static void
fill(struct report *r, struct receipt *out)
{
	const struct cert *c = r->cert;
	const struct store_cert *row = &c->row;
	const struct store_pair *pair = pair_installed(c);
	time_t now = clock_now(), next = rollout_next_at(c);

	memset(out, 0, sizeof(*out));
	(void)text_printf(out->host, sizeof(out->host), "%s",
	    origin_host(c, r->to));
	(void)text_printf(out->certificate, sizeof(out->certificate), "%s",
	    row->name);
	(void)text_printf(out->serial, sizeof(out->serial), "%s",
	    cert_serial(c));
	(void)text_printf(out->sha256, sizeof(out->sha256), "%s",
	    fingerprint(r));
	if (pair != NULL)
		(void)text_printf(out->second, sizeof(out->second), "%s",
		    pair->serial);
	if (row->serial != NULL) {
		out->not_before = row->not_before;
		out->not_after = row->not_after;
	}
	out->since = rollout_done_at(c);
	out->ok = out->since != 0;
	rollout_open_each(c, note_open, out);
	if (!out->ok && out->code[0] == '\0' && next > now + PLANNED_S)
		out->next_at = next;
	if (out->code[0] == '\0' && row->error != NULL && row->failures > 0) {
		(void)text_printf(out->code, sizeof(out->code), "%s",
		    row->error->code);
		(void)text_printf(out->error, sizeof(out->error), "%s",
		    row->error->msg);
	}
	text_clean(out->error);
	out->at = now;
}

/* Of all that is worth another receipt: not times that change by themselves,
 * nor the try that an error is of. */
static uint64_t
hash_of(const struct receipt *r)
{
	char flags[64];
	uint64_t h = text_hash(TEXT_HASH_BASIS, r->host);

	(void)text_printf(flags, sizeof(flags), "%d %lld", (int)r->ok,
	    (long long)r->not_before);
	h = text_hash(text_hash(h, r->serial), r->sha256);
	if (r->second[0] != '\0')
		h = text_hash(h, r->second);
	h = text_hash(text_hash(h, r->code), r->error);
	h = text_hash(h, flags);
	return h != 0 ? h : 1;
}

/* --- saying it --- */

static void
arm(struct report *r, int64_t ms, bool is_soon)
{
	if (r->all->is_stopped)
		return;
	r->is_soon = is_soon;
	timer_set(&r->due, ms);
}

static void
rest(struct report *r)
{
	/* A fleet that was updated at once shall not stay in step. */
	int64_t ms = (int64_t)REFRESH_S * 1000;

	arm(r, ms - (int64_t)arc4random_uniform((uint32_t)(ms / 8)), false);
}

static void
tell_refusal(struct reports *all, const struct conf_repository *repository,
    const struct error *err)
{
	for (size_t i = 0; i < all->n_told; i++) {
		if (all->told[i] == repository)
			return;
	}
	all->told = xreallocarray(all->told, all->n_told + 1,
	    sizeof(const struct conf_repository *));
	all->told[all->n_told++] = repository;
	log_notice(NULL, "its publisher will not know what this host serves: "
	    "%s%s", err->msg, repository->of_cluster ? "" : " (give the host "
	    "the right to write there, or set receipts = no)");
}

static void
put(const struct error *err, const struct object_reply *reply, void *arg)
{
	struct report *r = arg;
	time_t now = clock_now();

	(void)reply;
	r->put = NULL;
	slot_give(r->slot);
	r->slot = NULL;
	if (err == NULL) {
		r->tries = 0;
		r->sent = r->sending;
		r->sent_at = now;
		if (r->is_again || r->is_soon)
			arm(r, SETTLE_MS, true);
		else
			rest(r);
		return;
	}
	r->tries++;
	if (err->kind == ERR_TRANSIENT) {
		arm(r, (int64_t)(due_soon_retry_at(r->tries, now) - now) *
		    1000, false);
		return;
	}
	tell_refusal(r->all, r->to, err);
	rest(r);
}

static void
say(struct report *r, const struct receipt *receipt)
{
	const struct fleet_env *env = r->all->env;
	char *key, *sealed, *name;
	struct repo_keys keys;
	struct error err;
	size_t len;

	if (repo_keys_read(r->to, env->store, &keys, &err) == -1) {
		tell_refusal(r->all, r->to, &err);
		slot_give(r->slot);
		r->slot = NULL;
		rest(r);
		return;
	}
	sealed = receipt_make(receipt, &keys, &len);
	repo_keys_clear(&keys);
	name = receipt_key(receipt->host, receipt->certificate);
	key = xasprintf("%s%s", receipt_folder(r->to), name);
	r->put = object_put_start(&(struct object_args){ .loop = env->loop,
	    .http = env->http, .etcd = env->etcd, .repository = r->to,
	    .key = key, .data = sealed, .len = len, .is_sealed = true,
	    .keep_until = receipt->at + KEEP_S, .timeout_ms = TIMEOUT_MS },
	    put, r);
	free(key);
	free(name);
	free(sealed);
}

static void
go(void *arg)
{
	struct report *r = arg;
	struct receipt receipt;

	r->is_again = false;
	fill(r, &receipt);
	r->sending = hash_of(&receipt);
	say(r, &receipt);
}

static void
due_cb(void *arg)
{
	struct report *r = arg;
	time_t now = clock_now();
	struct receipt receipt;

	r->is_soon = false;
	if (r->slot != NULL) {
		r->is_again = true;
		return;
	}
	fill(r, &receipt);
	if (r->tries == 0 && hash_of(&receipt) == r->sent &&
	    r->sent_at <= now && now - r->sent_at < REFRESH_S / 2) {
		rest(r);
		return;
	}
	r->slot = slot_take(r->all->puts, go, r);
}

/* Something has happened to a certificate. */
static void
happened(const json_t *event, void *arg)
{
	struct reports *all = arg;
	const char *name = jsonx_str(event, "cert");
	struct cert *c = name != NULL ? certs_find(all->env->certs, name) :
	    NULL;

	if (c != NULL && c->report != NULL && !c->report->is_soon)
		arm(c->report, SETTLE_MS, true);
}

/* --- the configuration --- */

struct reports *
reports_new(const struct fleet_env *env)
{
	struct reports *all = xcalloc(1, sizeof(*all));

	all->env = env;
	all->puts = slots_new(env->loop, PUTS_MAX);
	all->events = event_subscribe(env->certs, happened, all);
	return all;
}

static void
forget_all(struct reports *all)
{
	for (size_t i = 0; i < all->env->certs->n; i++)
		report_free(all->env->certs->list[i]);
	free(all->told);
	all->told = NULL;
	all->n_told = 0;
}

void
reports_free(struct reports *all)
{
	if (all == NULL)
		return;
	forget_all(all);
	event_unsubscribe(all->events);
	slots_free(all->puts);
	free(all);
}

void
reports_stop(struct reports *all)
{
	all->is_stopped = true;
	forget_all(all);
}

void
reports_apply(struct reports *all)
{
	forget_all(all);
	for (size_t i = 0; i < all->env->certs->n; i++) {
		struct cert *c = all->env->certs->list[i];
		const struct conf_repository *to = c->conf == NULL ? NULL :
		    c->conf->realm != NULL ? c->conf->realm->certs :
		    c->conf->source;
		struct report *r;

		if (to == NULL || !to->receipts)
			continue;
		r = xcalloc(1, sizeof(*r));
		r->all = all;
		r->cert = c;
		r->to = to;
		timer_init(&r->due, all->env->loop, due_cb, r);
		c->report = r;
		arm(r, (int64_t)arc4random_uniform(START_SPREAD_MS), true);
	}
}
