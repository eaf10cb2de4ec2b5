/* SPDX-License-Identifier: MIT */
#include "tests/unit/engine_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/io/sd.h"
#include "tests/unit/conf_fixture.h"

static const char head[] =
    "account \"ca\" { directory = \"https://ca.test/dir\" agree_tos = true }\n"
    "provider \"dns\" { type = bare }\n"
    "provider \"dns2\" { type = bare }\n";

int
erig_group_setup(void **state)
{
	log_set_level(LOGL_ERROR);
	return fixture_setup(state);
}

int
erig_group_teardown(void **state)
{
	fixture_remove("acmed.conf");
	return fixture_teardown(state);
}

int
erig_setup(void **state)
{
	struct erig *r = xcalloc(1, sizeof(*r));

	fake_time_start(RIG_NOW);
	scratch_make(&r->scratch);
	r->loop = loop_new();
	r->sd = sd_new(r->loop);
	fake_ca_reset();
	fake_ca.loop = r->loop;
	fake_dns_reset();
	fake_deploy_reset(r->loop);
	fake_check_reset(r->loop);
	fake_hooks_reset(r->loop);
	r->events = xstrdup("");
	*state = r;
	return 0;
}

static void
check_idle(void)
{
	assert_int_equal(fake_ca.in_flight, 0);
	assert_int_equal(fake_dns.in_flight, 0);
	assert_int_equal(fake_deploy.in_flight, 0);
	assert_int_equal(fake_time_timers(), 0);
}

int
erig_teardown(void **state)
{
	struct erig *r = *state;

	erig_crash(r);
	sd_free(r->sd);
	conf_unref(r->conf);
	loop_free(r->loop);
	scratch_remove(&r->scratch);
	free(r->events);
	free(r);
	fake_ca_reset();
	return 0;
}

void
erig_conf(struct erig *r, const char *text)
{
	char *all = xasprintf("%s%s", head, text), *reports;

	conf_unref(r->conf);
	fixture_write("acmed.conf", 0644, all);
	r->conf = fixture_load("acmed.conf", &reports);
	if (r->conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	free(all);
}

char *
erig_reload(struct erig *r, const char *text)
{
	json_t *report;
	char *dump;

	erig_conf(r, text);
	report = engine_reload(r->engine, r->conf);
	dump = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	return dump;
}

static void
event_cb(const json_t *event, void *arg)
{
	struct erig *r = arg;
	const char *cert, *step, *level, *msg;
	json_t *failure;
	char *all;

	assert_int_equal(json_unpack((json_t *)(uintptr_t)event,
	    "{s:s, s:s, s:s, s:s}", "cert", &cert, "step", &step, "level",
	    &level, "msg", &msg), 0);
	all = xasprintf("%s%s %s %s %s\n", r->events, cert, step, level, msg);
	free(r->events);
	r->events = all;
	if (json_object_get(event, "end") == NULL)
		return;
	r->ends++;
	failure = json_object_get(event, "error");
	assert_int_equal(failure == NULL,
	    json_is_true(json_object_get(event, "ok")));
	if (failure == NULL) {
		r->oks++;
		return;
	}
	(void)error_set(&r->err, err_kind_parse(json_string_value(
	    json_object_get(failure, "kind"))), json_string_value(
	    json_object_get(failure, "code")), "%s", json_string_value(
	    json_object_get(failure, "msg")));
}

void
erig_open(struct erig *r)
{
	struct engine_args args = { .loop = r->loop, .sd = r->sd,
	    .conf = r->conf };
	struct error err;

	r->store = store_open(r->loop, scratch_path(&r->scratch, "s"), &err);
	if (r->store == NULL)
		fail_msg("%s", err.msg);
	args.store = r->store;
	r->engine = engine_new(&args, &err);
	if (r->engine == NULL)
		fail_msg("%s", err.msg);
	r->sub = engine_subscribe(r->engine, event_cb, r);
}

void
erig_up(struct erig *r)
{
	erig_open(r);
	engine_start(r->engine);
}

void
erig_crash(struct erig *r)
{
	if (r->engine == NULL)
		return;
	event_unsubscribe(r->sub);
	engine_free(r->engine);
	r->engine = NULL;
	store_close(r->store);
	check_idle();
}

static void
stopped_cb(void *arg)
{
	struct erig *r = arg;

	assert_false(r->has_stopped);
	r->has_stopped = true;
}

void
erig_down(struct erig *r)
{
	int64_t begun = clock_mono_ms();

	r->has_stopped = false;
	engine_stop(r->engine, stopped_cb, r);
	ERIG_UNTIL(r->has_stopped);
	assert_true(clock_mono_ms() - begun <= 8100);
	erig_crash(r);
}

void
erig_ends(struct erig *r, unsigned n)
{
	unsigned want = r->ends + n;

	ERIG_UNTIL(r->ends >= want);
}

struct cert *
erig_cert(struct erig *r, const char *name)
{
	struct cert *c = certs_find(r->engine->certs, name);

	assert_non_null(c);
	return c;
}

struct store_cert *
erig_row(struct erig *r, const char *name)
{
	return &erig_cert(r, name)->row;
}

bool
erig_told(struct erig *r, const char *text)
{
	return strstr(r->events, text) != NULL;
}

void
erig_events_clear(struct erig *r)
{
	r->events[0] = '\0';
}

char *
erig_live(struct erig *r, const char *name, const char *file)
{
	struct error err;
	char *text;
	size_t len;

	if (file_read(AT_FDCWD, scratch_path(&r->scratch, "s/live/%s/%s",
	    name, file), 1 << 20, &text, &len, &err) == -1)
		fail_msg("%s", err.msg);
	return text;
}

/* The order in which certificates were asked for: "a b c ". */
static char *
ordered(void)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < fake_ca.n_orders; i++) {
		char *more = xasprintf("%s%s ", all,
		    fake_ca.orders[i].names[0]);

		free(all);
		all = more;
	}
	return all;
}

void
expect_ordered(const char *names)
{
	char *got = ordered();

	assert_string_equal(got, names);
	free(got);
}

void
expect_next(struct erig *r, const char *name, const char *action)
{
	const char *got;

	(void)engine_next_at(r->engine, erig_cert(r, name), &got);
	assert_string_equal(got, action);
}

void
expect_reload(struct erig *r, const char *conf, const char *report)
{
	char *got = erig_reload(r, conf);

	assert_string_equal(got, report);
	free(got);
}
