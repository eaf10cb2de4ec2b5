/* SPDX-License-Identifier: MIT */
/* acmectl notify-test. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/show.h"

/* One line for each target that has been decided since the last look. */
static size_t
print_sends(const struct options *o, const json_t *results, size_t from,
    bool *failed)
{
	size_t n = json_array_size(results);

	for (; from < n; from++) {
		const json_t *r = json_array_get(results, from);
		const char *state = jsonx_str(r, "state");
		char *name = show_str(r, "channel", "?"), *text;
		char *target = show_str(r, "target", "");
		char *error = show_error(json_object_get(r, "error"));

		if (state != NULL && strcmp(state, "sending") == 0)
			n = from;	/* in this order */
		text = xasprintf("%s%s%s: %s%s%s", name,
		    target[0] != '\0' ? ", " : "", target,
		    state != NULL && strcmp(state, "sent") == 0 ? "sent" :
		    "FAILED", error != NULL ? ": " : "",
		    error != NULL ? error : "");
		if (n != from && !o->json)
			term_wrap(&o->out, error != NULL ? TERM_BAD :
			    TERM_PLAIN, 0, 2, text);
		*failed |= error != NULL;
		free(text);
		free(error);
		free(target);
		free(name);
		if (n == from)
			break;
	}
	(void)fflush(o->out.out);
	return from;
}

/* Look again and again until every channel has answered. */
static int
follow_sends(const struct options *o)
{
	struct client_reply reply;
	bool running = true, failed = false;
	size_t shown = 0;
	int code;

	while (running) {
		code = ask_get(o, API_PATH_NOTIFIED, &reply);
		if (code != EXIT_OK)
			return code;
		running = jsonx_bool(reply.body, "running", false);
		shown = print_sends(o, json_object_get(reply.body, "results"),
		    shown, &failed);
		if (!running && o->json)
			print_json(o, reply.body, JSON_INDENT(2));
		client_reply_clear(&reply);
		if (running)
			(void)poll(NULL, 0, 200);
	}
	return failed ? EXIT_FAILED : EXIT_OK;
}

int
cmd_notify_test(const struct options *o)
{
	json_t *body = json_object();
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_NOTIFY, .body = body,
	};
	struct client_reply reply;
	int code;

	if (o->n_names > 0 && json_object_set_new(body, "channel",
	    json_string(o->names[0])) == -1) {
		say_error("the channel's name is not UTF-8");
		json_decref(body);
		return EXIT_USAGE;
	}
	code = ask(o, &request, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	client_reply_clear(&reply);
	return follow_sends(o);
}
