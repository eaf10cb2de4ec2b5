/* SPDX-License-Identifier: MIT */
/* Calls and watches of etcd: members that are away, logins, what a stream may
 * say.  Real clusters are in tests/integration/test_etcd.py. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/etcd/etcd_mirror.h"
#include "daemon/etcd/etcd_priv.h"
#include "daemon/etcd/etcd_watch.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_http.h"
#include "tests/unit/scratch.h"

#define A "https://a.test:2379"
#define B "https://b.test:2379"
#define HEAD(revision) "\"header\":{\"revision\":\"" revision "\"}"
/* "/acmed/x", "/acmed/", "/other" */
#define EVENT(key, revision) "{\"kv\":{\"key\":\"" key "\"," \
	"\"mod_revision\":\"" revision "\"}}"
#define X "L2FjbWVkL3g="

struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	char		*members[3];
	struct conf_etcd conf;
	struct etcd_watch *watch;
	struct etcd_mirror *mirror;
	/* what was told */
	struct error	 err;
	int64_t		 revision;
	char		 story[1024];
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	f->loop = loop_new();
	f->http = http_new(f->loop, "test");
	f->etcd = etcd_new(f->loop, f->http);
	/* One member: which of several is first is drawn. */
	f->members[0] = (char *)(uintptr_t)A;
	f->conf.members = f->members;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	etcd_watch_free(f->watch);
	etcd_mirror_free(f->mirror);
	etcd_free(f->etcd);
	http_free(f->http);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static void
say(struct fixture *f, const char *what, const char *word)
{
	size_t used = strlen(f->story);

	(void)text_printf(f->story + used, sizeof(f->story) - used, "%s%s%s;",
	    what, word[0] != '\0' ? " " : "", word);
}

static void
done(const struct error *err, const json_t *reply, void *arg)
{
	struct fixture *f = arg;

	f->err.kind = ERR_NONE;
	if (err != NULL)
		f->err = *err;
	else
		f->revision = etcd_revision(reply);
	loop_stop(f->loop);
}

/* A goes first, then B. */
static void
from_a(struct fixture *f)
{
	const char *member, *token;

	etcd_where(f->etcd, &f->conf, &member, &token);
	if (strcmp(member, A) != 0)
		etcd_pass(f->etcd, &f->conf);
}

static void
call(struct fixture *f, const struct fake_exchange *script, size_t n)
{
	const char *problem;

	f->revision = 0;
	fake_http_script(f->http, script, n);
	(void)etcd_call_start(f->etcd, &(struct etcd_args){ .conf = &f->conf,
	    .timeout_ms = 1000 }, "/v3/kv/range", json_pack("{s:s}", "key",
	    "eA=="), done, f);
	loop_run(f->loop);
	problem = fake_http_check(f->http);
	if (problem != NULL)
		fail_msg("%s", problem);
}

static void
check_error(const struct fixture *f, enum err_kind kind, const char *code,
    const char *words)
{
	assert_string_equal(f->err.code, code);
	assert_int_equal(f->err.kind, kind);
	if (strstr(f->err.msg, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, f->err.msg);
}

#define RANGE(host) .method = "POST", .url = host "/v3/kv/range"
#define LOGIN .method = "POST", .url = A "/v3/auth/authenticate"
#define WATCH .method = "POST", .url = A "/v3/watch"
#define WELL .status = 200, .body = "{" HEAD("7") "}"
#define SAYS(http, code, words) .status = http, \
	.body = "{\"error\":\"" words "\",\"code\":" code "}"

static void
test_members(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange well[] = { { RANGE(A), WELL } };
	const struct fake_exchange away[] = {
		{ RANGE(A), .failure = "http:connect" },
		{ RANGE(B), SAYS(503, "14", "etcdserver: no leader") } };
	const struct fake_exchange passed[] = {
		{ RANGE(A), .status = 502, .body = "<html>gateway</html>" },
		{ RANGE(B), WELL } };
	const struct fake_exchange second[] = { { RANGE(B), WELL } };
	const struct fake_exchange refused[] = {
		{ RANGE(A), SAYS(400, "3", "etcdserver: key is not given") } };
	const struct fake_exchange full[] = {
		{ RANGE(A), SAYS(500, "8", "etcdserver: mvcc: database space "
		    "exceeded") } };

	call(f, well, 1);
	assert_int_equal(f->err.kind, ERR_NONE);
	assert_int_equal(f->revision, 7);
	f->members[1] = (char *)(uintptr_t)B;
	from_a(f);
	call(f, away, 2);
	check_error(f, ERR_TRANSIENT, "etcd:unavailable", B ": etcdserver: no "
	    "leader");
	from_a(f);
	call(f, passed, 2);
	assert_int_equal(f->revision, 7);
	call(f, second, 1);	/* who answered is asked again */
	/* The cluster has spoken: another member would say the same. */
	from_a(f);
	call(f, refused, 1);
	check_error(f, ERR_REJECTED, "etcd:refused", "key is not given");
	call(f, full, 1);
	check_error(f, ERR_TRANSIENT, "etcd:space", "etcdctl alarm disarm");
}

static void
test_login(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange first[] = {
		{ LOGIN, .status = 200, .body = "{\"token\":\"t1\"}" },
		{ RANGE(A), WELL } };
	const struct fake_exchange kept[] = { { RANGE(A), WELL } };
	const struct fake_exchange stale[] = {
		{ RANGE(A), SAYS(401, "16", "etcdserver: invalid auth token") },
		{ LOGIN, .status = 200, .body = "{\"token\":\"t2\"}" },
		{ RANGE(A), WELL } };
	const struct fake_exchange in_vain[] = {
		{ RANGE(A), SAYS(401, "16", "etcdserver: invalid auth token") },
		{ LOGIN, SAYS(400, "3", "etcdserver: authentication failed, "
		    "invalid user ID or password") } };
	const struct fake_exchange none[] = {
		{ LOGIN, .status = 200, .body = "{}" } };
	const char *password;

	f->conf.user = (char *)(uintptr_t)"acmed";
	password = scratch_path(&f->scratch, "pw");
	scratch_write(password, "s3cret\n");
	f->conf.password_file = (char *)(uintptr_t)password;
	call(f, first, 2);
	assert_non_null(strstr(fake_http_sent(f->http, 0)->body, "s3cret"));
	assert_non_null(strstr(fake_http_sent(f->http, 1)->headers,
	    "Authorization: t1\n"));
	call(f, kept, 1);
	call(f, stale, 3);
	assert_int_equal(f->err.kind, ERR_NONE);
	assert_non_null(strstr(fake_http_sent(f->http, 5)->headers,
	    "Authorization: t2\n"));
	call(f, in_vain, 2);
	check_error(f, ERR_CONFIG, "etcd:denied", "authentication failed");
	assert_null(strstr(f->err.msg, "s3cret"));
	call(f, none, 1);
	check_error(f, ERR_REJECTED, "etcd:refused", "without a token");
	/* The configuration was read again: a wrong password is told now. */
	call(f, first, 2);
	etcd_log_in_anew(f->etcd);
	call(f, in_vain + 1, 1);
	check_error(f, ERR_CONFIG, "etcd:denied", "authentication failed");
}

static void
changed(const struct etcd_kv *kv, void *arg)
{
	say(arg, kv->value != NULL ? "put" : "deleted", kv->key);
}

static void
all(void *arg)
{
	say(arg, "all", "");
}

static void
state_cb(const struct error *err, void *arg)
{
	say(arg, err == NULL ? "up" : "down", "");
}

static void
stop(void *arg)
{
	struct fixture *f = arg;

	loop_stop(f->loop);
}

/* Let it go on for so long; what it told. */
static const char *
watch(struct fixture *f, const struct fake_exchange *script, size_t n,
    int64_t ms)
{
	struct timer end;
	const char *problem;

	f->story[0] = '\0';
	fake_http_script(f->http, script, n);
	if (f->watch == NULL)
		f->watch = etcd_watch_new(&(struct etcd_watch_args){
		    .loop = f->loop, .etcd = f->etcd, .conf = &f->conf,
		    .prefix = "/acmed/", .changed = changed, .all = all,
		    .state = state_cb, .arg = f });
	timer_init(&end, f->loop, stop, f);
	timer_set(&end, ms);
	loop_run(f->loop);
	problem = fake_http_check(f->http);
	if (problem != NULL)
		fail_msg("%s; told: %s", problem, f->story);
	return f->story;
}

static const char *
sent(struct fixture *f, size_t n, const char *member)
{
	static char text[80];
	struct error ignored;
	const char *body = fake_http_sent(f->http, n)->body;
	json_t *json = jsonx_parse(body, strlen(body), &ignored);
	const char *value = jsonx_str(json, member);

	(void)text_printf(text, sizeof(text), "%s", value != NULL ? value :
	    "nothing");
	json_decref(json);
	return text;
}

#define MESSAGE(what) "{\"result\":{" what "}}\n"
#define CREATED MESSAGE(HEAD("7") ",\"created\":true")

/* What is told is told once, and the next stream begins behind it. */
static void
test_watch(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange script[] = {
		{ RANGE(A), WELL },
		{ WATCH, .status = 200, .body = CREATED
		    MESSAGE(HEAD("9") ",\"events\":[" EVENT(X, "8") ","
		    EVENT("L290aGVy", "9") ",{\"type\":\"DELETE\",\"kv\":{"
		    "\"key\":\"" X "\",\"mod_revision\":\"9\"}},"
		    EVENT("!!", "9") ",{},5]") MESSAGE(HEAD("12")) },
		{ RANGE(A), .status = 200, .body = "{" HEAD("12") "}" },
		{ WATCH, .status = 200, .body = CREATED, .failure =
		    FAKE_HANGS } };

	assert_string_equal(watch(f, script, 4, 2500),
	    "all;up;put x;deleted x;down;up;");
	assert_string_equal(sent(f, 1, "create_request.start_revision"), "8");
	assert_string_equal(sent(f, 3, "create_request.start_revision"), "13");
	assert_string_equal(sent(f, 1, "create_request.range_end"),
	    "L2FjbWVkMA==");
}

/* A revision of several keys that etcd sends in parts, the second of which does
 * not come. */
static void
test_fragment(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange script[] = {
		{ RANGE(A), WELL },
		{ WATCH, .status = 200, .body = CREATED
		    MESSAGE(HEAD("9") ",\"fragment\":true,\"events\":["
		    EVENT(X, "8") "," EVENT(X, "9") "]") },
		{ RANGE(A), .status = 200, .body = "{" HEAD("9") "}" },
		{ WATCH, .status = 200, .body = CREATED
		    MESSAGE(HEAD("9") ",\"events\":[" EVENT(X, "9") ","
		    EVENT("L2FjbWVkL3k=", "9") "]") },
		{ RANGE(A), .status = 200, .body = "{" HEAD("9") "}" },
		{ WATCH, .status = 200, .body = CREATED, .failure =
		    FAKE_HANGS } };

	assert_string_equal(watch(f, script, 6, 4500), "all;up;put x;put x;"
	    "down;up;put x;put y;down;up;");
	assert_string_equal(sent(f, 3, "create_request.start_revision"), "9");
	assert_string_equal(sent(f, 5, "create_request.start_revision"),
	    "10");
}

/* etcd has forgotten, or is another cluster: anything may have changed. */
static void
test_gaps(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange script[] = {
		{ RANGE(A), WELL },
		{ WATCH, .status = 200, .body = CREATED MESSAGE(HEAD("90")
		    ",\"canceled\":true,\"compact_revision\":\"80\""),
		    .failure = FAKE_HANGS },
		{ RANGE(A), .status = 200, .body = "{" HEAD("90") "}" },
		{ WATCH, .status = 200, .body = CREATED },
		{ RANGE(A), .status = 200, .body = "{" HEAD("3") "}" },
		{ WATCH, .status = 200, .body = CREATED, .failure =
		    FAKE_HANGS } };

	assert_string_equal(watch(f, script, 6, 5000),
	    "all;up;down;all;up;down;all;up;");
	assert_string_equal(sent(f, 3, "create_request.start_revision"), "91");
	assert_string_equal(sent(f, 5, "create_request.start_revision"), "4");
}

/* Whatever comes instead, it is told, and tried again; nothing is believed. */
static void
test_hostile(void **state)
{
	struct fixture *f = *state;
	static const char *const bodies[] = { "\n\n{\n", "[]\n", "null",
	    "{\"result\":5}\n", MESSAGE("\"canceled\":true"),
	    "{\"error\":{\"message\":\"etcdserver: \x1b[31mno leader\"}}\n",
	    "<html>\n", "" };
	char *endless = xmalloc((5u << 20) + 1);

	memset(endless, 'x', 5u << 20);
	endless[5u << 20] = '\0';
	for (size_t i = 0; i <= N_ELEMENTS(bodies); i++) {
		const struct fake_exchange script[] = {
			{ RANGE(A), WELL },
			{ WATCH, .status = 200, .body = i == N_ELEMENTS(bodies)
			    ? endless : bodies[i] } };

		assert_string_equal(watch(f, script, 2, 200), "all;down;");
		etcd_watch_free(f->watch);
		f->watch = NULL;
	}
	free(endless);
}

static void
put(const struct etcd_kv *kv, void *arg)
{
	char *word = xasprintf("%s=%s@%d", kv->key, kv->value,
	    (int)kv->modified);

	say(arg, "put", word);
	free(word);
}

static void
gone(const char *key, int64_t revision, void *arg)
{
	char *word = xasprintf("%s@%d", key, (int)revision);

	say(arg, "gone", word);
	free(word);
}

static void
anew(void *arg)
{
	say(arg, "anew", "");
}

/* "/acmed/a", b, c; the value is "v" */
#define KV(key, revision) "{\"key\":\"" key "\",\"value\":\"dg==\"," \
	"\"mod_revision\":\"" revision "\"}"
#define DELETED(key, revision) "{\"type\":\"DELETE\",\"kv\":{\"key\":\"" \
	key "\",\"mod_revision\":\"" revision "\"}}"
#define KEY_A "L2FjbWVkL2E="
#define KEY_B "L2FjbWVkL2I="
#define KEY_C "L2FjbWVkL2M="
#define NUL "L2FjbWVkLwBh"		/* "/acmed/\0a" */

/* A watch tells what the list still has, or has older, before its pages come;
 * then a gap, and a cluster that counts anew, in which something is gone. */
static void
test_mirror(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange script[] = {
		{ RANGE(A), WELL },
		{ WATCH, .status = 200, .body = CREATED
		    MESSAGE(HEAD("9") ",\"events\":[{\"kv\":" KV(KEY_C, "8")
		    "}," DELETED(KEY_B, "9") "]") MESSAGE(HEAD("9")
		    ",\"canceled\":true,\"compact_revision\":\"9\""),
		    .failure = FAKE_HANGS },
		{ RANGE(A), .status = 200, .body = "{" HEAD("7") ",\"kvs\":["
		    KV(KEY_A, "3") "],\"more\":true}" },
		{ RANGE(A), .status = 200, .body = "{" HEAD("9") ",\"kvs\":["
		    KV(KEY_B, "4") "," KV(KEY_C, "5") "]}" },
		{ RANGE(A), .status = 200, .body = "{" HEAD("2") "}" },
		{ WATCH, .status = 200, .body = CREATED, .failure =
		    FAKE_HANGS },
		{ RANGE(A), .status = 200, .body = "{" HEAD("2") ",\"kvs\":["
		    KV(NUL, "1") "," KV(KEY_A, "2") "]}" } };
	struct timer end;
	const char *problem;

	fake_http_script(f->http, script, N_ELEMENTS(script));
	f->mirror = etcd_mirror_new(&(struct etcd_mirror_args){
	    .loop = f->loop, .etcd = f->etcd, .conf = &f->conf,
	    .prefix = "/acmed/", .put = put, .gone = gone, .anew = anew,
	    .state = state_cb, .arg = f });
	timer_init(&end, f->loop, stop, f);
	timer_set(&end, 2500);
	loop_run(f->loop);
	problem = fake_http_check(f->http);
	if (problem != NULL)
		fail_msg("%s; told: %s", problem, f->story);
	assert_string_equal(f->story, "put c=v@8;put a=v@3;down;anew;"
	    "put a=v@2;gone c@2;up;");
	assert_int_equal(etcd_mirror_revision(f->mirror), 2);
	/* The second page is behind the first one's last key, and as it was
	 * then. */
	assert_string_equal(sent(f, 3, "key"), "L2FjbWVkL2EA");
	assert_string_equal(sent(f, 3, "revision"), "7");
}

/* Pages that are more than is taken are asked for again, smaller; one value
 * that is too much by itself is left out, also where its key is none of ours.
 */
static void
test_large(void **state)
{
	struct fixture *f = *state;
	const struct fake_exchange script[] = {
		{ RANGE(A), WELL },
		{ WATCH, .status = 200, .body = CREATED, .failure =
		    FAKE_HANGS },
		{ RANGE(A), .failure = "http:too-large" },	/* 200 */
		{ RANGE(A), .failure = "http:too-large" },	/* 50 */
		{ RANGE(A), .failure = "http:too-large" },	/* 13 */
		{ RANGE(A), .failure = "http:too-large" },	/* 4 */
		{ RANGE(A), .failure = "http:too-large" },	/* 1 */
		{ RANGE(A), .status = 200, .body = "{" HEAD("7") ",\"kvs\":["
		    "{\"key\":\"" NUL "\",\"mod_revision\":\"3\"}],"
		    "\"more\":true}" },
		{ RANGE(A), .status = 200, .body = "{" HEAD("8") ",\"kvs\":["
		    KV(KEY_A, "4") "," KV(KEY_B, "5") "],\"more\":true}" },
		{ RANGE(A), .status = 200, .body = "{" HEAD("9") ",\"kvs\":["
		    KV(KEY_C, "6") "]}" } };
	struct timer end;
	const char *problem;

	fake_http_script(f->http, script, N_ELEMENTS(script));
	f->mirror = etcd_mirror_new(&(struct etcd_mirror_args){
	    .loop = f->loop, .etcd = f->etcd, .conf = &f->conf,
	    .prefix = "/acmed/", .put = put, .gone = gone, .anew = anew,
	    .state = state_cb, .arg = f });
	timer_init(&end, f->loop, stop, f);
	timer_set(&end, 1000);
	loop_run(f->loop);
	problem = fake_http_check(f->http);
	if (problem != NULL)
		fail_msg("%s; told: %s", problem, f->story);
	assert_string_equal(f->story, "put a=v@4;put b=v@5;put c=v@6;up;");
	/* The key alone, and then what is behind it, all at one revision. */
	assert_non_null(strstr(fake_http_sent(f->http, 7)->body,
	    "\"keys_only\":true"));
	assert_null(strstr(fake_http_sent(f->http, 8)->body,
	    "\"keys_only\":true"));
	assert_string_equal(sent(f, 8, "key"), "L2FjbWVkLwBhAA==");
	assert_string_equal(sent(f, 9, "revision"), "7");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_members, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fragment, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mirror, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
