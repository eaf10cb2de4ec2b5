/* SPDX-License-Identifier: MIT */
/* Who may prove a name by tls-alpn-01 when two want to. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls_alpn.h"

static int
put(struct tls_alpn *a, const char *proof, bool is_trial)
{
	struct error err;
	int rc = tls_alpn_put(a, "a.test", proof, is_trial, &err);

	if (rc == -1)
		assert_string_equal(err.code, "tls-alpn:busy");
	return rc;
}

/* Where nobody listens. */
static void
free_address(char *out, size_t size)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)text_printf(out, size, "127.0.0.1:%u", ntohs(sin.sin_port));
	close(fd);
}

static bool
is_listening(const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1,
	    NULL, 10)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is = connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0;

	close(fd);
	return is;
}

/* A dry run gives way to a renewal, and never the other way round. */
static void
test_trial_gives_way(void **state)
{
	char address[32];
	char *const addresses[] = { address, NULL };
	struct loop *loop = loop_new();
	struct tls_alpn *a = tls_alpn_new(loop);
	struct error err;

	free_address(address, sizeof(address));
	if (tls_alpn_listen(a, addresses, &err) == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(put(a, "trial", true), 0);
	assert_int_equal(put(a, "trial2", true), -1);
	assert_int_equal(put(a, "real", false), 0);
	assert_int_equal(put(a, "trial", true), -1);
	assert_int_equal(put(a, "real2", false), -1);
	tls_alpn_drop(a, "a.test", "trial");	/* what was put first */
	assert_int_equal(put(a, "trial", true), -1);
	tls_alpn_drop(a, "a.test", "real");
	assert_int_equal(put(a, "trial", true), 0);
	tls_alpn_free(a);
	loop_free(loop);
}

/* After a reload somebody else has the new port: the old one stays open, and a
 * challenge can be answered there. */
static void
test_port_is_taken(void **state)
{
	char address[32], taken[32];
	char *const old[] = { address, NULL }, *const new[] = { taken, NULL };
	char *const none[] = { NULL };
	struct loop *loop = loop_new();
	struct tls_alpn *a = tls_alpn_new(loop), *other = tls_alpn_new(loop);
	struct error err;

	free_address(address, sizeof(address));
	assert_int_equal(tls_alpn_listen(a, old, &err), 0);
	free_address(taken, sizeof(taken));
	assert_int_equal(tls_alpn_listen(other, new, &err), 0);
	assert_int_equal(tls_alpn_listen(a, new, &err), -1);
	assert_true(is_listening(address));
	assert_int_equal(put(a, "real", false), 0);
	tls_alpn_free(other);
	/* As soon as it is free, it is listened on instead. */
	assert_int_equal(tls_alpn_listen(a, new, &err), 0);
	assert_false(is_listening(address));
	assert_true(is_listening(taken));
	assert_int_equal(tls_alpn_listen(a, none, &err), 0);
	assert_false(is_listening(taken));
	tls_alpn_free(a);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trial_gives_way),
		cmocka_unit_test(test_port_is_taken),
	};

	return cmocka_run_group_tests_name("tls_alpn", tests, NULL, NULL);
}
