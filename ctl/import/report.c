/* SPDX-License-Identifier: MIT */
#include "ctl/import/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/conf_batch.h"
#include "ctl/import/files.h"
#include "ctl/import/import.h"
#include "ctl/show.h"

/* Does acmed have it already? */
static bool
is_done(const struct import_cert *c)
{
	return c->is_there && c->facts != NULL && c->skipped != NULL;
}

size_t
report_count(const struct import *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_certs; i++)
		n += plan->certs[i].skipped == NULL;
	return n;
}

size_t
report_left(const struct import *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_certs; i++)
		n += plan->certs[i].skipped != NULL &&
		    !is_done(&plan->certs[i]);
	return n;
}

/* A line of its own, cleaned, wrapped behind indent spaces. */
static void __attribute__((format(printf, 3, 4)))
line(const struct options *o, int indent, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	text_clean(text);
	(void)fprintf(o->out.out, "%*s", indent, "");
	term_wrap(&o->out, TERM_PLAIN, (size_t)indent, (size_t)indent + 2,
	    text);
	free(text);
}

static void
head(const struct options *o, const char *text)
{
	(void)fputc('\n', o->out.out);
	term_wrap(&o->out, TERM_BOLD, 0, 0, text);
}

static void
print_accounts(const struct options *o, const struct import *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n_accounts; i++) {
		const struct import_account *a = &plan->accounts[i];

		if (!a->is_used || a->name == NULL)
			continue;
		if (!any)
			head(o, "Accounts");
		any = true;
		if (a->pem == NULL && a->jwk == NULL)
			line(o, 2, "%s: %s at %s", a->name, a->is_there ?
			    "the one of acmed.conf" : "a new one",
			    a->directory);
		else
			line(o, 2, "%s: %s, key %s, %s%s%s", a->name,
			    a->directory, a->key, a->kid != NULL ?
			    "registered as " : "found by its key when it is "
			    "first used", a->kid != NULL ? a->kid : "",
			    a->is_there ? "; it is in acmed.conf, but has no "
			    "key yet" : "");
	}
}

static void
print_providers(const struct options *o, const struct import *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n_providers; i++) {
		const struct import_provider *p = &plan->providers[i];

		if (!p->is_used)
			continue;
		if (!any)
			head(o, "DNS providers");
		any = true;
		line(o, 2, "%s: type %s, from %s", p->name, p->type,
		    p->from);
	}
}

/* How its names are proved, and what is done with it. */
static char *
describe(const struct import *plan, const struct import_cert *c)
{
	char *text = c->is_there ? xstrdup("as acmed.conf says") :
	    !c->is_http ? xasprintf("dns-01 by %s", c->provider !=
	    IMPORT_NONE ? plan->providers[c->provider].name :
	    plan->provider) : c->webroot != NULL ?
	    xasprintf("http-01, webroot %s", c->webroot) :
	    xstrdup("http-01, answered by acmed"), *longer;

	for (size_t i = 0; !c->is_there && i < c->n_deploys; i++) {
		static const char *const verbs[] = {
			[IMPORT_RELOAD] = "reload ",
			[IMPORT_RESTART] = "restart ",
			[IMPORT_INSTALL] = "install ",
			[IMPORT_ROOT_HOOKS] = "root hooks",
		};

		longer = xasprintf("%s%s %s%s", text, i == 0 ? "; then" : ",",
		    verbs[c->deploys[i].step], c->deploys[i].text);
		free(text);
		text = longer;
	}
	return text;
}

static void
print_certs(const struct options *o, const struct import *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];
		char when[SHOW_WHEN_MAX], *names, *how;

		if (c->skipped != NULL)
			continue;
		if (!any)
			head(o, "Certificates");
		any = true;
		names = show_list(json_object_get(c->facts, "names"));
		how = describe(plan, c);
		line(o, 2, "%s: %s; valid until %s; %s", c->name, names,
		    show_date((time_t)jsonx_int(c->facts, "not_after", 0),
		    when), how);
		free(how);
		free(names);
	}
}

static void
print_files(const struct options *o, const struct import *plan,
    const struct conf_batch *b, const char *main_file)
{
	const char *path;

	head(o, "Files that will be written");
	for (size_t i = 0; (path = conf_batch_path(b, i)) != NULL; i++)
		line(o, 2, "%s%s", path, conf_batch_text(b, i) == NULL ?
		    " (secret)" : "");
	for (size_t i = 0; i < plan->n_hooks; i++) {
		char *hook = files_hook_path(main_file, plan->hooks[i].name);

		line(o, 2, "%s (run as root, from %s)", hook,
		    plan->hooks[i].from);
		free(hook);
	}
}

/* As run.c will do. */
static void
print_allowed(const struct options *o, const struct import *plan)
{
	json_t *seen = json_object();
	const char *text;
	json_t *what;

	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];

		if (c->skipped != NULL)
			continue;
		if (plan->opens_webroots && c->webroot != NULL)
			(void)json_object_set_new(seen, c->webroot,
			    json_string("write the CA's files into"));
		for (size_t j = 0; plan->allows_units && j < c->n_deploys;
		    j++) {
			enum import_step step = c->deploys[j].step;

			if (step == IMPORT_RELOAD || step == IMPORT_RESTART)
				(void)json_object_set_new(seen,
				    c->deploys[j].text, json_string(step ==
				    IMPORT_RELOAD ? "reload" : "restart"));
		}
	}
	if (json_object_size(seen) > 0)
		head(o, "What acmed will be allowed to");
	json_object_foreach(seen, text, what)
		line(o, 2, "%s %s", json_string_value(what), text);
	json_decref(seen);
}

static void
print_notes(const struct options *o, const struct import *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];

		if (c->skipped == NULL)
			continue;
		if (!any)
			head(o, "Not imported");
		any = true;
		line(o, 2, "%s: %s", c->name, c->skipped);
	}
	any = false;
	for (size_t i = 0; i < plan->n_notes; i++) {
		const struct import_note *n = &plan->notes[i];

		if (!any)
			head(o, "Left for you");
		any = true;
		line(o, 2, "%s%s%s", n->about, *n->about != '\0' ? ": " : "",
		    n->text);
	}
}

void
report_print(const struct options *o, const struct import *plan,
    const struct conf_batch *b, const char *main_file)
{
	line(o, 0, "From %s in %s: %zu certificate%s to import, %zu not.",
	    plan->program, plan->dir, report_count(plan),
	    report_count(plan) == 1 ? "" : "s", report_left(plan));
	print_accounts(o, plan);
	print_providers(o, plan);
	print_certs(o, plan);
	if (report_count(plan) > 0)
		print_files(o, plan, b, main_file);
	print_allowed(o, plan);
	print_notes(o, plan);
	(void)fputc('\n', o->out.out);
}

static json_t *
json_certs(const struct import *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];
		char *how = describe(plan, c);

		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s?, s:O?, s:s?, s:s?}", "name", c->name,
		    "from", c->from, "certificate", c->facts, "how",
		    c->skipped == NULL ? how : NULL, "skipped",
		    c->skipped));
		free(how);
	}
	return list;
}

json_t *
report_json(const struct import *plan, const struct conf_batch *b,
    const char *main_file)
{
	json_t *accounts = json_array(), *providers = json_array(),
	    *files = json_array(), *notes = json_array();
	const char *path;

	for (size_t i = 0; i < plan->n_accounts; i++) {
		const struct import_account *a = &plan->accounts[i];

		if (a->is_used && a->name != NULL)
			(void)json_array_append_new(accounts, json_pack(
			    "{s:s, s:s, s:s?, s:s?}", "name", a->name,
			    "directory", a->directory, "kid", a->kid, "key",
			    a->key));
	}
	for (size_t i = 0; i < plan->n_providers; i++) {
		const struct import_provider *p = &plan->providers[i];

		if (p->is_used)
			(void)json_array_append_new(providers, json_pack(
			    "{s:s, s:s, s:s}", "name", p->name, "type",
			    p->type, "from", p->from));
	}
	for (size_t i = 0; (path = conf_batch_path(b, i)) != NULL; i++)
		(void)json_array_append_new(files, json_string(path));
	for (size_t i = 0; i < plan->n_hooks; i++) {
		char *hook = files_hook_path(main_file, plan->hooks[i].name);

		(void)json_array_append_new(files, json_string(hook));
		free(hook);
	}
	for (size_t i = 0; i < plan->n_notes; i++)
		(void)json_array_append_new(notes, json_pack("{s:s, s:s}",
		    "about", plan->notes[i].about, "text",
		    plan->notes[i].text));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}",
	    "program", plan->program, "dir", plan->dir,
	    "accounts", accounts, "providers", providers,
	    "certificates", json_certs(plan), "files", files,
	    "notes", notes);
}
