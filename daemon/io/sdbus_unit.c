/* SPDX-License-Identifier: MIT */
#include "daemon/io/sdbus.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/sdbus_priv.h"

#define BUSY_MS 250		/* a unit that is being started: look again */

static const struct {
	const char	*name;		/* polkit's "verb", too */
	const char	*method;
} verbs[] = {
	[SDBUS_RELOAD] = { "reload", "ReloadUnit" },
	[SDBUS_RESTART] = { "restart", "RestartUnit" },
	[SDBUS_START] = { "start", "StartUnit" },
};
_Static_assert(sizeof(verbs) / sizeof(verbs[0]) == SDBUS_VERB_END, "verbs");

const char *
sdbus_verb_name(enum sdbus_verb verb)
{
	return verbs[verb].name;
}

void
sdbus_cancel(struct sdbus_op *op)
{
	struct sdbus *b;

	if (op == NULL)
		return;
	b = op->sdbus;
	sd_bus_slot_unref(op->call);
	timer_clear(&op->turn);
	timer_clear(&op->limit);
	TAILQ_REMOVE(&b->ops, op, entry);
	free(op->path);
	free(op->job);
	free(op);
	sdbus_idle(b);
}

static void
finish(struct sdbus_op *op)
{
	/* done may start others, on the same connection. */
	op->done(op->err.kind != ERR_NONE ? &op->err : NULL, &op->unit,
	    op->arg);
	sdbus_cancel(op);
}

static void
next(struct sdbus_op *op, enum sdbus_act act, int64_t after_ms)
{
	op->act = act;
	timer_set(&op->turn, after_ms);
}

/* err is set: tell it in the next turn. */
static void
fail(struct sdbus_op *op)
{
	op->call = sd_bus_slot_unref(op->call);
	timer_set(&op->turn, 0);
}

void
sdbus_op_lost(struct sdbus_op *op, const char *why)
{
	if (op->err.kind != ERR_NONE)
		return;
	(void)error_set(&op->err, ERR_TRANSIENT, "unit:bus",
	    "%s: lost the system bus: %s", op->unit.id, why);
	fail(op);
}

void
sdbus_op_removed(struct sdbus_op *op, const char *job, const char *result)
{
	if (op->job == NULL || strcmp(op->job, job) != 0 ||
	    op->result[0] != '\0')
		return;
	(void)text_printf(op->result, sizeof(op->result), "%s", result);
	text_clean(op->result);
	next(op, ACT_LOOK_AGAIN,
	    strcmp(result, "done") == 0 ? op->settle_ms : 0);
}

/* Is this reply of a call an error? */
static bool
is_refused(struct sdbus_op *op, sd_bus_message *m)
{
	const sd_bus_error *refusal = sd_bus_message_get_error(m);

	op->call = sd_bus_slot_unref(op->call);
	if (refusal == NULL || op->err.kind != ERR_NONE)
		return op->err.kind != ERR_NONE;
	sdbus_call_error(op, refusal, &op->err);
	fail(op);
	return true;
}

static void
bad_reply(struct sdbus_op *op, int rc)
{
	(void)error_set(&op->err, ERR_TRANSIENT, "unit:bus",
	    "%s: unexpected answer of systemd: %s", op->unit.id,
	    strerror(-rc));
	fail(op);
}

/* A call could not be sent. */
static void
sent(struct sdbus_op *op, int rc)
{
	if (rc < 0) {
		(void)error_set(&op->err, ERR_TRANSIENT, "unit:bus",
		    "%s: cannot ask systemd: %s", op->unit.id,
		    strerror(-rc));
		fail(op);
	}
	sdbus_arm(op->sdbus);
}

static int
loaded_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	struct sdbus_op *op = arg;
	const char *path;
	int rc;

	if (is_refused(op, m))
		return 0;
	rc = sd_bus_message_read(m, "o", &path);
	if (rc < 0) {
		bad_reply(op, rc);
		return 0;
	}
	op->path = xstrdup(path);
	next(op, ACT_LOOK, 0);
	return 0;
}

static void
load(struct sdbus_op *op)
{
	if (sdbus_connect(op->sdbus, &op->err) == -1) {
		(void)error_wrap(&op->err, "%s", op->name);
		fail(op);
		return;
	}
	sent(op, sd_bus_call_method_async(op->sdbus->bus, &op->call,
	    SYSTEMD_DEST, SYSTEMD_PATH, SYSTEMD_MANAGER, "LoadUnit",
	    loaded_cb, op, "s", op->name));
}

static int
looked_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	struct sdbus_op *op = arg;
	int rc;

	if (is_refused(op, m))
		return 0;
	rc = unit_props_read(m, &op->props);
	if (rc < 0) {
		bad_reply(op, rc);
		return 0;
	}
	(void)text_printf(op->unit.active, sizeof(op->unit.active), "%s",
	    op->props.active);
	if (op->props.id[0] != '\0')
		(void)text_printf(op->unit.id, sizeof(op->unit.id), "%s",
		    op->props.id);
	next(op, op->act == ACT_LOOK ? ACT_BEGIN : ACT_JUDGE, 0);
	return 0;
}

/* All interfaces at once. */
static void
look(struct sdbus_op *op)
{
	sent(op, sd_bus_call_method_async(op->sdbus->bus, &op->call,
	    SYSTEMD_DEST, op->path, "org.freedesktop.DBus.Properties",
	    "GetAll", looked_cb, op, "s", ""));
}

static int
queued_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	struct sdbus_op *op = arg;
	const char *job;
	int rc;

	if (is_refused(op, m))
		return 0;
	rc = sd_bus_message_read(m, "o", &job);
	if (rc < 0) {
		bad_reply(op, rc);
		return 0;
	}
	/* sdbus_op_removed() goes on. */
	op->job = xstrdup(job);
	op->unit.has_log = true;
	return 0;
}

/* Is there a reason not to ask for the job? */
static int
check_before(struct sdbus_op *op, struct error *err)
{
	const struct unit_props *p = &op->props;
	const char *id = op->unit.id;

	if (strcmp(p->load, "not-found") == 0)
		return error_set(err, ERR_CONFIG, "unit:unknown",
		    "systemd knows no unit %s", id);
	if (strcmp(p->load, "masked") == 0)
		return error_set(err, ERR_CONFIG, "unit:masked",
		    "%s is masked; systemctl unmask %s", id, id);
	if (strcmp(p->load, "loaded") != 0)
		return error_set(err, ERR_CONFIG, "unit:bad",
		    "systemd cannot load %s (%s)%s%s", id, p->load,
		    p->load_error[0] != '\0' ? ": " : "", p->load_error);
	if (op->verb != SDBUS_RELOAD)
		return 0;
	if (strcmp(p->active, "failed") == 0) {
		char story[512];

		sdbus_unit_story(p, story, sizeof(story));
		op->unit.has_log = op->unit.was_failed = true;
		return error_set(err, ERR_TRANSIENT, "unit:failed",
		    "%s has failed, it cannot be reloaded%s", id, story);
	}
	if (strcmp(p->active, "inactive") != 0 && !p->can_reload)
		return error_set(err, ERR_CONFIG, "unit:no-reload",
		    "%s cannot be reloaded (it has no ExecReload=); "
		    "write restart = in place of reload =", id);
	return 0;
}

static int
asked_cb(sd_bus_message *m, void *arg, sd_bus_error *ignored)
{
	struct sdbus_op *op = arg;

	if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_INVALID_ARGS)) {
		op->call = sd_bus_slot_unref(op->call);
		next(op, ACT_ASKED, 0);
	} else if (!is_refused(op, m)) {
		next(op, ACT_ASKED, 0);
	}
	return 0;
}

/*
 * polkit tells nobody but root what it would say to a unit and a verb; systemd
 * asks it first, and looks afterwards whether the job's mode makes sense.
 * "isolate" does for no job but a start, so that this is refused either way,
 * and how tells (systemd's bus_unit_method_start_generic(), manager_add_job()).
 */
static void
ask(struct sdbus_op *op)
{
	sent(op, sd_bus_call_method_async(op->sdbus->bus, &op->call,
	    SYSTEMD_DEST, SYSTEMD_PATH, SYSTEMD_MANAGER,
	    verbs[op->verb].method, asked_cb, op, "ss", op->name,
	    "isolate"));
}

static void
begin(struct sdbus_op *op)
{
	const struct unit_props *p = &op->props;

	if (check_before(op, &op->err) == -1) {
		finish(op);
		return;
	}
	if (op->only_ask && op->verb == SDBUS_START) {
		finish(op);
		return;
	}
	if (op->only_ask) {
		ask(op);
		return;
	}
	if (op->verb == SDBUS_RELOAD && strcmp(p->active, "inactive") == 0) {
		op->unit.was_stopped = true;
		finish(op);
		return;
	}
	/* A job would join the one under way, which may have read the old
	 * files already. */
	if (op->verb == SDBUS_START && strcmp(p->active, "activating") == 0 &&
	    strcmp(p->type, "oneshot") == 0 &&
	    strncmp(p->sub, "start", 5) == 0) {
		next(op, ACT_LOOK, BUSY_MS);
		return;
	}
	sent(op, sd_bus_call_method_async(op->sdbus->bus, &op->call,
	    SYSTEMD_DEST, SYSTEMD_PATH, SYSTEMD_MANAGER,
	    verbs[op->verb].method, queued_cb, op, "ss", op->name,
	    "replace"));
}

static const char *
result_text(const char *result)
{
	static const char *const texts[][2] = {
		{ "failed", "failed" },
		{ "timeout", "ran into the unit's time limit" },
		{ "dependency", "failed, for a unit that it needs did" },
		{ "canceled", "was cancelled by another job" },
		{ "skipped", "was skipped: the unit is not in a state for it" },
		{ "invalid", "was not possible in the unit's state" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i][0], result) == 0)
			return texts[i][1];
	}
	return result;
}

static void
judge(struct sdbus_op *op)
{
	const char *verb = verbs[op->verb].name, *active = op->unit.active;
	char story[512];

	sdbus_unit_story(&op->props, story, sizeof(story));
	if (strcmp(op->result, "done") != 0)
		(void)error_set(&op->err, ERR_TRANSIENT, "unit:failed",
		    "%s: the %s %s; the unit is %s%s", op->unit.id, verb,
		    result_text(op->result), active, story);
	else if (strcmp(active, "failed") == 0 ||
	    (op->verb == SDBUS_RELOAD && (strcmp(active, "inactive") == 0 ||
	    strcmp(active, "deactivating") == 0)))
		(void)error_set(&op->err, ERR_TRANSIENT, "unit:failed",
		    "%s: the %s was done, but then the unit was %s%s",
		    op->unit.id, verb, active, story);
	finish(op);
}

static void
turn_cb(void *arg)
{
	struct sdbus_op *op = arg;

	if (op->err.kind != ERR_NONE) {
		finish(op);
		return;
	}
	switch (op->act) {
	case ACT_LOAD:
		load(op);
		break;
	case ACT_LOOK:
	case ACT_LOOK_AGAIN:
		look(op);
		break;
	case ACT_BEGIN:
		begin(op);
		break;
	case ACT_ASKED:
		finish(op);
		break;
	case ACT_JUDGE:
		judge(op);
		break;
	}
}

static void
limit_cb(void *arg)
{
	struct sdbus_op *op = arg;

	if (op->err.kind != ERR_NONE)
		return;
	if (op->job != NULL)
		(void)error_set(&op->err, ERR_TRANSIENT, "unit:timeout",
		    "%s: the %s did not end within %g s; it may go on",
		    op->unit.id, verbs[op->verb].name,
		    op->timeout_ms / 1000.0);
	else
		(void)error_set(&op->err, ERR_TRANSIENT, "unit:timeout",
		    "%s: systemd did not begin the %s within %g s",
		    op->unit.id, verbs[op->verb].name,
		    op->timeout_ms / 1000.0);
	fail(op);
}

struct sdbus_op *
sdbus_start(struct sdbus *b, const struct sdbus_args *a, sdbus_done_cb *done,
    void *arg)
{
	struct sdbus_op *op = xcalloc(1, sizeof(*op));

	op->sdbus = b;
	op->verb = a->verb;
	(void)text_printf(op->name, sizeof(op->name), "%s", a->unit);
	(void)text_printf(op->unit.id, sizeof(op->unit.id), "%s", a->unit);
	op->timeout_ms = a->timeout_ms;
	op->only_ask = a->only_ask;
	op->settle_ms = a->settle_ms;
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&b->ops, op, entry);
	timer_init(&op->turn, b->loop, turn_cb, op);
	timer_init(&op->limit, b->loop, limit_cb, op);
	timer_set(&op->limit, a->timeout_ms);
	next(op, ACT_LOAD, 0);
	return op;
}
