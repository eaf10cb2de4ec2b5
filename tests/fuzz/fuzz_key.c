/* SPDX-License-Identifier: MIT */
/* fuzz_key - private keys of others: PEM, and JSON Web Keys. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/store/jwk.h"
#include "daemon/store/keys.h"
#include "tests/fuzz/fuzz.h"

/* What was taken can be written, and read again. */
static void
use(EVP_PKEY *key, struct error *err)
{
	EVP_PKEY *again;
	json_t *jwk;
	char *pem;

	if (key == NULL) {
		if (err->kind != ERR_CONFIG ||
		    strcmp(err->code, "key:syntax") != 0)
			abort();
		return;
	}
	(void)key_type_of(key);
	pem = key_to_pem(key);
	again = key_from_pem(pem, err);
	if (again == NULL || EVP_PKEY_eq(key, again) != 1)
		abort();
	freezero_str(pem);
	EVP_PKEY_free(again);
	if ((jwk = key_to_jwk(key, err)) != NULL) {
		again = key_from_jwk(jwk, err);
		if (again == NULL || EVP_PKEY_eq(key, again) != 1)
			abort();
		EVP_PKEY_free(again);
		json_decref(jwk);
	}
	EVP_PKEY_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct error err = { .kind = ERR_NONE };
	json_t *jwk;

	use(key_from_pem(text, &err), &err);
	jwk = jsonx_parse(text, strlen(text), &err);
	if (jwk != NULL)
		use(key_from_jwk(jwk, &err), &err);
	json_decref(jwk);
	free(text);
	return 0;
}
