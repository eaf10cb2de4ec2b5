/* SPDX-License-Identifier: MIT */
/*
 * fuzz_manifest - what a subscriber reads from a store that others can write:
 * manifests and sealed files.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/publish/manifest.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NAME "www.example.com"

static char secret[] = SECRET;
static const struct repo_keys shared = { .secret = secret };
static struct repo_keys own;		/* of a publisher for hosts */

/* Promises of manifest.h for what was taken. */
static void
check(const struct manifest *m, const struct repo_keys *keys)
{
	if (strcmp(m->certificate, NAME) != 0 || m->names == NULL ||
	    m->names[0] == NULL || m->serial[0] == '\0' ||
	    m->not_after <= m->not_before)
		abort();
	for (int i = 0; i < MANIFEST_FILES; i++) {
		const struct manifest_file *f = &m->files[i];

		/* One of the two, where there is no pair. */
		if (i == MANIFEST_CSR && f->size == 0)
			continue;
		if (i == MANIFEST_CSR && (keys->secret == NULL ||
		    m->is_pair || m->files[MANIFEST_PRIVKEY].size > 0))
			abort();
		if (i == MANIFEST_PRIVKEY && f->size == 0 &&
		    m->files[MANIFEST_CSR].size > 0)
			continue;
		if ((i == MANIFEST_KEYS && keys->secret != NULL) ||
		    (!m->is_pair && (i == MANIFEST_SECOND_FULLCHAIN ||
		    i == MANIFEST_SECOND_PRIVKEY))) {
			if (f->size != 0)
				abort();
			continue;
		}
		/* A host may have its own key. */
		if (i == MANIFEST_PRIVKEY && keys->secret == NULL &&
		    !m->is_pair && f->size == 0)
			continue;
		/* Two words, none of which leads elsewhere. */
		if (f->path[0] == '/' || f->path[0] == '.' ||
		    strstr(f->path, "/.") != NULL ||
		    strchr(f->path, '/') != strrchr(f->path, '/') ||
		    f->size == 0 || f->size > MANIFEST_FILE_MAX ||
		    strlen(f->sha256) != 64)
			abort();
	}
}

static void
read_one(const char *text, size_t len, const struct repo_keys *keys)
{
	struct manifest m;
	struct error err;
	char *again;

	if (manifest_read(text, len, keys, NAME, &m, &err) == -1) {
		if (err.kind != ERR_REJECTED || m.names != NULL)
			abort();
		return;
	}
	check(&m, keys);
	again = manifest_make(&m, keys);
	manifest_clear(&m);
	if (manifest_read(again, strlen(again), keys, NAME, &m,
	    &err) == -1)
		abort();
	manifest_clear(&m);
	free(again);
}

/*
 * Nobody guesses a signature: an input that begins with '!' is members of an
 * object that we sign; with '?' the same as a publisher for hosts does.
 */
static void
read_signed(const char *text, size_t len, const struct repo_keys *keys)
{
	char mac[IDENTITY_SIGN_SIZE], *canonical = xmalloc(len + 3);
	char *signed_text;

	canonical[0] = '{';
	memcpy(canonical + 1, text, len);
	canonical[len + 1] = '}';
	canonical[len + 2] = '\0';
	if (keys->secret != NULL)
		seal_mac(SECRET, canonical, len + 2, mac);
	else
		identity_sign(keys->me, canonical, len + 2, mac);
	signed_text = xasprintf("{\"%s\":\"%s\",%s", keys->secret != NULL ?
	    "mac" : "signature", mac, canonical + 1);
	read_one(signed_text, strlen(signed_text), keys);
	free(signed_text);
	free(canonical);
}

static void
open_one(const uint8_t *data, size_t len)
{
	struct error err;
	size_t n, sealed_len;
	char *text, *sealed;

	if (seal_open(SECRET, NAME, data, len, &text, &n, &err) == 0)
		abort();	/* nobody has sealed it */
	sealed = seal_close(SECRET, NAME, data, len, &sealed_len);
	if (seal_open(SECRET, NAME, sealed, sealed_len, &text, &n,
	    &err) == 0) {
		if (n != len || (n > 0 && memcmp(text, data, n) != 0))
			abort();
		freezero(text, n);
	} else if (len < MANIFEST_FILE_MAX) {
		abort();
	}
	free(sealed);
}

/* What other hosts can write for us to open. */
static void
open_as_host(const uint8_t *data, size_t len)
{
	unsigned char key[CRYPT_KEY];
	struct error err;
	char *text;
	size_t n;

	if (identity_unwrap(own.me, NAME, data, len, key, &err) == 0 ||
	    identity_open(own.me, own.publisher, NAME, data, len, &text, &n,
	    &err) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;

	if (own.me == NULL) {
		own.me = identity_new("publisher");
		own.publisher = identity_public(own.me);
	}
	read_one(text, len, &shared);
	read_one(text, len, &own);
	if (len > 0 && text[0] == '!')
		read_signed(text + 1, len - 1, &shared);
	if (len > 0 && text[0] == '?')
		read_signed(text + 1, len - 1, &own);
	open_one(data, len);
	open_as_host(data, len);
	return 0;
}
