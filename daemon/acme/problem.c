/* SPDX-License-Identifier: MIT */
#include "daemon/acme/problem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/acme/refusal.h"

#define URN "urn:ietf:params:acme:error:"

/* Callers put the names of what they did in front. */
#define WRAP_ROOM 256
#define TYPE_MAX 40

/* Every other type is ERR_REJECTED. */
static const struct {
	const char	*type;
	enum err_kind	 kind;
} kinds[] = {
	{ "rateLimited", ERR_RATELIMIT },
	{ "serverInternal", ERR_TRANSIENT },
	{ "badNonce", ERR_TRANSIENT },
	{ "externalAccountRequired", ERR_CONFIG },
	{ "userActionRequired", ERR_CONFIG },
	{ "unauthorized", ERR_CONFIG },
	{ "invalidContact", ERR_CONFIG },
	{ "unsupportedContact", ERR_CONFIG },
	{ "badPublicKey", ERR_CONFIG },
	{ "badSignatureAlgorithm", ERR_CONFIG },
};

struct line {
	char	text[sizeof(((struct error *)0)->msg) - WRAP_ROOM];
	size_t	len;
};

/* false, and nothing is added, if it does not fit. */
static bool __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		l->text[l->len] = '\0';
		return false;
	}
	l->len += (size_t)n;
	return true;
}

/* The type as people know it; "" if there is none. */
static const char *
short_type(const json_t *problem)
{
	const char *type = json_string_value(json_object_get(problem, "type"));

	if (type == NULL || strcmp(type, "about:blank") == 0)
		return "";
	if (strncasecmp(type, URN, strlen(URN)) == 0)
		return type + strlen(URN);
	return type;
}

static bool
is_acme_type(const json_t *problem)
{
	const char *type = json_string_value(json_object_get(problem, "type"));

	return type != NULL && strncasecmp(type, URN, strlen(URN)) == 0;
}

/* Codes are told apart by programs, too: a word that is none is no code. */
static bool
is_word(const char *type)
{
	size_t len = strlen(type);

	return len > 0 && len <= TYPE_MAX && strspn(type,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

static enum err_kind
kind_of(const json_t *problem)
{
	const char *type = short_type(problem);

	for (size_t i = 0; is_acme_type(problem) &&
	    i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	}
	return ERR_REJECTED;
}

/* "compound" says nothing of its own: what all of its parts say. */
static enum err_kind
kind_of_compound(const json_t *problem)
{
	const json_t *subs = json_object_get(problem, "subproblems");
	enum err_kind kind = kind_of(json_array_get(subs, 0));

	for (size_t i = 1; i < json_array_size(subs); i++) {
		if (kind_of(json_array_get(subs, i)) != kind)
			return ERR_REJECTED;
	}
	return kind;
}

/* "TYPE: DETAIL"; max bytes of each at the most. */
static bool
add_problem(struct line *l, const json_t *problem, int max)
{
	const char *type = short_type(problem);
	const char *detail = jsonx_str(problem, "detail");

	if (detail == NULL)
		detail = jsonx_str(problem, "title");
	if (detail == NULL)
		detail = "no reason given";
	return add(l, "%.*s%s%.*s", max, type, type[0] == '\0' ? "" : ": ",
	    max, detail);
}

static bool
add_subproblem(struct line *l, const json_t *sub, bool first)
{
	const char *id = jsonx_str(sub, "identifier.value");
	size_t start = l->len;

	if (add(l, "%s%.300s%s", first ? " (" : "; ", id == NULL ? "" : id,
	    id == NULL ? "" : ": ") && add_problem(l, sub, 400))
		return true;
	l->len = start;
	l->text[start] = '\0';
	return false;
}

static void
add_subproblems(struct line *l, const json_t *subs)
{
	size_t n = json_array_size(subs), i = 0;
	size_t cut = sizeof(l->text) - 32;	/* for "and N more" */

	while (i < n) {
		size_t start = l->len;

		if (!add_subproblem(l, json_array_get(subs, i), i == 0))
			break;
		if (l->len >= cut) {
			l->len = start;
			l->text[start] = '\0';
			break;
		}
		i++;
	}
	if (i < n)
		(void)add(l, "%sand %zu more", i == 0 ? " (" : "; ", n - i);
	if (n > 0)
		(void)add(l, ")");
}

void
problem_read(const json_t *problem, struct error *err)
{
	const char *type = short_type(problem);
	const char *instance = jsonx_str(problem, "instance");
	enum err_kind kind = kind_of(problem);
	struct line l = { "", 0 };
	const char *detail = jsonx_str(problem, "detail");
	char code[sizeof(err->code)];

	if (detail != NULL && refusal_read_paused(detail, err))
		return;
	if (is_acme_type(problem) && is_word(type))
		(void)text_printf(code, sizeof(code), "acme:%s", type);
	else
		(void)text_printf(code, sizeof(code), "acme:other");
	if (is_acme_type(problem) && strcmp(type, "compound") == 0)
		kind = kind_of_compound(problem);
	(void)add_problem(&l, problem, 800);
	/* For userActionRequired: where the person has to go. */
	if (instance != NULL)
		(void)add(&l, " [see %.300s]", instance);
	add_subproblems(&l, json_object_get(problem, "subproblems"));
	(void)error_set(err, kind, code, "%s", l.text);
	if (kind == ERR_RATELIMIT && detail != NULL)
		err->retry_at = refusal_retry_at(detail);
}

#define IDENTIFIERS_MAX 100

char **
problem_identifiers(const json_t *problem)
{
	const json_t *subs = json_object_get(problem, "subproblems");
	char **ids;
	size_t n = 0;

	if (!json_is_array(subs) || json_array_size(subs) == 0)
		return NULL;
	ids = xcalloc(IDENTIFIERS_MAX + 1, sizeof(*ids));
	for (size_t i = 0; i < json_array_size(subs) && n < IDENTIFIERS_MAX;
	    i++) {
		const char *id = jsonx_str(json_array_get(subs, i),
		    "identifier.value");

		if (id != NULL && strlen(id) < DNAME_SIZE)
			ids[n++] = xstrdup(id);
	}
	if (n > 0)
		return ids;
	free(ids);
	return NULL;
}

char **
problem_identifiers_of(const char *body, size_t len)
{
	struct error syntax;
	json_t *problem = jsonx_parse(body, len, &syntax);
	char **ids = problem_identifiers(problem);

	json_decref(problem);
	return ids;
}

/* No problem document: the status, and the first words of the body. */
static void
read_other(int status, const char *body, size_t len, struct error *err)
{
	bool is_passing = status >= 500 || status == 408 || status == 425;
	char code[32];

	(void)text_printf(code, sizeof(code), "acme:http-%d", status);
	if (len > 100)
		len = 100;
	(void)error_set(err, is_passing ? ERR_TRANSIENT : ERR_REJECTED, code,
	    "HTTP status %d%s%.*s%s", status, len == 0 ? "" : ", \"",
	    (int)len, body, len == 0 ? "" : "\"");
}

void
problem_from_reply(int status, const char *body, size_t len, time_t retry_at,
    struct error *err)
{
	struct error syntax;
	json_t *problem = jsonx_parse(body, len, &syntax);

	if (json_is_object(problem) &&
	    (short_type(problem)[0] != '\0' ||
	    jsonx_str(problem, "detail") != NULL))
		problem_read(problem, err);
	else
		read_other(status, body, len, err);
	json_decref(problem);
	/* A problem without a type of its own is as grave as its status. */
	if (err->kind == ERR_REJECTED && strcmp(err->code, "acme:other") == 0 &&
	    status >= 500)
		err->kind = ERR_TRANSIENT;
	/* Time alone does not end a pause. */
	if (strcmp(err->code, "acme:paused") == 0)
		return;
	if (status == 429 || retry_at != 0)
		err->kind = ERR_RATELIMIT;
	if (retry_at != 0)
		err->retry_at = retry_at;
}
