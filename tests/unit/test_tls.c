/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls_cert.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"
#include "tests/unit/tlsd.h"

static struct loop *loop;
static EVP_PKEY *ec, *rsa;
static X509 *ec_cert, *rsa_cert;

struct answer {
	int		 calls;
	struct error	 err;
	struct tls_reply reply;
};

static void
done_cb(const struct error *err, const struct tls_reply *r, void *arg)
{
	struct answer *a = arg;

	a->calls++;
	if (err != NULL)
		a->err = *err;
	else
		a->reply = *r;
}

static void
ask_port(uint16_t port, struct tls_args *args, struct answer *a)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int64_t end = clock_mono_ms() + 20000;

	args->addr = (struct sockaddr *)&sin;
	args->addr_len = sizeof(sin);
	if (args->timeout_ms == 0)
		args->timeout_ms = 5000;
	memset(a, 0, sizeof(*a));
	(void)tls_start(loop, args, done_cb, a);
	assert_int_equal(a->calls, 0);
	while (a->calls == 0 && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(a->calls, 1);
}

static void
ask(struct tlsd *d, struct tls_args *args, struct answer *a)
{
	tlsd_start(d);
	ask_port(d->port, args, a);
	tlsd_stop(d);
}

static void
expect_error(enum tlsd_mode mode, enum starttls starttls, const char *code)
{
	struct tlsd d = { .mode = mode, .cert = { ec_cert }, .key = { ec } };
	struct tls_args args = { .starttls = starttls, .timeout_ms = 300 };
	int64_t begun = clock_mono_ms();
	struct answer a;

	ask(&d, &args, &a);
	assert_string_equal(a.err.code, code);
	assert_int_equal(a.err.kind, ERR_TRANSIENT);
	assert_true(clock_mono_ms() - begun < 5000);
}

static void
test_served(void **state)
{
	static const int versions[] = { 0, TLS1_2_VERSION };

	for (size_t i = 0; i < N_ELEMENTS(versions); i++) {
		struct tlsd d = { .cert = { ec_cert }, .key = { ec },
		    .max_version = versions[i] };
		struct tls_args args = { .sni = "www.example.test" };
		struct answer a;

		ask(&d, &args, &a);
		assert_int_equal(a.err.kind, ERR_NONE);
		assert_string_equal(a.reply.serial, "0abc");
		assert_string_equal(a.reply.name, "www.example.test");
		assert_string_equal(a.reply.issuer, "EC");
		assert_true(a.reply.is_for_name);
		assert_true(a.reply.not_after > clock_now() + 80 * 86400);
		assert_int_equal(strlen(a.reply.sha256), 64);
		assert_false(a.reply.is_trusted);
		assert_string_not_equal(a.reply.why_not, "");
	}
}

static void
test_other_name(void **state)
{
	struct tlsd d = { .cert = { ec_cert }, .key = { ec } };
	struct tls_args args = { .sni = "other.test" };
	struct answer a;

	ask(&d, &args, &a);
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_false(a.reply.is_for_name);
}

/* A server with one of each shows the one of the type asked for. */
static void
test_dual(void **state)
{
	static const int versions[] = { 0, TLS1_2_VERSION };
	static const struct { enum tls_key key; const char *issuer; } cases[]
	    = { { TLS_KEY_EC, "EC" }, { TLS_KEY_RSA, "RSA" } };

	for (size_t i = 0; i < N_ELEMENTS(versions); i++) {
		for (size_t j = 0; j < N_ELEMENTS(cases); j++) {
			struct tlsd d = { .cert = { ec_cert, rsa_cert },
			    .key = { ec, rsa }, .max_version = versions[i] };
			struct tls_args args = { .key = cases[j].key };
			struct answer a;

			ask(&d, &args, &a);
			assert_int_equal(a.err.kind, ERR_NONE);
			assert_string_equal(a.reply.issuer, cases[j].issuer);
		}
	}
}

static void
test_no_such_key(void **state)
{
	struct tlsd d = { .cert = { ec_cert }, .key = { ec } };
	struct tls_args args = { .key = TLS_KEY_RSA };
	struct answer a;

	ask(&d, &args, &a);
	assert_string_equal(a.err.code, "tls:no-shared");
}

static void
test_trust(void **state)
{
	struct tlsd d = { .cert = { ec_cert }, .key = { ec } };
	struct scratch s;
	struct tls_args args = { .sni = "www.example.test" };
	struct answer a;
	char *pem;

	scratch_make(&s);
	pem = pki_pem(&ec_cert, 1);
	scratch_write(scratch_path(&s, "ca"), pem);
	free(pem);
	args.ca_file = scratch_path(&s, "ca");
	ask(&d, &args, &a);
	assert_true(a.reply.is_trusted);
	assert_string_equal(a.reply.why_not, "");
	pem = pki_pem(&rsa_cert, 1);
	scratch_write(scratch_path(&s, "ca"), pem);
	assert_false(tls_is_trusted_here(pem, strlen(pem)));
	assert_false(tls_is_trusted_here("x", 1));
	free(pem);
	ask(&d, &args, &a);
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_false(a.reply.is_trusted);
	args.ca_file = "/nonexistent";
	ask(&d, &args, &a);
	assert_string_equal(a.err.code, "tls:ca");
	assert_int_equal(a.err.kind, ERR_CONFIG);
	scratch_remove(&s);
}

/* A server that wants to know us shows its certificate all the same. */
static void
test_client_certificate(void **state)
{
	static const int versions[] = { 0, TLS1_2_VERSION };

	for (size_t i = 0; i < N_ELEMENTS(versions); i++) {
		struct tlsd d = { .cert = { ec_cert }, .key = { ec },
		    .wants_cert = true, .max_version = versions[i] };
		struct tls_args args = { .sni = NULL };
		struct answer a;

		ask(&d, &args, &a);
		assert_int_equal(a.err.kind, ERR_NONE);
		assert_string_equal(a.reply.serial, "0abc");
	}
}

static void
test_starttls(void **state)
{
	static const char *const good[] = { ">220-a\r\n220 b\r\n",
	    "<EHLO", ">250-b\r\n250 STARTTLS\r\n", "<STARTTLS",
	    ">220 go\r\n", NULL };
	static const char *const no[] = { ">220 b\r\n", "<EHLO",
	    ">250 b\r\n", "<STARTTLS", ">502 what?\r\n", NULL };
	static const char *const eager[] = { ">220 b\r\n", "<EHLO",
	    ">250 b\r\n", "<STARTTLS", ">220 go\r\nboo\r\n", NULL };
	struct tlsd d = { .cert = { ec_cert }, .key = { ec }, .talk = good };
	struct tls_args args = { .starttls = STARTTLS_SMTP };
	struct answer a;

	ask(&d, &args, &a);
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_string_equal(a.reply.serial, "0abc");
	d.talk = no;
	ask(&d, &args, &a);
	assert_string_equal(a.err.code, "tls:starttls");
	assert_non_null(strstr(a.err.msg, "502 what?"));
	d.talk = eager;
	ask(&d, &args, &a);
	assert_string_equal(a.err.code, "tls:starttls");
}

static void
test_hostile(void **state)
{
	struct tlsd d = { .cert = { ec_cert }, .key = { ec }, .extra = 900 };
	struct tls_args args = { .sni = NULL };
	struct answer a;

	expect_error(TLSD_CLOSES, STARTTLS_NONE, "tls:closed");
	expect_error(TLSD_CLOSES, STARTTLS_SMTP, "tls:closed");
	expect_error(TLSD_SILENT, STARTTLS_NONE, "tls:timeout");
	expect_error(TLSD_SILENT, STARTTLS_IMAP, "tls:timeout");
	expect_error(TLSD_SLOW, STARTTLS_NONE, "tls:timeout");
	expect_error(TLSD_GARBAGE, STARTTLS_NONE, "tls:handshake");
	expect_error(TLSD_GARBAGE, STARTTLS_SMTP, "tls:starttls");
	expect_error(TLSD_GARBAGE, STARTTLS_XMPP, "tls:starttls");
	expect_error(TLSD_CHATTY, STARTTLS_SMTP, "tls:starttls");
	/* More certificates than anybody needs. */
	ask(&d, &args, &a);
	assert_string_equal(a.err.code, "tls:handshake");
}

static void
test_nobody(void **state)
{
	struct tlsd d = { .mode = TLSD_CLOSES };
	struct tls_args args = { .sni = NULL };
	struct answer a;

	tlsd_start(&d);
	tlsd_stop(&d);
	ask_port(d.port, &args, &a);
	assert_string_equal(a.err.code, "tls:refused");
	assert_string_equal(a.err.msg, "connection refused");
}

static void
test_cancel(void **state)
{
	struct tlsd d = { .mode = TLSD_SILENT };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct tls_args args = { .addr = (struct sockaddr *)&sin,
	    .addr_len = sizeof(sin), .timeout_ms = 5000 };
	struct answer a = { .calls = 0 };
	struct tls_op *op;

	tls_cancel(NULL);
	tlsd_start(&d);
	sin.sin_port = htons(d.port);
	tls_cancel(tls_start(loop, &args, done_cb, &a));
	op = tls_start(loop, &args, done_cb, &a);
	for (int i = 0; i < 2; i++)	/* begin, and be connected */
		loop_turn(loop);
	tls_cancel(op);
	assert_int_equal(a.calls, 0);
	tlsd_stop(&d);
}

static int
setup(void **state)
{
	static const char *const names[] = { "www.example.test", NULL };
	struct pki_args a = { .cn = "EC", .serial = "0ABC", .names = names };

	loop = loop_new();
	ec = pki_key();
	rsa = EVP_RSA_gen(2048);
	a.key = ec;
	ec_cert = pki_cert(&a);
	a.cn = "RSA";
	a.key = rsa;
	rsa_cert = pki_cert(&a);
	return 0;
}

static int
teardown(void **state)
{
	X509_free(ec_cert);
	X509_free(rsa_cert);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	loop_free(loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_other_name),
		cmocka_unit_test(test_dual),
		cmocka_unit_test(test_no_such_key),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_cancel),
	};

	/* The server of these tests writes to clients that have left. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("tls", tests, setup, teardown);
}
