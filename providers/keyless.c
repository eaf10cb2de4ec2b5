/* SPDX-License-Identifier: MIT */
#include "providers/keyless.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

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

void
keyless_clear(struct keyless_call *c)
{
	for (int i = 0; i < PROVIDER_FETCHED_MAX; i++)
		replace(&c->texts[i], NULL);
	for (int i = 0; i < KEYLESS_MEMO; i++)
		replace(&c->memo[i], NULL);
	c->until = 0;
}
