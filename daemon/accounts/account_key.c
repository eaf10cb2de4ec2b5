/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/account_key.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <string.h>

#include "common/error.h"
#include "daemon/config/conf.h"
#include "daemon/store/jwk.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

EVP_PKEY *
account_key_read(const char *pem, const json_t *jwk, struct error *err)
{
	EVP_PKEY *key = pem != NULL ? key_from_pem(pem, err) :
	    key_from_jwk(jwk, err);

	if (key != NULL && key_type_of(key) == KEY_TYPE_END) {
		EVP_PKEY_free(key);
		key = NULL;
		(void)error_set(err, ERR_REJECTED, "import:key", "the key of "
		    "the account is of a type that acmed does not have; "
		    "allowed: ec256, ec384, rsa2048, rsa3072, rsa4096");
	}
	return key;
}

EVP_PKEY *
account_key_load(struct store *store, const struct conf_account *a,
    struct error *err)
{
	EVP_PKEY *key = store_account_key(store, a->name, a->directory, err);
	struct error why;

	if (key == NULL && strcmp(err->code, "key:syntax") == 0) {
		why = *err;
		(void)error_set(err, ERR_CONFIG, "key:syntax", "%s; restore "
		    "it from a backup, or remove it and a new account is "
		    "registered", why.msg);
	}
	return key;
}
