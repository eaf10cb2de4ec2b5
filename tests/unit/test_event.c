/* SPDX-License-Identifier: MIT */
/* Which messages have an id in the journal. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/store/store.h"

static enum log_id logged;
static unsigned n_logged, n_stored;

void	__wrap_log_at(enum log_level, const struct log_ctx *, const char *,
	    ...);
void	__wrap_store_event_add(struct store *, const char *,
	    const struct store_event *);

void
__wrap_log_at(enum log_level level, const struct log_ctx *ctx,
    const char *fmt, ...)
{
	logged = ctx->id;
	n_logged++;
}

void
__wrap_store_event_add(struct store *st, const char *cert,
    const struct store_event *ev)
{
	n_stored++;
}

/* Who filters by "a renewal failed" does not hear of one that was only
 * tried. */
static void
test_dry_run(void **state)
{
	static const struct { const char *name; enum log_id failed, installed;
		bool is_stored; } cases[] = {
		{ "web", LOGM_RENEWAL_FAILED, LOGM_INSTALLED, true },
		{ API_DRY_RUN "web", LOGM_NONE, LOGM_NONE, false },
	};
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:timeout", "no answer");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct certs certs = { 0 };
		struct cert c = { .certs = &certs };

		TAILQ_INIT(&certs.events.subs);
		c.row.name = (char *)(uintptr_t)cases[i].name;
		n_logged = n_stored = 0;
		event_end(&c, STEP_AUTHORIZE, &err, "%s", err.msg);
		assert_int_equal(logged, cases[i].failed);
		event_emit(&certs, cases[i].name, STEP_INSTALL, LOGL_NOTICE,
		    "installed");
		assert_int_equal(logged, cases[i].installed);
		assert_int_equal(n_logged, 2);
		assert_int_equal(n_stored, cases[i].is_stored ? 2 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
