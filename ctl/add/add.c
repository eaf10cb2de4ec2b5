/* SPDX-License-Identifier: MIT */
/*
 * `acmectl add`: plan, check, write, reload, and follow the first issue.  Until
 * the check is good nothing is written but the secrets, which it needs, and
 * which go again if it is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/add/plan.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/conf_batch.h"
#include "ctl/drafts.h"
#include "ctl/follow.h"
#include "ctl/prompt.h"
#include "ctl/service.h"
#include "ctl/show.h"

static int
open_batch(struct plan *p)
{
	char *main_file = service_main_file(p->o, p->conf);
	struct error err;

	if (main_file == NULL)
		return EXIT_USAGE;
	p->batch = conf_batch_new(main_file);
	free(main_file);
	if (conf_batch_may_write(p->batch, &err) == 0)
		return EXIT_OK;
	say_error(err.msg);
	return EXIT_DENIED;
}

/* It must not be there yet, in whatever file. */
static int
check_new(const struct plan *p)
{
	char *path = client_path(API_PATH_CERT, p->name), *file, *text;
	const struct client_request request = {
		.socket = p->o->socket, .method = "GET", .path = path,
	};
	struct client_reply reply;
	struct error err;
	int code = EXIT_OK;

	if (client_call(&request, &reply, &err) == -1) {
		say_error(err.msg);
		code = ask_exit_code(&err);
	} else {
		if (reply.status == 200) {
			file = show_str(reply.body, "file", "?");
			text = xasprintf("certificate \"%s\" is configured "
			    "already, in %s:%lld; change it there, or: "
			    "acmectl edit %s", p->name, file,
			    (long long)jsonx_int(reply.body, "line", 0),
			    p->name);
			say_error(text);
			free(text);
			free(file);
			code = EXIT_REFUSED;
		}
		client_reply_clear(&reply);
	}
	free(path);
	return code;
}

static int
make_plan(struct plan *p)
{
	int code = plan_names(p);

	if (code == EXIT_OK)
		code = service_configuration(p->o, &p->conf);
	if (code == EXIT_OK)
		code = open_batch(p);
	if (code == EXIT_OK)
		code = check_new(p);
	if (code == EXIT_OK)
		code = plan_account(p);
	if (code == EXIT_OK)
		code = plan_challenge(p);
	if (code == EXIT_OK)
		code = plan_deploy(p);
	if (code == EXIT_OK)
		plan_certificate(p);
	return code;
}

/* What a refused check leaves to be said. */
static int
nothing_written(const struct plan *p, int code)
{
	if (code == EXIT_FINDINGS)
		say_error("nothing was written; fix what failed and "
		    "repeat the command, or add --force");
	else if (code != EXIT_INTERRUPTED && !p->o->json)
		say_error("nothing was written");
	return code;
}

/* As it would be with the new files. */
static int
check(const struct plan *p)
{
	json_t *body = json_pack("{s:[s], s:o}", "names", p->name, "files",
	    drafts_json(p->batch));
	size_t failures = 0;
	int code = follow_check(p->o, body, &failures, NULL);

	json_decref(body);
	/* A deploy target that fails keeps nobody from a certificate. */
	if (code == EXIT_FINDINGS && (failures == 0 || p->o->force))
		code = EXIT_OK;
	return code;
}

static void
say_where(const struct plan *p)
{
	char *path = client_path(API_PATH_CERT, p->name), *dir, *text;
	struct client_reply reply;

	if (ask_get(p->o, path, &reply) == EXIT_OK) {
		dir = show_str(reply.body, "live_dir", "?");
		text = xasprintf("The certificate is %s/fullchain.pem, its "
		    "key %s%s; acmed renews it from now on. "
		    "Configured in %s.", dir, p->csr != NULL ? "where its "
		    "request was made" : dir, p->csr != NULL ? "" :
		    "/privkey.pem", conf_batch_path(p->batch,
		    0) != NULL ? drafts_last(p->batch) : "?");
		term_wrap(&p->o->out, TERM_PLAIN, 0, 0, text);
		free(text);
		free(dir);
		client_reply_clear(&reply);
	}
	free(path);
}

/* The daemon has what was written; how it goes on is not looked at. */
static int
reload(const struct plan *p)
{
	const struct client_request request = {
		.socket = p->o->socket, .method = "POST",
		.path = API_PATH_RELOAD,
	};
	struct client_reply reply;
	int code = ask(p->o, &request, &reply);

	if (code != EXIT_OK)
		return code;
	if (p->o->json)
		print_json(p->o, reply.body, JSON_COMPACT);
	else
		(void)fprintf(p->o->out.out, "started: %s\n", p->name);
	client_reply_clear(&reply);
	return EXIT_OK;
}

static int
issue(const struct plan *p)
{
	const char *names[] = { p->name };
	struct options o = *p->o;
	json_t *body = json_pack("{s:[s]}", "follow", p->name);
	const struct client_request request = {
		.socket = o.socket, .method = "POST",
		.path = API_PATH_RELOAD, .body = body,
	};
	char *text;
	int code;

	o.names = names;
	o.n_names = 1;
	code = follow_events(&o, &request, 1, "first issue");
	json_decref(body);
	if (code == EXIT_OK && !o.json)
		say_where(p);
	if (code == EXIT_FAILED) {
		text = xasprintf("%s stays configured, and acmed tries "
		    "again; see: acmectl status %s; to give it up: "
		    "acmectl remove %s", p->name, p->name, p->name);
		say_error(text);
		free(text);
	}
	return code;
}

/* The files are there; is it in force? */
static int
reload_and_issue(struct plan *p)
{
	int code = p->o->no_wait ? reload(p) : issue(p);

	/* It was refused, or could not be asked. */
	if (code != EXIT_OK && code != EXIT_FAILED &&
	    code != EXIT_INTERRUPTED) {
		conf_batch_undo(p->batch);
		allow_undo(&p->allowed);
		drafts_reload_quietly(p->o);
		say_error("the new files were removed again");
	}
	return code;
}

/* Let the unit's sandbox and polkit allow what was chosen. */
static int
allow(struct plan *p)
{
	struct error err;
	int rc = 0;

	if (!allow_is_possible(p->o))
		return EXIT_OK;
	for (size_t i = 0; rc == 0 && p->units != NULL &&
	    p->units[i] != NULL; i++)
		rc = allow_unit(p->o, &p->allowed, p->units[i], "reload",
		    "acmectl add", &err);
	if (rc == 0 && p->webroot != NULL)
		rc = allow_webroot(p->o, &p->allowed, p->webroot, p->name,
		    "acmectl add", &err);
	if (rc == 0)
		rc = allow_apply(&p->allowed, &err);
	if (rc == 0)
		return EXIT_OK;
	say_error(err.msg);
	allow_undo(&p->allowed);
	return EXIT_FAILED;
}

/* Everything that is taken back if the check is not good. */
static int
try_plan(struct plan *p)
{
	struct error err;
	int code = allow(p);

	if (code != EXIT_OK)
		return nothing_written(p, code);
	if (conf_batch_write_secrets(p->batch, &err) == -1) {
		say_error(err.msg);
		code = EXIT_FAILED;
	} else {
		code = check(p);
		if (code == EXIT_OK && conf_batch_write(p->batch, &err) ==
		    -1) {
			say_error(err.msg);
			code = EXIT_FAILED;
		}
	}
	if (code == EXIT_OK)
		return EXIT_OK;
	conf_batch_undo(p->batch);
	allow_undo(&p->allowed);
	return nothing_written(p, code);
}

int
cmd_add(const struct options *o)
{
	struct plan p = { .o = o,
	    .can_ask = prompt_is_possible() && !o->json };
	int code = make_plan(&p);

	if (code == EXIT_OK)
		code = try_plan(&p);
	if (code == EXIT_OK)
		code = reload_and_issue(&p);
	plan_clear(&p);
	return code;
}
