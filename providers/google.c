/* SPDX-License-Identifier: MIT */
#include "providers/google.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/rest/scheme_jwt.h"

json_t *
google_account(const char *text, struct error *err)
{
	json_t *account = text == NULL ? NULL : jsonx_parse(text,
	    strlen(text), err);

	if (account != NULL && (jsonx_str(account, "client_email") == NULL ||
	    jsonx_str(account, "private_key") == NULL)) {
		json_decref(account);
		account = NULL;
	}
	/* Not err of the parser: it shows the text. */
	if (account == NULL)
		(void)error_set(err, ERR_CONFIG, "gcloud:account",
		    "service_account is not the JSON key of a service account "
		    "with client_email and private_key");
	return account;
}

int
google_token_start(struct preq *rq, const json_t *account, const char *url,
    const char *scope, struct error *err)
{
	const char *audience = jsonx_str(account, "token_uri");
	const char *kid = jsonx_str(account, "private_key_id");
	json_int_t now = (json_int_t)clock_now();
	json_t *head = json_object();
	char *jwt;

	if (audience == NULL)
		audience = GOOGLE_TOKEN_URL;
	if (kid != NULL)
		(void)json_object_set_new(head, "kid", json_string(kid));
	jwt = jwt_rs256(head, json_pack("{s:s, s:s, s:s, s:I, s:I}",
	    "iss", jsonx_str(account, "client_email"), "scope", scope,
	    "aud", audience, "iat", now, "exp", now + 3600),
	    jsonx_str(account, "private_key"), err);
	if (jwt == NULL)
		return -1;
	preq_start(rq, "POST", url == NULL ? audience : url);
	preq_form(rq, "grant_type",
	    "urn:ietf:params:oauth:grant-type:jwt-bearer");
	preq_form(rq, "assertion", jwt);
	freezero_str(jwt);
	return 0;
}
