/* SPDX-License-Identifier: MIT */
#include "ctl/add/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/prompt.h"

#define UNIT_END ".service"

char *
plan_comment(const struct plan *p, const char *what)
{
	char when[TEXT_TIME_MAX];

	return xasprintf("Written by acmectl add on %.10s: %s.\n"
	    "It is yours to change; then: acmectl reload",
	    text_time(clock_now(), when), what);
}

static void
append(char ***list, char *word /* taken */)
{
	size_t n = 0;

	while (*list != NULL && (*list)[n] != NULL)
		n++;
	*list = xreallocarray(*list, n + 2, sizeof(**list));
	(*list)[n] = word;
	(*list)[n + 1] = NULL;
}

static void
list_free(char **list)
{
	for (char **s = list; s != NULL && *s != NULL; s++)
		free(*s);
	free(list);
}

static int
add_name(struct plan *p, const char *word)
{
	char name[DNAME_SIZE];
	struct error err;

	if (!address_normalize(word, name) &&
	    dname_normalize(word, true, true, name, &err) == -1) {
		say_error(err.msg);
		return EXIT_USAGE;
	}
	append(&p->names, xstrdup(name));
	return EXIT_OK;
}

/* From one line, with blanks or commas between. */
static int
ask_names(struct plan *p)
{
	char *line, *rest, *word;
	int code = EXIT_OK;

	while (p->names == NULL && code == EXIT_OK) {
		line = prompt_line("Names of the certificate, such as "
		    "example.com www.example.com", "");
		if (line == NULL)
			return EXIT_USAGE;
		rest = line;
		while (code == EXIT_OK &&
		    (word = strsep(&rest, " ,\t")) != NULL) {
			if (*word != '\0')
				code = add_name(p, word);
		}
		free(line);
	}
	return code;
}

/* The request is read by acmed.  "/home/me/web.csr" is called web. */
static int
use_csr(struct plan *p)
{
	const char *path = p->o->csr, *base = strrchr(path, '/'), *dot;
	struct error err;

	if (p->o->key != NULL) {
		say_error("--key is not for a certificate with --csr: its "
		    "key was made already");
		return EXIT_USAGE;
	}
	p->csr = realpath(path, NULL);
	if (p->csr == NULL) {
		(void)error_errno(&err, "%s", path);
		say_error(err.msg);
		return EXIT_USAGE;
	}
	base = base != NULL ? base + 1 : path;
	dot = strrchr(base, '.');
	if (p->names == NULL)
		p->name = dot != NULL && dot > base ? xstrndup(base,
		    (size_t)(dot - base)) : xstrdup(base);
	if (p->names == NULL)
		p->names = xcalloc(1, sizeof(*p->names));
	return EXIT_OK;
}

int
plan_names(struct plan *p)
{
	const struct options *o = p->o;
	struct error err;
	int code = EXIT_OK;

	for (size_t i = 0; i < o->n_names && code == EXIT_OK; i++)
		code = add_name(p, o->names[i]);
	if (code == EXIT_OK && o->csr != NULL)
		code = use_csr(p);
	else if (code == EXIT_OK && o->n_names == 0) {
		if (!p->can_ask) {
			say_error("for which names? acmectl add NAME...");
			return EXIT_USAGE;
		}
		code = ask_names(p);
	}
	if (code != EXIT_OK)
		return code;
	if (o->cert_name != NULL)
		xstrset(&p->name, o->cert_name);
	else if (p->name == NULL)
		p->name = xstrdup(dname_base(p->names[0]));
	if (object_name_check(p->name, &err) == -1) {
		say_error(err.msg);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* "nginx" is short for nginx.service. */
static void
add_unit(struct plan *p, const char *word)
{
	const char *dot = strrchr(word, '.');
	static const char *const ends[] = { ".service", ".socket", ".target",
	    ".timer", ".path", ".mount" };

	for (size_t i = 0; dot != NULL &&
	    i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(dot, ends[i]) == 0) {
			append(&p->units, xstrdup(word));
			return;
		}
	}
	append(&p->units, xasprintf("%s" UNIT_END, word));
}

int
plan_deploy(struct plan *p)
{
	const struct options *o = p->o;
	char *unit;

	for (size_t i = 0; o->reload != NULL && o->reload[i] != NULL; i++)
		add_unit(p, o->reload[i]);
	/* Who has said how the names are proved has said all. */
	if (!p->can_ask || o->reload != NULL || o->verify != NULL ||
	    o->challenge != NULL || o->webroot != NULL || o->provider != NULL)
		return EXIT_OK;
	unit = prompt_line("Service to reload after each renewal, such as "
	    "nginx (Enter: none)", "");
	if (unit == NULL)
		return EXIT_USAGE;
	if (*unit != '\0')
		add_unit(p, unit);
	free(unit);
	return EXIT_OK;
}

/* "nginx.service" names the target nginx. */
static char *
target_name(const struct plan *p)
{
	char *name;

	if (p->units == NULL)
		return xstrdup("verify");
	name = xstrndup(p->units[0], (size_t)(strrchr(p->units[0], '.') -
	    p->units[0]));
	for (char *s = name; *s != '\0'; s++) {
		if (isalnum((unsigned char)*s) == 0 &&
		    strchr("._-", *s) == NULL)
			*s = '-';
	}
	return name;
}

/* A pair has a comma. */
static void
put_key(struct conf_text *t, const char *key)
{
	const char *comma = key != NULL ? strchr(key, ',') : NULL;
	char *first;

	if (comma == NULL) {
		conf_text_value(t, "key", key);
		return;
	}
	first = xstrndup(key, (size_t)(comma - key));
	conf_text_list(t, "key", (const char *const []){ first, comma + 1,
	    NULL });
	free(first);
}

void
plan_certificate(struct plan *p)
{
	char *comment = plan_comment(p, "a certificate"), *target;
	struct conf_text *t = conf_text_new(comment);

	free(comment);
	conf_text_begin(t, "certificate", p->name);
	conf_text_value(t, "csr", p->csr);
	if (p->names[0] != NULL)
		conf_text_list(t, "names", (const char *const *)p->names);
	conf_text_value(t, "account", p->account);
	conf_text_value(t, "provider", p->provider);
	conf_text_value(t, "challenge", p->challenge);
	conf_text_value(t, "webroot", p->webroot);
	put_key(t, p->o->key);
	conf_text_value(t, "profile", p->o->profile);
	if (p->units != NULL || p->o->verify != NULL) {
		target = target_name(p);
		conf_text_begin(t, "deploy", target);
		conf_text_list(t, "reload", (const char *const *)p->units);
		conf_text_list(t, "verify", p->o->verify);
		conf_text_end(t);
		free(target);
	}
	conf_text_end(t);
	(void)conf_batch_file(p->batch, p->name, conf_text_take(t));
}

void
plan_clear(struct plan *p)
{
	json_decref(p->conf);
	conf_batch_free(p->batch);
	free(p->name);
	free(p->csr);
	list_free(p->names);
	list_free(p->units);
	free(p->account);
	free(p->webroot);
	allow_clear(&p->allowed);
	free(p->provider);
}
