/* SPDX-License-Identifier: MIT */
#include "daemon/acme/acme.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/jws.h"
#include "daemon/acme/message.h"

static char *
dup_or_null(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

struct acme *
acme_new(struct loop *loop, struct http *http, const struct acme_args *args)
{
	struct acme *a = xcalloc(1, sizeof(*a));
	struct client_args ca = {
		.directory = args->directory,
		.ca_file = args->ca_file,
		.proxy = args->proxy,
		.key = args->key,
		.tally = args->tally,
	};
	struct error err;

	a->loop = loop;
	a->client = client_new(loop, http, &ca);
	a->directory = xstrdup(args->directory);
	if (EVP_PKEY_up_ref(args->key) == 1)
		a->key = args->key;
	/* A key that is none of ours fails again, and is told, when signing. */
	a->thumbprint = jws_thumbprint(args->key, &err);
	a->kid = dup_or_null(args->kid);
	a->contact = strv_copy(args->contact);
	a->agree_tos = args->agree_tos;
	a->eab_kid = dup_or_null(args->eab_kid);
	a->eab_hmac_key = dup_or_null(args->eab_hmac_key);
	TAILQ_INIT(&a->account_ops);
	turns_init(&a->turns, loop);
	return a;
}

void
acme_free(struct acme *a)
{
	if (a == NULL)
		return;
	turns_clear(&a->turns);
	client_cancel(a->account_request);
	client_free(a->client);
	EVP_PKEY_free(a->key);
	free(a->directory);
	free(a->thumbprint);
	free(a->kid);
	strv_free(a->contact);
	strv_free(a->refused);
	free(a->eab_kid);
	freezero_str(a->eab_hmac_key);
	free(a);
}

char *const *
acme_refused(const struct acme *a)
{
	return a->refused;
}

unsigned long
acme_requests(const struct acme *a)
{
	return client_requests(a->client);
}

char *
acme_key_authorization(const struct acme *a, const char *token)
{
	if (a->thumbprint == NULL)
		return xstrdup("");
	return xasprintf("%s.%s", token, a->thumbprint);
}

void
acme_dns01_value_of(const char *key_authorization, char out[ACME_TXT_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	size_t len = 0;
	char *value;

	out[0] = '\0';
	if (EVP_Q_digest(NULL, "SHA256", NULL, key_authorization,
	    strlen(key_authorization), hash, &len) != 1)
		return;
	value = text_b64url_encode(hash, len);
	(void)text_printf(out, ACME_TXT_SIZE, "%s", value);
	free(value);
}

void
acme_dns01_value(const struct acme *a, const char *token,
    char out[ACME_TXT_SIZE])
{
	char *text;

	out[0] = '\0';
	if (a->thumbprint == NULL)
		return;
	text = acme_key_authorization(a, token);
	acme_dns01_value_of(text, out);
	free(text);
}

static void
op_later_cb(void *arg)
{
	struct acme_op *op = arg;

	if (op->err != NULL)
		op->act->tell_error(op, op->err);
	else
		op->done.account(NULL, op->url, op->arg);
	op_free(op);
}

static void	op_send(void *arg);

struct acme_op *
op_new(struct acme *a, const struct act *act, void *arg)
{
	struct acme_op *op = xcalloc(1, sizeof(*op));

	op->acme = a;
	op->act = act;
	op->arg = arg;
	op->turn = (struct turn){ .kind = act->turn, .go = op_send,
	    .arg = op };
	timer_init(&op->later, a->loop, op_later_cb, op);
	return op;
}

void
op_free(struct acme_op *op)
{
	client_cancel(op->request);
	timer_clear(&op->later);
	turns_end(&op->acme->turns, &op->turn);
	free(op->err);
	free(op->url);
	EVP_PKEY_free(op->new_key);
	free(op->replaces);
	free(op->profile);
	free(op->target);
	freezero_str(op->payload);
	free(op);
}

void
op_fail(struct acme_op *op, const struct error *err)
{
	turns_end(&op->acme->turns, &op->turn);
	op->act->tell_error(op, err);	/* which may free op->acme */
	op_free(op);
}

void
op_request_done(const struct error *err, const struct client_result *result,
    void *arg)
{
	struct acme_op *op = arg;

	op->request = NULL;
	strv_free(op->acme->refused);
	op->acme->refused = result->refused == NULL ? NULL :
	    strv_copy((const char *const *)result->refused);
	if (op->turn.state == TURN_TAKEN) {
		turns_learn(&op->acme->turns, &op->turn, err);
		turns_end(&op->acme->turns, &op->turn);
	}
	if (err == NULL)
		op->act->answer(op, result->reply);
	else if (op->act->recover == NULL ||
	    !op->act->recover(op, err, result->was_lost))
		op_fail(op, err);
}

static void
op_send(void *arg)
{
	struct acme_op *op = arg;
	const struct act *act = op->act;
	struct client_request request = {
		.what = act->what,
		.target = op->target == NULL ? CLIENT_NEW_ORDER : CLIENT_URL,
		.url = op->target,
		.kid = op->acme->kid,
		.payload = act->make_payload == NULL ? op->payload : NULL,
		.make_payload = act->make_payload,
		.accept = act->accept,
		.max_reply = act->max_reply,
		.timeout_ms = act->timeout_ms,
		.may_lag = act->may_lag,
		/* Pebble's answer where it does not know what is replaced. */
		.is_doubtful = op->replaces != NULL,
	};
	struct error err;

	if (op->acme->kid == NULL)
		(void)error_set(&err, ERR_INTERNAL, "acme:no-account",
		    "%s: the account is not known yet", act->what);
	else if (op->may == NULL || op->may(&err, op->arg) == 0) {
		op->request = client_start(op->acme->client, &request,
		    op_request_done, op);
		return;
	}
	if (op->err == NULL)
		op->err = xmemdup(&err, sizeof(err));
	timer_set(&op->later, 0);
}

void
op_post(struct acme_op *op, const char *url, const char *payload)
{
	free(op->target);		/* of a first request, if any */
	freezero_str(op->payload);
	op->target = url != NULL ? xstrdup(url) : NULL;
	op->payload = xstrdup(payload);
	if (turns_begin(&op->acme->turns, &op->turn))
		op_send(op);
}

void
op_tell_plain_error(struct acme_op *op, const struct error *err)
{
	op->done.plain(err, op->arg);
}

void
op_plain_answer(struct acme_op *op, const struct http_reply *reply)
{
	op->done.plain(NULL, op->arg);
	op_free(op);
}

static const struct act clock_act = {
	.what = "new order",		/* what it is for */
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
};

struct acme_op *
acme_clock_start(struct acme *a, acme_cb *done, void *arg)
{
	const struct client_request request = {
		.what = clock_act.what,
		.target = CLIENT_LOOK_AT_CLOCK,
		.payload = "",
	};
	struct acme_op *op = op_new(a, &clock_act, arg);

	op->done.plain = done;
	op->request = client_start(a->client, &request, op_request_done, op);
	return op;
}

const struct ca_clock *
acme_clock(const struct acme *a)
{
	return client_clock(a->client);
}

bool
acme_offers_renewal_info(const struct acme *a)
{
	const struct directory *d = client_directory(a->client);

	return d != NULL && d->renewal_info != NULL;
}

const json_t *
acme_profiles(const struct acme *a)
{
	const struct directory *d = client_directory(a->client);

	return d != NULL ? d->profiles : NULL;
}

void
acme_cancel(struct acme_op *op)
{
	if (op == NULL)
		return;
	if (op->is_waiting) {
		struct acme *a = op->acme;

		TAILQ_REMOVE(&a->account_ops, op, link);
		if (TAILQ_EMPTY(&a->account_ops)) {
			client_cancel(a->account_request);
			a->account_request = NULL;
		}
	}
	op_free(op);
}
