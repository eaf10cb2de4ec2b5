/* SPDX-License-Identifier: MIT */
#include "daemon/rest/run.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/io/tally.h"
#include "daemon/rest/lean.h"
#include "daemon/rest/preq_run.h"

#define MAX_POLLS 50			/* of one step */
#define MAX_PAGES 500			/* likewise */
#define MAX_REPEATS 5			/* of the whole table */
#define MAX_SAME 2			/* ... for the same refusal in a row */
#define MAX_REPLY (2u << 20)		/* bytes */
#define BOM "\xef\xbb\xbf"		/* some begin their text with it */
#define LONG_REPLY (256u << 10)		/* may be parsed in part */
#define POLL_MS 500
#define MAX_POLL_MS 5000

struct rest_op {
	struct rest_args a;
	rest_done_cb	*done;
	void		*arg;
	const struct rest_step *step;	/* NULL: none yet */
	struct timer	 timer;
	void		(*act)(struct rest_op *);	/* when it fires */
	struct preq	*rq;		/* until it is answered */
	struct http_args http_args;
	struct http_op	*http;
	int64_t		 sent_ms;	/* monotonic */
	bool		 is_change;	/* it does not only read */
	bool		 may_have_changed;
	unsigned	 pages, polls;	/* of the step */
	unsigned	 repeats, poll_ms;
	/* What led to the last repeat; "": nothing did. */
	char		 refusal[REST_WORDS_MAX];
	unsigned	 same;		/* times that it came in a row */
};

static void	step_run(struct rest_op *);

size_t
rest_at(const struct rest_op *op)
{
	return (size_t)(op->step - op->a.steps);
}

const char *
rest_step_name(const struct rest_op *op)
{
	return op->step == NULL || op->step->name == NULL ? "begin" :
	    op->step->name;
}

bool
rest_may_have_changed(const struct rest_op *op)
{
	return op->may_have_changed;
}

static void
act_cb(void *arg)
{
	struct rest_op *op = arg;

	op->act(op);
}

static void
act_later(struct rest_op *op, void (*act)(struct rest_op *), int64_t ms)
{
	op->act = act;
	timer_set(&op->timer, ms);
}

void
rest_cancel(struct rest_op *op)
{
	if (op == NULL)
		return;
	http_cancel(op->http);
	timer_clear(&op->timer);
	preq_free(op->rq);
	free(op);
}

static void
rest_end(struct rest_op *op, enum rest_next end, struct error *err)
{
	if (err != NULL && op->rq != NULL)
		preq_hide(op->rq, err->msg);
	if (end == REST_FAIL && rest_step_name(op)[0] != '\0')
		(void)error_wrap(err, "%s", rest_step_name(op));
	op->done(end, err, op->arg);
	rest_cancel(op);
}

/* --- what comes next --- */

/* op->step begins. */
static void
step_enter(struct rest_op *op)
{
	op->pages = op->polls = 0;
	op->poll_ms = op->a.poll_ms;
	step_run(op);
}

static void
pass_begin(struct rest_op *op)
{
	if (op->a.begin != NULL)
		op->a.begin(op->a.user);
	op->step = op->a.steps;
	step_enter(op);
}

/* words: why.  Of a refusal that comes each time it is hardly true that a race
 * was lost. */
static void
conflict(struct rest_op *op, const char *words, bool is_refusal)
{
	struct error err;
	bool is_same = is_refusal && words[0] != '\0' &&
	    strcmp(words, op->refusal) == 0;

	op->same = is_same ? op->same + 1 : 0;
	(void)text_printf(op->refusal, sizeof(op->refusal), "%s", words);
	if (++op->repeats > MAX_REPEATS || op->same >= MAX_SAME) {
		(void)error_set(&err, ERR_TRANSIENT, "provider:conflict",
		    "somebody else keeps changing the same records%s%s",
		    words[0] == '\0' ? "" : ", or so it seems; the vendor "
		    "says: ", words);
		rest_end(op, REST_FAIL, &err);
		return;
	}
	act_later(op, pass_begin, (int64_t)op->a.poll_ms *
	    (long)op->repeats * (50 + random() % 50) / 100);
}

static void
another_round(struct rest_op *op, bool is_poll)
{
	struct error err;

	if (is_poll ? ++op->polls > op->a.max_polls :
	    ++op->pages > MAX_PAGES) {
		(void)error_set(&err, ERR_TRANSIENT, "provider:unfinished",
		    is_poll ? "the vendor does not finish the change" :
		    "more than %d pages", MAX_PAGES);
		rest_end(op, REST_FAIL, &err);
		return;
	}
	if (!is_poll) {
		step_run(op);
		return;
	}
	act_later(op, step_run, op->poll_ms);
	op->poll_ms = op->poll_ms * 2 > op->a.poll_max_ms ?
	    op->a.poll_max_ms : op->poll_ms * 2;
}

static void
go_on(struct rest_op *op, enum rest_next next, bool is_refusal,
    struct error *err)
{
	switch (next) {
	case REST_NEXT:
		op->step++;
		step_enter(op);
		break;
	case REST_DONE:
		rest_end(op, REST_DONE, NULL);
		break;
	case REST_AGAIN:
		another_round(op, false);
		break;
	case REST_POLL:
		another_round(op, true);
		break;
	case REST_REPEAT:
		conflict(op, err->kind != ERR_NONE ? err->msg : "",
		    is_refusal);
		break;
	case REST_NO_ZONE:
	case REST_FAIL:
		rest_end(op, next, err);
		break;
	}
}

/* --- the answer --- */

/* HTML, whatever its Content-Type. */
static bool
is_page(const struct rest_answer *a)
{
	const char *s = a->body + strspn(a->body, " \t\r\n");

	return strncasecmp(s, "<!doctype html", 14) == 0 ||
	    strncasecmp(s, "<html", 5) == 0;
}

static void
refusal_error(struct rest_op *op, const struct rest_answer *a,
    struct error *err)
{
	char words[REST_WORDS_MAX];
	enum err_kind kind = ERR_REJECTED;
	const char *code = "provider:refused";
	const char *to;
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
	/* An API that speaks JSON answers so; a firewall before it does not. */
	if (a->status == 403 && !op->a.plain_text && is_page(a))
		code = "provider:refused";
	rest_vendor_words(a, words);
	(void)error_set(err, kind, code, "HTTP %d%s%s", a->status,
	    words[0] == '\0' ? "" : ": ", words);
	to = rest_header(a, "Location");
	if (a->status >= 301 && a->status <= 308 && to != NULL)
		(void)error_set(err, ERR_CONFIG, "provider:redirect",
		    "HTTP %d: it sends us to %.200s, where our credentials do "
		    "not go by themselves; if the API is there, set base_url",
		    a->status, to);
	if (op->a.failed != NULL)
		op->a.failed(op->a.user, a, err);
	asked_at = http_reply_retry_at(a->http);
	if (asked_at != 0 &&
	    (err->kind == ERR_TRANSIENT || err->kind == ERR_RATELIMIT))
		err->retry_at = asked_at;
}

static void
count(struct rest_op *op, enum err_kind kind)
{
	tally_add(op->a.tally, clock_mono_ms() - op->sent_ms, kind);
}

static void
answer_read(struct rest_op *op, const struct rest_answer *a)
{
	const struct rest_step *step = op->step;
	enum rest_next next = REST_NEXT;
	struct error err = { .kind = ERR_NONE };
	bool is_refusal = a->status < 200 || a->status > 299 ||
	    (op->a.is_refusal != NULL && op->a.is_refusal(op->a.user, a));

	if (is_refusal) {
		refusal_error(op, a, &err);
		next = step->refused == NULL ? REST_FAIL :
		    step->refused(op->a.user, a, &err);
	} else if (!op->a.plain_text && a->json == NULL && a->body_len > 0) {
		char words[REST_WORDS_MAX];

		rest_plain_words(a, words);
		(void)error_set(&err, ERR_TRANSIENT, "provider:reply",
		    "HTTP %d, but the answer is not JSON: %.100s", a->status,
		    words);
		next = REST_FAIL;
	} else if (step->reply != NULL) {
		next = step->reply(op->a.user, a, &err);
	}
	if (next == REST_FAIL && err.kind == ERR_NONE)
		(void)error_set(&err, ERR_INTERNAL, "provider:bug",
		    "failed without a reason");
	/* That a zone or a value is not there may be all that was asked. */
	count(op, next == REST_FAIL ? err.kind : ERR_NONE);
	if (next != REST_FAIL && next != REST_NO_ZONE && op->is_change)
		op->may_have_changed = true;
	go_on(op, next, is_refusal, &err);
}

static void
http_done(const struct error *err, const struct http_reply *r, void *arg)
{
	struct rest_op *op = arg;
	struct rest_answer a = { 0 };
	char *lean = NULL;
	json_t *json;
	size_t n;

	op->http = NULL;
	if (err != NULL) {
		struct error copy = *err;

		count(op, err->kind);
		op->may_have_changed |= op->is_change;
		rest_end(op, REST_FAIL, &copy);
		return;
	}
	/* Any value: some vendors answer a bare null or string. */
	a.body = r->body;
	a.body_len = r->body_len;
	if (r->body_len >= strlen(BOM) &&
	    memcmp(r->body, BOM, strlen(BOM)) == 0) {
		a.body += strlen(BOM);
		a.body_len -= strlen(BOM);
	}
	n = a.body_len;
	if (op->a.lean_member != NULL && n > LONG_REPLY)
		lean = lean_text(a.body, a.body_len, op->a.lean_member,
		    op->a.lean_needle, &n);
	json = n == 0 ? NULL : jsonx_parse_any(lean != NULL ? lean : a.body,
	    n);
	free(lean);
	a.status = r->status;
	a.json = json;
	a.http = r;
	if (op->a.log != NULL)
		log_debug(op->a.log, "%s: HTTP %d, %zu bytes",
		    rest_step_name(op), r->status, r->body_len);
	answer_read(op, &a);
	/* op may be gone */
	json_decref(json);
}

/* --- the request --- */

static void
step_send(struct rest_op *op)
{
	if (op->a.log != NULL)
		log_debug(op->a.log, "%s: %s", rest_step_name(op),
		    preq_label(op->rq));
	op->is_change = strcmp(op->http_args.method, "GET") != 0;
	op->sent_ms = clock_mono_ms();
	op->http = http_start(op->a.http, &op->http_args, http_done, op);
}

/* The request of op->step, ready in rq and http_args; -1 and err. */
static int
step_build(struct rest_op *op, struct error *err)
{
	const char *method;

	preq_free(op->rq);
	op->rq = preq_new(op->a.base_url, op->a.base_is_forced);
	if (op->step->request(op->a.user, op->rq, err) == -1)
		return -1;
	if (!preq_is_started(op->rq))
		return 0;
	if (op->a.prepare != NULL &&
	    op->a.prepare(op->a.user, op->rq, err) == -1)
		return -1;
	/* PowerDNS refuses curl's own wildcard. */
	if (preq_get_header(op->rq, "Accept") == NULL && !op->a.plain_text)
		preq_header(op->rq, "Accept", "application/json");
	method = preq_get_method(op->rq);
	op->http_args = (struct http_args){
	    .max_reply = op->a.max_reply != 0 ? op->a.max_reply : MAX_REPLY,
	    .timeout_ms = op->a.timeout_ms,
	    .ca_file = op->a.ca_file,
	    .fingerprint = op->a.fingerprint,
	    .cert_file = op->a.cert_file,
	    .key_file = op->a.key_file,
	    .proxy = op->a.proxy,
	    .unix_socket = op->a.unix_socket,
	    .decodes = op->a.decodes,
	    .urgent = op->a.urgent,
	    /* The same request twice could make the same record twice. */
	    .once = !op->a.is_idempotent && strcmp(method, "GET") != 0 &&
	    strcmp(method, "DELETE") != 0,
	};
	return preq_finish(op->rq, op->a.allow_http, &op->http_args, err);
}

static void
step_run(struct rest_op *op)
{
	struct error err;
	int64_t wait;

	for (; op->step->name != NULL; op->step++) {
		if (step_build(op, &err) == -1) {
			rest_end(op, REST_FAIL, &err);
			return;
		}
		if (preq_is_started(op->rq))
			break;
	}
	if (op->step->name == NULL) {
		rest_end(op, REST_DONE, NULL);
		return;
	}
	wait = op->a.pace == NULL ? 0 : op->a.pace(op->a.user);
	if (wait < preq_get_wait(op->rq))
		wait = preq_get_wait(op->rq);
	if (wait > 0)
		act_later(op, step_send, wait);
	else
		step_send(op);
}

struct rest_op *
rest_start(const struct rest_args *a, rest_done_cb *done, void *arg)
{
	struct rest_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	if (op->a.poll_ms == 0)
		op->a.poll_ms = POLL_MS;
	if (op->a.poll_max_ms == 0)
		op->a.poll_max_ms = MAX_POLL_MS;
	if (op->a.max_polls == 0)
		op->a.max_polls = MAX_POLLS;
	op->done = done;
	op->arg = arg;
	timer_init(&op->timer, a->loop, act_cb, op);
	act_later(op, pass_begin, 0);
	return op;
}
