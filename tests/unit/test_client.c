/* SPDX-License-Identifier: MIT */
/* acmectl's client against a real control server in a child process. */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/client.h"
#include "daemon/control/control.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_engine.h"

struct env {
	char	dir[64];
	char	path[80];
	pid_t	server;
};

/* What a stream brought. */
struct heard {
	size_t	n;
	bool	ended;
	int	signo;		/* to raise at the first line; 0: none */
	pid_t	pid;		/* whom to signal */
};

static json_t *
reload_cb(void *arg, struct error *err, json_t *lines)
{
	(void)json_array_append_new(lines, json_string("f:1: bad"));
	(void)error_set(err, ERR_CONFIG, "conf:invalid", "1 mistake");
	return NULL;
}

/* A step every 5 ms; a.example ends after some, b.example never. */
static struct timer tick;
static struct engine *engine;
static int ticks;

static void
tick_cb(void *arg)
{
	fake_engine_step(engine, "a.example", "order", "a step");
	fake_engine_step(engine, "b.example", "order", "a step");
	if (++ticks % 4 == 0)
		fake_engine_end(engine, "a.example", true);
	timer_set(&tick, 5);
}

static void
serve(const char *path, int ready_fd)
{
	struct loop *loop = loop_new();
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);
	engine = fake_engine_new();
	if (control_new(loop, engine, path, reload_cb, NULL, &err) == NULL)
		_exit(1);
	timer_init(&tick, loop, tick_cb, NULL);
	timer_set(&tick, 5);
	(void)!write(ready_fd, "", 1);
	loop_run(loop);
	_exit(0);
}

static int
setup(void **state)
{
	struct env *env = xcalloc(1, sizeof(*env));
	int fds[2];
	char byte;

	(void)text_printf(env->dir, sizeof(env->dir), "/tmp/acmed-test-XXXXXX");
	assert_non_null(mkdtemp(env->dir));
	(void)text_printf(env->path, sizeof(env->path), "%s/s", env->dir);
	assert_return_code(pipe(fds), errno);
	env->server = fork();
	assert_return_code(env->server, errno);
	if (env->server == 0)
		serve(env->path, fds[1]);
	(void)close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
	*state = env;
	return 0;
}

static int
teardown(void **state)
{
	struct env *env = *state;

	(void)kill(env->server, SIGKILL);
	(void)waitpid(env->server, NULL, 0);
	(void)unlink(env->path);
	(void)rmdir(env->dir);
	free(env);
	return 0;
}

static void
line_cb(const json_t *line, void *arg)
{
	struct heard *h = arg;

	h->n++;
	h->ended = jsonx_bool(line, "end", false);
	if (h->n == 1 && h->signo != 0)
		(void)kill(h->pid, h->signo);
}

static int
follow(const struct env *env, const char *name, struct heard *h,
    struct error *err)
{
	json_t *body = json_pack("{s:[s], s:b}", "names", name, "follow", 1);
	const struct client_request request = {
		.socket = env->path, .method = "POST",
		.path = API_PATH_RENEW, .body = body,
		.line = line_cb, .arg = h,
	};
	struct client_reply reply = { 0 };
	int rc = client_call(&request, &reply, err);

	json_decref(body);
	if (rc == -1)
		return -1;
	rc = reply.status;
	client_reply_clear(&reply);
	return rc;
}

static int
get(const char *socket, const char *path, struct error *err)
{
	const struct client_request request = {
		.socket = socket, .method = "GET", .path = path,
	};
	struct client_reply reply;

	if (client_call(&request, &reply, err) == -1)
		return -1;
	assert_true(json_is_object(reply.body));
	client_reply_clear(&reply);
	return reply.status;
}

static void
test_get(void **state)
{
	struct env *env = *state;
	struct error err;
	char *path;

	/* It is for other hosts. */
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(get(env->path, API_PATH_STATUS, &err), 200);
	path = client_path(API_PATH_CERT, "b.example");
	assert_int_equal(get(env->path, path, &err), 200);
	free(path);
	path = client_path(API_PATH_CERT, "../status?#%00 \n");
	assert_null(strpbrk(path + strlen(API_PATH_CERT), "/?# \n"));
	assert_int_equal(get(env->path, path, &err), 404);
	free(path);
}

static void
test_post(void **state)
{
	struct env *env = *state;
	const struct client_request request = {
		.socket = env->path, .method = "POST",
		.path = API_PATH_RELOAD,
	};
	struct client_reply reply;
	struct error err;

	assert_int_equal(client_call(&request, &reply, &err), 0);
	assert_int_equal(reply.status, 409);
	assert_string_equal(jsonx_str(reply.body, "lines.0"), "f:1: bad");
	client_reply_clear(&reply);
}

static void
test_follow(void **state)
{
	struct heard h = { 0 };
	struct error err;

	assert_int_equal(follow(*state, "a.example", &h, &err), 200);
	assert_true(h.n >= 1);
	assert_true(h.ended);
	h = (struct heard){ 0 };
	assert_int_equal(follow(*state, "none", &h, &err), 404);
	assert_int_equal(h.n, 0);
}

static void
test_interrupt(void **state)
{
	struct heard h = { .signo = SIGINT, .pid = getpid() };
	struct error err;

	assert_int_equal(follow(*state, "b.example", &h, &err), -1);
	assert_string_equal(err.code, CLIENT_INTERRUPTED);
	(void)signal(SIGINT, SIG_DFL);
}

static void
test_daemon_dies(void **state)
{
	struct env *env = *state;
	struct heard h = { .signo = SIGKILL, .pid = env->server };
	struct error err;

	assert_int_equal(follow(env, "b.example", &h, &err), -1);
	assert_string_equal(err.code, CLIENT_LOST);
	(void)waitpid(env->server, NULL, 0);
	/* Its socket is still there, and nobody behind it. */
	assert_int_equal(get(env->path, API_PATH_STATUS, &err), -1);
	assert_string_equal(err.code, CLIENT_NOT_RUNNING);
	assert_non_null(strstr(err.msg, env->path));
	(void)unlink(env->path);
	assert_int_equal(get(env->path, API_PATH_STATUS, &err), -1);
	assert_string_equal(err.code, CLIENT_NOT_RUNNING);
	assert_non_null(strstr(err.msg, "no socket at"));
}

static void
test_denied(void **state)
{
	struct env *env = *state;
	struct error err;
	int rc, status;
	pid_t pid;

	if (geteuid() != 0)
		skip();		/* nothing is denied to oneself */
	pid = fork();
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) == -1 ||
		    setresuid(65534, 65534, 65534) == -1)
			_exit(9);
		rc = get(env->path, API_PATH_STATUS, &err);
		_exit(rc == -1 && strcmp(err.code, CLIENT_DENIED) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Something else listens there. */
static void
test_not_acmed(void **state)
{
	static const char *const replies[] = {
		"220 mail.example ESMTP\r\n", "",
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\n\r\n",
	};
	struct env *env = *state;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(replies); i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;
		char request[4096];
		pid_t pid;

		(void)text_printf(sun.sun_path, sizeof(sun.sun_path), "%s.%zu",
		    env->path, i);
		assert_return_code(bind(fd, (struct sockaddr *)&sun,
		    sizeof(sun)), errno);
		assert_return_code(listen(fd, 1), errno);
		pid = fork();
		if (pid == 0) {
			peer = accept(fd, NULL, NULL);
			(void)!read(peer, request, sizeof(request));
			(void)!write(peer, replies[i], strlen(replies[i]));
			_exit(0);
		}
		(void)close(fd);
		assert_int_equal(get(sun.sun_path, API_PATH_STATUS, &err), -1);
		assert_true(strcmp(err.code, CLIENT_REPLY) == 0 ||
		    strcmp(err.code, CLIENT_LOST) == 0);
		(void)waitpid(pid, NULL, 0);
		(void)unlink(sun.sun_path);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_get),
		T(test_post),
		T(test_follow),
		T(test_interrupt),
		T(test_daemon_dies),
		T(test_denied),
		T(test_not_acmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
