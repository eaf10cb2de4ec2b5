/* SPDX-License-Identifier: MIT */
/* The operations on orders and what belongs to them. */
#include "daemon/acme/acme.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/link.h"
#include "daemon/acme/message.h"
#include "daemon/acme/url.h"
#include "daemon/io/http.h"

#define REPLY_MAX (256 * 1024)
#define TIMEOUT_MS 30000
#define LONG_TIMEOUT_MS 60000		/* where the CA may sign first */
#define ALTERNATES_MAX 10
#define CHAIN_TYPE "application/pem-certificate-chain"

static void
tell_order_error(struct acme_op *op, const struct error *err)
{
	op->done.order(err, NULL, op->arg);
}

/* NULL and *err, with its context, if the answer is not an order. */
static struct acme_order *
read_order(struct acme_op *op, const struct http_reply *reply,
    const char *url, struct error *err)
{
	struct acme_order *order = message_order(reply->body, reply->body_len,
	    url, client_allows_plain(op->acme->client), err);

	if (order == NULL)
		(void)error_wrap(err, "%s", op->act->what);
	else {
		order->retry_at = http_reply_retry_at(reply);
		order->lacks_profile = op->lacks_profile;
	}
	return order;
}

static void
finish_order(struct acme_op *op, const struct acme_order *order)
{
	op->done.order(NULL, order, op->arg);
	op_free(op);
}

static void
order_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	struct acme_order *order = read_order(op, reply, op->url, &err);

	if (order == NULL)
		op_fail(op, &err);
	else
		finish_order(op, order);
	acme_order_free(order);
}

static void
new_order_answer(struct acme_op *op, const struct http_reply *reply)
{
	const char *where = http_reply_header(reply, "Location", 0);
	struct error err;

	if (where != NULL)
		op->url = url_resolve(op->acme->directory, where,
		    client_allows_plain(op->acme->client));
	if (op->url != NULL) {
		order_answer(op, reply);
		return;
	}
	(void)error_set(&err, ERR_REJECTED, "acme:badReply", "%s: the answer "
	    "has no acceptable Location", op->act->what);
	client_doubt_directory(op->acme->client);
	op_fail(op, &err);
}

static int
refuse_profile(const struct directory *d, const char *profile,
    struct error *err)
{
	char *names = profiles_text(d->profiles);

	(void)error_set(err, ERR_REJECTED, "acme:invalidProfile",
	    "the CA does not offer the profile \"%s\", and profile_required "
	    "= true; it offers: %s", profile, names);
	free(names);
	return -1;
}

/* Only now is it known what the CA understands. */
static char *
new_order_payload(const struct directory *d, void *arg, struct error *err)
{
	struct acme_op *op = arg;
	json_t *o;
	char *text;

	op->lacks_profile = op->profile != NULL &&
	    json_object_get(d->profiles, op->profile) == NULL;
	if (op->lacks_profile && op->needs_profile) {
		(void)refuse_profile(d, op->profile, err);
		return NULL;
	}
	o = json_loads(op->payload, 0, NULL);
	if (op->replaces != NULL && d->renewal_info != NULL)
		(void)json_object_set_new(o, "replaces",
		    json_string(op->replaces));
	if (op->profile != NULL && !op->lacks_profile)
		(void)json_object_set_new(o, "profile",
		    json_string(op->profile));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		(void)error_set(err, ERR_INTERNAL, "acme:payload",
		    "it cannot be written as JSON");
	return text;
}

/*
 * A newOrder whose answer was lost is sent again like any other request,
 * although the first may have made an order: whoever gave up instead would
 * have to begin with a newOrder too.  CAs answer with the same order, or the
 * unused one expires.
 */
static const struct act new_order_act = {
	.what = "new order",
	.max_reply = REPLY_MAX,
	.timeout_ms = TIMEOUT_MS,
	.turn = TURN_ORDER,
	.make_payload = new_order_payload,
	.answer = new_order_answer,
	.tell_error = tell_order_error,
};

static const struct act order_act = {
	.what = "order",
	.max_reply = REPLY_MAX,
	.timeout_ms = TIMEOUT_MS,
	.may_lag = true,
	.answer = order_answer,
	.tell_error = tell_order_error,
};

struct acme_op *
acme_order_new_start(struct acme *a, const struct acme_order_args *args,
    acme_order_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &new_order_act, arg);
	json_t *list = json_array(), *o;
	char *payload;

	for (size_t i = 0; i < args->n_names; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}",
		    "type", name_is_address(args->names[i]) ? "ip" : "dns",
		    "value", args->names[i]));
	o = json_pack("{s:o}", "identifiers", list);
	payload = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	op->done.order = done;
	xstrset(&op->replaces, args->replaces);
	xstrset(&op->profile, args->profile);
	op->needs_profile = args->needs_profile;
	op->may = args->may;
	op_post(op, NULL, payload);
	free(payload);
	return op;
}

struct acme_op *
acme_order_get_start(struct acme *a, const char *url, acme_order_cb *done,
    void *arg)
{
	struct acme_op *op = op_new(a, &order_act, arg);

	op->done.order = done;
	op->url = xstrdup(url);
	op_post(op, url, "");
	return op;
}

static void
tell_authz_error(struct acme_op *op, const struct error *err)
{
	op->done.authz(err, NULL, op->arg);
}

static void
authz_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	struct acme_authz *authz = message_authz(reply->body, reply->body_len,
	    client_allows_plain(op->acme->client), &err);

	if (authz == NULL) {
		(void)error_wrap(&err, "%s", op->act->what);
		op_fail(op, &err);
		return;
	}
	authz->retry_at = http_reply_retry_at(reply);
	op->done.authz(NULL, authz, op->arg);
	op_free(op);
	acme_authz_free(authz);
}

static const struct act authz_act = {
	.what = "authorization",
	.max_reply = REPLY_MAX,
	.timeout_ms = TIMEOUT_MS,
	.may_lag = true,
	.turn = TURN_AUTHZ,
	.answer = authz_answer,
	.tell_error = tell_authz_error,
};

struct acme_op *
acme_authz_get_start(struct acme *a, const char *url, acme_authz_cb *done,
    void *arg)
{
	struct acme_op *op = op_new(a, &authz_act, arg);

	op->done.authz = done;
	op_post(op, url, "");
	return op;
}

/*
 * If the CA got an earlier try whose answer was lost, it refuses this one
 * because the challenge is not pending any more.
 */
static bool
challenge_recover(struct acme_op *op, const struct error *err, bool was_lost)
{
	if (!was_lost || err->kind != ERR_REJECTED)
		return false;
	op->done.plain(NULL, op->arg);
	op_free(op);
	return true;
}

/* What became of the challenge is read from its order, not here. */
static const struct act challenge_act = {
	.what = "challenge",
	.max_reply = REPLY_MAX,
	.timeout_ms = TIMEOUT_MS,
	.may_lag = true,
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
	.recover = challenge_recover,
};

struct acme_op *
acme_challenge_start(struct acme *a, const char *url, acme_cb *done,
    void *arg)
{
	struct acme_op *op = op_new(a, &challenge_act, arg);

	op->done.plain = done;
	op_post(op, url, "{}");
	return op;
}

/*
 * The order after a finalize that failed (op->err says how): has the CA begun
 * to work on it all the same?
 */
static void
finalize_check_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	struct acme_order *order = read_order(op, reply, op->url, &err);

	if (order != NULL && (order->status == ACME_PROCESSING ||
	    order->status == ACME_VALID))
		finish_order(op, order);
	else
		op_fail(op, op->err);
	acme_order_free(order);
}

static bool
finalize_check_recover(struct acme_op *op, const struct error *err,
    bool was_lost)
{
	op_fail(op, op->err);
	return true;
}

static const struct act finalize_check_act = {
	.what = "finalize: order",
	.max_reply = REPLY_MAX,
	.timeout_ms = TIMEOUT_MS,
	.answer = finalize_check_answer,
	.tell_error = tell_order_error,
	.recover = finalize_check_recover,
};

static bool
finalize_recover(struct acme_op *op, const struct error *err, bool was_lost)
{
	if (!was_lost && strcmp(err->code, "acme:orderNotReady") != 0)
		return false;
	op->err = xmemdup(err, sizeof(*err));
	op->act = &finalize_check_act;
	op_post(op, op->url, "");
	return true;
}

/*
 * The CA has taken the request, whatever it says of the order: an answer that
 * cannot be read is no refusal, and the order itself may tell more.
 */
static void
finalize_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	struct acme_order *order = read_order(op, reply, op->url, &err);

	if (order != NULL) {
		finish_order(op, order);
		acme_order_free(order);
		return;
	}
	err.kind = ERR_TRANSIENT;
	op->err = xmemdup(&err, sizeof(err));
	op->act = &finalize_check_act;
	op_post(op, op->url, "");
}

static const struct act finalize_act = {
	.what = "finalize",
	.max_reply = REPLY_MAX,
	.timeout_ms = LONG_TIMEOUT_MS,
	.may_lag = true,
	.answer = finalize_answer,
	.tell_error = tell_order_error,
	.recover = finalize_recover,
};

struct acme_op *
acme_finalize_start(struct acme *a, const char *url, const void *csr,
    size_t csr_len, const char *order_url, acme_order_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &finalize_act, arg);
	char *der = text_b64url_encode(csr, csr_len);
	char *payload = xasprintf("{\"csr\":\"%s\"}", der);

	op->done.order = done;
	op->url = xstrdup(order_url);
	op_post(op, url, payload);
	free(der);
	free(payload);
	return op;
}

static void
tell_cert_error(struct acme_op *op, const struct error *err)
{
	op->done.cert(err, NULL, op->arg);
}

struct alternates {
	const struct acme_op *op;
	char		*urls[ALTERNATES_MAX + 1];
	size_t		 n;
};

static void
alternate_cb(const char *target, void *arg)
{
	struct alternates *list = arg;
	char *url;

	if (list->n == ALTERNATES_MAX)
		return;
	url = url_resolve(list->op->url, target,
	    client_allows_plain(list->op->acme->client));
	if (url != NULL)
		list->urls[list->n++] = url;
}

static void
cert_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct alternates list = { .op = op };
	struct acme_cert cert = { .alternates = list.urls };
	const char *links;
	struct error err;

	/* Whatever it calls itself: what is issued is not to be lost. */
	if (message_chain(reply->body, reply->body_len, &err) == -1) {
		(void)error_wrap(&err, "%s", op->act->what);
		op_fail(op, &err);
		return;
	}
	for (size_t i = 0;
	    (links = http_reply_header(reply, "Link", i)) != NULL; i++)
		link_each(links, "alternate", alternate_cb, &list);
	cert.pem = xstrndup(reply->body, reply->body_len);
	cert.pem_len = reply->body_len;
	op->done.cert(NULL, &cert, op->arg);
	free(cert.pem);
	for (size_t i = 0; i < list.n; i++)
		free(list.urls[i]);
	op_free(op);
}

static const struct act cert_act = {
	.what = "certificate",
	.accept = CHAIN_TYPE,
	.max_reply = REPLY_MAX,
	.timeout_ms = LONG_TIMEOUT_MS,
	.may_lag = true,
	.answer = cert_answer,
	.tell_error = tell_cert_error,
};

struct acme_op *
acme_cert_start(struct acme *a, const char *url, acme_cert_cb *done,
    void *arg)
{
	struct acme_op *op = op_new(a, &cert_act, arg);

	op->done.cert = done;
	op->url = xstrdup(url);
	op_post(op, url, "");
	return op;
}
