/* SPDX-License-Identifier: MIT */
/* acmectl put: hand over a certificate that was bought or made elsewhere. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/follow.h"

enum { PEM_MAX = 256 * 1024 };

/* A file as a member of the body: whoever runs this reads it. */
static int
add_file(json_t *body, const char *member, const char *path)
{
	struct error err;
	json_t *text;
	size_t len;
	char *pem;

	if (file_read(AT_FDCWD, path, PEM_MAX, &pem, &len, &err) == -1) {
		say_error(err.msg);
		return strcmp(err.code, "file:access") == 0 ? EXIT_DENIED :
		    EXIT_FAILED;
	}
	text = json_stringn(pem, len);
	freezero(pem, len);
	if (text == NULL) {
		char *why = xasprintf("%s is not a PEM file", path);

		say_error(why);
		free(why);
		return EXIT_FAILED;
	}
	(void)json_object_set_new(body, member, text);
	return EXIT_OK;
}

int
cmd_put(const struct options *o)
{
	json_t *body = json_pack("{s:s, s:b}", "name", o->names[0], "follow",
	    !o->no_wait);
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_PUT,
		.body = body,
	};
	int code;

	if (body == NULL) {
		say_error("a name is not UTF-8");
		return EXIT_USAGE;
	}
	code = add_file(body, "chain", o->names[1]);
	if (code == EXIT_OK)
		code = add_file(body, "key", o->names[2]);
	if (code == EXIT_OK)
		code = o->no_wait ? ask_started(o, &request) :
		    follow_events(o, &request, 1, "installation");
	json_decref(body);
	return code;
}
