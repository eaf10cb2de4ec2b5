/* SPDX-License-Identifier: MIT */
#include "ctl/drafts.h"

#include <stddef.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/conf_batch.h"

/* Of a request, in which a character may need six. */
enum { TEXT_MAX = API_BODY_MAX / 2 };

json_t *
drafts_json(const struct conf_batch *b)
{
	json_t *list = json_array();
	const char *path;

	for (size_t i = 0; (path = conf_batch_path(b, i)) != NULL; i++) {
		if (conf_batch_text(b, i) != NULL)
			(void)json_array_append_new(list, json_pack(
			    "{s:s, s:s}", "path", path, "text",
			    conf_batch_text(b, i)));
	}
	return list;
}

const char *
drafts_last(const struct conf_batch *b)
{
	const char *path, *last = "";

	for (size_t i = 0; (path = conf_batch_path(b, i)) != NULL; i++)
		last = path;
	return last;
}

int
drafts_try(const struct options *o, const char *path, const char *text)
{
	json_t *body = json_pack("{s:[{s:s, s:s}]}", "files", "path", path,
	    "text", text);
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_CONF,
		.body = body,
	};
	struct client_reply reply;
	int code;

	if (body == NULL) {
		say_error("the text is not UTF-8");
		return EXIT_USAGE;
	}
	if (strlen(text) > TEXT_MAX) {
		say_error("the file is too long to be looked at before it is "
		    "written; change it yourself, and then: acmed "
		    "--check-config && acmectl reload");
		json_decref(body);
		return EXIT_REFUSED;
	}
	code = ask(o, &request, &reply);
	json_decref(body);
	if (code == EXIT_OK)
		client_reply_clear(&reply);
	return code;
}

void
drafts_reload_quietly(const struct options *o)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_RELOAD,
	};
	struct client_reply reply;
	struct error ignored;

	if (client_call(&request, &reply, &ignored) == 0)
		client_reply_clear(&reply);
}
