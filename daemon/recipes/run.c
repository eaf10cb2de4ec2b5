/* SPDX-License-Identifier: MIT */
#include "daemon/recipes/run.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/recipes/answer.h"
#include "daemon/recipes/request.h"
#include "daemon/recipes/scope.h"
#include "daemon/rest/run.h"

#define REPLY_MAX	(1u << 20)
#define POLL_S		2
#define POLL_MAX_S	300
#define FINISH_MS	15000

struct recipe_op {
	struct recipe_args a;
	recipe_done_cb	*done;
	void		*arg;
	struct recipe_scope scope;
	struct rest_op	*rest;
	struct rest_step *steps;	/* of what runs now */
	const struct section **requests;
	int64_t		 until_ms;	/* monotonic: a poll ends; 0: none */
	bool		 is_finish;
	bool		 has_failed;
	struct error	 err;		/* of the requests */
};

static const struct section *
request_of(const struct recipe_op *op)
{
	return op->requests[rest_at(op->rest)];
}

void
recipe_cancel(struct recipe_op *op)
{
	if (op == NULL)
		return;
	rest_cancel(op->rest);
	recipe_scope_clear(&op->scope);
	free(op->steps);
	recipe_unref(op->a.recipe);
	free(op);
}

/* Seconds of a key that was checked. */
static int64_t
seconds(const struct section *sec, const char *key, int64_t fallback)
{
	const struct value *v = tree_value(sec, key);
	int64_t s = fallback;

	if (v != NULL)
		(void)text_parse_duration(v->text, &s);
	return s;
}

static int
build(void *user, struct preq *rq, struct error *err)
{
	struct recipe_op *op = user;
	const struct section *sec = request_of(op);

	op->scope.time = clock_now();
	if (recipe_request(&op->scope, sec, rq, err) == -1)
		return -1;
	if (op->until_ms != 0)
		preq_wait(rq, (unsigned)seconds(sec, "interval", POLL_S) *
		    1000);
	else if (op->a.say != NULL)
		op->a.say(op->a.user, sec->title);
	return 0;
}

static enum rest_next
answered(void *user, const struct rest_answer *a, struct error *err)
{
	struct recipe_op *op = user;
	const struct section *sec = request_of(op);
	enum rest_next next;

	if (!recipe_takes_status(sec, a->status)) {
		(void)error_set(err, ERR_CONFIG, "provider:refused",
		    "HTTP %d, which is no success here", a->status);
		return REST_FAIL;
	}
	next = recipe_answer(&op->scope, sec, a, err);
	if (next != REST_POLL) {
		op->until_ms = 0;
		return next;
	}
	if (op->until_ms == 0)
		op->until_ms = clock_mono_ms() + 1000 * seconds(sec,
		    "timeout", POLL_MAX_S);
	if (clock_mono_ms() < op->until_ms)
		return REST_AGAIN;
	(void)error_set(err, ERR_TRANSIENT, "recipe:unfinished",
	    "it is not finished after %lld s",
	    (long long)seconds(sec, "timeout", POLL_MAX_S));
	return REST_FAIL;
}

/* A status other than 2xx may be what is expected. */
static enum rest_next
refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct recipe_op *op = user;

	if (recipe_takes_status(request_of(op), a->status))
		return answered(user, a, err);
	/* Others are not about this message, but about all. */
	if (op->a.recipe->kind == RECIPE_MESSAGE &&
	    err->kind == ERR_REJECTED && a->status != 400 &&
	    a->status != 413 && a->status != 422)
		err->kind = ERR_CONFIG;
	recipe_explain(&op->scope, a, err);
	return REST_FAIL;
}

static void run(struct recipe_op *, const struct section **, size_t n);

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct recipe_op *op = arg;

	op->rest = NULL;
	if (!op->is_finish) {
		op->has_failed = end != REST_DONE;
		if (op->has_failed) {
			recipe_hide(&op->scope, err->msg);
			op->err = *err;
		}
		if (op->a.recipe->n_finish > 0) {
			op->is_finish = true;
			op->until_ms = 0;
			run(op, op->a.recipe->finish,
			    op->a.recipe->n_finish);
			return;
		}
	}
	/* Whether it could log out changes nothing. */
	op->done(op->has_failed ? &op->err : NULL, op->arg);
	recipe_cancel(op);
}

static void
run(struct recipe_op *op, const struct section **requests, size_t n)
{
	free(op->steps);
	op->requests = requests;
	op->steps = xcalloc(n + 1, sizeof(*op->steps));
	for (size_t i = 0; i < n; i++)
		op->steps[i] = (struct rest_step){
		    .name = requests[i]->title, .request = build,
		    .reply = answered, .refused = refused };
	op->rest = rest_start(&(struct rest_args){
	    .loop = op->a.loop, .http = op->a.http, .log = op->a.log,
	    .steps = op->steps, .user = op, .allow_http = op->a.allow_http,
	    .ca_file = op->a.ca_file, .proxy = op->a.proxy,
	    .fingerprint = op->a.fingerprint, .max_reply = REPLY_MAX,
	    .timeout_ms = op->is_finish && op->a.timeout_ms > FINISH_MS ?
	    FINISH_MS : op->a.timeout_ms,
	    .plain_text = true, .decodes = true }, rest_done, op);
}

struct recipe_op *
recipe_start(const struct recipe_args *a, recipe_done_cb *done, void *arg)
{
	struct recipe_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->a.recipe = recipe_ref(a->recipe);
	op->done = done;
	op->arg = arg;
	op->scope.recipe = a->recipe;
	op->scope.values = a->values;
	op->scope.word = a->word;
	op->scope.user = a->user;
	recipe_scope_init(&op->scope);
	run(op, a->recipe->requests, a->recipe->n_requests);
	return op;
}
