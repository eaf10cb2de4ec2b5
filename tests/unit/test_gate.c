/* SPDX-License-Identifier: MIT */
/* Switches of live/ and those who read it, in turns. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/gate.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_time.h"

struct rig {
	struct loop	*loop;
	struct gate	*gate;
	bool		 is_more;
	char		 log[256];	/* who had a turn */
	char		 late[64];
};

struct one {
	struct rig	*rig;
	const char	*name;
	struct gate_op	*op;
};

static bool
more_cb(void *arg)
{
	return ((struct rig *)arg)->is_more;
}

static void
late_cb(const char *reader, void *arg)
{
	struct rig *r = arg;

	(void)text_printf(r->late, sizeof(r->late), "%s", reader);
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	fake_time_start(1700000000);
	r->loop = loop_new();
	r->gate = gate_new(&(struct gate_args){ .loop = r->loop,
	    .is_more = more_cb, .late = late_cb, .arg = r });
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	gate_free(r->gate);
	assert_int_equal(fake_time_timers(), 0);
	loop_free(r->loop);
	free(r);
	return 0;
}

static void
note(struct one *o)
{
	size_t used = strlen(o->rig->log);

	(void)text_printf(o->rig->log + used, sizeof(o->rig->log) - used,
	    "%s ", o->name);
}

static void
switch_cb(void *arg)
{
	struct one *o = arg;

	o->op = NULL;
	note(o);
}

static void
read_cb(void *arg)
{
	note(arg);
}

static void
switches(struct rig *r, struct one *o, const char *name)
{
	*o = (struct one){ .rig = r, .name = name };
	o->op = gate_switch_start(r->gate, true, switch_cb, o);
}

static void
reads(struct rig *r, struct one *o, const char *name)
{
	*o = (struct one){ .rig = r, .name = name };
	o->op = gate_read_start(r->gate, name, read_cb, o);
}

static void
expect(struct rig *r, const char *log)
{
	assert_string_equal(r->log, log);
	r->log[0] = '\0';
}

static void
test_turns(void **state)
{
	struct rig *r = *state;
	struct one a, b, x, y, z;

	/* Alone nobody waits. */
	switches(r, &x, "x");
	fake_time_pass(0);
	expect(r, "x ");
	reads(r, &a, "a");
	fake_time_pass(0);
	assert_string_equal(gate_reader(r->gate), "a");
	/* A switch waits for who reads, and readers for the switch. */
	switches(r, &x, "x");
	switches(r, &y, "y");
	reads(r, &b, "b");
	fake_time_pass(5 * SECOND);
	expect(r, "a ");
	gate_end(a.op);
	fake_time_pass(0);
	expect(r, "x y b ");
	/* Readers who wait are not passed by one switch after the other. */
	switches(r, &x, "x");
	reads(r, &a, "a");
	fake_time_pass(0);
	switches(r, &y, "y");
	gate_end(b.op);
	fake_time_pass(0);
	expect(r, "x y a ");
	switches(r, &x, "x");
	reads(r, &b, "b");
	gate_end(a.op);
	fake_time_pass(0);
	switches(r, &z, "z");
	fake_time_pass(0);
	expect(r, "x b ");
	/* Who gives up is no reason to wait. */
	gate_end(b.op);
	fake_time_pass(0);
	expect(r, "z ");
	reads(r, &a, "a");
	switches(r, &x, "x");
	gate_end(x.op);
	gate_end(a.op);
	gate_end(NULL);
	fake_time_pass(SECOND);
	expect(r, "");
}

/* Where more are expected they are gathered, and not for ever. */
static void
test_gather(void **state)
{
	struct rig *r = *state;
	struct one o[20], a;

	r->is_more = true;
	switches(r, &o[0], "0");
	reads(r, &a, "a");
	fake_time_pass(GATE_QUIET_MS - 1);
	switches(r, &o[1], "1");
	assert_int_equal(gate_waiting(r->gate), 2);
	fake_time_pass(GATE_QUIET_MS - 1);
	expect(r, "");
	fake_time_pass(2);
	expect(r, "0 1 a ");
	gate_end(a.op);
	for (size_t i = 0; i < 9; i++) {
		switches(r, &o[i], "x");
		fake_time_pass(GATE_GATHER_MS / 10);
	}
	expect(r, "");
	fake_time_pass(GATE_GATHER_MS / 10 + 1);
	expect(r, "x x x x x x x x x ");
	/* An install step is one of a target's: nothing is gathered. */
	o[0].op = gate_switch_start(r->gate, false, switch_cb, &o[0]);
	fake_time_pass(0);
	expect(r, "x ");
}

/* A reload that hangs holds up switches for a minute, once. */
static void
test_patience(void **state)
{
	struct rig *r = *state;
	struct one a, b, x;

	reads(r, &a, "a");
	fake_time_pass(HOUR);
	switches(r, &x, "x");
	fake_time_pass(GATE_PATIENCE_MS - 1);
	expect(r, "a ");
	assert_string_equal(r->late, "");
	fake_time_pass(2);
	expect(r, "x ");
	assert_string_equal(r->late, "a");
	assert_null(gate_reader(r->gate));
	switches(r, &x, "x");
	fake_time_pass(0);
	expect(r, "x ");
	/* Others are waited for as ever. */
	reads(r, &b, "b");
	fake_time_pass(0);
	switches(r, &x, "x");
	fake_time_pass(SECOND);
	expect(r, "b ");
	gate_end(a.op);
	gate_end(b.op);
	fake_time_pass(0);
	expect(r, "x ");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_turns),
		TEST(test_gather),
		TEST(test_patience),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
