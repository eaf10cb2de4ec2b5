/* SPDX-License-Identifier: MIT */
#include "providers/keyless.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"

#define TOKEN_MAX 65536			/* bytes of a pod's */

static void
replace(char **at, const char *text)
{
	char *copy = text == NULL ? NULL : xstrdup(text);

	freezero_str(*at);
	*at = copy;
}

void
keyless_put(struct keyless_call *c, int at, const char *text)
{
	replace(&c->texts[at], text);
}

void
keyless_keep(struct keyless_call *c, int at, const char *text)
{
	replace(&c->memo[at], text);
}

int
keyless_until(struct keyless_call *c, const char *time, struct error *err)
{
	struct tm tm = { 0 };
	const char *end = time == NULL ? NULL :
	    strptime(time, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end == NULL || end[strspn(end, ".0123456789")] != 'Z')
		return error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer does not say how long the credentials last");
	c->until = timegm(&tm);
	if (c->until > clock_now())
		return 0;
	return error_set(err, ERR_TRANSIENT, "provider:credentials",
	    "the credentials ended at %s already; is the clock right?", time);
}

enum rest_next
keyless_word(struct keyless_call *c, int at, const struct rest_answer *a,
    const char *what, struct error *err)
{
	size_t len = strspn(a->body, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.=+/");
	char *word;

	if (len == 0 || len > 1024 ||
	    a->body[len + strspn(a->body + len, "\r\n")] != '\0') {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the metadata service's answer is no %s", what);
		return REST_FAIL;
	}
	word = xstrndup(a->body, len);
	keyless_keep(c, at, word);
	freezero_str(word);
	return REST_NEXT;
}

const char *
keyless_env(const char *name, struct error *err)
{
	const char *text = getenv(name);

	if (text != NULL && *text != '\0')
		return text;
	(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s is not "
	    "in the environment of acmed; set it (Environment= or "
	    "EnvironmentFile= of acmed.service)", name);
	return NULL;
}

/* "a, b, c" */
static void
join(const char *const *words, char *out, size_t size)
{
	size_t n = 0;

	for (out[0] = '\0'; *words != NULL; words++, n = strlen(out))
		(void)text_printf(out + n, size - n, "%s%s", n == 0 ? "" :
		    ", ", *words);
}

int
keyless_check(const struct provider_values *v,
    const struct provider_opt *opts, int source, const char *const *sources,
    const struct keyless_need *needs, struct error *err)
{
	const char *now = provider_str(v, source);
	char allowed[200];
	size_t i = 0;

	while (sources[i] != NULL && strcmp(sources[i], now) != 0)
		i++;
	join(sources, allowed, sizeof(allowed));
	if (sources[i] == NULL)
		return error_set(err, ERR_CONFIG, "config:value", "%s = "
		    "\"%.100s\"; allowed: %s", opts[source].name, now,
		    allowed);
	for (; needs->source != NULL; needs++) {
		const struct provider_opt *o = &opts[needs->opt];
		bool is_given = provider_given(v, needs->opt) != NULL;

		if (strcmp(needs->source, now) != 0 && is_given)
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s is given, but %s = \"%s\"; allowed with "
			    "%s = \"%s\" only", o->name, opts[source].name,
			    now, opts[source].name, needs->source);
		if (strcmp(needs->source, now) == 0 && needs->is_needed &&
		    !is_given)
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s%s%s%s is missing (%s)", o->name, o->secret ?
			    " or " : "", o->secret ? o->name : "", o->secret ?
			    "_file" : "", o->help);
	}
	return 0;
}

const char *
keyless_given_or_env(const struct keyless_call *c, int opt, const char *name,
    struct error *err)
{
	const char *text = provider_str(c->values, opt);

	return text != NULL ? text : keyless_env(name, err);
}

int
keyless_read_token(struct keyless_call *c, int at, const char *path,
    struct error *err)
{
	size_t len;
	char *token;

	if (file_read(AT_FDCWD, path, TOKEN_MAX, &token, &len, err) == -1)
		return -1;
	token[strcspn(token, "\r\n")] = '\0';
	keyless_keep(c, at, token);
	freezero(token, len);
	return 0;
}

int
keyless_check_url(const char *option, const char *url, const char *allowed,
    struct error *err)
{
	if (url == NULL || strncmp(url, "https://", 8) == 0 ||
	    strncmp(url, "http://", 7) == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "%s = \"%.200s\"; "
	    "allowed: %s", option, url, allowed);
}

int
keyless_check_role(const char *role_arn, const char *external_id,
    struct error *err)
{
	if (external_id == NULL || role_arn != NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "external_id is "
	    "given without role_arn, the role that demands it; allowed: both, "
	    "or neither");
}

void
keyless_clear(struct keyless_call *c)
{
	for (int i = 0; i < PROVIDER_FETCHED_MAX; i++)
		replace(&c->texts[i], NULL);
	for (int i = 0; i < KEYLESS_MEMO; i++)
		replace(&c->memo[i], NULL);
	c->until = 0;
}
