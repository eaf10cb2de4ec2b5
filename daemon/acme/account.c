/* SPDX-License-Identifier: MIT */
/* The account's operations: one request makes or finds it for all that wait. */
#include "daemon/acme/acme.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/jws.h"
#include "daemon/acme/message.h"
#include "daemon/acme/url.h"
#include "daemon/config/directories.h"
#include "daemon/io/http.h"

#define ACCOUNT_REPLY_MAX (256 * 1024)
#define ACCOUNT_TIMEOUT_MS 30000

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
	const char *page;

	if (d->terms != NULL && !a->agree_tos)
		return error_set(err, ERR_CONFIG, "acme:tos", "this CA wants "
		    "you to agree to its terms of service, %s: set agree_tos "
		    "= true in the account", d->terms);
	page = directory_eab_page(a->directory);
	if (d->eab_required && (a->eab_kid == NULL || a->eab_hmac_key == NULL))
		return error_set(err, ERR_CONFIG,
		    "acme:externalAccountRequired", "this CA requires "
		    "external account binding: set eab_kid and "
		    "eab_hmac_key_file, as it gave them to you, in the "
		    "account%s%s", page != NULL ? "; they are at " : "",
		    page != NULL ? page : "");
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
	if (status != NULL && strcmp(status, "valid") != 0) {
		(void)error_set(err, ERR_CONFIG, "acme:account-status",
		    "account: the CA says that it is %.40s", status);
	} else if (where == NULL || (kid = url_resolve(a->directory, where,
	    client_allows_plain(a->client))) == NULL) {
		(void)error_set(err, ERR_REJECTED, "acme:badReply",
		    "account: the answer has no acceptable Location");
		client_doubt_directory(a->client);
	}
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

static const struct act update_act = {
	.what = "account update",
	.max_reply = ACCOUNT_REPLY_MAX,
	.timeout_ms = ACCOUNT_TIMEOUT_MS,
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
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

static void
tell_object_error(struct acme_op *op, const struct error *err)
{
	op->done.object(err, NULL, op->arg);
}

static void
get_answer(struct acme_op *op, const struct http_reply *reply)
{
	struct error err;
	json_t *o = jsonx_parse(reply->body, reply->body_len, &err);

	if (o == NULL) {
		op_fail(op, &err);
		return;
	}
	op->done.object(NULL, o, op->arg);
	json_decref(o);
	op_free(op);
}

static const struct act get_act = {
	.what = "account",
	.max_reply = ACCOUNT_REPLY_MAX,
	.timeout_ms = ACCOUNT_TIMEOUT_MS,
	.answer = get_answer,
	.tell_error = tell_object_error,
};

struct acme_op *
acme_account_get_start(struct acme *a, acme_object_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &get_act, arg);

	op->done.object = done;
	op_post(op, a->kid != NULL ? a->kid : "", "");
	return op;
}

static const struct act deactivate_act = {
	.what = "account deactivation",
	.max_reply = ACCOUNT_REPLY_MAX,
	.timeout_ms = ACCOUNT_TIMEOUT_MS,
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
};

struct acme_op *
acme_account_deactivate_start(struct acme *a, acme_cb *done, void *arg)
{
	struct acme_op *op = op_new(a, &deactivate_act, arg);

	op->done.plain = done;
	op_post(op, a->kid != NULL ? a->kid : "",
	    "{\"status\":\"deactivated\"}");
	return op;
}

void
acme_account_forget(struct acme *a)
{
	free(a->kid);
	a->kid = NULL;
}
