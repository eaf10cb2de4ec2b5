/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_walk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/dns/provider_account.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/rest/preq_run.h"
#include "providers/provider.h"

#define MAX_POLLS 50			/* of one step */
#define MAX_PAGES 500			/* likewise */
#define MAX_REPEATS 5			/* of the whole table */
#define MAX_SAME 2			/* ... for the same refusal in a row */
#define MAX_REPLY (2u << 20)		/* bytes */
#define MAX_POLL_MS 5000

struct walk_op {
	struct walk_args a;
	walk_done_cb	*done;
	void		*arg;
	const struct provider_step *steps, *step;
	struct timer	 timer;
	void		(*act)(struct walk_op *);	/* when it fires */
	struct preq	*rq;
	struct http_args http_args;
	struct http_op	*http;
	bool		 is_change;	/* it does not only read */
	unsigned	 rounds, repeats, poll_ms;
	/* The walk over the suffixes of fqdn. */
	char		*own_zone;	/* the configured one; NULL: walk */
	bool		 hint_is_done;
	const char	*suffix;	/* the last one tried; NULL: none */
	char		 zone[DNAME_SIZE];
	char		 zone_id[PROVIDER_ZONE_ID_SIZE];
	bool		 zone_is_known;	/* from an earlier call for fqdn */
	bool		 id_is_known;	/* from an earlier call for the zone */
	char		 tried[400];	/* zones, for the message */
	/* What led to the last repeat; "": nothing did. */
	char		 refusal[REST_WORDS_MAX];
	unsigned	 same;		/* times that it came in a row */
	struct error	 denied;	/* what was said of some candidate, for
					   the message if none is a zone */
};

static bool	zone_next(struct walk_op *);
static void	pass_begin(struct walk_op *);
static void	step_run(struct walk_op *);

const char *
walk_step(const struct walk_op *op)
{
	return op->step == NULL || op->step->name == NULL ? "begin" :
	    op->step->name;
}

static void
act_cb(void *arg)
{
	struct walk_op *op = arg;

	op->act(op);
}

static void
act_later(struct walk_op *op, void (*act)(struct walk_op *), int64_t ms)
{
	op->act = act;
	timer_set(&op->timer, ms);
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
rest_clear(struct walk_op *op)
{
	struct provider_call *c = op->a.call;

	http_cancel(op->http);
	timer_clear(&op->timer);
	preq_free(op->rq);
	call_clear(op);
	freezero(c->priv, op->a.type->priv_size);
	c->priv = c->keep = NULL;
	c->zone = "";
	c->zone_id = NULL;
	free(op->own_zone);
}

void
walk_cancel(struct walk_op *op)
{
	if (op == NULL)
		return;
	rest_clear(op);
	free(op);
}

static void
rest_finish(struct walk_op *op, const struct error *err)
{
	rest_clear(op);			/* done may free the call */
	op->done(err, op->arg);
	free(op);
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

static void
rest_fail(struct walk_op *op, struct error *err)
{
	if (err->kind == ERR_REJECTED && zone_forget(op)) {
		act_later(op, pass_begin, 0);
		return;
	}
	(void)error_wrap(err, "%s", walk_step(op));
	rest_finish(op, err);
}

static void
rest_succeed(struct walk_op *op)
{
	struct provider_changed *changed = op->a.call->changed;

	provider_zone_put(op->a.account, op->a.call->fqdn, op->zone,
	    op->zone_id);
	if (changed != NULL)
		(void)text_printf(changed->zone, sizeof(changed->zone), "%s",
		    op->zone);
	rest_finish(op, NULL);
}

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

/* why: as it was told with a refusal, or ERR_NONE. */
static void
zone_missing(struct walk_op *op, const struct error *why)
{
	const char *help = op->a.type->no_zone_help;
	size_t n = strlen(op->tried);
	struct error err;

	if (zone_forget(op)) {
		pass_begin(op);
		return;
	}
	if (why->kind == ERR_CONFIG)
		op->denied = *why;
	(void)text_printf(op->tried + n, sizeof(op->tried) - n, "%s%s",
	    n == 0 ? "" : ", ", op->zone);
	if (zone_next(op)) {
		zone_recall(op);
		pass_begin(op);
		return;
	}
	(void)error_set(&err, ERR_CONFIG, op->denied.kind == ERR_NONE ?
	    "provider:no-zone" : op->denied.code,
	    "no zone for %s (asked for %s)%s%s%s%.300s", op->a.call->fqdn,
	    op->tried, help == NULL ? "" : "; ", help == NULL ? "" : help,
	    op->denied.kind == ERR_NONE ? "" : "; the vendor says: ",
	    op->denied.kind == ERR_NONE ? "" : op->denied.msg);
	rest_fail(op, &err);
}

/* words: those of the refusal, if there was one.  is_ours: what it speaks of
 * is our own value, which the vendor's list does not show yet. */
static void
conflict(struct walk_op *op, const char *words, bool is_ours)
{
	struct error err;
	bool is_same = !is_ours && words[0] != '\0' &&
	    strcmp(words, op->refusal) == 0;

	op->same = is_same ? op->same + 1 : 0;
	(void)text_printf(op->refusal, sizeof(op->refusal), "%s", words);
	/* What the vendor says each time is hardly a race that was lost. */
	if (++op->repeats > MAX_REPEATS || op->same >= MAX_SAME) {
		(void)error_set(&err, ERR_TRANSIENT, "provider:conflict",
		    "somebody else keeps changing the same records%s%s",
		    words[0] == '\0' ? "" : ", or so it seems; the vendor "
		    "says: ", words);
		rest_fail(op, &err);
		return;
	}
	act_later(op, pass_begin, (int64_t)op->a.env->poll_ms *
	    (long)op->repeats * (50 + random() % 50) / 100);
}

static void
another_round(struct walk_op *op, bool is_poll)
{
	struct error err;

	if (++op->rounds > (is_poll ? MAX_POLLS : MAX_PAGES)) {
		(void)error_set(&err, ERR_TRANSIENT, "provider:unfinished",
		    is_poll ? "the vendor does not finish the change" :
		    "more than %d pages", MAX_PAGES);
		rest_fail(op, &err);
		return;
	}
	if (!is_poll) {
		step_run(op);
		return;
	}
	act_later(op, step_run, op->poll_ms);
	op->poll_ms = op->poll_ms * 2 > MAX_POLL_MS ? MAX_POLL_MS :
	    op->poll_ms * 2;
}

static void
go_on(struct walk_op *op, enum rest_next next, struct error *err)
{
	switch (next) {
	case REST_NEXT:
		op->step++;
		op->rounds = 0;
		op->poll_ms = op->a.env->poll_ms;
		step_run(op);
		break;
	case REST_DONE:
		rest_succeed(op);
		break;
	case REST_AGAIN:
		another_round(op, false);
		break;
	case REST_POLL:
		another_round(op, true);
		break;
	case REST_REPEAT:
		if (err->kind != ERR_NONE)
			conflict(op, err->msg, false);
		else
			conflict(op, op->a.call->list.exists, true);
		break;
	case REST_NO_ZONE:
		zone_missing(op, err);
		break;
	case REST_FAIL:
		rest_fail(op, err);
		break;
	}
}

static void
refusal_error(struct walk_op *op, const struct rest_answer *a,
    struct error *err)
{
	char words[REST_WORDS_MAX];
	enum err_kind kind = ERR_REJECTED;
	const char *code = "provider:refused";
	time_t asked_at;

	if (a->status == 401 || a->status == 403) {
		kind = ERR_CONFIG;
		code = "provider:credentials";
	} else if (a->status == 429) {
		kind = ERR_RATELIMIT;
		code = "provider:throttled";
	} else if (a->status >= 500 || a->status == 408) {
		kind = ERR_TRANSIENT;
		code = "provider:unavailable";
	}
	rest_vendor_words(a, words);
	(void)error_set(err, kind, code, "HTTP %d%s%s", a->status,
	    words[0] == '\0' ? "" : ": ", words);
	if (op->a.type->failed != NULL)
		op->a.type->failed(op->a.call, a, err);
	asked_at = http_reply_retry_at(a->http);
	if (asked_at != 0 &&
	    (err->kind == ERR_TRANSIENT || err->kind == ERR_RATELIMIT))
		err->retry_at = asked_at;
}

/* What was asked may have been done. */
static void
note_change(struct walk_op *op)
{
	struct provider_changed *changed = op->a.call->changed;

	if (changed != NULL && op->is_change)
		changed->may_be = true;
}

static void
answer_read(struct walk_op *op, const struct rest_answer *a)
{
	const struct provider *type = op->a.type;
	const struct provider_step *step = op->step;
	enum rest_next next = REST_NEXT;
	struct error err = { .kind = ERR_NONE };

	if (a->status < 200 || a->status > 299 ||
	    (type->is_refusal != NULL && type->is_refusal(a))) {
		refusal_error(op, a, &err);
		next = step->refused == NULL ? REST_FAIL :
		    step->refused(op->a.call, a, &err);
	} else if (!type->plain_text && a->json == NULL && a->body_len > 0) {
		char words[REST_WORDS_MAX];

		rest_plain_words(a, words);
		(void)error_set(&err, ERR_TRANSIENT, "provider:reply",
		    "HTTP %d, but the answer is not JSON: %.100s", a->status,
		    words);
		next = REST_FAIL;
	} else if (step->reply != NULL) {
		next = step->reply(op->a.call, a, &err);
	}
	if (next != REST_FAIL && next != REST_NO_ZONE)
		note_change(op);
	if (next == REST_FAIL && err.kind == ERR_NONE)
		(void)error_set(&err, ERR_INTERNAL, "provider:bug",
		    "failed without a reason");
	go_on(op, next, &err);
}

static void
http_done(const struct error *err, const struct http_reply *r, void *arg)
{
	struct walk_op *op = arg;
	struct rest_answer a = { 0 };
	json_t *json;

	op->http = NULL;
	if (err != NULL) {
		struct error copy = *err;

		note_change(op);
		rest_fail(op, &copy);
		return;
	}
	/* Any value: some vendors answer a bare null or string. */
	json = r->body_len == 0 ? NULL : json_loadb(r->body, r->body_len,
	    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	a.status = r->status;
	a.json = json;
	a.body = r->body;
	a.body_len = r->body_len;
	a.http = r;
	log_debug(&(struct log_ctx){ .provider = op->a.call->provider,
	    .cert = op->a.call->cert }, "%s: HTTP %d, %zu bytes",
	    walk_step(op), r->status, r->body_len);
	answer_read(op, &a);
	/* op may be gone */
	json_decref(json);
}

static void
step_send(struct walk_op *op)
{
	log_debug(&(struct log_ctx){ .provider = op->a.call->provider,
	    .cert = op->a.call->cert }, "%s: %s", walk_step(op),
	    preq_label(op->rq));
	op->is_change = op->http_args.method != NULL &&
	    strcmp(op->http_args.method, "GET") != 0;
	op->http = http_start(op->a.env->http, &op->http_args, http_done, op);
	preq_free(op->rq);
	op->rq = NULL;
}

/* The request of op->step, ready in rq and http_args; -1 and err. */
static int
step_build(struct walk_op *op, struct error *err)
{
	const struct provider *type = op->a.type;
	struct provider_call *c = op->a.call;
	const char *base = provider_option(type, c->values, "base_url");
	const char *proxy = provider_option(type, c->values, "proxy");

	preq_free(op->rq);
	op->rq = preq_new(base != NULL ? base : type->base_url, base != NULL);
	if (op->step->request(c, op->rq, err) == -1)
		return -1;
	if (!preq_is_started(op->rq))
		return 0;
	if (type->prepare != NULL && type->prepare(c, op->rq, err) == -1)
		return -1;
	/* PowerDNS refuses curl's own wildcard. */
	if (preq_get_header(op->rq, "Accept") == NULL && !type->plain_text)
		preq_header(op->rq, "Accept", "application/json");
	op->http_args = (struct http_args){
	    .max_reply = type->max_reply != 0 ? type->max_reply : MAX_REPLY,
	    .timeout_ms = op->a.env->request_ms,
	    .ca_file = provider_option(type, c->values, "ca_file"),
	    .proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" : proxy,
	};
	/* The same request twice could make the same record twice. */
	op->http_args.once = strcmp(preq_get_method(op->rq), "GET") != 0 &&
	    strcmp(preq_get_method(op->rq), "DELETE") != 0;
	return preq_finish(op->rq, provider_option_bool(type, c->values,
	    "allow_http"), &op->http_args, err);
}

static void
step_run(struct walk_op *op)
{
	struct error err;
	int64_t wait;

	for (; op->step->name != NULL; op->step++) {
		if (step_build(op, &err) == -1) {
			rest_fail(op, &err);
			return;
		}
		if (preq_is_started(op->rq))
			break;
	}
	if (op->step->name == NULL) {
		rest_succeed(op);
		return;
	}
	wait = provider_account_pace(op->a.account, op->a.type->gap_ms);
	if (wait < preq_get_wait(op->rq))
		wait = preq_get_wait(op->rq);
	if (wait > 0)
		act_later(op, step_send, wait);
	else
		step_send(op);
}

/* From the first step, for op->zone. */
static void
pass_begin(struct walk_op *op)
{
	struct provider_call *c = op->a.call;

	call_clear(op);
	op->step = op->steps;
	op->rounds = 0;
	op->poll_ms = op->a.env->poll_ms;
	if (op->a.is_add)
		c->new_handle[0] = '\0';
	c->zone = op->zone;
	c->zone_id = op->zone_id;
	step_run(op);
}

/* The zone to begin with. */
static void
rest_begin(struct walk_op *op)
{
	const char *fqdn = op->a.call->fqdn, *known;
	struct error err;

	if (op->own_zone != NULL && !dname_is_in(fqdn, op->own_zone)) {
		(void)error_set(&err, ERR_CONFIG, "provider:no-zone",
		    "%s is not in the configured zone %s", fqdn,
		    op->own_zone);
		rest_fail(op, &err);
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
	pass_begin(op);
}

struct walk_op *
walk_start(const struct walk_args *a, walk_done_cb *done, void *arg)
{
	struct walk_op *op = xcalloc(1, sizeof(*op));
	const char *zone = provider_option(a->type, a->call->values, "zone");

	op->a = *a;
	op->done = done;
	op->arg = arg;
	op->steps = op->step = a->is_add ? a->type->add : a->type->remove;
	if (zone != NULL && zone[0] != '\0') {
		/* The configuration has made it canonical. */
		op->own_zone = xstrdup(zone);
	}
	a->call->keep = provider_account_keep(a->account);
	a->call->priv = a->type->priv_size == 0 ? NULL :
	    xcalloc(1, a->type->priv_size);
	a->call->memo = NULL;
	timer_init(&op->timer, a->env->loop, act_cb, op);
	act_later(op, rest_begin, 0);
	return op;
}
