/* SPDX-License-Identifier: MIT */
#include "daemon/acme/acme.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/jws.h"
#include "daemon/acme/message.h"
#include "daemon/acme/url.h"
#include "daemon/io/http.h"

#define ACCOUNT_REPLY_MAX (256 * 1024)
#define ACCOUNT_TIMEOUT_MS 30000

static char *
dup_or_null(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

static char **
dup_list(const char *const *list)
{
	size_t n = 0;
	char **copy;

	if (list == NULL)
		return NULL;
	while (list[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
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
	a->contact = dup_list(args->contact);
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
	for (size_t i = 0; a->contact != NULL && a->contact[i] != NULL; i++)
		free(a->contact[i]);
	free(a->contact);
	free(a->eab_kid);
	freezero_str(a->eab_hmac_key);
	free(a);
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
	free(op->replaces);
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

/*
 * The account: one request for all operations that wait for it.
 */
static void
tell_account_error(struct acme_op *op, const struct error *err)
{
	op->done.account(err, NULL, op->arg);
}

static const struct act account_act = {
	.what = "account",
	.tell_error = tell_account_error,
};

static json_t *
contact_array(const struct acme *a)
{
	json_t *list = json_array();

	for (size_t i = 0; a->contact != NULL && a->contact[i] != NULL; i++)
		(void)json_array_append_new(list, json_string(a->contact[i]));
	return list;
}

static int
check_terms(const struct acme *a, const struct directory *d,
    struct error *err)
{
	if (d->terms != NULL && !a->agree_tos)
		return error_set(err, ERR_CONFIG, "acme:tos", "this CA wants "
		    "you to agree to its terms of service, %s: set agree_tos "
		    "= true in the account", d->terms);
	if (d->eab_required && (a->eab_kid == NULL || a->eab_hmac_key == NULL))
		return error_set(err, ERR_CONFIG,
		    "acme:externalAccountRequired", "this CA makes accounts "
		    "only for those it knows already: set eab_kid and "
		    "eab_hmac_key_file, as it gave them to you, in the "
		    "account");
	return 0;
}

/* externalAccountBinding, NULL if none is wanted; -1 if it failed. */
static int
make_binding(const struct acme *a, const struct directory *d, json_t **out,
    struct error *err)
{
	char *jwk, *jws;

	*out = NULL;
	if (a->eab_kid == NULL || a->eab_hmac_key == NULL)
		return 0;
	jwk = jws_jwk(a->key, err);
	if (jwk == NULL)
		return -1;
	jws = jws_eab(a->eab_kid, a->eab_hmac_key, d->new_account, jwk, err);
	if (jws != NULL)
		*out = json_loads(jws, 0, NULL);
	free(jwk);
	free(jws);
	return *out == NULL ? -1 : 0;
}

static char *
account_payload(const struct directory *d, void *arg, struct error *err)
{
	const struct acme *a = arg;
	json_t *binding, *o;
	char *text;

	if (check_terms(a, d, err) == -1 ||
	    make_binding(a, d, &binding, err) == -1)
		return NULL;
	o = json_pack("{s:o, s:o*}", "contact", contact_array(a),
	    "externalAccountBinding", binding);
	if (a->agree_tos)
		(void)json_object_set_new(o, "termsOfServiceAgreed",
		    json_true());
	if (json_array_size(json_object_get(o, "contact")) == 0)
		(void)json_object_del(o, "contact");
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		(void)error_set(err, ERR_CONFIG, "acme:contact",
		    "the account's contact is not UTF-8");
	return text;
}

/* Where the account is, and that it may be used. */
static char *
read_account(const struct acme *a, const struct http_reply *reply,
    struct error *err)
{
	const char *where = http_reply_header(reply, "Location", 0);
	json_t *o = jsonx_parse(reply->body, reply->body_len, err);
	const char *status = o == NULL ? NULL : jsonx_str(o, "status");
	char *kid = NULL;

	/* RFC 8555 section 7.1.2: valid, deactivated or revoked. */
	if (status != NULL && strcmp(status, "valid") != 0)
		(void)error_set(err, ERR_CONFIG, "acme:account-status",
		    "account: the CA says that it is %.40s", status);
	else if (where == NULL || (kid = url_resolve(a->directory, where,
	    client_allows_plain(a->client))) == NULL)
		(void)error_set(err, ERR_REJECTED, "acme:malformed",
		    "account: the answer has no acceptable Location");
	json_decref(o);
	return kid;
}

static void
account_done(const struct error *request_err,
    const struct client_result *result, void *arg)
{
	struct acme *a = arg;
	struct error local;
	const struct error *err = request_err;
	struct acme_op *op;

	a->account_request = NULL;
	if (err == NULL) {
		char *kid = read_account(a, result->reply, &local);

		if (kid == NULL)
			err = &local;
		free(a->kid);
		a->kid = kid;
	}
	/* Each is told in a turn of its own: it may cancel the others. */
	while ((op = TAILQ_FIRST(&a->account_ops)) != NULL) {
		TAILQ_REMOVE(&a->account_ops, op, link);
		op->is_waiting = false;
		if (err != NULL)
			op->err = xmemdup(err, sizeof(*err));
		else
			op->url = xstrdup(a->kid);
		timer_set(&op->later, 0);
	}
}

static void
request_account(struct acme *a)
{
	struct client_request request = {
		.what = account_act.what,
		.target = CLIENT_NEW_ACCOUNT,
		.make_payload = account_payload,
		.max_reply = ACCOUNT_REPLY_MAX,
		.timeout_ms = ACCOUNT_TIMEOUT_MS,
	};

	a->account_request = client_start(a->client, &request, account_done,
	    a);
}

struct acme_op *
acme_account_start(struct acme *a, acme_account_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &account_act, arg);

	op->done.account = done;
	if (a->kid != NULL) {
		op->url = xstrdup(a->kid);
		timer_set(&op->later, 0);
		return op;
	}
	TAILQ_INSERT_TAIL(&a->account_ops, op, link);
	op->is_waiting = true;
	if (a->account_request == NULL)
		request_account(a);
	return op;
}

static void
find_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	char *kid = read_account(op->acme, reply, &err);

	if (kid == NULL) {
		op_fail(op, &err);
		return;
	}
	op->done.account(NULL, kid, op->arg);
	free(kid);
	op_free(op);
}

static const struct act find_act = {
	.what = "account",
	.answer = find_answer,
	.tell_error = tell_account_error,
};

struct acme_op *
acme_account_find_start(struct acme *a, acme_account_cb *done, void *arg)
{
	const struct client_request request = {
		.what = find_act.what,
		.target = CLIENT_NEW_ACCOUNT,
		.payload = "{\"onlyReturnExisting\":true}",
		.max_reply = ACCOUNT_REPLY_MAX,
		.timeout_ms = ACCOUNT_TIMEOUT_MS,
	};
	struct acme_op *op = op_new(a, &find_act, arg);

	op->done.account = done;
	op->request = client_start(a->client, &request, op_request_done, op);
	return op;
}

static void
tell_plain_error(struct acme_op *op, const struct error *err)
{
	op->done.plain(err, op->arg);
}

static void
plain_answer(struct acme_op *op, const struct http_reply *reply)
{
	op->done.plain(NULL, op->arg);
	op_free(op);
}

static const struct act update_act = {
	.what = "account update",
	.max_reply = ACCOUNT_REPLY_MAX,
	.timeout_ms = ACCOUNT_TIMEOUT_MS,
	.answer = plain_answer,
	.tell_error = tell_plain_error,
};

struct acme_op *
acme_account_update_start(struct acme *a, acme_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &update_act, arg);
	json_t *o = json_pack("{s:o}", "contact", contact_array(a));
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	op->done.plain = done;
	op_post(op, a->kid != NULL ? a->kid : "", text != NULL ? text : "{}");
	free(text);
	return op;
}

static const struct act clock_act = {
	.what = "new order",		/* what it is for */
	.answer = plain_answer,
	.tell_error = tell_plain_error,
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

void
acme_account_forget(struct acme *a)
{
	free(a->kid);
	a->kid = NULL;
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
