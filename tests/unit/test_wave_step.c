/* SPDX-License-Identifier: MIT */
/* When the next wave of hosts may take a version, and when none may. */
#include "tests/unit/unit.h"

#include <string.h>

#include "daemon/config/conf_repository.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/wave_step.h"
#include "daemon/store/store.h"

#define NOW 1800000000

static char *waves[] = { (char *)(uintptr_t)"canary-*",
    (char *)(uintptr_t)"eu-*", (char *)(uintptr_t)"*", NULL };
static const struct conf_repository three = { .waves = waves, .n_waves = 3,
    .wave_pause_s = 600 };

static void
test_names(void **state)
{
	(void)state;
	assert_true(conf_waves_have(waves, 1, "canary-1"));
	assert_false(conf_waves_have(waves, 1, "eu-1"));
	assert_true(conf_waves_have(waves, 2, "eu-1"));
	assert_false(conf_waves_have(waves, 2, "us-1"));
	assert_true(conf_waves_have(waves, 3, "us-1"));
	assert_false(conf_waves_have(waves, 0, "us-1"));
}

static void
test_step(void **state)
{
	static const struct {
		const char *what;
		unsigned opened;	/* before */
		time_t served_at;
		size_t waiting;
		const char *failed;
		enum wave_next next;
		unsigned opens;		/* after */
		time_t serves;
		enum wave_state is;
	} cases[] = {
		{ "one has it not", 1, 0, 1, "", WAVE_NEXT_NONE, 1, 0,
		    WAVE_RUNNING },
		{ "all have it", 1, 0, 0, "", WAVE_NEXT_SAVE, 1, NOW,
		    WAVE_RUNNING },
		{ "one has lost it", 1, NOW - 10, 1, "", WAVE_NEXT_SAVE, 1,
		    0, WAVE_RUNNING },
		{ "pause", 1, NOW - 599, 0, "", WAVE_NEXT_NONE, 1, NOW - 599,
		    WAVE_RUNNING },
		{ "its end", 1, NOW - 600, 0, "", WAVE_NEXT_OPENED, 2,
		    STORE_WAVE_UNTOLD, WAVE_RUNNING },
		{ "the clock was set back", 1, NOW + 1, 0, "",
		    WAVE_NEXT_OPENED, 2, STORE_WAVE_UNTOLD, WAVE_RUNNING },
		{ "the last", 2, NOW - 600, 0, "", WAVE_NEXT_OPENED, 3,
		    STORE_WAVE_UNTOLD, WAVE_DONE },
		{ "one cannot", 1, NOW - 600, 0, "eu-1: no",
		    WAVE_NEXT_STOPPED, 1, NOW - 600, WAVE_STOPPED },
		{ "there are fewer now", 7, 0, 5, "", WAVE_NEXT_OPENED, 3,
		    STORE_WAVE_UNTOLD, WAVE_DONE },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct store_wave w = { .opened = cases[i].opened,
		    .served_at = cases[i].served_at,
		    .opened_at = NOW - 1000, .state = WAVE_RUNNING };
		enum wave_next next = wave_step(&w, &three, cases[i].waiting,
		    cases[i].failed, NOW);

		if (next != cases[i].next || w.opened != cases[i].opens ||
		    w.served_at != cases[i].serves ||
		    w.state != cases[i].is)
			fail_msg("%s: %d, %u, %lld, %d", cases[i].what,
			    (int)next, w.opened, (long long)w.served_at,
			    (int)w.state);
		assert_string_equal(w.why, cases[i].failed);
		assert_int_equal(w.opened_at, next == WAVE_NEXT_OPENED ? NOW :
		    NOW - 1000);
	}
}

/* There are none any more: all may take it. */
static void
test_removed(void **state)
{
	static const struct conf_repository none = { .n_waves = 0 };
	struct store_wave w = { .opened = 1, .state = WAVE_RUNNING };

	(void)state;
	assert_int_equal(wave_step(&w, &none, 9, "", NOW), WAVE_NEXT_OPENED);
	assert_int_equal(w.state, WAVE_DONE);
	assert_int_equal(w.opened, 0);
}

static void
test_failed(void **state)
{
	struct store_wave w = { .serial = "0b", .opened_at = NOW };
	struct host_told t = { .serial = "0b", .code = "deploy:failed",
	    .error = "no", .at = NOW };

	(void)state;
	assert_true(wave_host_failed(&w, &t));
	t.at = NOW - 1;			/* of before it could have it */
	assert_false(wave_host_failed(&w, &t));
	t.at = NOW;
	t.serial = "0a";		/* of the one that it still has */
	assert_false(wave_host_failed(&w, &t));
	t.code = "deploy:rolled-back";
	assert_true(wave_host_failed(&w, &t));
	t = (struct host_told){ .serial = "0b", .code = "", .at = NOW };
	assert_false(wave_host_failed(&w, &t));	/* it is at it */
}

static void
test_withdraw(void **state)
{
	struct store_wave w = { .serial = "0a", .opened = 2, .why = "no",
	    .state = WAVE_STOPPED };

	(void)state;
	wave_withdraw(&w, "0b", NOW);
	assert_string_equal(w.serial, "0b");
	assert_int_equal(w.not_before, NOW);
	assert_int_equal(w.state, WAVE_WITHDRAWN);
	assert_string_equal(w.why, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_withdraw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
