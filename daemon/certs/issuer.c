/* SPDX-License-Identifier: MIT */
#include "daemon/certs/issuer.h"

#include <string.h>

#include "daemon/certs/cert.h"
#include "daemon/certs/origin.h"
#include "daemon/config/directories.h"

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
		if (directory_is_at(directory, staging_hosts[i]))
			return true;
	}
	return false;
}

const char *
issuer_staging_of(const char *directory)
{
	return directory_is_at(directory, LETSENCRYPT) ? STAGING_DIRECTORY :
	    NULL;
}

const struct conf_account *
issuer_now(const struct cert *c)
{
	if (!origin_is_ca(c))
		return NULL;
	return c->account != NULL ? c->account : c->conf->account;
}

const struct conf_account *
issuer_account(const struct cert *c)
{
	const char *directory = c->row.ari_directory;

	if (c->conf == NULL || c->row.serial == NULL)
		return NULL;
	for (unsigned i = 0; i < conf_n_issuers(c->conf); i++) {
		const struct conf_account *a = conf_issuer(c->conf,
		    i).account;

		if (directory == NULL || directory_same(directory,
		    a->directory))
			return a;
	}
	return NULL;
}

bool
issuer_is_other(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	unsigned n = c->conf != NULL ? conf_n_issuers(c->conf) : 0;

	if (n == 0 || row->serial == NULL)
		return false;
	if (row->ari_directory != NULL)
		return issuer_account(c) == NULL;
	/* Of a row that does not know: Let's Encrypt signs nothing so. */
	for (unsigned i = 0; i < n; i++) {
		if (!directory_is_at(conf_issuer(c->conf,
		    i).account->directory, LETSENCRYPT))
			return false;
	}
	return names_staging(row);
}

bool
issuer_has_profile(const struct cert *c)
{
	const char *directory = c->row.ari_directory;

	for (unsigned i = 0; i < conf_n_issuers(c->conf); i++) {
		struct conf_issuer at = conf_issuer(c->conf, i);

		if (conf_has_profile(&at, c->row.profile) &&
		    (directory == NULL || directory_same(directory,
		    at.account->directory)))
			return true;
	}
	/* Of another CA it is due whatever its profile is. */
	return issuer_is_other(c);
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
