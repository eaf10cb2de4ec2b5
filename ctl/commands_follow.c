/* SPDX-License-Identifier: MIT */
/* The commands that follow what the daemon does until it has ended. */
#include <stdlib.h>

#include "common/api.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/follow.h"

static int
check_caa(const struct options *o, json_t *names /* taken */)
{
	json_t *body = json_pack("{s:o, s:s}", "names", names, "caa", "show");
	size_t n = 0;
	int code;

	/* Who has not said yes is shown what there is to say it to. */
	if (!o->yes) {
		code = follow_check(o, body, NULL, &n);
		if (n > 0 && (code == EXIT_OK || code == EXIT_FINDINGS))
			code = ask_confirm(o, xasprintf("Write %zu CAA "
			    "record%s", n, n == 1 ? "" : "s"));
		if (n == 0 || code != EXIT_OK) {
			json_decref(body);
			return code;
		}
	}
	(void)json_object_set_new(body, "caa", json_string("write"));
	code = follow_check(o, body, NULL, NULL);
	json_decref(body);
	return code;
}

int
cmd_check(const struct options *o)
{
	json_t *names = ask_words(o), *body;
	int code;

	if (names == NULL)
		return EXIT_USAGE;
	if (o->write_caa)
		return check_caa(o, names);
	body = json_pack("{s:o, s:b}", "names", names, "probe", !o->no_probe);
	code = follow_check(o, body, NULL, NULL);
	json_decref(body);
	return code;
}

/* One certificate; body is taken. */
static int
start(const struct options *o, const char *path, json_t *body,
    const char *what)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = path,
		.body = body,
	};
	int code;

	if (body == NULL) {
		say_error("a name is not UTF-8");
		return EXIT_USAGE;
	}
	code = o->no_wait ? ask_started(o, &request) :
	    follow_events(o, &request, 1, what);
	json_decref(body);
	return code;
}

int
cmd_deploy(const struct options *o)
{
	json_t *body = o->n_names == 2 ?
	    json_pack("{s:s, s:s, s:b}", "name", o->names[0], "target",
	    o->names[1], "follow", !o->no_wait) :
	    json_pack("{s:s, s:b}", "name", o->names[0], "follow",
	    !o->no_wait);

	return start(o, API_PATH_DEPLOY, body, "deployment");
}

int
cmd_rollback(const struct options *o)
{
	return start(o, API_PATH_ROLLBACK, json_pack("{s:s, s:b, s:b}",
	    "name", o->names[0], "force", o->force, "follow", !o->no_wait),
	    "deployment");
}

int
cmd_events(const struct options *o)
{
	char *path = o->n_names == 0 ? xstrdup(API_PATH_EVENTS) :
	    client_path(API_PATH_EVENTS "?cert=", o->names[0]);
	int code = follow_all(o, path);

	free(path);
	return code;
}
