/* SPDX-License-Identifier: MIT */
/*
 * What the machine must allow: acmed runs without privileges and in a sandbox,
 * so the unit gets a drop-in for the webroot, and polkit a rule for what is to
 * be reloaded.  Only where root says so and systemd runs acmed; elsewhere the
 * check tells what is missing.
 */
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
#include "ctl/add/plan.h"
#include "ctl/ask.h"
#include "ctl/spawn.h"

#define DROPIN_DIR "/etc/systemd/system/acmed.service.d"
#define POLKIT_DIR "/etc/polkit-1/rules.d"
#define CHALLENGES "/.well-known/acme-challenge"

enum { RULES_MAX = 1 << 20 };

static bool
is_ours(const struct plan *p)
{
	return geteuid() == 0 && strcmp(p->o->socket, API_SOCKET) == 0 &&
	    access("/run/systemd/system", F_OK) == 0;
}

static void
say(const struct plan *p, const char *what, const char *path)
{
	if (!p->o->json)
		(void)fprintf(stderr, "%s: %s\n", what, path);
}

/* A new file; what is there already stays, and counts as an error. */
static int
write_new(const char *path, const char *text, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return error_set(err, ERR_CONFIG, "ctl:exists",
		    "%s is there already", path);
	return file_write_atomic(AT_FDCWD, path, 0644, text, strlen(text),
	    err);
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

/* Below the webroot, which is there; the last one is acmed's. */
static int
make_challenges(const char *webroot, const char *dir, struct error *err)
{
	const struct passwd *pw = getpwnam(API_GROUP);
	char *parent = xasprintf("%s/.well-known", webroot);
	struct stat st;
	int rc = 0;

	if (lstat(dir, &st) == -1) {
		rc = file_mkdir(AT_FDCWD, parent, 0755, err);
		if (rc == 0)
			rc = file_mkdir(AT_FDCWD, dir, 0755, err);
		if (rc == 0 && pw != NULL &&
		    lchown(dir, pw->pw_uid, pw->pw_gid) == -1)
			rc = error_errno(err, "%s: give it to acmed", dir);
	}
	free(parent);
	return rc;
}

static int
allow_webroot(struct plan *p, struct error *err)
{
	char *dir = xasprintf("%s" CHALLENGES, p->webroot);
	char *path = xasprintf(DROPIN_DIR "/webroot-%s.conf", p->name);
	char *text = xasprintf("# Written by acmectl add: acmed puts the CA's "
	    "files there.\n[Service]\nReadWritePaths=-%s\n", dir);
	struct stat st;
	int rc = 0;

	if (stat(p->webroot, &st) == 0 && is_plain(p->webroot)) {
		rc = make_challenges(p->webroot, dir, err);
		if (rc == 0 && !is_allowed(dir)) {
			say(p, "the unit's sandbox opens for the webroot",
			    path);
			rc = file_mkdir(AT_FDCWD, DROPIN_DIR, 0755, err);
			if (rc == 0)
				rc = write_new(path, text, err);
			if (rc == 0) {
				p->dropin = xstrdup(path);
				rc = systemctl("daemon-reload", NULL, err);
			}
			if (rc == 0)
				rc = systemctl("restart", "acmed.service",
				    err);
		}
	}
	free(text);
	free(path);
	free(dir);
	return rc;
}

/* --- reloads --- */

/* Does one of the rules speak of acmed and of this unit? */
static bool
has_rule(const char *unit)
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
			found = strstr(text, "\"acmed\"") != NULL &&
			    strstr(text, unit) != NULL;
			free(text);
		}
		free(path);
	}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

static int
allow_reload(struct plan *p, const char *unit, struct error *err)
{
	static const char rule[] =
	    "// Written by acmectl add: acmed may have this reloaded.\n"
	    "polkit.addRule(function(action, subject) {\n"
	    "    if (action.id == \"org.freedesktop.systemd1.manage-units\" "
	    "&&\n"
	    "        subject.user == \"acmed\" &&\n"
	    "        action.lookup(\"unit\") == \"%s\" &&\n"
	    "        [\"reload\", \"start\"].indexOf(action.lookup(\"verb\")) "
	    ">= 0)\n"
	    "        return polkit.Result.YES;\n"
	    "    return polkit.Result.NOT_HANDLED;\n"
	    "});\n";
	char *path, *text;
	int rc = 0;

	if (strpbrk(unit, "\"\\/\n ") != NULL || has_rule(unit))
		return 0;
	path = xasprintf(POLKIT_DIR "/50-acmed-%s.rules", unit);
	text = xasprintf(rule, unit);
	say(p, "polkit lets acmed have it reloaded", path);
	rc = write_new(path, text, err);
	if (rc == 0) {
		p->rules = xreallocarray(p->rules, p->n_rules + 1,
		    sizeof(*p->rules));
		p->rules[p->n_rules++] = xstrdup(path);
	}
	free(text);
	free(path);
	return rc;
}

int
plan_system(struct plan *p)
{
	struct error err;
	int rc = 0;

	if (!is_ours(p))
		return EXIT_OK;
	for (size_t i = 0; rc == 0 && p->units != NULL &&
	    p->units[i] != NULL && access(POLKIT_DIR, F_OK) == 0; i++)
		rc = allow_reload(p, p->units[i], &err);
	if (rc == 0 && p->webroot != NULL)
		rc = allow_webroot(p, &err);
	if (rc == 0)
		return EXIT_OK;
	say_error(err.msg);
	plan_system_undo(p);
	return EXIT_FAILED;
}

void
plan_system_undo(struct plan *p)
{
	struct error ignored;

	for (size_t i = 0; i < p->n_rules; i++)
		(void)unlink(p->rules[i]);
	if (p->dropin == NULL)
		return;
	(void)unlink(p->dropin);
	(void)systemctl("daemon-reload", NULL, &ignored);
}
