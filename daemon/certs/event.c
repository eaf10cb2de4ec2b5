/* SPDX-License-Identifier: MIT */
/*
 * event - what happens, told to the log, the history and the subscribers.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/notifier.h"
#include "daemon/engine/priv.h"
#include "daemon/renewal/renewal.h"

#define MSG_MAX 2300

struct engine_sub {
	TAILQ_ENTRY(engine_sub) link;
	struct engine	*engine;
	engine_event_cb	*cb;
	void		*arg;
	bool		 is_gone;	/* freed after the round */
};

struct engine_sub *
engine_subscribe(struct engine *e, engine_event_cb *cb, void *arg)
{
	struct engine_sub *sub = xcalloc(1, sizeof(*sub));

	sub->engine = e;
	sub->cb = cb;
	sub->arg = arg;
	TAILQ_INSERT_TAIL(&e->subs, sub, link);
	return sub;
}

void
engine_unsubscribe(struct engine_sub *sub)
{
	if (sub == NULL)
		return;
	if (sub->engine->is_telling) {
		sub->is_gone = true;
		return;
	}
	TAILQ_REMOVE(&sub->engine->subs, sub, link);
	free(sub);
}

static void
tell(struct engine *e, const json_t *event)
{
	struct engine_sub *sub, *next;

	e->is_telling = true;
	TAILQ_FOREACH(sub, &e->subs, link) {
		if (!sub->is_gone)
			sub->cb(event, sub->arg);
	}
	e->is_telling = false;
	for (sub = TAILQ_FIRST(&e->subs); sub != NULL; sub = next) {
		next = TAILQ_NEXT(sub, link);
		if (sub->is_gone)
			engine_unsubscribe(sub);
	}
}

json_t *
time_json(time_t t)
{
	return t > 0 ? json_integer(t) : json_null();
}

json_t *
error_json(const struct error *err, time_t at)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "kind",
	    err_kind_name(err->kind), "code", err->code, "msg", err->msg,
	    "at", time_json(at));
}

static json_t *
event_json(const char *cert, enum step step, enum log_level level,
    const char *msg)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:s}", "at",
	    time_json(clock_now()), "cert", cert, "step", step_name(step),
	    "level", log_level_name(level), "msg", msg);
}

/* The log and the history. */
static void
record(struct engine *e, const char *cert, enum step step,
    enum log_level level, const char *msg)
{
	struct log_ctx ctx = { .cert = cert, .step = step_name(step) };
	struct store_event ev = {
		.at = clock_now(),
		.level = level,
		.msg = msg,
	};

	log_at(level, &ctx, "%s", msg);
	(void)text_printf(ev.step, sizeof(ev.step), "%s", step_name(step));
	store_event_add(e->a.store, cert, &ev);
	if (level <= LOGL_NOTICE)
		teller_kick(e->teller);
}

/* What both kinds of event share; target and code may be NULL. */
static void
emit(struct engine *e, const char *cert, enum step step, const char *target,
    const char *code, enum log_level level, const char *msg)
{
	struct cert *c = engine_find(e, cert);
	json_t *event;

	record(e, cert, step, level, msg);
	if (c != NULL && c->run != NULL && step != STEP_END)
		renewal_note(c->run, msg);
	if (TAILQ_EMPTY(&e->subs))
		return;
	event = event_json(cert, step, level, msg);
	if (event == NULL)
		return;
	if (target != NULL)
		(void)json_object_set_new(event, "target",
		    json_string(target));
	if (code != NULL)
		(void)json_object_set_new(event, "code", json_string(code));
	tell(e, event);
	json_decref(event);
}

void
event_emit(struct engine *e, const char *cert, enum step step,
    enum log_level level, const char *fmt, ...)
{
	char msg[MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	emit(e, cert, step, NULL, NULL, level, msg);
}

void
event_deploy(struct engine *e, const char *cert, const char *target,
    const char *code, enum log_level level, const char *fmt, ...)
{
	char msg[MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	emit(e, cert, STEP_DEPLOY, target, code, level, msg);
}

void
event_end(struct cert *c, enum step step, const struct error *err,
    const char *fmt, ...)
{
	struct engine *e = c->engine;
	enum log_level level = err != NULL ? LOGL_WARNING : LOGL_NOTICE;
	char msg[MSG_MAX];
	va_list ap;
	json_t *event;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_clean(msg);
	record(e, c->row.name, step, level, msg);
	if (TAILQ_EMPTY(&e->subs))
		return;
	event = event_json(c->row.name, step, level, msg);
	if (event == NULL)
		return;
	(void)json_object_set_new(event, "end", json_true());
	(void)json_object_set_new(event, "ok", json_boolean(err == NULL));
	if (err != NULL)
		(void)json_object_set_new(event, "error",
		    error_json(err, clock_now()));
	(void)json_object_set_new(event, "next", cert_next_json(c));
	tell(e, event);
	json_decref(event);
}
