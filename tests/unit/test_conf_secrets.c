/* SPDX-License-Identifier: MIT */
/* Secrets in files of their own, after the configuration was read. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/error.h"
#include "daemon/config/conf_read.h"
#include "daemon/config/provider_values.h"
#include "daemon/config/secret_file.h"
#include "providers/provider.h"
#include "tests/unit/conf_fixture.h"

/* A secret is read again when its file has changed, and only then. */
static void
test_secret_changes(void **state)
{
	struct provider_values *v;
	struct conf_notify *n;
	struct conf *conf;
	const char *old;
	char *got;
	struct error err;

	fixture_write("token", 0600, "first\n");
	fixture_write("password", 0600, "second\n");
	fixture_write("acmed.conf", 0640, "provider \"p\" { type = tokendns\n"
	    " api_token_file = token }\n"
	    "notify \"n\" { mail_to = a@example.test\n smtp = "
	    "\"smtps://localhost\"\n user = u\n password_file = password }\n");
	conf = fixture_load("acmed.conf", &got);
	assert_string_equal(got, "");
	free(got);
	v = conf->providers[0]->values;
	n = conf->notifies[0];
	old = provider_str(v, 0);
	assert_int_equal(provider_values_look(v, &err), 0);
	assert_ptr_equal(provider_str(v, 0), old);
	fixture_write("token", 0600, "third\n");
	fixture_write("password", 0600, "fourth\n");
	assert_int_equal(provider_values_look(v, &err), 0);
	assert_string_equal(provider_str(v, 0), "third");
	assert_string_equal(old, "first");
	assert_int_equal(conf_notify_look(n, &err), 0);
	assert_string_equal(n->password, "fourth");

	/* What is no token, or not fit, is told until it is mended. */
	for (int i = 0; i < 2; i++) {
		fixture_write("token", 0600, i == 0 ? "\n" : "forbidden\n");
		for (int j = 0; j < 2; j++) {
			assert_int_equal(provider_values_look(v, &err), -1);
			assert_int_equal(err.kind, ERR_CONFIG);
			assert_string_equal(provider_str(v, 0), "third");
		}
	}
	fixture_write("token", 0600, "fifth\n");
	assert_int_equal(provider_values_look(v, &err), 0);
	assert_string_equal(provider_str(v, 0), "fifth");
	fixture_remove("token");
	assert_int_equal(provider_values_look(v, &err), 0);
	assert_string_equal(provider_str(v, 0), "fifth");
	fixture_remove("password");
	fixture_remove("acmed.conf");
	conf_unref(conf);
}

/* Credentials that two providers share: a new token is both's at once, if both
 * can use it. */
static void
test_shared(void **state)
{
	struct provider_values *a, *b;
	struct conf *conf;
	char *got;
	struct error err;

	fixture_write("token", 0600, "first\n");
	fixture_write("acmed.conf", 0640, "provider \"a\" { type = tokendns\n"
	    " credentials = cf }\n"
	    "provider \"b\" { type = tokendns credentials = cf zones = x }\n"
	    "credentials \"cf\" { type = cloudflare\n"
	    " api_token_file = token }\n");
	conf = fixture_load("acmed.conf", &got);
	assert_string_equal(got, "");
	free(got);
	a = conf->providers[0]->values;
	b = conf->providers[1]->values;
	assert_string_equal(provider_str(a, 0), "first");
	assert_string_equal(provider_str(b, 0), "first");
	assert_string_equal(provider_str(b, 1), "x");
	fixture_write("token", 0600, "second\n");
	assert_int_equal(provider_values_look(b, &err), 0);
	assert_string_equal(provider_str(a, 0), "second");
	fixture_write("token", 0600, "forbidden\n");
	assert_int_equal(provider_values_look(a, &err), -1);
	assert_string_equal(provider_str(b, 0), "second");
	fixture_remove("token");
	fixture_remove("acmed.conf");
	conf_unref(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_secret_changes),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
