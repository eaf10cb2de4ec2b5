/* SPDX-License-Identifier: MIT */
#include "ctl/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/check.h"
#include "ctl/progress.h"
#include "ctl/runs.h"

/* A stream of events while it is shown. */
struct follow {
	const struct options	*o;
	struct progress		 progress;
	struct runs		*runs;	/* several, on a terminal; or NULL */
};

static void
follow_line(const json_t *event, void *arg)
{
	struct follow *f = arg;

	if (f->o->json) {
		progress_count(&f->progress, event);
		print_json(f->o, event, JSON_COMPACT);
	} else if (f->runs != NULL) {
		progress_count(&f->progress, event);
		runs_event(f->runs, event);
	} else {
		progress_event(&f->progress, event);
	}
}

static void
follow_tick(void *arg)
{
	struct follow *f = arg;

	if (f->runs != NULL)
		runs_tick(f->runs);
}

static void
say_goes_on(const struct options *o, size_t n, const char *why)
{
	(void)fprintf(stderr, "acmectl: %s; see: acmectl status%s%s\n", why,
	    n == 1 ? " " : "", n == 1 ? o->names[0] : "");
}

int
follow_events(const struct options *o, const struct client_request *start,
    size_t n, const char *what)
{
	struct follow f = { .o = o };
	struct client_request request = *start;
	char *text;
	struct client_reply reply;
	struct error err;
	bool is_dry_run = strcmp(what, FOLLOW_DRY_RUN) == 0;
	size_t longest = 0;
	int code;

	for (size_t i = 0; i < n; i++) {
		if (strlen(o->names[i]) > longest)
			longest = strlen(o->names[i]);
	}
	progress_init(&f.progress, &o->out, n, longest);
	if (is_dry_run)
		f.progress.good = "would be renewed";
	if (n > 1 && o->out.has_cursor && !o->json)
		f.runs = runs_new(&o->out, o->names, n);
	request.line = follow_line;
	request.tick = follow_tick;
	request.arg = &f;
	if (client_call(&request, &reply, &err) == 0) {
		if (reply.status != 200) {
			code = ask_refused(o, &reply);
		} else {
			if (f.runs != NULL)
				runs_end(f.runs);
			if (!o->json)
				progress_summary(&f.progress);
			code = f.progress.n_failed == 0 ? EXIT_OK :
			    EXIT_FAILED;
		}
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		text = xasprintf("the %s goes on without being watched",
		    what);
		say_goes_on(o, is_dry_run ? 0 : n, text);
		free(text);
		code = EXIT_INTERRUPTED;
	} else {
		say_error(err.msg);
		code = ask_exit_code(&err);
		if (strcmp(err.code, CLIENT_LOST) == 0 && !is_dry_run) {
			text = xasprintf("the %s is resumed when acmed is "
			    "started again", what);
			say_goes_on(o, n, text);
			free(text);
		}
	}
	runs_free(f.runs);
	progress_clear(&f.progress);
	return code;
}

int
follow_all(const struct options *o, const char *path)
{
	struct follow f = { .o = o };
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
follow_check(const struct options *o, const json_t *body, size_t *failures,
    size_t *records)
{
	const char *caa = jsonx_str(body, "caa");
	struct watch w = { .o = o };
	struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_CHECK,
		.body = body, .line = check_line_cb, .arg = &w,
	};
	struct client_reply reply;
	struct error err;
	int code;

	check_init(&w.check, &o->out);
	w.check.is_caa = caa != NULL;
	w.check.is_written = caa != NULL && strcmp(caa, "write") == 0;
	if (client_call(&request, &reply, &err) == 0) {
		code = reply.status == 200 ? check_end(&w) :
		    ask_refused(o, &reply);
		client_reply_clear(&reply);
	} else if (strcmp(err.code, CLIENT_INTERRUPTED) == 0) {
		say_error(caa != NULL ? "interrupted; a record that was "
		    "added stays" : "interrupted; a TXT value that was added "
		    "is being removed");
		code = EXIT_INTERRUPTED;
	} else {
		say_error(err.msg);
		code = ask_exit_code(&err);
	}
	if (failures != NULL)
		*failures = w.check.n_failures - w.check.n_deploy_failures;
	if (records != NULL)
		*records = w.check.n_records;
	check_clear(&w.check);
	return code;
}
