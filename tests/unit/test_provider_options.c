/* SPDX-License-Identifier: MIT */
/* The option tables of all real providers keep what config/ relies on. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/error.h"
#include "daemon/config/provider_values.h"

static void
check_option(const struct provider *type, int i)
{
	const struct provider_opt *o = &type->opts[i];
	struct provider_values *values = provider_values_new(type);
	struct error err;

	if (o->help == NULL || o->help[0] == '\0')
		fail_msg("%s: %s has no help", type->name, o->name);
	if (strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
	    strlen(o->name) || strcmp(o->name, "type") == 0)
		fail_msg("%s: %s is no name", type->name, o->name);
	if (o->required && o->fallback != NULL)
		fail_msg("%s: %s needs no fallback", type->name, o->name);
	if (o->secret && o->type != PROVIDER_OPT_STRING)
		fail_msg("%s: %s: only texts come from files", type->name,
		    o->name);
	if (o->fallback != NULL && provider_values_set(values, i,
	    &o->fallback, 1, &err) == -1)
		fail_msg("%s: %s", type->name, err.msg);
	for (int j = 0; j < i; j++) {
		if (strcmp(type->opts[j].name, o->name) == 0)
			fail_msg("%s: %s twice", type->name, o->name);
	}
	provider_values_free(values);
}

static void
test_options(void **state)
{
	for (size_t i = 0; provider_registry[i] != NULL; i++) {
		const struct provider *type = provider_registry[i];

		assert_ptr_equal(provider_find(type->name), type);
		if (i > 0)
			assert_true(strcmp(provider_registry[i - 1]->name,
			    type->name) < 0);
		for (int j = 0; type->opts != NULL &&
		    type->opts[j].name != NULL; j++)
			check_option(type, j);
	}
	assert_null(provider_find("none"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
