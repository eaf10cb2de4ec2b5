/* SPDX-License-Identifier: MIT */
/* store_pair - of two certificates under one name: the first, until the second
 * is issued, and the row of both. */
#include "daemon/store/store.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/chain.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

static char *
first_path(const char *name)
{
	assert(store_name_is_sane(name));
	return xasprintf("pending/%s.first", name);
}

int
store_first_put(struct store *s, const char *name,
    const struct store_part *part, struct error *err)
{
	char *path = first_path(name), *key = key_to_pem(part->key);
	char *all = xasprintf("%s%.*s", key, (int)part->len, part->pem);
	int rc = file_write_atomic(s->dirfd, path, 0600, all, strlen(all),
	    err);

	freezero_str(all);
	freezero_str(key);
	free(path);
	if (rc == 0)
		store_cert_changed(s, name);
	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

int
store_first(struct store *s, const char *name, EVP_PKEY **key, char **pem,
    struct error *err)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	char *path = first_path(name), *all = NULL, *chain;
	struct error why;
	size_t len = 0;
	int rc = 0;

	*key = NULL;
	*pem = NULL;
	if (file_read(s->dirfd, path, CHAIN_PEM_MAX * 2, &all, &len,
	    &why) == -1) {
		all = NULL;
		if (strcmp(why.code, "file:missing") != 0) {
			*err = why;
			rc = -1;
		}
	}
	chain = all != NULL ? strstr(all, begin) : NULL;
	if (all != NULL && chain == NULL)
		rc = error_set(err, ERR_REJECTED, "cert:syntax",
		    "there is no certificate in it");
	if (chain != NULL) {
		*key = key_from_pem(all, err);
		rc = *key == NULL ? -1 : 0;
		*pem = rc == 0 ? xstrdup(chain) : NULL;
	}
	freezero(all, len);
	if (rc == -1)
		(void)error_wrap(err, "%s/%s", s->dir, path);
	free(path);
	return rc;
}

void
store_first_drop(struct store *s, const char *name)
{
	char *path = first_path(name);

	(void)unlinkat(s->dirfd, path, 0);
	free(path);
	store_cert_changed(s, name);
}

void
store_pair_clear(struct store_pair *p)
{
	free(p->cert);
	free(p->serial);
	free(p->ari_id);
	free(p->first_names);
	free(p->first_account);
	free(p->first_profile);
	*p = (struct store_pair){ .key = KEY_TYPE_END };
}

static char *
copy_text(struct db_stmt *q, int column)
{
	const char *text = db_text(q, column);

	return text != NULL ? xstrdup(text) : NULL;
}

void
store_pair_each(struct store *s,
    void (*each)(const struct store_pair *, void *), void *arg)
{
	static const char sql[] = "SELECT cert, serial, not_before, not_after,"
	    " key, ari_id, ari_start, ari_end, ari_at, first_names,"
	    " first_account, first_profile, first_at FROM pair WHERE cert <> ''"
	    " ORDER BY cert";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_pair p = {
			.cert = copy_text(q, 0),
			.serial = copy_text(q, 1),
			.not_before = (time_t)db_int(q, 2),
			.not_after = (time_t)db_int(q, 3),
			.key = KEY_TYPE_END,
			.ari_id = copy_text(q, 5),
			.ari_start = (time_t)db_int(q, 6),
			.ari_end = (time_t)db_int(q, 7),
			.ari_at = (time_t)db_int(q, 8),
			.first_names = copy_text(q, 9),
			.first_account = copy_text(q, 10),
			.first_profile = copy_text(q, 11),
			.first_at = (time_t)db_int(q, 12),
		};
		const char *key = db_text(q, 4);

		if (key == NULL || key_type_parse(key, &p.key) == -1)
			p.key = KEY_TYPE_END;
		each(&p, arg);
		store_pair_clear(&p);
	}
}

void
store_pair_put(struct store *s, const struct store_pair *p)
{
	static const char sql[] = "INSERT OR REPLACE INTO pair (cert, serial,"
	    " not_before, not_after, key, ari_id, ari_start, ari_end, ari_at,"
	    " first_names, first_account, first_profile, first_at)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, p->cert);
	db_bind_text(q, p->serial);
	db_bind_int(q, p->not_before);
	db_bind_int(q, p->not_after);
	db_bind_text(q, p->key < KEY_TYPE_END ? key_type_name(p->key) : NULL);
	db_bind_text(q, p->ari_id);
	db_bind_int(q, p->ari_start);
	db_bind_int(q, p->ari_end);
	db_bind_int(q, p->ari_at);
	db_bind_text(q, p->first_names);
	db_bind_text(q, p->first_account);
	db_bind_text(q, p->first_profile);
	db_bind_int(q, p->first_at);
	db_write(q);
	store_cert_changed(s, p->cert);
}
