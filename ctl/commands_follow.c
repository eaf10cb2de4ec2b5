/* SPDX-License-Identifier: MIT */
/* The commands that follow what the daemon does until it has ended. */
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/check.h"
#include "ctl/commands.h"
#include "ctl/progress.h"
#include "ctl/show.h"

/* A stream of events while it is shown. */
struct follow {
	const struct options	*o;
	struct progress		 progress;
};

static void
follow_line(const json_t *event, void *arg)
{
	struct follow *f = arg;

	if (f->o->json) {
		progress_count(&f->progress, event);
		print_json(f->o, event, JSON_COMPACT);
	} else {
		progress_event(&f->progress, event);
	}
}

static void
say_goes_on(const struct options *o, size_t n, const char *why)
{
	(void)fprintf(stderr, "acmectl: %s; see: acmectl status%s%s\n", why,
	    n == 1 ? " " : "", n == 1 ? o->names[0] : "");
}

/* what: "renewal"; the first n arguments are certificates. */
static int
start_and_follow(const struct options *o, const struct client_request *start,
    size_t n, const char *what)
{
	struct follow f = { .o = o };
	struct client_request request = *start;
	char *text;
	struct client_reply reply;
	struct error err;
	size_t longest = 0;
	int code;

	for (size_t i = 0; i < n; i++) {
		if (strlen(o->names[i]) > longest)
			longest = strlen(o->names[i]);
	}
	progress_init(&f.progress, &o->out, n, longest);
	request.line = follow_line;
	request.arg = &f;
	if (client_call(&request, &reply, &err) == 0) {
		if (reply.status != 200) {
			code = ask_refused(o, &reply);
		} else {
			if (!o->json)
				progress_summary(&f.progress);
			code = f.progress.n_failed == 0 ? EXIT_OK :
			    EXIT_FAILED;
		}
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		text = xasprintf("the %s goes on without being watched",
		    what);
		say_goes_on(o, n, text);
		free(text);
		code = EXIT_INTERRUPTED;
	} else {
		say_error(err.msg);
		code = ask_exit_code(&err);
		if (strcmp(err.code, CLIENT_LOST) == 0) {
			text = xasprintf("the %s is resumed when acmed is "
			    "started again", what);
			say_goes_on(o, n, text);
			free(text);
		}
	}
	progress_clear(&f.progress);
	return code;
}

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

int
cmd_renew_now(const struct options *o)
{
	json_t *names = names_array(o), *body;
	struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_RENEW,
	};
	int code;

	if (names == NULL)
		return EXIT_USAGE;
	body = json_pack("{s:o, s:b, s:b}", "names", names, "follow",
	    !o->no_wait, "force", o->force);
	request.body = body;
	code = o->no_wait ? start_only(o, &request) :
	    start_and_follow(o, &request, o->n_names, "renewal");
	json_decref(body);
	return code;
}

/* The lines of a check while they are shown. */
struct watch {
	const struct options	*o;
	struct check		 check;
};

static void
check_line_cb(const json_t *line, void *arg)
{
	struct watch *w = arg;

	check_count(&w->check, line);
	if (w->o->json)
		print_json(w->o, line, JSON_COMPACT);
	else
		check_print(&w->check, line);
}

static int
check_end(struct watch *w)
{
	if (w->check.error != NULL) {
		say_error(w->check.error);
		return EXIT_NOT_RUNNING;
	}
	if (!w->o->json)
		check_summary(&w->check);
	return w->check.n_bad > 0 ? EXIT_FINDINGS : EXIT_OK;
}

int
cmd_check(const struct options *o)
{
	struct watch w = { .o = o };
	struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_CHECK,
		.line = check_line_cb, .arg = &w,
	};
	struct client_reply reply;
	struct error err;
	json_t *names = names_array(o), *body;
	int code;

	if (names == NULL)
		return EXIT_USAGE;
	body = json_pack("{s:o, s:b}", "names", names, "probe", !o->no_probe);
	request.body = body;
	check_init(&w.check, &o->out);
	if (client_call(&request, &reply, &err) == 0) {
		code = reply.status == 200 ? check_end(&w) :
		    ask_refused(o, &reply);
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		say_error("interrupted; a TXT value that was added is being "
		    "removed");
		code = EXIT_INTERRUPTED;
	} else {
		say_error(err.msg);
		code = ask_exit_code(&err);
	}
	check_clear(&w.check);
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
	    start_and_follow(o, &request, 1, what);
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
	struct follow f = { .o = o };
	char *path = o->n_names == 0 ? xstrdup(API_PATH_EVENTS) :
	    client_path(API_PATH_EVENTS "?cert=", o->names[0]);
	const struct client_request request = {
		.socket = o->socket, .method = "GET", .path = path,
		.line = follow_line, .arg = &f,
	};
	struct client_reply reply;
	struct error err;
	int code;

	progress_init(&f.progress, &o->out, 0, 0);
	if (client_call(&request, &reply, &err) == 0) {
		code = reply.status == 200 ? EXIT_NOT_RUNNING :
		    ask_refused(o, &reply);
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		code = EXIT_OK;		/* the only way to end it */
	} else {
		say_error(err.msg);
		code = ask_exit_code(&err);
	}
	progress_clear(&f.progress);
	free(path);
	return code;
}
