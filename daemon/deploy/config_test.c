/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/config_test.h"

#include <stddef.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/child.h"

#define ARGS_MAX 6
#define LINES_SHOWN 3

/* mistake: what a line has that tells of one for certain; NULL: the program
 * serves root only, and is not run by others (postfix would complain in the
 * mail log each time).  haproxy -q would say nothing at all. */
static const struct {
	const char	*unit;
	const char	*mistake;
	const char	*argv[ARGS_MAX];
} known[] = {
	{ "nginx.service", "[emerg]", { "nginx", "-t", "-q" } },
	{ "apache2.service", "yntax error on line",
	    { "apache2ctl", "configtest" } },
	{ "httpd.service", "yntax error on line",
	    { "apachectl", "configtest" } },
	{ "haproxy.service", "[ALERT]", { "haproxy", "-c", "-f",
	    "/etc/haproxy/haproxy.cfg" } },
	{ "postfix.service", NULL, { "postfix", "check" } },
	{ "dovecot.service", "Error in configuration file",
	    { "doveconf", "-n" } },
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

const char *const *
config_test_argv(const struct conf_deploy *target, const char *unit,
    bool is_root)
{
	if (target->config_test != NULL)
		return target->config_test[0] == NULL ? NULL :
		    (const char *const *)target->config_test;
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcmp(unit, known[i].unit) == 0)
			return is_root || known[i].mistake != NULL ?
			    known[i].argv : NULL;
	}
	return NULL;
}

/* What tells of a mistake in the words of a program of ours. */
static const char *
mistake_of(const char *const *argv)
{
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcmp(known[i].argv[0], argv[0]) == 0)
			return known[i].mistake;
	}
	return NULL;
}

static bool
has_any(const char *line, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strstr(line, *words) != NULL)
			return true;
	}
	return false;
}

/* Lines that say nothing of what is wrong. */
static bool
is_noise(const char *line)
{
	static const char *const words[] = {
		"[warn]", "[WARNING]", "[NOTICE]", "[notice]",
		"could not open error log file", "test failed", "AH00558",
		"Action 'configtest' failed", "The Apache error log may",
		"Fatal errors found", "Error(s) found",
		/* apache2ctl wants more open files than the sandbox lets. */
		"ulimit", NULL
	};

	return line[strspn(line, " \t\r")] == '\0' || has_any(line, words);
}

/* Was something hidden from it?  Few say why a file could not be opened:
 * HAProxy and Dovecot do not, and Apache tells of an empty one. */
static bool
is_hidden(const char *line)
{
	static const char *const words[] = {
		"Permission denied", "Operation not permitted",
		"Read-only file system", "superuser",
		"does not exist or is empty", "No such file or directory",
		"annot open", "ould not open", "ouldn't open",
		"unable to load", "nable to open", "No matches", NULL
	};

	return has_any(line, words);
}

struct said {
	char		 text[1024];	/* the first lines that matter */
	bool		 is_hidden;	/* one tells of a hidden file */
	bool		 is_mistake;	/* one tells of a mistake */
	bool		 is_read;	/* one tells of what comes only when
					   all has been read */
	unsigned	 n;		/* of them */
};

static void
gather(const char *text, const char *mistake, struct said *said)
{
	char *out = said->text;
	size_t size = sizeof(said->text);

	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), used = strlen(out);
		char line[512];

		(void)text_printf(line, sizeof(line), "%.*s",
		    len < sizeof(line) ? (int)len : (int)sizeof(line) - 1,
		    text);
		text += len + (text[len] == '\n');
		if (is_noise(line))
			continue;
		if (is_hidden(line))
			said->is_hidden = true;
		if (mistake != NULL && strstr(line, mistake) != NULL)
			said->is_mistake = true;
		if (strstr(line, ".pid\" failed") != NULL)
			said->is_read = true;
		if (said->n++ < LINES_SHOWN)
			(void)text_printf(out + used, size - used, "%s%s",
			    used > 0 ? " | " : "", line);
	}
}

static void
command_text(const char *const *argv, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t used = 0; *argv != NULL; argv++, used = strlen(out))
		(void)text_printf(out + used, size - used, "%s%s",
		    used > 0 ? " " : "", *argv);
}

enum config_verdict
config_test_judge(const char *const *argv, bool is_own, bool is_root,
    const struct error *err, const struct child_reply *reply,
    struct error *why)
{
	const char *mistake = mistake_of(argv);
	struct said said = { .text = "" };
	char command[160];

	command_text(argv, command, sizeof(command));
	if (err != NULL) {
		*why = *err;
		return is_own ? CONFIG_BAD : CONFIG_UNSEEN;
	}
	if (child_check(reply, argv[0], why) == 0)
		return CONFIG_GOOD;
	if (reply->timed_out || reply->signo != 0)
		return is_own ? CONFIG_BAD : CONFIG_UNSEEN;
	gather(reply->errout, mistake, &said);
	gather(reply->out, mistake, &said);
	(void)error_set(why, ERR_CONFIG, "config-test", "%s: %s", command,
	    said.text[0] != '\0' ? said.text : "it failed and did not say why");
	if (is_own || is_root)
		return CONFIG_BAD;
	/* nginx opens its pid file, which is root's, when it has read its
	 * configuration and found nothing wrong. */
	if (said.is_read && said.n == 1)
		return CONFIG_GOOD;
	return said.is_mistake && !said.is_hidden ? CONFIG_BAD :
	    CONFIG_UNSEEN;
}
