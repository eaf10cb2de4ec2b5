/* SPDX-License-Identifier: MIT */
#include "ctl/import/switch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/import/import.h"
#include "ctl/spawn.h"

/* Run it; 0, or -1 and it is told. */
static int
run(const char *const *argv, char **output)
{
	struct error err;
	int rc = spawn_wait(argv, output, &err);
	char *text;

	if (rc == 0)
		return 0;
	text = rc == -1 ? xstrdup(err.msg) : xasprintf("%s %s failed with "
	    "exit status %d%s%.*s", argv[0], argv[1], rc, **output != '\0' ?
	    ": " : "", (int)strcspn(*output, "\n"), *output);
	say_error(text);
	free(text);
	if (rc != -1)
		free(*output);
	return -1;
}

static int
disable_unit(const struct options *o, const char *unit)
{
	const char *const argv[] = { "systemctl", "disable", "--now", unit,
	    NULL };
	char *output;

	if (run(argv, &output) == -1)
		return -1;
	free(output);
	(void)fprintf(o->out.out, "Disabled %s.  To go back: systemctl enable "
	    "--now %s\n", unit, unit);
	return 0;
}

/* Is it a path in the line, not the begin of another's name? */
static bool
names_dir(const char *line, const char *dir)
{
	size_t len = strlen(dir);

	for (; (line = strstr(line, dir)) != NULL; line += len) {
		if (strchr("\"'/; \t", line[len]) != NULL)
			return true;
	}
	return false;
}

/*
 * The crontab without the lines that have match and dir; *gone: those lines,
 * *others: how many have match alone, and stay.  Both texts are the caller's to
 * free.
 */
static char *
without_line(const char *crontab, const char *match, const char *dir,
    char **gone, size_t *others)
{
	char *rest = xmalloc(strlen(crontab) + 1);
	size_t n = 0, m = 0;

	*gone = xmalloc(strlen(crontab) + 1);
	*others = 0;
	while (*crontab != '\0') {
		size_t len = strcspn(crontab, "\n");
		char *line = xstrndup(crontab, len);
		bool is_run = line[strspn(line, " \t")] != '#' &&
		    strstr(line, match) != NULL;

		len += crontab[len] == '\n';
		if (is_run && !names_dir(line, dir))
			(*others)++;
		if (is_run && names_dir(line, dir)) {
			memcpy(*gone + m, crontab, len);
			m += len;
		} else {
			memcpy(rest + n, crontab, len);
			n += len;
		}
		free(line);
		crontab += len;
	}
	rest[n] = '\0';
	(*gone)[m] = '\0';
	return rest;
}

/* The user's crontab becomes this text. */
static int
install_crontab(const char *user, const char *text)
{
	char path[] = "/tmp/acmectl-crontab-XXXXXX", *output;
	const char *const argv[] = { "crontab", "-u", user, path, NULL };
	int fd = mkstemp(path), rc;

	if (fd == -1 || file_write_all(fd, text, strlen(text)) == -1) {
		say_error("the crontab could not be written to /tmp");
		if (fd != -1) {
			(void)close(fd);
			(void)unlink(path);
		}
		return -1;
	}
	(void)close(fd);
	rc = run(argv, &output);
	if (rc == 0)
		free(output);
	(void)unlink(path);
	return rc;
}

static int
drop_line(const struct options *o, const struct import *plan,
    const struct import_switch *s)
{
	/* What it says besides is no line of the crontab. */
	const char *const argv[] = { "sh", "-c",
	    "exec crontab -u \"$0\" -l 2>/dev/null", s->crontab, NULL };
	char *old, *rest, *gone;
	size_t others;
	int rc = 0;

	if (run(argv, &old) == -1)
		return -1;
	rest = without_line(old, s->match, plan->dir, &gone, &others);
	if (*gone != '\0')
		rc = install_crontab(s->crontab, rest);
	if (rc == 0 && *gone != '\0')
		(void)fprintf(o->out.out, "Removed from the crontab of %s:\n"
		    "%s%sTo go back, add it again: crontab -u %s -e\n",
		    s->crontab, gone, gone[strlen(gone) - 1] == '\n' ? "" :
		    "\n", s->crontab);
	/* Of another directory, or written in another way. */
	if (rc == 0 && *gone == '\0' && others > 0)
		(void)fprintf(o->out.out, "The crontab of %s has `%s`, but not "
		    "for %s; it is unchanged.  If it renews what was imported, "
		    "remove it: crontab -u %s -e\n", s->crontab, s->match,
		    plan->dir, s->crontab);
	free(gone);
	free(rest);
	free(old);
	return rc;
}

int
switch_off(const struct options *o, const struct import *plan)
{
	int rc = 0;

	if (plan->n_switches == 0)
		(void)fprintf(o->out.out, "No timer of %s was found; if "
		    "something else runs it, disable that.\n",
		    plan->program);
	for (size_t i = 0; i < plan->n_switches; i++) {
		const struct import_switch *s = &plan->switches[i];

		if ((s->unit != NULL ? disable_unit(o, s->unit) :
		    drop_line(o, plan, s)) == -1)
			rc = -1;
	}
	return rc;
}
