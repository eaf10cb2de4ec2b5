/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/hold_about.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/acme/refusal.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"

/* So often in a row a short wait is believed. */
#define EXACT_TIMES 3

static const char *const kind_texts[HOLD_KIND_END] = {
	[HOLD_DOMAIN] = "domain",
	[HOLD_NAME] = "name",
	[HOLD_NAMES] = "names",
};

/* --- the CA, or the account --- */

bool
hold_is_limit(const struct error *err)
{
	return err->kind == ERR_RATELIMIT &&
	    strncmp(err->code, "acme:", 5) == 0;
}

bool
hold_is_trouble(const struct cert *c, const struct hold_run *run,
    const struct error *err)
{
	if (err->kind == ERR_RATELIMIT || c->step > STEP_ORDER)
		return false;
	return c->step == STEP_ACCOUNT ||
	    ((!run->has_asked || err->kind == ERR_TRANSIENT) &&
	    (strncmp(err->code, "acme:", 5) == 0 ||
	    strncmp(err->code, "http:", 5) == 0));
}

bool
hold_is_own(const struct hold_run *run, const struct error *err)
{
	return run->has_asked && strcmp(err->code, "http:resolve") != 0 &&
	    strcmp(err->code, "http:connect") != 0 &&
	    strcmp(err->code, "http:tls") != 0;
}

/* --- some names --- */

unsigned
hold_n_names(const struct cert *c)
{
	return c->conf != NULL ? c->conf->n_names : 0;
}

/* In any order the same. */
struct hold_about
hold_about_names(const struct cert *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < hold_n_names(c); i++)
		sum += text_hash(TEXT_HASH_BASIS, c->conf->names[i].name);
	return (struct hold_about){ .kind = HOLD_NAMES, .set = sum,
	    .name = "" };
}

/* Has the certificate that name, or one in that domain? */
static bool
has_name(const struct cert *c, const char *name, bool is_domain)
{
	for (unsigned i = 0; i < hold_n_names(c); i++) {
		const char *own = dname_base(c->conf->names[i].name);

		if (is_domain ? dname_is_in(own, name) :
		    strcmp(own, name) == 0)
			return true;
	}
	return false;
}

/* Is the name, or a domain of two labels or more above it, in the text? */
static bool
is_named(const char *text, const char *name)
{
	for (name = dname_base(name); name != NULL && strchr(name, '.') !=
	    NULL; name = dname_parent(name)) {
		if (strcasestr(text, name) != NULL)
			return true;
	}
	return false;
}

bool
hold_about_of(const struct cert *c, const struct error *err,
    char domain[DNAME_SIZE], struct hold_about *out)
{
	enum refusal_about about = refusal_about(err, domain);

	if (strcmp(err->code, HOLD_PAUSED) != 0 && !hold_is_limit(err))
		return false;
	switch (about) {
	case REFUSAL_DOMAIN:
	case REFUSAL_NAME:
		if (!has_name(c, domain, about == REFUSAL_DOMAIN))
			break;
		*out = (struct hold_about){ .kind = about == REFUSAL_DOMAIN ?
		    HOLD_DOMAIN : HOLD_NAME, .name = domain };
		return true;
	case REFUSAL_ACCOUNT:
		/* The words of another CA than Boulder's. */
		for (unsigned i = 0; i < hold_n_names(c) &&
		    strncmp(err->code, "acme:http-", 10) != 0; i++) {
			if (is_named(err->msg, c->conf->names[i].name)) {
				*out = hold_about_names(c);
				return true;
			}
		}
		return false;
	case REFUSAL_NAMES:
		break;
	}
	*out = hold_about_names(c);
	return true;
}

bool
hold_about_read(const char *text, struct hold_about *out)
{
	const char *value = strchr(text, ':');
	char *end;

	for (int i = 0; value != NULL && i < HOLD_KIND_END; i++) {
		size_t len = (size_t)(value - text);

		if (strlen(kind_texts[i]) != len ||
		    memcmp(kind_texts[i], text, len) != 0)
			continue;
		*out = (struct hold_about){ .kind = i, .name = "" };
		value++;
		if (i != HOLD_NAMES) {
			out->name = value;
			return true;
		}
		out->set = strtoull(value, &end, 16);
		return end != value && *end == '\0';
	}
	return false;
}

void
hold_about_print(const struct hold_about *about, char *out, size_t size)
{
	if (about->kind == HOLD_NAMES)
		(void)text_printf(out, size, "%s:%016" PRIx64,
		    kind_texts[about->kind], about->set);
	else
		(void)text_printf(out, size, "%s:%s", kind_texts[about->kind],
		    about->name);
}

/* --- how long --- */

time_t
hold_limit_end(const struct error *err, unsigned times, time_t now)
{
	time_t asked = due_asked(err->retry_at, now);
	time_t until;

	if (strcmp(err->code, HOLD_PAUSED) == 0)
		return STORE_PAUSED_EVER;
	/* A CA that asks for a second each time is not asked each second. */
	if (asked > now && times <= EXACT_TIMES)
		return asked;
	until = due_retry_at(&(struct error){ .kind = ERR_RATELIMIT }, times,
	    now, 0);
	return until < asked ? asked : until;
}

time_t
hold_limit_until(const struct cert *c, const char *code, time_t at,
    time_t until)
{
	struct error told = { .kind = ERR_RATELIMIT, .retry_at = until };

	if (strcmp(code, HOLD_PAUSED) == 0)
		return until;
	(void)text_printf(told.code, sizeof(told.code), "%s", code);
	return due_held_until(&told, at, c->row.serial != NULL ?
	    c->row.not_after : 0);
}

bool
hold_limit_was_told(const struct cert *c)
{
	const struct store_cert *row = &c->row;

	return row->error != NULL && row->failures != 0 &&
	    hold_is_limit(row->error);
}
