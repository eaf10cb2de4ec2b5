/* SPDX-License-Identifier: MIT */
/*
 * certdir_placeholder - a self-signed certificate in live/NAME until the first
 * one is issued, so that a server whose configuration names the files starts.
 * It is kept apart from the archive: nothing that looks for versions finds it,
 * and whatever asks what live/NAME holds is told "nothing".
 */
#include "daemon/store/certdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"
#include "daemon/store/san.h"

#define VERSION "self-signed"
#define DAY_S 86400
#define YEARS 10		/* nobody trusts it anyway */

/* Of what is made of our own bytes only the lack of memory can fail. */
static void
must(int ok)
{
	if (!ok)
		abort();
}

static void
add_names(X509 *x, const char *const *names, size_t n)
{
	GENERAL_NAMES *san = san_make(names, n);

	must(X509_add1_ext_i2d(x, NID_subject_alt_name, san, 0,
	    X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(san);
}

static X509 *
self_signed(EVP_PKEY *key, const char *const *names, size_t n)
{
	X509 *x = X509_new();
	X509_NAME *subject;
	uint64_t serial;

	must(x != NULL && RAND_bytes((unsigned char *)&serial,
	    sizeof(serial)) == 1 && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
	    serial >> 1 | 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), YEARS * 365, 0, NULL) !=
	    NULL && X509_set_pubkey(x, key) == 1);
	subject = X509_get_subject_name(x);
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)STORE_PLACEHOLDER_ISSUER, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, subject) == 1);
	add_names(x, names, n);
	must(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

/* Its own chain: some servers do not take an empty file. */
static int
make_content(char *content[F_END], enum key_type type,
    const char *const *names, size_t n, struct error *err)
{
	EVP_PKEY *key = key_generate(type, err);
	X509 *x;

	if (key == NULL)
		return -1;
	x = self_signed(key, names, n);
	content[F_PRIVKEY] = key_to_pem(key);
	content[F_CERT] = chain_to_pem(&(struct chain){ .certs = { x },
	    .n = 1 }, 0, 1);
	content[F_CHAIN] = xstrdup(content[F_CERT]);
	content[F_FULLCHAIN] = xstrdup(content[F_CERT]);
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return 0;
}

bool
certdir_is_placeholder(int dirfd, const char *name)
{
	char *path = xasprintf("live/%s", name);
	char *want = xasprintf("../" CERTDIR_PLACEHOLDER "/%s/" VERSION, name);
	char target[PATH_MAX];
	ssize_t len = readlinkat(dirfd, path, target, sizeof(target) - 1);
	bool is = len > 0 && strlen(want) == (size_t)len &&
	    memcmp(target, want, (size_t)len) == 0;

	free(want);
	free(path);
	return is;
}

/* Is anything at live/NAME, or are there versions that it may be again? */
static bool
has_other(int dirfd, const char *name)
{
	char *live = xasprintf("live/%s", name);
	char *archive = xasprintf(CERTDIR_ARCHIVE "/%s", name), **all;
	struct stat st;
	bool has = fstatat(dirfd, live, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT;
	int dir = openat(dirfd, archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir != -1) {
		all = certdir_versions(dir);
		has = has || all[0] != NULL;
		for (char **v = all; *v != NULL; v++)
			free(*v);
		free(all);
		(void)close(dir);
	}
	free(archive);
	free(live);
	return has;
}

int
certdir_place(int dirfd, const char *name, const char *const *names,
    size_t n, const char *second, struct error *err)
{
	struct install in = { .home = CERTDIR_PLACEHOLDER, .name = name,
	    .archive = -1, .live = -1, .version = VERSION };
	int rc;

	if (!certdir_is_placeholder(dirfd, name) && has_other(dirfd, name))
		return 1;
	rc = make_content(in.content, KEY_EC256, names, n, err);
	/* RSA would hold the loop for half a second, and who reads it minds no
	 * kind of key. */
	if (rc == 0 && second != NULL) {
		in.folder = second;
		rc = make_content(in.second, KEY_EC256, names, n, err);
	}
	if (rc == 0)
		rc = certdir_open(&in, dirfd, err);
	if (rc == 0) {
		/* What a crash has left; nobody can have read it whole. */
		certdir_clean(in.archive);
		certdir_remove_version(in.archive, VERSION);
		rc = certdir_build(&in, err);
	}
	if (rc == 0)
		rc = certdir_switch(&in, err);
	certdir_clear(&in);
	return rc;
}

void
certdir_drop_placeholder(int dirfd, const char *name)
{
	char *path = xasprintf(CERTDIR_PLACEHOLDER "/%s", name);
	int dir = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);

	if (dir != -1) {
		certdir_clean(dir);
		certdir_remove_version(dir, VERSION);
		(void)close(dir);
		(void)unlinkat(dirfd, path, AT_REMOVEDIR);
	}
	free(path);
}
