/* SPDX-License-Identifier: MIT */
/* Listening sockets that change while they are in use, and who is connected
 * when the last of them goes. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/io/http_socks.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls_alpn.h"

enum { WAIT_MS = 10000 };

/* What listens at a port. */
enum { NONE = 0, NARROW = 1, WIDE = 2 };

static struct loop *loop;
static struct http_socks *socks;
static struct timer beat;	/* lets a turn end when nothing happens */
static unsigned n_accepted;
static int port;

static void
beat_cb(void *arg)
{
	timer_set(&beat, 100);
}

static void
accepted(int fd, void *arg)
{
	n_accepted++;
	close(fd);
}

static int
bound(const char *address, int at, int family)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)at) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)at) };
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd == -1)
		return -1;
	(void)inet_pton(AF_INET, address, &sin.sin_addr);
	(void)inet_pton(AF_INET6, address, &sin6.sin6_addr);
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&sin :
	    (struct sockaddr *)&sin6, family == AF_INET ? sizeof(sin) :
	    sizeof(sin6)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
free_port(int family)
{
	struct sockaddr_in6 ss;		/* has its port where IPv4 has it */
	socklen_t len = sizeof(ss);
	int fd = bound(family == AF_INET ? "0.0.0.0" : "::", 0, family);

	if (fd == -1 || getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		skip();
	close(fd);
	return ntohs(ss.sin6_port);
}

static int
setup(void **state)
{
	loop = loop_new();
	timer_init(&beat, loop, beat_cb, NULL);
	timer_set(&beat, 100);
	socks = http_socks_new_plain(loop, 0, accepted, NULL);
	n_accepted = 0;
	return 0;
}

static int
teardown(void **state)
{
	http_socks_free(socks);
	timer_clear(&beat);
	loop_free(loop);
	return 0;
}

/* By what the kernel says: with IPv6 there is but one address to ask at. */
static int
listening(int family)
{
	FILE *f = fopen(family == AF_INET ? "/proc/net/tcp" :
	    "/proc/net/tcp6", "r");
	char line[512], address[64];
	unsigned at, state;
	int found = NONE;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " %*d: %60[0-9A-F]:%x %*s %x", address, &at,
		    &state) == 3 && (int)at == port && state == 0x0a)
			found |= strspn(address, "0") == strlen(address) ?
			    WIDE : NARROW;
	}
	(void)fclose(f);
	return found;
}

/* Listen there, and nowhere else; 0 or errno. */
static int
move_to(const char *host, int at)
{
	char address[64];
	int saved = 0;

	(void)text_printf(address, sizeof(address), "%s:%d", host, at);
	http_socks_begin(socks);
	if (http_socks_open(socks, address) == -1)
		saved = errno;
	http_socks_end(socks);
	return saved;
}

static int
connected(int family)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)port),
	    .sin6_addr = in6addr_loopback };
	int fd = socket(family, SOCK_STREAM, 0);

	assert_return_code(connect(fd, family == AF_INET ?
	    (struct sockaddr *)&sin : (struct sockaddr *)&sin6,
	    family == AF_INET ? sizeof(sin) : sizeof(sin6)), errno);
	return fd;
}

static void
assert_serves(int family)
{
	unsigned before = n_accepted;
	int64_t end = clock_mono_ms() + WAIT_MS;
	int fd = connected(family);

	while (n_accepted == before && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(n_accepted, before + 1);
	close(fd);
}

static void
there_and_back(int family, const char *wide, const char *narrow)
{
	port = free_port(family);
	assert_int_equal(move_to(wide, port), 0);
	assert_int_equal(listening(family), WIDE);
	assert_serves(family);
	assert_int_equal(move_to(narrow, port), 0);
	assert_int_equal(listening(family), NARROW);
	assert_serves(family);
	assert_int_equal(move_to(wide, port), 0);
	assert_int_equal(listening(family), WIDE);
	assert_serves(family);
}

/* 0.0.0.0:9780, and after a reload 127.0.0.1:9780: nobody from elsewhere is
 * answered any more. */
static void
test_overlap(void **state)
{
	there_and_back(AF_INET, "0.0.0.0", "127.0.0.1");
}

static void
test_overlap_v6(void **state)
{
	there_and_back(AF_INET6, "[::]", "[::1]");
}

/* Somebody else's socket is in the way: ours stays, and still refuses to share
 * its port. */
static void
test_taken(void **state)
{
	int other, same;

	port = free_port(AF_INET);
	other = bound("127.0.0.2", port, AF_INET);
	assert_return_code(listen(other, 1), errno);
	assert_int_equal(move_to("127.0.0.1", port), 0);
	assert_int_equal(move_to("0.0.0.0", port), EADDRINUSE);
	assert_int_equal(listening(AF_INET), NARROW);
	assert_serves(AF_INET);
	same = bound("127.0.0.1", port, AF_INET);
	assert_int_equal(same, -1);
	close(other);
	assert_int_equal(move_to("0.0.0.0", port), 0);
	assert_int_equal(listening(AF_INET), WIDE);
}

/* What cannot be had leaves nothing open that is wider. */
static void
test_never_wider(void **state)
{
	port = free_port(AF_INET);
	assert_int_equal(move_to("0.0.0.0", port), 0);
	assert_int_equal(move_to("192.0.2.1", port), EADDRNOTAVAIL);
	assert_int_equal(listening(AF_INET), NONE);
	assert_true(http_socks_is_empty(socks));

	assert_int_equal(move_to("127.0.0.1", port), 0);
	assert_int_equal(move_to("192.0.2.1", port), EADDRNOTAVAIL);
	assert_int_equal(listening(AF_INET), NARROW);
}

/* Who is connected has his time limit even when nothing listens any more. */
static void
test_limit_without_listener(void **state)
{
	struct tls_alpn *a = tls_alpn_new(loop);
	char address[32], *addresses[] = { address, NULL };
	int64_t end = clock_mono_ms() + WAIT_MS;
	struct pollfd p = { .events = POLLIN };
	struct error err;
	char byte;

	port = free_port(AF_INET);
	(void)text_printf(address, sizeof(address), "127.0.0.1:%d", port);
	assert_int_equal(tls_alpn_listen(a, addresses, &err), 0);
	tls_alpn_test_limit(a, 50);	/* is looked at then */
	p.fd = connected(AF_INET);
	loop_turn(loop);			/* accepts */
	tls_alpn_test_limit(a, 300);
	addresses[0] = NULL;
	assert_int_equal(tls_alpn_listen(a, addresses, &err), 0);
	assert_int_equal(listening(AF_INET), NONE);
	while (poll(&p, 1, 0) == 0 && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_true(read(p.fd, &byte, 1) <= 0);
	close(p.fd);
	tls_alpn_free(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_overlap),
		TEST(test_overlap_v6),
		TEST(test_taken),
		TEST(test_never_wider),
		TEST(test_limit_without_listener),
	};

	return cmocka_run_group_tests_name("http_socks", tests, NULL, NULL);
}
