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

static const struct {
	const char	*unit;
	const char	*argv[ARGS_MAX];
} known[] = {
	{ "nginx.service", { "nginx", "-t", "-q" } },
	{ "apache2.service", { "apache2ctl", "configtest" } },
	{ "httpd.service", { "apachectl", "configtest" } },
	{ "haproxy.service", { "haproxy", "-c", "-q", "-f",
	    "/etc/haproxy/haproxy.cfg" } },
	{ "postfix.service", { "postfix", "check" } },
	{ "dovecot.service", { "doveconf", "-n" } },
};

const char *const *
config_test_argv(const struct conf_deploy *target, const char *unit)
{
	if (target->config_test != NULL)
		return target->config_test[0] == NULL ? NULL :
		    (const char *const *)target->config_test;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(unit, known[i].unit) == 0)
			return known[i].argv;
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
		"Fatal errors found", "Error(s) found", NULL
	};

	return line[strspn(line, " \t\r")] == '\0' || has_any(line, words);
}

/* Was something hidden from it?  Apache tells so of a file in a directory
 * that it may not enter. */
static bool
is_hidden(const char *line)
{
	static const char *const words[] = {
		"Permission denied", "Operation not permitted",
		"Read-only file system", "superuser",
		"does not exist or is empty", NULL
	};

	return has_any(line, words);
}

/* The first lines that matter, joined; true if one tells of a hidden file. */
static bool
gather(const char *text, char *out, size_t size)
{
	unsigned shown = 0;
	bool hidden = false;

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
			hidden = true;
		if (shown++ < LINES_SHOWN)
			(void)text_printf(out + used, size - used, "%s%s",
			    used > 0 ? " | " : "", line);
	}
	return hidden;
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
	char command[160], said[1024] = "";
	bool hidden;

	command_text(argv, command, sizeof(command));
	if (err != NULL) {
		*why = *err;
		return is_own ? CONFIG_BAD : CONFIG_UNSEEN;
	}
	if (child_check(reply, argv[0], why) == 0)
		return CONFIG_GOOD;
	if (reply->timed_out || reply->signo != 0)
		return is_own ? CONFIG_BAD : CONFIG_UNSEEN;
	hidden = gather(reply->errout, said, sizeof(said));
	hidden |= gather(reply->out, said, sizeof(said));
	(void)error_set(why, ERR_CONFIG, "config-test", "%s: %s", command,
	    said[0] != '\0' ? said : "it failed and did not say why");
	return !is_own && !is_root && hidden ? CONFIG_UNSEEN : CONFIG_BAD;
}
