/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/directories.h"

static const char *const key_type_names[] = {
	[KEY_EC256] = "ec256",
	[KEY_EC384] = "ec384",
	[KEY_RSA2048] = "rsa2048",
	[KEY_RSA3072] = "rsa3072",
	[KEY_RSA4096] = "rsa4096",
};
_Static_assert(sizeof(key_type_names) / sizeof(key_type_names[0]) ==
    KEY_TYPE_END, "key_type_names");

static const char *const challenge_type_names[] = {
	[CHALLENGE_DNS_01] = "dns-01",
	[CHALLENGE_HTTP_01] = "http-01",
	[CHALLENGE_DNS_PERSIST_01] = "dns-persist-01",
	[CHALLENGE_TLS_ALPN_01] = "tls-alpn-01",
	[CHALLENGE_DNS_ACCOUNT_01] = "dns-account-01",
};
_Static_assert(sizeof(challenge_type_names) /
    sizeof(challenge_type_names[0]) == CHALLENGE_TYPE_END,
    "challenge_type_names");

const char *
key_type_name(enum key_type type)
{
	return key_type_names[type];
}

const char *
key_type_family(enum key_type type)
{
	switch (type) {
	case KEY_EC256:
	case KEY_EC384:
		return "ec";
	case KEY_RSA2048:
	case KEY_RSA3072:
	case KEY_RSA4096:
		return "rsa";
	case KEY_TYPE_END:
		break;
	}
	return NULL;
}

int
key_type_parse(const char *name, enum key_type *type)
{
	for (int i = 0; i < KEY_TYPE_END; i++) {
		if (strcmp(key_type_names[i], name) == 0) {
			*type = (enum key_type)i;
			return 0;
		}
	}
	return -1;
}

const char *
challenge_type_name(enum challenge_type type)
{
	return challenge_type_names[type];
}

int
challenge_type_parse(const char *name, enum challenge_type *type)
{
	for (int i = 0; i < CHALLENGE_TYPE_END; i++) {
		if (strcmp(challenge_type_names[i], name) == 0) {
			*type = (enum challenge_type)i;
			return 0;
		}
	}
	return -1;
}

bool
challenge_is_txt(enum challenge_type type)
{
	return type == CHALLENGE_DNS_01 || type == CHALLENGE_DNS_ACCOUNT_01;
}

bool
conf_name_needs_dns(const struct conf_name *name)
{
	return challenge_is_txt(name->challenge) ||
	    name->challenge == CHALLENGE_DNS_PERSIST_01;
}

bool
conf_needs_kid(const struct conf_cert *cert)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		if (cert->names[i].challenge == CHALLENGE_DNS_ACCOUNT_01)
			return true;
	}
	return false;
}

const char *
conf_wildcard_over(const struct conf_cert *cert, const char *name)
{
	const char *rest = dname_is_wildcard(name) ? NULL :
	    dname_parent(name);

	for (size_t i = 0; rest != NULL && i < cert->n_names; i++) {
		const char *wild = cert->names[i].name;

		if (dname_is_wildcard(wild) &&
		    strcmp(rest, dname_base(wild)) == 0)
			return wild;
	}
	return NULL;
}

static bool
has_name(const struct conf_cert *cert, const char *name)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		if (strcmp(cert->names[i].name, name) == 0)
			return true;
	}
	return false;
}

bool
conf_is_for_host(const struct conf_cert *c, const char *host)
{
	for (char **p = c->hosts; p != NULL && *p != NULL; p++) {
		if (fnmatch(*p, host, 0) == 0)
			return true;
	}
	return false;
}

bool
conf_is_issued(const struct conf_cert *c)
{
	return c->source == NULL && c->given == NULL;
}

unsigned
conf_n_issuers(const struct conf_cert *c)
{
	return c->account == NULL || !conf_is_issued(c) ? 0 :
	    1 + c->n_others;
}

struct conf_issuer
conf_issuer(const struct conf_cert *c, unsigned i)
{
	return i > 0 ? c->others[i - 1] : (struct conf_issuer){
	    .account = c->account, .profile = c->profile,
	    .profile_required = c->profile_required };
}

unsigned
conf_issuer_index(const struct conf_cert *c, const char *account)
{
	for (unsigned i = 0; account != NULL && i < c->n_others; i++) {
		if (strcmp(c->others[i].account->name, account) == 0)
			return i + 1;
	}
	return 0;
}

bool
conf_has_profile(const struct conf_issuer *at, const char *profile)
{
	return at->profile == NULL || profile == NULL ?
	    at->profile == profile : strcmp(at->profile, profile) == 0;
}

bool
conf_same_issuers(const struct conf_cert *a, const struct conf_cert *b)
{
	bool same = conf_n_issuers(a) == conf_n_issuers(b);

	for (unsigned i = 0; same && i < conf_n_issuers(a); i++) {
		struct conf_issuer x = conf_issuer(a, i);
		struct conf_issuer y = conf_issuer(b, i);

		same = directory_same(x.account->directory,
		    y.account->directory) && conf_has_profile(&x, y.profile);
	}
	return same;
}

bool
conf_same_names(const struct conf_cert *a, const struct conf_cert *b)
{
	bool same = a->n_names == b->n_names;

	/* None is there twice. */
	for (size_t i = 0; same && i < a->n_names; i++)
		same = strcmp(a->names[i].name, b->names[i].name) == 0 ||
		    has_name(b, a->names[i].name);
	return same;
}

struct conf_cert *
conf_cert_without(const struct conf_cert *cert,
    bool (*skip)(const char *name, const void *arg), const void *arg)
{
	struct conf_cert *less = xcalloc(1, sizeof(*less) +
	    cert->n_names * sizeof(*cert->names));

	*less = *cert;
	less->names = (struct conf_name *)(less + 1);
	less->n_names = 0;
	for (unsigned i = 0; i < cert->n_names; i++) {
		if (!skip(cert->names[i].name, arg))
			less->names[less->n_names++] = cert->names[i];
	}
	if (less->n_names > 0 && less->n_names < cert->n_names)
		return less;
	free(less);
	return NULL;
}

const struct conf *
conf_ref(const struct conf *conf)
{
	((struct conf *)(uintptr_t)conf)->refs++;
	return conf;
}

void
conf_unref(const struct conf *conf)
{
	struct conf *own = (struct conf *)(uintptr_t)conf;

	if (own != NULL && --own->refs == 0)
		own->free(own);
}

static int
compare_cert(const void *name, const void *cert)
{
	return strcmp(name, (*(struct conf_cert *const *)cert)->name);
}

const char *
conf_freeze_text(const struct conf_freeze *f, char out[CONF_FREEZE_TEXT_MAX])
{
	time_t last = f->end - 1;
	struct tm tm;
	size_t n;

	out[0] = '\0';
	if (localtime_r(&f->from, &tm) == NULL)
		return out;
	n = strftime(out, CONF_FREEZE_TEXT_MAX, "%Y-%m-%d - ", &tm);
	if (localtime_r(&last, &tm) != NULL)
		(void)strftime(out + n, CONF_FREEZE_TEXT_MAX - n, "%Y-%m-%d",
		    &tm);
	return out;
}

const struct conf_cert *
conf_find_cert(const struct conf *conf, const char *name)
{
	struct conf_cert **found = bsearch(name, conf->certs, conf->n_certs,
	    sizeof(*conf->certs), compare_cert);

	return found != NULL ? *found : NULL;
}

const struct conf_notify *
conf_find_notify(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_notifies; i++) {
		if (strcmp(conf->notifies[i]->name, name) == 0)
			return conf->notifies[i];
	}
	return NULL;
}

const struct conf_provider *
conf_find_provider(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_providers; i++) {
		if (strcmp(conf->providers[i]->name, name) == 0)
			return conf->providers[i];
	}
	return NULL;
}
