/* SPDX-License-Identifier: MIT */
/* The DNS provider that proves the names, and the section of a new one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/provider_text.h"
#include "ctl/add/plan.h"
#include "ctl/ask.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/prompt.h"
#include "ctl/show.h"

/* --- one option of a new provider --- */

/* "a,b" is a list. */
static void
put_list(struct conf_text *t, const char *key, const char *value)
{
	char *copy = xstrdup(value), *rest = copy, *word;
	const char **list = xcalloc(strlen(value) + 2, sizeof(*list));
	size_t n = 0;

	while ((word = strsep(&rest, ", ")) != NULL) {
		if (*word != '\0')
			list[n++] = word;
	}
	conf_text_list(t, key, list);
	free(list);
	free(copy);
}

static void
put(struct conf_text *t, const json_t *option, const char *value)
{
	const char *name = jsonx_str(option, "name");
	const char *type = jsonx_str(option, "type");

	if (type != NULL && strcmp(type, "list") == 0)
		put_list(t, name, value);
	else
		conf_text_value(t, name, value);
}

/* The secret goes into a file of acmed's. */
static void
put_secret(struct plan *p, struct conf_text *t, const json_t *option,
    const char *secret)
{
	const char *name = jsonx_str(option, "name");
	char *file = xasprintf("%s-%s", p->provider, name);
	char *key = xasprintf("%s_file", name);

	conf_text_value(t, key, conf_batch_secret(p->batch, file, secret));
	free(key);
	free(file);
}

/* The value given with --option NAME=VALUE, or NULL. */
static const char *
given(const struct options *o, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; o->option != NULL && o->option[i] != NULL; i++) {
		if (strncmp(o->option[i], name, len) == 0 &&
		    o->option[i][len] == '=')
			return o->option[i] + len + 1;
	}
	return NULL;
}

/* One line of standard input: NAME_file=- */
static int
read_secret(struct plan *p, struct conf_text *t, const json_t *option)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, stdin);

	while (n > 0 && strchr("\r\n", line[n - 1]) != NULL)
		line[--n] = '\0';
	if (n > 0)
		put_secret(p, t, option, line);
	freezero(line, size);
	if (n > 0)
		return EXIT_OK;
	say_error("standard input is empty: the secret is missing");
	return EXIT_USAGE;
}

/* 1: given, and taken; 0: not given; -1: it cannot be taken so. */
static int
take_given(struct plan *p, struct conf_text *t, const json_t *option)
{
	const char *name = jsonx_str(option, "name");
	const char *value = given(p->o, name);
	char *key, *text;
	int taken = 0;

	if (!jsonx_bool(option, "secret", false)) {
		if (value != NULL)
			put(t, option, value);
		return value != NULL;
	}
	if (value != NULL) {
		text = xasprintf("--option %s=... would show the secret to "
		    "everybody on this machine: write it into a file and use "
		    "--option %s_file=PATH, or --option %s_file=- and give it "
		    "on standard input", name, name, name);
		say_error(text);
		free(text);
		return -1;
	}
	key = xasprintf("%s_file", name);
	value = given(p->o, key);
	if (value != NULL && strcmp(value, "-") == 0) {
		taken = read_secret(p, t, option) == EXIT_OK ? 1 : -1;
	} else if (value != NULL) {
		conf_text_value(t, key, value);
		taken = 1;
	}
	free(key);
	return taken;
}

/* How far the questions about a new provider have come. */
struct asked {
	bool		 has_secret;	/* other ways of logging in are not
					   asked for */
	bool		 has_skipped;	/* the first way was refused */
};

/* Is a person to be asked for it? */
static bool
is_asked(const struct asked *a, const json_t *option)
{
	if (jsonx_bool(option, "required", false))
		return true;
	if (jsonx_bool(option, "secret", false))
		return !a->has_secret;
	/* A way of logging in that is not the first may need more. */
	return a->has_skipped && !a->has_secret &&
	    jsonx_str(option, "default") == NULL;
}

/* The secret, or the path of a file that has it. */
static void
take_secret(struct plan *p, struct conf_text *t, const json_t *option,
    const char *answer)
{
	char *key;

	if (answer[0] != '/' || access(answer, F_OK) == -1) {
		put_secret(p, t, option, answer);
		return;
	}
	key = xasprintf("%s_file", jsonx_str(option, "name"));
	conf_text_value(t, key, answer);
	free(key);
}

/* 0, or -1 at the end of the input. */
static int
ask_option(struct plan *p, struct conf_text *t, const json_t *option,
    struct asked *asked)
{
	bool is_secret = jsonx_bool(option, "secret", false);
	bool is_required = jsonx_bool(option, "required", false);
	char *help, *question, *answer = NULL;

	if (!is_asked(asked, option))
		return 0;
	help = show_str(option, "help", "");
	question = xasprintf("%s - %s%s%s", jsonx_str(option, "name"), help,
	    is_secret ? "; or a file's path" : "",
	    is_required ? "" : " (Enter: not used)");
	free(help);
	do {
		freezero_str(answer);
		answer = is_secret ? prompt_secret(question) :
		    prompt_line(question, "");
	} while (answer != NULL && *answer == '\0' && is_required);
	free(question);
	if (answer == NULL)
		return -1;
	if (*answer == '\0')
		asked->has_skipped |= is_secret;
	else if (is_secret)
		take_secret(p, t, option, answer);
	else
		put(t, option, answer);
	asked->has_secret |= is_secret && *answer != '\0';
	freezero_str(answer);
	return 0;
}

static bool
is_known_option(const json_t *options, const char *given_text)
{
	size_t len = strcspn(given_text, "="), end = strlen("_file");
	char *name = xstrndup(given_text, len);
	bool is_known = jsonx_named(options, name) != NULL;

	if (!is_known && len > end && strcmp(name + len - end, "_file") == 0) {
		name[len - end] = '\0';
		is_known = jsonx_bool(jsonx_named(options, name), "secret",
		    false);
	}
	free(name);
	return is_known && given_text[len] == '=';
}

/* Does the provider's type know every option that was given? */
static int
check_given(const struct plan *p, const json_t *type)
{
	const json_t *options = json_object_get(type, "options");
	const char *const *list = p->o->option;
	char *text;

	for (; list != NULL && *list != NULL; list++) {
		if (is_known_option(options, *list))
			continue;
		text = strchr(*list, '=') == NULL ? xasprintf("--option %s: "
		    "write it as NAME=VALUE", *list) : xasprintf("provider "
		    "type \"%s\" has no option %.*s; see: acmectl providers "
		    "%s", jsonx_str(type, "name"), (int)strcspn(*list, "="),
		    *list, jsonx_str(type, "name"));
		say_error(text);
		free(text);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* --- a new provider --- */

static char *
new_name(const struct plan *p, const char *type)
{
	const json_t *providers = json_object_get(p->conf, "providers");
	char *name = xstrdup(type);

	for (unsigned n = 2; jsonx_named(providers, name) != NULL; n++) {
		free(name);
		name = xasprintf("%s-%u", type, n);
	}
	return name;
}

static int
new_provider(struct plan *p, const json_t *type)
{
	const char *type_name = jsonx_str(type, "name");
	char *comment = plan_comment(p, "a DNS provider"), *file;
	struct asked asked = { .has_secret = false };
	struct conf_text *t;
	const json_t *option;
	int code = check_given(p, type);
	size_t i;

	if (code != EXIT_OK) {
		free(comment);
		return code;
	}
	p->provider = new_name(p, type_name);
	t = conf_text_new(comment);
	free(comment);
	conf_text_begin(t, "provider", p->provider);
	conf_text_value(t, "type", type_name);
	json_array_foreach(json_object_get(type, "options"), i, option) {
		int taken = take_given(p, t, option);

		if (taken == -1 || (taken == 0 && p->can_ask &&
		    p->o->option == NULL &&
		    ask_option(p, t, option, &asked) == -1))
			code = EXIT_USAGE;
		if (code != EXIT_OK)
			break;
	}
	conf_text_end(t);
	file = xasprintf("provider-%s", p->provider);
	if (code == EXIT_OK)
		(void)conf_batch_file(p->batch, file, conf_text_take(t));
	else
		free(conf_text_take(t));
	free(file);
	return code;
}

int
plan_use_provider(struct plan *p, const char *word)
{
	char *path;
	struct client_reply reply;
	int code;

	if (jsonx_named(json_object_get(p->conf, "providers"), word) != NULL) {
		p->provider = xstrdup(word);
		return EXIT_OK;
	}
	path = client_path(API_PATH_PROVIDER, word);
	code = ask_get(p->o, path, &reply);
	free(path);
	if (code != EXIT_OK)
		return code == EXIT_REFUSED ? EXIT_USAGE : code;
	if (p->can_ask && p->o->option == NULL) {
		char *help = show_str(reply.body, "help", "");

		if (*help != '\0')
			(void)fprintf(stderr, "\n%s\n\n", help);
		free(help);
	}
	code = new_provider(p, reply.body);
	client_reply_clear(&reply);
	return code;
}

static int
list_types(const struct plan *p)
{
	struct client_reply reply;
	int code = ask_get(p->o, API_PATH_PROVIDERS, &reply);
	char *text;

	if (code != EXIT_OK)
		return code;
	text = provider_text(reply.body);
	(void)fputs(text, stderr);
	free(text);
	client_reply_clear(&reply);
	return EXIT_OK;
}

int
plan_ask_provider(struct plan *p)
{
	const json_t *providers = json_object_get(p->conf, "providers"), *one;
	const char *first = jsonx_str(json_array_get(providers, 0), "name");
	int code = EXIT_USAGE;
	char *answer;
	size_t i;

	json_array_foreach(providers, i, one)
		(void)fprintf(stderr, "Configured already: %s (%s)\n",
		    jsonx_str(one, "name"), jsonx_str(one, "type"));
	while (p->provider == NULL) {
		answer = prompt_line("DNS provider (? lists the types)",
		    first != NULL ? first : "");
		if (answer == NULL)
			return EXIT_USAGE;
		code = strcmp(answer, "?") == 0 ? list_types(p) :
		    *answer != '\0' ? plan_use_provider(p, answer) : EXIT_USAGE;
		free(answer);
		if (code != EXIT_OK && code != EXIT_USAGE)
			return code;
		if (code == EXIT_USAGE && p->provider != NULL)
			return code;	/* it was begun, and not answered */
	}
	return code;
}
