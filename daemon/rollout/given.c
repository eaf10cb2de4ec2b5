/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/given.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/store/store.h"

#define PEM_MAX		(256 * 1024)
#define KEY_MAX		(64 * 1024)

/* --- the files as they are --- */

void
given_stamp(const struct conf_cert *cc, struct given_stamp *out)
{
	const char *paths[] = { cc->given->fullchain, cc->given->privkey };
	struct stat st;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < 2; i++) {
		if (paths[i] == NULL || stat(paths[i], &st) == -1)
			continue;
		out->of[i].is_there = true;
		out->of[i].dev = st.st_dev;
		out->of[i].ino = st.st_ino;
		out->of[i].size = st.st_size;
		out->of[i].mtime = st.st_mtim;
	}
}

bool
given_stamp_equal(const struct given_stamp *a, const struct given_stamp *b)
{
	for (int i = 0; i < 2; i++) {
		if (a->of[i].is_there != b->of[i].is_there ||
		    a->of[i].dev != b->of[i].dev ||
		    a->of[i].ino != b->of[i].ino ||
		    a->of[i].size != b->of[i].size ||
		    a->of[i].mtime.tv_sec != b->of[i].mtime.tv_sec ||
		    a->of[i].mtime.tv_nsec != b->of[i].mtime.tv_nsec)
			return false;
	}
	return true;
}

static bool
has_serial(const struct store_cert *row, const struct cert_info *info)
{
	return row->serial != NULL && strcmp(row->serial, info->serial) == 0;
}

/* A private CA may give one serial number to all. */
static bool
is_installed(const struct store_cert *row, const struct cert_info *info)
{
	return has_serial(row, info) && row->not_before == info->not_before &&
	    row->not_after == info->not_after;
}

bool
given_has_other(const struct conf_cert *cc, const struct store_cert *row)
{
	struct cert_info info;
	struct error ignored;
	bool is_other;
	size_t len;
	char *pem;

	if (file_read(AT_FDCWD, cc->given->fullchain, PEM_MAX, &pem, &len,
	    &ignored) == -1)
		return true;		/* the run tells why */
	if (cert_info_read(pem, len, &info, &ignored) == -1) {
		is_other = true;
	} else {
		is_other = !is_installed(row, &info);
		cert_info_clear(&info);
	}
	freezero(pem, len);	/* there may be a key in it */
	return is_other;
}

/* --- are they good? --- */

void
given_clear(struct given *g)
{
	EVP_PKEY_free(g->key);
	free(g->pem);
	cert_info_clear(&g->info);
	memset(g, 0, sizeof(*g));
}

/* chain_fit()'s errors are of what a CA sent. */
static int
explain(struct error *err)
{
	static const struct { const char *code, *given; } codes[] = {
		{ "cert:names", "given:names" },
		{ "cert:chain", "given:chain" },
		{ "cert:expired", "given:expired" },
		{ "cert:not-yet", "given:not-yet" },
	};
	struct error was = *err;
	const char *code = "given:syntax";

	if (strcmp(was.code, "cert:key") == 0)
		return error_set(err, ERR_TRANSIENT, "given:key", "certificate "
		    "and key do not belong together: is one of them still to "
		    "be replaced?");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(was.code, codes[i].code) == 0)
			code = codes[i].given;
	}
	return error_set(err, ERR_CONFIG, code, "%s", was.msg);
}

/* The configured name that it has not, or NULL. */
static const char *
missing_name(const struct conf_cert *cc, const struct cert_info *info)
{
	for (unsigned i = 0; i < cc->n_names; i++) {
		const char *name = cc->names[i].name;

		if (!cert_info_serves(info, &name, 1))
			return name;
	}
	return NULL;
}

int
given_check(const struct conf_cert *cc, const char *chain, const char *key,
    struct given *g, struct error *err)
{
	size_t len = strlen(chain), n = 0;
	struct chain_fit fit;
	const char *missing;

	memset(g, 0, sizeof(*g));
	g->key = key_from_pem(key, err);
	if (g->key == NULL || !key_is_pair(g->key))
		return error_set(err, ERR_CONFIG, "given:syntax", "the "
		    "private key cannot be read: it is no PEM, is encrypted, "
		    "or is damaged");
	if (cert_info_read(chain, len, &g->info, err) == -1)
		return explain(err);
	while (g->info.names[n] != NULL)
		n++;
	if (n == 0)
		return error_set(err, ERR_CONFIG, "given:names", "the "
		    "certificate has no subject alternative name, which "
		    "clients ask for");
	if (chain_fit(chain, len, g->key,
	    (const char *const *)g->info.names, n, &fit, err) == -1)
		return explain(err);
	g->pem = fit.pem;
	missing = missing_name(cc, &g->info);
	return missing == NULL ? 0 : error_set(err, ERR_CONFIG, "given:names",
	    "the certificate %s does not have the name %s", g->info.serial,
	    missing);
}

bool
given_is_newer(const struct store_cert *row, const struct cert_info *info)
{
	return row->serial == NULL || (!has_serial(row, info) &&
	    info->not_before >= row->not_before);
}

int
given_check_serial(const struct store_cert *row, const struct cert_info *info,
    struct error *err)
{
	if (!has_serial(row, info) || is_installed(row, info))
		return 0;
	return error_set(err, ERR_CONFIG, "given:serial", "another certificate "
	    "than the installed one has the same serial number, %s, by which "
	    "acmed and clients tell them apart: have it signed with a serial "
	    "number of its own", info->serial);
}

int
given_read_files(const struct conf_cert *cc, struct given *g,
    struct error *err)
{
	char *chain, *key;
	size_t len;
	int rc;

	memset(g, 0, sizeof(*g));
	if (file_read(AT_FDCWD, cc->given->fullchain, PEM_MAX, &chain, &len,
	    err) == -1)
		return -1;
	rc = file_read_private(cc->given->privkey, KEY_MAX, &key, err);
	if (rc == 0) {
		rc = given_check(cc, chain, key, g, err);
		freezero_str(key);
		if (rc == -1)
			(void)error_wrap(err, "%s", cc->given->fullchain);
	}
	freezero(chain, len);	/* there may be a key in it */
	return rc;
}

/* --- what was handed over: chain and key in one file, so that no moment has
 * half of it; an order's chain is there without a key --- */

static const char key_begins[] = "-----BEGIN PRIVATE KEY-----";

int
given_keep(struct store *store, const char *name, const struct given *g,
    struct error *err)
{
	char *key = key_to_pem(g->key);
	char *both = xasprintf("%s%s", g->pem, key);
	int rc = store_pending_chain_put(store, name, both, strlen(both), err);

	freezero_str(both);
	freezero_str(key);
	return rc;
}

/* NULL: there is none, or err. */
static char *
read_kept(struct store *store, const char *name, char **key, struct error *err)
{
	char *pem;
	size_t len;

	err->kind = ERR_NONE;
	if (store_pending_chain(store, name, &pem, &len, err) == -1 ||
	    pem == NULL)
		return NULL;
	*key = strstr(pem, key_begins);
	if (*key != NULL)
		return pem;
	free(pem);
	return NULL;
}

bool
given_is_kept(struct store *store, const char *name)
{
	struct error ignored;
	char *key, *pem = read_kept(store, name, &key, &ignored);

	if (pem == NULL)
		return false;
	freezero_str(pem);
	return true;
}

int
given_read_kept(struct store *store, const struct conf_cert *cc,
    struct given *g, struct error *err)
{
	char *key, *pem = read_kept(store, cc->name, &key, err), *chain;
	int rc;

	memset(g, 0, sizeof(*g));
	if (pem == NULL)
		return err->kind == ERR_NONE ? 1 : -1;
	chain = xstrndup(pem, (size_t)(key - pem));
	rc = given_check(cc, chain, key, g, err);
	free(chain);
	freezero_str(pem);
	return rc;
}
