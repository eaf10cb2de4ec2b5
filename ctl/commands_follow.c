/* SPDX-License-Identifier: MIT */
/* The commands that follow what the daemon does until it has ended. */
#include <stdlib.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/select.h"
#include "ctl/show.h"
#include "ctl/status_read.h"

/* Names that a request has room for (API_BODY_MAX). */
enum { NAMES_MAX = 500 };

static int
start_only(const struct options *o, const struct client_request *request)
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

/* NULL if one is not UTF-8, which has been told. */
static json_t *
names_array(const struct options *o)
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

/* Certificates that an option means instead of names. */
struct chosen {
	struct select	 select;
	json_t		*names;
};

static void
choose(const json_t *cert, void *arg)
{
	struct chosen *c = arg;
	const char *name = jsonx_str(cert, "name");

	if (name == NULL || !select_has(&c->select, cert))
		return;
	(void)json_array_append_new(c->names, json_string(name));
}

/* *names are those of the arguments, or of the options. */
static int
choose_names(const struct options *o, json_t **names)
{
	bool by_option = o->all || o->failed || o->due_within != NULL;
	struct chosen c = { .names = NULL };
	const struct status_sink sink = { NULL, choose, &c };
	int code;

	if (by_option == (o->n_names > 0)) {
		say_error(by_option ? "names, or --all, --failed, "
		    "--due-within: not both" : "which certificates? NAME..., "
		    "--all, --failed or --due-within 10d");
		return EXIT_USAGE;
	}
	if (!by_option) {
		*names = names_array(o);
		return *names != NULL ? EXIT_OK : EXIT_USAGE;
	}
	code = select_init(&c.select, o, clock_now());
	if (code != EXIT_OK)
		return code;
	c.names = json_array();
	code = status_read(o, &sink);
	if (code == EXIT_OK && json_array_size(c.names) > NAMES_MAX) {
		(void)fprintf(stderr, "acmectl: these are %zu certificates; "
		    "at most %d go at once\n", json_array_size(c.names),
		    NAMES_MAX);
		code = EXIT_REFUSED;
	}
	if (code != EXIT_OK) {
		json_decref(c.names);
		return code;
	}
	*names = c.names;
	return EXIT_OK;
}

static int
renew(const struct options *o, json_t *body)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_RENEW,
		.body = body,
	};

	return o->no_wait ? start_only(o, &request) :
	    follow_events(o, &request, o->n_names, "renewal");
}

int
cmd_renew_now(const struct options *o)
{
	struct options chosen = *o;
	const char **words;
	json_t *names, *body;
	const json_t *name;
	size_t i;
	int code = choose_names(o, &names);

	if (code != EXIT_OK)
		return code;
	if (json_array_size(names) == 0) {
		if (!o->json)
			(void)fputs("there is none of these\n", o->out.out);
		json_decref(names);
		return EXIT_OK;
	}
	body = json_pack("{s:O, s:b, s:b}", "names", names, "follow",
	    !o->no_wait, "force", o->force);
	words = xcalloc(json_array_size(names) + 1, sizeof(*words));
	json_array_foreach(names, i, name)
		words[i] = json_string_value(name);
	chosen.names = words;
	chosen.n_names = json_array_size(names);
	code = renew(&chosen, body);
	free(words);
	json_decref(body);
	json_decref(names);
	return code;
}

int
cmd_check(const struct options *o)
{
	json_t *names = names_array(o), *body;
	int code;

	if (names == NULL)
		return EXIT_USAGE;
	body = json_pack("{s:o, s:b}", "names", names, "probe", !o->no_probe);
	code = follow_check(o, body, NULL);
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
	code = o->no_wait ? start_only(o, &request) :
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
