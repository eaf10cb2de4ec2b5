/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/acme/client_priv.h"
#include "daemon/acme/message.h"

#define DIRECTORY_REPLY_MAX (256 * 1024)
#define NONCE_REPLY_MAX 4096
#define FETCH_TIMEOUT_MS 30000

/* A request that is not signed: the directory, or a nonce. */
struct fetch {
	TAILQ_ENTRY(fetch)	 link;
	struct client		*client;
	struct http_op		*http;
	struct timer		 retry;
	size_t			 n_retries;
	int64_t			 sent_ms;	/* monotonic */
	bool			 by_get;	/* it was sent so */
};

static void	fetch_send_cb(void *);

static void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	http_cancel(f->http);
	timer_clear(&f->retry);
	free(f);
}

static void
fetch_directory_end(struct client *c, struct error *err,
    const struct http_reply *reply)
{
	struct directory *d = NULL;
	struct client_op *op;

	if (err->kind == ERR_NONE)
		d = message_directory(reply->body, reply->body_len,
		    c->allow_plain, err);
	if (d == NULL)
		message_directory_doubt(err);
	if (d != NULL) {
		directory_free(c->directory);
		c->directory = d;
		c->directory_at = clock_now();
		return;
	}
	(void)error_wrap(err, "directory %.300s", c->url);
	TAILQ_FOREACH(op, &c->ops, link) {
		if (op->state == OP_QUEUED)
			client_fail_later(op, err);
	}
}

static void
fetch_nonce_end(struct client *c, struct error *err, bool has_nonce)
{
	struct client_op *op;

	if (has_nonce)
		return;
	if (err->kind == ERR_NONE)
		(void)error_set(err, ERR_REJECTED, "acme:badReply",
		    "the answer has no Replay-Nonce");
	(void)error_wrap(err, "new nonce");
	/* Each fetch was made for one that waits; the last, for all that do:
	 * they would hear the same. */
	TAILQ_FOREACH(op, &c->ops, link) {
		if (op->state != OP_QUEUED || !client_is_signed(op))
			continue;
		client_fail_later(op, err);
		if (c->n_nonce_fetches > 0)
			return;
	}
}

/*
 * RFC 8555 section 7.2 wants HEAD and GET of a server, and has clients use
 * HEAD; some know only GET.
 */
static bool
wants_get(const struct fetch *f, const struct http_reply *reply,
    bool has_nonce)
{
	return !f->by_get && !has_nonce && reply != NULL &&
	    (reply->status < 300 || reply->status == 404 ||
	    reply->status == 405 || reply->status == 501);
}

static void
fetch_done(const struct error *http_err, const struct http_reply *reply,
    void *arg)
{
	struct fetch *f = arg;
	struct client *c = f->client;
	struct error err = { .kind = ERR_NONE };
	bool has_nonce, is_good;

	f->http = NULL;
	has_nonce = client_keep_nonce(c, reply);
	if (f != c->directory_fetch)
		client_keep_clock(c, reply);
	is_good = client_check(http_err, reply, &err) == 0;
	client_count(c, f->sent_ms, is_good ? NULL : &err);
	if (wants_get(f, reply, has_nonce)) {
		c->nonce_by_get = true;
		fetch_send_cb(f);
		return;
	}
	if (!is_good && err.kind == ERR_TRANSIENT &&
	    f->n_retries < CLIENT_RETRIES) {
		timer_set(&f->retry, client_retry_ms[f->n_retries++]);
	} else if (f == c->directory_fetch) {
		c->directory_fetch = NULL;
		fetch_directory_end(c, &err, reply);
		fetch_free(f);
	} else {
		TAILQ_REMOVE(&c->nonce_fetches, f, link);
		c->n_nonce_fetches--;
		fetch_nonce_end(c, &err, has_nonce);
		fetch_free(f);
	}
	timer_set(&c->pump, 0);
}

static void
fetch_send_cb(void *arg)
{
	struct fetch *f = arg;
	struct client *c = f->client;
	bool is_directory = f == c->directory_fetch;
	bool by_get = is_directory || c->nonce_by_get;
	struct http_args args = {
		.method = by_get ? "GET" : "HEAD",
		.url = is_directory ? c->url : c->directory->new_nonce,
		.max_reply = is_directory ? DIRECTORY_REPLY_MAX :
		    NONCE_REPLY_MAX,
		.timeout_ms = FETCH_TIMEOUT_MS,
	};

	f->by_get = by_get;
	f->sent_ms = clock_mono_ms();
	f->http = client_send(c, &args, fetch_done, f);
}

static struct fetch *
fetch_new(struct client *c)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	f->client = c;
	timer_init(&f->retry, c->loop, fetch_send_cb, f);
	return f;
}

void
client_fetch_directory(struct client *c)
{
	c->directory_fetch = fetch_new(c);
	fetch_send_cb(c->directory_fetch);
}

void
client_fetch_nonce(struct client *c)
{
	struct fetch *f = fetch_new(c);

	TAILQ_INSERT_TAIL(&c->nonce_fetches, f, link);
	c->n_nonce_fetches++;
	fetch_send_cb(f);
}

void
client_fetch_cancel(struct client *c)
{
	struct fetch *f;

	fetch_free(c->directory_fetch);
	while ((f = TAILQ_FIRST(&c->nonce_fetches)) != NULL) {
		TAILQ_REMOVE(&c->nonce_fetches, f, link);
		fetch_free(f);
	}
}
