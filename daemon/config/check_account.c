/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_profile.h"
#include "daemon/config/directories.h"
#include "daemon/config/opt.h"

static bool
has_scheme(const char *url, const char *scheme)
{
	size_t n = strlen(scheme);

	return strncasecmp(url, scheme, n) == 0 && url[n] != '\0' &&
	    strpbrk(url, " \"<>\\^`{|}") == NULL;
}

/* A password there would be shown to everybody, and no CA wants one: its other
 * URLs come without. */
static bool
has_user(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (host == NULL)
		return false;
	host += 3;
	len = strcspn(host, "/?#");
	return memchr(host, '@', len) != NULL;
}

static void
refuse_user(struct check *c, const struct section *sec, const char *key)
{
	/* It is not said again in a log. */
	opt_mistake(c->m, sec, tree_value(sec, key)->line, "%s = (hidden): "
	    "there is a user's name or password in it; allowed: a URL "
	    "without, as in https://ca.example/directory", key);
}

static char *
check_directory(struct check *c, const struct section *sec)
{
	char *text = opt_text(c->m, sec, "directory");
	const char *url = directory_url(text != NULL ? text : "letsencrypt");
	const struct value *v = tree_value(sec, "directory");
	const char *near;

	if (url != NULL) {
		free(text);
		return xstrdup(url);
	}
	if (has_user(text)) {
		refuse_user(c, sec, "directory");
		return text;
	}
	near = strchr(text, ':') == NULL ? directory_nearest(text) : NULL;
	if (directory_ended(text) != NULL)
		opt_mistake(c->m, sec, v->line, "directory = \"%.200s\": %s; "
		    "allowed: " DIRECTORY_ALL ", or a URL", text,
		    directory_ended(text));
	else if (near != NULL)
		opt_mistake(c->m, sec, v->line, "directory = \"%.200s\"; did "
		    "you mean \"%s\"?", text, near);
	else if (!has_scheme(text, "https://") ||
	    text[strlen("https://")] == '/')
		opt_refuse(c->m, sec, "directory", v, DIRECTORY_ALL ", or a "
		    "URL that begins with https://");
	return text;
}

/* RFC 8555 section 7.3: one address, no header fields. */
static bool
is_contact(const char *s)
{
	const char *at = strchr(s, '@');

	if (!has_scheme(s, "mailto:"))
		return has_scheme(s, "https://");
	return at != NULL && at > s + strlen("mailto:") && at[1] != '\0' &&
	    strpbrk(s, ",?") == NULL;
}

static void
check_contact(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "contact");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		if (!is_contact(item->values[i]->text))
			opt_refuse(c->m, sec, "contact", item->values[i],
			    "mailto:NAME@DOMAIN, one address in each");
	}
}

static char *
check_proxy(struct check *c, const struct section *sec)
{
	static const char *const schemes[] = { "http://", "https://",
	    "socks4://", "socks4a://", "socks5://", "socks5h://" };
	char *text = opt_text(c->m, sec, "proxy");

	if (text != NULL && strcmp(text, "none") == 0) {
		free(text);
		return xstrdup("");
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (text == NULL || has_scheme(text, schemes[i]))
			return text;
	}
	/* It may hold a password. */
	opt_mistake(c->m, sec, tree_value(sec, "proxy")->line, "proxy is "
	    "not the URL of a proxy; allowed: none, http://HOST:PORT, or "
	    "https, socks4, socks4a, socks5, socks5h");
	return text;
}

static void
check_eab(struct check *c, const struct section *sec, struct conf_account *a)
{
	const struct value *kid = tree_value(sec, "eab_kid");
	const struct value *file = tree_value(sec, "eab_hmac_key_file");
	struct error err;
	unsigned char *key;
	char *secret;
	size_t len;

	a->eab_kid = opt_text(c->m, sec, "eab_kid");
	a->eab_hmac_key_file = opt_file(c->m, sec, "eab_hmac_key_file");
	if ((kid == NULL) != (file == NULL))
		opt_mistake(c->m, sec, kid != NULL ? kid->line : file->line,
		    "%s is given, %s is missing; allowed: both or none",
		    kid != NULL ? "eab_kid" : "eab_hmac_key_file",
		    kid != NULL ? "eab_hmac_key_file" : "eab_kid");
	if (a->eab_hmac_key_file == NULL)
		return;
	if (file_read_secret(a->eab_hmac_key_file, FILE_SECRET_MAX, &secret,
	    &err) == -1)
		opt_absent(c->m, sec, file->line, "eab_hmac_key_file: %s",
		    err.msg);
	else {
		check_hash_secret(c, secret);
		/* Some CAs pad it. */
		len = strlen(secret);
		while (len > 0 && secret[len - 1] == '=')
			secret[--len] = '\0';
		if (text_b64url_decode(secret, &key, &len) == -1)
			opt_mistake(c->m, sec, file->line, "eab_hmac_key_file:"
			    " %s: it is not base64url; allowed: letters, "
			    "digits, \"-\" and \"_\", as the CA shows it%s",
			    a->eab_hmac_key_file, strpbrk(secret, "+/") !=
			    NULL ? " (write \"-\" for \"+\" and \"_\" for "
			    "\"/\")" : "");
		else
			freezero(key, len);
		freezero_str(secret);
	}
}

/* CAs whose newAccount needs termsOfServiceAgreed; hosts end in these. */
static const char *const public_cas[] = { ".letsencrypt.org",
    ".zerossl.com", ".pki.goog", ".buypass.com", ".ssl.com", ".sectigo.com",
    ".digicert.com", ".globalsign.com", ".actalis.it", ".actalis.com",
    ".harica.gr" };

static void
warn_tos(struct check *c, const struct section *sec,
    const struct conf_account *a)
{
	const struct value *v = tree_value(sec, "agree_tos");
	const char *host = a->directory + strlen("https://");
	size_t len;

	if (a->agree_tos || !has_scheme(a->directory, "https://"))
		return;
	len = strcspn(host, ":/");
	for (size_t i = 0; i < sizeof(public_cas) / sizeof(public_cas[0]);
	    i++) {
		size_t n = strlen(public_cas[i]);

		if (len <= n || strncasecmp(host + len - n, public_cas[i],
		    n) != 0)
			continue;
		opt_warn(c->m, sec, v != NULL ? v->line : sec->line, "%s, "
		    "and %.*s gives no account without it; read the CA's "
		    "terms of service and write agree_tos = true",
		    v != NULL ? "agree_tos = false" : "agree_tos is missing",
		    (int)len, host);
	}
}

/* An account that is registered already needs none any more. */
static void
warn_eab(struct check *c, const struct section *sec,
    const struct conf_account *a)
{
	const char *page = directory_eab_page(a->directory);
	bool gives = directory_gives_eab(a->directory);
	bool has_mail = false;

	for (char **p = a->contact; *p != NULL; p++)
		has_mail |= has_scheme(*p, "mailto:");
	if (page != NULL && tree_item(sec, "eab_kid") == NULL &&
	    !(gives && has_mail))
		opt_warn(c->m, sec, sec->line, "this CA gives accounts to "
		    "those only that it knows already: %sset eab_kid and "
		    "eab_hmac_key_file, from %s", gives ? "set contact = "
		    "\"mailto:NAME@DOMAIN\", for which acmed gets them by "
		    "itself, or " : "", page);
}

/* Where renewals are tried: never at a CA that issues in earnest. */
static char *
check_staging(struct check *c, const struct section *sec)
{
	char *text = opt_text(c->m, sec, "staging_directory");
	size_t len = text != NULL ? strlen(text) : 0, n = strlen("-staging");
	const char *url = len > n && strcmp(text + len - n, "-staging") == 0 ?
	    directory_url(text) : NULL;

	if (url != NULL) {
		free(text);
		return xstrdup(url);
	}
	if (text != NULL && has_user(text))
		refuse_user(c, sec, "staging_directory");
	else if (text != NULL && (!has_scheme(text, "https://") ||
	    text[strlen("https://")] == '/'))
		opt_refuse(c->m, sec, "staging_directory",
		    tree_value(sec, "staging_directory"),
		    "letsencrypt-staging, google-staging, or a URL that "
		    "begins with https://");
	return text;
}

struct conf_account *
check_account(struct check *c, const struct section *sec)
{
	struct conf_account *a = xcalloc(1, sizeof(*a));

	a->name = xstrdup(sec->title);
	a->directory = check_directory(c, sec);
	a->staging_directory = check_staging(c, sec);
	a->contact = opt_list(c->m, sec, "contact");
	check_contact(c, sec);
	a->agree_tos = opt_bool(c->m, sec, "agree_tos", false);
	warn_tos(c, sec, a);
	a->ca_file = opt_ca_file(c->m, sec);
	a->proxy = check_proxy(c, sec);
	a->key = opt_key_type(c->m, sec, "key");
	a->ari = opt_bool(c->m, sec, "ari", true);
	check_account_profile(c, sec, a);
	check_eab(c, sec, a);
	warn_eab(c, sec, a);
	check_limits(c, sec, a);
	return a;
}

void
check_free_account(struct conf_account *a)
{
	if (a == NULL)
		return;
	free(a->name);
	free(a->directory);
	free(a->staging_directory);
	opt_list_free(a->contact);
	free(a->ca_file);
	freezero_str(a->proxy);
	free(a->profile);
	free(a->eab_kid);
	free(a->eab_hmac_key_file);
	free(a);
}
