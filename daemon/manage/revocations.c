/* SPDX-License-Identifier: MIT */
#include "daemon/manage/revocations.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/io/loop.h"
#include "daemon/manage/manage.h"
#include "daemon/manage/reason.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"

/* The wall clock may jump, and a target may be done: look this often. */
#define LOOK_MS 30000
/* And say again that it does not work. */
#define TELL_S 86400

struct revocation {
	TAILQ_ENTRY(revocation) link;
	struct revocations *all;
	struct store_revocation row;
	struct store_sync_op *sync;	/* it is not on disk yet */
	struct manage_job *job;		/* the CA is being asked */
	time_t		 told_at;	/* why it fails; 0: not since the
					   start */
	bool		 is_left;	/* nobody replaces it: that was told */
};

struct revocations {
	const struct manage_env *env;
	struct manage_jobs *jobs;
	revocations_kept_cb *kept;
	void		*arg;
	struct timer	 look;
	TAILQ_HEAD(revocation_list, revocation) list;
};

/* What it waits for. */
enum wait { WAIT_REPLACING, WAIT_DEPLOYING, WAIT_REVOKING, WAIT_RETRY };

static void
revocation_free(struct revocation *v)
{
	store_sync_cancel(v->sync);
	manage_cancel(v->job);
	TAILQ_REMOVE(&v->all->list, v, link);
	free(v);
}

static struct revocation *
find(const struct revocations *all, const char *cert, const char *serial)
{
	struct revocation *v;

	TAILQ_FOREACH(v, &all->list, link) {
		if (strcmp(v->row.cert, cert) == 0 && (serial == NULL ||
		    strcmp(v->row.serial, serial) == 0))
			break;
	}
	return v;
}

/* What waits for the certificate's targets is told there. */
static void
mark(const struct revocations *all, const char *cert)
{
	struct cert *c = certs_find(all->env->certs, cert);

	if (c != NULL)
		c->is_revoking = find(all, cert, NULL) != NULL;
}

static void
drop(struct revocation *v)
{
	const struct revocations *all = v->all;
	char cert[sizeof(v->row.cert)];

	memcpy(cert, v->row.cert, sizeof(cert));
	store_revocation_delete(all->env->store, v->row.cert, v->row.serial);
	revocation_free(v);
	mark(all, cert);
}

static void
count_open(const struct deploy_open *open, void *arg)
{
	++*(size_t *)arg;
}

static enum wait
wait_of(const struct revocation *v, const struct cert *c, time_t now)
{
	size_t open = 0;

	if (strcmp(cert_serial(c), v->row.serial) == 0)
		return WAIT_REPLACING;
	rollout_open_each(c, count_open, &open);
	if (c->run != NULL || open > 0)
		return WAIT_DEPLOYING;
	return v->job == NULL && due_planned(v->row.retry_at, now) > now ?
	    WAIT_RETRY : WAIT_REVOKING;
}

/* At first, for another reason, and then daily. */
static void
tell(struct revocation *v, const struct error *err, time_t now)
{
	char span[TEXT_SPAN_MAX];

	if (v->told_at != 0 && now >= v->told_at && now - v->told_at < TELL_S &&
	    strcmp(v->row.err.code, err->code) == 0)
		return;
	v->told_at = now;
	event_emit(v->all->env->certs, v->row.cert, STEP_COMMAND,
	    LOGL_WARNING, "certificate %s (reason: %s) is not revoked yet: "
	    "%s; next try in %s", v->row.serial, revoke_reason_name(
	    v->row.reason), err->msg, text_span(v->row.retry_at - now, span));
}

/* It seems to be over by itself, and there is nothing more to ask. */
static void
drop_expired(struct revocation *v)
{
	event_emit(v->all->env->certs, v->row.cert, STEP_COMMAND, LOGL_NOTICE,
	    "certificate %s has expired, and need not be revoked any more",
	    v->row.serial);
	drop(v);
}

/* Has the CA itself said no? */
static bool
is_refusal(const struct error *err)
{
	return (err->kind == ERR_REJECTED || err->kind == ERR_CONFIG) &&
	    strncmp(err->code, "acme:", 5) == 0;
}

static void
revoked_cb(const struct error *err, const json_t *reply, void *arg)
{
	struct revocation *v = arg;
	struct revocations *all = v->all;
	time_t now = clock_now(), asked;

	v->job = NULL;
	if (err == NULL) {
		drop(v);
		return;
	}
	if (strcmp(err->code, "engine:stopping") == 0)
		return;
	if (strcmp(err->code, "manage:no-version") == 0) {
		event_emit(all->env->certs, v->row.cert, STEP_COMMAND,
		    LOGL_WARNING, "certificate %s (reason: %s) was to be "
		    "revoked, and cannot be: %s", v->row.serial,
		    revoke_reason_name(v->row.reason), err->msg);
		drop(v);
		return;
	}
	if (v->row.not_after <= now && is_refusal(err)) {
		drop_expired(v);
		return;
	}
	v->row.retry_at = due_soon_retry_at(++v->row.tries, now);
	asked = due_asked(err->retry_at, now);
	if (asked > v->row.retry_at)
		v->row.retry_at = asked;
	tell(v, err, now);
	v->row.err = *err;
	store_revocation_put(all->env->store, &v->row);
}

/* Its certificate was taken out of the configuration before that. */
static void
tell_left(struct revocation *v)
{
	if (v->is_left)
		return;
	v->is_left = true;
	event_emit(v->all->env->certs, v->row.cert, STEP_COMMAND,
	    LOGL_WARNING, "certificate %s (reason: %s) is not revoked: it was "
	    "to be when it is replaced, and \"%s\" is not configured any "
	    "more; configure it again, or give this up: acmectl revoke "
	    "--cancel %s", v->row.serial, revoke_reason_name(v->row.reason),
	    v->row.cert, v->row.cert);
}

static void
look_at(struct revocation *v, time_t now)
{
	struct revocations *all = v->all;
	struct certs *certs = all->env->certs;
	const struct cert *c = certs_find(certs, v->row.cert);
	struct manage_args args = { .act = MANAGE_REVOKE,
	    .name = v->row.cert, .serial = v->row.serial,
	    .reason = v->row.reason, .by_key = v->row.by_key,
	    .account = v->row.directory[0] != '\0' ? v->row.account : NULL,
	    .ca_directory = v->row.directory, .tells = true };
	enum wait wait;

	mark(all, v->row.cert);
	if (v->job != NULL)
		return;
	/* By this clock, which may be wrong: as long as the CA can be asked, it
	 * says so itself. */
	wait = c != NULL ? wait_of(v, c, now) : WAIT_REPLACING;
	if (v->row.not_after <= now && (c == NULL || (c->conf == NULL &&
	    wait == WAIT_REPLACING))) {
		drop_expired(v);
		return;
	}
	if (c == NULL)
		return;
	if (wait == WAIT_REVOKING)
		v->job = manage_start(all->jobs, &args, revoked_cb, v);
	if (c->conf == NULL && wait == WAIT_REPLACING)
		tell_left(v);
	else
		v->is_left = false;
}

void
revocations_look(struct revocations *all)
{
	struct revocation *v, *next;
	time_t now = clock_now();

	for (v = TAILQ_FIRST(&all->list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, link);
		look_at(v, now);
	}
	if (!TAILQ_EMPTY(&all->list))
		timer_set(&all->look, LOOK_MS);
}

static void
look_cb(void *arg)
{
	revocations_look(arg);
}

/* Somebody asked for it besides.  One that is not on disk yet stays: who wants
 * it waits for the replacement. */
static void
told_cb(const char *cert, const char *serial, void *arg)
{
	struct revocation *v = find(arg, cert, serial);

	if (v != NULL && v->job == NULL && v->sync == NULL)
		drop(v);
}

static void
load_cb(const struct store_revocation *row, void *arg)
{
	struct revocations *all = arg;
	struct revocation *v = xcalloc(1, sizeof(*v));

	v->all = all;
	v->row = *row;
	TAILQ_INSERT_TAIL(&all->list, v, link);
}

struct revocations *
revocations_new(const struct manage_env *env, struct manage_jobs *jobs,
    revocations_kept_cb *kept, void *arg)
{
	struct revocations *all = xcalloc(1, sizeof(*all));

	all->env = env;
	all->jobs = jobs;
	all->kept = kept;
	all->arg = arg;
	TAILQ_INIT(&all->list);
	timer_init(&all->look, env->loop, look_cb, all);
	store_revocation_each(env->store, load_cb, all);
	manage_jobs_tell(jobs, told_cb, all);
	return all;
}

void
revocations_free(struct revocations *all)
{
	struct revocation *v;

	if (all == NULL)
		return;
	manage_jobs_tell(all->jobs, NULL, NULL);
	timer_clear(&all->look);
	while ((v = TAILQ_FIRST(&all->list)) != NULL)
		revocation_free(v);
	free(all);
}

static void
kept_cb(const struct error *err, void *arg)
{
	struct revocation *v = arg;
	struct revocations *all = v->all;
	char *cert = xstrdup(v->row.cert);

	v->sync = NULL;
	if (err != NULL)
		drop(v);
	all->kept(cert, err, all->arg);
	free(cert);
}

void
revocations_add(struct revocations *all, const struct cert *c, int reason,
    bool by_key)
{
	struct revocation *v = find(all, c->row.name, cert_serial(c));
	struct store_revocation row = { .reason = reason, .by_key = by_key,
	    .not_after = c->row.not_after, .asked_at = clock_now() };

	(void)text_printf(row.cert, sizeof(row.cert), "%s", c->row.name);
	(void)text_printf(row.serial, sizeof(row.serial), "%s",
	    cert_serial(c));
	(void)text_printf(row.account, sizeof(row.account), "%s",
	    issuer_account(c)->name);
	if (!text_printf(row.directory, sizeof(row.directory), "%s",
	    issuer_account(c)->directory))
		row.directory[0] = '\0';
	if (v != NULL)
		revocation_free(v);
	load_cb(&row, all);
	v = TAILQ_LAST(&all->list, revocation_list);
	store_revocation_put(all->env->store, &row);
	v->sync = store_sync_start(all->env->store, kept_cb, v);
	event_emit(all->env->certs, row.cert, STEP_COMMAND, LOGL_NOTICE,
	    "certificate %s will be revoked when its replacement is in use, "
	    "reason: %s", row.serial, revoke_reason_name(reason));
	timer_set(&all->look, LOOK_MS);
}

/* What the replacement was wanted for is given up with it, unless it has come,
 * or a person asked for a renewal before. */
static void
unwant(struct revocation *v)
{
	struct cert *c = certs_find(v->all->env->certs, v->row.cert);

	if (c == NULL || strcmp(cert_serial(c), v->row.serial) != 0)
		return;
	c->wants_new_key = false;
	if (c->row.asked_at == 0 || c->row.asked_at < v->row.asked_at)
		return;
	c->forced = false;
	c->row.asked_at = 0;
	cert_save(c);
}

size_t
revocations_cancel(struct revocations *all, const char *cert)
{
	struct revocation *v;
	bool is_awaited = false;
	struct error err;
	size_t n = 0;

	while ((v = find(all, cert, NULL)) != NULL) {
		event_emit(all->env->certs, cert, STEP_COMMAND, LOGL_NOTICE,
		    "certificate %s is not to be revoked any more",
		    v->row.serial);
		is_awaited |= v->sync != NULL;
		unwant(v);
		drop(v);
		n++;
	}
	if (is_awaited) {
		(void)error_set(&err, ERR_REJECTED, "manage:cancelled",
		    "the revocation was given up before its replacement was "
		    "begun");
		all->kept(cert, &err, all->arg);
	}
	return n;
}

bool
revocations_are_open(const struct revocations *all, const char *cert)
{
	return find(all, cert, NULL) != NULL;
}

bool
revocations_want_new_key(const struct revocations *all, const struct cert *c)
{
	const struct revocation *v = c->row.serial == NULL ? NULL :
	    find(all, c->row.name, c->row.serial);

	return v != NULL && v->sync == NULL;
}

void
revocations_each_failed(const struct revocations *all,
    revocation_failed_cb *each, void *arg)
{
	const struct revocation *v;
	struct error left;

	TAILQ_FOREACH(v, &all->list, link) {
		if (v->is_left) {
			(void)error_set(&left, ERR_CONFIG,
			    "engine:unknown-cert", "\"%s\" is not configured "
			    "any more, so that nothing replaces it",
			    v->row.cert);
			each(v->row.cert, v->row.serial, v->row.tries, &left,
			    arg);
		} else if (v->row.tries > 0) {
			each(v->row.cert, v->row.serial, v->row.tries,
			    &v->row.err, arg);
		}
	}
}

json_t *
revocations_json(const struct revocations *all, const struct cert *c)
{
	static const char *const states[] = {
		[WAIT_REPLACING] = "replacing", [WAIT_DEPLOYING] = "deploying",
		[WAIT_REVOKING] = "revoking", [WAIT_RETRY] = "retrying",
	};
	const struct revocation *v = find(all, c->row.name, NULL);
	time_t now = clock_now();
	enum wait wait;

	if (v == NULL)
		return json_null();
	wait = wait_of(v, c, now);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "serial",
	    v->row.serial, "reason", revoke_reason_name(v->row.reason), "by",
	    v->row.by_key ? "certificate" : "account", "state", states[wait],
	    "asked_at", jsonx_time(v->row.asked_at), "next_at",
	    jsonx_time(wait == WAIT_RETRY ? v->row.retry_at : 0), "error",
	    v->row.tries > 0 ? json_string(v->row.err.msg) : json_null());
}
