/* SPDX-License-Identifier: MIT */
#include "providers/exec_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/whoami.h"
#include "providers/provider.h"

#define MAX_ENV_FILE 65536		/* bytes */
#define BLANKS " \t\n"

static const char *const modes[EXEC_MODE_END] = {
	[EXEC_MODE_ACMED] = "acmed",
	[EXEC_MODE_LEGO] = "lego",
	[EXEC_MODE_LEGO_RAW] = "lego-raw",
	[EXEC_MODE_CERTBOT] = "certbot",
};

enum exec_mode
exec_mode(const struct provider_values *v)
{
	enum exec_mode mode = 0;

	while (mode < EXEC_MODE_END &&
	    strcmp(provider_str(v, EXEC_MODE), modes[mode]) != 0)
		mode++;
	return mode;
}

/* --- lists of strings --- */

static void
push(char ***list, char *s /* taken */)
{
	size_t n = 0;

	while (*list != NULL && (*list)[n] != NULL)
		n++;
	*list = xreallocarray(*list, n + 2, sizeof(**list));
	(*list)[n] = s;
	(*list)[n + 1] = NULL;
}

void
exec_words_free(char **words)
{
	for (char **w = words; w != NULL && *w != NULL; w++)
		freezero_str(*w);
	free(words);
}

char **
exec_words(const struct provider_values *v, enum exec_opt opt)
{
	const char *const *given = provider_list(v, (int)opt);
	char **words = xcalloc(1, sizeof(*words)), *line, *rest, *word;
	struct stat st;

	if (given[0] == NULL || given[1] != NULL ||
	    (stat(given[0], &st) == 0 && S_ISREG(st.st_mode))) {
		for (; *given != NULL; given++)
			push(&words, xstrdup(*given));
		return words;
	}
	line = rest = xstrdup(given[0]);
	while ((word = strsep(&rest, BLANKS)) != NULL) {
		if (word[0] != '\0')
			push(&words, xstrdup(word));
	}
	free(line);
	return words;
}

/* --- the environment --- */

bool
exec_is_variable(const char *s)
{
	return s[0] != '=' && strchr(s, '=') != NULL;
}

/* A later one takes the place of an earlier one. */
static void
env_add(char ***env, char *var /* taken */)
{
	size_t len = strcspn(var, "=") + 1;

	for (char **e = *env; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, var, len) == 0) {
			freezero_str(*e);
			*e = var;
			return;
		}
	}
	push(env, var);
}

static void
env_set(char ***env, const char *name, const char *value)
{
	env_add(env, xasprintf("%s=%s", name, value));
}

static int
env_from_file(char ***env, const char *path, struct error *err)
{
	char *text, *line, *rest;

	if (file_read_private(path, MAX_ENV_FILE, &text, err) == -1)
		return error_wrap(err, "environment_file");
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " \t");
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (!exec_is_variable(line)) {
			freezero_str(text);
			return error_set(err, ERR_CONFIG, "exec:environment",
			    "%s: a line is not KEY=VALUE", path);
		}
		env_add(env, xstrdup(line));
	}
	freezero_str(text);
	return 0;
}

/* Without CERTBOT_TOKEN, which certbot sets for http-01 only. */
static void
env_certbot(char ***env, const struct provider_call *c, bool is_add)
{
	char left[24];

	(void)text_printf(left, sizeof(left), "%zu", c->n_left);
	env_set(env, "CERTBOT_DOMAIN", c->identifier);
	env_set(env, "CERTBOT_IDENTIFIER", c->identifier);
	env_set(env, "CERTBOT_VALIDATION", c->value);
	env_set(env, "CERTBOT_ALL_DOMAINS", c->all_identifiers);
	env_set(env, "CERTBOT_ALL_IDENTIFIERS", c->all_identifiers);
	env_set(env, "CERTBOT_REMAINING_CHALLENGES", left);
	if (!is_add)
		env_set(env, "CERTBOT_AUTH_OUTPUT", c->handle);
}

static int
env_make(char ***env, const struct provider_call *c, bool is_add,
    struct error *err)
{
	const char *file = provider_str(c->values, EXEC_ENVIRONMENT_FILE);
	const char *const *extra = provider_list(c->values, EXEC_ENVIRONMENT);

	env_set(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:"
	    "/usr/bin:/sbin:/bin");
	env_set(env, "LANG", "C.UTF-8");
	env_set(env, "HOME", whoami_home());
	env_set(env, "USER", whoami_user());
	env_set(env, "LOGNAME", whoami_user());
	env_set(env, "ACMED_ACTION", is_add ? "add" : "remove");
	env_set(env, "ACMED_FQDN", c->fqdn);
	env_set(env, "ACMED_ZONE", c->zone);
	env_set(env, "ACMED_VALUE", c->value);
	env_set(env, "ACMED_CERT", c->cert);
	env_set(env, "ACMED_IDENTIFIER", c->identifier);
	if (!is_add)
		env_set(env, "ACMED_HANDLE", c->handle);
	if (exec_mode(c->values) == EXEC_MODE_CERTBOT)
		env_certbot(env, c, is_add);
	for (; *extra != NULL; extra++)
		env_add(env, xstrdup(*extra));
	return file == NULL ? 0 : env_from_file(env, file, err);
}

/* --- the command line --- */

/* Whoever can write to the program can do what we may: refuse it. */
static int
check_program(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return error_set(err, ERR_CONFIG, "exec:program", "%s: %s",
		    path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_CONFIG, "exec:program",
		    "%s is not a file", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERR_CONFIG, "exec:program",
		    "%s can be written by others than its owner; chmod go-w "
		    "%s", path, path);
	return 0;
}

/* "TOKEN.THUMBPRINT" (RFC 8555 section 8.1) is the handle. */
static int
add_raw(char ***argv, const struct provider_call *c, struct error *err)
{
	size_t len = strcspn(c->handle, ".");

	if (c->handle[len] == '\0')
		return error_set(err, ERR_CONFIG, "exec:raw", "mode lego-raw "
		    "needs the challenge's token, and none is known for %s: "
		    "only values for dns-01, added in this mode, can be set "
		    "and removed", c->fqdn);
	push(argv, xstrdup("--"));
	push(argv, xstrdup(c->identifier));
	push(argv, xasprintf("%.*s", (int)len, c->handle));
	push(argv, xstrdup(c->handle));
	return 0;
}

/* What is run: the program, or as its first argument its script. */
static const char *
script_of(char *const *words)
{
	struct stat st;

	return words[1] != NULL && words[1][0] == '/' &&
	    stat(words[1], &st) == 0 && S_ISREG(st.st_mode) ? words[1] :
	    words[0];
}

static char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? xstrdup("/") :
	    xasprintf("%.*s", (int)(slash - path), path);
}

static int
argv_make(char ***argv, char **dir, const struct provider_call *c, bool is_add,
    struct error *err)
{
	enum exec_mode mode = exec_mode(c->values);

	if (!is_add)
		*argv = exec_words(c->values, EXEC_CLEANUP_PROGRAM);
	if (is_add || (*argv)[0] == NULL) {
		exec_words_free(*argv);
		*argv = exec_words(c->values, EXEC_PROGRAM);
	}
	if (check_program((*argv)[0], err) == -1 ||
	    check_program(script_of(*argv), err) == -1)
		return -1;
	*dir = dir_of(script_of(*argv));
	if (mode == EXEC_MODE_CERTBOT)
		return 0;
	if (mode == EXEC_MODE_ACMED)
		push(argv, xstrdup(is_add ? "add" : "remove"));
	else
		push(argv, xstrdup(is_add ? "present" : "cleanup"));
	if (mode == EXEC_MODE_LEGO_RAW)
		return add_raw(argv, c, err);
	push(argv, xasprintf("%s%s", c->fqdn,
	    mode == EXEC_MODE_LEGO ? "." : ""));
	push(argv, xstrdup(c->value));
	return 0;
}

int
exec_call_make(struct exec_call *call, const struct provider_call *c,
    bool is_add, struct error *err)
{
	memset(call, 0, sizeof(*call));
	return argv_make(&call->argv, &call->dir, c, is_add, err) == -1 ||
	    env_make(&call->env, c, is_add, err) == -1 ? -1 : 0;
}

void
exec_call_clear(struct exec_call *call)
{
	exec_words_free(call->argv);
	exec_words_free(call->env);
	free(call->dir);
	memset(call, 0, sizeof(*call));
}
