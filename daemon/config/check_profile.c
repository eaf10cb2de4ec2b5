/* SPDX-License-Identifier: MIT */
/* Which profile of the CA's a certificate is to have. */
#include "daemon/config/check_profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/opt.h"

#define NONE "none"
#define PROFILE_MAX 64

/* https://letsencrypt.org/docs/profiles/ */
static const char letsencrypt[] = ".api.letsencrypt.org/directory";
static const struct {
	const char	*name;
	unsigned	 max_names;
	int64_t		 lifetime_s;	/* 0: will be changed by the CA */
} known[] = {
	{ "tlsserver", 25, 0 },
	{ "shortlived", 25, 160 * 3600 },
};

/* The draft leaves open what a name may be. */
static bool
is_profile(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > PROFILE_MAX)
		return false;
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	}
	return true;
}

/* On the heap; NULL if it is absent or mistaken. */
static char *
read_profile(struct check *c, const struct section *sec)
{
	char *text = opt_text(c->m, sec, "profile");

	if (text == NULL || is_profile(text))
		return text;
	opt_refuse(c->m, sec, "profile", tree_value(sec, "profile"),
	    "a name that the CA's directory offers, of at most 64 letters, "
	    "digits and signs, or none");
	free(text);
	return NULL;
}

/* It says what is to be done where there is none. */
static void
check_required(struct check *c, const struct section *sec,
    const char *profile)
{
	const struct value *v = tree_value(sec, "profile_required");

	if (v != NULL && profile == NULL && !c->is_partial)
		opt_mistake(c->m, sec, v->line, "profile_required is given, "
		    "profile is missing; allowed: both, or profile alone");
}

static bool
is_none(const char *profile)
{
	return profile != NULL && strcmp(profile, NONE) == 0;
}

void
check_account_profile(struct check *c, const struct section *sec,
    struct conf_account *a)
{
	a->profile = read_profile(c, sec);
	if (is_none(a->profile)) {
		free(a->profile);
		a->profile = NULL;
	}
	a->profile_required = opt_bool(c->m, sec, "profile_required", false);
	check_required(c, sec, a->profile);
}

static bool
is_letsencrypt(const struct conf_account *a)
{
	const char *url = a->directory;
	size_t len = strlen(url), tail = strlen(letsencrypt);

	return len >= tail && strcasecmp(url + len - tail, letsencrypt) == 0;
}

/* https://letsencrypt.org/docs/profiles/#shortlived */
static void
warn_addresses(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const struct conf_issuer *at)
{
	const char *address = NULL;

	for (size_t i = 0; address == NULL && i < cert->n_names; i++) {
		if (name_is_address(cert->names[i].name))
			address = cert->names[i].name;
	}
	if (address == NULL || conf_has_profile(at, "shortlived"))
		return;
	opt_warn(c->m, sec, sec->line, "\"%s\" is an address, and Let's "
	    "Encrypt has these in its profile \"shortlived\" only; write "
	    "profile = \"shortlived\"", address);
}

static void
check_max_names(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const char *profile)
{
	const struct value *v = tree_value(sec, "profile");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, profile) == 0 &&
		    cert->n_names > known[i].max_names)
			opt_mistake(c->m, sec, v != NULL ? v->line : sec->line,
			    "profile = \"%s\": found %u names; Let's Encrypt "
			    "allows 1 to %u in this profile; split the "
			    "certificate, or use profile = \"classic\"",
			    profile, cert->n_names, known[i].max_names);
	}
}

/* Of a certificate at one of its CAs: its own profile, given or "none", or
 * else the account's; on the heap. */
static char *
profile_at(const struct section *sec, const struct conf_account *a,
    const char *own)
{
	if (own == NULL && tree_item(sec, "profile") == NULL && a != NULL)
		own = a->profile;
	return own == NULL || is_none(own) ? NULL : xstrdup(own);
}

static void
check_at_issuer(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const struct conf_issuer *at)
{
	if (!is_letsencrypt(at->account))
		return;
	if (at->profile != NULL)
		check_max_names(c, sec, cert, at->profile);
	warn_addresses(c, sec, cert, at);
}

void
check_cert_profile(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct conf_account *a = cert->account;
	char *own = read_profile(c, sec);
	bool given = tree_item(sec, "profile_required") != NULL, any;

	cert->profile_required = opt_bool(c->m, sec, "profile_required",
	    a != NULL && a->profile_required);
	cert->profile = profile_at(sec, a, own);
	any = own != NULL || cert->profile != NULL;
	for (unsigned i = 0; i < cert->n_others; i++) {
		struct conf_issuer *at = &cert->others[i];

		at->profile = profile_at(sec, at->account, own);
		at->profile_required = given ? cert->profile_required :
		    at->account->profile_required;
		any = any || at->profile != NULL;
	}
	check_required(c, sec, any ? "" : NULL);
	free(own);
	for (unsigned i = 0; i < conf_n_issuers(cert); i++) {
		struct conf_issuer at = conf_issuer(cert, i);

		check_at_issuer(c, sec, cert, &at);
	}
}

void
check_free_profiles(struct conf_cert *cert)
{
	free(cert->profile);
	for (unsigned i = 0; i < cert->n_others; i++)
		free((char *)(uintptr_t)cert->others[i].profile);
}

int64_t
check_profile_lifetime_s(const struct conf_cert *cert)
{
	if (cert->account == NULL || cert->profile == NULL ||
	    !is_letsencrypt(cert->account))
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, cert->profile) == 0)
			return known[i].lifetime_s;
	}
	return 0;
}
