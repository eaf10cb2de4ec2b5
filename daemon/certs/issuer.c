/* SPDX-License-Identifier: MIT */
#include "daemon/certs/issuer.h"

#include <string.h>
#include <strings.h>

#include "daemon/certs/cert.h"

#define SCHEME "https://"
/* Let's Encrypt's own word, in the name of every issuer of its staging CA:
 * https://letsencrypt.org/docs/staging-environment/ */
#define STAGING_WORD "(STAGING)"
#define LETSENCRYPT "acme-v02.api.letsencrypt.org"

/* https://letsencrypt.org/docs/staging-environment/; those of other CAs want
 * an external account binding of their own. */
#define STAGING_DIRECTORY \
	"https://acme-staging-v02.api.letsencrypt.org/directory"

/* From the CAs' own documents on trying things out. */
static const char *const staging_hosts[] = {
	"acme-staging-v02.api.letsencrypt.org",
	"dv.acme-v02.test-api.pki.goog",
	"api.test4.buypass.no",
};

/* The host of a URL, and what follows it without ":443". */
static const char *
split(const char *url, size_t *host_len, const char **rest)
{
	const char *host = strncasecmp(url, SCHEME, strlen(SCHEME)) == 0 ?
	    url + strlen(SCHEME) : url;

	*host_len = strcspn(host, ":/");
	*rest = host + *host_len;
	if (strncmp(*rest, ":443", 4) == 0 && ((*rest)[4] == '/' ||
	    (*rest)[4] == '\0'))
		*rest += 4;
	return host;
}

static size_t
without_slash(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[len - 1] == '/' ? len - 1 : len;
}

bool
issuer_same(const char *a, const char *b)
{
	size_t a_len, b_len;
	const char *a_rest, *b_rest;
	const char *a_host = split(a, &a_len, &a_rest);
	const char *b_host = split(b, &b_len, &b_rest);

	return a_len == b_len && strncasecmp(a_host, b_host, a_len) == 0 &&
	    without_slash(a_rest) == without_slash(b_rest) &&
	    strncmp(a_rest, b_rest, without_slash(a_rest)) == 0;
}

static bool
is_at(const char *url, const char *host)
{
	size_t len;
	const char *rest, *at = split(url, &len, &rest);

	return len == strlen(host) && strncasecmp(at, host, len) == 0;
}

static bool
names_staging(const struct store_cert *row)
{
	return row->issuer != NULL && strstr(row->issuer, STAGING_WORD) !=
	    NULL;
}

bool
issuer_is_for_tries(const char *directory)
{
	for (size_t i = 0; i < sizeof(staging_hosts) /
	    sizeof(staging_hosts[0]); i++) {
		if (is_at(directory, staging_hosts[i]))
			return true;
	}
	return false;
}

const char *
issuer_staging_of(const char *directory)
{
	return is_at(directory, LETSENCRYPT) ? STAGING_DIRECTORY : NULL;
}

bool
issuer_is_other(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	const struct conf_account *account = c->conf != NULL ?
	    c->conf->account : NULL;

	if (account == NULL || c->conf->source != NULL ||
	    row->serial == NULL)
		return false;
	if (row->ari_directory != NULL)
		return !issuer_same(row->ari_directory, account->directory);
	/* Of a row that does not know: Let's Encrypt signs nothing so. */
	return names_staging(row) &&
	    is_at(account->directory, LETSENCRYPT);
}

bool
issuer_is_staging(const struct cert *c)
{
	const struct store_cert *row = &c->row;

	if (row->serial == NULL)
		return false;
	return (row->ari_directory != NULL &&
	    issuer_is_for_tries(row->ari_directory)) || names_staging(row);
}
