/* SPDX-License-Identifier: MIT */
/* When it is looked for news that was told. */
#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/error.h"
#include "daemon/certs/cert.h"
#include "daemon/config/conf_cluster.h"
#include "daemon/config/conf_realm.h"
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

/* A host of a cluster looks for what nobody has issued yet.  News that comes
 * meanwhile is looked for at once, or in seconds where the look had no answer,
 * however many had none before. */
static void
test_news_of_none(void **state)
{
	struct conf_repository repository = { .name = NULL };
	struct conf_realm realm = { .certs = &repository };
	struct conf_cert conf = { .realm = &realm, .poll_s = DAY };
	struct conf_cluster cluster = { .name = (char *)(uintptr_t)"web1",
	    .role = CLUSTER_SERVE };
	const struct conf whole = { .cluster = &cluster };
	struct certs certs = { .conf = &whole };
	struct cert c = { .certs = &certs, .conf = &conf, .is_taken = true };
	struct rollout_env env = { .loop = NULL };
	const struct error missing = { .kind = ERR_REJECTED,
	    .code = "object:missing" };
	const struct error slow = { .kind = ERR_TRANSIENT,
	    .code = "etcd:unavailable" };
	const char *action;

	watch_reload(&env, &c);
	watch_poll(&c);
	watch_soon(&c, 0);
	watch_poll(&c);
	done(&missing, NULL, done_arg);
	assert_true(watch_next_at(&c, &action) <= clock_now());
	watch_poll(&c);
	done(&missing, NULL, done_arg);
	assert_true(watch_next_at(&c, &action) > clock_now() + 60);

	for (int i = 0; i < 8; i++) {
		watch_poll(&c);
		done(&slow, NULL, done_arg);
	}
	assert_true(watch_next_at(&c, &action) > clock_now() + 60);
	watch_poll(&c);
	watch_soon(&c, 0);
	watch_poll(&c);
	done(&slow, NULL, done_arg);
	assert_true(watch_next_at(&c, &action) < clock_now() + 10);
	watch_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_news_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
