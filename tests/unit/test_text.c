/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/pool.h"
#include "common/text.h"

static void
test_duration(void **state)
{
	static const struct {
		const char *s;
		int64_t seconds;	/* -1: refused */
	} cases[] = {
		{ "30d", 30 * 86400 }, { "12h", 12 * 3600 }, { "90s", 90 },
		{ "10m", 600 }, { "2w", 14 * 86400 }, { "1d12h", 129600 },
		{ "45", 45 }, { "0", 0 }, { "", -1 }, { "d", -1 },
		{ "10x", -1 }, { "-5s", -1 }, { "5 s", -1 }, { "5s ", -1 },
		{ "99999999999999999999d", -1 }, { "1000w5000w", -1 },
		{ "1.5h", -1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		int64_t s = -1;

		(void)text_parse_duration(cases[i].s, &s);
		if (s != cases[i].seconds)
			fail_msg("%s: %lld", cases[i].s, (long long)s);
	}
}

static void
test_span(void **state)
{
	static const struct { int64_t s; const char *want; } cases[] = {
		{ 45, "45s" }, { 720, "12m" }, { 3660, "1h 1m" },
		{ 2 * 86400 + 4 * 3600, "2d 4h" }, { 60 * 86400, "60d" },
		{ -90, "-1m" }, { 3569, "59m" }, { 3570, "1h 0m" },
		{ 40 * 86400 - 20, "40d" }, { 40 * 86400 + 20, "40d" },
		{ 40 * 86400 - 40, "39d" }, { 86400 - 1, "1d 0h" },
	};
	char out[TEXT_SPAN_MAX];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_string_equal(text_span(cases[i].s, out), cases[i].want);
}

static void
test_expiry(void **state)
{
	char out[TEXT_EXPIRY_MAX];

	assert_string_equal(text_expiry(7200, out), "expires in 2h 0m");
	assert_string_equal(text_expiry(0, out), "expired 0s ago");
	assert_string_equal(text_expiry(-3 * 86400, out), "expired 3d 0h ago");
}

static void
test_clean(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "plain", "plain" },
		{ "\x1b[31mred\r\n", " [31mred  " },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "bad\xff""byte", "bad?byte" },
		{ "c1\xc2\x9b", "c1  " },
		{ "cut\xe2\x82", "cut" },
		/* Overrides, isolates, marks and separators of Unicode. */
		{ "a\xe2\x80\xae""b\xe2\x80\xac", "a   b   " },
		{ "\xe2\x81\xa6x\xe2\x81\xa9", "   x   " },
		{ "\xe2\x80\x8f.\xd8\x9c.\xe2\x80\xa8", "   .  .   " },
		{ "\xd7\x90\xe2\x80\xa6\xe2\x81\xa5", "\xd7\x90\xe2\x80\xa6"
		    "\xe2\x81\xa5" },
		{ "surrogate\xed\xa0\x80", "surrogate???" },
		{ "\xc3(", "?(" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char buf[64];

		(void)text_printf(buf, sizeof(buf), "%s", cases[i].in);
		text_clean(buf);
		assert_string_equal(buf, cases[i].out);
	}
}

static void
test_b64url(void **state)
{
	/* RFC 4648 section 10, without padding. */
	static const struct { const char *raw, *enc; } cases[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "__79" },
	};
	static const char *const bad[] = { "Z", "Zg==", "Zh", "Z+9v", "Zm 9" };
	unsigned char *out;
	size_t len;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *enc = text_b64url_encode(cases[i].raw,
		    strlen(cases[i].raw));

		assert_string_equal(enc, cases[i].enc);
		assert_int_equal(text_b64url_decode(enc, &out, &len), 0);
		assert_int_equal(len, strlen(cases[i].raw));
		assert_string_equal((char *)out, cases[i].raw);
		free(enc);
		free(out);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(text_b64url_decode(bad[i], &out, &len), -1);
}

static void
test_hex(void **state)
{
	char out[7];

	assert_string_equal(text_hex("\x00\x9f\xfa", 3, out), "009ffa");
	assert_string_equal(text_hex("", 0, out), "");
}

static void
test_nearest(void **state)
{
	static const char *const keys[] = { "directory", "contact", "key" };

	assert_string_equal(text_nearest("directroy", keys, 3), "directory");
	assert_string_equal(text_nearest("contacts", keys, 3), "contact");
	assert_null(text_nearest("propagation", keys, 3));
}

static void
test_error(void **state)
{
	struct error err;

	assert_int_equal(error_set(&err, ERR_REJECTED, "acme:caa",
	    "no\n%s", "way"), -1);
	assert_string_equal(err.msg, "no way");
	assert_int_equal(error_wrap(&err, "%s", "order"), -1);
	assert_string_equal(err.msg, "order: no way");
	assert_int_equal(err.kind, ERR_REJECTED);
	/* A message may be made from itself. */
	(void)error_set(&err, ERR_TRANSIENT, err.code, "again: %s", err.msg);
	assert_string_equal(err.msg, "again: order: no way");
	assert_string_equal(err.code, "acme:caa");
	for (int k = 0; k < ERR_KIND_END; k++)
		assert_int_equal(err_kind_parse(err_kind_name(
		    (enum err_kind)k)), k);
}

/* Small and large things, in any order: zeroed, aligned, apart. */
static void
test_pool(void **state)
{
	static const size_t sizes[] = { 1, 0, 17, 300000, 262144, 7, 100000 };
	struct pool *p = pool_new();
	unsigned char *got[70];

	for (size_t i = 0; i < N_ELEMENTS(got); i++) {
		size_t len = sizes[i % N_ELEMENTS(sizes)];

		got[i] = pool_alloc(p, len);
		assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < len; j++)
			assert_int_equal(got[i][j], 0);
		memset(got[i], (int)i + 1, len);
	}
	for (size_t i = 0; i < N_ELEMENTS(got); i++) {
		size_t len = sizes[i % N_ELEMENTS(sizes)];

		if (len > 0)
			assert_int_equal(got[i][0], i + 1);
		if (len > 0)
			assert_int_equal(got[i][len - 1], i + 1);
	}
	assert_string_equal(pool_memdup(p, "text", 5), "text");
	pool_free(p);
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_b64url),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
