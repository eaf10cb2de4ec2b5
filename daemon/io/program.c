/* SPDX-License-Identifier: MIT */
#include "daemon/io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/child_script.h"

/* NULL, or why the file itself is none that we may run. */
static char *
file_fault(const char *path)
{
	struct stat st;
	bool is_seen = stat(path, &st) == 0;

	if (!is_seen && errno != EACCES)
		return errno == ENOENT || errno == ENOTDIR ?
		    xasprintf("there is no program %s", path) :
		    xasprintf("%s: %s", path, strerror(errno));
	if (is_seen && !S_ISREG(st.st_mode))
		return xasprintf("%s is %s; allowed: a program", path,
		    S_ISDIR(st.st_mode) ? "a directory" : "not a file");
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return NULL;
	return errno == EACCES ? access_run_fault(path) :
	    xasprintf("%s: %s", path, strerror(errno));
}

int
program_find(const char *name, const char *search, char out[PATH_MAX],
    struct error *err)
{
	char *fault = NULL;

	if (strchr(name, '/') != NULL || *name == '\0') {
		fault = text_printf(out, PATH_MAX, "%s", name) ?
		    file_fault(name) : xstrdup(strerror(ENAMETOOLONG));
		search = "";
		if (fault == NULL)
			return 0;
	}
	while (*search != '\0') {
		size_t len = strcspn(search, ":");
		struct stat st;

		if (*search == '/' && text_printf(out, PATH_MAX, "%.*s/%s",
		    (int)len, search, name) && stat(out, &st) == 0 &&
		    S_ISREG(st.st_mode)) {
			char *why = file_fault(out);

			if (why == NULL) {
				free(fault);
				return 0;
			}
			if (fault == NULL)
				fault = why;
			else
				free(why);
		}
		search += len + (search[len] == ':');
	}
	if (fault != NULL)
		(void)error_set(err, ERR_CONFIG, "child:exec", "%s", fault);
	else
		(void)error_set(err, ERR_CONFIG, "child:exec", "there is no "
		    "program %s in the search path; install it, or write "
		    "where it is, beginning with \"/\"", name);
	free(fault);
	return -1;
}

/* What "#!/usr/bin/env NAME" would not find. */
static char *
env_fault(const char *path, const struct child_script *s)
{
	const char *base = strrchr(s->interpreter, '/');
	char found[PATH_MAX];
	struct error err;

	if (base == NULL || strcmp(base, "/env") != 0 ||
	    s->word[0] == '\0' || s->word[0] == '-' ||
	    strchr(s->word, '=') != NULL ||
	    program_find(s->word, PROGRAM_PATH, found, &err) == 0)
		return NULL;
	return xasprintf("%s: its interpreter %s is not in the search path: "
	    "install it, or write the right one into the first line", path,
	    s->word);
}

char *
program_fault(const char *path)
{
	struct child_script s;
	char *fault = file_fault(path), why[PATH_MAX + 200];
	int number = 0;

	if (fault != NULL)
		return fault;
	child_script_look(path, &s);
	if (s.has_bom)
		number = ENOEXEC;
	else if (s.interpreter[0] == '/' && access(s.interpreter, X_OK) == -1)
		number = errno;
	if (number != 0) {
		child_script_why(path, &s, number, why, sizeof(why));
		return xasprintf("%s: %s", path, why);
	}
	if (s.is_text && s.has_cr)
		return xasprintf("%s: its lines end in CR LF: "
		    CHILD_SCRIPT_MEND "%s", path, path);
	return env_fault(path, &s);
}
