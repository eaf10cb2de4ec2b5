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
#include "daemon/store/seal.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NAME "www.example.com"

/* Promises of manifest.h for what was taken. */
static void
check(const struct manifest *m)
{
	if (strcmp(m->certificate, NAME) != 0 || m->names == NULL ||
	    m->names[0] == NULL || m->serial[0] == '\0' ||
	    m->not_after <= m->not_before)
		abort();
	for (int i = 0; i < MANIFEST_FILES; i++) {
		const struct manifest_file *f = &m->files[i];

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
read_one(const char *text, size_t len)
{
	struct manifest m;
	struct error err;
	char *again;

	if (manifest_read(text, len, SECRET, NAME, &m, &err) == -1) {
		if (err.kind != ERR_REJECTED || m.names != NULL)
			abort();
		return;
	}
	check(&m);
	again = manifest_make(&m, SECRET);
	manifest_clear(&m);
	if (manifest_read(again, strlen(again), SECRET, NAME, &m,
	    &err) == -1)
		abort();
	manifest_clear(&m);
	free(again);
}

/*
 * Nobody guesses a signature: an input that begins with '!' is members of an
 * object that we sign.
 */
static void
read_signed(const char *text, size_t len)
{
	char mac[SEAL_MAC_SIZE], *canonical = xmalloc(len + 3), *signed_text;

	canonical[0] = '{';
	memcpy(canonical + 1, text, len);
	canonical[len + 1] = '}';
	canonical[len + 2] = '\0';
	seal_mac(SECRET, canonical, len + 2, mac);
	signed_text = xasprintf("{\"mac\":\"%s\",%s", mac, canonical + 1);
	read_one(signed_text, strlen(signed_text));
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;

	read_one(text, len);
	if (len > 0 && text[0] == '!')
		read_signed(text + 1, len - 1);
	open_one(data, len);
	return 0;
}
