/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"

static int manager;
static char path[64];

/* In systemd's place. */
static int
setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	(void)text_printf(path, sizeof(path), "/tmp/acmed-test-sd-%d",
	    (int)getpid());
	(void)text_printf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (manager == -1 ||
	    bind(manager, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		return -1;
	return setenv("NOTIFY_SOCKET", path, 1);
}

static int
teardown(void **state)
{
	close(manager);
	return unlink(path);
}

/* The next message, or "". */
static const char *
heard(void)
{
	static char buf[2048];
	ssize_t n = recv(manager, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
test_messages(void **state)
{
	struct loop *loop = loop_new();
	struct sd *sd = sd_new(loop);
	long long usec = 0, now;
	struct timespec ts;
	char many[3000];

	assert_string_equal(heard(), "");
	sd_ready(sd);
	assert_string_equal(heard(), "READY=1");
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	sd_reloading(sd);
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    &usec), 1);
	assert_in_range(usec, now, now + 1000000);
	sd_status(sd, "%d certificates\nREADY=1", 3);
	assert_string_equal(heard(), "STATUS=3 certificates READY=1");
	memset(many, 'm', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	sd_status(sd, "%s", many);
	assert_int_equal(strlen(heard()), 7 + 511);
	sd_stopping(sd);
	assert_string_equal(heard(), "STOPPING=1");
	sd_free(sd);
	sd_free(NULL);
	loop_free(loop);
}

static void
stop_cb(void *arg)
{
	*(bool *)arg = true;
}

static int
watchdog_messages(const char *usec, const char *pid, int ms)
{
	struct loop *loop;
	struct timer t;
	struct sd *sd;
	bool stop = false;
	int n = 0;

	(void)setenv("WATCHDOG_USEC", usec, 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
	loop = loop_new();
	sd = sd_new(loop);
	timer_init(&t, loop, stop_cb, &stop);
	timer_set(&t, ms);
	while (!stop)
		loop_turn(loop);
	sd_free(sd);
	loop_free(loop);
	while (strcmp(heard(), "WATCHDOG=1") == 0)
		n++;
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return n;
}

static void
test_watchdog(void **state)
{
	char pid[32];

	(void)text_printf(pid, sizeof(pid), "%d", (int)getpid());
	/* Every 10 ms; a busy machine may be late. */
	assert_in_range(watchdog_messages("20000", pid, 60), 1, 6);
	assert_int_equal(watchdog_messages("20000", "1", 30), 0);
	assert_int_equal(watchdog_messages("60000000", pid, 10), 0);
}

/* Started by hand: every call does nothing, and does no harm. */
static void
test_without_systemd(void **state)
{
	struct loop *loop = loop_new();
	struct sd *sd;

	(void)unsetenv("NOTIFY_SOCKET");
	sd = sd_new(loop);
	sd_ready(sd);
	sd_reloading(sd);
	sd_status(sd, "%s", "x");
	sd_stopping(sd);
	sd_free(sd);
	loop_free(loop);
	assert_string_equal(heard(), "");
}

/* In a child, whose descriptors 3 and 4 nobody needs. */
static void
test_sockets(void **state)
{
	pid_t pid = fork();
	char self[16];
	int fds[4], status;

	if (pid == 0) {
		(void)text_printf(self, sizeof(self), "%d", (int)getpid());
		if (setenv("LISTEN_PID", self, 1) == -1 ||
		    setenv("LISTEN_FDS", "2", 1) == -1 ||
		    setenv("LISTEN_FDNAMES", "other:acmed-dns", 1) == -1 ||
		    dup2(manager, 4) == -1 || dup2(4, 3) == -1 ||
		    fcntl(4, F_SETFL, 0) == -1)
			_exit(2);
		if (sd_sockets("none", fds, 4) != 0 ||
		    sd_sockets("acmed-dns", fds, 0) != 0 ||
		    sd_sockets("acmed-dns", fds, 4) != 1 || fds[0] != 4)
			_exit(3);
		_exit((fcntl(4, F_GETFL) & O_NONBLOCK) != 0 &&
		    (fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(sd_sockets("acmed-dns", fds, 4), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_without_systemd),
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
