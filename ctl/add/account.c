/* SPDX-License-Identifier: MIT */
/* Which account, and the section of a new one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "ctl/add/plan.h"
#include "ctl/ask.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/prompt.h"
#include "ctl/show.h"

static const struct {
	const char	*word, *url;
} known[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory" },
	{ "letsencrypt-staging",
	    "https://acme-staging-v02.api.letsencrypt.org/directory" },
};
enum { N_KNOWN = sizeof(known) / sizeof(known[0]) };

/* The word of a CA's directory, or NULL. */
static const char *
word_of(const char *directory)
{
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (strcmp(directory, known[i].word) == 0 ||
		    strcmp(directory, known[i].url) == 0)
			return known[i].word;
	}
	return NULL;
}

static bool
is_same_ca(const char *a, const char *b)
{
	const char *x = word_of(a), *y = word_of(b);

	return x != NULL && y != NULL ? strcmp(x, y) == 0 :
	    strcmp(a, b) == 0;
}

/* The names of accounts, "a, b"; the caller frees. */
static char *
names_of(const json_t *accounts)
{
	json_t *names = json_array();
	const json_t *one;
	char *text;
	size_t i;

	json_array_foreach(accounts, i, one)
		(void)json_array_append(names, json_object_get(one, "name"));
	text = show_list(names);
	json_decref(names);
	return text;
}

/* "ca.example.net" of a URL; the caller frees. */
static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return xstrndup(host, strcspn(host, ":/?#"));
}

static char *
new_name(const struct plan *p, const json_t *accounts, const char *directory)
{
	const char *word = word_of(directory);
	char *base, *name;

	if (p->o->account != NULL)
		return xstrdup(p->o->account);
	base = word != NULL ? xstrdup(word) : host_of(directory);
	name = xstrdup(base);
	for (unsigned n = 2; jsonx_named(accounts, name) != NULL; n++) {
		free(name);
		name = xasprintf("%s-%u", base, n);
	}
	free(base);
	return name;
}

/* Agreeing is the person's to do, not ours. */
static int
agree(const struct plan *p, const char *directory, bool *agreed)
{
	const char *word = word_of(directory);
	char *question;

	*agreed = p->o->agree_tos;
	if (*agreed)
		return EXIT_OK;
	if (p->can_ask) {
		question = word != NULL ? xstrdup("Do you agree to the terms "
		    "of service of Let's Encrypt "
		    "(https://letsencrypt.org/repository/)") :
		    xasprintf("Do you agree to the terms of service of the "
		    "CA at %s", directory);
		*agreed = prompt_yes(question, false);
		free(question);
	}
	if (*agreed || word == NULL)
		return EXIT_OK;
	say_error("Let's Encrypt requires that you agree to its terms of "
	    "service (https://letsencrypt.org/repository/); to agree, add "
	    "--agree-tos");
	return EXIT_USAGE;
}

static int
new_account(struct plan *p, const json_t *accounts, const char *directory)
{
	const struct options *o = p->o;
	char *email = o->email != NULL ? xstrdup(o->email) : NULL, *comment;
	const char *contact[] = { NULL, NULL };
	struct conf_text *t;
	char *url, *file;
	bool agreed;
	int code;

	if (email == NULL && p->can_ask) {
		email = prompt_line("E-mail address for the CA (Enter: none)",
		    "");
		if (email == NULL)
			return EXIT_USAGE;
	}
	code = agree(p, directory, &agreed);
	if (code != EXIT_OK) {
		free(email);
		return code;
	}
	p->account = new_name(p, accounts, directory);
	url = email == NULL || *email == '\0' ? NULL :
	    strchr(email, ':') != NULL ? xstrdup(email) :
	    xasprintf("mailto:%s", email);
	comment = plan_comment(p, "an account at a CA");
	t = conf_text_new(comment);
	contact[0] = url;
	conf_text_begin(t, "account", p->account);
	conf_text_value(t, "directory", directory);
	conf_text_list(t, "contact", url != NULL ? contact : NULL);
	conf_text_bool(t, "agree_tos", agreed);
	conf_text_value(t, "ca_file", o->ca_file);
	conf_text_end(t);
	file = xasprintf("account-%s", p->account);
	(void)conf_batch_file(p->batch, file, conf_text_take(t));
	free(file);
	free(comment);
	free(url);
	free(email);
	return EXIT_OK;
}

/* One of those there are, as a person says. */
static int
ask_account(struct plan *p, const json_t *accounts)
{
	char *names = names_of(accounts), *question, *answer;
	const char *first = jsonx_str(json_array_get(accounts, 0), "name");

	question = xasprintf("Account (%s)", names);
	free(names);
	while ((answer = prompt_line(question, first != NULL ? first : "")) !=
	    NULL && jsonx_named(accounts, answer) == NULL)
		free(answer);
	free(question);
	p->account = answer;
	return answer != NULL ? EXIT_OK : EXIT_USAGE;
}

static int
no_such_account(const json_t *accounts, const char *name)
{
	char *names = names_of(accounts), *text;

	text = xasprintf("no account \"%s\" is configured%s%s; for a new one "
	    "add --directory URL or --staging", name,
	    *names != '\0' ? ", only " : "", names);
	say_error(text);
	free(text);
	free(names);
	return EXIT_USAGE;
}

int
plan_account(struct plan *p)
{
	const json_t *accounts = json_object_get(p->conf, "accounts"), *one;
	const struct options *o = p->o;
	const char *directory = o->directory != NULL ? o->directory :
	    o->staging ? known[1].word : NULL;
	size_t i;

	if (o->directory != NULL && o->staging) {
		say_error("--staging is Let's Encrypt's: not with "
		    "--directory");
		return EXIT_USAGE;
	}
	if (o->account != NULL &&
	    (jsonx_named(accounts, o->account) != NULL || directory == NULL)) {
		if (jsonx_named(accounts, o->account) == NULL)
			return no_such_account(accounts, o->account);
		p->account = xstrdup(o->account);
		return EXIT_OK;
	}
	if (directory == NULL && json_array_size(accounts) == 1) {
		one = json_array_get(accounts, 0);
		p->account = xstrdup(jsonx_str(one, "name"));
		return EXIT_OK;
	}
	json_array_foreach(accounts, i, one) {
		if (directory != NULL && o->account == NULL && is_same_ca(
		    directory, jsonx_str(one, "directory"))) {
			p->account = xstrdup(jsonx_str(one, "name"));
			return EXIT_OK;
		}
	}
	if (directory == NULL && json_array_size(accounts) > 1) {
		if (p->can_ask)
			return ask_account(p, accounts);
		say_error("there are several accounts: select one with "
		    "--account NAME");
		return EXIT_USAGE;
	}
	return new_account(p, accounts, directory != NULL ? directory :
	    known[0].word);
}
