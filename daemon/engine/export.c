/* SPDX-License-Identifier: MIT */
/* export - a certificate for another ACME client, and how it is renewed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Of a pair, the second in its folder; null: there is none. */
static json_t *
second_json(const char *dir, const char *name, const char *password,
    struct error *err)
{
	static const char *const folders[] = { "rsa", "ec" };
	json_t *j = json_null();

	for (size_t i = 0; j != NULL && i < 2; i++) {
		char *path = xasprintf("%s/%s", dir, folders[i]);

		if (access(path, F_OK) == 0) {
			json_t *data = pkcs12_json(path, name, password, err);

			j = data == NULL ? NULL : json_pack("{s:s, s:o}",
			    "folder", folders[i], "pkcs12", data);
		}
		free(path);
	}
	return j;
}

/* A member of a cluster that only serves has no account, and needs none. */
static json_t *
account_json(struct engine *e, const struct conf_account *a,
    struct error *err)
{
	const struct conf_cluster *k = e->conf->cluster;

	if (a == NULL || (k != NULL && k->role == CLUSTER_SERVE))
		return json_null();
	return account_export(e->a.store, a->name, a->directory, err);
}

json_t *
engine_export(struct engine *e, const char *name, const char *password,
    struct error *err)
{
	const struct cert *c = engine_find_known(e, name, err);
	const struct conf_account *account;
	const struct conf_cert *cc;
	json_t *j, *more, *second = NULL;
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
	more = password != NULL ? pkcs12_json(dir, name, password, err) :
	    account_json(e, account, err);
	if (more != NULL && password != NULL && (second = second_json(dir,
	    name, password, err)) == NULL) {
		json_decref(more);
		more = NULL;
	}
	j = more == NULL ? NULL : json_pack(
	    "{s:s, s:s, s:o, s:s?, s:b, s:s?, s:o}", "name", name,
	    "dir", dir, "names", names_json(cc), "key",
	    c->row.key == KEY_TYPE_END ? NULL : key_type_name(c->row.key),
	    "reuse_key", cc->reuse_key, "preferred_chain",
	    cc->preferred_chain, password != NULL ? "pkcs12" : "account",
	    more);
	if (second != NULL && j != NULL)
		(void)json_object_set_new(j, "second", second);
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
