/* SPDX-License-Identifier: MIT */
/* What is published: sealed files, and the manifest that tells of them. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/publish/manifest.h"
#include "daemon/publish/receipt.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER  "0123456789abcdef0123456789abcdeF"

static void
test_seal(void **state)
{
	const char text[] = "a private key\n";
	struct error err;
	size_t n, len;
	char *sealed, *again, *back;

	(void)state;
	sealed = seal_close(SECRET, "web/03ab/privkey.pem", text,
	    strlen(text), &n);
	again = seal_close(SECRET, "web/03ab/privkey.pem", text,
	    strlen(text), &len);
	assert_int_equal(n, len);
	assert_memory_not_equal(sealed, again, n);	/* salt and nonce */
	assert_null(memmem(sealed, n, "private", 7));
	assert_int_equal(seal_open(SECRET, "web/03ab/privkey.pem", sealed, n,
	    &back, &len, &err), 0);
	assert_string_equal(back, text);
	assert_int_equal(len, strlen(text));
	freezero(back, len);
	/* Another key, another place, any bit, any length. */
	assert_int_equal(seal_open(OTHER, "web/03ab/privkey.pem", sealed, n,
	    &back, &len, &err), -1);
	assert_string_equal(err.code, "seal:open");
	assert_int_equal(seal_open(SECRET, "web/03ac/privkey.pem", sealed, n,
	    &back, &len, &err), -1);
	for (size_t i = 0; i < n; i++) {
		sealed[i] ^= 1;
		assert_int_equal(seal_open(SECRET, "web/03ab/privkey.pem",
		    sealed, n, &back, &len, &err), -1);
		sealed[i] ^= 1;
		assert_int_equal(seal_open(SECRET, "web/03ab/privkey.pem",
		    sealed, i, &back, &len, &err), -1);
	}
	free(sealed);
	free(again);
	/* Nothing is a text, too. */
	sealed = seal_close(SECRET, "", "", 0, &n);
	assert_int_equal(seal_open(SECRET, "", sealed, n, &back, &len, &err),
	    0);
	assert_int_equal(len, 0);
	free(back);
	free(sealed);
}

/* RFC 4231, test case 2. */
static void
test_mac(void **state)
{
	char mac[SEAL_MAC_SIZE];

	(void)state;
	seal_mac("Jefe", "what do ya want for nothing?", 28, mac);
	assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	assert_true(seal_mac_is("Jefe", "what do ya want for nothing?", 28,
	    mac));
	mac[63] ^= 1;
	assert_false(seal_mac_is("Jefe", "what do ya want for nothing?", 28,
	    mac));
	assert_false(seal_mac_is("Jefe", "what do ya want for nothing?", 28,
	    ""));
	seal_hash("abc", 3, mac);	/* FIPS 180-4 */
	assert_string_equal(mac, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}

static const char HASH[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static char secret[] = SECRET, other_secret[] = OTHER;
static const struct repo_keys shared = { .secret = secret };
static const struct repo_keys other = { .secret = other_secret };

static char *
make_with(const struct repo_keys *keys, const char *publisher,
    time_t renew_at)
{
	char wild[] = "*.example.test", plain[] = "example.test";
	char *names[] = { wild, plain, NULL };
	struct manifest m = { .certificate = "web", .names = names,
	    .serial = "03ab", .not_before = 1000, .not_after = 2000,
	    .published_at = 1100, .renew_at = renew_at, .encrypted = true,
	    .files = { [MANIFEST_FULLCHAIN] = { "03ab/fullchain.pem", 3000,
	    "" }, [MANIFEST_PRIVKEY] = { "03ab/privkey.pem", 300, "" },
	    [MANIFEST_KEYS] = { "03ab/keys-1", 107, "" } } };

	if (keys->secret != NULL)
		m.files[MANIFEST_KEYS].size = 0;
	for (int i = 0; i < MANIFEST_FILES; i++)
		memcpy(m.files[i].sha256, HASH, sizeof(HASH));
	memcpy(m.publisher, publisher, strlen(publisher) + 1);
	return manifest_make(&m, keys);
}

static char *
make_by(const char *publisher, time_t renew_at)
{
	return make_with(&shared, publisher, renew_at);
}

static char *
make(void)
{
	return make_by("ca1.example.net", 1500);
}

/* Older publishers do not say who they are, and a person's eyes are not to be
 * led astray. */
static void
test_publisher(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" },
		{ "ca1.example.net", "ca1.example.net" },
		{ "ca1\nevil\033[2J", "ca1 evil [2J" },
	};
	struct manifest m;
	struct error err;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = make_by(cases[i].in, (time_t)i * 1500);

		assert_int_equal(manifest_read(text, strlen(text), &shared,
		    "web", &m, &err), 0);
		assert_string_equal(m.publisher, cases[i].out);
		/* 3000 is after its end. */
		assert_int_equal(m.renew_at, i == 1 ? 1500 : 0);
		manifest_clear(&m);
		free(text);
	}
}

static void
test_manifest(void **state)
{
	char *text = make();
	struct manifest m;
	struct error err;

	(void)state;
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web", &m,
	    &err), 0);
	assert_string_equal(m.certificate, "web");
	assert_string_equal(m.names[0], "*.example.test");
	assert_string_equal(m.names[1], "example.test");
	assert_null(m.names[2]);
	assert_string_equal(m.serial, "03ab");
	assert_int_equal(m.not_before, 1000);
	assert_int_equal(m.not_after, 2000);
	assert_int_equal(m.published_at, 1100);
	assert_true(m.encrypted);
	assert_string_equal(m.files[MANIFEST_PRIVKEY].path,
	    "03ab/privkey.pem");
	assert_int_equal(m.files[MANIFEST_FULLCHAIN].size, 3000);
	manifest_clear(&m);
	assert_int_equal(manifest_read(text, strlen(text), &other, "web", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:mac");
	assert_int_equal(manifest_read(text, strlen(text), &shared, "mail", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:name");
	free(text);
}

/* Of a pair both files of the second, or none. */
static void
test_pair(void **state)
{
	char plain[] = "example.test", *names[] = { plain, NULL }, *text;
	struct manifest m = { .certificate = "web", .names = names,
	    .serial = "03ab", .not_before = 1000, .not_after = 2000,
	    .published_at = 1100, .is_pair = true,
	    .files = { [MANIFEST_FULLCHAIN] = { "03ab/fullchain.pem", 3000,
	    "" }, [MANIFEST_PRIVKEY] = { "03ab/privkey.pem", 300, "" },
	    [MANIFEST_SECOND_FULLCHAIN] = { "03ab/second-fullchain.pem", 4000,
	    "" }, [MANIFEST_SECOND_PRIVKEY] = { "03ab/second-privkey.pem",
	    1700, "" } } }, got;
	struct error err;

	(void)state;
	for (int i = 0; i < MANIFEST_FILES; i++)
		memcpy(m.files[i].sha256, HASH, sizeof(HASH));
	text = manifest_make(&m, &shared);
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web",
	    &got, &err), 0);
	assert_true(got.is_pair);
	assert_string_equal(got.files[MANIFEST_SECOND_PRIVKEY].path,
	    "03ab/second-privkey.pem");
	assert_int_equal(got.files[MANIFEST_SECOND_FULLCHAIN].size, 4000);
	manifest_clear(&got);
	free(text);
	m.files[MANIFEST_SECOND_PRIVKEY].size = 0;
	text = manifest_make(&m, &shared);
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web",
	    &got, &err), -1);
	assert_non_null(strstr(err.msg, "second-privkey.pem"));
	free(text);
}

/* Among the members of a cluster the request may be in the place of the key;
 * nowhere else, and not of a pair. */
static void
test_csr(void **state)
{
	char plain[] = "example.test", *names[] = { plain, NULL }, *text;
	struct manifest m = { .certificate = "web", .names = names,
	    .serial = "03ab", .not_before = 1000, .not_after = 2000,
	    .published_at = 1100,
	    .files = { [MANIFEST_FULLCHAIN] = { "03ab/fullchain.pem", 3000,
	    "" }, [MANIFEST_CSR] = { "03ab/csr.pem", 300, "" },
	    [MANIFEST_KEYS] = { "03ab/keys-1", 107, "" } } }, got;
	struct repo_keys keys = { .me = identity_new("publisher") };
	struct error err;

	(void)state;
	keys.publisher = identity_public(keys.me);
	for (int i = 0; i < MANIFEST_FILES; i++)
		memcpy(m.files[i].sha256, HASH, sizeof(HASH));
	text = manifest_make(&m, &shared);
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web",
	    &got, &err), 0);
	assert_int_equal(got.files[MANIFEST_CSR].size, 300);
	assert_string_equal(got.files[MANIFEST_CSR].path, "03ab/csr.pem");
	assert_int_equal(got.files[MANIFEST_PRIVKEY].size, 0);
	manifest_clear(&got);
	free(text);
	text = manifest_make(&m, &keys);
	assert_int_equal(manifest_read(text, strlen(text), &keys, "web", &got,
	    &err), 0);
	assert_int_equal(got.files[MANIFEST_CSR].size, 0);
	manifest_clear(&got);
	free(text);
	m.files[MANIFEST_CSR].size = 0;
	text = manifest_make(&m, &shared);
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web",
	    &got, &err), -1);
	assert_non_null(strstr(err.msg, "privkey.pem"));
	free(text);
	m.files[MANIFEST_CSR].size = 300;
	m.files[MANIFEST_SECOND_FULLCHAIN] = m.files[MANIFEST_FULLCHAIN];
	m.files[MANIFEST_SECOND_PRIVKEY] = m.files[MANIFEST_FULLCHAIN];
	text = manifest_make(&m, &shared);
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web",
	    &got, &err), -1);
	assert_non_null(strstr(err.msg, "privkey.pem"));
	free(text);
	identity_free(keys.me);
}

/* Where hosts have keys of their own, the publisher alone can write one. */
static void
test_hosts(void **state)
{
	struct identity *us = identity_new("publisher");
	struct identity *them = identity_new("web-1");
	struct repo_keys publisher = { .me = us,
	    .publisher = identity_public(us) };
	struct repo_keys host = { .me = them,
	    .publisher = identity_public(us) };
	struct repo_keys forged = { .me = them,
	    .publisher = identity_public(them) };
	char *text = make_with(&publisher, "ca1", 0), *p;
	struct manifest m;
	struct error err;

	(void)state;
	assert_int_equal(manifest_read(text, strlen(text), &publisher, "web",
	    &m, &err), 0);
	manifest_clear(&m);
	assert_int_equal(manifest_read(text, strlen(text), &host, "web", &m,
	    &err), 0);
	assert_string_equal(m.files[MANIFEST_KEYS].path, "03ab/keys-1");
	assert_int_equal(m.files[MANIFEST_KEYS].size, 107);
	manifest_clear(&m);
	/* Who shares a secret is told what is wrong. */
	assert_int_equal(manifest_read(text, strlen(text), &shared, "web", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:mac");
	assert_non_null(strstr(err.msg, "configured alike"));
	p = strstr(text, "\"not_after\": 2000");
	p[13] = '9';
	assert_int_equal(manifest_read(text, strlen(text), &host, "web", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:mac");
	free(text);
	/* Any host can sign, and any host knows all but that key. */
	text = make_with(&forged, "ca1", 0);
	assert_int_equal(manifest_read(text, strlen(text), &host, "web", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:mac");
	free(text);
	text = make();
	assert_int_equal(manifest_read(text, strlen(text), &host, "web", &m,
	    &err), -1);
	assert_string_equal(err.code, "manifest:mac");
	free(text);
	identity_free(them);
	identity_free(us);
}

/* Sign whatever somebody with the key could write: it is still checked. */
static int
read_changed(const char *member, json_t *value)
{
	char *text = make(), *plain, mac[SEAL_MAC_SIZE];
	json_t *o = json_loads(text, 0, NULL);
	struct manifest m;
	struct error err;
	int rc;

	free(text);
	(void)json_object_del(o, "mac");
	if (strchr(member, ':') != NULL)
		(void)json_object_set_new(json_object_get(json_object_get(o,
		    "files"), "privkey.pem"), strchr(member, ':') + 1, value);
	else if (value != NULL)
		(void)json_object_set_new(o, member, value);
	else
		(void)json_object_del(o, member);
	plain = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS |
	    JSON_ENSURE_ASCII);
	seal_mac(SECRET, plain, strlen(plain), mac);
	free(plain);
	(void)json_object_set_new(o, "mac", json_string(mac));
	text = json_dumps(o, 0);
	rc = manifest_read(text, strlen(text), &shared, "web", &m, &err);
	if (rc == 0)
		manifest_clear(&m);
	else
		assert_string_equal(err.code, "manifest:syntax");
	free(text);
	json_decref(o);
	return rc;
}

static void
test_hostile(void **state)
{
	static const char *const members[] = { "format", "certificate",
	    "names", "serial", "not_before", "not_after", "published_at",
	    "encrypted", "files" };
	static const char *const paths[] = { "", "privkey.pem",
	    "/etc/passwd", "../x", "03ab/../x", "03ab/", "a/b/c", "a/b c",
	    "./x", "a/.x", "a/b\n" };
	static const char *const texts[] = { "", "{", "[]", "{}", "null",
	    "{\"mac\":\"\"}", "{\"mac\":1}" };
	struct manifest m;
	struct error err;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(members); i++) {
		assert_int_equal(read_changed(members[i], NULL), -1);
		assert_int_equal(read_changed(members[i], json_null()), -1);
		assert_int_equal(read_changed(members[i], json_real(1.5)),
		    -1);
	}
	for (size_t i = 0; i < N_ELEMENTS(paths); i++)
		assert_int_equal(read_changed("privkey:path",
		    json_string(paths[i])), -1);
	assert_int_equal(read_changed("privkey:path", json_string("x/y")),
	    0);
	assert_int_equal(read_changed("privkey:size", json_integer(0)), -1);
	assert_int_equal(read_changed("privkey:size",
	    json_integer(MANIFEST_FILE_MAX + 1)), -1);
	assert_int_equal(read_changed("privkey:sha256", json_string("AB")),
	    -1);
	assert_int_equal(read_changed("serial", json_string("03AB")), -1);
	assert_int_equal(read_changed("serial", json_string("")), -1);
	assert_int_equal(read_changed("not_after", json_integer(999)), -1);
	assert_int_equal(read_changed("names", json_array()), -1);
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		assert_int_equal(manifest_read(texts[i], strlen(texts[i]),
		    &shared, "web", &m, &err), -1);
		assert_null(m.names);
	}
}

/* The text sealed for this place. */
static char *
seal_receipt(const char *text, size_t *n)
{
	return seal_close(SECRET, "hosts/web-1/shop.json", text, strlen(text),
	    n);
}

static void
test_receipt(void **state)
{
	static const char *const wrong[] = {
		"", "[]", "{}",
		/* of another host; serial, ok, a time that are none */
		"\"host\":\"web-2\"", "\"serial\":\"../..\"",
		"\"ok\":1", "\"at\":-1", "\"since\":\"now\"",
		"\"code\":null", "\"second\":null", "\"second\":\"x\""
	};
	static const char *const not_keys[] = { "web-1", "web-1/", "/shop.json",
	    "web-1/.json", "web-1/shop", "../shop.json", "web-1/../x.json",
	    "web-1/a/b.json", "web 1/shop.json", "web-1/-.json" };
	struct receipt r = { .host = "web-1", .certificate = "shop",
	    .serial = "03ab", .sha256 = "ff", .not_before = 100,
	    .not_after = 200, .ok = true, .since = 120, .code = "deploy:failed",
	    .error = "no \xc3\xbc\x1b[1m", .at = 150 }, got;
	char host[RECEIPT_HOST_SIZE], cert[RECEIPT_HOST_SIZE], *sealed, *key;
	struct repo_keys keys = { .secret = (char *)(uintptr_t)SECRET };
	struct repo_keys wrong_keys = { .secret = (char *)(uintptr_t)OTHER };
	struct error err;
	size_t n;

	(void)state;
	sealed = receipt_make(&r, &keys, &n);
	assert_true(n <= RECEIPT_MAX);
	assert_int_equal(receipt_read(sealed, n, &keys, NULL, "web-1", "shop",
	    &got, &err), 0);
	assert_string_equal(got.serial, "03ab");
	assert_int_equal(got.since, 120);
	assert_true(got.ok);
	assert_string_equal(got.error, "no \xc3\xbc [1m");
	assert_string_equal(got.second, "");
	free(sealed);
	memcpy(r.second, "04cd", sizeof("04cd"));
	sealed = receipt_make(&r, &keys, &n);
	assert_int_equal(receipt_read(sealed, n, &keys, NULL, "web-1", "shop",
	    &got, &err), 0);
	assert_string_equal(got.second, "04cd");
	/* Not in another's place, nor with another secret. */
	assert_int_equal(receipt_read(sealed, n, &keys, NULL, "web-2", "shop",
	    &got, &err), -1);
	assert_string_equal(err.code, "seal:open");
	assert_int_equal(receipt_read(sealed, n, &wrong_keys, NULL, "web-1",
	    "shop", &got, &err), -1);
	free(sealed);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = i < 3 ? xstrdup(wrong[i]) : xasprintf(
		    "{\"certificate\":\"shop\",\"sha256\":\"\","
		    "\"not_before\":1,\"not_after\":2,\"next_at\":0,"
		    "\"error\":\"\"%s%s%s%s%s%s,%s}",
		    i != 3 ? ",\"host\":\"web-1\"" : "",
		    i != 4 ? ",\"serial\":\"\"" : "",
		    i != 5 ? ",\"ok\":true" : "", i != 6 ? ",\"at\":1" : "",
		    i != 7 ? ",\"since\":0" : "",
		    i != 8 ? ",\"code\":\"\"" : "", wrong[i]);

		sealed = seal_receipt(text, &n);
		assert_int_equal(receipt_read(sealed, n, &keys, NULL,
		    "web-1", "shop", &got, &err), -1);
		assert_string_not_equal(err.code, "seal:open");
		free(sealed);
		free(text);
	}
	/* From one to another, where each has a key of its own. */
	keys = (struct repo_keys){ .me = identity_new("web-1") };
	wrong_keys = (struct repo_keys){ .me = identity_new("publisher") };
	keys.publisher = identity_public(wrong_keys.me);
	sealed = receipt_make(&r, &keys, &n);
	assert_int_equal(receipt_read(sealed, n, &wrong_keys, identity_public(
	    keys.me), "web-1", "shop", &got, &err), 0);
	assert_int_equal(receipt_read(sealed, n, &wrong_keys, identity_public(
	    wrong_keys.me), "web-1", "shop", &got, &err), -1);
	assert_string_equal(err.code, "identity:open");
	free(sealed);
	repo_keys_clear(&keys);
	repo_keys_clear(&wrong_keys);
	key = receipt_key("web-1", "shop");
	assert_true(receipt_key_read(key, host, cert));
	assert_string_equal(host, "web-1");
	assert_string_equal(cert, "shop");
	free(key);
	for (size_t i = 0; i < sizeof(not_keys) / sizeof(not_keys[0]); i++)
		assert_false(receipt_key_read(not_keys[i], host, cert));
}

/* Two lines: the first one seals and signs, both are accepted. */
static void
test_two_lines(void **state)
{
	char mac[SEAL_MAC_SIZE], *sealed, *back;
	struct error err;
	size_t n, len;

	(void)state;
	sealed = seal_close(OTHER "\n" SECRET, "a", "text", 4, &n);
	assert_int_equal(seal_open(SECRET, "a", sealed, n, &back, &len, &err),
	    -1);
	assert_true(seal_is_first(OTHER, "a", sealed, n));
	assert_true(seal_is_first(OTHER "\n" SECRET, "a", sealed, n));
	assert_false(seal_is_first(SECRET "\n" OTHER, "a", sealed, n));
	assert_int_equal(seal_open(SECRET "\n" OTHER, "a", sealed, n, &back,
	    &len, &err), 0);
	assert_string_equal(back, "text");
	freezero(back, len);
	free(sealed);
	seal_mac(OTHER "\n" SECRET, "text", 4, mac);
	assert_true(seal_mac_is(OTHER, "text", 4, mac));
	assert_false(seal_mac_is(SECRET, "text", 4, mac));
	assert_true(seal_mac_is(SECRET "\n" OTHER, "text", 4, mac));
	assert_false(seal_mac_is(SECRET "\n" OTHER, "texT", 4, mac));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_two_lines),
		cmocka_unit_test(test_receipt),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_csr),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_publisher),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
