/* SPDX-License-Identifier: MIT */
/*
 * Programs and hooks that would not run: told when the configuration is read,
 * not when a renewal needs them.  Warnings, for they may come later, as with a
 * package or a mount.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/access.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"
#include "daemon/io/child_script.h"
#include "daemon/io/program.h"

static char *
search_fault(const char *name)
{
	const char *own = getenv("PATH");
	char path[PATH_MAX];
	struct error err;

	/* A shell's PATH may be longer than the service's, or shorter. */
	if ((own != NULL && program_find(name, own, path, &err) == 0) ||
	    program_find(name, PROGRAM_PATH, path, &err) == 0)
		return program_fault(path);
	return xstrdup(err.msg);
}

void
check_program(struct check *c, const struct section *sec, const char *key,
    const char *name, int line)
{
	if (name[0] == '\0' || (name[0] != '/' && strchr(name, '/') != NULL))
		return;			/* a mistake of its own */
	/* A thousand certificates have the same one. */
	if (c->program == NULL || strcmp(c->program, name) != 0) {
		free(c->program);
		free(c->program_fault);
		c->program = xstrdup(name);
		c->program_fault = name[0] == '/' ? program_fault(name) :
		    search_fault(name);
	}
	if (c->program_fault != NULL)
		opt_warn(c->m, sec, line, "%s: %s", key, c->program_fault);
}

/* --- hooks --- */

/* NULL, or why this file of a hooks directory will not be run.  One without a
 * "#!" that is not executable is no hook: a README. */
static char *
hook_fault(const char *path)
{
	struct child_script s;
	struct stat st;
	char *text;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return NULL;
	if ((st.st_mode & 0111) == 0) {
		child_script_look(path, &s);
		if (s.interpreter[0] == '\0' && !s.has_bom)
			return NULL;
	}
	text = program_fault(path);
	if (text == NULL && !access_is_trusted(&st))
		text = xasprintf("%s is not run, for others can write to it: "
		    "chown root %s && chmod go-w %s", path, path, path);
	return text;
}

static int
is_listed(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
	    e->d_name[len - 1] != '~';
}

void
check_hooks(struct check *c, const struct section *sec, int line,
    const char *dir)
{
	static const char *const subs[] = { "pre.d", "deploy.d", "post.d" };

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		char *sub = xasprintf("%s/%s", dir, subs[i]);
		struct dirent **list = NULL;
		int n = scandir(sub, &list, is_listed, alphasort);

		for (int j = 0; j < n; j++) {
			char *path = xasprintf("%s/%s", sub, list[j]->d_name);
			char *fault = hook_fault(path);

			if (fault != NULL)
				opt_warn(c->m, sec, line, "hooks_dir: %s",
				    fault);
			free(fault);
			free(path);
			free(list[j]);
		}
		free(list);
		free(sub);
	}
}
