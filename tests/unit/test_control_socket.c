/* SPDX-License-Identifier: MIT */
/* The socket: what stands in its place, and who may speak to it. */
#include "tests/unit/control_rig.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"

/* A socket that nobody listens at any more. */
static void
leave_stale(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_return_code(bind(fd, (struct sockaddr *)&sun, sizeof(sun)),
	    errno);
	(void)close(fd);
}

/* Whose mode keeps us out: nobody can say whether it is in use. */
static void
test_socket_of_another(void **state)
{
	struct crig *r = *state;
	bool is_root = geteuid() == 0;
	struct error err;

	control_free(r->ctl);
	leave_stale(r->path);
	assert_return_code(chmod(r->path, 0), errno);
	assert_return_code(chmod(r->dir, 0711), errno);
	if (is_root)
		assert_return_code(seteuid(65534), errno);
	r->ctl = control_new(r->loop, r->engine, r->path, reload_cb,
	    r, &err);
	if (is_root)
		assert_return_code(seteuid(0), errno);
	assert_null(r->ctl);
	assert_non_null(strstr(err.msg, "may not try"));
	assert_non_null(strstr(err.msg, "if none runs: rm "));
	assert_null(strstr(err.msg, "another acmed"));
	assert_return_code(access(r->path, F_OK), errno);
	assert_return_code(unlink(r->path), errno);
}

static void
test_socket_file(void **state)
{
	struct crig *r = *state;
	struct error err;
	struct stat st;
	char *path;
	glob_t g;

	assert_return_code(stat(r->path, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0660);

	/* One that answers keeps its socket. */
	assert_null(control_new(r->loop, r->engine, r->path, reload_cb,
	    r, &err));
	assert_non_null(strstr(err.msg, "another acmed answers there"));
	exchange(r, "GET", "/v1/status", "", 200, "a.example");

	/* What a crash left is replaced, and nothing is left beside it. */
	control_free(r->ctl);
	assert_int_equal(access(r->path, F_OK), -1);
	leave_stale(r->path);
	r->ctl = control_new(r->loop, r->engine, r->path, reload_cb,
	    r, &err);
	assert_non_null(r->ctl);
	exchange(r, "GET", "/v1/status", "", 200, "a.example");
	path = xasprintf("%s/.acmed-*", r->dir);
	assert_int_equal(glob(path, GLOB_PERIOD, NULL, &g), GLOB_NOMATCH);
	free(path);

	assert_null(control_new(r->loop, r->engine, r->dir, reload_cb,
	    r, &err));
	assert_string_equal(err.code, "control:socket");
	assert_non_null(strstr(err.msg, "no socket"));
	path = xasprintf("%s/no/such/s", r->dir);
	assert_null(control_new(r->loop, r->engine, path, reload_cb, r,
	    &err));
	assert_non_null(strstr(err.msg, path));
	free(path);
	path = xasprintf("%s/%0200d", r->dir, 0);
	assert_null(control_new(r->loop, r->engine, path, reload_cb, r,
	    &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	free(path);
}

/* As another user, through a socket whose mode somebody has opened. */
static void
test_forbidden(void **state)
{
	struct crig *r = *state;
	struct client *c;
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();		/* only root can be somebody else */
	(void)chmod(r->dir, 0755);
	(void)chmod(r->path, 0666);
	pid = fork();
	assert_return_code(pid, errno);
	if (pid == 0) {
		/* Connect as nobody, and hand the answer on by exit status. */
		char in[4096];
		ssize_t n;

		if (setresgid(65534, 65534, 65534) == -1 ||
		    setresuid(65534, 65534, 65534) == -1)
			_exit(9);
		c = client_new(r);
		(void)fcntl(c->fd, F_SETFL, 0);
		say_request(c, "GET", "/v1/status", "");
		n = read(c->fd, in, sizeof(in) - 1);
		in[n > 0 ? n : 0] = '\0';
		_exit(strstr(in, "HTTP/1.1 403") != NULL &&
		    strstr(in, API_ERR_FORBIDDEN) != NULL ? 0 : 1);
	}
	for (int i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) == 0; i++)
		run_for(r, NULL, 1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CRIG_TEST(test_socket_file),
		CRIG_TEST(test_socket_of_another),
		CRIG_TEST(test_forbidden),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
