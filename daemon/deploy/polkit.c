/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/polkit.h"

#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"

#define ACTION	"org.freedesktop.systemd1.manage-units"
#define FILE	"/etc/polkit-1/rules.d/50-acmed.rules"
/* Its package brings this; the directory of rules is closed to us. */
#define PACKAGE	"/usr/share/dbus-1/system-services/" \
		"org.freedesktop.PolicyKit1.service"

const char *const polkit_log_argv[] = { "journalctl", "--no-pager", "-q",
    "-o", "cat", "-n", "100", "-u", "polkit.service", NULL };

bool
polkit_is_refusal(const struct error *err)
{
	return strcmp(err->code, "unit:denied") == 0 ||
	    strcmp(err->code, "unit:no-polkit") == 0;
}

/* What it said of the file when it last read its rules: polkit 122 writes
 * "Error loading script PATH" and "Error compiling script PATH: WHY". */
static bool
find_complaint(const char *log, char *out, size_t size)
{
	const char *p, *last = log;
	size_t len;

	while ((p = strstr(last, "Loading rules from directory /etc/")) !=
	    NULL)
		last = p + 1;
	while ((p = strstr(last, "Error ")) != NULL) {
		len = strcspn(p, "\n");
		if (memmem(p, len, FILE, strlen(FILE)) != NULL) {
			(void)text_printf(out, size, "%.*s", (int)len, p);
			text_clean(out);
			return true;
		}
		last = p + len;
	}
	return false;
}

void
polkit_explain(const char *verb, const char *unit, const char *log,
    struct error *err)
{
	size_t used = strlen(err->msg), size = sizeof(err->msg) - used;
	char *out = err->msg + used, said[300];

	if (strcmp(err->code, "unit:no-polkit") == 0) {
		(void)text_printf(out, size, "%s", access(PACKAGE, F_OK) ==
		    -1 ? ": polkit, which could allow it, is not installed: "
		    "apt-get install polkitd, then add the rule as in "
		    "acmed(8)" : ": polkit does not answer, or a rule of it "
		    "forbids this: see systemctl status polkit");
		return;
	}
	if (find_complaint(log, said, sizeof(said))) {
		(void)text_printf(out, size, ": polkit cannot use " FILE
		    ": it says: %s%s", said, strstr(said, "loading") != NULL ?
		    "; let all read it: chmod 644 " FILE : "");
		return;
	}
	(void)text_printf(out, size, ": no polkit rule allows this user "
	    ACTION " with verb \"%s\" and unit \"%s\"; add it to " FILE
	    ", see acmed(8)", verb, unit);
}
