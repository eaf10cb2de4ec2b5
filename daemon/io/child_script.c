/* SPDX-License-Identifier: MIT */
#include "daemon/io/child_script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

#define BOM "\xef\xbb\xbf"

void
child_script_look(const char *path, struct child_script *s)
{
	char head[CHILD_SCRIPT_LINE], *line = head;
	/* Not to wait for the other end, should it be a pipe by now. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd == -1 ? -1 : read(fd, head, sizeof(head) - 1);
	size_t len;

	if (fd != -1)
		close(fd);
	memset(s, 0, sizeof(*s));
	if (n < 0)
		return;
	head[n] = '\0';
	len = strcspn(head, "\n");
	s->is_text = head[len] == '\n' || len == (size_t)n;
	s->has_cr = head[len] == '\n' && len > 0 && head[len - 1] == '\r';
	head[len] = '\0';
	s->has_bom = strncmp(head, BOM "#!", 5) == 0;
	if (strncmp(head, "#!", 2) != 0)
		return;
	line += 2;
	line += strspn(line, " \t");
	len = strcspn(line, " \t");
	(void)text_printf(s->interpreter, sizeof(s->interpreter), "%.*s",
	    (int)len, line);
	line += len;
	line += strspn(line, " \t");
	(void)text_printf(s->word, sizeof(s->word), "%.*s",
	    (int)strcspn(line, " \t\r"), line);
}

void
child_script_why(const char *path, const struct child_script *s, int number,
    char *why, size_t size)
{
	size_t len = strlen(s->interpreter);
	bool has_cr = len > 0 && s->interpreter[len - 1] == '\r';

	if (s->has_bom)
		(void)text_printf(why, size, "it begins with a byte order "
		    "mark, which hides its #!; sed -i '1s/^\\xEF\\xBB\\xBF//' "
		    "%s", path);
	else if (number == ENOEXEC)
		(void)text_printf(why, size, "neither a script nor a program "
		    "for this machine");
	else if (len == 0 && number == ENOENT)
		(void)text_printf(why, size, "the loader that this program "
		    "asks for does not exist: it is made for another system");
	else if (len == 0)
		(void)text_printf(why, size, "%s", strerror(number));
	else if (number != ENOENT)
		(void)text_printf(why, size, "its interpreter %s: %s",
		    s->interpreter, strerror(number));
	else
		(void)text_printf(why, size, "its interpreter %.*s%s does not "
		    "exist%s%s%s", (int)(has_cr ? len - 1 : len),
		    s->interpreter, has_cr ? "\\r" : "",
		    has_cr ? " (CRLF line ends? " CHILD_SCRIPT_MEND : "",
		    has_cr ? path : "", has_cr ? ")" : "");
}
