/* SPDX-License-Identifier: MIT */
#include "ctl/allow.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "ctl/spawn.h"

#define DROPIN_DIR "/etc/systemd/system/acmed.service.d"
#define POLKIT_DIR "/etc/polkit-1/rules.d"
#define CHALLENGES "/.well-known/acme-challenge"

enum { RULES_MAX = 1 << 20 };

bool
allow_is_possible(const struct options *o)
{
	return geteuid() == 0 && strcmp(o->socket, API_SOCKET) == 0 &&
	    access("/run/systemd/system", F_OK) == 0;
}

bool
allow_has_polkit(void)
{
	return access(POLKIT_DIR, F_OK) == 0;
}

static void
say(const struct options *o, const char *what, const char *path)
{
	if (!o->json)
		(void)fprintf(stderr, "%s: %s\n", what, path);
}

static void
add(char ***list, size_t *n, const char *text)
{
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = xstrdup(text);
}

/* A new file; what is there already stays, and counts as an error. */
static int
write_new(struct allowed *a, const char *path, const char *text,
    struct error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return error_set(err, ERR_CONFIG, "ctl:exists",
		    "%s is there already", path);
	if (file_write_atomic(AT_FDCWD, path, 0644, text, strlen(text),
	    err) == -1)
		return -1;
	add(&a->paths, &a->n_paths, path);
	return 0;
}

/* --- the webroot --- */

/* Nothing in it may mean something to systemd. */
static bool
is_plain(const char *path)
{
	return path[0] == '/' && strpbrk(path, " \t\n\"'\\%$") == NULL;
}

static int
systemctl(const char *verb, const char *unit, struct error *err)
{
	const char *argv[] = { "systemctl", verb, unit, NULL };
	char *output = NULL;
	int rc = spawn_wait(argv, &output, err);

	if (rc > 0)
		(void)error_set(err, ERR_CONFIG, "ctl:systemctl",
		    "systemctl %s: %.*s", verb,
		    (int)strcspn(output, "\n"), output);
	free(output);
	return rc == 0 ? 0 : -1;
}

/* Does the unit's sandbox let acmed write there? */
static bool
is_allowed(const char *dir)
{
	const char *argv[] = { "systemctl", "show", "-p", "ReadWritePaths",
	    "--value", "acmed.service", NULL };
	char *output = NULL, *rest, *word;
	struct error ignored;
	bool found = false;

	if (spawn_wait(argv, &output, &ignored) != 0) {
		free(output);
		return false;
	}
	rest = output;
	while ((word = strsep(&rest, " \n")) != NULL) {
		size_t len;

		word += *word == '-';
		len = strlen(word);
		found |= len > 1 && strncmp(dir, word, len) == 0 &&
		    (dir[len] == '\0' || dir[len] == '/');
	}
	free(output);
	return found;
}

/*
 * One directory below another, opened; made if it is missing.  No link is
 * followed: the webroot may be somebody else's, and this runs as root.
 */
static int
open_below(int parent, const char *name, bool *is_new)
{
	*is_new = mkdirat(parent, name, 0755) == 0;
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

/* Below the webroot, which is there; the last one is acmed's. */
static int
make_challenges(const char *webroot, struct error *err)
{
	const struct passwd *pw = getpwnam(API_GROUP);
	int root = open(webroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int parent = -1, dir = -1, rc = 0;
	bool is_new = false;

	if (root != -1)
		parent = open_below(root, ".well-known", &is_new);
	if (parent != -1)
		dir = open_below(parent, "acme-challenge", &is_new);
	if (dir == -1)
		rc = error_errno(err, "%s" CHALLENGES " (no link is followed "
		    "there)", webroot);
	else if (is_new && ((pw != NULL &&
	    fchown(dir, pw->pw_uid, pw->pw_gid) == -1) ||
	    fchmod(dir, 0755) == -1))
		rc = error_errno(err, "%s" CHALLENGES ": give it to acmed",
		    webroot);
	if (dir != -1)
		(void)close(dir);
	if (parent != -1)
		(void)close(parent);
	if (root != -1)
		(void)close(root);
	return rc;
}

static bool
has_webroot(const struct allowed *a, const char *webroot)
{
	for (size_t i = 0; i < a->n_webroots; i++) {
		if (strcmp(a->webroots[i], webroot) == 0)
			return true;
	}
	return false;
}

int
allow_webroot(const struct options *o, struct allowed *a, const char *webroot,
    const char *name, const char *by, struct error *err)
{
	char *dir, *path, *text;
	struct stat st;
	int rc;

	if (stat(webroot, &st) == -1 || !is_plain(webroot) ||
	    has_webroot(a, webroot))
		return 0;
	dir = xasprintf("%s" CHALLENGES, webroot);
	path = xasprintf(DROPIN_DIR "/webroot-%s.conf", name);
	text = xasprintf("# Written by %s: acmed puts the CA's files there.\n"
	    "[Service]\nReadWritePaths=-%s\n", by, dir);
	rc = make_challenges(webroot, err);
	if (rc == 0 && !is_allowed(dir)) {
		say(o, "the unit's sandbox opens for the webroot", path);
		rc = file_mkdir(AT_FDCWD, DROPIN_DIR, 0755, err);
		if (rc == 0)
			rc = write_new(a, path, text, err);
		if (rc == 0)
			add(&a->webroots, &a->n_webroots, webroot);
	}
	free(text);
	free(path);
	free(dir);
	return rc;
}

/* --- reloads --- */

/* Without what follows "//" in each line. */
static void
cut_comments(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (strncmp(text, "//", 2) == 0)
			text += strcspn(text, "\n");
		else
			*to++ = *text++;
	}
	*to = '\0';
}

static bool
has_quoted(const char *text, const char *word)
{
	char *quoted = xasprintf("\"%s\"", word);
	bool found = strstr(text, quoted) != NULL;

	free(quoted);
	return found;
}

/* Does one of the rules speak of acmed, this verb and this unit? */
static bool
has_rule(const char *unit, const char *verb)
{
	DIR *d = opendir(POLKIT_DIR);
	bool found = false;
	struct dirent *e;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		char *path = xasprintf(POLKIT_DIR "/%s", e->d_name), *text;
		struct error ignored;
		size_t len;

		if (e->d_name[0] != '.' && file_read(AT_FDCWD, path,
		    RULES_MAX, &text, &len, &ignored) == 0) {
			cut_comments(text);
			found = has_quoted(text, "acmed") &&
			    has_quoted(text, unit) && has_quoted(text, verb);
			free(text);
		}
		free(path);
	}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

int
allow_unit(const struct options *o, struct allowed *a, const char *unit,
    const char *verb, const char *by, struct error *err)
{
	static const char rule[] =
	    "// Written by %s: acmed may %s this.\n"
	    "polkit.addRule(function(action, subject) {\n"
	    "    if (action.id == \"org.freedesktop.systemd1.manage-units\" "
	    "&&\n"
	    "        subject.user == \"acmed\" &&\n"
	    "        action.lookup(\"unit\") == \"%s\" &&\n"
	    "        [\"%s\", \"start\"].indexOf("
	    "action.lookup(\"verb\")) "
	    ">= 0)\n"
	    "        return polkit.Result.YES;\n"
	    "    return polkit.Result.NOT_HANDLED;\n"
	    "});\n";
	char *path, *text;
	int rc;

	if (!allow_has_polkit() ||
	    strpbrk(unit, "\"\\/\n ") != NULL || has_rule(unit, verb))
		return 0;
	path = xasprintf(POLKIT_DIR "/50-acmed-%s.rules", unit);
	text = xasprintf(rule, by, verb, unit, verb);
	say(o, "polkit lets acmed have it reloaded", path);
	rc = write_new(a, path, text, err);
	free(text);
	free(path);
	return rc;
}

int
allow_apply(const struct allowed *a, struct error *err)
{
	if (a->n_webroots == 0)
		return 0;
	if (systemctl("daemon-reload", NULL, err) == -1)
		return -1;
	return systemctl("restart", "acmed.service", err);
}

void
allow_undo(const struct allowed *a)
{
	struct error ignored;

	for (size_t i = 0; i < a->n_paths; i++)
		(void)unlink(a->paths[i]);
	if (a->n_webroots > 0)
		(void)systemctl("daemon-reload", NULL, &ignored);
}

void
allow_clear(struct allowed *a)
{
	for (size_t i = 0; i < a->n_paths; i++)
		free(a->paths[i]);
	for (size_t i = 0; i < a->n_webroots; i++)
		free(a->webroots[i]);
	free(a->paths);
	free(a->webroots);
	*a = (struct allowed){ 0 };
}
