/* SPDX-License-Identifier: MIT */
/* Which uploads may be removed: daemon/deploy/cloud_journal.h. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/deploy/cloud_journal.h"
#include "tests/unit/state_dir.h"

#define HERE "aliyun-cas ali china"

time_t __wrap_clock_now(void);

static time_t now;

time_t
__wrap_clock_now(void)
{
	return now;
}

static void
load(struct fixture *f, struct cloud_journal *j, const char *target,
    const char *place, const char *version)
{
	cloud_journal_load(j, f->store, "a.test", target, place, version);
}

/* The target uploads a version, or finds it, and perhaps binds it. */
static void
put(struct fixture *f, const char *target, const char *place,
    const char *version, const char *id, bool is_foreign, bool binds)
{
	struct cloud_journal j;

	load(f, &j, target, place, version);
	cloud_journal_put(&j, id, is_foreign);
	if (binds)
		cloud_journal_bind(&j);
	cloud_journal_clear(&j);
}

/* What the target, which has that version, removes: ids, each with a space. */
static void
expect_old(struct fixture *f, const char *target, const char *place,
    const char *version, const char *ids)
{
	const struct store_cloud *r;
	struct cloud_journal j;
	char got[200] = "";
	size_t n = 0;

	load(f, &j, target, place, version);
	while ((r = cloud_journal_old(&j, &n)) != NULL) {
		size_t used = strlen(got);

		(void)text_printf(got + used, sizeof(got) - used, "%s ",
		    r->id);
		cloud_journal_forget(&j, r->id);
	}
	cloud_journal_clear(&j);
	assert_string_equal(got, ids);
}

static int
begin(void **state)
{
	now = 1000;
	return set_up(state);
}

/* Renewals within one second, and after the clock was set back. */
static void
test_successor(void **state)
{
	struct fixture *f = *state;
	struct cloud_journal j;

	put(f, "cdn", HERE, "v1", "1", false, true);
	expect_old(f, "cdn", HERE, "v1", "");
	put(f, "cdn", HERE, "v2", "2", false, true);
	expect_old(f, "cdn", HERE, "v2", "1 ");
	now = 10;
	put(f, "cdn", HERE, "v3", "3", false, true);
	load(f, &j, "cdn", HERE, "v3");
	assert_string_equal(cloud_journal_bound(&j), "3");
	cloud_journal_clear(&j);
	expect_old(f, "cdn", HERE, "v3", "2 ");
	expect_old(f, "cdn", HERE, "v3", "");
}

/* The binding of 2 was not answered: it may have been done, until a later one
 * is known to have been. */
static void
test_not_answered(void **state)
{
	struct fixture *f = *state;

	put(f, "cdn", HERE, "v1", "1", false, true);
	put(f, "web", HERE, "v1", "1", false, true);
	now = 1010;
	put(f, "web", HERE, "v2", "2", false, false);
	now = 1020;
	put(f, "cdn", HERE, "v3", "3", false, true);
	expect_old(f, "cdn", HERE, "v3", "");
	now = 1030;
	put(f, "web", HERE, "v3", "3", false, true);
	expect_old(f, "web", HERE, "v3", "1 2 ");
}

/* A rollback that is under way holds what it goes back to. */
static void
test_going_back(void **state)
{
	struct fixture *f = *state;

	put(f, "cdn", HERE, "v1", "1", false, true);
	now = 1010;
	put(f, "cdn", HERE, "v2", "2", false, true);
	now = 1020;
	put(f, "cdn", HERE, "v1", "1", false, false);
	put(f, "web", HERE, "v2", "2", false, true);
	expect_old(f, "web", HERE, "v2", "");
	put(f, "cdn", HERE, "v1", "1", false, true);
	now = 1030;
	put(f, "cdn", HERE, "v2", "2", false, true);
	expect_old(f, "cdn", HERE, "v2", "1 ");
}

/* Two names of the same credentials are the same customer's. */
static void
test_other_credentials(void **state)
{
	static const char there[] = "aliyun-cas ali2 china";
	struct fixture *f = *state;
	struct cloud_journal j;

	put(f, "cdn", HERE, "v1", "1", false, true);
	put(f, "web", there, "v1", "1", false, true);
	put(f, "waf", "tencent-ssl ali china", "v1", "1", false, true);
	now = 1010;
	put(f, "cdn", HERE, "v2", "2", false, true);
	expect_old(f, "cdn", HERE, "v2", "");
	/* What is known there is not known here. */
	load(f, &j, "web", there, "v2");
	assert_false(cloud_journal_knows(&j));
	assert_string_equal(cloud_journal_id(&j), "");
	assert_string_equal(cloud_journal_bound(&j), "1");
	cloud_journal_clear(&j);
	put(f, "web", there, "v2", "2", false, true);
	expect_old(f, "cdn", HERE, "v2", "1 ");
}

/* What somebody else has uploaded is never ours, whichever target found it. */
static void
test_foreign(void **state)
{
	struct fixture *f = *state;

	put(f, "cdn", HERE, "v1", "theirs", true, true);
	/* It is bound already: nothing was looked for. */
	put(f, "web", HERE, "v1", "theirs", false, true);
	now = 1010;
	put(f, "web", HERE, "v2", "2", false, true);
	put(f, "cdn", HERE, "v2", "2", false, true);
	expect_old(f, "web", HERE, "v2", "");
	expect_old(f, "cdn", HERE, "v2", "");
}

/* The row that another target has written before its upload stays. */
static void
test_begun(void **state)
{
	struct fixture *f = *state;
	struct cloud_journal j;

	put(f, "cdn", HERE, "v1", "1", false, true);
	now = 1010;
	put(f, "web", HERE, "v2", "", false, false);
	now = 1020;
	put(f, "cdn", HERE, "v3", "3", false, true);
	expect_old(f, "cdn", HERE, "v3", "1 ");
	load(f, &j, "web", HERE, "v2");
	assert_true(cloud_journal_knows(&j));
	cloud_journal_clear(&j);
}

/* The id of an upload that was there before one of it was begun again is not
 * forgotten: a vendor that says it has the certificate names it. */
static void
test_begun_again(void **state)
{
	struct fixture *f = *state;
	struct cloud_journal j;

	put(f, "cdn", HERE, "v1", "1", false, false);
	load(f, &j, "cdn", HERE, "v1");
	assert_true(cloud_journal_knows(&j));
	assert_false(cloud_journal_is_done(&j));
	cloud_journal_bind(&j);
	cloud_journal_begin(&j);
	cloud_journal_clear(&j);
	load(f, &j, "cdn", HERE, "v1");
	assert_true(cloud_journal_is_done(&j));
	cloud_journal_put(&j, "1", true);
	assert_false(j.mine.is_foreign);
	cloud_journal_put(&j, "2", true);
	assert_true(j.mine.is_foreign);
	cloud_journal_clear(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_successor, begin,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_not_answered, begin,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_going_back, begin,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_other_credentials, begin,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_foreign, begin,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_begun, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_begun_again, begin,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
