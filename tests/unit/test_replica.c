/* SPDX-License-Identifier: MIT */
/*
 * What daemons share, with an etcd in memory: who may write, what is taken
 * over, one account for all.  The real etcd is in
 * tests/integration/test_cluster_state.py.
 */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cluster/document.h"
#include "daemon/cluster/replica.h"
#include "daemon/config/conf.h"
#include "daemon/etcd/etcd_mirror.h"
#include "daemon/io/loop.h"
#include "daemon/limits/limits.h"
#include "daemon/rest/sign.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/scratch.h"

#define DIRECTORY "https://ca.test/dir"
#define LOCKS "/acmed/lock/"
#define LOCK LOCKS "a"
#define FIRST "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
#define SECRET "0123456789abcdef0123456789abcdef"
#define NEWER "fedcba9876543210fedcba9876543210"

/* --- etcd --- */

struct kv {
	char		*key;
	unsigned char	*value;		/* NULL: not there */
	size_t		 len;
	int64_t		 created, modified;
};

struct etcd_op {
	struct timer	 timer;
	char		 path[32];
	json_t		*body, *reply;	/* NULL: not carried out */
	etcd_done_cb	*done;
	void		*arg;
};

struct etcd_mirror {
	struct etcd_mirror_args a;
	struct timer	 timer;
	size_t		 told;		/* of changes */
	bool		 is_up;
};

static struct {
	struct loop	*loop;
	struct kv	 kv[64];
	size_t		 n;
	int64_t		 revision;
	struct { size_t kv; struct kv is; } changes[256];
	size_t		 n_changes;
	struct etcd_mirror *mirrors[4];
	bool		 is_late;	/* answers stay away */
	bool		 is_down, is_mute;	/* mute: mirrors are not told */
	unsigned	 writes;
} fake;

struct etcd_op *__wrap_etcd_call_start(struct etcd *, const struct etcd_args *,
    const char *, json_t *, etcd_done_cb *, void *);
void	__wrap_etcd_cancel(struct etcd_op *);
struct etcd_mirror *__wrap_etcd_mirror_new(const struct etcd_mirror_args *);
void	__wrap_etcd_mirror_free(struct etcd_mirror *);

static struct kv *
kv_get(const char *key)
{
	for (size_t i = 0; i < fake.n; i++) {
		if (strcmp(fake.kv[i].key, key) == 0)
			return &fake.kv[i];
	}
	assert_true(fake.n < N_ELEMENTS(fake.kv));
	fake.kv[fake.n].key = xstrdup(key);
	return &fake.kv[fake.n++];
}

static void
kv_put(const char *key, const void *value, size_t len)
{
	struct kv *kv = kv_get(key), *is;

	fake.revision++;
	free(kv->value);
	if (kv->created == 0)
		kv->created = fake.revision;
	kv->value = value != NULL ? xmemdup(value, len) : NULL;
	kv->len = len;
	kv->modified = fake.revision;
	if (value == NULL)
		kv->created = kv->modified = 0;
	assert_true(fake.n_changes < N_ELEMENTS(fake.changes));
	fake.changes[fake.n_changes].kv = (size_t)(kv - fake.kv);
	is = &fake.changes[fake.n_changes++].is;
	*is = *kv;
	is->value = value != NULL ? xmemdup(value, len) : NULL;
	for (size_t i = 0; i < N_ELEMENTS(fake.mirrors); i++) {
		if (fake.mirrors[i] != NULL)
			timer_set(&fake.mirrors[i]->timer, 0);
	}
}

static void
mirror_cb(void *arg)
{
	struct etcd_mirror *m = arg;
	size_t len = strlen(m->a.prefix);

	if (fake.is_mute)
		return;
	while (m->told < fake.n_changes) {
		const struct kv *is = &fake.changes[m->told++].is;
		struct etcd_kv kv = { .key = is->key + len,
		    .value = (const char *)is->value, .len = is->len,
		    .created = is->created, .modified = is->modified };

		if (strncmp(is->key, m->a.prefix, len) != 0)
			continue;
		if (is->value != NULL)
			m->a.put(&kv, m->a.arg);
		else
			m->a.gone(kv.key, INT64_MAX, m->a.arg);
	}
	if (!m->is_up)
		m->a.state(NULL, m->a.arg);
	m->is_up = true;
}

struct etcd_mirror *
__wrap_etcd_mirror_new(const struct etcd_mirror_args *a)
{
	struct etcd_mirror *m = xcalloc(1, sizeof(*m));
	size_t i = 0;

	m->a = *a;
	m->a.prefix = xstrdup(a->prefix);
	timer_init(&m->timer, fake.loop, mirror_cb, m);
	timer_set(&m->timer, 0);
	while (fake.mirrors[i] != NULL)
		i++;
	fake.mirrors[i] = m;
	return m;
}

void
__wrap_etcd_mirror_free(struct etcd_mirror *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < N_ELEMENTS(fake.mirrors); i++) {
		if (fake.mirrors[i] == m)
			fake.mirrors[i] = NULL;
	}
	timer_clear(&m->timer);
	free((char *)(uintptr_t)m->a.prefix);
	free(m);
}

static char *
decoded(const json_t *o, const char *path, size_t *len)
{
	unsigned char *out;
	const char *text = jsonx_str(o, path);

	assert_non_null(text);
	assert_int_equal(sign_base64_decode(text, &out, len), 0);
	out = (unsigned char *)xreallocarray(out, *len + 1, 1);
	out[*len] = '\0';
	return (char *)out;
}

static bool
holds(const json_t *cond)
{
	size_t len;
	char *key = decoded(cond, "key", &len);
	const struct kv *kv = kv_get(key);
	bool same = strcmp(jsonx_str(cond, "target"), "CREATE") == 0 ?
	    jsonx_number(cond, "create_revision", -1) == kv->created :
	    jsonx_number(cond, "mod_revision", -1) == kv->modified;

	free(key);
	return same;
}

static json_t *
range(const json_t *o)
{
	size_t len;
	char *key = decoded(o, "key", &len), *b64;
	const struct kv *kv = kv_get(key);
	char mod[24];
	json_t *r;

	free(key);
	if (kv->value == NULL)
		return json_object();
	(void)text_printf(mod, sizeof(mod), "%lld", (long long)kv->modified);
	b64 = sign_base64(kv->value, kv->len);
	r = json_pack("{s:[{s:s, s:s}]}", "kvs", "value", b64,
	    "mod_revision", mod);
	free(b64);
	return r;
}

static json_t *
txn(const json_t *body)
{
	const json_t *conds = json_object_get(body, "compare"), *c, *op;
	json_t *responses = json_array();
	bool ok = true;
	size_t i, len;

	json_array_foreach(conds, i, c)
		ok = ok && holds(c);
	json_array_foreach(json_object_get(body, ok ? "success" : "failure"),
	    i, op) {
		const json_t *o = json_object_get(op, "request_put");
		char *key, *value;

		if (o != NULL) {
			key = decoded(o, "key", &len);
			value = decoded(o, "value", &len);
			kv_put(key, value, len);
			fake.writes++;
			(void)json_array_append_new(responses, json_pack(
			    "{s:{}}", "response_put"));
			free(value);
			free(key);
		} else if ((o = json_object_get(op,
		    "request_delete_range")) != NULL) {
			key = decoded(o, "key", &len);
			kv_put(key, NULL, 0);
			(void)json_array_append_new(responses, json_pack(
			    "{s:{}}", "response_delete_range"));
			free(key);
		} else {
			o = json_object_get(op, "request_range");
			(void)json_array_append_new(responses, json_pack(
			    "{s:o}", "response_range", range(o)));
		}
	}
	return json_pack("{s:b, s:o}", "succeeded", ok, "responses",
	    responses);
}

static void
answer_cb(void *arg)
{
	struct etcd_op *op = arg;
	struct error err;
	json_t *reply = op->reply;
	char revision[24];

	if (fake.is_late && reply != NULL) {
		timer_set(&op->timer, 1);
		return;
	}
	if (reply != NULL) {
		op->done(NULL, reply, op->arg);
	} else if (fake.is_down) {
		(void)error_set(&err, ERR_TRANSIENT, "etcd:unavailable",
		    "nobody is there");
		op->done(&err, NULL, op->arg);
	} else {
		reply = strcmp(op->path, "/v3/kv/txn") == 0 ? txn(op->body) :
		    range(op->body);
		(void)text_printf(revision, sizeof(revision), "%lld",
		    (long long)fake.revision);
		(void)json_object_set_new(reply, "header", json_pack("{s:s}",
		    "revision", revision));
		if (fake.is_late) {
			op->reply = reply;
			timer_set(&op->timer, 1);
			return;
		}
		op->done(NULL, reply, op->arg);
	}
	json_decref(reply);
	json_decref(op->body);
	free(op);
}

struct etcd_op *
__wrap_etcd_call_start(struct etcd *e, const struct etcd_args *a,
    const char *path, json_t *body, etcd_done_cb *done, void *arg)
{
	struct etcd_op *op = xcalloc(1, sizeof(*op));

	(void)e;
	assert_non_null(a->conf);
	(void)text_printf(op->path, sizeof(op->path), "%s", path);
	op->body = body;
	op->done = done;
	op->arg = arg;
	timer_init(&op->timer, fake.loop, answer_cb, op);
	timer_set(&op->timer, 0);
	return op;
}

void
__wrap_etcd_cancel(struct etcd_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->timer);
	json_decref(op->reply);
	json_decref(op->body);
	free(op);
}

/* --- members --- */

struct member {
	struct scratch	 scratch;
	struct store	*store;
	struct certs	*certs;
	struct holds	*holds;
	struct cleanup_env cleanup_env;
	struct cleanup	*cleanup;
	struct replica_env env;
	struct replica	*replica;
	struct conf	*conf;
	int64_t		 fence;
	bool		 ours;
	unsigned	 lost, accounts;
};

struct rig {
	struct loop	*loop;
	struct member	 m[2];
};

static int64_t
fence(const struct cert *c, void *arg)
{
	(void)c;
	return ((struct member *)arg)->fence;
}

static char *
lock_key(const struct cert *c, void *arg)
{
	(void)arg;
	return xasprintf(LOCKS "%s", c->row.name);
}

static bool
ours(const struct cert *c, void *arg)
{
	(void)c;
	return ((struct member *)arg)->ours;
}

static void
lost(struct cert *c, void *arg)
{
	struct member *m = arg;

	m->lost++;
	m->fence = 0;
	replica_drop(m->replica, c);
}

static void
account_cb(const char *name, const char *directory, void *arg)
{
	assert_string_equal(name, "ca");
	assert_string_equal(directory, DIRECTORY);
	((struct member *)arg)->accounts++;
}

#define PUBLIC "CymcNzaj2d4L41uzKAcfx9NlwbD8h8wc_NNTjy0u970" \
    "0Xpm4kBLmwR1BAryv85bCepk4UbN74YY73eS4o8ALLg"
#define OF(name) "certificate \"" name "\" { names = { \"" name \
	".test\" } provider = dns account = ca }\n"

static const char *secrets[2] = { SECRET, SECRET };

static void
member_up(struct rig *r, int n)
{
	struct member *m = &r->m[n];
	struct error err;
	char *text, *reports;

	fixture_write("secret", 0600, secrets[n]);
	text = xasprintf("cluster { etcd = { \"http://e:2379\" } lease = 5s "
	    "name = \"m%d\" encrypt_key_file = \"%s\" }\n"
	    "account \"ca\" { directory = \"" DIRECTORY "\" agree_tos = true "
	    "limits = { \"orders 2 per 1h\" } }\n"
	    "provider \"dns\" { type = bare }\n"
	    OF("a") OF("b") OF("c") OF("d") OF("e") OF("f") OF("g")
	    "host \"web\" { public_key = \"" PUBLIC "\" }\n"
	    "repository \"p\" { type = directory path = /srv\n"
	    " encrypt_to = hosts }\n"
	    "certificate \"h\" { names = { \"h.test\" } provider = dns\n"
	    " account = ca key_source = host hosts = \"web\"\n"
	    " deploy \"p\" { publish = p } }\n", n,
	    fixture_path("secret"));
	fixture_write("acmed.conf", 0600, text);
	free(text);
	m->conf = fixture_load("acmed.conf", &reports);
	if (m->conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	scratch_make(&m->scratch);
	m->store = store_open(r->loop, scratch_path(&m->scratch, "s"), &err);
	assert_non_null(m->store);
	m->certs = certs_new(r->loop, m->store);
	certs_apply(m->certs, m->conf, NULL);
	certs_find(m->certs, "a")->is_taken = false;
	m->holds = holds_new(m->store);
	m->cleanup_env = (struct cleanup_env){ .loop = r->loop,
	    .store = m->store, .certs = m->certs };
	m->cleanup = cleanup_new(&m->cleanup_env);
	m->ours = n == 0;
	m->env = (struct replica_env){ .loop = r->loop, .store = m->store,
	    .certs = m->certs, .cleanup = m->cleanup, .holds = m->holds,
	    .account = account_cb, .fence = fence, .lock_key = lock_key,
	    .ours = ours, .lost = lost, .arg = m };
	m->replica = replica_new(&m->env);
	replica_apply(m->replica, m->conf);
}

static void
member_down(struct member *m)
{
	replica_free(m->replica);
	cleanup_free(m->cleanup);
	holds_free(m->holds);
	certs_free(m->certs);
	store_close(m->store);
	conf_unref(m->conf);
	scratch_remove(&m->scratch);
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	memset(&fake, 0, sizeof(fake));
	fake.loop = r->loop = loop_new();
	for (int i = 0; i < 2; i++)
		member_up(r, i);
	*state = r;
	return 0;
}

/* While a secret is replaced: one has not been reloaded yet. */
static int
setup_new_secret(void **state)
{
	int rc;

	secrets[0] = NEWER "\n" SECRET;
	secrets[1] = SECRET "\n" NEWER;
	rc = setup(state);
	secrets[0] = secrets[1] = SECRET;
	return rc;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 2; i++)
		member_down(&r->m[i]);
	fixture_remove("acmed.conf");
	fixture_remove("secret");
	for (size_t i = 0; i < fake.n; i++) {
		free(fake.kv[i].key);
		free(fake.kv[i].value);
	}
	for (size_t i = 0; i < fake.n_changes; i++)
		free(fake.changes[i].is.value);
	loop_free(r->loop);
	free(r);
	return 0;
}

struct synced {
	int	 n;
	char	 code[64];
};

static void
synced_cb(const struct error *err, void *arg)
{
	struct synced *s = arg;

	s->n++;
	(void)text_printf(s->code, sizeof(s->code), "%s", err != NULL ?
	    err->code : "");
}

static void
sync_shared(struct rig *r, int n, const char *code)
{
	struct synced s = { .n = 0 };

	(void)store_sync_shared_start(r->m[n].store, "a", synced_cb, &s);
	while (s.n == 0)
		loop_turn(r->loop);
	assert_string_equal(s.code, code);
}

/* Some turns of the loop, as a condition may want. */
#define UNTIL(r, cond) do {						\
	int64_t _end = clock_mono_ms() + 8000;				\
	while (!(cond)) {						\
		if (clock_mono_ms() > _end)				\
			fail_msg("not %s", #cond);			\
		loop_turn((r)->loop);					\
	}								\
} while (0)

static void
tick_cb(void *arg)
{
	*(bool *)arg = true;
}

/* All that is due within ms has come. */
static void
spin(struct rig *r, int64_t ms)
{
	struct timer t;
	bool over = false;

	timer_init(&t, r->loop, tick_cb, &over);
	timer_set(&t, ms);
	while (!over)
		loop_turn(r->loop);
}

/* All know what etcd has. */
static void
settle(struct rig *r)
{
	UNTIL(r, fake.mirrors[0]->is_up && fake.mirrors[1]->is_up);
}

static struct cert *
cert(struct rig *r, int n)
{
	return certs_find(r->m[n].certs, "a");
}

static void
take_lock(struct rig *r, int n)
{
	kv_put(LOCK, NULL, 0);
	kv_put(LOCK, "m", 1);
	r->m[n].fence = kv_get(LOCK)->created;
}

static int
adopt(struct rig *r, int n)
{
	char *key = replica_cert_key(r->m[n].replica, cert(r, n));
	const struct kv *kv = kv_get(key);
	struct error err;
	int rc = replica_adopt(r->m[n].replica, cert(r, n), kv->value, kv->len,
	    kv->modified, &err);

	free(key);
	if (rc == -1)
		fail_msg("%s", err.msg);
	return rc;
}

static void
add_txt(struct rig *r, int n, const char *value)
{
	struct store_txt t = { .cert = "a", .provider = "dns",
	    .identifier = "a.test", .fqdn = "_acme-challenge.a.test",
	    .zone = "a.test", .handle = "h", .state = TXT_ADDED };

	(void)text_printf(t.value, sizeof(t.value), "%s", value);
	cleanup_adopt(r->m[n].cleanup, &t);
}

static void
set_order(struct rig *r, int n, const char *url)
{
	xstrset(&cert(r, n)->row.order_url, url);
	xstrset(&cert(r, n)->row.order_names, url == NULL ? NULL :
	    "[\"a.test\"]");
	cert_save(cert(r, n));
}

/* --- */

/* What many have to tell waits for its turn; an order that only we know of
 * does not. */
static void
test_order_first(void **state)
{
	struct rig *r = *state;
	char *key = replica_cert_key(r->m[0].replica, cert(r, 0));
	size_t n, at = 0;

	settle(r);
	spin(r, 20);
	n = fake.n_changes;
	for (const char *name = "bcdefg"; *name != '\0'; name++) {
		char one[] = { *name, '\0' };
		struct cert *c = certs_find(r->m[0].certs, one);

		c->row.failures = 1;
		cert_save(c);
	}
	set_order(r, 0, "https://ca.test/order/1");
	UNTIL(r, fake.n_changes == n + 7);
	while (strcmp(fake.kv[fake.changes[n + at].kv].key, key) != 0)
		at++;
	assert_true(at < 4);		/* so many go at once */
	free(key);
}

/* The holder dies in the middle: who takes the lock goes on with order, key
 * and records; and the former one changes nothing any more. */
static void
test_takeover(void **state)
{
	struct rig *r = *state;
	struct error err;
	EVP_PKEY *key = key_generate(KEY_EC256, &err), *got;
	char *pem;

	take_lock(r, 0);
	set_order(r, 0, "https://ca.test/order/1");
	assert_int_equal(store_pending_key_put(r->m[0].store, "a", key, &err),
	    0);
	add_txt(r, 0, "v1");
	assert_int_equal(store_first_put(r->m[0].store, "a",
	    &(struct store_part){ key, FIRST, strlen(FIRST), NULL }, &err), 0);
	xstrset(&pair_row(cert(r, 0))->first_names, "[\"a.test\"]");
	cert(r, 0)->row.failures = 3;
	cert(r, 0)->row.asked_at = 100;
	cert_save(cert(r, 0));
	missing_failed(cert(r, 0), "a.test", &(struct error){
	    .kind = ERR_REJECTED, .code = "acme:dns", .msg = "no" });
	sync_shared(r, 0, "");
	/* All see how it fares; nothing of the order. */
	UNTIL(r, cert(r, 1)->row.failures == 3);
	assert_null(cert(r, 1)->row.order_url);
	assert_int_equal(cleanup_count(r->m[1].cleanup), 0);
	assert_true(replica_is_open(r->m[1].replica, cert(r, 1)));
	/* Nothing of it is written again for nothing. */
	fake.writes = 0;
	sync_shared(r, 0, "");
	assert_int_equal(fake.writes, 0);

	take_lock(r, 1);
	assert_int_equal(adopt(r, 1), 0);
	assert_string_equal(cert(r, 1)->row.order_url,
	    "https://ca.test/order/1");
	assert_int_equal(cleanup_count(r->m[1].cleanup), 1);
	assert_string_equal(pair_first_names(cert(r, 1)), "[\"a.test\"]");
	assert_int_equal(store_first(r->m[1].store, "a", &got, &pem, &err), 0);
	assert_string_equal(pem, FIRST);
	free(pem);
	assert_int_equal(EVP_PKEY_eq(key, got), 1);
	EVP_PKEY_free(got);
	assert_int_equal(cert(r, 1)->n_missing, 1);
	assert_string_equal(cert(r, 1)->missing[0].row.err.code, "acme:dns");
	assert_int_equal(store_pending_key(r->m[1].store, "a", &got, &err),
	    0);
	assert_non_null(got);
	assert_int_equal(EVP_PKEY_eq(key, got), 1);
	EVP_PKEY_free(got);

	/* The former one wakes up, and still believes. */
	set_order(r, 0, "https://ca.test/order/2");
	fake.writes = 0;
	sync_shared(r, 0, "cluster:fenced");
	assert_int_equal(fake.writes, 0);
	assert_int_equal(r->m[0].lost, 1);
	assert_int_equal(cleanup_count(r->m[0].cleanup), 0);
	sync_shared(r, 0, "cluster:fenced");	/* it knows by now */

	/* The new one ends it: the other has nothing left of it, not even that
	 * a person had asked for it. */
	assert_int_equal(cert(r, 1)->row.asked_at, 100);
	cert(r, 1)->row.asked_at = 0;
	pair_drop_first(cert(r, 1));
	set_order(r, 1, NULL);
	store_pending_drop(r->m[1].store, "a");
	cleanup_drop(r->m[1].cleanup, "a");
	sync_shared(r, 1, "");
	UNTIL(r, cert(r, 0)->row.order_url == NULL);
	assert_int_equal(cert(r, 0)->row.asked_at, 0);
	assert_null(pair_first_names(cert(r, 0)));
	assert_false(replica_is_open(r->m[0].replica, cert(r, 0)));
	assert_int_equal(store_pending_key(r->m[0].store, "a", &got, &err),
	    0);
	assert_null(got);
	EVP_PKEY_free(key);
}

static void
put_wave(struct rig *r, int n, const char *serial, time_t not_before,
    unsigned opened)
{
	struct store_wave w = { .not_before = not_before, .opened = opened,
	    .state = WAVE_RUNNING };

	(void)text_printf(w.cert, sizeof(w.cert), "a");
	(void)text_printf(w.repository, sizeof(w.repository), "cluster");
	(void)text_printf(w.serial, sizeof(w.serial), "%s", serial);
	cert(r, n)->has_wave = true;
	store_wave_put(r->m[n].store, &w);
}

static unsigned
opened(struct rig *r, int n, const char *serial)
{
	struct store_wave w;

	return store_wave_get(r->m[n].store, "a", "cluster", &w) == 0 &&
	    strcmp(w.serial, serial) == 0 ? w.opened : 0;
}

/* Which waves are open: all know what the holder says; who is no holder any
 * more opens none; and what etcd has of an older version replaces nothing. */
static void
test_waves(void **state)
{
	struct rig *r = *state;

	take_lock(r, 0);
	put_wave(r, 0, "0a", 100, 1);
	sync_shared(r, 0, "");
	UNTIL(r, opened(r, 1, "0a") == 1);
	assert_true(cert(r, 1)->has_wave);
	/* Also where a run is under way that takes it from there. */
	cert(r, 1)->run = (struct renewal *)r;
	put_wave(r, 0, "0a", 100, 2);
	sync_shared(r, 0, "");
	UNTIL(r, opened(r, 1, "0a") == 2);
	cert(r, 1)->run = NULL;

	take_lock(r, 1);
	assert_int_equal(adopt(r, 1), 0);
	put_wave(r, 0, "0a", 100, 9);		/* it has died, it seemed */
	sync_shared(r, 0, "cluster:fenced");
	assert_int_equal(opened(r, 1, "0a"), 2);
	put_wave(r, 1, "0a", 100, 3);
	sync_shared(r, 1, "");
	UNTIL(r, opened(r, 0, "0a") == 3);

	/* Installed and published there, but not told any more. */
	r->m[1].fence = 0;
	kv_put(LOCK, NULL, 0);
	put_wave(r, 0, "0b", 200, 1);
	take_lock(r, 0);
	assert_int_equal(adopt(r, 0), 0);
	assert_int_equal(opened(r, 0, "0b"), 1);
	sync_shared(r, 0, "");
	UNTIL(r, opened(r, 1, "0b") == 1);
}

static void
set_error(struct rig *r, int n, const char *code)
{
	struct store_cert *row = &cert(r, n)->row;

	free(row->error);
	row->error = code == NULL ? NULL : xcalloc(1, sizeof(*row->error));
	row->failures = code != NULL;
	if (code != NULL)
		(void)error_set(row->error, ERR_REJECTED, code, "%s", code);
	cert_save(cert(r, n));
}

/* A rollback is of one host: who has rolled back goes on knowing it, whatever
 * the one who renews it tells; and is told of nobody else's. */
static void
test_rolled_back(void **state)
{
	struct rig *r = *state;
	struct cert *c = cert(r, 1);

	c->is_taken = true;
	take_lock(r, 0);
	set_error(r, 0, "dns:timeout");
	sync_shared(r, 0, "");
	UNTIL(r, c->row.failures == 1);
	set_error(r, 0, "deploy:rolled-back");
	cert(r, 0)->row.early = 7;
	cert_save(cert(r, 0));
	sync_shared(r, 0, "");
	UNTIL(r, c->row.early == 7);
	assert_string_equal(c->row.error->code, "dns:timeout");

	set_error(r, 1, "deploy:rolled-back");
	c->fails_here = true;
	set_error(r, 0, NULL);
	cert(r, 0)->row.early = 8;
	cert_save(cert(r, 0));
	sync_shared(r, 0, "");
	UNTIL(r, c->row.early == 8);
	assert_non_null(c->row.error);
	assert_string_equal(c->row.error->code, "deploy:rolled-back");
	assert_int_equal(c->row.failures, 1);
}

/* --- of a host that keeps its key --- */

static char *
csr_new(const char *name, char hash[CSR_HASH_SIZE])
{
	struct error err;
	EVP_PKEY *key = key_generate(KEY_EC256, &err);
	char *pem = csr_make_pem(key, &name, 1, &err);
	struct csr csr;

	assert_non_null(pem);
	assert_int_equal(csr_parse(pem, strlen(pem), &csr, &err), 0);
	memcpy(hash, csr.hash, CSR_HASH_SIZE);
	csr_clear(&csr);
	EVP_PKEY_free(key);
	return pem;
}

static void
put_request(struct rig *r, int n, const char *pem, time_t at)
{
	struct error err;

	assert_int_equal(store_request_put(r->m[n].store, "h", pem, at, &err),
	    0);
}

static void
expect_request(struct rig *r, int n, const char *want)
{
	char *pem = store_request_pem(r->m[n].store, "h");

	assert_non_null(pem);
	assert_string_equal(pem, want);
	free(pem);
}

static void
adopt_host(struct rig *r, int n)
{
	struct cert *c = certs_find(r->m[n].certs, "h");
	char *key = replica_cert_key(r->m[n].replica, c);
	const struct kv *kv = kv_get(key);
	struct error err;

	assert_int_equal(replica_adopt(r->m[n].replica, c, kv->value, kv->len,
	    kv->modified, &err), 0);
	free(key);
}

/* The holder has ordered with what a host asked for, and dies: the next one
 * goes on with the same, though it has never seen it; a newer one that it has
 * seen itself stays. */
static void
test_request(void **state)
{
	struct rig *r = *state;
	struct cert *c[2] = { certs_find(r->m[0].certs, "h"),
	    certs_find(r->m[1].certs, "h") };
	char hash[CSR_HASH_SIZE], newer_hash[CSR_HASH_SIZE];
	char *pem = csr_new("h.test", hash);
	char *newer = csr_new("h.test", newer_hash);
	struct error err;
	struct csr csr;

	settle(r);
	/* Who is to renew it tells of it before there is any order. */
	put_request(r, 0, pem, 1000);
	UNTIL(r, store_request_at(r->m[1].store, "h") == 1000);
	expect_request(r, 1, pem);
	assert_string_equal(cert_csr_wanted(c[1]), hash);

	kv_put(LOCKS "h", "m", 1);
	r->m[0].fence = kv_get(LOCKS "h")->created;
	put_request(r, 0, newer, 2000);
	xstrset(&c[0]->row.order_url, "https://ca.test/order/1");
	xstrset(&c[0]->row.order_names, "[\"h.test\"]");
	c[0]->row.order_sent_at = 2000;
	assert_int_equal(csr_parse(newer, strlen(newer), &csr, &err), 0);
	assert_int_equal(store_pending_csr_put(r->m[0].store, "h", &csr,
	    &err), 0);
	csr_clear(&csr);
	cert_save(c[0]);
	UNTIL(r, replica_is_open(r->m[1].replica, c[1]));
	spin(r, 50);
	expect_request(r, 1, pem);	/* it comes with the lock */

	kv_put(LOCKS "h", NULL, 0);
	kv_put(LOCKS "h", "m", 1);
	r->m[0].fence = 0;
	r->m[1].fence = kv_get(LOCKS "h")->created;
	adopt_host(r, 1);
	assert_string_equal(c[1]->row.order_url, "https://ca.test/order/1");
	expect_request(r, 1, newer);
	assert_int_equal(store_request_at(r->m[1].store, "h"), 2000);
	assert_string_equal(cert_csr_wanted(c[1]), newer_hash);
	assert_int_equal(store_pending_csr(r->m[1].store, "h", &csr, &err),
	    0);
	assert_string_equal(csr.hash, newer_hash);
	csr_clear(&csr);

	/* What the next holder knows better it keeps. */
	put_request(r, 0, pem, 3000);
	r->m[1].fence = 0;
	kv_put(LOCKS "h", NULL, 0);
	kv_put(LOCKS "h", "m", 1);
	r->m[0].fence = kv_get(LOCKS "h")->created;
	adopt_host(r, 0);
	expect_request(r, 0, pem);
	free(newer);
	free(pem);
}

/* While nobody holds it its owner writes, nobody else; and nobody what he has
 * not read. */
static void
test_unlocked(void **state)
{
	struct rig *r = *state;

	settle(r);
	cert(r, 1)->row.failures = 5;
	cert_save(cert(r, 1));
	spin(r, 20);
	assert_int_equal(fake.writes, 0);
	cert(r, 0)->row.failures = 7;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 1)->row.failures == 7);
	/* Another one became its owner, and this one has not heard yet. */
	fake.is_mute = true;
	r->m[1].ours = true;
	cert(r, 1)->row.failures = 8;
	cert_save(cert(r, 1));
	UNTIL(r, fake.writes == 2);
	cert(r, 0)->row.failures = 9;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 0)->row.failures == 8);
	assert_int_equal(fake.writes, 2);
	/* It becomes the holder while that is on its way: nothing is lost. */
	fake.is_mute = false;
	UNTIL(r, cert(r, 1)->row.failures == 8);
	cert(r, 0)->row.failures = 11;
	cert_save(cert(r, 0));
	loop_turn(r->loop);
	take_lock(r, 0);
	UNTIL(r, cert(r, 1)->row.failures == 11);
	r->m[0].fence = 0;
	fake.writes = 2;
	/* Somebody else holds it: the owner waits. */
	cert(r, 0)->row.failures = 10;
	cert_save(cert(r, 0));
	spin(r, 20);
	assert_int_equal(fake.writes, 2);
	assert_int_equal(r->m[0].lost, 0);
}

static void
pause_at(struct rig *r, int n, time_t until)
{
	cert(r, n)->row.paused_until = until;
	cert_save(cert(r, n));
}

/* A person pauses it where they are, whoever renews it, and whatever that one
 * is at; and resumes it elsewhere. */
static void
test_pause(void **state)
{
	struct rig *r = *state;

	settle(r);
	pause_at(r, 1, 5000);		/* there is no document yet */
	UNTIL(r, cert(r, 0)->row.paused_until == 5000);
	/* The owner has it all, and writes on top of that. */
	cert(r, 0)->row.failures = 2;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 1)->row.failures == 2);
	pause_at(r, 1, 0);
	UNTIL(r, cert(r, 0)->row.paused_until == 0);
	/* In the middle of a run of the other's: nothing of that is lost. */
	take_lock(r, 0);
	set_order(r, 0, "https://ca.test/order/1");
	sync_shared(r, 0, "");
	UNTIL(r, replica_is_open(r->m[1].replica, cert(r, 1)));
	pause_at(r, 1, STORE_PAUSED_EVER);
	UNTIL(r, cert(r, 0)->row.paused_until == STORE_PAUSED_EVER);
	cert(r, 0)->row.failures = 3;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 1)->row.failures == 3);
	assert_int_equal(cert(r, 1)->row.paused_until, STORE_PAUSED_EVER);
	assert_true(replica_is_open(r->m[1].replica, cert(r, 1)));
	assert_string_equal(cert(r, 0)->row.order_url,
	    "https://ca.test/order/1");
	/* Both at the same moment: one of them it is, for both. */
	pause_at(r, 0, 7000);
	pause_at(r, 1, 8000);
	UNTIL(r, cert(r, 0)->row.paused_until ==
	    cert(r, 1)->row.paused_until);
}

/* What fails here alone, as with a full disk, is not forgotten when the owner
 * says that it fares well; nor is that it rolled back told of what is here. */
static void
test_own_failure(void **state)
{
	struct rig *r = *state;
	struct cert *c = cert(r, 1), *owner = cert(r, 0);
	struct error err;

	settle(r);
	(void)error_set(&err, ERR_INTERNAL, "sys:io", "no space");
	c->row.error = xmemdup(&err, sizeof(err));
	c->row.failures = 1;
	c->row.retry_at = 6000;
	c->is_taken = c->fails_here = true;
	cert_save(c);
	owner->row.failures = 2;
	owner->row.early = 3;
	cert_save(owner);
	UNTIL(r, c->row.early == 3);
	assert_int_equal(c->row.failures, 1);
	assert_int_equal(c->row.retry_at, 6000);
	assert_string_equal(c->row.error->code, "sys:io");
	/* It has gone well here since. */
	c->fails_here = false;
	owner->row.early = 4;
	cert_save(owner);
	UNTIL(r, c->row.early == 4);
	assert_int_equal(c->row.failures, 2);
	assert_null(c->row.error);
	(void)error_set(&err, ERR_REJECTED, "engine:rolled-back", "to 2");
	owner->row.error = xmemdup(&err, sizeof(err));
	owner->row.early = 5;
	xstrset(&owner->row.serial, "0002");
	cert_save(owner);
	UNTIL(r, c->row.early == 5);
	assert_null(c->row.error);
}

/* The lock comes with what was written just before, of which etcd's answer is
 * still on its way: what has changed here since is kept. */
static void
test_late_answer(void **state)
{
	struct rig *r = *state;
	struct cert *c = cert(r, 0);

	settle(r);
	c->row.failures = 1;
	c->row.retry_at = 6000;
	cert_save(c);
	UNTIL(r, cert(r, 1)->row.retry_at == 6000);
	fake.is_late = fake.is_mute = true;
	c->row.early = 3;
	cert_save(c);
	UNTIL(r, fake.writes == 2);
	c->row.retry_at = 0;
	cert_save(c);
	take_lock(r, 0);
	assert_int_equal(adopt(r, 0), 0);
	assert_int_equal(c->row.retry_at, 0);
	fake.is_late = fake.is_mute = false;
	sync_shared(r, 0, "");
	UNTIL(r, cert(r, 1)->row.early == 3 && cert(r, 1)->row.retry_at == 0);
}

static void
count_changed(struct cert *c, void *arg)
{
	if (c != NULL)
		++*(unsigned *)arg;
}

static void
put_failure(struct rig *r, int n, const char *code, unsigned failures)
{
	set_error(r, n, code);
	cert(r, n)->row.failures = failures;
	cert_save(cert(r, n));
}

/* Whose turn it is both know from what etcd has: not from what one of them
 * cannot take, or has not written yet, or has rolled back. */
static void
test_turns(void **state)
{
	struct rig *r = *state;
	struct cert *a = cert(r, 0), *b = cert(r, 1);
	unsigned changed = 0;

	settle(r);
	put_failure(r, 0, "dns:timeout", 1);
	UNTIL(r, b->row.failures == 1);
	assert_true(b->knows_turns);
	/* Were it the other's turn by what only it knows, it would write that,
	 * and with two more it would be nobody's. */
	b->is_taken = b->fails_here = r->m[1].ours = true;
	for (unsigned n = 2; n < 6; n++) {
		put_failure(r, 1, "sys:io", n);
		spin(r, 20);
		assert_int_equal(fake.writes, 1);
		assert_int_equal(a->row.failures, 1);
		assert_int_equal(a->turns_told, 0);
		assert_int_equal(b->turns_told, 0);
	}
	b->is_taken = r->m[1].ours = false;
	/* What the owner fails at counts as soon as etcd has it, for both. */
	r->m[0].certs->changed = count_changed;
	r->m[0].certs->arg = &changed;
	fake.is_down = true;
	put_failure(r, 0, "dns:timeout", 2);
	spin(r, 20);
	assert_int_equal(a->turns_told, 0);
	fake.is_down = false;
	UNTIL(r, a->turns_told == 1 && b->turns_told == 1);
	assert_int_equal(changed, 1);
	assert_int_equal(b->row.failures, 5);
	/* That it was rolled back is nobody's failure. */
	put_failure(r, 0, "engine:rolled-back", 3);
	UNTIL(r, a->turns_told == 0 && b->turns_told == 0);
	assert_int_equal(changed, 2);
	r->m[0].certs->changed = NULL;
}

/* More than are sent at one time. */
static void
test_pause_many(void **state)
{
	struct rig *r = *state;

	settle(r);
	for (size_t i = 0; i < r->m[0].certs->n; i++) {
		r->m[0].certs->list[i]->row.failures = 1;
		cert_save(r->m[0].certs->list[i]);
	}
	for (size_t i = 0; i < r->m[1].certs->n; i++)
		UNTIL(r, r->m[1].certs->list[i]->row.failures == 1);
	for (size_t i = 0; i < r->m[1].certs->n; i++) {
		r->m[1].certs->list[i]->row.paused_until = 5000;
		cert_save(r->m[1].certs->list[i]);
	}
	for (size_t i = 0; i < r->m[0].certs->n; i++)
		UNTIL(r, r->m[0].certs->list[i]->row.paused_until == 5000);
}

/* Without etcd a shared sync fails when the lease must be over; what was to be
 * written is written when it is back. */
static void
test_away(void **state)
{
	struct rig *r = *state;

	take_lock(r, 0);
	settle(r);
	r->m[0].conf->cluster->lease_s = 1;
	fake.is_down = true;
	set_order(r, 0, "https://ca.test/order/1");
	sync_shared(r, 0, "cluster:away");
	assert_int_equal(fake.writes, 0);
	assert_int_equal(r->m[0].lost, 0);
	fake.is_down = false;
	UNTIL(r, fake.writes == 1);
	sync_shared(r, 0, "");
}

/* What cannot be read in etcd holds nobody up: who has the lock replaces it. */
static void
test_unreadable(void **state)
{
	struct rig *r = *state;
	char *key = replica_cert_key(r->m[0].replica, cert(r, 0));

	take_lock(r, 0);
	kv_put(key, "garbage", 7);
	spin(r, 10);
	assert_int_equal(adopt(r, 0), 0);
	cert(r, 0)->row.failures = 4;
	cert_save(cert(r, 0));
	sync_shared(r, 0, "");
	UNTIL(r, cert(r, 1)->row.failures == 4);
	free(key);
}

/* etcd as it is when it was made anew. */
static void
make_anew(void)
{
	for (size_t i = 0; i < fake.n_changes; i++)
		free(fake.changes[i].is.value);
	for (size_t i = 0; i < fake.n; i++) {
		free(fake.kv[i].value);
		fake.kv[i].value = NULL;
		fake.kv[i].created = fake.kv[i].modified = 0;
	}
	fake.n_changes = 0;
	fake.revision = 1;
	for (size_t i = 0; i < N_ELEMENTS(fake.mirrors); i++) {
		struct etcd_mirror *m = fake.mirrors[i];

		if (m == NULL)
			continue;
		m->told = 0;
		m->is_up = false;
		m->a.anew(m->a.arg);
		timer_set(&m->timer, 0);
	}
}

/* Then the revisions of before say nothing: what was there is written again,
 * and what comes is newer than that. */
static void
test_anew(void **state)
{
	struct rig *r = *state;
	char *key = replica_cert_key(r->m[0].replica, cert(r, 0));

	spin(r, 10);
	for (time_t at = 5000; at < 5005; at++) {
		cert(r, 0)->row.paused_until = at;
		cert_save(cert(r, 0));
		UNTIL(r, cert(r, 1)->row.paused_until == at);
	}
	make_anew();
	UNTIL(r, kv_get(key)->value != NULL);
	cert(r, 0)->row.paused_until = 6000;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 1)->row.paused_until == 6000);
	assert_true(fake.revision < 5);
	free(key);
}

/* --- accounts --- */

struct agreed {
	int		 n;
	enum account_agreed what;
	char		 code[64];
};

static void
agreed_cb(const struct error *err, enum account_agreed what, void *arg)
{
	struct agreed *a = arg;

	a->n++;
	a->what = what;
	(void)text_printf(a->code, sizeof(a->code), "%s", err != NULL ?
	    err->code : "");
}

static void
agree(struct rig *r, int n, struct agreed *a)
{
	const struct account_share *s = replica_accounts(r->m[n].replica);

	*a = (struct agreed){ .n = 0 };
	(void)s->agree("ca", DIRECTORY, agreed_cb, a, s->arg);
}

static void
make_key(struct rig *r, int n)
{
	struct error err;
	EVP_PKEY *key = key_generate(KEY_EC256, &err);

	assert_int_equal(store_account_key_put(r->m[n].store, "ca", DIRECTORY,
	    key, &err), 0);
	EVP_PKEY_free(key);
}

static bool
same_key(struct rig *r)
{
	struct error err;
	EVP_PKEY *a = store_account_key(r->m[0].store, "ca", DIRECTORY, &err);
	EVP_PKEY *b = store_account_key(r->m[1].store, "ca", DIRECTORY, &err);
	bool same = a != NULL && b != NULL && EVP_PKEY_eq(a, b) == 1;

	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	return same;
}

/* Both begin with nothing, at the same moment: one key, and one URL. */
static void
test_account(void **state)
{
	struct rig *r = *state;
	struct agreed a[2];
	char *kid;

	settle(r);
	for (int i = 0; i < 2; i++)
		agree(r, i, &a[i]);
	UNTIL(r, a[0].n == 1 && a[1].n == 1);
	assert_int_equal(a[0].what, ACCOUNT_NEW);
	assert_int_equal(a[1].what, ACCOUNT_NEW);
	for (int i = 0; i < 2; i++) {
		make_key(r, i);
		agree(r, i, &a[i]);
	}
	assert_false(same_key(r));
	UNTIL(r, a[0].n == 1 || a[1].n == 1);
	/* One has created it, and registers it; the other waits for that. */
	int first = a[0].n == 1 ? 0 : 1;

	spin(r, 700);
	assert_int_equal(a[!first].n, 0);
	assert_string_equal(a[first].code, "");
	assert_int_equal(a[first].what, ACCOUNT_AGREED);
	store_account_put(r->m[first].store, "ca", DIRECTORY,
	    "https://ca.test/acct/1");
	UNTIL(r, a[!first].n == 1);
	assert_string_equal(a[!first].code, "");
	assert_true(same_key(r));
	kid = store_account_kid(r->m[!first].store, "ca", DIRECTORY);
	assert_string_equal(kid, "https://ca.test/acct/1");
	free(kid);
	/* Nobody used the key that is gone. */
	assert_int_equal(r->m[0].accounts + r->m[1].accounts, 0);
}

/* Another key for the account, at one of them: the others have it, too. */
static void
test_rollover(void **state)
{
	struct rig *r = *state;
	const struct account_share *s = replica_accounts(r->m[0].replica);
	struct agreed a[2];
	struct error err;
	EVP_PKEY *next = key_generate(KEY_EC256, &err), *got = NULL;

	settle(r);
	make_key(r, 0);
	agree(r, 0, &a[0]);
	UNTIL(r, a[0].n == 1);
	store_account_put(r->m[0].store, "ca", DIRECTORY, "https://x/1");
	agree(r, 1, &a[1]);
	UNTIL(r, a[1].n == 1);
	assert_true(same_key(r));
	assert_int_equal(store_account_next_put(r->m[0].store, "ca", DIRECTORY,
	    next, &err), 0);
	a[0].n = 0;
	(void)s->keep("ca", DIRECTORY, agreed_cb, &a[0], s->arg);
	UNTIL(r, a[0].n == 1);
	assert_string_equal(a[0].code, "");
	UNTIL(r, store_account_next(r->m[1].store, "ca", DIRECTORY, &got,
	    &err) == 0 && got != NULL);
	assert_int_equal(EVP_PKEY_eq(got, next), 1);
	EVP_PKEY_free(got);
	assert_int_equal(r->m[1].accounts, 0);
	assert_int_equal(store_account_next_take(r->m[0].store, "ca",
	    DIRECTORY, &err), 0);
	UNTIL(r, r->m[1].accounts == 1);
	assert_true(same_key(r));
	assert_int_equal(store_account_next(r->m[1].store, "ca", DIRECTORY,
	    &got, &err), 0);
	assert_null(got);
	EVP_PKEY_free(next);
	/* Without etcd there is no agreement, and no account has failed. */
	fake.is_down = true;
	agree(r, 1, &a[1]);
	UNTIL(r, a[1].n == 1);
	assert_string_equal(a[1].code, "cluster:away");
}

/* Staging and production have one certificate each, of the same name; and who
 * only serves is told nothing, asks how it fares, and takes no more. */
static void
test_apart(void **state)
{
	static const char key[] = "/acmed/state/00000000/cert/a";
	struct rig *r = *state;
	struct document d = { .row = { .name = cert(r, 0)->row.name,
	    .failures = 9 } };
	struct conf_cluster *k = r->m[1].conf->cluster;
	struct error err;
	EVP_PKEY *got;
	size_t len;
	char *sealed = document_close(SECRET, key, document_json(&d), &len);

	kv_put(key, sealed, len);
	free(sealed);
	spin(r, 20);
	assert_int_equal(cert(r, 0)->row.failures, 0);
	k->role = CLUSTER_SERVE;
	replica_apply(r->m[1].replica, &(struct conf){ .cluster = NULL });
	replica_apply(r->m[1].replica, r->m[1].conf);
	make_key(r, 0);
	for (int i = 0; i < 2; i++) {
		struct agreed a;

		agree(r, 0, &a);
		UNTIL(r, a.n == 1);
	}
	take_lock(r, 0);
	cert(r, 0)->row.failures = 2;
	cert_save(cert(r, 0));
	spin(r, 50);
	assert_int_equal(cert(r, 1)->row.failures, 0);
	/* Which hosts may take it is asked for alone; and both at once. */
	put_wave(r, 0, "0a", 100, 2);
	sync_shared(r, 0, "");
	replica_ask(r->m[1].replica, cert(r, 1), true);
	UNTIL(r, opened(r, 1, "0a") == 2);
	assert_int_equal(cert(r, 1)->row.failures, 0);
	replica_ask(r->m[1].replica, cert(r, 1), true);
	replica_ask(r->m[1].replica, cert(r, 1), false);
	UNTIL(r, cert(r, 1)->row.failures == 2);
	got = store_account_key(r->m[1].store, "ca", DIRECTORY, &err);
	assert_null(got);
	assert_string_equal(err.code, "store:no-key");
}

/* --- budgets and holds --- */

static unsigned
takes(struct rig *r, int n)
{
	const struct conf_account *a = r->m[n].conf->accounts[0];

	return limits_take(r->m[n].certs->limits, &(struct limits_order){
	    .account = a, .cert = cert(r, n)->conf });
}

static bool
is_empty(struct rig *r, int n)
{
	const struct conf_account *a = r->m[n].conf->accounts[0];

	return limits_until(r->m[n].certs->limits, &(struct limits_order){
	    .account = a, .cert = cert(r, n)->conf }, NULL) != 0;
}

/* Both take one of two, at the same moment: none is left, for either. */
static void
test_budget(void **state)
{
	struct rig *r = *state;

	settle(r);
	for (int i = 0; i < 2; i++)
		assert_true(takes(r, i) != 0);
	assert_false(is_empty(r, 0) || is_empty(r, 1));
	UNTIL(r, is_empty(r, 0) && is_empty(r, 1));
	spin(r, 20);
	assert_true(is_empty(r, 0) && is_empty(r, 1));
}

/* What we write is told before the answer comes: a change made since stays. */
static void
test_echo(void **state)
{
	struct rig *r = *state;
	int64_t revision;

	settle(r);
	cert(r, 0)->row.failures = 1;
	cert_save(cert(r, 0));
	UNTIL(r, cert(r, 1)->row.failures == 1);
	spin(r, 20);
	revision = fake.revision;
	cert(r, 0)->row.failures = 2;
	cert_save(cert(r, 0));
	fake.is_late = true;
	while (fake.revision == revision)
		loop_turn(r->loop);
	cert(r, 0)->row.failures = 3;
	cert_save(cert(r, 0));
	spin(r, 10);
	fake.is_late = false;
	UNTIL(r, cert(r, 1)->row.failures == 3);
	assert_int_equal(cert(r, 0)->row.failures, 3);
}

/* Members that have the lines the other way round do not go on sealing anew
 * what the other one has; and an account that nobody here has any more is let
 * alone. */
static void
test_new_secret(void **state)
{
	static const char gone[] = "/acmed/state/00000000/account/ca";
	struct rig *r = *state;
	int64_t revision;
	size_t len;
	char *sealed = document_close(SECRET, gone, json_object(), &len);

	settle(r);
	kv_put(gone, sealed, len);
	free(sealed);
	assert_true(takes(r, 0) != 0);
	spin(r, 200);
	revision = fake.revision;
	assert_true(revision < 10);
	spin(r, 200);
	assert_int_equal(fake.revision, revision);
	assert_non_null(kv_get(gone)->value);
}

static void
test_holds(void **state)
{
	struct rig *r = *state;
	struct store_hold h = { .account = "ca", .directory = DIRECTORY };
	struct error why;

	settle(r);
	h.since = h.at = clock_now();
	h.until = h.at + 3600;
	(void)error_set(&h.err, ERR_TRANSIENT, "http:connect", "refused");
	store_hold_put(r->m[0].store, &h);
	spin(r, 20);
	assert_int_equal(fake.writes, 0);	/* of this machine alone */
	(void)error_set(&h.err, ERR_RATELIMIT, "acme:rateLimited", "slowly");
	store_hold_put(r->m[0].store, &h);
	UNTIL(r, hold_until(r->m[1].holds, cert(r, 1), &why) == h.until);
	store_hold_delete(r->m[0].store, &h);
	UNTIL(r, hold_until(r->m[1].holds, cert(r, 1), &why) == 0);
	/* And again, of what was forgotten. */
	h.until++;
	store_hold_put(r->m[0].store, &h);
	UNTIL(r, hold_until(r->m[1].holds, cert(r, 1), &why) == h.until);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_first),
		TEST(test_takeover), TEST(test_waves), TEST(test_rolled_back),
		TEST(test_request), TEST(test_unlocked),
		TEST(test_pause), TEST(test_pause_many),
		TEST(test_own_failure), TEST(test_turns),
		TEST(test_late_answer),
		TEST(test_away), TEST(test_unreadable), TEST(test_anew),
		TEST(test_account), TEST(test_rollover),
		TEST(test_apart), TEST(test_budget), TEST(test_holds),
		TEST(test_echo),
		cmocka_unit_test_setup_teardown(test_new_secret,
		    setup_new_secret, teardown),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
