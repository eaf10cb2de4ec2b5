/* SPDX-License-Identifier: MIT */
/*
 * Locks of certificates where answers, events and leases come in an unlucky
 * order; etcd and the membership are the test's.  Real ones are in
 * tests/integration/test_cluster*.py.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster_priv.h"
#include "daemon/cluster/membership.h"
#include "daemon/cluster/secret.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_realm.h"
#include "daemon/etcd/etcd_mirror.h"
#include "daemon/io/loop.h"
#include "daemon/rest/sign.h"
#include "daemon/store/store.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/scratch.h"

#define LEASE	7
#define OTHER	8

struct etcd_op {
	const char	*path;
	json_t		*body;
	etcd_done_cb	*done;
	void		*arg;
};

static struct {
	struct etcd_op	*call;		/* the one under way */
	struct etcd_mirror_args mirror;
	int64_t		 revision;	/* told by the mirror */
	struct membership_args member;
	bool		 is_held;
	size_t		 n_certs;	/* told by our key */
	uint64_t	 digest;
} fake;

struct etcd_op *__wrap_etcd_call_start(struct etcd *, const struct etcd_args *,
    const char *, json_t *, etcd_done_cb *, void *);
void	__wrap_etcd_cancel(struct etcd_op *);
struct etcd_mirror *__wrap_etcd_mirror_new(const struct etcd_mirror_args *);
void	__wrap_etcd_mirror_free(struct etcd_mirror *);
void	__wrap_etcd_mirror_kick(struct etcd_mirror *);
int64_t	__wrap_etcd_mirror_revision(const struct etcd_mirror *);
struct membership *__wrap_membership_new(const struct membership_args *);
void	__wrap_membership_free(struct membership *);
bool	__wrap_membership_is_held(const struct membership *);
int64_t	__wrap_membership_lease(const struct membership *);
void	__wrap_membership_drop(struct membership *, int64_t,
    const struct error *);
void	__wrap_membership_tell(struct membership *, size_t, uint64_t);
char	*__wrap_secret_seal(const struct conf_cluster *, const char *,
    const char *, size_t *, struct error *);
char	*__wrap_secret_open(const struct conf_cluster *, const char *,
    const char *, size_t, struct error *);

struct etcd_op *
__wrap_etcd_call_start(struct etcd *e, const struct etcd_args *a,
    const char *path, json_t *body, etcd_done_cb *done, void *arg)
{
	struct etcd_op *op = xcalloc(1, sizeof(*op));

	(void)e;
	(void)a;
	assert_null(fake.call);
	*op = (struct etcd_op){ path, body, done, arg };
	fake.call = op;
	return op;
}

void
__wrap_etcd_cancel(struct etcd_op *op)
{
	if (op == NULL)
		return;
	assert_ptr_equal(op, fake.call);
	fake.call = NULL;
	json_decref(op->body);
	free(op);
}

struct etcd_mirror *
__wrap_etcd_mirror_new(const struct etcd_mirror_args *a)
{
	fake.mirror = *a;
	return (struct etcd_mirror *)&fake;
}

void
__wrap_etcd_mirror_free(struct etcd_mirror *m)
{
	(void)m;
}

void
__wrap_etcd_mirror_kick(struct etcd_mirror *m)
{
	(void)m;
}

int64_t
__wrap_etcd_mirror_revision(const struct etcd_mirror *m)
{
	(void)m;
	return fake.revision;
}

struct membership *
__wrap_membership_new(const struct membership_args *a)
{
	fake.member = *a;
	return (struct membership *)&fake;
}

void
__wrap_membership_free(struct membership *m)
{
	(void)m;
}

bool
__wrap_membership_is_held(const struct membership *m)
{
	(void)m;
	return fake.is_held;
}

int64_t
__wrap_membership_lease(const struct membership *m)
{
	(void)m;
	return fake.is_held ? LEASE : 0;
}

void
__wrap_membership_drop(struct membership *m, int64_t revision,
    const struct error *err)
{
	(void)m;
	(void)revision;
	fake.is_held = false;
	fake.member.lost(err, fake.member.arg);
}

void
__wrap_membership_tell(struct membership *m, size_t n_certs, uint64_t digest)
{
	(void)m;
	fake.n_certs = n_certs;
	fake.digest = digest;
}

char *
__wrap_secret_seal(const struct conf_cluster *conf, const char *key,
    const char *text, size_t *len, struct error *err)
{
	(void)conf;
	(void)key;
	(void)err;
	*len = strlen(text);
	return xstrdup(text);
}

char *
__wrap_secret_open(const struct conf_cluster *conf, const char *key,
    const char *sealed, size_t len, struct error *err)
{
	(void)conf;
	(void)key;
	(void)err;
	return xasprintf("%.*s", (int)len, sealed);
}

/* --- */

struct rig {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
	struct certs	*certs;
	struct conf	*conf;
	struct cluster_env env;
	struct cluster	*cluster;
	struct cluster_lock_op *op;
	char		 code[64];	/* of its end */
	unsigned	 ended, lost;
};

static void
changed(struct cert *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
lost(struct cert *c, const struct error *err, void *arg)
{
	(void)c;
	(void)err;
	((struct rig *)arg)->lost++;
}

static struct {
	unsigned	 n;
	bool		 is_busy;
	char		 act[16], serial[64];
	unsigned	 wave;
} order;

static bool
ordered(struct cert *c, const char *act, const char *serial, unsigned wave,
    void *arg)
{
	(void)c;
	(void)arg;
	order.n++;
	(void)text_printf(order.act, sizeof(order.act), "%s", act);
	(void)text_printf(order.serial, sizeof(order.serial), "%s", serial);
	order.wave = wave;
	return !order.is_busy;
}

static void
not_ordered(struct cert *c, const struct error *err, void *arg)
{
	(void)c;
	(void)text_printf(((struct rig *)arg)->code, sizeof(((struct rig *)
	    arg)->code), "%s", err->code);
}

static void
tick_cb(void *arg)
{
	loop_stop(arg);
}

static void
spin(struct rig *r, int64_t ms)
{
	struct timer t;

	timer_init(&t, r->loop, tick_cb, r->loop);
	timer_set(&t, ms);
	loop_run(r->loop);
}

static char *
path(struct rig *r, const char *kind)
{
	const struct cert *c = certs_find(r->certs, "a");

	return xasprintf("%s%s/a", kind, c->conf->realm->id);
}

static void
told(const char *key, const char *value, int64_t revision, int64_t lease)
{
	fake.revision = revision;
	fake.mirror.put(&(struct etcd_kv){ .key = key, .value = value,
	    .len = strlen(value), .created = revision, .modified = revision,
	    .lease = lease }, fake.mirror.arg);
}

/* With these names of the certificate "a", and what follows. */
static struct conf *
load(const char *names, const char *more)
{
	struct conf *conf;
	char *text, *reports;

	text = xasprintf("cluster { etcd = { \"http://e:2379\" } lease = 5s "
	    "name = \"m\" encrypt_key_file = \"%s\" }\n"
	    "account \"ca\" { directory = \"https://ca.test/dir\" "
	    "agree_tos = true }\nprovider \"dns\" { type = bare }\n"
	    "%scertificate \"a\" { names = { %s } provider = dns "
	    "account = ca }\n", fixture_path("secret"), more, names);
	fixture_write("acmed.conf", 0600, text);
	free(text);
	conf = fixture_load("acmed.conf", &reports);
	if (conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	return conf;
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct error err;

	memset(&fake, 0, sizeof(fake));
	fixture_write("secret", 0600, "0123456789abcdef0123456789abcdef");
	r->conf = load("\"a.test\"", "");
	r->loop = loop_new();
	scratch_make(&r->scratch);
	r->store = store_open(r->loop, scratch_path(&r->scratch, "s"), &err);
	assert_non_null(r->store);
	r->certs = certs_new(r->loop, r->store);
	certs_apply(r->certs, r->conf, NULL);
	r->env = (struct cluster_env){ .loop = r->loop, .certs = r->certs,
	    .changed = changed, .lost = lost, .ordered = ordered,
	    .not_ordered = not_ordered, .arg = r };
	memset(&order, 0, sizeof(order));
	r->cluster = cluster_new(&r->env);
	cluster_apply(r->cluster, r->conf);
	fake.is_held = true;
	fake.member.joined(fake.member.arg);
	told("member/m", "{\"role\":\"both\",\"version\":\"1\"}", 3, LEASE);
	fake.mirror.state(NULL, fake.mirror.arg);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	cluster_lock_cancel(r->op);
	cluster_free(r->cluster);
	certs_free(r->certs);
	store_close(r->store);
	conf_unref(r->conf);
	loop_free(r->loop);
	scratch_remove(&r->scratch);
	fixture_remove("acmed.conf");
	fixture_remove("secret");
	free(r);
	return 0;
}

static void
done(const struct error *err, void *arg)
{
	struct rig *r = arg;

	r->op = NULL;
	r->ended++;
	(void)text_printf(r->code, sizeof(r->code), "%s", err != NULL ?
	    err->code : "");
}

static struct cert *
cert(struct rig *r)
{
	return certs_find(r->certs, "a");
}

static void
ask(struct rig *r)
{
	r->op = cluster_lock_start(r->cluster, cert(r), done, r);
	spin(r, 5);
	assert_non_null(fake.call);
}

/* NULL: it never comes, and etcd is not to blame. */
static void
answer(const char *reply)
{
	struct etcd_op *op = fake.call;
	struct error err;
	json_t *json = reply != NULL ? json_loads(reply, 0, NULL) : NULL;

	fake.call = NULL;
	(void)error_set(&err, ERR_TRANSIENT, "etcd:unavailable", "too late");
	assert_true(reply == NULL || json != NULL);
	op->done(json == NULL ? &err : NULL, json, op->arg);
	json_decref(json);
	json_decref(op->body);
	free(op);
}

#define MADE(revision) "{\"header\":{\"revision\":\"" revision "\"}," \
	"\"succeeded\":true,\"responses\":[{},{}]}"
/* "x": {"member":"o"} */
#define THERE(revision) "{\"header\":{\"revision\":\"" revision "\"}," \
	"\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"eA==\"," \
	"\"value\":\"eyJtZW1iZXIiOiJvIn0=\",\"create_revision\":\"8\"," \
	"\"mod_revision\":\"8\",\"lease\":\"8\"}]}},{}]}"

static bool
is_release(void)
{
	return fake.call != NULL && jsonx_get(fake.call->body,
	    "success.0.request_delete_range") != NULL;
}

/* etcd has made it, but its answer does not come, or nobody waits for it: it
 * is given back. */
static void
test_late(void **state)
{
	struct rig *r = *state;
	char *key = path(r, "lock/");

	ask(r);
	told(key, "{\"member\":\"m\"}", 10, LEASE);
	spin(r, 5);
	assert_false(is_release());	/* it may still come */
	answer(NULL);
	assert_string_equal(r->code, "etcd:unavailable");
	spin(r, 5);
	assert_true(is_release());
	answer(MADE("11"));

	ask(r);
	told(key, "{\"member\":\"m\"}", 12, LEASE);
	cluster_lock_cancel(r->op);
	r->op = NULL;
	spin(r, 5);
	assert_true(is_release());
	answer(MADE("13"));
	assert_false(cluster_holds(r->cluster, cert(r)));
	free(key);
}

/* Another one has it, as etcd answers; that it was given back since has come
 * before that. */
static void
test_overtaken(void **state)
{
	struct rig *r = *state;
	char *key = path(r, "lock/");

	ask(r);
	told(key, "{\"member\":\"o\"}", 8, OTHER);
	fake.revision = 10;
	fake.mirror.gone(key, 10, fake.mirror.arg);
	answer(THERE("9"));
	assert_string_equal(r->code, "cluster:locked");
	assert_int_equal(cluster_part(r->cluster, cert(r), NULL),
	    CLUSTER_OURS);

	/* The other way round it is known until then. */
	fake.revision = 10;
	ask(r);
	answer(THERE("20"));
	assert_int_equal(cluster_part(r->cluster, cert(r), NULL),
	    CLUSTER_OTHERS);
	fake.mirror.gone(key, 21, fake.mirror.arg);
	assert_int_equal(cluster_part(r->cluster, cert(r), NULL),
	    CLUSTER_OURS);
	free(key);
}

/* etcd is restored: what was held is lost, and a lock that is not there any
 * more holds nobody up. */
static void
test_anew(void **state)
{
	struct rig *r = *state;
	char *key = path(r, "lock/");

	ask(r);
	answer(MADE("100"));
	assert_string_equal(r->code, "");
	assert_true(cluster_holds(r->cluster, cert(r)));
	fake.mirror.anew(fake.mirror.arg);
	assert_int_equal(r->lost, 1);
	assert_false(cluster_holds(r->cluster, cert(r)));
	fake.mirror.gone(key, 2, fake.mirror.arg);
	fake.is_held = true;
	fake.member.joined(fake.member.arg);
	assert_int_equal(cluster_part(r->cluster, cert(r), NULL),
	    CLUSTER_OURS);
	/* One of another's, older by number, is believed. */
	told(key, "{\"member\":\"o\"}", 5, OTHER);
	assert_int_equal(cluster_part(r->cluster, cert(r), NULL),
	    CLUSTER_OTHERS);
	free(key);
}

/* The section is gone, or another, while a run is under way: that ends. */
static void
test_left(void **state)
{
	struct rig *r = *state;
	char *reports;
	struct conf *conf;

	ask(r);
	answer(MADE("100"));
	assert_true(cluster_holds(r->cluster, cert(r)));
	fixture_write("acmed.conf", 0600, "account \"ca\" { directory = "
	    "\"https://ca.test/dir\" agree_tos = true }\n"
	    "provider \"dns\" { type = bare }\n"
	    "certificate \"a\" { names = { \"a.test\" } provider = dns "
	    "account = ca }\n");
	conf = fixture_load("acmed.conf", &reports);
	assert_non_null(conf);
	free(reports);
	certs_apply(r->certs, conf, NULL);
	cluster_apply(r->cluster, conf);
	assert_int_equal(r->lost, 1);
	conf_unref(r->conf);
	r->conf = conf;
}

static void
reload(struct rig *r, const char *names, const char *more)
{
	struct conf *conf = load(names, more);

	certs_apply(r->certs, conf, NULL);
	cluster_apply(r->cluster, conf);
	conf_unref(r->conf);
	r->conf = conf;
}

/* A member with this role, and what its key says besides. */
static void
member(const char *name, const char *role, const char *more)
{
	char *key = xasprintf("member/%s", name);
	char *value = xasprintf("{\"role\":\"%s\",\"version\":\"1\"%s}",
	    role, more);

	told(key, value, 20, OTHER);
	free(value);
	free(key);
}

static void
member_with(const char *name, const char *role, uint64_t digest)
{
	char *more = xasprintf(",\"certificates\":7,\"digest\":\"%016llx\"",
	    (unsigned long long)digest);

	member(name, role, more);
	free(more);
}

/* Renewers that have other certificates are told of, once it lasts; not what
 * only serves, or does not say what it has. */
static void
test_differs(void **state)
{
	struct rig *r = *state;
	uint64_t one = fake.digest, other;
	const struct error *err;
	time_t since;

	/* The order is nothing, another name or certificate is. */
	assert_int_equal(fake.n_certs, 1);
	reload(r, "\"a.test\", \"b.test\"", "");
	other = fake.digest;
	assert_true(other != one);
	reload(r, "\"b.test\", \"a.test\"", "");
	assert_true(fake.digest == other);
	reload(r, "\"a.test\"", "certificate \"b\" { names = { \"b.test\" } "
	    "provider = dns account = ca }\n");
	assert_int_equal(fake.n_certs, 2);
	assert_true(fake.digest != one && fake.digest != other);
	reload(r, "\"a.test\"", "");
	assert_true(fake.digest == one);

	member_with("r2", "both", one);
	member_with("w", "serve", other);
	member("old", "renew", "");
	assert_null(cluster_differs(r->cluster, &since));
	member_with("r3", "renew", other);
	assert_null(cluster_differs(r->cluster, &since));
	assert_true(timer_is_set(&r->cluster->differs_tell));
	differs_tell_cb(r->cluster);	/* it lasts */
	err = cluster_differs(r->cluster, &since);
	assert_non_null(err);
	assert_string_equal(err->code, "cluster:differs");
	assert_non_null(strstr(err->msg, "(1): \"r3\" (7),"));
	assert_null(cluster_trouble(r->cluster, &since));
	member_with("r2", "both", other);
	assert_non_null(strstr(err->msg, "(1): \"r2\" (7), \"r3\" (7),"));
	member_with("r3", "serve", other);
	member_with("r2", "both", one);
	assert_null(cluster_differs(r->cluster, &since));
	assert_false(timer_is_set(&r->cluster->differs_tell));
}

static const char *
owner(struct rig *r)
{
	const char *who;

	(void)cluster_part(r->cluster, cert(r), &who);
	return who;
}

/* Who fails twice for what may be its own is passed over, until all have;
 * what the CA says it would say to all. */
static void
test_passed_on(void **state)
{
	struct rig *r = *state;
	struct error local = { .kind = ERR_TRANSIENT, .code = "http:connect" };
	struct error ca = { .kind = ERR_REJECTED, .code = "acme:caa" };
	struct error limit = { .kind = ERR_RATELIMIT, .code = "dns:limit" };
	struct store_cert *row = &cert(r)->row;
	char *first, *second;

	member("r2", "renew", "");
	member("w", "serve", "");
	first = xstrdup(owner(r));
	second = xstrdup(strcmp(first, "m") == 0 ? "r2" : "m");
	row->error = &local;
	for (unsigned i = 0; i < 15; i++) {
		row->failures = i;
		row->error = &local;
		assert_string_equal(owner(r), i / 2 % 2 == 0 ? first : second);
		row->error = &ca;
		assert_string_equal(owner(r), first);
		row->error = &limit;
		assert_string_equal(owner(r), first);
	}
	/* What the cluster's document says of it counts, once it is known. */
	for (unsigned i = 0; i < 4; i++) {
		(void)cluster_turns_told(cert(r), i);
		assert_string_equal(owner(r), i % 2 == 0 ? first : second);
		row->failures++;
	}
	cert(r)->knows_turns = false;
	/* Who holds its lock goes on with it until it gives that back. */
	row->error = &local;
	row->failures = 0;
	ask(r);
	answer(MADE("30"));
	assert_false(cluster_passes_on(r->cluster, cert(r)));
	row->failures = strcmp(first, "m") == 0 ? 2 : 4;
	assert_string_equal(owner(r), "m");
	assert_true(cluster_passes_on(r->cluster, cert(r)));
	row->failures += 2;
	assert_false(cluster_passes_on(r->cluster, cert(r)));
	row->error = NULL;
	free(first);
	free(second);
}

/* What is decided about a roll-out at another member: told to who renews it,
 * until it is done, and not twice. */
static void
test_order(void **state)
{
	static const char text[] = "{\"do\":\"continue\",\"serial\":\"0a\","
	    "\"wave\":2}";
	struct rig *r = *state;
	char *key = path(r, "order/"), *body;

	cert(r)->is_taken = true;	/* not yet ours */
	told(key, text, 30, 0);
	assert_int_equal(order.n, 0);
	cert(r)->is_taken = false;
	order.is_busy = true;
	cluster_look(r->cluster, cert(r));
	assert_int_equal(order.n, 1);
	assert_string_equal(order.act, "continue");
	assert_string_equal(order.serial, "0a");
	assert_int_equal(order.wave, 2);
	order.is_busy = false;
	cluster_look(r->cluster, cert(r));
	cluster_look(r->cluster, cert(r));
	assert_int_equal(order.n, 2);
	cluster_order_over(r->cluster, cert(r));
	assert_non_null(fake.call);
	body = json_dumps(fake.call->body, JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(strstr(body, "\"mod_revision\":\"30\""));
	assert_non_null(strstr(body, "request_delete_range"));
	free(body);
	answer("{\"succeeded\":true}");
	fake.mirror.gone(key, 31, fake.mirror.arg);
	cluster_look(r->cluster, cert(r));
	assert_int_equal(order.n, 2);
	/* What somebody else has put there. */
	told(key, "garbage", 32, 0);
	assert_int_equal(order.n, 3);
	assert_string_equal(order.act, "");
	told(key, "{\"do\":\"0123456789abcdef\",\"serial\":\"0a\","
	    "\"wave\":-5}", 33, 0);
	assert_int_equal(order.n, 4);
	assert_string_equal(order.act, "");
	assert_int_equal(order.wave, 0);
	free(key);
}

/* ... and here: what cannot be passed on is told. */
static void
test_order_given(void **state)
{
	struct rig *r = *state;
	struct error err;
	char *body;

	fake.is_held = false;
	assert_int_equal(cluster_order(r->cluster, cert(r), "stop", "0a", 1,
	    &err), -1);
	assert_string_equal(err.code, "cluster:away");
	fake.is_held = true;
	assert_int_equal(cluster_order(r->cluster, cert(r), "stop", "0a", 1,
	    &err), 0);
	body = json_dumps(fake.call->body, JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(strstr(body, "\"key\""));
	free(body);
	answer(NULL);
	assert_string_equal(r->code, "etcd:unavailable");
	cluster_look(r->cluster, cert(r));
	assert_int_equal(order.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overtaken, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left, setup, teardown),
		cmocka_unit_test_setup_teardown(test_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passed_on, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order_given, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
