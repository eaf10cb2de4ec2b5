/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_run.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/dns/provider_account.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/provider_walk.h"
#include "daemon/io/loop.h"
#include "daemon/io/tally.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/lease.h"
#include "providers/provider.h"

#define PATIENCE_MS 10000		/* throttling waited out in silence */

struct provider_run_op {
	struct provider_env *env;
	provider_run_done_cb *done;
	void		*arg;
	const struct provider *type;
	struct provider_account *account;
	struct provider_turn turn;
	const struct conf_credentials *credentials;	/* NULL: its own */
	struct lease	*lease;		/* of these, from the first attempt */
	bool		 has_doubted;	/* these, once */
	bool		 is_add, is_caa;
	int64_t		 timeout_ms;
	int64_t		 deadline;	/* monotonic */
	/* Copies of the arguments. */
	char		*name, *cert, *identifier, *all, *fqdn, *zone;
	char		**values, **handles;
	size_t		 n_values;
	/* The value, or the batch, being worked on. */
	size_t		 at;
	unsigned	 attempt;
	struct provider_call call;
	char		*new_handle;
	size_t		 handle_size;
	struct provider_changed changed;
	bool		 may_be_done;	/* something of it */
	struct walk_op	*walk;
	struct provider_op *other;
	int64_t		 other_ms;	/* monotonic: it was begun */
	struct tally	*tally;
	struct timer	 next, limit;
	bool		 has_failed;
	bool		 is_unread;	/* the options, for last */
	struct error	 last;		/* of the latest attempt */
};

static void	attempt_cb(void *arg);

/* Everything but the arguments, which done may still look at. */
static void
run_stop(struct provider_run_op *op)
{
	walk_cancel(op->walk);
	op->walk = NULL;
	if (op->other != NULL)
		op->type->cancel(op->other);
	op->other = NULL;
	lease_give(op->lease);
	op->lease = NULL;
	timer_clear(&op->next);
	timer_clear(&op->limit);
	provider_turn_end(&op->turn);
	provider_account_release(op->account);
	op->account = NULL;
}

void
provider_run_cancel(struct provider_run_op *op)
{
	if (op == NULL)
		return;
	run_stop(op);
	for (size_t i = 0; i < op->n_values; i++) {
		free(op->values[i]);
		free(op->handles[i]);
	}
	free(op->values);
	free(op->handles);
	free(op->new_handle);
	free(op->all);
	free(op->name);
	free(op->cert);
	free(op->identifier);
	free(op->fqdn);
	free(op->zone);
	free(op);
}

/* Some vendors repeat a wrong token in their answer: not into our logs. */
static void
hide_secrets(const struct provider *type, const struct provider_values *values,
    char *msg)
{
	for (int i = 0; type->opts != NULL && type->opts[i].name != NULL; i++) {
		const char *s;

		if (!type->opts[i].secret ||
		    type->opts[i].type != PROVIDER_OPT_STRING ||
		    (s = provider_str(values, i)) == NULL)
			continue;
		rest_hide(s, msg);
	}
}

/*
 * Was it refused, all of it, and is nothing done?  What programs do before
 * they fail nobody knows.
 */
static bool
is_undone(const struct provider_run_op *op, const struct error *err)
{
	if (op->type->no_retry || op->may_be_done || op->at > 0 ||
	    (err->kind != ERR_CONFIG && err->kind != ERR_REJECTED))
		return false;
	return !op->changed.may_be ||
	    strcmp(err->code, "provider:no-zone") == 0;
}

static void
run_finish(struct provider_run_op *op, struct error *err)
{
	struct provider_run_reply reply = {
	    .handles = (const char *const *)op->handles };

	run_stop(op);
	if (err != NULL) {
		hide_secrets(op->type, op->call.values, err->msg);
		(void)error_wrap(err, "%s", op->name);
		reply.is_undone = is_undone(op, err);
		op->done(err, &reply, op->arg);
		provider_run_cancel(op);
		return;
	}
	reply.zone = op->changed.zone;
	reply.server = op->changed.server;
	op->done(NULL, &reply, op->arg);
	provider_run_cancel(op);
}

/* The whole took too long, wherever it was. */
static void
limit_cb(void *arg)
{
	struct provider_run_op *op = arg;
	struct error err;

	op->may_be_done = true;
	if (!op->turn.is_active)
		(void)error_set(&err, ERR_TRANSIENT, "provider:timeout",
		    "%lld s were not enough: still waiting for other calls to "
		    "this provider", (long long)(op->timeout_ms + 999) / 1000);
	else
		(void)error_set(&err, ERR_TRANSIENT, "provider:timeout",
		    "%lld s were not enough%s%s%s%.400s",
		    (long long)(op->timeout_ms + 999) / 1000,
		    op->walk == NULL ? "" : ": still at step ",
		    op->walk == NULL ? "" : walk_step(op->walk),
		    op->has_failed ? "; last error: " : "",
		    op->has_failed ? op->last.msg : "");
	run_finish(op, &err);
}

static void
limit_set(struct provider_run_op *op)
{
	op->deadline = clock_mono_ms() + op->timeout_ms;
	timer_set(&op->limit, op->timeout_ms);
}

/* How long to wait before this failure is tried again; -1: not at all. */
static int64_t
retry_pause(struct provider_run_op *op, const struct error *err)
{
	int64_t asked_ms = err->retry_at == 0 ? 0 :
	    ((int64_t)err->retry_at - (int64_t)clock_now()) * 1000;
	int64_t pause;

	if (err->kind != ERR_TRANSIENT && err->kind != ERR_RATELIMIT)
		return -1;
	if (asked_ms > PATIENCE_MS && err->kind == ERR_RATELIMIT)
		provider_account_close(op->account, asked_ms);
	/* That was tried several times already. */
	if (strcmp(err->code, "provider:conflict") == 0)
		return -1;
	if (op->type->no_retry || asked_ms > PATIENCE_MS ||
	    op->attempt >= sizeof(op->env->retry_ms) /
	    sizeof(op->env->retry_ms[0]))
		return -1;
	pause = op->env->retry_ms[op->attempt];
	if (pause < asked_ms)
		pause = asked_ms;
	/* Those that were throttled together shall not come back together. */
	if (err->kind == ERR_RATELIMIT)
		pause += arc4random_uniform((uint32_t)(pause / 2 + 1));
	return clock_mono_ms() + pause >= op->deadline ? -1 : pause;
}

static void
attempt_failed(struct provider_run_op *op, const struct error *err)
{
	int64_t pause = retry_pause(op, err);

	if (!op->has_doubted && err->kind == ERR_CONFIG &&
	    strcmp(err->code, "provider:credentials") == 0 &&
	    lease_doubt(op->lease)) {
		op->has_doubted = true;
		lease_give(op->lease);
		op->lease = NULL;
		timer_set(&op->next, 0);
		return;
	}
	/* Without an answer nobody knows. */
	if (err->kind != ERR_CONFIG && err->kind != ERR_REJECTED &&
	    err->kind != ERR_RATELIMIT)
		op->may_be_done = true;
	op->last = *err;
	op->has_failed = true;
	if (pause == -1) {
		run_finish(op, &op->last);
		return;
	}
	op->attempt++;
	timer_set(&op->next, pause);
}

static void
handles_keep(struct provider_run_op *op)
{
	for (size_t i = 0; i < op->call.n_batch; i++) {
		free(op->handles[op->at + i]);
		op->handles[op->at + i] = xstrdup(op->new_handle);
	}
}

static void
attempt_done(struct provider_run_op *op, const struct error *err)
{
	if (op->is_add && (err == NULL || op->new_handle[0] != '\0'))
		handles_keep(op);
	if (err != NULL) {
		attempt_failed(op, err);
		return;
	}
	op->at += op->call.n_batch;
	op->attempt = 0;
	op->has_failed = false;
	if (op->at == op->n_values)
		run_finish(op, NULL);
	else
		timer_set(&op->next, 0);
}

static void
walk_done(const struct error *err, void *arg)
{
	struct provider_run_op *op = arg;

	op->walk = NULL;
	attempt_done(op, err);
}

static void
other_done(const struct error *err, void *arg)
{
	struct provider_run_op *op = arg;

	op->other = NULL;
	tally_add(op->tally, clock_mono_ms() - op->other_ms,
	    err != NULL ? err->kind : ERR_NONE);
	attempt_done(op, err);
}

/* The call for the values from op->at on. */
static void
call_fill(struct provider_run_op *op)
{
	struct provider_call *c = &op->call;

	c->is_add = op->is_add;
	c->is_caa = op->is_caa;
	c->records = op->type->records;
	c->provider = op->name;
	c->cert = op->cert;
	c->identifier = op->identifier;
	c->all_identifiers = op->all;
	c->fqdn = op->fqdn;
	c->value = op->values[op->at];
	c->batch = (const char *const *)&op->values[op->at];
	c->n_batch = op->type->takes_batch ? op->n_values - op->at : 1;
	c->n_after = op->n_values - op->at - c->n_batch;
	op->turn.n_left = c->n_after;
	c->n_left = provider_turn_left(&op->turn);
	c->handle = op->handles[op->at];
	op->new_handle[0] = '\0';
	c->new_handle = op->new_handle;
	c->new_handle_size = op->handle_size;
	op->changed.zone[0] = op->changed.server[0] = '\0';
	c->changed = &op->changed;
}

static void
lease_ready(const struct error *err, void *arg)
{
	struct provider_run_op *op = arg;

	if (err == NULL) {
		attempt_cb(op);
		return;
	}
	lease_give(op->lease);
	op->lease = NULL;
	attempt_failed(op, err);
}

static void
attempt_cb(void *arg)
{
	struct provider_run_op *op = arg;
	int64_t closed = provider_account_closed(op->account);
	const char *zone;
	struct error err;

	if (closed > 0) {
		(void)error_set(&err, ERR_RATELIMIT, "provider:throttled",
		    "asked us to wait, %lld s more",
		    (long long)(closed + 999) / 1000);
		err.retry_at = clock_now() + (time_t)(closed + 999) / 1000;
		run_finish(op, &err);
		return;
	}
	if (op->lease == NULL && op->credentials != NULL) {
		op->lease = lease_take(op->env->leases, op->credentials,
		    op->type->scope, lease_ready, op);
		return;
	}
	call_fill(op);
	if (op->type->start != NULL) {
		zone = provider_option(op->type, op->call.values, "zone");
		op->call.zone = zone != NULL ? zone : op->zone;
		op->call.keep = provider_account_keep(op->account);
		op->other_ms = clock_mono_ms();
		op->other = op->type->start(op->env, &op->call, op->is_add,
		    other_done, op);
		return;
	}
	op->walk = walk_start(&(struct walk_args){
	    .env = op->env, .account = op->account, .type = op->type,
	    .call = &op->call, .is_add = op->is_add, .tally = op->tally,
	    .zone_hint = op->zone }, walk_done, op);
}

/* Called when the name is ours, not always from the loop. */
static void
turn_begin(void *arg)
{
	struct provider_run_op *op = arg;

	/* Each before it ends in its own time: waiting needs no limit. */
	if (op->type->call_ms != NULL)
		limit_set(op);
	timer_set(&op->next, 0);
}

static bool
has_too_many(const struct provider_run_op *op)
{
	return op->is_add && op->type->max_values > 0 &&
	    op->n_values > op->type->max_values;
}

/* Instead of the first attempt: there is nothing to do, or no way to do it. */
static void
no_attempt_cb(void *arg)
{
	struct provider_run_op *op = arg;
	unsigned max = op->type->max_values;
	struct error err;

	if (op->is_unread) {
		err = op->last;
		run_finish(op, &err);
		return;
	}
	if (!has_too_many(op)) {
		run_finish(op, NULL);
		return;
	}
	(void)error_set(&err, ERR_CONFIG, "provider:max-values",
	    "%s holds no more than %u value%s of one name, but %zu are needed "
	    "for %s (a name and its wildcard share one TXT name: put them in "
	    "certificates of their own)", op->type->title, max,
	    max == 1 ? "" : "s", op->n_values, op->fqdn);
	run_finish(op, &err);
}

struct provider_run_op *
provider_run_start(struct provider_env *env,
    const struct provider_run_args *a, provider_run_done_cb *done, void *arg)
{
	struct provider_run_op *op = xcalloc(1, sizeof(*op));

	op->env = env;
	op->done = done;
	op->arg = arg;
	op->type = a->provider->type;
	op->is_unread = provider_values_look(a->provider->values,
	    &op->last) == -1;
	op->credentials = a->provider->credentials;
	op->account = provider_account_get(env->locks, a->provider);
	op->tally = tallies_get(env->tallies, "provider", a->provider->name,
	    "type", op->type->name);
	op->is_add = a->is_add;
	op->is_caa = a->is_caa;
	op->timeout_ms = op->type->call_ms == NULL ? a->timeout_ms :
	    (int64_t)op->type->call_ms(a->provider->values) *
	    (int64_t)a->n_values;
	op->name = xstrdup(a->provider->name);
	op->cert = xstrdup(a->cert == NULL ? "" : a->cert);
	op->identifier = xstrdup(a->identifier == NULL ? "" : a->identifier);
	op->all = xstrdup(a->all_identifiers == NULL ? op->identifier :
	    a->all_identifiers);
	op->fqdn = xstrdup(a->fqdn);
	op->zone = xstrdup(a->zone == NULL ? "" : a->zone);
	op->n_values = a->n_values;
	op->values = xcalloc(a->n_values + 1, sizeof(*op->values));
	op->handles = xcalloc(a->n_values + 1, sizeof(*op->handles));
	for (size_t i = 0; i < a->n_values; i++) {
		op->values[i] = xstrdup(a->values[i]);
		op->handles[i] = xstrdup(a->handles == NULL ||
		    a->handles[i] == NULL ? "" : a->handles[i]);
	}
	op->handle_size = op->type->handle_size == 0 ? PROVIDER_HANDLE_SIZE :
	    op->type->handle_size;
	op->new_handle = xcalloc(1, op->handle_size);
	op->call.values = a->provider->values;
	timer_init(&op->limit, env->loop, limit_cb, op);
	if (op->type->call_ms == NULL)
		limit_set(op);
	if (op->is_unread || op->n_values == 0 || has_too_many(op)) {
		timer_init(&op->next, env->loop, no_attempt_cb, op);
		timer_set(&op->next, 0);
		return op;
	}
	/* At once: timers of the same moment fire in any order. */
	timer_init(&op->next, env->loop, attempt_cb, op);
	provider_turn_start(&op->turn, op->account, op->fqdn, turn_begin, op);
	op->turn.cert = op->cert;
	op->turn.is_add = op->is_add;
	op->turn.n_left = op->n_values;
	return op;
}
