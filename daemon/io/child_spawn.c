/* SPDX-License-Identifier: MIT */
#include "daemon/io/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/child_script.h"
#include "daemon/io/program.h"

#define SHELL "/bin/sh"

/* posix_spawnp(3) would look into our own PATH. */
static int
find_program(const struct child_args *args, char out[PATH_MAX],
    struct error *err)
{
	const char *search = PROGRAM_PATH;

	for (size_t i = 0; args->env != NULL && args->env[i] != NULL; i++) {
		if (strncmp(args->env[i], "PATH=", 5) == 0)
			search = args->env[i] + 5;
	}
	return program_find(args->argv[0], search, out, err);
}

static void
close_all(int pipes[3][2])
{
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 2; j++) {
			if (pipes[i][j] != -1)
				close(pipes[i][j]);
		}
	}
}

/* pipes[i] is the child's descriptor i; [1] is always the end to write to. */
static int
make_pipes(int pipes[3][2], bool has_input)
{
	for (int i = has_input ? 0 : 1; i < 3; i++) {
		int ours;

		if (pipe2(pipes[i], O_CLOEXEC) == -1)
			return -1;
		ours = pipes[i][i == 0 ? 1 : 0];
		if (fcntl(ours, F_SETFL, O_NONBLOCK) == -1)
			return -1;
	}
	return 0;
}

static int
add_actions(posix_spawn_file_actions_t *fa, const struct child_args *args,
    int pipes[3][2])
{
	int r = 0;

	if (args->dir != NULL)
		r = posix_spawn_file_actions_addchdir_np(fa, args->dir);
	if (r != 0)
		return r;
	if (pipes[0][0] != -1)
		r = posix_spawn_file_actions_adddup2(fa, pipes[0][0], 0);
	else
		r = posix_spawn_file_actions_addopen(fa, 0, "/dev/null",
		    O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, pipes[1][1], 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(fa, pipes[2][1], 2);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	return r;
}

/* Signals as a login shell would have them: not what we ignore or block. */
static int
add_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGKILL);
	(void)sigdelset(&all, SIGSTOP);
	r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	return r;
}

/* An error number, or 0. */
static int
spawn_one(const char *path, const char *const *argv,
    const struct child_args *args, int pipes[3][2], pid_t *pid)
{
	static char *const no_env[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r;

	if ((r = posix_spawn_file_actions_init(&fa)) != 0)
		return r;
	if ((r = posix_spawnattr_init(&attr)) != 0) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return r;
	}
	if ((r = add_actions(&fa, args, pipes)) == 0 &&
	    (r = add_attributes(&attr)) == 0)
		/* It takes char *const [] and does not write to them. */
		r = posix_spawn(pid, path, &fa, &attr,
		    (char *const *)(uintptr_t)argv,
		    args->env != NULL ?
		    (char *const *)(uintptr_t)args->env : no_env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&fa);
	return r;
}

/* As shells and execvp(3) do with a text that has no "#!". */
static int
spawn_by_shell(const char *path, const struct child_args *args,
    int pipes[3][2], pid_t *pid)
{
	const char **argv;
	size_t n = 0;
	int r;

	while (args->argv[n] != NULL)
		n++;
	argv = xcalloc(n + 2, sizeof(*argv));
	argv[0] = SHELL;
	argv[1] = path;
	for (size_t i = 1; i < n; i++)
		argv[i + 1] = args->argv[i];
	r = spawn_one(SHELL, argv, args, pipes, pid);
	free(argv);
	return r;
}

static int
spawn(const char *path, const struct child_args *args,
    const struct child_script *script, int pipes[3][2], pid_t *pid)
{
	int r = spawn_one(path, args->argv, args, pipes, pid);

	/* Behind a byte order mark "#!" may name any other language. */
	return r == ENOEXEC && script->is_text && !script->has_bom ?
	    spawn_by_shell(path, args, pipes, pid) : r;
}

int
child_spawn(const struct child_args *args, pid_t *pid, int fds[3],
    bool *has_cr, struct error *err)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	char path[PATH_MAX], why[PATH_MAX + 200];
	struct child_script script;
	int r;

	if (find_program(args, path, err) == -1)
		return -1;
	if (args->dir != NULL && access(args->dir, X_OK) == -1)
		return error_set(err, ERR_CONFIG, "child:exec",
		    "working directory %s: %s", args->dir, strerror(errno));
	child_script_look(path, &script);
	*has_cr = script.has_cr;
	r = make_pipes(pipes, args->input != NULL && args->input_len > 0) ==
	    -1 ? errno : spawn(path, args, &script, pipes, pid);
	if (r != 0) {
		bool is_ours = r == EAGAIN || r == ENOMEM || r == EMFILE ||
		    r == ENFILE;

		close_all(pipes);
		if (is_ours)
			return error_set(err, ERR_TRANSIENT, "child:fork",
			    "%s: %s", args->argv[0], strerror(r));
		child_script_why(path, &script, r, why, sizeof(why));
		return error_set(err, ERR_CONFIG, "child:exec", "%s: %s",
		    args->argv[0], why);
	}
	for (int i = 0; i < 3; i++) {
		int theirs = i == 0 ? 0 : 1;

		if (pipes[i][theirs] != -1)
			close(pipes[i][theirs]);
		fds[i] = pipes[i][1 - theirs];
	}
	return 0;
}

void
child_own_path(char *out, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", out, size - 1);

	out[len > 0 ? len : 0] = '\0';
	if (access(out, X_OK) == -1)
		(void)text_printf(out, size, "/proc/self/exe");
}
