/* SPDX-License-Identifier: MIT */
/* acmectl import: read, ask the daemon, show, and carry out. */
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/allow.h"
#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/conf_batch.h"
#include "ctl/import/files.h"
#include "ctl/import/import.h"
#include "ctl/import/prepare.h"
#include "ctl/import/readers.h"
#include "ctl/import/report.h"
#include "ctl/import/switch.h"
#include "ctl/prompt.h"
#include "ctl/service.h"
#include "ctl/show.h"

static const struct program {
	const char	*name, *dir;	/* where it keeps its files; ~: $HOME */
	reader_fn	*read;
} programs[] = {
	{ "certbot", "/etc/letsencrypt", read_certbot },
	{ "acme.sh", "~/.acme.sh", read_acmesh },
	{ "lego", ".lego", read_lego },
	{ "dehydrated", "/var/lib/dehydrated", read_dehydrated },
	{ "uacme", "/etc/ssl/uacme", read_uacme },
	{ "caddy", "/var/lib/caddy/.local/share/caddy", read_caddy },
};

enum { N_PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static const struct program *
find_program(const char *name)
{
	char *list = xstrdup(""), *longer;

	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (strcmp(programs[i].name, name) == 0) {
			free(list);
			return &programs[i];
		}
		longer = xasprintf("%s%s%s", list, i > 0 ? ", " : "",
		    programs[i].name);
		free(list);
		list = longer;
	}
	longer = xasprintf("cannot import from \"%s\"; from: %s", name, list);
	say_error(longer);
	free(longer);
	free(list);
	return NULL;
}

/* --- carry out --- */

/* One POST; NULL, or what went wrong, on the heap. */
static char *
post(const struct options *o, const char *path, json_t *body /* taken */)
{
	const struct client_request request = { .socket = o->socket,
	    .method = "POST", .path = path, .body = body };
	struct client_reply reply;
	struct error err;
	char *msg = NULL;

	if (client_call(&request, &reply, &err) == -1) {
		json_decref(body);
		return xstrdup(err.msg);
	}
	json_decref(body);
	if (reply.status != 200) {
		msg = show_error(json_object_get(reply.body, "error"));
		if (msg == NULL)
			msg = xstrdup("acmed refuses it");
	}
	client_reply_clear(&reply);
	return msg;
}

/*
 * Accounts first, then certificates: what is in the configuration without
 * them would be registered and ordered anew.
 */
static void
hand_over(const struct options *o, struct import *plan)
{
	for (size_t i = 0; i < plan->n_accounts; i++) {
		struct import_account *a = &plan->accounts[i];

		if (!a->is_used || a->name == NULL ||
		    (a->pem == NULL && a->jwk == NULL))
			continue;
		free(a->refused);
		a->refused = post(o, API_PATH_IMPORT_ACCOUNT,
		    prepare_account(a, false));
	}
	for (size_t i = 0; i < plan->n_certs; i++) {
		struct import_cert *c = &plan->certs[i];
		const char *refused = c->account == IMPORT_NONE ? NULL :
		    plan->accounts[c->account].refused;
		char *msg;

		if (c->skipped != NULL)
			continue;
		msg = refused != NULL ? xasprintf("its account: %s", refused) :
		    post(o, API_PATH_IMPORT_CERT, prepare_cert(plan, c,
		    false));
		if (msg != NULL) {
			char *text = xasprintf("%s is not imported: %s",
			    c->name, msg);

			say_error(text);
			import_skip(c, "%s", msg);
			free(text);
		}
		free(msg);
	}
}

/* The daemon reads what was written; 0, or -1 and it is told. */
static int
reload(const struct options *o)
{
	char *msg = post(o, API_PATH_RELOAD, NULL);

	if (msg == NULL)
		return 0;
	say_error(msg);
	free(msg);
	return -1;
}

static int
install(const struct options *o, struct import *plan,
    const char *main_file)
{
	struct conf_batch *b = files_batch(plan, main_file);
	char *lines = NULL;
	struct error err;
	int rc = files_write_hooks(plan, main_file, &err);

	if (rc == 0) {
		rc = conf_batch_install(b, &lines, &err);
		if (rc == -1)
			files_remove_hooks(plan, main_file);
	}
	if (rc == -1) {
		if (lines != NULL)
			(void)fputs(lines, stderr);
		say_error(err.msg);
	} else if (reload(o) == -1) {
		conf_batch_undo(b);
		files_remove_hooks(plan, main_file);
		rc = -1;
	}
	if (rc == -1)
		say_error("nothing was added to the configuration; acmed keeps "
		    "the keys and certificates that it has imported, and uses "
		    "them when you try again");
	free(lines);
	conf_batch_free(b);
	return rc;
}

static int
allow_cert(const struct options *o, const struct import_cert *c,
    struct allowed *a, struct error *err)
{
	const char *name, *by = "acmectl import";
	const json_t *way;
	int rc = 0;

	if (c->is_http && c->webroot != NULL)
		rc = allow_webroot(o, a, c->webroot, c->name, by, err);
	json_object_foreach(c->ways, name, way) {
		char *file;

		if (rc == -1 || json_string_value(way) == NULL)
			continue;
		file = xasprintf("%s-%s", c->name, name);
		rc = allow_webroot(o, a, json_string_value(way), file, by,
		    err);
		free(file);
	}
	for (size_t i = 0; rc == 0 && i < c->n_deploys; i++) {
		const struct import_deploy *d = &c->deploys[i];

		if (d->step == IMPORT_RELOAD || d->step == IMPORT_RESTART)
			rc = allow_unit(o, a, d->text, d->step ==
			    IMPORT_RELOAD ? "reload" : "restart", by, err);
	}
	return rc;
}

/* As `acmectl add` does; what is imported stays if it fails. */
static int
allow(const struct options *o, const struct import *plan)
{
	struct allowed a = { 0 };
	struct error err;
	int rc = 0;

	if (!plan->opens_webroots)
		return 0;
	for (size_t i = 0; rc == 0 && i < plan->n_certs; i++) {
		if (plan->certs[i].skipped == NULL)
			rc = allow_cert(o, &plan->certs[i], &a, &err);
	}
	if (rc == 0)
		rc = allow_apply(&a, &err);
	if (rc == -1) {
		say_error(err.msg);
		say_error("acmectl check shows what acmed is not allowed to do "
		    "yet");
	}
	allow_clear(&a);
	return rc;
}

static int
carry_out(const struct options *o, struct import *plan, const char *main_file)
{
	size_t left;
	int rc;

	/* All of it was imported before. */
	if (report_count(plan) == 0)
		return switch_off(o, plan) == 0 ? EXIT_OK : EXIT_FAILED;
	hand_over(o, plan);
	left = report_left(plan);
	if (report_count(plan) == 0)
		return EXIT_FAILED;
	if (install(o, plan, main_file) == -1)
		return EXIT_FAILED;
	rc = allow(o, plan);
	if (!o->json)
		(void)fprintf(o->out.out, "Imported %zu certificate%s; see: "
		    "acmectl status\n", report_count(plan),
		    report_count(plan) == 1 ? "" : "s");
	if (o->switch_over && left > 0)
		say_error("the other program stays enabled, because it still "
		    "renews what was not imported");
	else if (o->switch_over && switch_off(o, plan) == -1)
		return EXIT_FAILED;
	return left > 0 || rc == -1 ? EXIT_FAILED : EXIT_OK;
}

/* Shall it be done?  If not, *code is how to exit. */
static bool
is_wanted(const struct options *o, const struct import *plan, int *code)
{
	bool only_switch = report_count(plan) == 0;

	*code = EXIT_OK;
	if (only_switch && report_left(plan) > 0)
		*code = EXIT_FAILED;
	if (o->dry_run || (only_switch && (report_left(plan) > 0 ||
	    !o->switch_over)))
		return false;
	if (o->yes)
		return true;
	if (prompt_is_possible())
		return prompt_yes(only_switch ? "Switch it off" :
		    "Import this", false);
	say_error(only_switch ? "nothing was changed; --yes switches it off" :
	    "nothing was changed; --yes imports this");
	return false;
}

static void
show(const struct options *o, const struct import *plan,
    const char *main_file)
{
	struct conf_batch *b = files_batch(plan, main_file);
	json_t *j;

	if (o->json) {
		j = report_json(plan, b, main_file);
		print_json(o, j, JSON_INDENT(2));
		json_decref(j);
	} else {
		report_print(o, plan, b, main_file);
	}
	conf_batch_free(b);
}

/* Where the program keeps its files by default; the caller frees. */
static char *
default_dir(const struct program *p)
{
	const char *home = getenv("HOME");

	return p->dir[0] == '~' ? xasprintf("%s%s", home != NULL ? home :
	    "/root", p->dir + 1) : xstrdup(p->dir);
}

int
cmd_import(const struct options *o)
{
	const struct program *p = find_program(o->names[0]);
	struct reader_args args = { .provider = o->provider,
	    .webroot = o->webroot, .dns = o->dns, .env_file = o->env_file,
	    .directory = o->directory };
	struct import plan = { .program = o->names[0],
	    .opens_webroots = allow_is_possible(o),
	    .allows_units = allow_is_possible(o) && allow_has_polkit() };
	char *dir, *main_file = NULL;
	struct error err;
	int code;

	if (p == NULL)
		return EXIT_USAGE;
	dir = o->n_names > 1 ? xstrdup(o->names[1]) : default_dir(p);
	args.dir = dir;
	if (o->provider != NULL)
		plan.provider = xstrdup(o->provider);
	if (p->read(&plan, &args, &err) == -1) {
		say_error(err.msg);
		code = EXIT_FAILED;
	} else if ((code = prepare(o, &plan)) == EXIT_OK) {
		main_file = service_main_file(o, plan.config);
		code = EXIT_USAGE;
		if (main_file != NULL) {
			show(o, &plan, main_file);
			if (is_wanted(o, &plan, &code))
				code = carry_out(o, &plan, main_file);
		}
	}
	free(main_file);
	import_clear(&plan);
	free(dir);
	return code;
}
