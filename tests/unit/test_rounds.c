/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "daemon/config/conf.h"
#include "daemon/renewal/rounds.h"
#include "providers/provider.h"

static const struct provider any_type = { .name = "any" };
static const struct provider one_type = { .name = "one", .max_values = 1 };
static const struct provider two_type = { .name = "two", .max_values = 2 };
static const struct conf_provider any = { .type = &any_type };
static const struct conf_provider one = { .type = &one_type };
static const struct conf_provider one_more = { .type = &one_type };
static const struct conf_provider two = { .type = &two_type };

#define MAX 6

static const struct {
	const char	*what;
	struct round_item items[MAX];	/* the wanted rounds in them */
	unsigned	 want;
} cases[] = {
	{ "nothing", { { NULL, NULL, 0 } }, 0 },
	{ "any number", { { "a", &any, 0 }, { "a", &any, 0 },
	    { "a", &any, 0 }, { "b", &any, 0 } }, 1 },
	{ "one at a name", { { "a", &one, 0 }, { "b", &one, 0 },
	    { "a", &one, 1 }, { "a", &one, 2 }, { "b", &one, 1 } }, 3 },
	{ "one, but of two accounts", { { "a", &one, 0 },
	    { "a", &one_more, 0 } }, 1 },
	{ "two", { { "a", &two, 0 }, { "a", &two, 0 }, { "a", &two, 1 },
	    { "a", &two, 1 }, { "a", &two, 2 } }, 3 },
	{ "mixed", { { "a", &any, 0 }, { "b", &one, 0 }, { "a", &any, 0 },
	    { "b", &one, 1 }, { "a", &two, 0 } }, 2 },
};

static void
test_rounds(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct round_item items[MAX];
		size_t n = 0;

		for (; n < MAX && cases[i].items[n].place != NULL; n++) {
			items[n] = cases[i].items[n];
			items[n].round = 99;
		}
		if (rounds_plan(items, n) != cases[i].want)
			fail_msg("%s: not %u rounds", cases[i].what,
			    cases[i].want);
		for (size_t k = 0; k < n; k++) {
			if (items[k].round != cases[i].items[k].round)
				fail_msg("%s: value %zu in round %u",
				    cases[i].what, k, items[k].round);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
