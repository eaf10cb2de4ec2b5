/* SPDX-License-Identifier: MIT */
#include "ctl/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"

enum { OUTPUT_MAX = 1 << 20 };

extern char **environ;

/* All that comes, of which OUTPUT_MAX bytes are kept. */
static char *
read_all(int fd)
{
	char *out = xstrdup(""), part[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n == -1) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (len + (size_t)n > OUTPUT_MAX)
			continue;
		out = xreallocarray(out, len + (size_t)n + 1, 1);
		memcpy(out + len, part, (size_t)n);
		len += (size_t)n;
		out[len] = '\0';
	}
	return out;
}

static int
start(const char *const *argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, back;
	int rc;

	(void)sigemptyset(&none);
	(void)sigemptyset(&back);
	(void)sigaddset(&back, SIGINT);
	(void)sigaddset(&back, SIGPIPE);
	if (posix_spawn_file_actions_init(&fa) != 0 ||
	    posix_spawnattr_init(&attr) != 0)
		abort();
	/* What client_call() did to Ctrl-C is not for others. */
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &back);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF);
	if (out != -1) {
		(void)posix_spawn_file_actions_addopen(&fa, 0, "/dev/null",
		    O_RDONLY, 0);
		(void)posix_spawn_file_actions_adddup2(&fa, out, 1);
		(void)posix_spawn_file_actions_adddup2(&fa, out, 2);
	}
	rc = posix_spawnp(pid, argv[0], &fa, &attr,
	    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

int
spawn_wait(const char *const *argv, char **output, struct error *err)
{
	int fds[2] = { -1, -1 }, rc, status;
	pid_t pid;

	/* Not every posix_spawn(3) can tell (valgrind's does not). */
	if (strchr(argv[0], '/') != NULL && access(argv[0], X_OK) == -1)
		return error_set(err, ERR_CONFIG, "ctl:spawn",
		    "%s cannot be run: %s", argv[0], strerror(errno));
	if (output != NULL && pipe2(fds, O_CLOEXEC) == -1)
		return error_errno(err, "%s: pipe", argv[0]);
	rc = start(argv, fds[1], &pid);
	if (fds[1] != -1)
		(void)close(fds[1]);
	if (rc == 0 && output != NULL)
		*output = read_all(fds[0]);
	if (fds[0] != -1)
		(void)close(fds[0]);
	if (rc != 0)
		return error_set(err, ERR_CONFIG, "ctl:spawn",
		    "%s cannot be run: %s", argv[0], strerror(rc));
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return error_errno(err, "wait for %s", argv[0]);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

char *
spawn_acmed(void)
{
	char self[PATH_MAX], *beside, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	/* Where acmectl was built, it is the one that was built with it. */
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			*slash = '\0';
			beside = xasprintf("%s/acmed", self);
			if (access(beside, X_OK) == 0)
				return beside;
			free(beside);
		}
	}
	return xstrdup(SBINDIR "/acmed");
}
