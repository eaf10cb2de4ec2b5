/* SPDX-License-Identifier: MIT */
#include "daemon/acme/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/acme/problem.h"
#include "daemon/acme/url.h"

#define TOKEN_MAX 256
#define TYPE_MAX 64
#define ACCOUNT_URI_MAX 1000
#define ISSUERS_MAX 10
#define PROFILE_MAX 64
#define DESCRIPTION_MAX 500

#define BIT(status) (1u << (status))
static const unsigned order_states = BIT(ACME_PENDING) | BIT(ACME_READY) |
    BIT(ACME_PROCESSING) | BIT(ACME_VALID) | BIT(ACME_INVALID);
static const unsigned authz_states = BIT(ACME_PENDING) | BIT(ACME_VALID) |
    BIT(ACME_INVALID) | BIT(ACME_DEACTIVATED) | BIT(ACME_EXPIRED) |
    BIT(ACME_REVOKED);
static const unsigned challenge_states = BIT(ACME_PENDING) |
    BIT(ACME_PROCESSING) | BIT(ACME_VALID) | BIT(ACME_INVALID);

#define malformed(err, ...) \
	error_set(err, ERR_REJECTED, "acme:badReply", __VA_ARGS__)

static json_t *
parse(const char *text, size_t len, struct error *err)
{
	json_t *o = jsonx_parse(text, len, err);

	if (o == NULL)
		(void)malformed(err, "%s", err->msg);
	else if (!json_is_object(o)) {
		(void)malformed(err, "not a JSON object");
		json_decref(o);
		o = NULL;
	}
	return o;
}

/* Borrowed; NULL and *err if there is no acceptable URL. */
static const char *
get_url(const json_t *o, const char *member, bool allow_plain,
    struct error *err)
{
	const char *url = json_string_value(json_object_get(o, member));

	if (url == NULL)
		(void)malformed(err, "it has no URL \"%s\"", member);
	else if (!url_is_ok(url, allow_plain)) {
		(void)malformed(err, "its \"%s\" is not an acceptable URL: "
		    "%.300s", member, url);
		url = NULL;
	}
	return url;
}

static int
get_status(const json_t *o, unsigned allowed, enum acme_status *status,
    struct error *err)
{
	const char *name = json_string_value(json_object_get(o, "status"));

	for (int s = 0; name != NULL && s < ACME_STATUS_END; s++) {
		if ((allowed & BIT(s)) != 0 &&
		    strcmp(name, acme_status_name((enum acme_status)s)) == 0) {
			*status = (enum acme_status)s;
			return 0;
		}
	}
	return malformed(err, "its status is \"%.40s\"",
	    name == NULL ? "" : name);
}

/* An array of min to MESSAGE_LIST_MAX elements; borrowed. */
static json_t *
get_list(const json_t *o, const char *member, size_t min, struct error *err)
{
	json_t *list = json_object_get(o, member);

	if (!json_is_array(list))
		(void)malformed(err, "it has no list \"%s\"", member);
	else if (json_array_size(list) < min ||
	    json_array_size(list) > MESSAGE_LIST_MAX)
		(void)malformed(err, "it has %zu %s", json_array_size(list),
		    member);
	else
		return list;
	return NULL;
}

/* The object's own "error", which may be absent or null. */
static int
get_error(const json_t *o, struct error **out, struct error *err)
{
	const json_t *problem = json_object_get(o, "error");

	if (problem == NULL || json_is_null(problem))
		return 0;
	if (!json_is_object(problem))
		return malformed(err, "its \"error\" is not an object");
	*out = xcalloc(1, sizeof(**out));
	problem_read(problem, *out);
	return 0;
}

/*
 * What CAA records may name this CA; what is no host name cannot be in one.
 * A CA that errs here can be used all the same.
 */
static char **
get_identities(const json_t *o)
{
	const json_t *list = jsonx_get(o, "meta.caaIdentities");
	size_t max = json_is_array(list) ? json_array_size(list) : 0, n = 0;
	char **out, name[DNAME_SIZE];
	struct error ignored;

	if (max > MESSAGE_LIST_MAX)
		max = MESSAGE_LIST_MAX;
	out = xcalloc(max + 1, sizeof(*out));
	for (size_t i = 0; i < max; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s != NULL && dname_normalize(s, true, false, name,
		    &ignored) == 0)
			out[n++] = xstrdup(name);
	}
	return out;
}

/* What no newOrder could name, or could not be shown, is not offered. */
static bool
profile_is_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > PROFILE_MAX)
		return false;
	for (; *name != '\0'; name++) {
		if (*name <= ' ' || *name > '~')
			return false;
	}
	return true;
}

/* draft-ietf-acme-profiles section 3: names, and a text or URL for each. */
static json_t *
get_profiles(json_t *o)
{
	json_t *list = json_object_get(json_object_get(o, "meta"),
	    "profiles"), *value, *out = json_object();
	const char *name;
	char *text;

	json_object_foreach(list, name, value) {
		if (json_object_size(out) == MESSAGE_LIST_MAX)
			break;
		if (!profile_is_ok(name))
			continue;
		text = xstrndup(json_is_string(value) ?
		    json_string_value(value) : "", DESCRIPTION_MAX);
		text_clean(text);
		(void)json_object_set_new(out, name, json_string(text));
		free(text);
	}
	return out;
}

/* One that cannot be called is as good as none. */
static char *
optional_url(const json_t *o, const char *member, bool allow_plain)
{
	const char *url = json_string_value(json_object_get(o, member));

	return url != NULL && url_is_ok(url, allow_plain) ? xstrdup(url) :
	    NULL;
}

struct directory *
message_directory(const char *text, size_t len, bool allow_plain,
    struct error *err)
{
	json_t *o = parse(text, len, err);
	const char *nonce, *account, *order, *terms;
	struct directory *d = NULL;

	if (o == NULL)
		return NULL;
	nonce = get_url(o, "newNonce", allow_plain, err);
	account = nonce == NULL ? NULL :
	    get_url(o, "newAccount", allow_plain, err);
	order = account == NULL ? NULL :
	    get_url(o, "newOrder", allow_plain, err);
	if (order != NULL) {
		d = xcalloc(1, sizeof(*d));
		d->new_nonce = xstrdup(nonce);
		d->new_account = xstrdup(account);
		d->new_order = xstrdup(order);
		d->renewal_info = optional_url(o, "renewalInfo", allow_plain);
		d->key_change = optional_url(o, "keyChange", allow_plain);
		d->revoke_cert = optional_url(o, "revokeCert", allow_plain);
		/* Shown to a person, never called. */
		terms = jsonx_str(o, "meta.termsOfService");
		if (terms != NULL && terms[0] != '\0')
			d->terms = xstrndup(terms, 1000);
		d->eab_required = jsonx_bool(o, "meta.externalAccountRequired",
		    false);
		d->caa_identities = get_identities(o);
		d->profiles = get_profiles(o);
	}
	json_decref(o);
	return d;
}

void
message_directory_doubt(struct error *err)
{
	size_t used = strlen(err->msg);

	if (err->kind != ERR_REJECTED)
		return;
	(void)text_printf(err->code, sizeof(err->code), "acme:directory");
	(void)text_printf(err->msg + used, sizeof(err->msg) - used,
	    "; is this the URL of a CA's directory?");
}

void
directory_free(struct directory *d)
{
	if (d == NULL)
		return;
	free(d->new_nonce);
	free(d->new_account);
	free(d->new_order);
	free(d->renewal_info);
	free(d->revoke_cert);
	free(d->key_change);
	free(d->terms);
	json_decref(d->profiles);
	for (char **p = d->caa_identities; *p != NULL; p++)
		free(*p);
	free(d->caa_identities);
	free(d);
}

/* Some CAs leave out what an order that is past it does not need. */
static bool
is_absent(const json_t *o, const char *member)
{
	const json_t *value = json_object_get(o, member);

	return value == NULL || json_is_null(value);
}

/* The same one twice is one: each is fetched and answered. */
static void
add_authz_url(struct acme_order *order, const char *url)
{
	for (size_t i = 0; i < order->n_authz; i++) {
		if (strcmp(order->authz_urls[i], url) == 0)
			return;
	}
	order->authz_urls[order->n_authz++] = xstrdup(url);
}

static int
read_authz_urls(const json_t *o, struct acme_order *order, bool allow_plain,
    struct error *err)
{
	json_t *list;

	order->authz_urls = xcalloc(1, sizeof(*order->authz_urls));
	if (is_absent(o, "authorizations"))
		return 0;
	list = get_list(o, "authorizations", 0, err);
	if (list == NULL)
		return -1;
	free(order->authz_urls);
	order->authz_urls = xcalloc(json_array_size(list) + 1,
	    sizeof(*order->authz_urls));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *url = json_string_value(json_array_get(list, i));

		if (url == NULL || !url_is_ok(url, allow_plain))
			return malformed(err, "authorization %zu is not an "
			    "acceptable URL", i);
		add_authz_url(order, url);
	}
	return 0;
}

/* Absent or a URL; *out is a copy. */
static int
read_url(const json_t *o, const char *member, bool allow_plain, char **out,
    struct error *err)
{
	const char *url;

	if (is_absent(o, member))
		return 0;
	url = get_url(o, member, allow_plain, err);
	if (url == NULL)
		return -1;
	*out = xstrdup(url);
	return 0;
}

/* RFC 8555 leaves it out where it means nothing: 0. */
static time_t
get_expires(const json_t *o)
{
	const char *text = jsonx_str(o, "expires");
	time_t at;

	return text != NULL && message_time(text, &at) ? at : 0;
}

static int
read_order(const json_t *o, struct acme_order *order, bool allow_plain,
    struct error *err)
{
	if (get_status(o, order_states, &order->status, err) == -1 ||
	    (!is_absent(o, "identifiers") &&
	    get_list(o, "identifiers", 0, err) == NULL) ||
	    read_authz_urls(o, order, allow_plain, err) == -1 ||
	    read_url(o, "finalize", allow_plain, &order->finalize_url,
	    err) == -1 ||
	    get_error(o, &order->error, err) == -1)
		return -1;
	order->refused = problem_identifiers(json_object_get(o, "error"));
	order->expires = get_expires(o);
	/* What is wrong with one order says nothing of the account. */
	if (order->error != NULL && order->error->kind == ERR_CONFIG)
		order->error->kind = ERR_REJECTED;
	if (order->status != ACME_VALID)
		return 0;
	return read_url(o, "certificate", allow_plain, &order->cert_url, err);
}

struct acme_order *
message_order(const char *text, size_t len, const char *url, bool allow_plain,
    struct error *err)
{
	json_t *o = parse(text, len, err);
	struct acme_order *order;

	if (o == NULL)
		return NULL;
	order = xcalloc(1, sizeof(*order));
	order->url = xstrdup(url);
	if (read_order(o, order, allow_plain, err) == -1) {
		acme_order_free(order);
		order = NULL;
	}
	json_decref(o);
	return order;
}

/* RFC 8555 section 8.1: base64url, no padding. */
static bool
token_is_ok(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strlen(s);

	return len > 0 && len <= TOKEN_MAX && strspn(s, chars) == len;
}

/* Lower-case A-labels without a final dot, or NULL. */
static char *
ca_name(const json_t *item)
{
	const char *s = json_string_value(item);
	char name[DNAME_SIZE];
	struct error unused;

	if (s == NULL || strlen(s) > DNAME_MAX ||
	    dname_normalize(s, true, false, name, &unused) == -1)
		return NULL;
	return xstrdup(name);
}

/* What may be the value of a parameter: RFC 8659 section 4.2. */
static bool
account_uri_is_ok(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		if (s[i] <= ' ' || s[i] == ';' || s[i] > '~')
			return false;
	}
	return len > 0 && len <= ACCOUNT_URI_MAX;
}

/* draft-ietf-acme-dns-persist section 3.1: 1 to 10 names, normalized. */
static int
read_persist(const json_t *o, struct acme_challenge *c, struct error *err)
{
	const json_t *list = get_list(o, "issuer-domain-names", 1, err);
	const char *account = json_string_value(json_object_get(o,
	    "accounturi"));
	size_t n = json_array_size(list);

	if (list == NULL)
		return -1;
	if (n > ISSUERS_MAX)
		return malformed(err, "it has %zu issuer-domain-names", n);
	c->issuers = xcalloc(n + 1, sizeof(*c->issuers));
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		c->issuers[i] = ca_name(item);
		if (c->issuers[i] == NULL ||
		    strcmp(c->issuers[i], json_string_value(item)) != 0)
			return malformed(err, "issuer-domain-name %zu is not "
			    "a name in its normal form", i);
	}
	if (account != NULL && !account_uri_is_ok(account))
		return malformed(err, "its accounturi is \"%.300s\"", account);
	if (account != NULL)
		c->account_uri = xstrdup(account);
	return 0;
}

static int
read_challenge(const json_t *o, struct acme_challenge *c, bool allow_plain,
    struct error *err)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *token = json_string_value(json_object_get(o, "token"));
	const char *url;

	if (type == NULL || strlen(type) > TYPE_MAX)
		return malformed(err, "a challenge has no type");
	if ((url = get_url(o, "url", allow_plain, err)) == NULL ||
	    get_status(o, challenge_states, &c->status, err) == -1 ||
	    get_error(o, &c->error, err) == -1)
		return error_wrap(err, "challenge \"%s\"", type);
	if (strcmp(type, "dns-persist-01") == 0 &&
	    read_persist(o, c, err) == -1)
		return error_wrap(err, "challenge \"%s\"", type);
	if (token == NULL ? strcmp(type, "dns-01") == 0 ||
	    strcmp(type, "dns-account-01") == 0 ||
	    strcmp(type, "http-01") == 0 : !token_is_ok(token))
		return malformed(err, "challenge \"%s\": its token is not "
		    "base64url", type);
	c->type = xstrdup(type);
	c->url = xstrdup(url);
	if (token != NULL)
		c->token = xstrdup(token);
	if (c->error != NULL)
		c->error->kind = ERR_REJECTED;
	return 0;
}

static void
challenge_clear(struct acme_challenge *c)
{
	free(c->type);
	free(c->url);
	free(c->token);
	free(c->error);
	strv_free(c->issuers);
	free(c->account_uri);
}

static int
read_challenges(const json_t *o, struct acme_authz *a, bool allow_plain,
    struct error *err)
{
	json_t *list = get_list(o, "challenges", 0, err);

	if (list == NULL)
		return -1;
	a->challenges = xcalloc(json_array_size(list), sizeof(*a->challenges));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		struct acme_challenge *c = &a->challenges[a->n_challenges];
		const char *type = json_string_value(json_object_get(item,
		    "type"));

		if (read_challenge(item, c, allow_plain, err) == 0) {
			a->n_challenges++;
			continue;
		}
		challenge_clear(c);
		memset(c, 0, sizeof(*c));
		/* A type of tomorrow may look as it likes. */
		if (type == NULL || strcmp(type, "dns-01") == 0)
			return -1;
	}
	return 0;
}

/* Not a check of the name: only what is safe to print and compare. */
static bool
identifier_is_ok(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(s);

	return len > 0 && len <= DNAME_MAX && strspn(s, chars) == len;
}

static int
read_authz(const json_t *o, struct acme_authz *a, bool allow_plain,
    struct error *err)
{
	const char *type = jsonx_str(o, "identifier.type");
	const char *name = jsonx_str(o, "identifier.value");
	char address[DNAME_SIZE];

	if (get_status(o, authz_states, &a->status, err) == -1)
		return -1;
	if (type == NULL || name == NULL || (strcmp(type, "dns") != 0 &&
	    strcmp(type, "ip") != 0))
		return malformed(err, "it is not for a domain name");
	a->expires = get_expires(o);
	if (strcmp(type, "ip") == 0) {		/* RFC 8738 section 3 */
		if (!address_normalize(name, address))
			return malformed(err, "its identifier is \"%.300s\"",
			    name);
		a->identifier = xstrdup(address);
		return read_challenges(o, a, allow_plain, err);
	}
	a->wildcard = jsonx_bool(o, "wildcard", false);
	/* RFC 8555 section 7.1.4 forbids the prefix; harmless if it comes. */
	if (strncmp(name, "*.", 2) == 0) {
		a->wildcard = true;
		name += 2;
	}
	if (!identifier_is_ok(name))
		return malformed(err, "its identifier is \"%.300s\"", name);
	a->identifier = xstrdup(name);
	return read_challenges(o, a, allow_plain, err);
}

struct acme_authz *
message_authz(const char *text, size_t len, bool allow_plain,
    struct error *err)
{
	json_t *o = parse(text, len, err);
	struct acme_authz *a;

	if (o == NULL)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	if (read_authz(o, a, allow_plain, err) == -1) {
		acme_authz_free(a);
		a = NULL;
	}
	json_decref(o);
	return a;
}

int
message_chain(const char *text, size_t len, struct error *err)
{
	if (strlen(text) != len)
		return malformed(err, "the chain has a NUL byte");
	if (strstr(text, "-----BEGIN CERTIFICATE-----") == NULL)
		return malformed(err, "there is no certificate in it");
	return 0;
}
