/* SPDX-License-Identifier: MIT */
#include "daemon/acme/client.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/client_priv.h"
#include "daemon/acme/jws.h"
#include "daemon/acme/message.h"
#include "daemon/acme/problem.h"
#include "daemon/io/tally.h"

#define DIRECTORY_AGE_S 86400
#define BAD_NONCE_TRIES 20
#define CLOCK_AGE_MS 60000

const int64_t client_retry_ms[CLIENT_RETRIES] = { 1000, 3000 };
/* What a replica does not know yet is tried again after these. */
static const int64_t lag_ms[] = { 1000, 2000, 4000, 8000 };
#define LAGS (sizeof(lag_ms) / sizeof(lag_ms[0]))

static void	pump_cb(void *);

struct client *
client_new(struct loop *loop, struct http *http, const struct client_args *a)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->http = http;
	c->url = xstrdup(a->directory);
	c->tally = a->tally;
	c->allow_plain = strncasecmp(a->directory, "http://", 7) == 0;
	c->ca_file = a->ca_file == NULL ? NULL : xstrdup(a->ca_file);
	c->proxy = a->proxy == NULL ? NULL : xstrdup(a->proxy);
	if (EVP_PKEY_up_ref(a->key) == 1)
		c->key = a->key;
	TAILQ_INIT(&c->nonce_fetches);
	TAILQ_INIT(&c->ops);
	timer_init(&c->pump, loop, pump_cb, c);
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	timer_clear(&c->pump);
	client_fetch_cancel(c);
	nonces_clear(&c->nonces);
	directory_free(c->directory);
	EVP_PKEY_free(c->key);
	free(c->url);
	free(c->ca_file);
	free(c->proxy);
	free(c);
}

bool
client_allows_plain(const struct client *c)
{
	return c->allow_plain;
}

const struct directory *
client_directory(const struct client *c)
{
	return c->directory;
}

void
client_doubt_directory(struct client *c)
{
	c->directory_at = 0;
}

unsigned long
client_requests(const struct client *c)
{
	return c->n_requests;
}

const struct ca_clock *
client_clock(const struct client *c)
{
	return &c->clock;
}

struct http_op *
client_send(struct client *c, struct http_args *args, http_done_cb *done,
    void *arg)
{
	args->ca_file = c->ca_file;
	args->proxy = c->proxy;
	args->allow_plain = c->allow_plain;
	c->n_requests++;
	return http_start(c->http, args, done, arg);
}

int
client_check(const struct error *http_err, const struct http_reply *reply,
    struct error *err)
{
	if (http_err != NULL) {
		*err = *http_err;
		return -1;
	}
	if (reply->status >= 200 && reply->status < 300)
		return 0;
	problem_from_reply(reply->status, reply->body, reply->body_len,
	    http_reply_retry_at(reply), err);
	return -1;
}

/* A nonce that was not taken is no error: RFC 8555 has it sent again. */
void
client_count(struct client *c, int64_t sent_ms, const struct error *err)
{
	tally_add(c->tally, clock_mono_ms() - sent_ms,
	    err == NULL || strcmp(err->code, "acme:badNonce") == 0 ?
	    ERR_NONE : err->kind);
}

bool
client_keep_nonce(struct client *c, const struct http_reply *reply)
{
	bool has = reply != NULL && nonces_put(&c->nonces,
	    http_reply_header(reply, "Replay-Nonce", 0));

	if (has)
		c->nonce_ms = clock_boot_ms();
	else if (reply == NULL || reply->status >= 500)
		c->nonce_ms = 0;
	return has;
}

void
client_keep_clock(struct client *c, const struct http_reply *reply)
{
	if (reply == NULL)
		return;
	c->answered_ms = clock_boot_ms();
	ca_clock_note(&c->clock, reply);
}

bool
client_is_signed(const struct client_op *op)
{
	return op->request.target != CLIENT_RENEWAL_INFO;
}

void
client_fail_later(struct client_op *op, const struct error *err)
{
	op->state = OP_FAILED;
	op->err = *err;
	timer_set(&op->client->pump, 0);
}

static void
op_free(struct client_op *op)
{
	http_cancel(op->http);
	timer_clear(&op->retry);
	EVP_PKEY_free(op->request.key);
	free(op->url);
	free(op->kid);
	free(op->payload);
	strv_free(op->refused);
	free(op);
}

static void
op_finish(struct client_op *op, struct error *err,
    const struct http_reply *reply)
{
	struct client_result result = { reply, op->was_lost, op->refused };

	if (err != NULL)
		(void)error_wrap(err, "%s", op->request.what);
	/* done may free the client: nothing but op is touched after it. */
	TAILQ_REMOVE(&op->client->ops, op, link);
	op->done(err, &result, op->arg);
	op_free(op);
}

/* Does the answer leave open what the CA has done? */
static bool
is_lost(const struct error *http_err, const struct http_reply *reply)
{
	if (http_err == NULL)
		return reply->status >= 500;
	return strcmp(http_err->code, "http:resolve") != 0 &&
	    strcmp(http_err->code, "http:connect") != 0 &&
	    strcmp(http_err->code, "http:tls") != 0;
}

/* Is it not there, or not yet? */
static bool
is_lagging(const struct client_op *op, const struct http_reply *reply,
    const struct error *err)
{
	return op->request.may_lag && reply != NULL && reply->status == 404 &&
	    err->kind == ERR_REJECTED &&
	    strcmp(err->code, "acme:accountDoesNotExist") != 0;
}

/* May it be the directory that is wrong: is nothing there of that kind? */
static bool
is_astray(const struct client_op *op, const struct http_reply *reply)
{
	return op->request.target != CLIENT_URL && reply != NULL &&
	    ((reply->status >= 300 && reply->status < 400) ||
	    reply->status == 404 || reply->status == 405 ||
	    reply->status == 410);
}

static void
op_pause(struct client_op *op, int64_t ms)
{
	op->state = OP_PAUSED;
	timer_set(&op->retry, ms);
}

static void	op_send(struct client_op *);

static void
op_http_done(const struct error *http_err, const struct http_reply *reply,
    void *arg)
{
	struct client_op *op = arg;
	struct client *c = op->client;
	struct error err;

	op->http = NULL;
	(void)client_keep_nonce(c, reply);
	if (client_is_signed(op))
		client_keep_clock(c, reply);
	timer_set(&c->pump, 0);
	if (client_check(http_err, reply, &err) == 0) {
		client_count(c, op->sent_ms, NULL);
		op_finish(op, NULL, reply);
		return;
	}
	client_count(c, op->sent_ms, &err);
	strv_free(op->refused);
	op->refused = http_err != NULL ? NULL :
	    problem_identifiers_of(reply->body, reply->body_len);
	if (is_lost(http_err, reply))
		op->was_lost = true;
	if (strcmp(err.code, "acme:badNonce") == 0) {
		if (op->n_bad_nonces++ < BAD_NONCE_TRIES)
			op_send(op);	/* with the one just received */
		else
			op_finish(op, &err, NULL);
	} else if (err.kind == ERR_TRANSIENT &&
	    op->n_retries < CLIENT_RETRIES && !(op->request.is_doubtful &&
	    strcmp(err.code, "acme:serverInternal") == 0)) {
		op_pause(op, client_retry_ms[op->n_retries++]);
	} else if (is_lagging(op, reply, &err) && op->n_lags < LAGS) {
		op_pause(op, lag_ms[op->n_lags++]);
	} else {
		if (is_lagging(op, reply, &err))
			(void)text_printf(err.code, sizeof(err.code),
			    "acme:not-found");
		if (is_astray(op, reply))
			client_doubt_directory(c);
		op_finish(op, &err, NULL);
	}
}

static void
op_retry_cb(void *arg)
{
	struct client_op *op = arg;

	op->state = OP_QUEUED;
	timer_set(&op->client->pump, 0);
}

static const char *
op_url(const struct client_op *op)
{
	switch (op->request.target) {
	case CLIENT_NEW_ACCOUNT:
		return op->client->directory->new_account;
	case CLIENT_NEW_ORDER:
		return op->client->directory->new_order;
	case CLIENT_REVOKE_CERT:
		return op->client->directory->revoke_cert;
	case CLIENT_KEY_CHANGE:
		return op->client->directory->key_change;
	case CLIENT_RENEWAL_INFO:
	case CLIENT_LOOK_AT_CLOCK:
	case CLIENT_URL:
		break;
	}
	return op->url;
}

/* directory's renewalInfo + "/" + ARI-ID (RFC 9773 section 4.1). */
static void
op_send_plain(struct client_op *op)
{
	struct client *c = op->client;
	const char *base = c->directory->renewal_info;
	size_t len = strlen(base);
	char *url = xasprintf("%s%s%s", base, base[len - 1] == '/' ? "" : "/",
	    op->url);
	struct http_args args = {
		.method = "GET",
		.url = url,
		.max_reply = op->request.max_reply,
		.timeout_ms = op->request.timeout_ms,
	};

	op->state = OP_SENT;
	op->sent_ms = clock_mono_ms();
	op->http = client_send(c, &args, op_http_done, op);
	free(url);
}

/* Done, or stay in the queue until a nonce has come. */
static void
op_look_at_clock(struct client_op *op)
{
	struct client *c = op->client;
	int64_t age = clock_boot_ms() - c->answered_ms;

	if (c->answered_ms == 0 || age < 0 || age > CLOCK_AGE_MS)
		return;
	op->state = OP_DONE;
	timer_set(&c->pump, 0);
}

/* Sign and send, or stay in the queue if there is no nonce. */
static void
op_send(struct client_op *op)
{
	struct client *c = op->client;
	struct http_header headers[] = {
		{ "Content-Type", "application/jose+json", false },
		{ "Accept", op->request.accept, false },
	};
	struct http_args args = {
		.method = "POST",
		.url = op_url(op),
		.headers = headers,
		.n_headers = op->request.accept == NULL ? 1 : 2,
		.max_reply = op->request.max_reply,
		.timeout_ms = op->request.timeout_ms,
	};
	struct error err;
	char *nonce, *body;

	if (!client_is_signed(op)) {
		op_send_plain(op);
		return;
	}
	op->state = OP_QUEUED;
	if (op->request.target == CLIENT_LOOK_AT_CLOCK) {
		op_look_at_clock(op);
		return;
	}
	nonce = nonces_take(&c->nonces);
	if (nonce == NULL)
		return;
	body = jws_sign(op->request.key != NULL ? op->request.key : c->key,
	    op->kid, nonce, args.url, op->payload, &err);
	free(nonce);
	if (body == NULL) {
		client_fail_later(op, &err);
		return;
	}
	args.body = body;
	args.body_len = strlen(body);
	op->state = OP_SENT;
	op->sent_ms = clock_mono_ms();
	op->http = client_send(c, &args, op_http_done, op);
	free(body);
}

/* Make what is to be sent if it is not there; false if that failed. */
static bool
op_prepare(struct client_op *op)
{
	struct error err;

	if (!client_is_signed(op)) {
		if (op->client->directory->renewal_info != NULL)
			return true;
		(void)error_set(&err, ERR_REJECTED, "acme:no-renewal-info",
		    "the CA offers none");
		client_fail_later(op, &err);
		return false;
	}
	if (op->payload == NULL)
		op->payload = op->request.make_payload(op->client->directory,
		    op->arg, &err);
	if (op->payload == NULL)
		client_fail_later(op, &err);
	return op->payload != NULL;
}

static bool
directory_is_fresh(const struct client *c)
{
	time_t age = clock_now() - c->directory_at;

	return c->directory != NULL && age >= 0 && age < DIRECTORY_AGE_S;
}

/* Tell one end; the others follow in the next turns. */
static bool
pump_ended(struct client *c)
{
	struct client_op *op;

	TAILQ_FOREACH(op, &c->ops, link) {
		if (op->state == OP_FAILED || op->state == OP_DONE) {
			timer_set(&c->pump, 0);
			op_finish(op, op->state == OP_FAILED ? &op->err :
			    NULL, NULL);
			return true;
		}
	}
	return false;
}

/* Has the CA given a nonce within the minute, and none was asked in vain? */
static bool
gives_nonces(const struct client *c)
{
	int64_t age = clock_boot_ms() - c->nonce_ms;

	return c->nonce_ms != 0 && age >= 0 && age <= CLOCK_AGE_MS;
}

/*
 * Give every waiting request what it waits for.  A request in flight will
 * bring a nonce too, but not before its answer: those that find none have one
 * fetched for each of them, and take whichever comes first; a CA that may be
 * down is asked for one.
 */
static void
pump_cb(void *arg)
{
	struct client *c = arg;
	struct client_op *op;
	size_t n_queued = 0, n_waiting = 0, most;

	if (pump_ended(c))
		return;
	TAILQ_FOREACH(op, &c->ops, link)
		n_queued += op->state == OP_QUEUED;
	if (n_queued == 0 || c->directory_fetch != NULL)
		return;
	if (!directory_is_fresh(c)) {
		client_fetch_directory(c);
		return;
	}
	TAILQ_FOREACH(op, &c->ops, link) {
		if (op->state == OP_QUEUED && op_prepare(op)) {
			op_send(op);
			n_waiting += op->state == OP_QUEUED;
		}
	}
	most = gives_nonces(c) ? NONCES_MAX : 1;
	while (c->n_nonce_fetches < n_waiting && c->n_nonce_fetches < most)
		client_fetch_nonce(c);
}

struct client_op *
client_start(struct client *c, const struct client_request *request,
    client_done_cb *done, void *arg)
{
	struct client_op *op = xcalloc(1, sizeof(*op));

	op->client = c;
	op->state = OP_QUEUED;
	op->request = *request;
	op->url = request->url == NULL ? NULL : xstrdup(request->url);
	op->kid = request->kid == NULL ? NULL : xstrdup(request->kid);
	if (request->payload != NULL)
		op->payload = xstrdup(request->payload);
	op->request.url = op->request.kid = op->request.payload = NULL;
	if (request->key != NULL && EVP_PKEY_up_ref(request->key) != 1)
		abort();
	op->done = done;
	op->arg = arg;
	timer_init(&op->retry, c->loop, op_retry_cb, op);
	TAILQ_INSERT_TAIL(&c->ops, op, link);
	timer_set(&c->pump, 0);
	return op;
}

void
client_cancel(struct client_op *op)
{
	if (op == NULL)
		return;
	TAILQ_REMOVE(&op->client->ops, op, link);
	op_free(op);
}
