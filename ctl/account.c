/* SPDX-License-Identifier: MIT */
/* acmectl account. */
#include "ctl/account.h"

#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/show.h"

static int
do_list(const struct options *o)
{
	struct client_reply reply;
	int code = ask_get(o, API_PATH_CONF, &reply);
	const json_t *accounts, *one;
	size_t i;

	if (code != EXIT_OK)
		return code;
	accounts = json_object_get(reply.body, "accounts");
	if (o->json)
		print_json(o, accounts, JSON_INDENT(2));
	json_array_foreach(accounts, i, one) {
		char *name = show_str(one, "name", "?");
		char *directory = show_str(one, "directory", "?");
		char *contact = show_list(json_object_get(one, "contact"));

		if (!o->json)
			(void)fprintf(o->out.out, "%-20s %s%s%s\n", name,
			    directory, *contact != '\0' ? "  " : "", contact);
		free(contact);
		free(directory);
		free(name);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

/* What the CA offers, in its own words. */
static void
print_profiles(const struct options *o, const json_t *profiles)
{
	const char *label = "profiles", *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)profiles, name, value) {
		/* Not by show_str(): "." is a letter of a name here. */
		const char *words = json_string_value(value);
		char *line = words == NULL || *words == '\0' ? xstrdup(name) :
		    xasprintf("%s: %s", name, words);

		(void)fprintf(o->out.out, "  %-10s ", label);
		text_clean(line);
		term_wrap(&o->out, TERM_PLAIN, 13, 15, line);
		label = "";
		free(line);
	}
}

void
account_print(const struct options *o, const json_t *account)
{
	static const struct { const char *label, *member; } rows[] = {
		{ "status", "status" },
		{ "directory", "directory" },
		{ "URL", "url" },
	};
	const json_t *list = json_object_get(account, "contact");
	char *contact;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *value = show_str(account, rows[i].member, "?");

		(void)fprintf(o->out.out, "  %-10s ", rows[i].label);
		term_wrap(&o->out, TERM_PLAIN, 13, 13, value);
		free(value);
	}
	print_profiles(o, json_object_get(account, "profiles"));
	if (!json_is_array(list))
		return;
	contact = show_list(list);
	(void)fprintf(o->out.out, "  %-10s %s\n", "contact",
	    *contact != '\0' ? contact : "none");
	free(contact);
}

static int
do_act(const struct options *o)
{
	const char *act = o->names[0];
	struct client_reply reply;
	int code;

	if (strcmp(act, "deactivate") == 0) {
		code = ask_confirm(o, xasprintf("Deactivate account %s for "
		    "good", o->names[1]));
		if (code != EXIT_OK)
			return code;
	}
	code = ask_post(o, API_PATH_ACCOUNTS, json_pack("{s:s, s:s}", "name",
	    o->names[1], "do", act), &reply);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		account_print(o, reply.body);
	if (!o->json && strcmp(act, "register") == 0 &&
	    !jsonx_bool(reply.body, "new", true))
		(void)fputs("  it was registered already\n", o->out.out);
	client_reply_clear(&reply);
	return EXIT_OK;
}

static int
do_export(const struct options *o)
{
	return account_export(o, o->names[1], o->names[2]);
}

static int
do_import(const struct options *o)
{
	return account_import(o, o->names[1], o->names[2]);
}

int
cmd_account(const struct options *o)
{
	static const struct {
		const char	*name;
		size_t		 n_names;
		int		(*run)(const struct options *);
	} acts[] = {
		{ "list", 1, do_list },
		{ "show", 2, do_act },
		{ "register", 2, do_act },
		{ "update", 2, do_act },
		{ "rollover", 2, do_act },
		{ "deactivate", 2, do_act },
		{ "export", 3, do_export },
		{ "import", 3, do_import },
	};

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(o->names[0], acts[i].name) != 0)
			continue;
		if (o->n_names == acts[i].n_names)
			return acts[i].run(o);
		say_error(acts[i].n_names == 1 ? "list goes alone" :
		    acts[i].n_names == 3 ? "wanted: the account and a FILE; "
		    "see: acmectl account --help" : o->n_names < 2 ?
		    "which account? see: acmectl account list" :
		    "there are too many arguments");
		return EXIT_USAGE;
	}
	say_error("allowed: account list; account show, register, update, "
	    "rollover or deactivate NAME; account export or import NAME FILE");
	return EXIT_USAGE;
}
