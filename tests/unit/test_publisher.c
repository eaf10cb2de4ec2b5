/* SPDX-License-Identifier: MIT */
/* One key for all who publish for hosts, with an etcd of one key in memory. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/secret.h"
#include "daemon/cluster/publisher.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/rest/sign.h"
#include "daemon/store/identity.h"
#include "daemon/store/store.h"
#include "tests/fake/fake_time.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/scratch.h"

#define KEY "/acmed/state/publisher"
#define N_MEMBERS 2

/* --- etcd --- */

struct etcd_op {
	struct timer	 timer;
	const char	*path;
	json_t		*body;
	etcd_done_cb	*done;
	void		*arg;
};

static struct {
	struct loop	*loop;
	char		*value;		/* base64; NULL: not there */
	bool		 is_down;	/* nobody answers */
	unsigned	 lost;		/* so many answers to transactions */
	unsigned	 calls;
	int64_t		 latency_ms;
} fake;

struct etcd_op *__wrap_etcd_call_start(struct etcd *, const struct etcd_args *,
    const char *, json_t *, etcd_done_cb *, void *);
void	__wrap_etcd_cancel(struct etcd_op *);

static json_t *
kvs(void)
{
	json_t *list = json_array(), *key = etcd_text(KEY);

	if (fake.value != NULL)
		(void)json_array_append_new(list, json_pack("{s:O, s:s, s:s, "
		    "s:s}", "key", key, "value", fake.value,
		    "create_revision", "2", "mod_revision", "2"));
	json_decref(key);
	return json_pack("{s:o}", "kvs", list);
}

static json_t *
txn(const json_t *body)
{
	bool is_free = fake.value == NULL;

	if (strcmp(jsonx_str(body, "compare.0.target"), "MOD") == 0) {
		is_free = jsonx_number(body, "compare.0.mod_revision", -1) ==
		    2;
	} else {
		assert_string_equal(jsonx_str(body, "compare.0.target"),
		    "CREATE");
		assert_int_equal(jsonx_number(body,
		    "compare.0.create_revision", -1), 0);
	}
	if (is_free)
		free(fake.value);
	if (is_free)
		fake.value = xstrdup(jsonx_str(body,
		    "success.0.request_put.value"));
	return json_pack("{s:b, s:[{s:o}]}", "succeeded", is_free,
	    "responses", is_free ? "response_put" : "response_range",
	    is_free ? json_object() : kvs());
}

static void
op_free(struct etcd_op *op)
{
	timer_clear(&op->timer);
	json_decref(op->body);
	free(op);
}

static void
answer_cb(void *arg)
{
	struct etcd_op *op = arg;
	bool is_txn = strcmp(op->path, "/v3/kv/txn") == 0;
	json_t *reply = fake.is_down ? NULL : is_txn ? txn(op->body) : kvs();
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "etcd:unavailable", "gone");
	if (reply != NULL && is_txn && fake.lost > 0) {
		fake.lost--;
		json_decref(reply);
		reply = NULL;
	}
	op->done(reply == NULL ? &err : NULL, reply, op->arg);
	json_decref(reply);
	op_free(op);
}

struct etcd_op *
__wrap_etcd_call_start(struct etcd *e, const struct etcd_args *a,
    const char *path, json_t *body, etcd_done_cb *done, void *arg)
{
	struct etcd_op *op = xcalloc(1, sizeof(*op));

	(void)e;
	assert_non_null(a->conf);
	fake.calls++;
	op->path = path;
	op->body = body;
	op->done = done;
	op->arg = arg;
	timer_init(&op->timer, fake.loop, answer_cb, op);
	timer_set(&op->timer, fake.latency_ms);
	return op;
}

void
__wrap_etcd_cancel(struct etcd_op *op)
{
	if (op != NULL)
		op_free(op);
}

/* --- members --- */

struct rig {
	struct scratch	 scratch;
	struct {
		struct store	*store;
		struct publisher *publisher;
		struct conf	*conf;
	} m[N_MEMBERS];
};

static void
configure(struct rig *r, int n, const char *more)
{
	char *text = xasprintf("%s\naccount \"ca\" { directory = "
	    "\"https://ca.test/dir\" agree_tos = true }\n"
	    "repository \"p\" { type = directory path = \"/srv\"\n"
	    " encrypt_to = hosts }\n", more), *reports;

	conf_unref(r->m[n].conf);
	fixture_write("acmed.conf", 0600, text);
	r->m[n].conf = fixture_load("acmed.conf", &reports);
	if (r->m[n].conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	free(text);
	publisher_apply(r->m[n].publisher, r->m[n].conf);
}

static void
member(struct rig *r, int n, const char *role)
{
	char *text = xasprintf("cluster { etcd = { \"http://h:2379\" }\n"
	    " encrypt_key_file = \"%s\" name = r%d role = %s }\n",
	    fixture_path("secret"), n + 1, role);

	configure(r, n, text);
	free(text);
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct error err;

	fake_time_start(1800000000);
	scratch_make(&r->scratch);
	fixture_write("secret", 0600, "0123456789abcdef0123456789abcdef");
	memset(&fake, 0, sizeof(fake));
	fake.loop = loop_new();
	fake.latency_ms = 10;
	for (int i = 0; i < N_MEMBERS; i++) {
		r->m[i].store = store_open(fake.loop, scratch_path(
		    &r->scratch, "s%d", i), &err);
		if (r->m[i].store == NULL)
			fail_msg("%s", err.msg);
		r->m[i].publisher = publisher_new(fake.loop, NULL,
		    r->m[i].store);
	}
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < N_MEMBERS; i++) {
		publisher_free(r->m[i].publisher);
		store_close(r->m[i].store);
		conf_unref(r->m[i].conf);
	}
	assert_int_equal(fake_time_timers(), 0);
	loop_free(fake.loop);
	free(fake.value);
	fixture_remove("secret");
	fixture_remove("acmed.conf");
	scratch_remove(&r->scratch);
	free(r);
	return 0;
}

static const char *
file_of(struct rig *r, int n)
{
	return scratch_path(&r->scratch, "s%d/publisher.key", n);
}

/* Its public half, or the code why there is none; the caller frees. */
static char *
key_of(struct rig *r, int n)
{
	struct error err;
	struct identity *id = store_publisher(r->m[n].store, &err);
	char *text = xstrdup(id != NULL ? identity_public(id) : err.code);

	identity_free(id);
	return text;
}

static void
expect(struct rig *r, int n, const char *key)
{
	char *got = key_of(r, n);

	assert_string_equal(got, key);
	free(got);
}

static void
expect_same(struct rig *r)
{
	char *key = key_of(r, 0);

	assert_int_equal(strlen(key), IDENTITY_PUBLIC_SIZE - 1);
	expect(r, 1, key);
	free(key);
}

/* A member that has one from before. */
static char *
give(struct rig *r, int n)
{
	struct identity *id = identity_new("publisher");
	char *public = xstrdup(identity_public(id));
	struct error err;

	assert_int_equal(store_publisher_put(r->m[n].store, id, &err), 0);
	identity_free(id);
	return public;
}

/* Nobody has one: the first makes it, and uses it when etcd has it and it is on
 * its disk; the second takes it. */
static void
test_new(void **state)
{
	struct rig *r = *state;

	member(r, 0, "both");
	expect(r, 0, "cluster:publisher");
	assert_int_equal(access(file_of(r, 0), F_OK), -1);
	fake_time_pass(15);	/* it was asked; an offer is under way */
	assert_null(fake.value);
	assert_int_equal(access(file_of(r, 0), F_OK), -1);
	expect(r, 0, "cluster:publisher");
	fake_time_pass(SECOND);
	assert_int_equal(access(file_of(r, 0), F_OK), 0);
	member(r, 1, "renew");
	expect(r, 1, "cluster:publisher");
	fake_time_pass(SECOND);
	expect_same(r);
	/* What lies in etcd is sealed. */
	assert_null(strstr(fake.value, "publisher"));
}

/* Both at the same moment. */
static void
test_race(void **state)
{
	struct rig *r = *state;

	member(r, 0, "both");
	member(r, 1, "both");
	fake_time_pass(SECOND);
	expect_same(r);
}

/* One that is there is everybody's; nobody makes another. */
static void
test_own(void **state)
{
	struct rig *r = *state;
	char *key = give(r, 1);

	member(r, 1, "both");
	expect(r, 1, key);
	fake_time_pass(SECOND);
	member(r, 0, "both");
	fake_time_pass(SECOND);
	expect(r, 0, key);
	expect(r, 1, key);
	free(key);
}

/* The answer was lost, or we were killed in between: what etcd has counts. */
static void
test_lost_answer(void **state)
{
	struct rig *r = *state;

	fake.lost = 1;
	member(r, 0, "both");
	fake_time_pass(SECOND);
	assert_non_null(fake.value);
	expect(r, 0, "cluster:publisher");
	member(r, 1, "both");
	fake_time_pass(MINUTE);
	expect_same(r);
	/* Killed before it was on disk. */
	publisher_free(r->m[0].publisher);
	assert_int_equal(unlink(file_of(r, 0)), 0);
	r->m[0].publisher = publisher_new(fake.loop, NULL, r->m[0].store);
	member(r, 0, "both");
	expect(r, 0, "cluster:publisher");
	fake_time_pass(SECOND);
	expect_same(r);
}

/* Two that are different: neither is replaced, the person is told, and what he
 * chooses is taken without a restart. */
static void
test_differs(void **state)
{
	struct rig *r = *state;
	char *first = give(r, 0), *second = give(r, 1);
	struct identity *id;
	struct error err;

	member(r, 0, "both");
	fake_time_pass(SECOND);
	member(r, 1, "both");
	fake_time_pass(SECOND);
	expect(r, 0, first);
	id = store_publisher(r->m[1].store, &err);
	assert_null(id);
	assert_string_equal(err.code, "cluster:publisher");
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "member \"r1\""));
	assert_non_null(strstr(err.msg, "move the file away"));
	assert_non_null(strstr(err.msg, "etcdctl del " KEY));
	assert_int_equal(store_publisher_read(r->m[1].store, &id, &err), 0);
	assert_string_equal(identity_public(id), second);
	identity_free(id);
	/* The same after a reload. */
	member(r, 1, "both");
	expect(r, 1, "cluster:publisher");
	fake_time_pass(10 * MINUTE);
	expect(r, 1, "cluster:publisher");
	/* He wants that of the cluster. */
	assert_int_equal(unlink(file_of(r, 1)), 0);
	fake_time_pass(2 * MINUTE);
	expect(r, 0, first);
	expect(r, 1, first);
	/* Or the other one: it is on all of them, and etcd has none. */
	for (int i = 0; i < N_MEMBERS; i++)
		assert_int_equal(unlink(file_of(r, i)), 0);
	id = identity_new("publisher");
	for (int i = 0; i < N_MEMBERS; i++)
		assert_int_equal(store_publisher_put(r->m[i].store, id, &err),
		    0);
	fake_time_pass(2 * MINUTE);
	expect(r, 0, "cluster:publisher");
	free(fake.value);
	fake.value = NULL;
	fake_time_pass(2 * MINUTE);
	expect(r, 0, identity_public(id));
	expect(r, 1, identity_public(id));
	identity_free(id);
	free(second);
	free(first);
}

/* What one has used it goes on with while etcd is away; a new member waits. */
static void
test_away(void **state)
{
	struct rig *r = *state;
	char *key = give(r, 0);

	fake.is_down = true;
	member(r, 0, "both");
	member(r, 1, "both");
	fake_time_pass(MINUTE);
	expect(r, 0, key);
	expect(r, 1, "cluster:publisher");
	assert_int_equal(access(file_of(r, 1), F_OK), -1);
	fake.is_down = false;
	fake_time_pass(MINUTE);
	expect(r, 0, key);
	expect_same(r);
	/* etcd has lost all. */
	free(fake.value);
	fake.value = NULL;
	fake_time_pass(3 * MINUTE);
	assert_non_null(fake.value);
	expect(r, 0, key);
	expect_same(r);
	free(key);
}

/* Somebody has written there what we cannot read: nothing is made, nor
 * overwritten. */
static void
test_unreadable(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"key_file\": 1}",
	    "{\"key_file\": \"x\"}", "no JSON", "" };
	struct rig *r = *state;
	struct error err;
	char *sealed, *was;
	size_t len;

	fake.value = sign_base64("garbage", 7);
	member(r, 0, "both");
	fake_time_pass(MINUTE);
	expect(r, 0, "cluster:publisher");
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		sealed = secret_seal(r->m[0].conf->cluster, KEY, texts[i],
		    &len, &err);
		free(fake.value);
		fake.value = sign_base64(sealed, len);
		free(sealed);
		was = xstrdup(fake.value);
		fake_time_pass(MINUTE);
		expect(r, 0, "cluster:publisher");
		assert_string_equal(fake.value, was);
		free(was);
	}
	assert_int_equal(access(file_of(r, 0), F_OK), -1);
}

/* A new secret is the first line, then the only one. */
static void
test_new_secret(void **state)
{
	struct rig *r = *state;
	char *key = give(r, 0), *was;

	member(r, 0, "both");
	fake_time_pass(SECOND);
	was = xstrdup(fake.value);
	fixture_write("secret", 0600, "fedcba9876543210fedcba9876543210\n"
	    "0123456789abcdef0123456789abcdef\n");
	member(r, 0, "both");
	fake_time_pass(SECOND);
	assert_string_not_equal(fake.value, was);
	fixture_write("secret", 0600, "fedcba9876543210fedcba9876543210\n");
	member(r, 1, "both");
	fake_time_pass(SECOND);
	expect(r, 0, key);
	expect(r, 1, key);
	/* Nothing is written again for nothing. */
	free(was);
	was = xstrdup(fake.value);
	fake_time_pass(10 * MINUTE);
	assert_string_equal(fake.value, was);
	free(was);
	free(key);
}

/* Who only serves has none, and needs none; without a cluster it is one's
 * own. */
static void
test_roles(void **state)
{
	struct rig *r = *state;
	char *own;

	member(r, 0, "serve");
	fake_time_pass(MINUTE);
	expect(r, 0, "cluster:publisher");
	assert_int_equal(fake.calls, 0);
	configure(r, 1, "");
	own = key_of(r, 1);
	assert_int_equal(strlen(own), IDENTITY_PUBLIC_SIZE - 1);
	assert_int_equal(fake.calls, 0);
	member(r, 1, "renew");
	fake_time_pass(SECOND);
	expect(r, 1, own);
	member(r, 0, "both");
	fake_time_pass(SECOND);
	expect(r, 0, own);
	free(own);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new), TEST(test_race), TEST(test_own),
		TEST(test_lost_answer), TEST(test_differs), TEST(test_away),
		TEST(test_unreadable), TEST(test_new_secret),
		TEST(test_roles),
	};

	log_set_level(LOGL_ERROR);
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
