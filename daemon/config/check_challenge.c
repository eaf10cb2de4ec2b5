/* SPDX-License-Identifier: MIT */
/* By which challenge each of a certificate's names is proved, and by whom. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"

#define WEBROOT_MAX 1024

/* The key challenge of a section, or the fallback. */
static enum challenge_type
check_type(struct check *c, const struct section *sec,
    enum challenge_type fallback)
{
	const struct value *v = tree_value(sec, "challenge");
	enum challenge_type type;

	if (v == NULL)
		return fallback;
	if (challenge_type_parse(v->text, &type) == 0)
		return type;
	opt_refuse(c->m, sec, "challenge", v,
	    "dns-01, http-01, tls-alpn-01, dns-persist-01, "
	    "dns-account-01");
	return fallback;
}

/* The key webroot of a section, on the heap; NULL if there is none. */
static char *
check_webroot(struct check *c, const struct section *sec)
{
	char *path = opt_text(c->m, sec, "webroot");
	size_t len;

	if (path == NULL)
		return NULL;
	if (path[0] != '/' || strlen(path) > WEBROOT_MAX)
		opt_refuse(c->m, sec, "webroot", tree_value(sec, "webroot"),
		    "an absolute path of at most 1024 bytes");
	for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	return path;
}

static int
line_of(const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	return v != NULL ? v->line : sec->line;
}

/* A wildcard is proved by the DNS only: -1, and it is told. */
static int
check_wildcard(struct check *c, const struct section *sec,
    const struct conf_name *name)
{
	if (conf_name_needs_dns(name) || !dname_is_wildcard(name->name))
		return 0;
	opt_mistake(c->m, sec, line_of(sec, "challenge"), "challenge = "
	    "\"%s\" cannot prove \"%s\": a CA takes it for single names "
	    "only; add name \"%s\" { challenge = \"dns-01\" }",
	    challenge_type_name(name->challenge), name->name, name->name);
	return -1;
}

/* RFC 8738 section 7: there is no DNS of addresses that a CA would ask. */
static int
check_address(struct check *c, const struct section *sec,
    const struct conf_name *name)
{
	const char *type = challenge_type_name(name->challenge);

	if (!conf_name_needs_dns(name) || !name_is_address(name->name))
		return 0;
	if (tree_value(sec, "challenge") != NULL)
		opt_mistake(c->m, sec, line_of(sec, "challenge"), "challenge "
		    "= \"%s\" cannot prove the address \"%s\"; allowed for "
		    "addresses: http-01, tls-alpn-01", type, name->name);
	else
		opt_mistake(c->m, sec, line_of(sec, "names"), "\"%s\" is an "
		    "address, which %s cannot prove; add challenge = "
		    "\"http-01\", for this one alone: name \"%s\" { "
		    "challenge = \"http-01\" }", name->name, type, name->name);
	return -1;
}

/* Somebody must answer for the name: -1 if not, and it is told. */
static int
check_server(struct check *c, const struct section *sec,
    const struct conf_name *name)
{
	if (name->challenge == CHALLENGE_TLS_ALPN_01 &&
	    c->conf->tls_alpn_listen[0] == NULL && !c->is_partial) {
		opt_mistake(c->m, sec, line_of(sec, "challenge"), "challenge = "
		    "\"tls-alpn-01\": nobody would answer; add "
		    "tls_alpn_listen = \"systemd\" outside of the section, or "
		    "an address that your server on port 443 passes "
		    "acme-tls/1 on to");
		return -1;
	}
	if (name->challenge != CHALLENGE_HTTP_01 || name->webroot != NULL ||
	    c->conf->http_listen[0] != NULL || c->is_partial)
		return 0;
	opt_mistake(c->m, sec, line_of(sec, "challenge"), "challenge = "
	    "\"http-01\": nobody would answer on port 80; add webroot = "
	    "\"/var/www/html\", the directory that your web server serves, or "
	    "http_listen = \"systemd\" outside of the section, and acmed "
	    "answers by itself");
	return -1;
}

void
check_cert_challenge(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	enum challenge_type type = check_type(c, sec, CHALLENGE_DNS_01);
	char *webroot = check_webroot(c, sec);

	for (size_t i = 0; i < cert->n_names; i++) {
		cert->names[i].challenge = type;
		if (webroot != NULL)
			cert->names[i].webroot = xstrdup(webroot);
	}
	free(webroot);
}

void
check_name_challenge(struct check *c, const struct section *sec,
    struct conf_name *name)
{
	char *webroot = check_webroot(c, sec);

	name->has_own_challenge = tree_value(sec, "challenge") != NULL;
	name->challenge = check_type(c, sec, name->challenge);
	if (webroot != NULL) {
		free(name->webroot);
		name->webroot = webroot;
		if (name->challenge != CHALLENGE_HTTP_01)
			opt_mistake(c->m, sec, line_of(sec, "webroot"),
			    "webroot is for challenge = \"http-01\" only");
	}
	if (name->has_own_challenge &&
	    check_wildcard(c, sec, name) == 0 &&
	    check_address(c, sec, name) == 0)
		(void)check_server(c, sec, name);
}

/* RFC 8555 section 8.4: the name of the TXT record must be one, too. */
void
check_name_length(struct check *c, const struct section *sec,
    const struct conf_name *name)
{
	const char *prefix = name->challenge == CHALLENGE_DNS_01 ?
	    "_acme-challenge." : name->challenge == CHALLENGE_DNS_ACCOUNT_01 ?
	    "_ujmmovf2vn55tgye._acme-challenge." : "_validation-persist.";
	size_t len = strlen(dname_base(name->name)) + strlen(prefix);

	if (!conf_name_needs_dns(name) || name->challenge_alias != NULL ||
	    len <= DNAME_MAX)
		return;
	opt_mistake(c->m, sec, line_of(sec, "names"), "\"%.60s...\" is too "
	    "long for challenge = \"%s\": its record \"%s...\" would have a "
	    "name of %zu characters; allowed: %d; use a challenge_alias%s",
	    name->name, challenge_type_name(name->challenge), prefix, len,
	    DNAME_MAX, dname_is_wildcard(name->name) ? "" :
	    ", or challenge = \"http-01\"");
}

void
check_challenges_end(struct check *c, const struct section *sec,
    const struct conf_cert *cert)
{
	bool is_told = false, is_http = false;

	for (size_t i = 0; i < cert->n_names; i++) {
		const struct conf_name *name = &cert->names[i];

		is_http |= name->challenge == CHALLENGE_HTTP_01;
		if (name->has_own_challenge ||
		    check_wildcard(c, sec, name) == -1 ||
		    check_address(c, sec, name) == -1)
			continue;
		if (!is_told)
			is_told = check_server(c, sec, name) == -1;
	}
	if (!is_http && tree_value(sec, "webroot") != NULL)
		opt_mistake(c->m, sec, line_of(sec, "webroot"),
		    "webroot is for challenge = \"http-01\" only");
}
