/* SPDX-License-Identifier: MIT */
/* A certificate's place in the configuration: remove and edit. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/drafts.h"
#include "ctl/place.h"
#include "ctl/prompt.h"
#include "ctl/show.h"
#include "ctl/spawn.h"

int
cmd_remove(const struct options *o)
{
	const char *name = o->names[0];
	struct place p;
	char *text;
	int code = place_find(o, &p);

	if (code != EXIT_OK)
		return code;
	code = place_remove(o, &p, name);
	if (code == EXIT_OK && !o->json) {
		text = xasprintf("%s is not renewed any more (%s is gone); "
		    "its files stay until: acmectl delete %s", name, p.path,
		    name);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
	}
	place_clear(&p);
	return code;
}

/* --- edit --- */

/* A copy beside it, which no include matches; -1 and told. */
static char *
write_copy(const struct place *p)
{
	const char *base = strrchr(p->path, '/') + 1;
	char *copy = xasprintf("%.*s.%s.XXXXXX", (int)(base - p->path),
	    p->path, base), *text;
	int fd = mkostemp(copy, O_CLOEXEC);

	if (fd != -1 && file_write_all(fd, p->text, p->len) == 0 &&
	    close(fd) == 0)
		return copy;
	text = xasprintf("%s: %s; run this as root", copy, strerror(errno));
	say_error(text);
	free(text);
	free(copy);
	return NULL;
}

/* $VISUAL and $EDITOR may have arguments. */
static int
edit(const char *copy)
{
	const char *editor = getenv("VISUAL");
	const char *argv[] = { "sh", "-c", NULL, "sh", copy, NULL };
	struct error err;
	char *line;
	int rc;

	if (editor == NULL || *editor == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || *editor == '\0')
		editor = "editor";
	line = xasprintf("exec %s \"$1\"", editor);
	argv[2] = line;
	rc = spawn_wait(argv, NULL, &err);
	if (rc != 0)
		say_error(rc == -1 ? err.msg : "the editor failed; nothing "
		    "has changed");
	free(line);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

/* Until it has no mistakes, or the person gives up; *text is the caller's. */
static int
edit_until_good(const struct options *o, const struct place *p,
    const char *copy, char **text)
{
	struct error err;
	size_t len;
	int code;

	for (;;) {
		code = edit(copy);
		if (code != EXIT_OK)
			return code;
		if (file_read(AT_FDCWD, copy, PLACE_MAX, text, &len, &err) ==
		    -1) {
			say_error(err.msg);
			return EXIT_FAILED;
		}
		if (strcmp(*text, p->text) == 0)
			return EXIT_OK;
		code = drafts_try(o, p->path, *text);
		if (code == EXIT_OK)
			return code;
		freezero(*text, len);
		*text = NULL;
		if (code != EXIT_REFUSED || !prompt_is_possible() ||
		    !prompt_yes("Edit it again", true)) {
			say_error("nothing has changed");
			return code;
		}
	}
}

/* Somebody else may have been at work meanwhile. */
static bool
is_unchanged(const struct place *p)
{
	struct error ignored;
	char *now;
	size_t len;
	bool is_same;

	if (file_read(AT_FDCWD, p->path, PLACE_MAX, &now, &len, &ignored) ==
	    -1)
		return false;
	is_same = len == p->len && memcmp(now, p->text, len) == 0;
	freezero(now, len);
	return is_same;
}

static int
take_edited(const struct options *o, const struct place *p, const char *text)
{
	struct error err;
	int code;

	if (strcmp(text, p->text) == 0) {
		if (!o->json)
			(void)fputs("nothing has changed\n", o->out.out);
		return EXIT_OK;
	}
	if (!is_unchanged(p)) {
		say_error("the file was changed by somebody else meanwhile; "
		    "nothing was written");
		return EXIT_REFUSED;
	}
	if (place_put(p, text, &err) == -1) {
		say_error(err.msg);
		return EXIT_FAILED;
	}
	code = place_reload(o);
	if (code != EXIT_OK)
		return place_put_back(o, p, code);
	if (!o->json)
		(void)fprintf(o->out.out, "%s is changed, and in force\n",
		    p->path);
	return EXIT_OK;
}

int
cmd_edit(const struct options *o)
{
	char *copy, *text = NULL;
	struct place p;
	int code = place_find(o, &p);

	if (code != EXIT_OK)
		return code;
	copy = write_copy(&p);
	code = EXIT_DENIED;
	if (copy != NULL) {
		code = edit_until_good(o, &p, copy, &text);
		if (code == EXIT_OK)
			code = take_edited(o, &p, text);
		(void)unlink(copy);
	}
	freezero_str(text);
	free(copy);
	place_clear(&p);
	return code;
}
