/* SPDX-License-Identifier: MIT */
#include "daemon/engine/rehearse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/api.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/config/directories.h"
#include "daemon/engine/priv.h"
#include "daemon/renewal/renewal.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

/* A person waits, and the CA is one for tries: few at once. */
#define RUNS_MAX 5

struct rehearsal {
	TAILQ_ENTRY(rehearsal) link;
	struct rehearsals *all;
	char		*name;		/* the certificate's */
	char		*directory;	/* that was asked for, or NULL */
	unsigned	 at;		/* which of its CAs, from now on */
	unsigned	 works;		/* at so many */
	bool		 is_pair;	/* tried with both keys, */
	bool		 is_second;	/* the other one now */
	bool		 is_told;	/* where it is not tried */
	struct error	 err;		/* of the first that does not; or
					   ERR_NONE */
	enum step	 err_step;
	/* While it runs at one: */
	const struct conf *conf;	/* one reference */
	char		*account_name;
	struct conf_account account;	/* all else is the real one's */
	struct conf_cert cc;
	struct cert	 cert;
};

struct rehearsals {
	struct engine	*engine;
	struct places	 places;	/* of their own */
	struct timer	 next;
	TAILQ_HEAD(, rehearsal) waiting, running;
};

/* --- can it be tried, and where --- */

static const struct conf_name *
first_persist(const struct conf_cert *cc)
{
	for (size_t i = 0; i < cc->n_names; i++) {
		if (cc->names[i].challenge == CHALLENGE_DNS_PERSIST_01)
			return &cc->names[i];
	}
	return NULL;
}

/* The CA for tries of its i-th CA; NULL: there is none, and err says what to
 * do. */
static const char *
directory_for(const struct conf_cert *cc, unsigned i, const char *asked,
    struct error *err)
{
	const struct conf_account *a = conf_issuer(cc, i).account;
	const char *directory = asked != NULL ? asked : a != NULL &&
	    a->staging_directory != NULL ? a->staging_directory : a != NULL ?
	    issuer_staging_of(a->directory) : NULL;
	const struct conf_name *persist = first_persist(cc);

	if (a == NULL && cc->given != NULL)
		(void)error_set(err, ERR_CONFIG, "rehearse:source",
		    "\"%s\" is taken from files: no CA is asked", cc->name);
	else if (a == NULL)
		(void)error_set(err, ERR_CONFIG, "rehearse:source",
		    "\"%s\" is fetched from where another host publishes it: "
		    "try that there", cc->name);
	else if (persist != NULL)
		(void)error_set(err, ERR_CONFIG, "rehearse:persist",
		    "%s is proved by dns-persist-01, whose record is of one "
		    "CA and account: no other can be tried with it; see: "
		    "acmectl check %s", persist->name, cc->name);
	else if (issuer_is_for_tries(a->directory) && asked == NULL)
		(void)error_set(err, ERR_CONFIG, "rehearse:staging",
		    "the CA of account \"%s\" is a staging CA already; "
		    "instead: acmectl renew-now %s", a->name, cc->name);
	else if (directory == NULL)
		(void)error_set(err, ERR_CONFIG, "rehearse:no-staging",
		    "no staging CA is known for %s; name one: acmectl "
		    "renew-now %s --dry-run --directory URL, or "
		    "staging_directory in account \"%s\"", a->directory,
		    cc->name, a->name);
	else if (directory_same(directory, a->directory))
		(void)error_set(err, ERR_CONFIG, "rehearse:same",
		    "%s is the real CA of \"%s\", not a staging CA",
		    directory, cc->name);
	else
		return directory;
	return NULL;
}

/*
 * The first of its CAs, from that one on, that has one for tries; -1: none
 * has, and err says what to do for the first asked of.  Where a person names
 * one, it is tried instead of the first.
 */
static int
next_ca(const struct conf_cert *cc, unsigned from, const char *asked,
    struct error *err)
{
	unsigned n = asked != NULL || conf_n_issuers(cc) == 0 ? 1 :
	    conf_n_issuers(cc);
	struct error other;

	for (unsigned i = from; i < n; i++) {
		if (directory_for(cc, i, asked, i == from ? err : &other) !=
		    NULL)
			return (int)i;
	}
	return -1;
}

static bool
is_url(const char *s)
{
	size_t len = strlen(s);

	return strncmp(s, "https://", 8) == 0 && len > 8 && len < 1000 &&
	    strcspn(s, " \"\\<>\t\r\n") == len;
}

int
engine_rehearse_check(const struct engine *e, const char *name,
    const char *directory, struct error *err)
{
	const struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return -1;
	if (directory != NULL && !is_url(directory))
		return error_set(err, ERR_CONFIG, "rehearse:url",
		    "the directory is not a URL that begins with https://");
	return next_ca(c->conf, 0, directory, err) == -1 ? -1 : 0;
}

/* --- one run --- */

static void
cert_init(struct rehearsal *r)
{
	r->cert = (struct cert){ .certs = r->all->engine->certs };
	r->cert.place.places = &r->all->places;
	r->cert.row.name = xasprintf(API_DRY_RUN "%s", r->name);
	r->cert.row.key = KEY_TYPE_END;
	TAILQ_INIT(&r->cert.targets);
}

static void
cert_clear(struct rehearsal *r)
{
	renewal_cancel(r->cert.run);
	hold_forget(r->all->engine->holds, &r->cert);
	place_end(&r->cert.place);
	free(r->cert.note);
	store_cert_clear(&r->cert.row);
	conf_unref(r->conf);
	r->conf = NULL;
	free(r->account_name);
	r->account_name = NULL;
}

static void
rehearsal_free(struct rehearsal *r)
{
	struct cert *c = certs_find(r->all->engine->certs, r->name);

	if (c != NULL)
		c->rehearsal = NULL;
	cert_clear(r);
	free(r->name);
	free(r->directory);
	free(r);
}

static void
end(struct rehearsal *r, enum step step, const struct error *err)
{
	if (err != NULL)
		event_end(&r->cert, step, err, "%s; nothing has changed",
		    err->msg);
	else
		event_end(&r->cert, step, NULL, "a renewal works%s: what "
		    "was issued is thrown away, and nothing has changed",
		    r->works > 1 ? " at each of them" : "");
}

/* Is there another CA to try it at, whatever this one said? */
static bool
has_next(const struct rehearsal *r)
{
	const struct conf_cert *cc = conf_find_cert(r->all->engine->conf,
	    r->name);
	struct error ignored;

	return cc != NULL && r->directory == NULL &&
	    next_ca(cc, r->at + 1, NULL, &ignored) != -1;
}

/* One more run of it. */
static void
again(struct rehearsal *r)
{
	cert_clear(r);
	cert_init(r);
	timer_set(&r->all->next, 0);
}

static void
done(struct cert *c, enum step step, const struct error *err, void *arg)
{
	struct rehearsal *r = arg;
	struct rehearsals *all = r->all;
	bool goes_on = has_next(r);

	if (err == NULL && r->is_pair && !r->is_second) {
		event_emit(c->certs, c->row.name, step, LOGL_NOTICE, "with "
		    "the key %s a renewal works; going on with %s",
		    key_type_name(r->cc.key), key_type_name(
		    r->cc.second_key));
		again(r);
		r->is_second = true;
		return;
	}
	if (goes_on || r->at > 0)
		event_emit(c->certs, c->row.name, step, err == NULL ?
		    LOGL_NOTICE : LOGL_WARNING, "at %s: %s",
		    r->account.directory, err == NULL ? "a renewal works" :
		    err->msg);
	if (err == NULL) {
		r->works++;
	} else if (r->err.kind == ERR_NONE) {
		r->err = *err;
		r->err_step = step;
		if (r->is_pair)
			(void)error_wrap(&r->err, "with the key %s",
			    key_type_name(r->cc.key));
		if (goes_on || r->at > 0)
			(void)error_wrap(&r->err, "at %s",
			    r->account.directory);
	}
	if (goes_on) {
		again(r);
		r->is_second = false;
		r->at++;
		return;
	}
	timer_set(&all->next, 0);
	end(r, err == NULL ? step : r->err_step, r->err.kind != ERR_NONE ?
	    &r->err : NULL);
	TAILQ_REMOVE(&all->running, r, link);
	rehearsal_free(r);
}

/* The account and the certificate, as far as they differ. */
static void
disguise(struct rehearsal *r, const struct conf_cert *cc,
    const char *directory)
{
	struct certs *certs = r->all->engine->certs;
	struct conf_issuer at = conf_issuer(cc, r->at);

	r->conf = conf_ref(certs->conf);
	r->account_name = xasprintf(API_DRY_RUN "%s", at.account->name);
	r->account = *at.account;
	r->account.name = r->account_name;
	r->account.directory = (char *)(uintptr_t)directory;
	r->account.eab_kid = r->account.eab_hmac_key_file = NULL;
	r->cc = *cc;
	r->cc.name = r->cert.row.name;
	r->cc.account = &r->account;
	r->cc.profile = (char *)(uintptr_t)at.profile;
	r->cc.profile_required = at.profile_required;
	r->cc.others = NULL;		/* each is tried by itself */
	r->cc.n_others = 0;
	r->cc.deploys = NULL;
	r->cc.n_deploys = 0;
	r->cc.reuse_key = false;
	r->is_pair = cc->is_pair;
	r->cc.is_pair = false;
	if (r->is_second)
		r->cc.key = cc->second_key;
	r->cert.conf = &r->cc;
	r->cert.passes_hold = r->cert.was_forced = true;
}

/* Those of its CAs that have none for tries. */
static void
tell_left_out(struct rehearsal *r, const struct conf_cert *cc)
{
	struct error why;

	if (r->is_told || r->directory != NULL)
		return;
	r->is_told = true;
	for (unsigned i = 0; i < conf_n_issuers(cc); i++) {
		if (directory_for(cc, i, NULL, &why) == NULL)
			event_emit(r->cert.certs, r->cert.row.name,
			    STEP_ACCOUNT, LOGL_NOTICE, "not tried with account "
			    "\"%s\": %s", conf_issuer(cc, i).account->name,
			    why.msg);
	}
}

static void
begin(struct rehearsal *r)
{
	struct engine *e = r->all->engine;
	const struct conf_cert *cc = conf_find_cert(e->conf, r->name);
	const char *directory;
	struct error err;
	int at = -1;

	if (cc == NULL)
		(void)error_set(&err, ERR_CONFIG, "engine:unknown-cert",
		    "\"%s\" is not configured any more", r->name);
	else
		at = next_ca(cc, r->at, r->directory, &err);
	if (at == -1) {
		end(r, STEP_ACCOUNT, &err);
		TAILQ_REMOVE(&r->all->running, r, link);
		rehearsal_free(r);
		return;
	}
	r->at = (unsigned)at;
	directory = directory_for(cc, r->at, r->directory, &err);
	tell_left_out(r, cc);
	disguise(r, cc, directory);
	event_emit(e->certs, r->cert.row.name, STEP_ACCOUNT, LOGL_NOTICE,
	    "trying a renewal at %s", directory);
	place_begin(&r->cert.place);
	r->cert.run = renewal_start(&e->renewal_env, &r->cert, done, r);
}

/* --- the queue --- */

/* Boulder gives both the same order while it is pending. */
static bool
has_twin(const struct rehearsal *r)
{
	const struct conf *conf = r->all->engine->conf;
	const struct conf_cert *cc = conf_find_cert(conf, r->name);
	const struct rehearsal *o;

	TAILQ_FOREACH(o, &r->all->running, link) {
		if (cc != NULL && o->cert.conf != NULL &&
		    conf_same_names(o->cert.conf, cc))
			return true;
	}
	return false;
}

static void
next_cb(void *arg)
{
	struct rehearsals *all = arg;
	struct rehearsal *r, *o;
	size_t n = 0;

	for (r = TAILQ_FIRST(&all->running); r != NULL; r = o) {
		o = TAILQ_NEXT(r, link);
		n++;
		if (r->cert.run == NULL)	/* at the next CA */
			begin(r);
	}
	for (r = TAILQ_FIRST(&all->waiting); r != NULL && n < RUNS_MAX;
	    r = o) {
		o = TAILQ_NEXT(r, link);
		if (has_twin(r))
			continue;
		TAILQ_REMOVE(&all->waiting, r, link);
		TAILQ_INSERT_TAIL(&all->running, r, link);
		n++;
		begin(r);
	}
	/* The end of one that runs comes back here. */
	if (TAILQ_EMPTY(&all->running) && !TAILQ_EMPTY(&all->waiting))
		timer_set(&all->next, 0);
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : directory_same(a, b);
}

int
engine_rehearse(struct engine *e, const char *name, const char *directory,
    struct error *err)
{
	struct rehearsals *all = e->rehearsals;
	struct cert *c = certs_find(e->certs, name);
	const struct rehearsal *o = c != NULL ? c->rehearsal : NULL;
	struct rehearsal *r;

	if (e->is_stopping)
		return error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
	if (o != NULL && is_same(o->directory, directory))
		return 0;
	if (o != NULL)
		return error_set(err, ERR_REJECTED, "rehearse:busy", "a dry "
		    "run of \"%s\" is under way at %s; try again when that is "
		    "over", name, o->directory != NULL ? o->directory :
		    "its account's staging CA");
	r = xcalloc(1, sizeof(*r));
	r->all = all;
	r->name = xstrdup(name);
	r->directory = directory != NULL ? xstrdup(directory) : NULL;
	cert_init(r);
	if (c != NULL)
		c->rehearsal = r;
	TAILQ_INSERT_TAIL(&all->waiting, r, link);
	timer_set(&all->next, 0);
	return 0;
}

struct rehearsals *
rehearsals_new(struct engine *e)
{
	struct rehearsals *all = xcalloc(1, sizeof(*all));

	all->engine = e;
	places_init(&all->places, e->a.loop);
	places_set_max(&all->places, RUNS_MAX);
	timer_init(&all->next, e->a.loop, next_cb, all);
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->running);
	return all;
}

static void
stop_list(struct rehearsals *all, bool running, const struct error *err)
{
	struct rehearsal *r;

	while ((r = running ? TAILQ_FIRST(&all->running) :
	    TAILQ_FIRST(&all->waiting)) != NULL) {
		end(r, r->cert.run != NULL ? r->cert.step : STEP_ACCOUNT, err);
		if (running)
			TAILQ_REMOVE(&all->running, r, link);
		else
			TAILQ_REMOVE(&all->waiting, r, link);
		rehearsal_free(r);
	}
}

void
rehearsals_stop(struct rehearsals *all)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping");
	timer_clear(&all->next);
	stop_list(all, true, &err);
	stop_list(all, false, &err);
}

void
rehearsals_free(struct rehearsals *all)
{
	if (all == NULL)
		return;
	rehearsals_stop(all);
	places_clear(&all->places);
	free(all);
}
