/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/account_export.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "common/error.h"
#include "daemon/store/jwk.h"
#include "daemon/store/store.h"

json_t *
account_export(struct store *store, const char *name, const char *directory,
    struct error *err)
{
	EVP_PKEY *key = store_account_key(store, name, directory, err);
	char md5[33], *kid;
	json_t *jwk = key == NULL ? NULL : key_to_jwk(key, err), *j;

	if (jwk == NULL) {
		EVP_PKEY_free(key);
		return NULL;
	}
	kid = store_account_kid(store, name, directory);
	j = json_pack("{s:s, s:s, s:s?, s:o, s:s}", "account", name,
	    "directory", directory, "kid", kid, "key", jwk,
	    "md5", key_public_md5(key, md5));
	free(kid);
	EVP_PKEY_free(key);
	return j;
}
