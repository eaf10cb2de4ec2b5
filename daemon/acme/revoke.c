/* SPDX-License-Identifier: MIT */
/* Revocation (RFC 8555 section 7.6). */
#include "daemon/acme/acme.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme_priv.h"
#include "daemon/acme/message.h"

#define REPLY_MAX (64 * 1024)
#define TIMEOUT_MS 30000

/* arg is the operation. */
static char *
revoke_payload(const struct directory *d, void *arg, struct error *err)
{
	const struct acme_op *op = arg;

	if (d->revoke_cert != NULL)
		return xstrdup(op->payload);
	(void)error_set(err, ERR_REJECTED, "acme:no-revocation", "this CA "
	    "does not revoke (its directory has no revokeCert)");
	return NULL;
}

/* It was done before, by somebody: that is what was wanted. */
static bool
revoke_recover(struct acme_op *op, const struct error *err, bool was_lost)
{
	if (strcmp(err->code, "acme:alreadyRevoked") != 0)
		return false;
	op->done.plain(NULL, op->arg);
	op_free(op);
	return true;
}

static const struct act revoke_act = {
	.what = "revocation",
	.answer = op_plain_answer,
	.tell_error = op_tell_plain_error,
	.recover = revoke_recover,
};

struct acme_op *
acme_revoke_start(struct acme *a, const void *der, size_t der_len,
    int reason, EVP_PKEY *key, acme_cb *done, void *arg)
{
	struct client_request request = {
		.what = revoke_act.what,
		.target = CLIENT_REVOKE_CERT,
		.kid = key == NULL ? a->kid : NULL,
		.key = key,
		.make_payload = revoke_payload,
		.max_reply = REPLY_MAX,
		.timeout_ms = TIMEOUT_MS,
	};
	struct acme_op *op = op_new(a, &revoke_act, arg);
	char *cert = text_b64url_encode(der, der_len);
	json_t *o = json_pack("{s:s}", "certificate", cert);

	if (reason != 0)
		(void)json_object_set_new(o, "reason", json_integer(reason));
	op->payload = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	free(cert);
	op->done.plain = done;
	op->request = client_start(a->client, &request, op_request_done, op);
	return op;
}
