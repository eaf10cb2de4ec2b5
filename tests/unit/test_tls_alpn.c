/* SPDX-License-Identifier: MIT */
/* Who may prove a name by tls-alpn-01 when two want to. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trial_gives_way),
	};

	return cmocka_run_group_tests_name("tls_alpn", tests, NULL, NULL);
}
