/* SPDX-License-Identifier: MIT */
#include "ctl/import/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "ctl/import/import.h"

enum { WORDS_MAX = 24, UNITS_MAX = 16, UNIT_LEN_MAX = 200 };

struct job {
	enum import_step	 step;
	char		*unit;
};

struct jobs {
	struct job	 list[UNITS_MAX];
	size_t		 n;
};

/* Programs whose words say all. */
static const struct known {
	const char	*words, *unit;
	enum import_step	 step;
} known[] = {
	{ "nginx -s reload", "nginx", IMPORT_RELOAD },
	{ "apache2ctl graceful", "apache2", IMPORT_RELOAD },
	{ "apache2ctl -k graceful", "apache2", IMPORT_RELOAD },
	{ "apache2ctl restart", "apache2", IMPORT_RELOAD },
	{ "apachectl graceful", "httpd", IMPORT_RELOAD },
	{ "apachectl -k graceful", "httpd", IMPORT_RELOAD },
	{ "apachectl restart", "httpd", IMPORT_RELOAD },
	{ "postfix reload", "postfix", IMPORT_RELOAD },
	{ "dovecot reload", "dovecot", IMPORT_RELOAD },
	{ "doveadm reload", "dovecot", IMPORT_RELOAD },
	/* Tests that acmed makes itself, and what does nothing. */
	{ "nginx -t", NULL, IMPORT_RELOAD },
	{ "nginx -t -q", NULL, IMPORT_RELOAD },
	{ "apache2ctl configtest", NULL, IMPORT_RELOAD },
	{ "set -e", NULL, IMPORT_RELOAD },
	{ "true", NULL, IMPORT_RELOAD },
	{ ":", NULL, IMPORT_RELOAD },
	{ "exit 0", NULL, IMPORT_RELOAD },
};

static const struct verb {
	const char	*word;
	enum import_step	 step;
} verbs[] = {
	{ "reload", IMPORT_RELOAD },
	{ "force-reload", IMPORT_RELOAD },
	{ "reload-or-restart", IMPORT_RELOAD },
	{ "try-reload-or-restart", IMPORT_RELOAD },
	{ "restart", IMPORT_RESTART },
	{ "try-restart", IMPORT_RESTART },
	{ "condrestart", IMPORT_RESTART },
};

static bool
find_verb(const char *word, enum import_step *step)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(word, verbs[i].word) == 0) {
			*step = verbs[i].step;
			return true;
		}
	}
	return false;
}

/* "nginx" is nginx.service; false if it is no unit's name. */
static bool
add_unit(struct jobs *jobs, enum import_step step, const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789@._-:";
	size_t len = strlen(name);

	if (len == 0 || len > UNIT_LEN_MAX || strspn(name, good) != len ||
	    *name == '-' || *name == '.' || jobs->n == UNITS_MAX)
		return false;
	/* Debian calls its server so whatever it is asked by. */
	if (strcmp(name, "httpd") == 0 &&
	    access("/usr/sbin/apache2ctl", F_OK) == 0)
		name = "apache2";
	jobs->list[jobs->n++] = (struct job){ .step = step, .unit =
	    strchr(name, '.') != NULL ? xstrdup(name) :
	    xasprintf("%s.service", name) };
	return true;
}

static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
map_systemctl(char **words, size_t n, struct jobs *jobs)
{
	enum import_step step;
	size_t i = 1;

	while (i < n && words[i][0] == '-')
		i++;
	if (i + 1 >= n || !find_verb(words[i], &step))
		return false;
	for (i++; i < n; i++) {
		if (!add_unit(jobs, step, words[i]))
			return false;
	}
	return true;
}

/* One command, of words without quotes. */
static bool
map_words(char **words, size_t n, struct jobs *jobs)
{
	char *line = xstrdup("");
	enum import_step step;
	const char *program;
	bool found = false;

	if (n > 1 && strcmp(base(words[0]), "sudo") == 0) {
		words++;
		n--;
	}
	program = base(words[0]);
	if (strcmp(program, "systemctl") == 0) {
		free(line);
		return map_systemctl(words, n, jobs);
	}
	if (n == 3 && (strcmp(program, "service") == 0 ||
	    strcmp(program, "invoke-rc.d") == 0) &&
	    find_verb(words[2], &step)) {
		free(line);
		return add_unit(jobs, step, words[1]);
	}
	if (n == 2 && strncmp(words[0], "/etc/init.d/", 12) == 0 &&
	    find_verb(words[1], &step)) {
		free(line);
		return add_unit(jobs, step, program);
	}
	for (size_t i = 0; i < n; i++) {
		char *longer = xasprintf("%s%s%s", line, i > 0 ? " " : "",
		    i > 0 ? words[i] : program);

		free(line);
		line = longer;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(line, known[i].words) == 0) {
			found = known[i].unit == NULL || add_unit(jobs,
			    known[i].step, known[i].unit);
			break;
		}
	}
	free(line);
	return found;
}

/*
 * The word at *at, which moves behind it; NULL at the end of the command, and
 * with *is_bad if only a shell could tell.  The caller frees.
 */
static char *
next_word(const char **at, bool *is_bad)
{
	const char *s = *at + strspn(*at, " \t\r");
	char *out = xmalloc(strlen(s) + 1);
	char quote = '\0';
	size_t n = 0;
	bool any = false;

	for (; *s != '\0'; s++) {
		if (quote == '\0' && strchr(" \t\r\n;&|", *s) != NULL)
			break;
		any = true;
		if (quote == '\0' && (*s == '\'' || *s == '"')) {
			quote = *s;
		} else if (*s == quote) {
			quote = '\0';
		} else if (strchr("$`\\", *s) != NULL ||
		    (quote == '\0' && strchr("()<{}*?#[!~", *s) != NULL)) {
			*is_bad = true;
			break;
		} else {
			out[n++] = *s;
		}
	}
	out[n] = '\0';
	*is_bad |= quote != '\0';
	*at = s;
	if (any && !*is_bad)
		return out;
	free(out);
	return NULL;
}

/* Output that nobody sees; *at moves behind it. */
static bool
skip_redirection(const char **at)
{
	static const char *const quiet[] = { ">/dev/null", "> /dev/null",
	    "1>/dev/null", "2>/dev/null", "2> /dev/null", "2>&1",
	    "&>/dev/null", "&> /dev/null", "1>&2", ">&2" };
	const char *s = *at + strspn(*at, " \t");

	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		size_t len = strlen(quiet[i]);

		if (strncmp(s, quiet[i], len) == 0 &&
		    strchr(" \t\r\n;|&", s[len]) != NULL) {
			*at = s + len;
			return true;
		}
	}
	return false;
}

/* One command up to a separator. */
static bool
map_one(const char **at, struct jobs *jobs, bool is_spare)
{
	char *words[WORDS_MAX], *word = NULL;
	struct jobs ignored = { .n = 0 };
	bool is_bad = false, ok = true;
	size_t n = 0;

	*at += strspn(*at, " \t\r");
	if (**at == '#') {
		*at += strcspn(*at, "\n");
		return true;
	}
	while (n < WORDS_MAX) {
		if (skip_redirection(at))
			continue;
		word = next_word(at, &is_bad);
		if (word == NULL)
			break;
		words[n++] = word;
	}
	if (is_bad || n == WORDS_MAX)
		ok = false;
	else if (n > 0)
		ok = map_words(words, n, is_spare ? &ignored : jobs);
	while (n > 0)
		free(words[--n]);
	while (ignored.n > 0)
		free(ignored.list[--ignored.n].unit);
	return ok;
}

/* What stands between two commands; *is_spare: the next only runs if this one
 * failed.  False if it is none of ours. */
static bool
skip_separator(const char **at, bool *is_spare)
{
	const char *s = *at;

	*is_spare = strncmp(s, "||", 2) == 0;
	if (*is_spare || strncmp(s, "&&", 2) == 0)
		s += 2;
	else if (strchr(";\n", *s) != NULL)
		s++;
	else
		return false;
	/* "a &&", and b in the next line. */
	*at = s + strspn(s, " \t\r\n;");
	return true;
}

bool
command_map(const char *text, struct import_cert *c)
{
	struct jobs jobs = { .n = 0 };
	bool ok = true, is_spare = false;

	text += strspn(text, " \t\r\n");
	while (ok && *text != '\0') {
		ok = map_one(&text, &jobs, is_spare);
		if (ok && *text != '\0')
			ok = skip_separator(&text, &is_spare);
	}
	for (size_t i = 0; i < jobs.n; i++) {
		if (ok)
			import_deploy(c, jobs.list[i].step, NULL,
			    jobs.list[i].unit);
		free(jobs.list[i].unit);
	}
	return ok && jobs.n > 0;
}
