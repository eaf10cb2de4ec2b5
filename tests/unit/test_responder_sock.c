/* SPDX-License-Identifier: MIT */
/* The built-in responder behind real sockets of the loopback. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/responder_limit.h"
#include "daemon/dns/responder_tcp.h"
#include "daemon/io/loop.h"

#define FQDN "a.acme.example.net"
#define TURNS 200

static struct loop *loop;
static struct responder *responder;
static char v4[32], v6[32];
static const char *listen_on[3], *zones[2], *no_addresses[1];
static struct responder_args args;
static uint16_t port;

/* A port that is free now for both families. */
static uint16_t
free_port(void)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sin6);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin6, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin6, &len) == -1)
		skip();
	close(fd);
	return ntohs(sin6.sin6_port);
}

static int
setup(void **state)
{
	struct error err;

	port = free_port();
	(void)text_printf(v4, sizeof(v4), "127.0.0.1:%u", port);
	(void)text_printf(v6, sizeof(v6), "[::1]:%u", port);
	listen_on[0] = v4;
	listen_on[1] = v6;
	zones[0] = "acme.example.net";
	args = (struct responder_args){ .listen = listen_on, .zones = zones,
	    .ns_name = "ns.example.com", .ns_addresses = no_addresses,
	    .ttl = 1 };
	loop = loop_new();
	responder = responder_new(loop);
	responder_begin(responder);
	if (responder_serve(responder, &args, &err) == -1)
		fail_msg("%s", err.msg);
	responder_end(responder);
	return 0;
}

static int
teardown(void **state)
{
	responder_free(responder);
	loop_free(loop);
	return 0;
}

static int
connect_to(int family, int type)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(family, type, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(family == AF_INET ?
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) :
	    connect(fd, (struct sockaddr *)&sin6, sizeof(sin6)), 0);
	return fd;
}

static void
tick_cb(void *arg)
{
}

/* Turns of the loop until fd has something for us. */
static bool
wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timer tick;

	timer_init(&tick, loop, tick_cb, NULL);
	for (int i = 0; i < TURNS; i++) {
		if (poll(&p, 1, 0) == 1)
			break;
		timer_set(&tick, 1);
		loop_turn(loop);
	}
	timer_clear(&tick);
	return poll(&p, 1, 0) == 1;
}

/* A query, behind its length. */
static size_t
query(uint8_t out[512], uint16_t id)
{
	struct error err;
	uint8_t *wire;
	size_t len;

	assert_int_equal(dnsmsg_query(FQDN, LDNS_RR_TYPE_TXT, false, id,
	    &wire, &len, &err), 0);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	memcpy(out + 2, wire, len);
	free(wire);
	return len + 2;
}

/* How many values an answer has; it has v1 among them, if any. */
static size_t
n_values(const uint8_t *wire, size_t len, uint16_t id)
{
	ldns_pkt *pkt = dnsmsg_parse(wire, len);
	bool has = false;
	size_t n;

	assert_non_null(pkt);
	assert_int_equal(ldns_pkt_id(pkt), id);
	n = dnsmsg_txt(pkt, FQDN, "v1", &has);
	assert_true(has == (n > 0));
	ldns_pkt_free(pkt);
	return n;
}

static size_t
ask_udp(int family)
{
	int fd = connect_to(family, SOCK_DGRAM);
	uint8_t buf[2048];
	size_t len = query(buf, 7);
	ssize_t n;

	assert_int_equal(send(fd, buf + 2, len - 2, 0), len - 2);
	assert_true(wait_for(fd));
	n = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	assert_true(n > 0);
	return n_values(buf, (size_t)n, 7);
}

/* The next message of a connection, or -1 at its end. */
static ssize_t
next_tcp(int fd, uint8_t *buf, size_t size)
{
	size_t have = 0, want = 2;

	while (have < want) {
		ssize_t n;

		assert_true(wait_for(fd));
		n = recv(fd, buf + have, want - have, 0);
		if (n <= 0)
			return -1;
		have += (size_t)n;
		if (have == 2)
			want = 2 + ((size_t)buf[0] << 8 | buf[1]);
		assert_true(want <= size);
	}
	return (ssize_t)have;
}

static void
add(void)
{
	const char *const values[] = { "v1", "v2" };
	struct error err;

	if (responder_add(responder, FQDN, values, 2, &err) == -1)
		fail_msg("%s", err.msg);
}

static void
test_udp(void **state)
{
	const char *const values[] = { "v2", "v9" };
	struct error err;

	assert_int_equal(ask_udp(AF_INET), 0);
	add();
	assert_int_equal(ask_udp(AF_INET), 2);
	assert_int_equal(ask_udp(AF_INET6), 2);
	assert_int_equal(responder_remove(responder, FQDN, values, 2, &err),
	    0);
	assert_int_equal(ask_udp(AF_INET), 1);
}

/* Three queries in odd pieces on one connection. */
static void
test_tcp(void **state)
{
	int families[] = { AF_INET, AF_INET6 };

	add();
	for (size_t f = 0; f < N_ELEMENTS(families); f++) {
		int fd = connect_to(families[f], SOCK_STREAM);
		uint8_t all[1536], buf[2048];
		size_t len = 0, at = 0;

		for (uint16_t id = 1; id <= 3; id++)
			len += query(all + len, id);
		while (at < len) {
			size_t n = len - at < 7 ? len - at : 7;

			assert_int_equal(send(fd, all + at, n, 0), n);
			at += n;
			(void)poll(NULL, 0, 1);
			if (at < 70)
				(void)wait_for(fd);
		}
		for (uint16_t id = 1; id <= 3; id++) {
			ssize_t n = next_tcp(fd, buf, sizeof(buf));

			assert_true(n > 2);
			assert_int_equal(n_values(buf + 2, (size_t)n - 2, id),
			    2);
		}
		close(fd);
	}
}

/* A length that no query has, or something that is none: closed. */
static void
test_tcp_refused(void **state)
{
	static const char *const bad[] = { "\xff\xff", "\x10\x01", "\0\2ab" };
	const size_t lens[] = { 2, 2, 4 };
	uint8_t buf[64];

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		int fd = connect_to(AF_INET, SOCK_STREAM);

		assert_int_equal(send(fd, bad[i], lens[i], 0), lens[i]);
		assert_int_equal(next_tcp(fd, buf, sizeof(buf)), -1);
		close(fd);
	}
}

static void
test_flood(void **state)
{
	int fd = connect_to(AF_INET, SOCK_DGRAM), other, tcp;
	size_t n_full = 0, n_tc = 0, len;
	uint8_t q[512], buf[2048];
	ssize_t n;

	add();
	len = query(q, 7);
	for (int i = 0; i < RESPONDER_BURST * 2; i++) {
		(void)send(fd, q + 2, len - 2, 0);
		if (i % 32 == 31)
			(void)wait_for(fd);
	}
	while (wait_for(fd)) {
		n = recv(fd, buf, sizeof(buf), 0);
		assert_true(n >= 12);
		if ((buf[2] & 2) != 0) {
			n_tc++;
			assert_true((size_t)n <= len - 2);
		} else {
			n_full++;
		}
	}
	assert_in_range(n_full, RESPONDER_BURST, RESPONDER_BURST * 2 - 10);
	assert_true(n_tc > 0);
	/* Who comes by TCP, as told, is answered: the datagrams may have been
	   forged. */
	tcp = connect_to(AF_INET, SOCK_STREAM);
	assert_int_equal(send(tcp, q, len, 0), len);
	assert_true(wait_for(tcp));
	n = recv(tcp, buf, sizeof(buf), 0);
	assert_true(n > 2);
	assert_int_equal(n_values(buf + 2, (size_t)n - 2, 7), 2);
	close(tcp);
	/* Another network does not suffer. */
	other = connect_to(AF_INET6, SOCK_DGRAM);
	assert_int_equal(send(other, q + 2, len - 2, 0), len - 2);
	assert_true(wait_for(other));
	n = recv(other, buf, sizeof(buf), 0);
	assert_int_equal(n_values(buf, (size_t)n, 7), 2);
	close(other);
	close(fd);
}

static int
accepted(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	return pair[0];
}

/* Idle connections end; of too many the oldest does. */
static void
test_tcp_bounds(void **state)
{
	struct responder_limit *limit = responder_limit_new();
	struct responder_tcp *tcp = responder_tcp_new(loop, NULL, limit);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int ends[RESPONDER_TCP_MAX + 1], pair[2];
	char c;

	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		responder_tcp_serve(tcp, accepted(pair),
		    (struct sockaddr *)&sin);
		ends[i] = pair[1];
	}
	assert_int_equal(responder_tcp_count(tcp), RESPONDER_TCP_MAX);
	assert_int_equal(recv(ends[0], &c, 1, 0), 0);
	assert_int_equal(recv(ends[1], &c, 1, 0), -1);
	responder_tcp_set_idle(tcp, 5);
	responder_tcp_serve(tcp, accepted(pair), (struct sockaddr *)&sin);
	/* A byte now and then is no query. */
	assert_int_equal(send(pair[1], "", 1, 0), 1);
	assert_true(wait_for(pair[1]));
	assert_int_equal(recv(pair[1], &c, 1, 0), 0);
	close(pair[1]);
	responder_tcp_free(tcp);
	responder_limit_free(limit);
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		assert_int_equal(recv(ends[i], &c, 1, 0), 0);
		close(ends[i]);
	}
}

static void
test_reload(void **state)
{
	const char *const other[] = { "acme.example.com", NULL };
	const char *const value[] = { "v1" };
	int fd = connect_to(AF_INET, SOCK_STREAM);
	uint8_t buf[2048];
	struct error err;
	size_t len;

	add();
	/* Another zone, only IPv4; what is open stays so. */
	args.zones = other;
	listen_on[1] = NULL;
	responder_begin(responder);
	assert_int_equal(responder_serve(responder, &args, &err), 0);
	responder_end(responder);
	len = query(buf, 7);
	assert_int_equal(send(fd, buf, len, 0), len);
	assert_true(next_tcp(fd, buf, sizeof(buf)) > 2);
	assert_int_equal(buf[5] & 15, LDNS_RCODE_REFUSED);
	close(fd);
	assert_int_equal(responder_add(responder, FQDN, value, 1, &err), -1);
	assert_string_equal(err.code, "builtin:zone");
	assert_int_equal(responder_remove(responder, FQDN, value, 1, &err),
	    0);
	/* Back: the value that was left is still there. */
	args.zones = zones;
	responder_begin(responder);
	assert_int_equal(responder_serve(responder, &args, &err), 0);
	responder_end(responder);
	fd = connect_to(AF_INET, SOCK_DGRAM);
	len = query(buf, 7);
	assert_int_equal(send(fd, buf + 2, len - 2, 0), len - 2);
	assert_true(wait_for(fd));
	assert_true(recv(fd, buf, sizeof(buf), 0) > 12);
	assert_int_equal(buf[7], 1);
	close(fd);
	/* No such provider any more. */
	responder_begin(responder);
	responder_end(responder);
	fd = connect_to(AF_INET, SOCK_DGRAM);
	(void)send(fd, "x", 1, 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	close(fd);
}

/* A wildcard instead of one of its addresses, and the other way round: the one
 * that is about to be closed is not in the way. */
static void
test_overlap(void **state)
{
	static const char *const hosts[] = { "0.0.0.0", "127.0.0.1",
	    "0.0.0.0" };
	uint8_t buf[2048];
	struct error err;
	size_t len;
	int fd;

	add();
	listen_on[1] = NULL;
	for (size_t i = 0; i < N_ELEMENTS(hosts); i++) {
		(void)text_printf(v4, sizeof(v4), "%s:%u", hosts[i], port);
		responder_begin(responder);
		if (responder_serve(responder, &args, &err) == -1)
			fail_msg("%s: %s", v4, err.msg);
		responder_end(responder);
		fd = connect_to(AF_INET, SOCK_DGRAM);
		len = query(buf, 7);
		assert_int_equal(send(fd, buf + 2, len - 2, 0), len - 2);
		assert_true(wait_for(fd));
		assert_true(recv(fd, buf, sizeof(buf), 0) > 12);
		close(fd);
		fd = connect_to(AF_INET, SOCK_STREAM);
		assert_int_equal(send(fd, buf, query(buf, 7), 0), len);
		assert_true(next_tcp(fd, buf, sizeof(buf)) > 2);
		close(fd);
	}
}

/* The port is taken: said at once, and tried again when it is needed. */
static void
test_port_taken(void **state)
{
	struct responder *second = responder_new(loop);
	const char *const value[] = { "v1" };
	struct error err;

	responder_begin(second);
	assert_int_equal(responder_serve(second, &args, &err), -1);
	responder_end(second);
	assert_string_equal(err.code, "builtin:listen");
	assert_non_null(strstr(err.msg, "127.0.0.1"));
	assert_int_equal(responder_add(second, FQDN, value, 1, &err), -1);
	assert_string_equal(err.code, "builtin:listen");
	responder_free(responder);
	responder = second;
	assert_int_equal(responder_add(second, FQDN, value, 1, &err), 0);
	assert_int_equal(ask_udp(AF_INET), 1);
}

/* In a child, whose descriptors from 3 on nobody needs. */
static int
serve_passed(const int *types, int n)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *half = types[0] == SOCK_STREAM ? "ListenDatagram=" :
	    "ListenStream=";
	struct loop *own = loop_new();
	struct responder *r;
	struct error err = { .kind = ERR_NONE };
	char text[16];
	int rc, fds[2];

	/* The sockets of setup() are about where these go. */
	sin.sin_port = htons(free_port());
	for (int i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, types[i], 0);
		if (fds[i] == -1 || bind(fds[i], (struct sockaddr *)&sin,
		    sizeof(sin)) == -1 ||
		    (fds[i] = fcntl(fds[i], F_DUPFD, 100)) == -1)
			return 2;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(fds[i], 3 + i) == -1)
			return 2;
	}
	(void)text_printf(text, sizeof(text), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", text, 1);
	(void)setenv("LISTEN_FDS", n == 2 ? "2" : "1", 1);
	(void)setenv("LISTEN_FDNAMES", n == 2 ? "acmed-dns:acmed-dns" :
	    "acmed-dns", 1);
	args.listen = no_addresses;
	r = responder_new(own);
	responder_begin(r);
	rc = responder_serve(r, &args, &err);
	if (n == 2)
		return rc == 0 ? 0 : 3;
	return rc == -1 && strstr(err.msg, half) != NULL &&
	    strstr(err.msg, "127.0.0.1:") != NULL ? 0 : 4;
}

/* systemd passes UDP without TCP, or the other way round: said at once. */
static void
test_half_passed(void **state)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM };

	for (int i = 0; i < 3; i++) {
		int status, n = i == 2 ? 2 : 1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(serve_passed(types + (i == 2 ? 0 : i), n));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void
test_check(void **state)
{
	const char *const bad[] = { "localhost", NULL };
	struct error err;

	assert_int_equal(responder_check(&args, &err), 0);
	args.zones = no_addresses;
	assert_int_equal(responder_check(&args, &err), -1);
	args.zones = zones;
	args.listen = bad;
	assert_int_equal(responder_check(&args, &err), -1);
	assert_string_equal(err.code, "dns:address");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_udp),
		TEST(test_tcp),
		TEST(test_tcp_refused),
		TEST(test_flood),
		TEST(test_tcp_bounds),
		TEST(test_reload),
		TEST(test_overlap),
		TEST(test_port_taken),
		TEST(test_half_passed),
		TEST(test_check),
	};

	return cmocka_run_group_tests_name("responder_sock", tests, NULL,
	    NULL);
}
