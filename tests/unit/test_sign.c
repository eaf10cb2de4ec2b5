/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "daemon/rest/sign.h"

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
	/* RFC 7515 appendix A.2, its key as PEM. */
	static const char key[] =
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
	    "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
	    "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
	    "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
	    "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
	    "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
	    "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
	    "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
	    "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
	    "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
	    "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
	    "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
	    "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
	    "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
	    "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
	    "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
	    "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
	    "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
	    "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
	    "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
	    "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
	    "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
	    "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
	    "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
	    "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
	    "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
	    "-----END PRIVATE KEY-----\n";
	static const char text[] = "eyJhbGciOiJSUzI1NiJ9."
	    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
	    "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	struct error err;
	char *signature = sign_rs256(key, text, &err);

	assert_string_equal(signature,
	    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj"
	    "5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
	    "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv"
	    "kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e"
	    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6Lb"
	    "gGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
	free(signature);
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
