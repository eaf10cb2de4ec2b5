/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_walk.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/provider_account.h"
#include "daemon/dns/provider_env.h"
#include "daemon/io/loop.h"
#include "daemon/rest/run.h"
#include "providers/provider.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
    "0123456789-_"

struct walk_op {
	struct walk_args a;
	walk_done_cb	*done;
	void		*arg;
	const struct provider_step *rows;
	struct rest_step *steps;	/* as many, for the runner */
	struct rest_op	*rest;
	char		 needle[64];	/* what an answer with our value has */
	const char	*step;		/* that ended the latest run */
	struct timer	 turn;
	struct log_ctx	 log;
	/* The walk over the suffixes of fqdn. */
	char		*own_zone;	/* the configured one; NULL: walk */
	bool		 hint_is_done;
	const char	*suffix;	/* the last one tried; NULL: none */
	char		 zone[DNAME_SIZE];
	char		 zone_id[PROVIDER_ZONE_ID_SIZE];
	bool		 zone_is_known;	/* from an earlier call for fqdn */
	bool		 id_is_known;	/* from an earlier call for the zone */
	char		 tried[400];	/* zones, for the message */
	struct error	 denied;	/* what was said of some candidate, for
					   the message if none is a zone */
};

static void	zone_try(struct walk_op *);

const char *
walk_step(const struct walk_op *op)
{
	return op->rest != NULL ? rest_step_name(op->rest) : op->step;
}

static void
call_clear(struct walk_op *op)
{
	struct provider_call *c = op->a.call;

	json_decref(c->memo);
	c->memo = NULL;
	memset(&c->list, 0, sizeof(c->list));
	if (c->priv != NULL)
		memset(c->priv, 0, op->a.type->priv_size);
}

/* All but op itself; the call is the caller's again. */
static void
walk_clear(struct walk_op *op)
{
	struct provider_call *c = op->a.call;

	rest_cancel(op->rest);
	timer_clear(&op->turn);
	call_clear(op);
	freezero(c->priv, op->a.type->priv_size);
	c->priv = c->keep = NULL;
	c->zone = "";
	c->zone_id = NULL;
	free(op->own_zone);
	free(op->steps);
}

void
walk_cancel(struct walk_op *op)
{
	if (op == NULL)
		return;
	walk_clear(op);
	free(op);
}

static void
walk_finish(struct walk_op *op, const struct error *err)
{
	walk_clear(op);			/* done may free the call */
	op->done(err, op->arg);
	free(op);
}

/* --- the zones --- */

/* Set op->zone to the next zone worth asking for; false if there is none. */
static bool
zone_next(struct walk_op *op)
{
	const char *fqdn = op->a.call->fqdn, *hint = op->a.zone_hint;

	if (op->own_zone != NULL) {
		if (op->zone[0] != '\0')
			return false;
		return text_printf(op->zone, sizeof(op->zone), "%s",
		    op->own_zone);
	}
	if (!op->hint_is_done) {
		op->hint_is_done = true;
		if (hint[0] != '\0' && dname_is_in(fqdn, hint))
			return text_printf(op->zone, sizeof(op->zone), "%s",
			    hint);
	}
	do {
		op->suffix = op->suffix == NULL ? fqdn :
		    dname_parent(op->suffix);
	} while (op->suffix != NULL && strcmp(op->suffix, hint) == 0);
	if (op->suffix == NULL || op->suffix[0] == '\0')
		return false;
	return text_printf(op->zone, sizeof(op->zone), "%s", op->suffix);
}

/* The id that an earlier call left for op->zone. */
static void
zone_recall(struct walk_op *op)
{
	(void)text_printf(op->zone_id, sizeof(op->zone_id), "%s",
	    provider_zone_id(op->a.account, op->zone));
	op->id_is_known = op->zone_id[0] != '\0';
}

/* What was remembered of the zone may be out of date; false if nothing was. */
static bool
zone_forget(struct walk_op *op)
{
	bool was_known = op->zone_is_known || op->id_is_known;

	provider_zone_forget(op->a.account, op->zone);
	if (op->zone_is_known) {
		op->suffix = NULL;
		(void)zone_next(op);
	}
	op->zone_is_known = op->id_is_known = false;
	op->zone_id[0] = '\0';
	return was_known;
}

/* why: as it was told with a refusal, or ERR_NONE. */
static void
zone_missing(struct walk_op *op, const struct error *why)
{
	const char *help = op->a.type->no_zone_help;
	size_t n = strlen(op->tried);
	struct error err;

	if (zone_forget(op)) {
		zone_try(op);
		return;
	}
	if (why->kind == ERR_CONFIG)
		op->denied = *why;
	(void)text_printf(op->tried + n, sizeof(op->tried) - n, "%s%s",
	    n == 0 ? "" : ", ", op->zone);
	if (zone_next(op)) {
		zone_recall(op);
		zone_try(op);
		return;
	}
	(void)error_set(&err, ERR_CONFIG, op->denied.kind == ERR_NONE ?
	    "provider:no-zone" : op->denied.code,
	    "%s: no zone for %s (asked for %s)%s%s%s%.300s", op->step,
	    op->a.call->fqdn, op->tried, help == NULL ? "" : "; ",
	    help == NULL ? "" : help,
	    op->denied.kind == ERR_NONE ? "" : "; the vendor says: ",
	    op->denied.kind == ERR_NONE ? "" : op->denied.msg);
	walk_finish(op, &err);
}

static void
zone_found(struct walk_op *op)
{
	struct provider_changed *changed = op->a.call->changed;

	provider_zone_put(op->a.account, op->a.call->fqdn, op->zone,
	    op->zone_id);
	if (changed != NULL)
		(void)text_printf(changed->zone, sizeof(changed->zone), "%s",
		    op->zone);
	walk_finish(op, NULL);
}

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct walk_op *op = arg;
	struct provider_changed *changed = op->a.call->changed;

	if (changed != NULL && rest_may_have_changed(op->rest))
		changed->may_be = true;
	op->step = rest_step_name(op->rest);
	op->rest = NULL;
	if (end == REST_DONE)
		zone_found(op);
	else if (end == REST_NO_ZONE)
		zone_missing(op, err);
	else if (err->kind == ERR_REJECTED && zone_forget(op))
		zone_try(op);
	else
		walk_finish(op, err);
}

/* --- what the provider's functions are called with --- */

static const struct provider_step *
row(const struct walk_op *op)
{
	return &op->rows[rest_at(op->rest)];
}

static int
row_request(void *arg, struct preq *rq, struct error *err)
{
	struct walk_op *op = arg;

	return row(op)->request(op->a.call, rq, err);
}

static enum rest_next
row_reply(void *arg, const struct rest_answer *a, struct error *err)
{
	struct walk_op *op = arg;
	struct provider_call *c = op->a.call;
	enum rest_next next = row(op)->reply(c, a, err);

	/* For the message, if it is seen too often. */
	if (next == REST_REPEAT && err->kind == ERR_NONE &&
	    c->list.exists[0] != '\0')
		(void)error_set(err, ERR_TRANSIENT, "provider:conflict", "%s",
		    c->list.exists);
	return next;
}

static enum rest_next
row_refused(void *arg, const struct rest_answer *a, struct error *err)
{
	struct walk_op *op = arg;

	return row(op)->refused(op->a.call, a, err);
}

static void
call_begin(void *arg)
{
	struct walk_op *op = arg;
	struct provider_call *c = op->a.call;

	call_clear(op);
	if (op->a.is_add)
		c->new_handle[0] = '\0';
	c->zone = op->zone;
	c->zone_id = op->zone_id;
}

static int
call_prepare(void *arg, struct preq *rq, struct error *err)
{
	struct walk_op *op = arg;

	return op->a.type->prepare == NULL ? 0 :
	    op->a.type->prepare(op->a.call, rq, err);
}

static bool
call_is_refusal(void *arg, const struct rest_answer *a)
{
	struct walk_op *op = arg;

	return op->a.type->is_refusal != NULL && op->a.type->is_refusal(a);
}

static void
call_failed(void *arg, const struct rest_answer *a, struct error *err)
{
	struct walk_op *op = arg;

	if (op->a.type->failed != NULL)
		op->a.type->failed(op->a.call, a, err);
}

static int64_t
call_pace(void *arg)
{
	struct walk_op *op = arg;

	return provider_account_pace(op->a.account, op->a.type->gap_ms);
}

static void
steps_make(struct walk_op *op)
{
	size_t n = 0;

	while (op->rows[n].name != NULL)
		n++;
	op->steps = xcalloc(n + 1, sizeof(*op->steps));
	for (size_t i = 0; i < n; i++)
		op->steps[i] = (struct rest_step){ op->rows[i].name,
		    row_request,
		    op->rows[i].reply != NULL ? row_reply : NULL,
		    op->rows[i].refused != NULL ? row_refused : NULL };
}

/* --- the walk --- */

/* From the first step, for op->zone. */
static void
zone_try(struct walk_op *op)
{
	const struct provider *type = op->a.type;
	const struct provider_values *values = op->a.call->values;
	const char *base = provider_option(type, values, "base_url");
	const char *proxy = provider_option(type, values, "proxy");

	/* The beginning that no vendor writes in another way, with "\/" or in
	 * several strings: all of a challenge's value. */
	(void)text_printf(op->needle, sizeof(op->needle), "%.*s",
	    (int)strspn(op->a.call->value, PLAIN), op->a.call->value);
	op->rest = rest_start(&(struct rest_args){
	    .loop = op->a.env->loop, .http = op->a.env->http,
	    .steps = op->steps, .user = op, .log = &op->log,
	    .base_url = base != NULL ? base : type->base_url,
	    .base_is_forced = base != NULL,
	    .allow_http = provider_option_bool(type, values, "allow_http"),
	    .ca_file = provider_option(type, values, "ca_file"),
	    .proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" : proxy,
	    .max_reply = type->max_reply,
	    .lean_member = type->lean_member,
	    .lean_needle = op->needle,
	    .timeout_ms = op->a.env->request_ms,
	    .tally = op->a.tally,
	    .poll_ms = op->a.env->poll_ms,
	    .plain_text = type->plain_text,
	    .decodes = true,
	    .begin = call_begin, .prepare = call_prepare,
	    .is_refusal = call_is_refusal, .failed = call_failed,
	    .pace = call_pace }, rest_done, op);
}

/* The zone to begin with. */
static void
begin_cb(void *arg)
{
	struct walk_op *op = arg;
	const char *fqdn = op->a.call->fqdn, *known;
	struct error err;

	if (op->own_zone != NULL && !dname_is_in(fqdn, op->own_zone)) {
		(void)error_set(&err, ERR_CONFIG, "provider:no-zone",
		    "%s is not in the configured zone %s", fqdn,
		    op->own_zone);
		walk_finish(op, &err);
		return;
	}
	if (!zone_next(op))
		abort();		/* fqdn is a suffix of itself */
	known = provider_zone_of(op->a.account, fqdn);
	if (known != NULL && op->own_zone == NULL &&
	    op->a.zone_hint[0] == '\0') {
		/* The walk begins where it ended last time. */
		op->zone_is_known = true;
		(void)text_printf(op->zone, sizeof(op->zone), "%s", known);
	}
	zone_recall(op);
	zone_try(op);
}

struct walk_op *
walk_start(const struct walk_args *a, walk_done_cb *done, void *arg)
{
	struct walk_op *op = xcalloc(1, sizeof(*op));
	const char *zone = provider_option(a->type, a->call->values, "zone");

	op->a = *a;
	op->done = done;
	op->arg = arg;
	op->rows = a->is_add ? a->type->add : a->type->remove;
	op->step = "begin";
	op->log = (struct log_ctx){ .provider = a->call->provider,
	    .cert = a->call->cert };
	steps_make(op);
	if (zone != NULL && zone[0] != '\0') {
		/* The configuration has made it canonical. */
		op->own_zone = xstrdup(zone);
	}
	a->call->keep = provider_account_keep(a->account);
	a->call->priv = a->type->priv_size == 0 ? NULL :
	    xcalloc(1, a->type->priv_size);
	a->call->memo = NULL;
	timer_init(&op->turn, a->env->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}
