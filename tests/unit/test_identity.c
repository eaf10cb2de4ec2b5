/* SPDX-License-Identifier: MIT */
/* Keys of hosts and publishers: what is derived, wrapped, signed, opened. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/identity.h"
#include "tests/unit/scratch.h"

static void
hex(const char *text, unsigned char *out)
{
	unsigned byte;

	for (; *text != '\0'; text += 2) {
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		*out++ = (unsigned char)byte;
	}
}

/* RFC 7748 section 5.2, and a point of those that section 6.1 warns of. */
static void
test_x25519(void **state)
{
	unsigned char private[32], public[32], out[32], want[32];

	(void)state;
	hex("a546e36bf0527c9d3b16154b82465edd"
	    "62144c0ac1fc5a18506a2244ba449ac4", private);
	hex("e6db6867583030db3594c1a424b15f7c"
	    "726624ec26b3353b10a903a6d0ab1c4c", public);
	hex("c3da55379de9c6908e94ea4df28d084f"
	    "32eccf03491c71f754b4075577a28552", want);
	assert_true(x25519_shared(private, public, out));
	assert_memory_equal(out, want, 32);
	memset(public, 0, sizeof(public));
	assert_false(x25519_shared(private, public, out));
	public[0] = 1;
	assert_false(x25519_shared(private, public, out));
}

/* RFC 5869, test cases 1 and 3. */
static void
test_hkdf(void **state)
{
	unsigned char secret[22], salt[13], info[10], out[42], want[42];

	(void)state;
	memset(secret, 0x0b, sizeof(secret));
	hex("000102030405060708090a0b0c", salt);
	hex("f0f1f2f3f4f5f6f7f8f9", info);
	hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	    "34007208d5b887185865", want);
	hkdf_sha256(secret, 22, salt, 13, info, 10, out, 42);
	assert_memory_equal(out, want, 42);
	hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	    "9d201395faa4b61a96c8", want);
	hkdf_sha256(secret, 22, NULL, 0, NULL, 0, out, 42);
	assert_memory_equal(out, want, 42);
}

/* What is written is read; what is not whole, or open to all, is refused. */
static void
test_file(void **state)
{
	struct identity *id = identity_new("web-1"), *back;
	struct identity *publisher = identity_new("renew");
	char *text = identity_text(id, identity_public(publisher)), *other;
	struct scratch s;
	struct error err;
	const char *path;

	(void)state;
	scratch_make(&s);
	path = scratch_path(&s, "key");
	scratch_write(path, text);
	assert_int_equal(chmod(path, 0600), 0);
	back = identity_read(path, &err);
	assert_non_null(back);
	assert_string_equal(identity_name(back), "web-1");
	assert_string_equal(identity_public(back), identity_public(id));
	assert_string_equal(identity_publisher(back),
	    identity_public(publisher));
	identity_free(back);
	/* A letter of the private key, and a piece of it. */
	other = strstr(text, "private_key") + 20;
	*other = *other == 'A' ? 'B' : 'A';
	scratch_write(path, text);
	assert_null(identity_read(path, &err));
	assert_string_equal(err.code, "identity:syntax");
	assert_null(strstr(err.msg, "ivate_key\": \""));
	strstr(text, "public_key")[-3] = '\0';
	scratch_write(path, text);
	assert_null(identity_read(path, &err));
	assert_string_equal(err.code, "identity:syntax");
	scratch_write(path, "{}");
	assert_null(identity_read(path, &err));
	freezero_str(text);
	identity_free(publisher);
	identity_free(id);
	scratch_remove(&s);
}

static void
test_public(void **state)
{
	struct identity *id = identity_new("web-1");
	char public[IDENTITY_PUBLIC_SIZE], *odd;
	unsigned char raw[IDENTITY_RAW] = { 0 };

	(void)state;
	/* One in 64 would begin as an option does. */
	for (int i = 0; i < 1000; i++) {
		struct identity *other = identity_new("x");

		assert_int_not_equal(identity_public(other)[0], '-');
		identity_free(other);
	}
	assert_true(identity_is_public(identity_public(id)));
	(void)text_printf(public, sizeof(public), "%s", identity_public(id));
	public[85] = '\0';
	assert_false(identity_is_public(public));
	assert_false(identity_is_public(""));
	odd = text_b64url_encode(raw, sizeof(raw));	/* small order */
	assert_int_equal(strlen(odd), IDENTITY_PUBLIC_SIZE - 1);
	assert_false(identity_is_public(odd));
	free(odd);
	identity_free(id);
}

static void
test_sign(void **state)
{
	struct identity *id = identity_new("a"), *other = identity_new("b");
	char signature[IDENTITY_SIGN_SIZE];

	(void)state;
	identity_sign(id, "text", 4, signature);
	assert_true(identity_signed(identity_public(id), "text", 4,
	    signature));
	assert_false(identity_signed(identity_public(id), "texT", 4,
	    signature));
	assert_false(identity_signed(identity_public(other), "text", 4,
	    signature));
	signature[7] = signature[7] == '0' ? '1' : '0';
	assert_false(identity_signed(identity_public(id), "text", 4,
	    signature));
	signature[127] = '\0';
	assert_false(identity_signed(identity_public(id), "text", 4,
	    signature));
	identity_free(other);
	identity_free(id);
}

static char *
wrap(const unsigned char key[CRYPT_KEY], const char *aad,
    const char *const *hosts, size_t n, size_t *len)
{
	struct identity_wraps *w = identity_wraps_new(key, aad, n);

	for (size_t i = 0; i < n; i++)
		identity_wraps_add(w, hosts[i]);
	return identity_wraps_take(w, len);
}

/* Those that are named open it, nobody else, and nothing else. */
static void
test_wrap(void **state)
{
	struct identity *a = identity_new("a"), *b = identity_new("b");
	struct identity *c = identity_new("c");
	const char *keys[] = { identity_public(a), identity_public(b) };
	unsigned char key[CRYPT_KEY], out[CRYPT_KEY];
	struct error err;
	char *wraps;
	size_t len;

	(void)state;
	memset(key, 7, sizeof(key));
	wraps = wrap(key, "web/03ab/keys", keys, 2, &len);
	assert_int_equal(len, 11 + 32 + 2 * 64);
	assert_int_equal(identity_unwrap(a, "web/03ab/keys", wraps, len, out,
	    &err), 0);
	assert_memory_equal(out, key, sizeof(key));
	memset(out, 0, sizeof(out));
	assert_int_equal(identity_unwrap(b, "web/03ab/keys", wraps, len, out,
	    &err), 0);
	assert_memory_equal(out, key, sizeof(key));
	assert_int_equal(identity_unwrap(c, "web/03ab/keys", wraps, len, out,
	    &err), -1);
	assert_string_equal(err.code, "identity:not-for-us");
	assert_int_equal(identity_unwrap(a, "web/03ac/keys", wraps, len, out,
	    &err), -1);
	assert_string_equal(err.code, "identity:open");
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(identity_unwrap(b, "web/03ab/keys", wraps, i,
		    out, &err), -1);
		wraps[i] ^= 1;
		/* What is in the other's row is not ours to check. */
		if (i < 43 || i >= 43 + 64)
			assert_int_equal(identity_unwrap(b, "web/03ab/keys",
			    wraps, len, out, &err), -1);
		wraps[i] ^= 1;
	}
	free(wraps);
	wraps = wrap(key, "x", NULL, 0, &len);	/* nobody is named */
	assert_int_equal(identity_unwrap(a, "x", wraps, len, out, &err), -1);
	assert_string_equal(err.code, "identity:not-for-us");
	free(wraps);
	identity_free(c);
	identity_free(b);
	identity_free(a);
}

static void
test_box(void **state)
{
	struct identity *host = identity_new("web-1");
	struct identity *other = identity_new("web-2");
	struct identity *publisher = identity_new("renew");
	const char *to = identity_public(publisher), *from =
	    identity_public(host);
	struct error err;
	char *sealed, *text;
	size_t n, len;

	(void)state;
	sealed = identity_seal(host, to, "csr/web-1", "a request", 9, &n);
	assert_null(memmem(sealed, n, "request", 7));
	assert_int_equal(identity_open(publisher, from, "csr/web-1", sealed,
	    n, &text, &len, &err), 0);
	assert_string_equal(text, "a request");
	freezero(text, len);
	assert_int_equal(identity_open(publisher, identity_public(other),
	    "csr/web-1", sealed, n, &text, &len, &err), -1);
	assert_int_equal(identity_open(other, from, "csr/web-1", sealed, n,
	    &text, &len, &err), -1);
	assert_int_equal(identity_open(publisher, from, "csr/web-2", sealed,
	    n, &text, &len, &err), -1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(identity_open(publisher, from, "csr/web-1",
		    sealed, i, &text, &len, &err), -1);
		sealed[i] ^= 1;
		assert_int_equal(identity_open(publisher, from, "csr/web-1",
		    sealed, n, &text, &len, &err), -1);
		sealed[i] ^= 1;
	}
	free(sealed);
	identity_free(publisher);
	identity_free(other);
	identity_free(host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x25519),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_box),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
