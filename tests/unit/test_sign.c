/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "providers/sign.h"

static void
test_hash(void **state)
{
	char hex[SIGN_HEX];

	assert_string_equal(sign_hash_hex(SIGN_MD5, "abc", hex),
	    "900150983cd24fb0d6963f7d28e17f72");
	assert_string_equal(sign_hash_hex(SIGN_SHA1, "abc", hex),
	    "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_string_equal(sign_hash_hex(SIGN_SHA256, "", hex),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
test_hmac(void **state)
{
	char hex[SIGN_HEX], b64[SIGN_B64];

	/* RFC 4231 case 2, RFC 2202 case 2. */
	assert_string_equal(sign_hmac_hex(SIGN_SHA256, "Jefe", 4,
	    "what do ya want for nothing?", hex),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_string_equal(sign_hmac_b64(SIGN_SHA1, "Jefe", 4,
	    "what do ya want for nothing?", b64),
	    "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

static void
test_base64(void **state)
{
	static const char *const bad[] = { "", "Zg", "Zg=", "Z!==", "Zg==Zg" };
	unsigned char *raw;
	size_t len;
	char *text = sign_base64("foob", 4);

	assert_string_equal(text, "Zm9vYg==");
	assert_int_equal(sign_base64_decode(text, &raw, &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(raw, "foob", 4);
	free(raw);
	free(text);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(sign_base64_decode(bad[i], &raw, &len), -1);
}

static void
test_totp(void **state)
{
	/* RFC 6238 appendix B, the last six digits. */
	static const char secret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
	struct error err;
	char code[7];

	assert_int_equal(sign_totp(secret, 59, code, &err), 0);
	assert_string_equal(code, "287082");
	assert_int_equal(sign_totp(secret, 1111111109, code, &err), 0);
	assert_string_equal(code, "081804");
	assert_int_equal(sign_totp("not base32!", 59, code, &err), -1);
	assert_string_equal(err.code, "sign:totp");
}

static void
test_rs256(void **state)
{
	struct error err;

	assert_null(sign_rs256("no key", "text", &err));
	assert_int_equal(err.kind, ERR_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_totp),
		cmocka_unit_test(test_rs256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
