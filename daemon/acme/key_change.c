/* SPDX-License-Identifier: MIT */
/* Another key for an account (RFC 8555 section 7.3.5). */
#include "daemon/acme/acme.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "common/error.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/jws.h"
#include "daemon/acme/message.h"

#define REPLY_MAX (256 * 1024)
#define TIMEOUT_MS 30000

/* What the new key signs: which account, and what its key has been. */
static char *
inner_payload(const struct acme *a, struct error *err)
{
	char *jwk = jws_jwk(a->key, err), *text = NULL;
	json_t *o;

	if (jwk == NULL)
		return NULL;
	o = json_pack("{s:s, s:o}", "account", a->kid, "oldKey",
	    json_loads(jwk, 0, NULL));
	if (o != NULL)
		text = json_dumps(o, JSON_COMPACT);
	if (text == NULL)
		(void)error_set(err, ERR_INTERNAL, "acme:key-change",
		    "the request cannot be made");
	json_decref(o);
	free(jwk);
	return text;
}

/* arg is the operation. */
static char *
change_payload(const struct directory *d, void *arg, struct error *err)
{
	const struct acme_op *op = arg;
	char *inner, *jws;

	if (d->key_change == NULL) {
		(void)error_set(err, ERR_REJECTED, "acme:no-key-change",
		    "this CA does not change keys (its directory has no "
		    "keyChange)");
		return NULL;
	}
	inner = inner_payload(op->acme, err);
	if (inner == NULL)
		return NULL;
	jws = jws_sign(op->new_key, NULL, NULL, d->key_change, inner, err);
	free(inner);
	return jws;
}

static const struct act change_act = {
	.what = "key change",
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
};

struct acme_op *
acme_key_change_start(struct acme *a, EVP_PKEY *new_key, acme_cb *done,
    void *arg)
{
	struct client_request request = {
		.what = change_act.what,
		.target = CLIENT_KEY_CHANGE,
		.kid = a->kid,
		.make_payload = change_payload,
		.max_reply = REPLY_MAX,
		.timeout_ms = TIMEOUT_MS,
	};
	struct acme_op *op = op_new(a, &change_act, arg);

	if (EVP_PKEY_up_ref(new_key) != 1)
		abort();
	op->new_key = new_key;
	op->done.plain = done;
	op->request = client_start(a->client, &request, op_request_done, op);
	return op;
}
