/* SPDX-License-Identifier: MIT */
/*
 * fuzz_control - requests to the control socket and to the status listener,
 * over real sockets: the first byte is 's' for the latter, the rest is what the
 * client sends before it closes its side.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/control/control.h"
#include "daemon/io/loop.h"
#include "daemon/status/status.h"
#include "tests/fake/fake_engine.h"
#include "tests/fuzz/fuzz.h"

#define TURNS_MAX 50		/* without a word: it waits for us */

static struct loop *loop;
static struct engine *engine;
static struct control *control;
static struct status *status;
static char dir[] = "/tmp/acmed-fuzz-XXXXXX";
static struct sockaddr_un un = { .sun_family = AF_UNIX };
static struct sockaddr_in in = { .sin_family = AF_INET };

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static json_t *
reload_cb(void *arg, struct error *err, json_t *lines)
{
	return json_pack("{s:[], s:[], s:[]}", "added", "removed", "changed");
}

static void
end(void)
{
	char *sub = xasprintf("%s/run", dir);

	status_free(status);
	control_free(control);
	fake_engine_free(engine);
	loop_free(loop);
	(void)rmdir(sub);
	(void)rmdir(dir);
	free(sub);
}

/* A port that nobody has. */
static void
find_port(void)
{
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(fd != -1 && bind(fd, (struct sockaddr *)&in, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	(void)close(fd);
}

static void
begin(void)
{
	static char address[32], host[] = "acmed.example";
	static char *listen[] = { address, NULL }, *hosts[] = { host, NULL };
	static struct conf conf = { .refs = 1000, .status_listen = listen,
	    .status_hosts = hosts };
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);	/* as in the daemon */
	need(mkdtemp(dir) != NULL);
	(void)text_printf(un.sun_path, sizeof(un.sun_path), "%s/run/s", dir);
	loop = loop_new();
	engine = fake_engine_new();
	control = control_new(loop, engine, un.sun_path, reload_cb, NULL,
	    &err);
	status = status_new(loop, engine);
	find_port();
	(void)text_printf(address, sizeof(address), "127.0.0.1:%d",
	    ntohs(in.sin_port));
	need(control != NULL && status_listen(status, &conf, &err) == 0);
	(void)atexit(end);
}

/* What it answers begins as HTTP does, and ends when we are gone. */
static void
listen_to(int fd)
{
	char text[16384], first[8] = "";
	size_t n = 0;

	for (unsigned quiet = 0; quiet < TURNS_MAX; quiet++) {
		ssize_t got;

		(void)event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
		got = recv(fd, text, sizeof(text), MSG_DONTWAIT);
		if (got == 0 || (got == -1 && errno != EAGAIN))
			break;
		if (got == -1)
			continue;
		quiet = 0;
		for (ssize_t i = 0; i < got && n < 5; i++)
			first[n++] = text[i];
	}
	need(strncmp(first, "HTTP/", n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct linger now = { .l_onoff = 1 };
	bool is_status = size > 0 && data[0] == 's';
	int fd;

	if (size == 0)
		return 0;
	if (loop == NULL)
		begin();
	fd = socket(is_status ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
	    0);
	need(fd != -1 && connect(fd, is_status ? (struct sockaddr *)&in :
	    (struct sockaddr *)&un, is_status ? sizeof(in) : sizeof(un)) == 0);
	(void)send(fd, data + 1, size - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	listen_to(fd);
	/* No port of ours is left in TIME_WAIT. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
	for (unsigned i = 0; i < 3; i++)
		(void)event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
	fake_engine_check_stop(engine);
	while (fake_engine_jobs(engine) > 0)
		fake_engine_job_end(engine, true);
	while (fake_engine_manage_end(engine))
		;
	return 0;
}
