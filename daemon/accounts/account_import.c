/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/account_import.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/names.h"
#include "daemon/accounts/account_key.h"
#include "daemon/accounts/accounts.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

#define URL_MAX 1000

static bool
is_url(const char *s)
{
	size_t len = strlen(s);

	if (len > URL_MAX || (strncmp(s, "https://", 8) != 0 &&
	    strncmp(s, "http://", 7) != 0))
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f ||
		    *s == '"' || *s == '\\')
			return false;
	}
	return true;
}

static int
check(const struct account_import *a, struct error *err)
{
	if (object_name_check(a->name, err) == -1)
		return -1;
	if (!is_url(a->directory) || (a->kid != NULL && !is_url(a->kid)))
		return error_set(err, ERR_REJECTED, "import:request",
		    "\"directory\" and \"kid\" must be URLs");
	return 0;
}

/* What is there already: *is_same, or an error if it is another key. */
static int
compare(struct accounts *accounts, struct store *store,
    const struct account_import *a, const EVP_PKEY *key, bool *is_same,
    struct error *err)
{
	EVP_PKEY *old;

	if (accounts_makes_key(accounts, a->name, a->directory))
		return error_set(err, ERR_TRANSIENT, "engine:busy",
		    "a key is being made for the account \"%s\"", a->name);
	old = store_account_key(store, a->name, a->directory, err);
	if (old == NULL) {
		*is_same = false;
		return strcmp(err->code, "store:no-key") == 0 ? 0 : -1;
	}
	*is_same = EVP_PKEY_eq(old, key) == 1;
	EVP_PKEY_free(old);
	if (*is_same)
		return 0;
	return error_set(err, ERR_CONFIG, "import:exists",
	    "the account \"%s\" at %s has another key already", a->name,
	    a->directory);
}

json_t *
account_import(struct accounts *accounts, struct store *store,
    const struct account_import *a, struct error *err)
{
	EVP_PKEY *key = check(a, err) == -1 ? NULL :
	    account_key_read(a->pem, a->jwk, err);
	json_t *reply = NULL;
	bool is_same = false;

	if (key == NULL)
		return NULL;
	if (compare(accounts, store, a, key, &is_same, err) == -1 ||
	    (!a->check && !is_same && store_account_key_put(store, a->name,
	    a->directory, key, err) == -1)) {
		EVP_PKEY_free(key);
		return NULL;
	}
	if (!a->check) {
		if (a->kid != NULL)
			store_account_put(store, a->name, a->directory,
			    a->kid);
		log_notice(NULL, "account \"%s\": imported its key%s%s",
		    a->name, a->kid != NULL ? "; it is registered as " : "",
		    a->kid != NULL ? a->kid : "");
	}
	reply = json_pack("{s:s, s:s, s:s, s:s}", "account", a->name,
	    "directory", a->directory, "key",
	    key_type_name(key_type_of(key)), "state",
	    is_same ? "same" : "new");
	EVP_PKEY_free(key);
	return reply;
}
