/* SPDX-License-Identifier: MIT */
#include "ctl/commands.h"

#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/provider_text.h"
#include "common/text.h"
#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/persist.h"
#include "ctl/progress.h"
#include "ctl/show.h"
#include "ctl/status.h"

static void
say_error(const char *text)
{
	char *s = xstrdup(text);

	text_clean(s);
	(void)fprintf(stderr, "acmectl: %s\n", s);
	free(s);
}

/* No terminal obeys what is in plain ASCII. */
static void
print_json(const struct options *o, const json_t *j, size_t flags)
{
	(void)json_dumpf(j, o->out.out, flags | JSON_ENSURE_ASCII);
	(void)fputc('\n', o->out.out);
	(void)fflush(o->out.out);
}

static int
exit_of_error(const struct error *err)
{
	if (strcmp(err->code, CLIENT_DENIED) == 0)
		return EXIT_DENIED;
	if (strcmp(err->code, CLIENT_REPLY) == 0)
		return EXIT_FAILED;
	return EXIT_NOT_RUNNING;
}

/* The daemon's own error. */
static int
refused(const struct options *o, const struct client_reply *reply)
{
	char *msg = show_error(json_object_get(reply->body, "error"));

	if (o->json)
		print_json(o, reply->body, JSON_INDENT(2));
	say_error(msg == NULL ? "acmed refuses, and does not say why" : msg);
	free(msg);
	return reply->status == 403 ? EXIT_DENIED : EXIT_REFUSED;
}

/*
 * One request.  Returns EXIT_OK with a reply of status 2xx to be cleared; or
 * another exit code, and the reason has been told.
 */
static int
ask(const struct options *o, const struct client_request *request,
    struct client_reply *reply)
{
	struct error err;
	int code;

	if (client_call(request, reply, &err) == -1) {
		say_error(err.msg);
		return exit_of_error(&err);
	}
	if (reply->status / 100 == 2)
		return EXIT_OK;
	code = refused(o, reply);
	client_reply_clear(reply);
	return code;
}

static int
get(const struct options *o, const char *path, struct client_reply *reply)
{
	const struct client_request request = {
		.socket = o->socket, .method = "GET", .path = path,
	};

	return ask(o, &request, reply);
}

static int
status_one(const struct options *o, const char *name)
{
	char *path = client_path(API_PATH_CERT, name);
	struct client_reply reply;
	int code = get(o, path, &reply);

	free(path);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		status_print_cert(&o->out, reply.body, clock_now());
	if (o->check && status_is_bad(reply.body))
		code = EXIT_FAILED;
	client_reply_clear(&reply);
	return code;
}

int
cmd_status(const struct options *o)
{
	struct client_reply reply;
	const json_t *cert;
	int code;
	size_t i;

	if (o->n_names > 0)
		return status_one(o, o->names[0]);
	code = get(o, API_PATH_STATUS, &reply);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		status_print(&o->out, reply.body, clock_now());
	json_array_foreach(json_object_get(reply.body, "certificates"), i,
	    cert) {
		if (o->check && status_is_bad(cert))
			code = EXIT_FAILED;
	}
	client_reply_clear(&reply);
	return code;
}

int
cmd_list(const struct options *o)
{
	struct client_reply reply;
	json_t *names = json_array();
	const json_t *cert;
	size_t i;
	int code = get(o, API_PATH_STATUS, &reply);

	if (code != EXIT_OK) {
		json_decref(names);
		return code;
	}
	json_array_foreach(json_object_get(reply.body, "certificates"), i,
	    cert) {
		char *name = show_str(cert, "name", "?");

		(void)json_array_append_new(names, json_string(name));
		if (!o->json)
			(void)fprintf(o->out.out, "%s\n", name);
		free(name);
	}
	if (o->json)
		print_json(o, names, JSON_INDENT(2));
	json_decref(names);
	client_reply_clear(&reply);
	return EXIT_OK;
}

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
			code = refused(o, &reply);
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
		code = exit_of_error(&err);
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
	body = json_pack("{s:o, s:b}", "names", names, "follow", !o->no_wait);
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
		    refused(o, &reply);
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		say_error("interrupted; a TXT value that was added is being "
		    "removed");
		code = EXIT_INTERRUPTED;
	} else {
		say_error(err.msg);
		code = exit_of_error(&err);
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
		    refused(o, &reply);
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		code = EXIT_OK;		/* the only way to end it */
	} else {
		say_error(err.msg);
		code = exit_of_error(&err);
	}
	progress_clear(&f.progress);
	free(path);
	return code;
}

static void
print_changes(const struct options *o, const json_t *changes)
{
	static const char *const kinds[] = { "added", "removed", "changed" };
	bool any = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const json_t *list = json_object_get(changes, kinds[i]);
		char *names, *text;

		if (json_array_size(list) == 0)
			continue;
		any = true;
		names = show_list(list);
		text = xasprintf("%s: %s", kinds[i], names);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
		free(names);
	}
	if (!any)
		(void)fputs("reloaded; no certificate changed\n", o->out.out);
}

int
cmd_reload(const struct options *o)
{
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_RELOAD,
	};
	struct client_reply reply;
	struct error err;
	const json_t *line;
	int code = EXIT_OK;
	size_t i;

	if (client_call(&request, &reply, &err) == -1) {
		say_error(err.msg);
		return exit_of_error(&err);
	}
	if (reply.status != 200) {
		json_array_foreach(json_object_get(reply.body, "lines"), i,
		    line) {
			char *s = show_error(line);

			(void)fprintf(stderr, "%s\n", s == NULL ? "?" : s);
			free(s);
		}
		code = refused(o, &reply);
		if (reply.status == 409)
			code = EXIT_FAILED;
	} else if (o->json) {
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		print_changes(o, reply.body);
	}
	client_reply_clear(&reply);
	return code;
}

int
cmd_providers(const struct options *o)
{
	char *path = o->n_names == 0 ? xstrdup(API_PATH_PROVIDERS) :
	    client_path(API_PATH_PROVIDER, o->names[0]);
	struct client_reply reply;
	int code = get(o, path, &reply);
	char *text;

	free(path);
	if (code != EXIT_OK)
		return code;
	if (o->json) {
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		text = provider_text(reply.body);
		(void)fputs(text, o->out.out);
		free(text);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

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
		code = get(o, API_PATH_NOTIFIED, &reply);
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

int
cmd_persist(const struct options *o)
{
	struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_PERSIST,
	};
	const char *act = o->write ? "write" : o->remove ? "remove" : "show";
	struct client_reply reply;
	time_t now = clock_now(), until = 0;
	json_t *body;
	int code;

	if (o->until != NULL && persist_parse_until(o->until, now, &until) ==
	    -1) {
		say_error("--until wants a date to come (2027-12-31) or a "
		    "span (365d)");
		return EXIT_USAGE;
	}
	body = json_pack("{s:s, s:s, s:I}", "name", o->names[0], "do", act,
	    "until", (json_int_t)until);
	if (body == NULL) {
		say_error("the name is not UTF-8");
		return EXIT_USAGE;
	}
	request.body = body;
	code = ask(o, &request, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		persist_print(&o->out, reply.body, clock_now());
	if (persist_is_bad(reply.body, o->remove))
		code = EXIT_FAILED;
	client_reply_clear(&reply);
	return code;
}

int
cmd_version(const struct options *o)
{
	const struct client_request request = {
		.socket = o->socket, .method = "GET",
		.path = API_PATH_STATUS,
	};
	struct client_reply reply;
	struct error err;
	json_t *j = json_pack("{s:s, s:n}", "acmectl", PACKAGE_VERSION,
	    "acmed");
	char *version = NULL, *text;

	/* Whether a daemon runs is not the question. */
	if (client_call(&request, &reply, &err) == 0) {
		version = show_str(reply.body, "version", NULL);
		client_reply_clear(&reply);
	}
	if (o->json) {
		if (version != NULL)
			(void)json_object_set_new(j, "acmed",
			    json_string(version));
		print_json(o, j, JSON_INDENT(2));
	} else {
		text = version != NULL ? xasprintf("acmed %s is running",
		    version) : xasprintf("acmed: %s", err.msg);
		(void)fprintf(o->out.out, "acmectl %s\n", PACKAGE_VERSION);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
	}
	free(version);
	json_decref(j);
	return EXIT_OK;
}
