/* SPDX-License-Identifier: MIT */
/* Who owns a name: all agree, evenly, and as few as can be change hands. */
#include "daemon/cluster/rendezvous.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define NAMES 30000

static uint64_t names[NAMES];

static int
setup(void **state)
{
	char text[40];

	(void)state;
	for (int i = 0; i < NAMES; i++) {
		(void)text_printf(text, sizeof(text), "www%d.example.com", i);
		names[i] = rendezvous_hash(text);
	}
	return 0;
}

/* Members of other versions find the same: SHA-256 of the FIPS's "abc", and
 * what was found when this was written. */
static void
test_agreed(void **state)
{
	const uint64_t members[] = { rendezvous_hash("renew-1"),
	    rendezvous_hash("renew-2"), rendezvous_hash("renew-3") };
	const size_t want[] = { 1, 2, 1, 0, 1, 1, 2, 1,
	    2, 0, 2, 2, 2, 1, 0, 1 };

	assert_true(rendezvous_hash("abc") == 0xba7816bf8f01cfeau);
	for (size_t i = 0; i < N_ELEMENTS(want); i++)
		assert_int_equal(rendezvous_pick(members, 3, names[i]),
		    want[i]);
}

static void
test_spread(void **state)
{
	uint64_t members[10];
	char text[20];

	for (size_t n = 1; n <= 10; n++) {
		unsigned owned[10] = { 0 };

		(void)text_printf(text, sizeof(text), "renew-%zu", n);
		members[n - 1] = rendezvous_hash(text);
		for (int i = 0; i < NAMES; i++)
			owned[rendezvous_pick(members, n, names[i])]++;
		/* Five standard deviations. */
		for (size_t j = 0; j < n; j++)
			assert_in_range(owned[j], NAMES / n - 370,
			    NAMES / n + 370);
	}
}

/* One goes: only its own names move, to all the others; it comes back: the same
 * ones do. */
static void
test_movement(void **state)
{
	uint64_t all[5], rest[4];
	unsigned to[5] = { 0 };
	char text[20];

	for (int i = 0; i < 5; i++) {
		(void)text_printf(text, sizeof(text), "m%d", i);
		all[i] = rendezvous_hash(text);
	}
	memcpy(rest, all, 2 * sizeof(*all));
	memcpy(rest + 2, all + 3, 2 * sizeof(*all));
	for (int i = 0; i < NAMES; i++) {
		size_t was = rendezvous_pick(all, 5, names[i]);
		size_t is = rendezvous_pick(rest, 4, names[i]);

		is += is >= 2;
		if (was != 2)
			assert_int_equal(is, was);
		else
			to[is]++;
	}
	for (int i = 0; i < 5; i++) {
		if (i != 2)
			assert_in_range(to[i], NAMES / 20 - 200,
			    NAMES / 20 + 200);
	}
}

/* Who comes after the owner is who would be it without the owner. */
static void
test_nth(void **state)
{
	uint64_t all[5];
	char text[20];

	for (int i = 0; i < 5; i++) {
		(void)text_printf(text, sizeof(text), "m%d", i);
		all[i] = rendezvous_hash(text);
	}
	for (int i = 0; i < NAMES; i++) {
		uint64_t left[5];
		size_t n = 5;

		memcpy(left, all, sizeof(left));
		for (size_t nth = 0; nth < 5; nth++) {
			size_t is = rendezvous_pick(left, n, names[i]);

			assert_int_equal(all[rendezvous_nth(all, 5, names[i],
			    nth)], left[is]);
			memmove(left + is, left + is + 1,
			    (--n - is) * sizeof(*left));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreed),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_movement),
		cmocka_unit_test(test_nth),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
