/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "daemon/io/loop.h"
#include "daemon/io/slots.h"

static void
count_cb(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
turn(struct loop *loop)
{
	struct timer t;
	unsigned over = 0;

	timer_init(&t, loop, count_cb, &over);
	timer_set(&t, 1);
	while (over == 0)
		loop_turn(loop);
}

/* In the order of their coming, so many at once. */
static void
test_slots(void **state)
{
	struct loop *loop = loop_new();
	struct slots *s = slots_new(loop, 2);
	struct slot *slot[5];
	unsigned had[5] = { 0 };

	for (size_t i = 0; i < N_ELEMENTS(slot); i++)
		slot[i] = slot_take(s, count_cb, &had[i]);
	assert_int_equal(had[0], 0);	/* never from take */
	turn(loop);
	assert_true(had[0] == 1 && had[1] == 1 && had[2] == 0);
	slot_give(slot[2]);		/* does not want one any more */
	turn(loop);
	assert_true(had[2] == 0 && had[3] == 0);
	slot_give(slot[0]);
	turn(loop);
	assert_true(had[3] == 1 && had[4] == 0);
	slot_give(slot[1]);
	slot_give(slot[3]);
	turn(loop);
	assert_int_equal(had[4], 1);
	slot_give(slot[4]);
	slot_give(NULL);
	slots_free(s);
	slots_free(NULL);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
