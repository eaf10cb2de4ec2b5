/* SPDX-License-Identifier: MIT */
#include "ctl/commands.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/provider_text.h"
#include "ctl/ask.h"
#include "ctl/receipts.h"
#include "ctl/persist.h"
#include "ctl/select.h"
#include "ctl/show.h"
#include "ctl/status.h"
#include "ctl/status_read.h"
#include "ctl/watch.h"

static int
status_one(const struct options *o, const char *name)
{
	char *path = client_path(API_PATH_CERT, name);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);

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

struct overview {
	const struct options	*options;
	struct status_table	*table;		/* NULL with --json */
	json_t			*rest;
	struct select		 select;
	bool			 has_certs, is_bad;
};

/* Text of several lines, each so many columns further in. */
static void
print_indented(FILE *out, const char *text, int columns)
{
	for (const char *nl; (nl = strchr(text, '\n')) != NULL; text = nl + 1)
		(void)fprintf(out, "%.*s\n%*s", (int)(nl - text), text,
		    columns, "");
	(void)fputs(text, out);
}

/* All members but the list of certificates, which is left open. */
static void
overview_rest(const json_t *rest, void *arg)
{
	struct overview *v = arg;
	char *text;

	v->rest = json_copy((json_t *)(uintptr_t)rest);
	(void)json_object_del(v->rest, "certificates");
	v->is_bad = status_has_stuck(v->rest) ||
	    status_has_unwell(v->rest) ||
	    status_has_mistakes(v->rest);
	if (v->table != NULL)
		return;
	text = json_dumps(v->rest, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (text == NULL)
		abort();
	/* Without what closes it: "\n}", or of an empty one "}". */
	(void)fprintf(v->options->out.out, "%.*s%s\n  \"certificates\": [",
	    (int)strlen(text) - (strlen(text) > 2 ? 2 : 1), text,
	    strlen(text) > 2 ? "," : "");
	free(text);
}

static void
overview_cert(const json_t *cert, void *arg)
{
	struct overview *v = arg;
	FILE *out = v->options->out.out;
	char *text;

	if (!select_has(&v->select, cert)) {
		if (v->table != NULL)
			status_table_hide(v->table);
		return;
	}
	v->is_bad |= status_is_bad(cert);
	if (v->table != NULL) {
		status_table_add(v->table, cert, false);
		return;
	}
	text = json_dumps(cert, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (text == NULL)
		abort();
	(void)fprintf(out, "%s\n    ", v->has_certs ? "," : "");
	print_indented(out, text, 4);
	v->has_certs = true;
	free(text);
}

int
cmd_status(const struct options *o)
{
	struct overview v = { .options = o };
	const struct status_sink sink = { overview_rest, overview_cert, &v };
	int code;

	code = select_init(&v.select, o, clock_now());
	if (code != EXIT_OK)
		return code;
	if (o->all_hosts)
		return receipts_status(o);
	if (o->n_names > 0)
		v.select.pattern = o->names[0];
	if (o->watch)
		return watch_status(o, &v.select);
	if (o->n_names > 0 && !select_is_pattern(o->names[0]))
		return status_one(o, o->names[0]);
	if (!o->json)
		v.table = status_table_new();
	code = status_read(o, &sink);
	if (code == EXIT_OK && o->json)
		(void)fputs(v.has_certs ? "\n  ]\n}\n" : "]\n}\n",
		    o->out.out);
	else if (code == EXIT_OK)
		status_table_print(v.table, &o->out, v.rest, clock_now());
	status_table_free(v.table);
	json_decref(v.rest);
	return code != EXIT_OK ? code : o->check && v.is_bad ? EXIT_FAILED :
	    EXIT_OK;
}

/* Names, one a line, or with --json as one array. */
struct name_list {
	const struct options	*options;
	json_t			*names;
};

static void
list_one(const json_t *named, void *arg)
{
	struct name_list *list = arg;
	char *name = show_str(named, "name", "?");

	if (list->names != NULL)
		(void)json_array_append_new(list->names, json_string(name));
	else
		(void)fprintf(list->options->out.out, "%s\n", name);
	free(name);
}

static void
list_all(const json_t *all, struct name_list *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		list_one(one, list);
}

static void
list_channels(const json_t *rest, void *arg)
{
	list_all(json_object_get(rest, "notify"), arg);
}

static void
list_nothing(const json_t *cert, void *arg)
{
}

static int
list_targets(const struct options *o, struct name_list *list)
{
	char *path = client_path(API_PATH_CERT, o->names[1]);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);

	free(path);
	if (code != EXIT_OK)
		return code;
	list_all(json_object_get(reply.body, "deploy"), list);
	client_reply_clear(&reply);
	return EXIT_OK;
}

/* "accounts", "providers" or "hosts", of the configuration. */
static int
list_configured(const struct options *o, struct name_list *list)
{
	struct client_reply reply;
	int code = ask_get(o, strcmp(o->names[0], "hosts") == 0 ?
	    API_PATH_HOSTS : API_PATH_CONF, &reply);

	if (code != EXIT_OK)
		return code;
	list_all(json_object_get(reply.body, o->names[0]), list);
	client_reply_clear(&reply);
	return EXIT_OK;
}

int
cmd_list(const struct options *o)
{
	struct name_list list = { o, o->json ? json_array() : NULL };
	const struct status_sink certs = { NULL, list_one, &list };
	const struct status_sink channels = { list_channels, list_nothing,
	    &list };
	int code = EXIT_USAGE;

	if (o->n_names == 0)
		code = status_read(o, &certs);
	else if (o->n_names == 1 && strcmp(o->names[0], "channels") == 0)
		code = status_read(o, &channels);
	else if (o->n_names == 1 && (strcmp(o->names[0], "accounts") == 0 ||
	    strcmp(o->names[0], "providers") == 0 ||
	    strcmp(o->names[0], "hosts") == 0))
		code = list_configured(o, &list);
	else if (o->n_names == 2 && strcmp(o->names[0], "targets") == 0)
		code = list_targets(o, &list);
	else
		say_error("allowed: list, list targets NAME, list channels, "
		    "list accounts, list providers, list hosts");
	if (code == EXIT_OK && o->json)
		print_json(o, list.names, JSON_INDENT(2));
	json_decref(list.names);
	return code;
}

static bool
has_string(const json_t *list, const json_t *string)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_equal(one, string))
			return true;
	}
	return false;
}

/* "WORD: a, b"; false if there is none. */
static bool
print_named(const struct options *o, const char *word, const json_t *list)
{
	char *names, *text;

	if (json_array_size(list) == 0)
		return false;
	names = show_list(list);
	text = xasprintf("%s: %s", word, names);
	term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
	free(text);
	free(names);
	return true;
}

static void
print_changes(const struct options *o, const json_t *changes)
{
	static const char *const kinds[] = { "added", "removed" };
	static const struct { const char *key, *word; } taken[] = {
		{ "settings", "changed settings" },
		{ "accounts", "changed accounts" },
		{ "credentials", "changed credentials" },
		{ "providers", "changed providers" },
		{ "hosts", "changed hosts" },
		{ "repositories", "changed repositories" },
		{ "notify", "changed notification channels" },
		{ "watches", "changed watches" },
		{ "deploys", "changed deploy targets" },
	};
	const json_t *what = json_object_get(changes, "taken"), *line;
	json_t *changed = json_array();
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		any |= print_named(o, kinds[i], json_object_get(changes,
		    kinds[i]));
	json_array_foreach(json_object_get(what, "certificates"), i, line) {
		if (!has_string(json_object_get(changes, "added"), line) &&
		    !has_string(json_object_get(changes, "removed"), line))
			(void)json_array_append(changed,
			    (json_t *)(uintptr_t)line);
	}
	any |= print_named(o, "changed", changed);
	json_decref(changed);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		any |= print_named(o, taken[i].word, json_object_get(what,
		    taken[i].key));
	if (!any)
		(void)fputs("reloaded; nothing has changed\n", o->out.out);
	json_array_foreach(json_object_get(changes, "warnings"), i, line) {
		char *s = show_error(line);

		(void)fprintf(stderr, "warning: %s\n", s == NULL ? "?" : s);
		free(s);
	}
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
	int code = EXIT_OK;

	if (client_call(&request, &reply, &err) == -1) {
		say_error(err.msg);
		return ask_exit_code(&err);
	}
	if (reply.status != 200) {
		code = ask_refused(o, &reply);
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

/* All, or the one that is named below one. */
static int
print_kinds(const struct options *o, const char *all, const char *one)
{
	char *path = o->n_names == 0 ? xstrdup(all) :
	    client_path(one, o->names[0]);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);
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

int
cmd_providers(const struct options *o)
{
	return print_kinds(o, API_PATH_PROVIDERS, API_PATH_PROVIDER);
}

int
cmd_clouds(const struct options *o)
{
	return print_kinds(o, API_PATH_CLOUDS, API_PATH_CLOUD);
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

	if (o->remove && (o->write || o->until != NULL)) {
		say_error("--remove goes alone");
		return EXIT_USAGE;
	}
	if (o->until != NULL && persist_parse_until(o->until, now, &until) ==
	    -1) {
		say_error("--until needs a future date (2027-12-31) or a "
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
		.path = API_PATH_STATUS "?limit=0",
	};
	struct client_reply reply;
	struct error err;
	json_t *j = json_pack("{s:s, s:n}", "acmectl", PACKAGE_VERSION,
	    "acmed");
	char *version = NULL, *text;

	/* Whether a daemon runs is not the question. */
	if (client_call(&request, &reply, &err) == 0) {
		const char *why = jsonx_str(reply.body, "error.msg");

		version = show_str(reply.body, "version", NULL);
		if (version == NULL)
			(void)error_set(&err, ERR_REJECTED, CLIENT_REPLY, "%s",
			    why != NULL ? why : "it does not tell its version");
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
