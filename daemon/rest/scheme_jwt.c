/* SPDX-License-Identifier: MIT */
#include "daemon/rest/scheme_jwt.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/sign.h"

/* base64url of the JSON text. */
static char *
part(json_t *json /* taken */)
{
	char *text = json_dumps(json, JSON_COMPACT), *out;

	if (text == NULL)
		abort();
	out = text_b64url_encode(text, strlen(text));
	free(text);
	json_decref(json);
	return out;
}

char *
jwt_rs256(json_t *head, json_t *claims, const char *key_pem,
    struct error *err)
{
	json_t *whole = json_pack("{s:s, s:s}", "alg", "RS256", "typ", "JWT");
	char *first, *second, *text, *signature, *out = NULL;

	(void)json_object_update(whole, head);
	json_decref(head);
	first = part(whole);
	second = part(claims);
	text = xasprintf("%s.%s", first, second);
	signature = sign_rs256(key_pem, text, err);
	if (signature != NULL)
		out = xasprintf("%s.%s", text, signature);
	free(signature);
	free(text);
	free(second);
	free(first);
	return out;
}
