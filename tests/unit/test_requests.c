/* SPDX-License-Identifier: MIT */
/* key_source = host: what a host asks for, and what its publisher takes. */
#include "tests/unit/engine_rig.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/publish/request.h"
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"
#include "daemon/store/keys.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/pki.h"

#define CERT "a.test"
#define PLACE CERT "/csr/web-1"

static struct identity *web, *other;

/* --- keys: made by a child process, in real time --- */

struct keygen_op {
	struct timer	 start;
	keygen_done_cb	*done;
	void		*arg;
};

struct keygen_op *__wrap_keygen_start(struct loop *, struct children *,
		    enum key_type, keygen_done_cb *, void *);
void		 __wrap_keygen_cancel(struct keygen_op *);

void
__wrap_keygen_cancel(struct keygen_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->start);
	free(op);
}

static void
start_cb(void *arg)
{
	struct keygen_op *op = arg;
	EVP_PKEY *key = pki_key();

	op->done(NULL, key, op->arg);
	EVP_PKEY_free(key);
	__wrap_keygen_cancel(op);
}

struct keygen_op *
__wrap_keygen_start(struct loop *loop, struct children *children,
    enum key_type type, keygen_done_cb *done, void *arg)
{
	struct keygen_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	timer_init(&op->start, loop, start_cb, op);
	timer_set(&op->start, 0);
	return op;
}

/* --- the publisher --- */

static void
publisher_up(struct erig *r)
{
	char *state = xstrdup(scratch_path(&r->scratch, "s"));
	char *repo = xstrdup(scratch_path(&r->scratch, "repo"));
	char *text = xasprintf("state_dir = \"%s\"\n"
	    "host \"web-1\" { public_key = \"%s\" }\n"
	    "host \"web-2\" { public_key = \"%s\" }\n"
	    "repository \"p\" { type = directory path = \"%s\"\n"
	    " encrypt_to = hosts receipts = no }\n"
	    "certificate \"" CERT "\" { provider = dns key_source = host\n"
	    " hosts = \"web-1\" poll = 10s deploy \"p\" { publish = p } }\n",
	    state, identity_public(web), identity_public(other), repo);
	struct error err;

	assert_int_equal(file_mkdir(AT_FDCWD, repo, 0755, &err), 0);
	erig_conf(r, text);
	erig_up(r);
	free(text);
	free(repo);
	free(state);
}

static void
put_raw(struct erig *r, const char *data, size_t len)
{
	struct error err;

	for (const char *p = PLACE; (p = strchr(p, '/')) != NULL; p++)
		assert_int_equal(file_mkdir(AT_FDCWD, scratch_path(
		    &r->scratch, "repo/%.*s", (int)(p - PLACE), PLACE), 0755,
		    &err), 0);
	assert_int_equal(file_write_atomic(AT_FDCWD, scratch_path(&r->scratch,
	    "repo/" PLACE), 0644, data, len, &err), 0);
}

/* The public half of the publisher of this rig; the caller frees. */
static struct identity *
publisher_of(struct erig *r)
{
	struct error err;
	struct identity *id = store_publisher(r->store, &err);

	assert_non_null(id);
	return id;
}

/* As that host makes it, for that place. */
static void
put(struct erig *r, struct identity *from, const char *key, const char *csr,
    time_t at)
{
	struct identity *publisher = publisher_of(r);
	const struct repo_keys keys = { .me = from,
	    .publisher = identity_public(publisher) };
	size_t len;
	char *sealed = request_make(&keys, key, csr, at, &len);

	put_raw(r, sealed, len);
	free(sealed);
	identity_free(publisher);
}

/* The same, with any text in it. */
static void
put_text(struct erig *r, const char *text)
{
	struct identity *publisher = publisher_of(r);
	size_t len;
	char *sealed = identity_seal(web, identity_public(publisher), PLACE,
	    text, strlen(text), &len);

	put_raw(r, sealed, len);
	free(sealed);
	identity_free(publisher);
}

static char *
csr_of(EVP_PKEY *key, const char *name)
{
	const char *names[] = { name, "b.test" };
	struct error err;
	char *pem = csr_make_pem(key, names, strcmp(name, CERT) == 0 ? 1 : 2,
	    &err);

	assert_non_null(pem);
	return pem;
}

static char *
csr_new(void)
{
	EVP_PKEY *key = pki_key();
	char *pem = csr_of(key, CERT);

	EVP_PKEY_free(key);
	return pem;
}

/* One that csr_make_pem() does not make. */
static char *
csr_weak(void)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	X509_REQ *req = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(
	    X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
	    (const unsigned char *)CERT, -1, -1, 0), 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(data, (size_t)len);
	BIO_free(bio);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return pem;
}

/* What the publisher keeps; the caller frees. */
static char *
kept(struct erig *r)
{
	struct error err;
	char *pem;
	size_t len;

	if (file_read(AT_FDCWD, scratch_path(&r->scratch,
	    "s/requests/" CERT ".pem"), REQUEST_MAX, &pem, &len, &err) == -1)
		fail_msg("%s", err.msg);
	return pem;
}

static void
expect_kept(struct erig *r, const char *csr)
{
	char *pem = kept(r);

	assert_string_equal(pem, csr);
	free(pem);
}

static void
expect_told(struct erig *r, const char *text)
{
	if (!erig_told(r, text))
		fail_msg("not told: %s\n%s", text, r->events);
}

static bool
has_code(struct erig *r, const char *code)
{
	const struct error *err = erig_row(r, CERT)->error;

	return err != NULL && strcmp(err->code, code) == 0;
}

/* It orders with the host's request, and never has its key. */
static void
test_orders(void **state)
{
	struct erig *r = *state;
	char *csr = csr_new();

	publisher_up(r);
	ERIG_UNTIL(has_code(r, "request:none"));
	assert_non_null(strstr(erig_row(r, CERT)->error->msg,
	    "host \"web-1\" has not asked"));
	assert_int_equal(fake_ca.n_orders, 0);
	put(r, web, PLACE, csr, clock_now());
	ERIG_UNTIL(erig_row(r, CERT)->serial != NULL);
	expect_kept(r, csr);
	expect_ordered(CERT " ");
	assert_int_equal(access(scratch_path(&r->scratch,
	    "s/live/" CERT "/privkey.pem"), F_OK), -1);
	assert_int_equal(access(scratch_path(&r->scratch,
	    "s/live/" CERT "/csr.pem"), F_OK), 0);
	/* The same again, later: as a host does that was not heard. */
	fake_time_pass(MINUTE);
	put(r, web, PLACE, csr, clock_now());
	fake_time_pass(10 * MINUTE);
	expect_ordered(CERT " ");
	free(csr);
}

/* --- of others, or of a host that others have taken over --- */

static void
put_garbage(struct erig *r)
{
	put_raw(r, "ACMEDBOX1\ngarbage", 17);
}

static void
put_long(struct erig *r)
{
	char *data = xcalloc(1, REQUEST_MAX + 1);

	put_raw(r, data, REQUEST_MAX + 1);
	free(data);
}

static void
put_other_host(struct erig *r)
{
	char *csr = csr_new();

	put(r, other, PLACE, csr, clock_now());
	free(csr);
}

/* What this host asks for elsewhere. */
static void
put_other_place(struct erig *r)
{
	char *csr = csr_new();

	put(r, web, "b.test/csr/web-1", csr, clock_now());
	free(csr);
}

static void
put_other_names(struct erig *r)
{
	EVP_PKEY *key = pki_key();
	char *csr = csr_of(key, "bank.test");

	put(r, web, PLACE, csr, clock_now());
	free(csr);
	EVP_PKEY_free(key);
}

static void
put_weak(struct erig *r)
{
	char *csr = csr_weak();

	put(r, web, PLACE, csr, clock_now());
	free(csr);
}

static void
put_no_csr(struct erig *r)
{
	put(r, web, PLACE, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n",
	    clock_now());
}

static void
put_no_json(struct erig *r)
{
	put_text(r, "no JSON");
}

static void
put_list(struct erig *r)
{
	put_text(r, "[1800000000, \"csr\"]");
}

static void
put_no_time(struct erig *r)
{
	put_text(r, "{\"at\": \"1800000000\", \"csr\": \"x\"}");
}

static void
put_before_time(struct erig *r)
{
	put_text(r, "{\"at\": -1, \"csr\": \"x\"}");
}

static void
put_no_text(struct erig *r)
{
	put_text(r, "{\"at\": 1800000000, \"csr\": [\"x\"]}");
}

static void
put_ahead(struct erig *r)
{
	char *csr = csr_new();

	put(r, web, PLACE, csr, clock_now() + 2 * 86400);
	free(csr);
}

static void
put_never(struct erig *r)
{
	put_text(r, "{\"at\": 9223372036854775807, \"csr\": \"x\"}");
}

/* Nothing of these is ordered with, the person is told whose it is, and the
 * next good one is taken. */
static void
test_hostile(void **state)
{
	static const struct {
		void		(*put)(struct erig *);
		const char	*code, *told;
	} cases[] = {
		{ put_garbage, "identity:open", "not what acmed writes" },
		{ put_long, "file:size", "longer than 65536" },
		{ put_other_host, "identity:open", "not signed by the key" },
		{ put_other_place, "identity:open", "not signed by the key" },
		{ put_other_names, "csr:names", "it asks for bank.test" },
		{ put_weak, "csr:key", "has 1024 bits" },
		{ put_no_csr, "csr:syntax", "no certificate request" },
		{ put_no_json, "request:syntax", "not one that acmed" },
		{ put_list, "request:syntax", "not one that acmed" },
		{ put_no_time, "request:syntax", "not one that acmed" },
		{ put_before_time, "request:syntax", "not one that acmed" },
		{ put_no_text, "request:syntax", "not one that acmed" },
		{ put_never, "request:syntax", "not one that acmed" },
		{ put_ahead, "request:clock", "set the clock" },
	};
	struct erig *r = *state;
	char *csr = csr_new();
	struct error err;

	publisher_up(r);
	ERIG_UNTIL(has_code(r, "request:none"));
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		erig_events_clear(r);
		cases[i].put(r);
		fake_time_pass(15 * SECOND);
		assert_int_equal(engine_renew_now(r->engine, CERT, &err), 0);
		fake_time_pass(15 * SECOND);
		if (!has_code(r, cases[i].code))
			fail_msg("%zu: %s: %s", i, cases[i].code,
			    erig_row(r, CERT)->error->msg);
		expect_told(r, "the request of host \"web-1\" is not used");
		expect_told(r, cases[i].told);
		assert_non_null(strstr(erig_row(r, CERT)->error->msg,
		    "host \"web-1\""));
	}
	assert_int_equal(fake_ca.n_orders, 0);
	put(r, web, PLACE, csr, clock_now());
	fake_time_pass(MINUTE);
	assert_non_null(erig_row(r, CERT)->serial);
	expect_kept(r, csr);
	free(csr);
}

/* --- times --- */

/* A clock that is ahead does not stand in the way of what the same host asks
 * for later; who waits is told at once, and once. */
static void
test_ahead(void **state)
{
	struct erig *r = *state;
	char *csr = csr_new();

	publisher_up(r);
	ERIG_UNTIL(has_code(r, "request:none"));
	put(r, web, PLACE, csr, clock_now() + 3600);
	fake_time_pass(15 * SECOND);
	assert_true(has_code(r, "request:clock"));
	erig_events_clear(r);
	fake_time_pass(30 * SECOND);
	assert_false(erig_told(r, "not used"));
	put(r, web, PLACE, csr, clock_now());
	fake_time_pass(15 * SECOND);
	assert_non_null(erig_row(r, CERT)->serial);
	/* A little is no harm. */
	free(csr);
	csr = csr_new();
	fake_time_pass(2 * HOUR);
	put(r, web, PLACE, csr, clock_now() + 200);
	fake_time_pass(15 * SECOND);
	expect_kept(r, csr);
	free(csr);
}

/* What was put when the clock here was ahead, or by an acmed that took all. */
static void
test_was_ahead(void **state)
{
	struct erig *r = *state;
	char *first = csr_new(), *second = csr_new();

	publisher_up(r);
	put(r, web, PLACE, first, clock_now());
	ERIG_UNTIL(erig_row(r, CERT)->serial != NULL);
	fake_time_pass(2 * HOUR);
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(&r->scratch,
	    "s/requests/" CERT ".pem"), (const struct timespec[]){
	    { .tv_sec = clock_now() }, { .tv_sec = clock_now() + 86400 } },
	    0), 0);
	put(r, web, PLACE, second, clock_now() - 3600);
	fake_time_pass(15 * SECOND);
	expect_told(r, "older than the last");
	expect_kept(r, first);
	put(r, web, PLACE, second, clock_now());
	fake_time_pass(15 * SECOND);
	expect_kept(r, second);
	free(second);
	free(first);
}

/* What was good once is put back by somebody who can write there. */
static void
test_replay(void **state)
{
	struct erig *r = *state;
	char *first = csr_new(), *second = csr_new(), *old, *serial;
	struct error err;
	size_t len;

	publisher_up(r);
	put(r, web, PLACE, first, clock_now());
	ERIG_UNTIL(erig_row(r, CERT)->serial != NULL);
	assert_int_equal(file_read(AT_FDCWD, scratch_path(&r->scratch,
	    "repo/" PLACE), REQUEST_MAX, &old, &len, &err), 0);
	fake_time_pass(2 * HOUR);
	put(r, web, PLACE, second, clock_now());
	fake_time_pass(15 * SECOND);
	expect_kept(r, second);
	expect_ordered(CERT " " CERT " ");
	serial = xstrdup(erig_row(r, CERT)->serial);
	put_raw(r, old, len);
	fake_time_pass(2 * HOUR);
	expect_told(r, "older than the last");
	expect_kept(r, second);
	assert_string_equal(erig_row(r, CERT)->serial, serial);
	expect_ordered(CERT " " CERT " ");
	free(serial);
	free(old);
	free(second);
	free(first);
}

/* A host that asks on and on does not use up what the CA allows. */
static void
test_often(void **state)
{
	struct erig *r = *state;
	char *csr = csr_new();

	publisher_up(r);
	put(r, web, PLACE, csr, clock_now());
	ERIG_UNTIL(erig_row(r, CERT)->serial != NULL);
	for (int i = 0; i < 17; i++) {
		free(csr);
		csr = csr_new();
		put(r, web, PLACE, csr, clock_now());
		fake_time_pass(10 * MINUTE);
	}
	/* The first, one for another key, and two hours. */
	expect_ordered(CERT " " CERT " " CERT " " CERT " ");
	expect_told(r, "another key within an hour");
	free(csr);
}

/* --- the host --- */

static void
host_up(struct erig *r, const struct identity *publisher)
{
	char *repo = xstrdup(scratch_path(&r->scratch, "repo"));
	char *key = identity_text(web, identity_public(publisher)), *text;
	struct error err;

	assert_int_equal(file_mkdir(AT_FDCWD, repo, 0755, &err), 0);
	fixture_write("web-1.key", 0600, key);
	freezero_str(key);
	text = xasprintf("repository \"s\" { type = directory path = \"%s\"\n"
	    " host_key_file = \"%s\" receipts = no }\n"
	    "certificate \"" CERT "\" { source = s key_source = host }\n",
	    repo, fixture_path("web-1.key"));
	erig_conf(r, text);
	erig_up(r);
	free(text);
	free(repo);
}

/* When was it made that lies there?  0: there is none. */
static time_t
asked_at(struct erig *r, struct identity *publisher, char **csr)
{
	const struct repo_keys keys = { .me = publisher };
	struct error err;
	char *data, *own;
	time_t at;
	size_t len;

	if (file_read(AT_FDCWD, scratch_path(&r->scratch, "repo/" PLACE),
	    REQUEST_MAX, &data, &len, &err) == -1)
		return 0;
	if (request_read(&keys, identity_public(web), PLACE, data, len, &own,
	    &at, &err) == -1)
		fail_msg("%s", err.msg);
	free(data);
	if (csr != NULL)
		*csr = own;
	else
		free(own);
	return at;
}

/* It asks for its names, with the time; again when its clock was set, and when
 * nobody has answered for half an hour. */
static void
test_host(void **state)
{
	struct erig *r = *state;
	struct identity *publisher = identity_new("publisher");
	struct error err;
	struct csr csr, again;
	char *pem;
	time_t at;

	host_up(r, publisher);
	ERIG_UNTIL(asked_at(r, publisher, NULL) != 0);
	at = asked_at(r, publisher, &pem);
	assert_in_range(at, RIG_NOW, RIG_NOW + 10);
	assert_int_equal(csr_parse(pem, strlen(pem), &csr, &err), 0);
	free(pem);
	assert_string_equal(csr.names[0], CERT);
	assert_int_equal(csr.n_names, 1);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(asked_at(r, publisher, NULL), at);
	fake_time_jump(-7200);
	fake_time_pass(2 * MINUTE);
	assert_in_range(asked_at(r, publisher, NULL), at - 6000, at - 5000);
	fake_time_jump(14400);
	fake_time_pass(2 * MINUTE);
	at = asked_at(r, publisher, NULL);
	assert_true(at > RIG_NOW + 7200);
	fake_time_pass(40 * MINUTE);
	assert_true(asked_at(r, publisher, &pem) > at + 1700);
	assert_int_equal(csr_parse(pem, strlen(pem), &again, &err), 0);
	free(pem);
	assert_string_equal(again.hash, csr.hash);
	csr_clear(&again);
	csr_clear(&csr);
	identity_free(publisher);
}

/* What only the publisher can read, others cannot. */
static void
test_sealed(void **state)
{
	struct identity *publisher = identity_new("publisher");
	const struct repo_keys host = { .me = web,
	    .publisher = identity_public(publisher) };
	const struct repo_keys right = { .me = publisher };
	const struct repo_keys wrong = { .me = other };
	char *csr = csr_new(), *got;
	struct error err;
	time_t at;
	size_t len;
	char *sealed = request_make(&host, PLACE, csr, 7, &len);

	(void)state;
	assert_int_equal(request_read(&right, identity_public(web), PLACE,
	    sealed, len, &got, &at, &err), 0);
	assert_string_equal(got, csr);
	assert_int_equal(at, 7);
	free(got);
	assert_int_equal(request_read(&wrong, identity_public(web), PLACE,
	    sealed, len, &got, &at, &err), -1);
	assert_string_equal(err.code, "identity:open");
	assert_null(got);
	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 1;
		assert_int_equal(request_read(&right, identity_public(web),
		    PLACE, sealed, len, &got, &at, &err), -1);
		sealed[i] ^= 1;
		assert_int_equal(request_read(&right, identity_public(web),
		    PLACE, sealed, i, &got, &at, &err), -1);
	}
	free(sealed);
	free(csr);
	identity_free(publisher);
}

static int
group_setup(void **state)
{
	web = identity_new("web-1");
	other = identity_new("web-2");
	return erig_group_setup(state);
}

static int
group_teardown(void **state)
{
	identity_free(web);
	identity_free(other);
	fixture_remove("web-1.key");
	return erig_group_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_orders),
		ERIG_TEST(test_hostile),
		ERIG_TEST(test_ahead),
		ERIG_TEST(test_was_ahead),
		ERIG_TEST(test_replay),
		ERIG_TEST(test_often),
		ERIG_TEST(test_host),
		cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
