/* SPDX-License-Identifier: MIT */
#include "daemon/certs/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"

#define MSG_MAX 2300

struct event_sub {
	TAILQ_ENTRY(event_sub) link;
	struct certs	*certs;
	event_sub_cb	*cb;
	void		*arg;
	bool		 is_gone;	/* freed after the round */
};

struct event_sub *
event_subscribe(struct certs *certs, event_sub_cb *cb, void *arg)
{
	struct event_sub *sub = xcalloc(1, sizeof(*sub));

	sub->certs = certs;
	sub->cb = cb;
	sub->arg = arg;
	TAILQ_INSERT_TAIL(&certs->events.subs, sub, link);
	return sub;
}

void
event_unsubscribe(struct event_sub *sub)
{
	if (sub == NULL)
		return;
	if (sub->certs->events.is_telling) {
		sub->is_gone = true;
		return;
	}
	TAILQ_REMOVE(&sub->certs->events.subs, sub, link);
	free(sub);
}

static void
tell(struct certs *certs, const json_t *event)
{
	struct event_sub *sub, *next;

	certs->events.is_telling = true;
	TAILQ_FOREACH(sub, &certs->events.subs, link) {
		if (!sub->is_gone)
			sub->cb(event, sub->arg);
	}
	certs->events.is_telling = false;
	for (sub = TAILQ_FIRST(&certs->events.subs); sub != NULL; sub = next) {
		next = TAILQ_NEXT(sub, link);
		if (sub->is_gone)
			event_unsubscribe(sub);
	}
}

static json_t *
event_json(const char *cert, enum step step, enum log_level level,
    const char *msg)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:s}", "at",
	    jsonx_time(clock_now()), "cert", cert, "step", step_name(step),
	    "level", log_level_name(level), "msg", msg);
}

/* What the journal's catalog calls it.  Ends of runs have theirs in end(). */
static enum log_id
id_of(enum step step, enum log_level level, const char *code)
{
	static const struct { const char *code; enum log_id id; } deploys[] = {
		{ "deploy:done", LOGM_DEPLOYED },
		{ "deploy:failed", LOGM_DEPLOY_FAILED },
		{ "deploy:check-failed", LOGM_DEPLOY_FAILED },
		{ "deploy:serving-old", LOGM_SERVING_OLD },
		{ "deploy:rolled-back", LOGM_ROLLED_BACK },
		{ "deploy:rollback-failed", LOGM_DEPLOY_FAILED },
	};

	for (size_t i = 0; code != NULL &&
	    i < sizeof(deploys) / sizeof(deploys[0]); i++) {
		if (strcmp(deploys[i].code, code) == 0)
			return deploys[i].id;
	}
	if (step == STEP_INSTALL && level == LOGL_NOTICE)
		return LOGM_INSTALLED;
	return step == STEP_END && level <= LOGL_WARNING ?
	    LOGM_CLEANUP_FAILED : LOGM_NONE;
}

/* The log and the history. */
static void
record(struct certs *certs, struct log_ctx ctx, enum step step,
    enum log_level level, const char *msg)
{
	struct store_event ev = {
		.at = clock_now(),
		.level = level,
		.msg = msg,
	};

	ctx.step = step_name(step);
	if (cert_is_dry_run(ctx.cert))
		ctx.id = LOGM_NONE;	/* nothing has happened */
	log_at(level, &ctx, "%s", msg);
	(void)text_printf(ev.step, sizeof(ev.step), "%s", step_name(step));
	if (cert_is_dry_run(ctx.cert))
		return;			/* no part of anything's history */
	store_event_add(certs->store, ctx.cert, &ev);
	if (level <= LOGL_NOTICE && certs->events.noticed != NULL)
		certs->events.noticed(certs->arg);
}

/* What its run is doing, for status. */
static void
note(struct cert *c, const char *msg)
{
	free(c->note);
	c->note = xstrdup(msg);
}

/* What both kinds of event share; target and code may be NULL. */
static void
emit(struct certs *certs, const char *cert, enum step step, const char *target,
    const char *code, enum log_level level, const char *msg)
{
	struct cert *c = certs_find(certs, cert);
	json_t *event;

	record(certs, (struct log_ctx){ .cert = cert, .target = target,
	    .code = code, .id = id_of(step, level, code) }, step, level, msg);
	if (c != NULL && c->run != NULL && step < STEP_END)
		note(c, msg);
	if (TAILQ_EMPTY(&certs->events.subs))
		return;
	event = event_json(cert, step, level, msg);
	if (event == NULL)
		return;
	if (target != NULL)
		(void)json_object_set_new(event, "target",
		    json_string(target));
	if (code != NULL)
		(void)json_object_set_new(event, "code", json_string(code));
	tell(certs, event);
	json_decref(event);
}

void
event_emit(struct certs *certs, const char *cert, enum step step,
    enum log_level level, const char *fmt, ...)
{
	char msg[MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	emit(certs, cert, step, NULL, NULL, level, msg);
}

void
event_deploy(struct certs *certs, const char *cert, const char *target,
    const char *code, enum log_level level, const char *fmt, ...)
{
	char msg[MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	emit(certs, cert, STEP_DEPLOY, target, code, level, msg);
}

/* Deploys that failed have told so. */
static enum log_id
id_of_end(enum step step, const struct error *err)
{
	if (err == NULL || step >= STEP_DEPLOY)
		return LOGM_NONE;
	return strncmp(err->code, "acme:", 5) == 0 &&
	    (err->kind == ERR_CONFIG || err->kind == ERR_RATELIMIT) ?
	    LOGM_ACCOUNT : LOGM_RENEWAL_FAILED;
}

static void end(struct cert *, enum step, enum log_level,
    const struct error *, const char *, va_list)
    __attribute__((format(printf, 5, 0)));

static void
end(struct cert *c, enum step step, enum log_level level,
    const struct error *err, const char *fmt, va_list ap)
{
	struct certs *certs = c->certs;
	char msg[MSG_MAX];
	json_t *event;

	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	text_clean(msg);
	if (err == NULL || strcmp(err->code, "engine:held") != 0)
		record(certs, (struct log_ctx){ .cert = c->row.name,
		    .code = err != NULL ? err->code : NULL,
		    .id = id_of_end(step, err) }, step, level, msg);
	if (TAILQ_EMPTY(&certs->events.subs))
		return;
	event = event_json(c->row.name, step, level, msg);
	if (event == NULL)
		return;
	(void)json_object_set_new(event, "end", json_true());
	(void)json_object_set_new(event, "ok", json_boolean(err == NULL));
	if (err != NULL)
		(void)json_object_set_new(event, "error",
		    jsonx_error(err, clock_now()));
	if (certs->events.next != NULL && !cert_is_dry_run(c->row.name))
		(void)json_object_set_new(event, "next",
		    certs->events.next(c, certs->arg));
	tell(certs, event);
	json_decref(event);
}

void
event_end(struct cert *c, enum step step, const struct error *err,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(c, step, err != NULL ? LOGL_WARNING : LOGL_NOTICE, err, fmt, ap);
	va_end(ap);
}

void
event_end_told(struct cert *c, enum step step, const struct error *err,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(c, step, LOGL_NOTICE, err, fmt, ap);
	va_end(ap);
}
