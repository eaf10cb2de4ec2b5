/* SPDX-License-Identifier: MIT */
/* store_stage(), store_promote() and what they leave behind. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

#define NAME "example.org"
#define N_CERTS 8

static const char *const names[] = { NAME, NULL };

/* Eight certificates, serials 11 to 18, each with its own key. */
static struct {
	EVP_PKEY	*ca_key, *keys[N_CERTS];
	X509		*ca, *certs[N_CERTS];
	char		*pem[N_CERTS];		/* with the CA's */
} pki;

struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
};

static int
make_pki(void **state)
{
	pki.ca_key = pki_key();
	pki.ca = pki_cert(&(struct pki_args){ .cn = "Test CA",
	    .key = pki.ca_key });
	for (int i = 0; i < N_CERTS; i++) {
		char serial[8];

		(void)text_printf(serial, sizeof(serial), "%d", 11 + i);
		pki.keys[i] = pki_key();
		pki.certs[i] = pki_cert(&(struct pki_args){ .names = names,
		    .serial = serial, .key = pki.keys[i], .issuer = pki.ca,
		    .issuer_key = pki.ca_key });
		pki.pem[i] = pki_pem((X509 *[]){ pki.certs[i], pki.ca }, 2);
	}
	return 0;
}

static int
free_pki(void **state)
{
	for (int i = 0; i < N_CERTS; i++) {
		EVP_PKEY_free(pki.keys[i]);
		X509_free(pki.certs[i]);
		free(pki.pem[i]);
	}
	EVP_PKEY_free(pki.ca_key);
	X509_free(pki.ca);
	return 0;
}

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err;

	scratch_make(&f->scratch);
	f->loop = loop_new();
	f->store = store_open(f->loop, f->scratch.dir, &err);
	if (f->store == NULL)
		fail_msg("%s", err.msg);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

/* Both, as an installation does. */
static int
install_pem(struct store *store, const char *name, const EVP_PKEY *key,
    const char *pem, size_t len, struct cert_info *info, struct error *err)
{
	char version[STORE_VERSION_SIZE];

	if (store_stage(store, name, key, NULL, pem, len, NULL, version, info,
	    err) == -1)
		return -1;
	if (store_promote(store, name, version, err) == 0)
		return 0;
	cert_info_clear(info);
	return -1;
}

static void
install(struct fixture *f, int i)
{
	struct cert_info info;
	struct error err;

	if (install_pem(f->store, NAME, pki.keys[i], pki.pem[i],
	    strlen(pki.pem[i]), &info, &err) == -1)
		fail_msg("%s", err.msg);
	cert_info_clear(&info);
}

/* Serial of what is live, complete and matching; "" if there is nothing. */
static void
expect_live(struct fixture *f, const char *serial)
{
	struct cert_info info;
	struct error err;
	int rc = store_live_info(f->store, NAME, &info, &err);

	if (rc == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(rc, serial[0] == '\0');
	if (rc == 0)
		assert_string_equal(info.serial, serial);
	if (rc == 0)
		cert_info_clear(&info);
}

static void
expect_damaged(struct fixture *f, const char *words)
{
	struct cert_info info;
	struct error err;

	assert_int_equal(store_live_info(f->store, NAME, &info, &err), -1);
	assert_string_equal(err.code, "store:damaged");
	if (strstr(err.msg, words) == NULL)
		fail_msg("%s", err.msg);
}

static void
expect_link(struct fixture *f, const char *want)
{
	char target[256];
	ssize_t len = readlink(scratch_path(&f->scratch, "live/" NAME), target,
	    sizeof(target) - 1);

	assert_true(len > 0);
	target[len] = '\0';
	assert_string_equal(target, want);
}

static void
test_install(void **state)
{
	static const struct { const char *name; mode_t mode; } made[] = {
		{ "archive/" NAME, 0700 }, { "archive/" NAME "/11", 0700 },
		{ "live/" NAME "/privkey.pem", 0600 },
		{ "live/" NAME "/cert.pem", 0644 },
		{ "live/" NAME "/chain.pem", 0644 },
		{ "live/" NAME "/fullchain.pem", 0644 },
	};
	struct fixture *f = *state;
	mode_t mask = umask(077);
	struct cert_info info;
	struct error err;
	EVP_PKEY *key = NULL;

	expect_live(f, "");
	assert_int_equal(store_live_key(f->store, NAME, NULL, &key, &err), 0);
	assert_null(key);
	assert_int_equal(install_pem(f->store, NAME, pki.keys[0], pki.pem[0],
	    strlen(pki.pem[0]), &info, &err), 0);
	assert_string_equal(info.serial, "11");
	assert_string_equal(info.names[0], NAME);
	cert_info_clear(&info);
	(void)umask(mask);
	for (size_t i = 0; i < N_ELEMENTS(made); i++)
		assert_int_equal(scratch_mode(scratch_path(&f->scratch, "%s",
		    made[i].name)), made[i].mode);
	expect_link(f, "../archive/" NAME "/11");
	expect_live(f, "11");
	assert_int_equal(store_live_key(f->store, NAME, NULL, &key, &err), 0);
	assert_int_equal(EVP_PKEY_eq(key, pki.keys[0]), 1);
	EVP_PKEY_free(key);
	/* Again: nothing changes. */
	install(f, 0);
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 1);
	/* The next one. */
	install(f, 1);
	expect_link(f, "../archive/" NAME "/12");
	expect_live(f, "12");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 2);
	assert_int_equal(scratch_count(&f->scratch, "live/.[!.]*"), 0);
}

/* Nothing takes it for a certificate, and reuse_key not its key. */
static void
test_placeholder(void **state)
{
	struct fixture *f = *state;
	struct error err;
	EVP_PKEY *key = pki.keys[0];

	assert_int_equal(store_place(f->store, NAME, names, 1, NULL, &err), 0);
	assert_true(store_is_placeholder(f->store, NAME));
	expect_live(f, "");
	assert_int_equal(store_live_key(f->store, NAME, NULL, &key, &err), 0);
	assert_null(key);
	install(f, 0);
	assert_false(store_is_placeholder(f->store, NAME));
	assert_int_equal(store_live_key(f->store, NAME, NULL, &key, &err), 0);
	assert_int_equal(EVP_PKEY_eq(key, pki.keys[0]), 1);
	EVP_PKEY_free(key);
	assert_int_equal(store_place(f->store, NAME, names, 1, NULL, &err), 1);
}

static void
test_content(void **state)
{
	struct fixture *f = *state;
	char *want[] = { pki_pem(&pki.certs[0], 1), pki_pem(&pki.ca, 1),
	    pki_pem((X509 *[]){ pki.certs[0], pki.ca }, 2) };
	static const char *const files[] = { "cert", "chain", "fullchain" };

	install(f, 0);
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		char got[8192];
		FILE *fp = fopen(scratch_path(&f->scratch,
		    "live/" NAME "/%s.pem", files[i]), "r");
		size_t len;

		assert_non_null(fp);
		len = fread(got, 1, sizeof(got) - 1, fp);
		got[len] = '\0';
		fclose(fp);
		assert_string_equal(got, want[i]);
		free(want[i]);
	}
}

static void
test_prune(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < N_CERTS; i++)
		install(f, i);
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 5);
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/1[4-8]"),
	    5);
	/* Back to the oldest: it is live now, and stays. */
	install(f, 3);
	expect_live(f, "14");
	install(f, 0);
	expect_live(f, "11");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 5);
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/.[!.]*"),
	    0);
}

static void
expect_back(struct fixture *f, bool force, const char *want)
{
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	struct error err;

	if (store_previous(f->store, NAME, force, version, &info, &err) ==
	    -1) {
		assert_string_equal(err.code, want);
		return;
	}
	assert_string_equal(info.serial, want);
	cert_info_clear(&info);
	assert_int_equal(store_promote(f->store, NAME, version, &err), 0);
	expect_live(f, want);
}

static void
test_rollback(void **state)
{
	struct fixture *f = *state;

	expect_back(f, false, "store:no-previous");
	for (int i = 0; i < 4; i++)
		install(f, i);
	expect_live(f, "14");
	expect_back(f, false, "13");
	/* A damaged one is passed over; nothing is left at the end. */
	assert_int_equal(unlink(scratch_path(&f->scratch,
	    "archive/" NAME "/12/cert.pem")), 0);
	expect_back(f, false, "11");
	expect_back(f, false, "store:no-previous");
	expect_live(f, "11");
	expect_link(f, "../archive/" NAME "/11");
	/* What was left behind is still there to be installed again. */
	install(f, 3);
	expect_live(f, "14");
	expect_link(f, "../archive/" NAME "/14");
	expect_back(f, true, "13");
	/* Whatever the clock says, if it must be. */
	clock_test_set(time(NULL) + 1000 * 86400L);
	expect_back(f, false, "store:expired");
	expect_live(f, "13");
	expect_back(f, true, "11");
	clock_test_set(0);
}

/* What is staged is complete, and nobody sees it before it is promoted. */
static void
test_staged(void **state)
{
	struct fixture *f = *state;
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	struct error err;

	install(f, 0);
	assert_int_equal(store_stage(f->store, NAME, pki.keys[1], NULL,
	    pki.pem[1], strlen(pki.pem[1]), NULL, version, &info, &err), 0);
	assert_string_equal(info.serial, "12");
	cert_info_clear(&info);
	expect_live(f, "11");
	assert_int_equal(cert_files_check(scratch_path(&f->scratch,
	    "archive/" NAME "/%s", version), &err), 0);
	assert_int_equal(store_promote(f->store, NAME, version, &err), 0);
	expect_live(f, "12");
}

/* What a version says of its CA: as it was told, through a rebuild; nothing
 * where the file is damaged, which is no damage of the certificate. */
static void
test_ca(void **state)
{
	static const char *const damaged[] = { "", "{\"directory\": \"https://",
	    "{\"directory\": 1}", "{\"directory\": \"https://a\\u001b[2J\"}",
	    "{\"account\": \"b\"}", "[]" };
	const struct cert_ca ca = { (char *)(uintptr_t)"https://a.test/dir",
	    (char *)(uintptr_t)"b" };
	struct fixture *f = *state;
	char version[STORE_VERSION_SIZE];
	struct store_version v;
	struct cert_info info;
	struct error err;

	install(f, 0);
	assert_int_equal(store_version_read(f->store, NAME, "11", &v, &err),
	    0);
	assert_null(v.ca.directory);
	store_version_clear(&v);
	assert_int_equal(store_stage(f->store, NAME, pki.keys[1], NULL,
	    pki.pem[1], strlen(pki.pem[1]), &ca, version, &info, &err), 0);
	cert_info_clear(&info);
	assert_int_equal(store_promote(f->store, NAME, version, &err), 0);
	assert_int_equal(unlink(scratch_path(&f->scratch,
	    "live/" NAME "/chain.pem")), 0);
	assert_int_equal(store_rebuild(f->store, NAME, &info, &err), 0);
	cert_info_clear(&info);
	expect_link(f, "../archive/" NAME "/12-2");
	assert_int_equal(store_live_info(f->store, NAME, &info, &err), 0);
	assert_string_equal(info.ca.directory, ca.directory);
	assert_string_equal(info.ca.account, ca.account);
	cert_info_clear(&info);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		scratch_write(scratch_path(&f->scratch, "live/" NAME
		    "/ca.json"), damaged[i]);
		assert_int_equal(store_live_info(f->store, NAME, &info, &err),
		    0);
		assert_null(info.ca.directory);
		assert_null(info.ca.account);
		cert_info_clear(&info);
	}
}

static void
test_refused(void **state)
{
	static const char junk[] = "-----BEGIN CERTIFICATE-----\n";
	struct fixture *f = *state;
	struct cert_info info;
	struct error err;

	install(f, 0);
	assert_int_equal(install_pem(f->store, NAME, pki.keys[0], pki.pem[1],
	    strlen(pki.pem[1]), &info, &err), -1);
	assert_string_equal(err.code, "store:mismatch");
	assert_int_equal(install_pem(f->store, NAME, pki.keys[0], junk,
	    strlen(junk), &info, &err), -1);
	assert_string_equal(err.code, "cert:syntax");
	expect_live(f, "11");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 1);
}

static void
test_leftovers(void **state)
{
	struct fixture *f = *state;

	install(f, 0);
	assert_int_equal(mkdir(scratch_path(&f->scratch,
	    "archive/" NAME "/.new-12345678"), 0700), 0);
	scratch_write(scratch_path(&f->scratch,
	    "archive/" NAME "/.new-12345678/privkey.pem"), "half a k");
	assert_int_equal(mkdir(scratch_path(&f->scratch,
	    "archive/" NAME "/.old-10"), 0700), 0);
	assert_int_equal(symlink("../archive/nowhere", scratch_path(
	    &f->scratch, "live/." NAME ".new")), 0);
	install(f, 1);
	expect_live(f, "12");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/.[!.]*"),
	    0);
	assert_int_equal(scratch_count(&f->scratch, "live/.[!.]*"), 0);
}

static void
test_damaged(void **state)
{
	struct fixture *f = *state;

	install(f, 0);
	assert_int_equal(unlink(scratch_path(&f->scratch,
	    "live/" NAME "/chain.pem")), 0);
	expect_damaged(f, "chain.pem");
	/* What is damaged is never written into. */
	install(f, 0);
	expect_link(f, "../archive/" NAME "/11-2");
	expect_live(f, "11");
	scratch_write(scratch_path(&f->scratch, "live/" NAME "/cert.pem"),
	    pki.pem[1]);
	expect_damaged(f, "not the same");
	scratch_write(scratch_path(&f->scratch, "live/" NAME
	    "/fullchain.pem"), pki.pem[1]);
	expect_damaged(f, "do not belong together");
	install(f, 1);
	expect_live(f, "12");
	assert_int_equal(unlink(scratch_path(&f->scratch, "live/" NAME)), 0);
	assert_int_equal(symlink("../archive/gone", f->scratch.path), 0);
	expect_damaged(f, "No such file");
	install(f, 1);
	expect_link(f, "../archive/" NAME "/12");
	expect_live(f, "12");
}

/* Another chain for the same certificate is another version. */
static void
test_alternate(void **state)
{
	struct fixture *f = *state;
	char *alone = pki_pem(&pki.certs[0], 1);
	struct cert_info info;
	struct error err;

	install(f, 0);
	assert_int_equal(install_pem(f->store, NAME, pki.keys[0], alone,
	    strlen(alone), &info, &err), 0);
	cert_info_clear(&info);
	expect_link(f, "../archive/" NAME "/11-2");
	expect_live(f, "11");
	install(f, 0);
	expect_link(f, "../archive/" NAME "/11");
	free(alone);
}

static void
test_foreign_live(void **state)
{
	struct fixture *f = *state;
	struct cert_info info;
	struct error err;

	for (int is_dir = 0; is_dir < 2; is_dir++) {
		const char *path = scratch_path(&f->scratch, "live/" NAME);

		if (is_dir)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			scratch_write(path, "x");
		assert_int_equal(install_pem(f->store, NAME, pki.keys[0],
		    pki.pem[0], strlen(pki.pem[0]), &info, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.code, "store:not-ours");
		assert_non_null(strstr(err.msg, "live/" NAME));
		assert_int_equal(scratch_count(&f->scratch, "live/.[!.]*"),
		    0);
		assert_int_equal(remove(scratch_path(&f->scratch, "live/"
		    NAME)), 0);
	}
}

/* The disk is full at each file in turn. */
static void
test_disk_full(void **state)
{
	static const unsigned long sizes[] = { 10, 300, 700 };
	struct fixture *f = *state;
	struct cert_info info;
	struct error err;

	install(f, 0);
	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		int rc;

		scratch_limit(sizes[i]);
		rc = install_pem(f->store, NAME, pki.keys[1], pki.pem[1],
		    strlen(pki.pem[1]), &info, &err);
		scratch_limit(RLIM_INFINITY);
		assert_int_equal(rc, -1);
		assert_int_equal(err.kind, ERR_INTERNAL);
		assert_non_null(strstr(err.msg, ".pem"));
		expect_live(f, "11");
		assert_int_equal(scratch_count(&f->scratch,
		    "archive/" NAME "/12"), 0);
		assert_int_equal(scratch_count(&f->scratch,
		    "archive/" NAME "/.[!.]*"), 0);
	}
	install(f, 1);
	expect_live(f, "12");
}

/* Install one after the other until killed, as fast as it goes; a byte to fd
 * before each. */
static void
install_for_ever(struct fixture *f, int fd)
{
	struct error err;

	f->store = store_open(f->loop, f->scratch.dir, &err);
	for (int i = 0; f->store != NULL; i = (i + 1) % N_CERTS) {
		struct cert_info info;

		if (write(fd, "", 1) != 1 || install_pem(f->store, NAME,
		    pki.keys[i], pki.pem[i], strlen(pki.pem[i]), &info,
		    &err) == -1)
			break;
		cert_info_clear(&info);
	}
	_exit(1);
}

/* Let a child work for some installations and kill it in the next one. */
static void
kill_one(struct fixture *f, int round)
{
	int status, fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		install_for_ever(f, fds[1]);
	close(fds[1]);
	for (int i = 0; i < 2 + round % 3; i++)
		assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(usleep(137 * (unsigned)round), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL);
	close(fds[0]);
}

/* kill -9 at any moment: what is live is complete and matching.  (The sweep
 * over every system call was done by hand with strace -e inject.) */
static void
test_kill(void **state)
{
	struct fixture *f = *state;

	install(f, 0);
	for (int round = 0; round < 20; round++) {
		struct cert_info info;
		struct error err;

		store_close(f->store);
		f->store = NULL;
		kill_one(f, round);
		f->store = store_open(f->loop, f->scratch.dir, &err);
		assert_non_null(f->store);
		if (store_live_info(f->store, NAME, &info, &err) != 0)
			fail_msg("%s", err.msg);
		cert_info_clear(&info);
	}
	install(f, 7);
	expect_live(f, "18");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/.[!.]*"),
	    0);
	assert_in_range(scratch_count(&f->scratch, "archive/" NAME "/*"), 3,
	    5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_install), TEST(test_placeholder),
		TEST(test_content), TEST(test_prune),
		TEST(test_rollback),
		TEST(test_staged), TEST(test_ca),
		TEST(test_refused), TEST(test_leftovers), TEST(test_damaged),
		TEST(test_alternate), TEST(test_foreign_live),
		TEST(test_disk_full), TEST(test_kill),
	};

	return cmocka_run_group_tests(tests, make_pki, free_pki);
}
