/* SPDX-License-Identifier: MIT */
#include "daemon/rest/scheme_oauth.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/rest/rest.h"

#define MARGIN_S 300			/* more than the longest call */
#define LIFE_S 3600			/* if they do not say */

bool
oauth_is_fresh(const struct oauth *o, struct oauth_use *use)
{
	use->is_old = use->has_token = o->token[0] != '\0' &&
	    clock_now() < o->until;
	return use->has_token;
}

/* A number, or as some have it a string of digits. */
long
oauth_life(const struct rest_answer *a)
{
	char text[16];
	struct error ignored;
	long n = LIFE_S;

	if (jsonx_copy_str(a->json, "expires_in", text, sizeof(text),
	    &ignored) == 0)
		n = strtol(text, NULL, 10);
	return n < 0 ? 0 : n > 86400 ? 86400 : n;
}

const char *
oauth_token(const struct rest_answer *a, struct error *err)
{
	const char *token = jsonx_str(a->json, "access_token");

	if (token != NULL && token[0] != '\0' &&
	    strlen(token) < sizeof(((struct oauth *)NULL)->token))
		return token;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the token service's answer has no access_token");
	return NULL;
}

bool
oauth_take(struct oauth *o, struct oauth_use *use, const char *token)
{
	if (token == NULL)
		return false;
	o->until = 0;
	*use = (struct oauth_use){ .has_token = text_printf(o->token,
	    sizeof(o->token), "%s", token) };
	return use->has_token;
}

int
oauth_read(struct oauth *o, struct oauth_use *use,
    const struct rest_answer *a, struct error *err)
{
	const char *token = oauth_token(a, err);

	o->until = 0;
	if (token == NULL)
		return -1;
	(void)text_printf(o->token, sizeof(o->token), "%s", token);
	o->until = clock_now() + oauth_life(a) - MARGIN_S;
	use->has_token = true;
	return 0;
}

void
oauth_prepare(const struct oauth *o, const struct oauth_use *use,
    struct preq *rq)
{
	if (use->has_token)
		preq_token(rq, "Bearer", o->token);
}

void
oauth_failed(struct oauth *o, const struct oauth_use *use,
    const struct rest_answer *a, struct error *err)
{
	const char *error = jsonx_str(a->json, "error");
	const char *words = jsonx_str(a->json, "error_description");

	if (use->has_token) {
		if (a->status == 401 && use->is_old) {
			o->until = 0;
			err->kind = ERR_TRANSIENT;
		}
		return;
	}
	if (error == NULL || a->status >= 500 || a->status == 429)
		return;
	(void)error_set(err, ERR_CONFIG, "provider:credentials",
	    "HTTP %d: %s%s%s", a->status, error, words == NULL ? "" : ": ",
	    words == NULL ? "" : words);
	rest_blame_clock(a, err);
}
