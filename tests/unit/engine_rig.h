/* SPDX-License-Identifier: MIT */
/*
 * engine_rig - an engine over the fakes of tests/fake, a real store in a
 * scratch directory, and time that only passes here.
 */
#ifndef TESTS_UNIT_ENGINE_RIG_H
#define TESTS_UNIT_ENGINE_RIG_H

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "daemon/certs/event.h"
#include "daemon/engine/priv.h"
#include "tests/fake/fake_acme.h"
#include "tests/fake/fake_check.h"
#include "tests/fake/fake_deploy.h"
#include "tests/fake/fake_dns.h"
#include "tests/fake/fake_hooks.h"
#include "tests/fake/fake_time.h"
#include "tests/unit/scratch.h"

#define RIG_NOW 1800000000

struct erig {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
	struct sd	*sd;
	struct conf	*conf;
	struct engine	*engine;	/* NULL: down */
	struct event_sub *sub;
	char		*events;	/* "CERT STEP LEVEL MSG\n" */
	unsigned	 ends, oks;	/* runs that ended; ... well */
	struct error	 err;		/* of the last end that failed */
	bool		 has_stopped;
};

/* cmocka's group and test set-up. */
int	erig_group_setup(void **state);
int	erig_group_teardown(void **state);
int	erig_setup(void **state);
int	erig_teardown(void **state);

/* A test with its rig. */
#define ERIG_TEST(f) \
	cmocka_unit_test_setup_teardown(f, erig_setup, erig_teardown)

/* An account, providers "dns" and "dns2", then text. */
void	erig_conf(struct erig *, const char *text);
/* erig_conf() and reload; {"added": ...} as text, the caller frees. */
char	*erig_reload(struct erig *, const char *text);
/* Open the store, make the engine; without and with engine_start(). */
void	erig_open(struct erig *);
void	erig_up(struct erig *);
/* engine_stop() and free, or only the latter, as kill -9 does. */
void	erig_down(struct erig *);
void	erig_crash(struct erig *);

/* Go on until n more runs have ended; at most two days: a daily retry may be a
 * fifth late. */
void	erig_ends(struct erig *, unsigned n);
/* Go on until the condition holds; the same. */
#define ERIG_UNTIL(cond) do {						\
	int64_t by_ = clock_mono_ms() + 2 * DAY;			\
	while (!(cond)) {						\
		if (clock_mono_ms() > by_ || !fake_time_step())		\
			fail_msg("never: %s", #cond);			\
	}								\
} while (0)
struct cert	*erig_cert(struct erig *, const char *name);
struct store_cert *erig_row(struct erig *, const char *name);
/* Has an event with this text been told? */
bool	erig_told(struct erig *, const char *text);
void	erig_events_clear(struct erig *);
/* The text of live/NAME/FILE; the caller frees. */
char	*erig_live(struct erig *, const char *name, const char *file);

/* The order in which certificates were asked for: "a.test b.test ". */
void	expect_ordered(const char *names);
/* What is to be done next for it (engine_next_at()). */
void	expect_next(struct erig *, const char *name, const char *action);
/* erig_reload() gives that report. */
void	expect_reload(struct erig *, const char *conf, const char *report);

#endif
