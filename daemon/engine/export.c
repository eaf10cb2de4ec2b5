/* SPDX-License-Identifier: MIT */
/* export - a certificate for another ACME client, and how it is renewed. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/account_export.h"
#include "daemon/certs/issuer.h"
#include "daemon/engine/priv.h"
#include "daemon/store/bundle.h"
#include "daemon/store/store.h"
#include "providers/provider.h"

/* How each name is proved. */
static json_t *
names_json(const struct conf_cert *cc)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cc->n_names; i++) {
		const struct conf_name *n = &cc->names[i];

		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:s?, s:s?}", "name", n->name,
		    "challenge", challenge_type_name(n->challenge),
		    "webroot", n->webroot, "provider", n->provider != NULL ?
		    n->provider->type->name : NULL));
	}
	return list;
}

/* Key and chain under the password, in base64url. */
static json_t *
pkcs12_json(const char *dir, const char *name, const char *password,
    struct error *err)
{
	char *data, *text;
	json_t *j;
	size_t len;

	if (bundle_make(dir, BUNDLE_PKCS12, name, password, &data, &len,
	    err) == -1)
		return NULL;
	text = text_b64url_encode(data, len);
	j = json_string(text);
	freezero_str(text);
	freezero(data, len);
	return j;
}

json_t *
engine_export(struct engine *e, const char *name, const char *password,
    struct error *err)
{
	const struct cert *c = engine_find_known(e, name, err);
	const struct conf_account *account;
	const struct conf_cert *cc;
	json_t *j, *more = NULL;
	char *dir;

	if (c == NULL)
		return NULL;
	if (c->row.serial == NULL) {
		(void)error_set(err, ERR_CONFIG, "engine:no-cert",
		    "there is no certificate yet for \"%s\"", name);
		return NULL;
	}
	cc = c->conf;
	/* That it came from, whichever it uses next. */
	account = issuer_account(c) != NULL ? issuer_account(c) : cc->account;
	dir = store_live_version_path(e->a.store, name);
	if (password != NULL)
		more = pkcs12_json(dir, name, password, err);
	else if (account != NULL)
		more = account_export(e->a.store, account->name,
		    account->directory, err);
	else
		more = json_null();
	j = more == NULL ? NULL : json_pack(
	    "{s:s, s:s, s:o, s:s?, s:b, s:s?, s:o}", "name", name,
	    "dir", dir, "names", names_json(cc), "key",
	    c->row.key == KEY_TYPE_END ? NULL : key_type_name(c->row.key),
	    "reuse_key", cc->reuse_key, "preferred_chain",
	    cc->preferred_chain, password != NULL ? "pkcs12" : "account",
	    more);
	free(dir);
	return j;
}

json_t *
engine_export_account(struct engine *e, const char *name, struct error *err)
{
	for (size_t i = 0; i < e->conf->n_accounts; i++) {
		const struct conf_account *a = e->conf->accounts[i];

		if (strcmp(a->name, name) == 0)
			return account_export(e->a.store, name, a->directory,
			    err);
	}
	(void)error_set(err, ERR_CONFIG, "manage:unknown-account",
	    "there is no account \"%s\" in the configuration", name);
	return NULL;
}
