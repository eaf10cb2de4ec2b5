/* SPDX-License-Identifier: MIT */
/* What was and is: history, show, cleanup. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/show.h"
#include "ctl/status.h"

enum { PEM_MAX = 1 << 20 };

/* The one that is named, to be cleared after EXIT_OK. */
static int
get_cert(const struct options *o, struct client_reply *reply)
{
	char *path = client_path(API_PATH_CERT, o->names[0]);
	int code = ask_get(o, path, reply);

	free(path);
	return code;
}

static enum term_colour
level_colour(const json_t *step)
{
	const char *level = jsonx_str(step, "level");

	return level == NULL ? TERM_PLAIN : strcmp(level, "error") == 0 ||
	    strcmp(level, "warning") == 0 ? TERM_BAD :
	    strcmp(level, "notice") == 0 ? TERM_BOLD : TERM_PLAIN;
}

int
cmd_history(const struct options *o)
{
	struct client_reply reply;
	char when[SHOW_WHEN_MAX];
	const json_t *steps, *step;
	int code = get_cert(o, &reply);
	size_t i;

	if (code != EXIT_OK)
		return code;
	steps = json_object_get(reply.body, "steps");
	if (o->json)
		print_json(o, steps, JSON_INDENT(2));
	json_array_foreach(steps, i, step) {
		char *name = show_str(step, "step", "-");
		char *msg = show_str(step, "msg", "");

		if (!o->json) {
			(void)fprintf(o->out.out, "%s  %-9s  ", show_date(
			    (time_t)jsonx_int(step, "at", 0), when), name);
			term_wrap(&o->out, level_colour(step),
			    strlen(when) + 13, 4, msg);
		}
		free(msg);
		free(name);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

/* The chain that servers have, as it is on the disk. */
static int
print_pem(const struct options *o, const json_t *cert)
{
	char *dir = show_str(cert, "live_dir", ""), *path, *pem;
	struct error err;
	size_t len;
	int rc;

	if (jsonx_bool(cert, "placeholder", false)) {
		say_error("there is no certificate yet: the files are a "
		    "self-signed placeholder");
		free(dir);
		return EXIT_FAILED;
	}
	path = xasprintf("%s/fullchain.pem", dir);
	rc = file_read(AT_FDCWD, path, PEM_MAX, &pem, &len, &err);
	free(path);
	free(dir);
	if (rc == -1) {
		say_error(err.msg);
		return strcmp(err.code, "file:access") == 0 ? EXIT_DENIED :
		    EXIT_FAILED;
	}
	(void)fwrite(pem, 1, len, o->out.out);
	free(pem);
	return EXIT_OK;
}

int
cmd_show(const struct options *o)
{
	struct client_reply reply;
	int code = get_cert(o, &reply);

	if (code != EXIT_OK)
		return code;
	if (o->pem)
		code = print_pem(o, reply.body);
	else if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		status_print_cert(&o->out, reply.body, clock_now());
	client_reply_clear(&reply);
	return code;
}

/* --- cleanup --- */

static void
print_record(const struct options *o, const json_t *r, time_t now)
{
	char *name = show_str(r, "name", NULL), *value = show_str(r, "value",
	    ""), *path = show_str(r, "path", "?"), *cert = show_str(r, "cert",
	    "?"), *state = show_str(r, "state", "?"), *text;
	char *error = show_str(r, "error", NULL), when[SHOW_WHEN_MAX];
	time_t at = (time_t)jsonx_int(r, "next_at", 0);

	text = name != NULL ? xasprintf("%s TXT \"%s\"", name, value) :
	    xstrdup(path);
	(void)fprintf(o->out.out, "%s (%s): %s%s%s\n", text, cert, state,
	    at > 0 ? ", next try " : "", at > 0 ? show_span(now, at < now ?
	    now : at, when) : "");
	if (error != NULL) {
		(void)fputs("    ", o->out.out);
		term_wrap(&o->out, TERM_BAD, 4, 4, error);
	}
	free(error);
	free(text);
	free(state);
	free(cert);
	free(path);
	free(value);
	free(name);
}

int
cmd_cleanup(const struct options *o)
{
	static const char *const kinds[] = { "cleanup", "http_files" };
	struct client_reply reply;
	int code = ask_get(o, API_PATH_STATUS "?limit=0", &reply);
	json_t *both;
	const json_t *one;
	size_t n = 0, i;

	if (code != EXIT_OK)
		return code;
	both = json_object();
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		(void)json_object_set(both, kinds[k],
		    json_object_get(reply.body, kinds[k]));
		json_array_foreach(json_object_get(reply.body, kinds[k]), i,
		    one) {
			n++;
			if (!o->json)
				print_record(o, one, clock_now());
		}
	}
	if (o->json)
		print_json(o, both, JSON_INDENT(2));
	else if (n == 0)
		(void)fputs("nothing is left to be removed\n", o->out.out);
	json_decref(both);
	client_reply_clear(&reply);
	return EXIT_OK;
}
