/* SPDX-License-Identifier: MIT */
/* When it is looked for news that was told. */
#include "tests/unit/unit.h"

#include "common/clock.h"
#include "daemon/certs/cert.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"

#define DAY 86400

static fetch_done_cb *done;
static void *done_arg;
static int looks;

struct fetch_op *__wrap_fetch_start(const struct fetch_args *,
    fetch_done_cb *, void *);
void	__wrap_fetch_cancel(struct fetch_op *);
void	__wrap_cert_changed(struct cert *);

struct fetch_op *
__wrap_fetch_start(const struct fetch_args *a, fetch_done_cb *cb, void *arg)
{
	done = cb;
	done_arg = arg;
	looks++;
	return (struct fetch_op *)&looks;
}

void
__wrap_fetch_cancel(struct fetch_op *op)
{
}

void
__wrap_cert_changed(struct cert *c)
{
}

/* News that comes while the manifest is read is looked for at once, also if a
 * run reads it; and once only. */
static void
test_news(void **state)
{
	struct conf_repository repository = { .name = NULL };
	struct conf_cert conf = { .source = &repository, .poll_s = DAY };
	const struct conf whole = { .host_name = NULL };
	struct certs certs = { .conf = &whole };
	struct cert c = { .certs = &certs, .conf = &conf };
	struct rollout_env env = { .loop = NULL };
	const struct fetch_result same = { .is_new = false };
	const char *action;

	c.row.not_before = clock_now() - DAY;
	c.row.not_after = clock_now() + 80 * DAY;
	c.row.serial = (char *)(uintptr_t)"ab";
	watch_reload(&env, &c);
	watch_poll(&c);
	done(NULL, &same, done_arg);
	assert_true(watch_next_at(&c, &action) > clock_now() + DAY / 2);
	/* While it is looked; the engine comes before that has ended. */
	watch_poll(&c);
	watch_soon(&c, 0);
	assert_true(watch_next_at(&c, &action) <= clock_now());
	watch_poll(&c);
	assert_int_equal(looks, 2);
	done(NULL, &same, done_arg);
	assert_true(watch_next_at(&c, &action) <= clock_now());
	watch_poll(&c);
	assert_int_equal(looks, 3);
	done(NULL, &same, done_arg);
	assert_true(watch_next_at(&c, &action) > clock_now() + DAY / 2);
	/* While a run has it. */
	watch_soon(&c, 0);
	watch_seen(&c, &same);
	assert_true(watch_next_at(&c, &action) <= clock_now());
	watch_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
