/* SPDX-License-Identifier: MIT */
#include "ctl/ask.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/prompt.h"
#include "ctl/show.h"

void
say_error(const char *text)
{
	char *s = xstrdup(text);

	text_clean(s);
	(void)fprintf(stderr, "acmectl: %s\n", s);
	free(s);
}

void
print_json(const struct options *o, const json_t *j, size_t flags)
{
	/* No terminal obeys what is in plain ASCII. */
	(void)json_dumpf(j, o->out.out, flags | JSON_ENSURE_ASCII);
	(void)fputc('\n', o->out.out);
	(void)fflush(o->out.out);
}

int
ask_exit_code(const struct error *err)
{
	if (strcmp(err->code, CLIENT_DENIED) == 0)
		return EXIT_DENIED;
	if (strcmp(err->code, CLIENT_REPLY) == 0)
		return EXIT_FAILED;
	return EXIT_NOT_RUNNING;
}

static void
say_lines(const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		char *s = show_error(line);

		(void)fprintf(stderr, "%s\n", s == NULL ? "?" : s);
		free(s);
	}
}

int
ask_refused(const struct options *o, const struct client_reply *reply)
{
	char *msg = show_error(json_object_get(reply->body, "error"));

	if (o->json)
		print_json(o, reply->body, JSON_INDENT(2));
	say_lines(json_object_get(reply->body, "lines"));
	say_error(msg == NULL ? "acmed refuses, and does not say why" : msg);
	free(msg);
	return reply->status == 403 ? EXIT_DENIED : EXIT_REFUSED;
}

int
ask(const struct options *o, const struct client_request *request,
    struct client_reply *reply)
{
	struct error err;
	int code;

	if (client_call(request, reply, &err) == -1) {
		say_error(err.msg);
		return ask_exit_code(&err);
	}
	if (reply->status / 100 == 2)
		return EXIT_OK;
	code = ask_refused(o, reply);
	client_reply_clear(reply);
	return code;
}

int
ask_get(const struct options *o, const char *path, struct client_reply *reply)
{
	const struct client_request request = {
		.socket = o->socket, .method = "GET", .path = path,
	};

	return ask(o, &request, reply);
}

int
ask_post(const struct options *o, const char *path, json_t *body,
    struct client_reply *reply)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = path,
		.body = body,
	};
	int code;

	if (body == NULL) {
		say_error("an argument is not UTF-8");
		return EXIT_USAGE;
	}
	code = ask(o, &request, reply);
	json_decref(body);
	return code;
}

int
ask_confirm(const struct options *o, char *question)
{
	bool yes = o->yes;

	if (!yes && prompt_is_possible())
		yes = prompt_yes(question, false);
	else if (!yes)
		say_error("this cannot be undone: say --yes");
	free(question);
	return yes ? EXIT_OK : prompt_is_possible() ? EXIT_REFUSED :
	    EXIT_USAGE;
}

int
ask_started(const struct options *o, const struct client_request *request)
{
	struct client_reply reply;
	int code = ask(o, request, &reply);
	char *names;

	if (code != EXIT_OK)
		return code;
	if (o->json) {
		print_json(o, reply.body, JSON_COMPACT);
	} else {
		names = show_list(json_object_get(reply.body, "started"));
		(void)fprintf(o->out.out, "started: %s\n", names);
		free(names);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

json_t *
ask_words(const struct options *o)
{
	json_t *names = json_array();

	for (size_t i = 0; i < o->n_names; i++) {
		if (json_array_append_new(names, json_string(o->names[i])) ==
		    -1) {
			say_error("a name is not UTF-8");
			json_decref(names);
			return NULL;
		}
	}
	return names;
}
