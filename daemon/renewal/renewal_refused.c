/* SPDX-License-Identifier: MIT */
/* Which names a CA's refusal of a whole order is about. */
#include <string.h>
#include <strings.h>

#include "common/names.h"
#include "daemon/certs/missing.h"
#include "daemon/renewal/renewal_priv.h"

static bool
is_listed(const char *name, char *const *identifiers)
{
	for (; *identifiers != NULL; identifiers++) {
		if (strcasecmp(*identifiers, name) == 0)
			return true;
	}
	return false;
}

/* The CA may name a wildcard by what it stands for. */
static bool
is_meant(const struct renewal *r, const char *name, char *const *identifiers)
{
	if (is_listed(name, identifiers))
		return true;
	if (!dname_is_wildcard(name) ||
	    !is_listed(dname_base(name), identifiers))
		return false;
	for (unsigned i = 0; i < r->cc->n_names; i++) {
		if (strcmp(r->cc->names[i].name, dname_base(name)) == 0)
			return false;
	}
	return true;
}

/*
 * Boulder's limits of one name have no subproblems, but say it in their text:
 * "too many failed authorizations (5) for "a.example" in the last 1h0m0s",
 * "Your account is temporarily prevented from requesting certificates for
 * a.example and possibly others".  Its other limits name a registered domain,
 * or all names.
 */
static bool
names_one(const struct error *err)
{
	return strcmp(err->code, "acme:rateLimited") == 0 &&
	    (strstr(err->msg, "failed authorizations") != NULL ||
	    strstr(err->msg, "temporarily prevented") != NULL);
}

static bool
is_of_name(char ch)
{
	return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_*", ch) != NULL && ch != '\0';
}

/* As a word of its own, and not the end or the beginning of another name. */
static bool
is_in_text(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = strcasestr(text, name); p != NULL;
	    p = strcasestr(p + 1, name)) {
		bool begins = p == text || (!is_of_name(p[-1]) &&
		    p[-1] != '.');
		bool ends = !is_of_name(p[len]) &&
		    !(p[len] == '.' && is_of_name(p[len + 1]));

		if (begins && ends)
			return true;
	}
	return false;
}

void
renewal_refused(struct renewal *r, const struct error *err,
    char *const *identifiers)
{
	for (unsigned i = 0; i < r->cc->n_names; i++) {
		const char *name = r->cc->names[i].name;

		if (identifiers != NULL ? is_meant(r, name, identifiers) :
		    names_one(err) && is_in_text(err->msg, name))
			missing_failed(r->cert, name, err);
	}
}
