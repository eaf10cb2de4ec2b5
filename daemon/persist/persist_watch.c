/* SPDX-License-Identifier: MIT */
#include "daemon/persist/persist_watch.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/persist/persist_env.h"
#include "daemon/persist/persist_names.h"

#define DAY_S 86400
#define MARGIN_S (14 * DAY_S)		/* after the next renewal */
#define PAUSE_S DAY_S			/* between two looks */
#define RETRY_S 3600			/* the DNS did not tell */
#define REPEAT_S (DAY_S - 3600)		/* before the same is told again */
#define MOMENT_MS 1000
#define TICK_MAX_S 3600			/* the wall clock may jump */

struct persist_watch {
	const struct persist_env *env;
	struct timer	 tick;
	bool		 is_stopped;
	size_t		 cursor;	/* in the table */
	/* What it is looking at: */
	struct cert	*cert;		/* NULL: nothing */
	const struct conf *conf;	/* one reference */
	const struct conf_cert *cc;	/* in conf */
	struct dns	*own_dns;
	struct persist_names names;
	unsigned	 at_ca;		/* of its issuers */
	char		*kid;		/* at that one */
	size_t		 at;
	struct persist_look_op *look;
	bool		 has_failed;	/* one look */
	json_t		*seen;
};

static void	tick_cb(void *);
static void	next_name(struct persist_watch *);
static void	next_ca(struct persist_watch *);

struct persist_watch *
persist_watch_new(const struct persist_env *env)
{
	struct persist_watch *w = xcalloc(1, sizeof(*w));

	w->env = env;
	timer_init(&w->tick, env->loop, tick_cb, w);
	return w;
}

static void
drop_work(struct persist_watch *w)
{
	persist_look_cancel(w->look);
	w->look = NULL;
	persist_names_clear(&w->names);
	dns_free(w->own_dns);
	w->own_dns = NULL;
	conf_unref(w->conf);
	w->conf = NULL;
	free(w->kid);
	w->kid = NULL;
	json_decref(w->seen);
	w->seen = NULL;
	w->cert = NULL;
	w->has_failed = false;
}

void
persist_watch_stop(struct persist_watch *w)
{
	w->is_stopped = true;
	timer_clear(&w->tick);
	drop_work(w);
}

void
persist_watch_forget(struct persist_watch *w, const struct cert *c)
{
	if (w->cert != c)
		return;
	drop_work(w);
	if (!w->is_stopped)
		timer_set(&w->tick, 0);
}

void
persist_watch_free(struct persist_watch *w)
{
	if (w == NULL)
		return;
	persist_watch_stop(w);
	free(w);
}

static bool
is_watched(const struct cert *c)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_names; i++) {
		if (c->conf->names[i].challenge == CHALLENGE_DNS_PERSIST_01)
			return true;
	}
	return false;
}

void
persist_watch_kick(struct persist_watch *w, struct cert *one)
{
	bool any = false;

	for (size_t i = 0; i < (one != NULL ? 1 : w->env->certs->n); i++) {
		struct cert *c = one != NULL ? one : w->env->certs->list[i];

		if (is_watched(c)) {
			c->persist_at = 0;
			any = true;
		} else {
			json_decref(c->persist);
			c->persist = NULL;
		}
	}
	if (any && !w->is_stopped && w->cert == NULL)
		timer_set(&w->tick, MOMENT_MS);
}

/* --- what it means --- */

static bool
has_provider(const struct persist_name *n)
{
	for (size_t i = 0; i < n->n_names; i++) {
		if (n->names[i]->provider == NULL)
			return false;
	}
	return true;
}

/* When it is needed the next time. */
static time_t
needed_at(const struct cert *c)
{
	time_t now = clock_now(), due = 0;
	bool by_ari;

	if (c->row.serial != NULL)
		due = ari_window_due_at(c, &by_ari);
	return due > now ? due : now;
}

static const struct conf_account *
account_of(const struct persist_watch *w)
{
	return conf_issuer(w->cc, w->at_ca).account;
}

/* What a person should know, or ""; true if it is to be told aloud. */
static bool
find_problem(const struct persist_watch *w,
    const struct persist_look_reply *seen, char *out, size_t size)
{
	const struct persist_name *n = &w->names.list[w->at];
	const struct persist_verdict *v = &seen->verdict;
	char at[TEXT_TIME_MAX], span[TEXT_SPAN_MAX];
	time_t needed = needed_at(w->cert);

	out[0] = '\0';
	if (v->match != PERSIST_RIGHT) {
		(void)text_printf(out, size, "the dns-persist-01 record at "
		    "%s %s; %s%s%s %s", seen->zone->fqdn, v->why,
		    w->at_ca == 0 ? "the next renewal" : "renewals with "
		    "account \"", w->at_ca == 0 ? "" : account_of(w)->name,
		    w->at_ca == 0 ? "" : "\"", has_provider(n) ?
		    "will go by dns-01" : "will fail");
		return !has_provider(n) && w->cert->row.error == NULL;
	}
	if (v->until == 0 || v->until >= needed + MARGIN_S)
		return false;
	(void)text_printf(out, size, "the dns-persist-01 record at %s ends "
	    "at %s, in %s; replace it: acmectl persist %s",
	    seen->zone->fqdn, text_time(v->until, at),
	    text_span(v->until - clock_now(), span), w->cert->row.name);
	return true;
}

/* The problem that was seen at that name, for that account, the last time, or
 * "". */
static const char *
old_problem(const struct cert *c, const char *name, const char *account)
{
	const json_t *o;
	size_t i;

	json_array_foreach(c->persist, i, o) {
		const char *text = json_string_value(json_object_get(o,
		    "problem"));

		if (strcmp(json_string_value(json_object_get(o, "name")),
		    name) == 0 && strcmp(json_string_value(json_object_get(o,
		    "account")), account) == 0)
			return text != NULL ? text : "";
	}
	return "";
}

/* The words about how long there is change from day to day. */
static void
tell(struct persist_watch *w, const char *name, const char *problem)
{
	struct cert *c = w->cert;
	time_t since = clock_now() - c->persist_told_at;
	bool is_new = old_problem(c, name, account_of(w)->name)[0] == '\0';

	if (!is_new && since >= 0 && since < REPEAT_S)
		return;
	c->persist_told_at = clock_now();
	event_emit(w->env->certs, c->row.name, STEP_AUTHORIZE, LOGL_WARNING,
	    "%s",
	    problem);
}

static void
note(struct persist_watch *w, const struct persist_look_reply *seen,
    const struct error *err)
{
	char fqdn[PERSIST_FQDN_SIZE], problem[1000] = "";

	persist_fqdn(w->names.list[w->at].base, fqdn);
	if (err != NULL)
		w->has_failed = true;
	else if (find_problem(w, seen, problem, sizeof(problem)))
		tell(w, fqdn, problem);
	(void)json_array_append_new(w->seen, json_pack(
	    "{s:s, s:s, s:s, s:o, s:o, s:o}", "name", fqdn,
	    "account", account_of(w)->name,
	    "state", err != NULL ? "unknown" :
	    persist_match_name(seen->verdict.match),
	    "until", jsonx_time(err != NULL ? 0 : seen->verdict.until),
	    "problem", problem[0] != '\0' ? json_string(problem) :
	    err != NULL ? json_string(err->msg) : json_null(),
	    "at", jsonx_time(clock_now())));
}

/* --- looking --- */

static void
looked(const struct error *err, const struct persist_look_reply *seen,
    void *arg)
{
	struct persist_watch *w = arg;

	w->look = NULL;
	if (w->cert->conf != NULL)
		note(w, seen, err);
	w->at++;
	next_name(w);
}

static void
next_name(struct persist_watch *w)
{
	struct persist_want want = { .account = w->kid, .now = clock_now() };
	struct cert *c = w->cert;

	if (w->at < w->names.n && c->conf != NULL && c->run == NULL) {
		const struct persist_name *n = &w->names.list[w->at];

		want.wildcard = n->wildcard;
		w->look = persist_look_start(w->own_dns != NULL ? w->own_dns :
		    w->env->dns, n->base, &want, looked, w);
		return;
	}
	if (w->at == w->names.n && c->conf != NULL &&
	    ++w->at_ca < conf_n_issuers(w->cc)) {
		next_ca(w);
		return;
	}
	if (w->at == w->names.n) {
		json_decref(c->persist);
		c->persist = json_incref(w->seen);
	}
	if (c->persist_at != 0)		/* kicked meanwhile? */
		c->persist_at = clock_now() +
		    (w->has_failed ? RETRY_S : PAUSE_S);
	drop_work(w);
	timer_set(&w->tick, 0);
}

/* The records for one CA.  Before the account is registered there none can be
 * right. */
static void
next_ca(struct persist_watch *w)
{
	const struct conf_account *account = account_of(w);

	free(w->kid);
	w->kid = store_account_kid(w->env->store, account->name,
	    account->directory);
	w->at = w->kid != NULL ? 0 : w->names.n;
	next_name(w);
}

static void
begin(struct persist_watch *w, struct cert *c)
{
	w->cert = c;
	c->persist_at = clock_now() + PAUSE_S;
	w->conf = conf_ref(w->env->certs->conf);
	w->cc = c->conf;
	w->own_dns = zones_own_dns(w->env->dns, w->cc);
	w->at_ca = 0;
	w->seen = json_array();
	persist_names_init(&w->names, w->cc);
	next_ca(w);
}

static void
tick_cb(void *arg)
{
	struct persist_watch *w = arg;
	const struct certs *certs = w->env->certs;
	time_t now = clock_now(), next = 0;

	if (w->cert != NULL)
		return;
	for (size_t k = 0; k < certs->n; k++) {
		struct cert *c = certs->list[(w->cursor + k) % certs->n];
		time_t at = c->persist_at;

		if (!is_watched(c))
			continue;
		if (at > now + PAUSE_S)		/* the clock was set back */
			at = 0;
		/* The end of a run kicks. */
		if (at <= now && c->run == NULL && !c->is_queued) {
			w->cursor = (w->cursor + k + 1) % certs->n;
			begin(w, c);
			return;
		}
		if (at > now && (next == 0 || at < next))
			next = at;
	}
	if (next != 0)
		timer_set(&w->tick, (next - now < TICK_MAX_S ? next - now :
		    TICK_MAX_S) * 1000);
}

json_t *
persist_watch_json(const struct cert *c)
{
	return c->persist != NULL ? json_incref(c->persist) : json_array();
}
