/* SPDX-License-Identifier: MIT */
/* The deploy step `verify` against servers of this process. */
#include "daemon/dns/dns.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/verify.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "tests/unit/fakedns.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tlsd.h"

static struct loop *loop;
static EVP_PKEY *key, *rsa;
static X509 *new_cert, *old_cert, *rsa_cert, *other_cert;

struct rig {
	struct scratch	 s;
	struct conf_name name;
	struct conf_cert cert;
	struct conf_deploy target;
	struct conf_verify entries[3];
	struct deploy_env env;
	struct deploy_args args;
	struct fakedns	 ns;
	char		 said[4096];
	int		 calls;
	struct error	 err;
	time_t		 seen_before, seen_after;	/* 0: nothing */
	bool		 saw_all;
};

static void
line_cb(const char *line, void *arg)
{
	struct rig *r = arg;
	size_t len = strlen(r->said);

	(void)snprintf(r->said + len, sizeof(r->said) - len, "%s\n", line);
}

static void
seen_cb(time_t not_before, time_t not_after, bool is_all, void *arg)
{
	struct rig *r = arg;

	assert_int_equal(r->calls, 0);
	r->seen_before = not_before;
	r->seen_after = not_after;
	r->saw_all = is_all;
}

static void
done_cb(const struct error *err, void *arg)
{
	struct rig *r = arg;

	r->calls++;
	if (err != NULL)
		r->err = *err;
}

static void
run(struct rig *r)
{
	int64_t end = clock_mono_ms() + 20000;

	r->calls = 0;
	r->said[0] = '\0';
	memset(&r->err, 0, sizeof(r->err));
	(void)deploy_verify.start(&r->args, done_cb, r);
	assert_int_equal(r->calls, 0);
	while (r->calls == 0 && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(r->calls, 1);
}

static void
write_pem(struct rig *r, const char *dir, X509 *x)
{
	char *pem = pki_pem(&x, 1);

	assert_int_equal(mkdir(scratch_path(&r->s, "%s", dir), 0700), 0);
	scratch_write(scratch_path(&r->s, "%s/fullchain.pem", dir), pem);
	free(pem);
}

static const struct fake_rr records[] = {
	{ .qname = "two.test", .qtype = 1, .type = 1, .data = "127.0.0.1" },
	{ .qname = "two.test", .qtype = 28, .type = 28,
	    .data = "2001:db8::1" },
	{ .qname = NULL }
};

static void
setup_rig(struct rig *r, struct tlsd *d)
{
	static char host[] = "127.0.0.1", name[] = "www.example.test";
	const char *resolvers[] = { NULL, NULL };
	struct error err;

	memset(r, 0, sizeof(*r));
	scratch_make(&r->s);
	write_pem(r, "0bbb", new_cert);
	write_pem(r, "0aaa", old_cert);
	r->args.version_dir = xstrdup(scratch_path(&r->s, "0bbb"));
	fakedns_init(&r->ns, loop, 77, records);
	resolvers[0] = r->ns.server.text;
	r->env.loop = loop;
	r->env.asking = slots_new(loop, 64);
	r->env.dns = dns_new(loop, resolvers, &err);
	assert_non_null(r->env.dns);
	r->name.name = name;
	r->cert.name = name;
	r->cert.names = &r->name;
	r->cert.n_names = 1;
	r->target.verify = r->entries;
	r->target.n_verify = 1;
	r->target.verify_timeout_s = 1;
	r->entries[0].host = host;
	r->entries[0].port = d != NULL ? d->port : 1;
	r->args.env = &r->env;
	r->args.cert = &r->cert;
	r->args.target = &r->target;
	r->args.serial = "0bbb";
	r->args.line = line_cb;
	r->args.seen = seen_cb;
}

static void
clear_rig(struct rig *r)
{
	free((void *)(uintptr_t)r->args.version_dir);
	dns_free(r->env.dns);
	slots_free(r->env.asking);
	fakedns_clear(&r->ns);
	scratch_remove(&r->s);
}

static time_t
end_of(const X509 *x)
{
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm), 1);
	return timegm(&tm);
}

/* Served with these certificates: what comes of it. */
static void
check(X509 *cert, EVP_PKEY *its_key, const char *code, const char *msg)
{
	struct tlsd d = { .cert = { cert }, .key = { its_key } };
	struct rig r;

	tlsd_start(&d);
	setup_rig(&r, &d);
	run(&r);
	tlsd_stop(&d);
	if (code == NULL && r.err.kind != ERR_NONE)
		fail_msg("%s", r.err.msg);
	if (code != NULL) {
		assert_true(r.saw_all);
		assert_true(r.seen_after == end_of(cert));
		assert_true(r.seen_before > clock_now() - 2 * 86400);
		assert_string_equal(r.err.code, code);
		if (strstr(r.err.msg, msg) == NULL)
			fail_msg("%s", r.err.msg);
		assert_int_equal(r.err.kind, ERR_TRANSIENT);
		assert_true(d.n_conns > 1);
	}
	clear_rig(&r);
}

static void
test_verdicts(void **state)
{
	check(new_cert, key, NULL, NULL);
	check(old_cert, key, VERIFY_ERR_OLD, "still serves the old "
	    "certificate (expires in 9d");
	check(old_cert, key, VERIFY_ERR_OLD, "serial 0aaa, by \"old\")");
	check(other_cert, key, VERIFY_ERR_OTHER,
	    "serves a certificate for other.example (expired ");
	check(rsa_cert, rsa, VERIFY_ERR_OTHER,
	    "serves another certificate for that name");
}

/* A private CA is no failure, and is told. */
static void
test_private_ca(void **state)
{
	struct tlsd d = { .cert = { new_cert }, .key = { key } };
	struct rig r;
	char *pem = pki_pem(&old_cert, 1);

	tlsd_start(&d);
	setup_rig(&r, &d);
	run(&r);
	assert_int_equal(r.err.kind, ERR_NONE);
	assert_non_null(strstr(r.said, "not one that this system trusts"));
	assert_non_null(strstr(r.said, "serves the new certificate"));
	/* With a ca_file its word counts. */
	scratch_write(scratch_path(&r.s, "ca"), pem);
	free(pem);
	r.entries[0].ca_file = xstrdup(scratch_path(&r.s, "ca"));
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR_CHAIN);
	free(r.entries[0].ca_file);
	r.entries[0].ca_file = xstrdup("/nonexistent");
	r.target.verify_timeout_s = 60;
	run(&r);		/* hopeless: at once */
	assert_int_equal(r.err.kind, ERR_CONFIG);
	free(r.entries[0].ca_file);
	r.entries[0].ca_file = xstrdup(scratch_path(&r.s,
	    "0bbb/fullchain.pem"));
	run(&r);
	assert_int_equal(r.err.kind, ERR_NONE);
	assert_null(strstr(r.said, "trusts"));
	free(r.entries[0].ca_file);
	tlsd_stop(&d);
	clear_rig(&r);
}

/* It takes the server a moment. */
static void
test_takes_over(void **state)
{
	struct tlsd d = { .cert = { old_cert }, .key = { key },
	    .later = new_cert, .later_key = key, .later_from = 3 };
	struct rig r;

	tlsd_start(&d);
	setup_rig(&r, &d);
	r.target.verify_timeout_s = 10;
	run(&r);
	tlsd_stop(&d);
	assert_int_equal(r.err.kind, ERR_NONE);
	assert_int_equal(d.n_conns, 3);
	/* A server needs a moment: that is not worth a word. */
	assert_null(strstr(r.said, "still serves the old"));
	clear_rig(&r);
}

/* Both kinds of key are there: that of the new one is looked at. */
static void
test_dual(void **state)
{
	struct tlsd d = { .cert = { rsa_cert, new_cert },
	    .key = { rsa, key } };
	struct rig r;

	tlsd_start(&d);
	setup_rig(&r, &d);
	run(&r);
	tlsd_stop(&d);
	assert_int_equal(r.err.kind, ERR_NONE);
	clear_rig(&r);
}

/* Every address of every entry counts. */
static void
test_several(void **state)
{
	static char host[] = "two.test", nowhere[] = "nowhere.test";
	struct tlsd d = { .cert = { new_cert }, .key = { key } };
	struct rig r;

	tlsd_start(&d);
	setup_rig(&r, &d);
	r.entries[0].host = host;
	run(&r);
	/* Unroutable here: no failure.  Where there is IPv6, it times out. */
	if (r.err.kind != ERR_NONE)
		assert_non_null(strstr(r.err.msg, "2001:db8::1"));
	else
		assert_non_null(strstr(r.said, "two.test:"));
	r.target.n_verify = 2;
	r.entries[0].host = nowhere;
	r.entries[1] = r.entries[0];
	r.entries[1].port = 1;
	r.entries[1].connect = r.name.name;
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR);
	assert_non_null(strstr(r.err.msg, "nowhere.test has no address"));
	assert_non_null(strstr(r.err.msg, "; nowhere.test:1"));
	tlsd_stop(&d);
	clear_rig(&r);
}

/* Of all that is served, what ends first is told; who could not be asked may
 * serve anything. */
static void
test_first_to_end(void **state)
{
	struct tlsd old = { .cert = { old_cert }, .key = { key } };
	struct tlsd new = { .cert = { new_cert }, .key = { key } };
	struct rig r;

	tlsd_start(&old);
	tlsd_start(&new);
	setup_rig(&r, &new);
	r.target.n_verify = 3;
	r.entries[1] = r.entries[0];
	r.entries[1].port = old.port;
	r.entries[2] = r.entries[0];
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR_OLD);
	assert_true(r.seen_after == end_of(old_cert));
	assert_true(r.saw_all);
	r.entries[2].port = 1;
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR_OLD);
	assert_true(r.seen_after == end_of(old_cert));
	assert_false(r.saw_all);
	tlsd_stop(&old);
	tlsd_stop(&new);
	clear_rig(&r);
}

static void
test_nobody(void **state)
{
	struct rig r;

	setup_rig(&r, NULL);
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR);
	assert_non_null(strstr(r.err.msg, "connection refused"));
	assert_true(r.seen_after == 0);
	clear_rig(&r);
}

static void
test_no_version(void **state)
{
	struct rig r;

	setup_rig(&r, NULL);
	free((void *)(uintptr_t)r.args.version_dir);
	r.args.version_dir = xstrdup("/nonexistent");
	run(&r);
	assert_string_equal(r.err.code, VERIFY_ERR);
	clear_rig(&r);
}

static void
test_cancel(void **state)
{
	struct tlsd d = { .mode = TLSD_SILENT };
	struct rig r;
	void *op;

	tlsd_start(&d);
	setup_rig(&r, &d);
	deploy_verify.cancel(NULL);
	deploy_verify.cancel(deploy_verify.start(&r.args, done_cb, &r));
	for (int turns = 1; turns < 5; turns++) {
		op = deploy_verify.start(&r.args, done_cb, &r);
		for (int i = 0; i < turns; i++)
			loop_turn(loop);
		if (r.calls > 0)
			break;
		deploy_verify.cancel(op);
	}
	assert_int_equal(r.calls, 0);
	tlsd_stop(&d);
	clear_rig(&r);
}

static int
setup(void **state)
{
	static const char *const names[] = { "www.example.test", NULL };
	static const char *const others[] = { "other.example", NULL };
	struct pki_args a = { .cn = "new", .serial = "0BBB", .names = names };

	loop = loop_new();
	key = pki_key();
	rsa = EVP_RSA_gen(2048);
	a.key = key;
	new_cert = pki_cert(&a);
	a.cn = "old";
	a.serial = "0AAA";
	a.not_after = clock_now() + 10 * 86400 - 60;
	old_cert = pki_cert(&a);
	a.serial = "0CCC";
	a.key = rsa;
	rsa_cert = pki_cert(&a);
	a.key = key;
	a.names = others;
	a.not_after = clock_now() - 3600;
	other_cert = pki_cert(&a);
	return 0;
}

static int
teardown(void **state)
{
	X509_free(new_cert);
	X509_free(old_cert);
	X509_free(rsa_cert);
	X509_free(other_cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(rsa);
	loop_free(loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_private_ca),
		cmocka_unit_test(test_takes_over),
		cmocka_unit_test(test_dual),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_first_to_end),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_no_version),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests_name("verify", tests, setup, teardown);
}
