/* SPDX-License-Identifier: MIT */
#include "ctl/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/drafts.h"
#include "ctl/show.h"

/* What files of add and of import begin with. */
static const char *const marks[] = { "# Written by acmectl",
    "# Imported from " };

void
place_clear(struct place *p)
{
	free(p->path);
	freezero(p->text, p->len);	/* it may have secrets */
}

int
place_find(const struct options *o, struct place *p)
{
	char *path = client_path(API_PATH_CERT, o->names[0]);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);

	free(path);
	*p = (struct place){ .path = NULL };
	if (code != EXIT_OK)
		return code;
	code = place_read(reply.body, p);
	client_reply_clear(&reply);
	return code;
}

int
place_read(const json_t *where, struct place *p)
{
	struct error err;

	*p = (struct place){ .path = show_str(where, "file", ""),
	    .line = jsonx_int(where, "line", 0),
	    .end_line = jsonx_int(where, "end_line", 0),
	    .is_revoking = json_is_object(json_object_get(where,
	    "revocation")) };
	if (file_read(AT_FDCWD, p->path, PLACE_MAX, &p->text, &p->len, &err) ==
	    -1 || stat(p->path, &p->st) == -1) {
		say_error(err.msg);
		free(p->path);
		return EXIT_DENIED;
	}
	return EXIT_OK;
}

/* Nothing but this section, and comments? */
static bool
is_alone(const struct place *p)
{
	const char *s = p->text;

	for (int64_t line = 1; *s != '\0'; line++) {
		size_t blank = strspn(s, " \t\r");
		bool is_other = line < p->line || line > p->end_line;

		if (is_other && s[blank] != '\n' && s[blank] != '#' &&
		    s[blank] != '\0')
			return false;
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return true;
}

bool
place_is_ours(const struct place *p)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (strncmp(p->text, marks[i], strlen(marks[i])) == 0)
			return is_alone(p);
	}
	return false;
}

int
place_reload(const struct options *o)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_RELOAD,
	};
	struct client_reply reply;
	int code = ask(o, &request, &reply);

	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	client_reply_clear(&reply);
	return EXIT_OK;
}

int
place_remove(const struct options *o, const struct place *p,
    const char *what)
{
	char *text = NULL;
	int code;

	if (!place_is_ours(p)) {
		text = xasprintf("%s is configured by hand: delete the lines "
		    "%lld to %lld of %s, and then: acmectl reload", what,
		    (long long)p->line, (long long)p->end_line, p->path);
		code = EXIT_REFUSED;
	} else {
		code = drafts_try(o, p->path, "");
	}
	if (code == EXIT_OK && unlink(p->path) == -1) {
		code = errno == EACCES ? EXIT_DENIED : EXIT_FAILED;
		text = xasprintf("%s: %s", p->path, strerror(errno));
	} else if (code == EXIT_OK) {
		code = place_reload(o);
		if (code != EXIT_OK)
			code = place_put_back(o, p, code);
	}
	if (text != NULL)
		say_error(text);
	free(text);
	return code;
}

int
place_put(const struct place *p, const char *text, struct error *err)
{
	if (file_write_atomic(AT_FDCWD, p->path, p->st.st_mode & 07777, text,
	    strlen(text), err) == -1)
		return -1;
	if (geteuid() == 0 && chown(p->path, p->st.st_uid, p->st.st_gid) ==
	    -1)
		return error_errno(err, "%s", p->path);
	return 0;
}

int
place_put_back(const struct options *o, const struct place *p, int code)
{
	struct error err;

	if (place_put(p, p->text, &err) == -1)
		say_error(err.msg);
	drafts_reload_quietly(o);
	say_error("nothing has changed");
	return code;
}
