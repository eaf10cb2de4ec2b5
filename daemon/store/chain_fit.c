/* SPDX-License-Identifier: MIT */
/* Is a chain that a CA sent of use for what was asked? */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"

#define CLOCK_SKEW_S 300

/* --- names --- */

/* Does this name of the certificate serve the one that was asked for? */
static bool
serves(const char *san, const char *name)
{
	const char *parent = strchr(name, '.');

	if (strcasecmp(san, name) == 0)
		return true;
	return dname_is_wildcard(san) && !dname_is_wildcard(name) &&
	    !name_is_address(name) && parent != NULL &&
	    strcasecmp(san + 1, parent) == 0;
}

/* The first of the names that the certificate does not serve, or NULL. */
static const char *
find_missing(const struct cert_info *info, const char *const *names,
    size_t n_names)
{
	for (size_t i = 0; i < n_names; i++) {
		size_t k = 0;

		while (info->names[k] != NULL &&
		    !serves(info->names[k], names[i]))
			k++;
		if (info->names[k] == NULL)
			return names[i];
	}
	return NULL;
}

bool
cert_info_serves(const struct cert_info *info, const char *const *names,
    size_t n_names)
{
	return find_missing(info, names, n_names) == NULL;
}

static void
add_extra(char *extra, size_t size, const char *name)
{
	size_t used = strlen(extra);

	(void)text_printf(extra + used, size - used, "%s%s",
	    used > 0 ? ", " : "", name);
}

/* Every name is served; extra: which others there are. */
static int
check_names(const struct cert_info *info, const char *const *names,
    size_t n_names, char *extra, size_t size, struct error *err)
{
	const char *missing = find_missing(info, names, n_names);

	extra[0] = '\0';
	if (missing != NULL)
		return error_set(err, ERR_REJECTED, "cert:names",
		    "certificate: %s is not in it", missing);
	for (size_t k = 0; info->names[k] != NULL; k++) {
		size_t i = 0;

		while (i < n_names && strcasecmp(info->names[k], names[i]) != 0)
			i++;
		/* Another name is the CA's custom; an address is nobody's. */
		if (i == n_names && name_is_address(info->names[k]))
			return error_set(err, ERR_REJECTED, "cert:names",
			    "certificate: the address %s was not asked for",
			    info->names[k]);
		if (i == n_names)
			add_extra(extra, size, info->names[k]);
	}
	return 0;
}

/* --- dates --- */

static int
check_dates(const struct cert_info *info, struct error *err)
{
	char when[TEXT_TIME_MAX];
	time_t now = clock_now();

	if (info->not_after <= now)
		return error_set(err, ERR_REJECTED, "cert:expired",
		    "certificate: expired at %s (is the clock right?)",
		    text_time(info->not_after, when));
	if (info->not_before > now + CLOCK_SKEW_S) {
		(void)error_set(err, ERR_REJECTED, "cert:not-yet",
		    "certificate: not valid before %s (is the clock right?)",
		    text_time(info->not_before, when));
		err->retry_at = info->not_before;
		return -1;
	}
	return 0;
}

/* --- the order --- */

static bool
has_key(const X509 *x, const EVP_PKEY *key)
{
	bool same = X509_check_private_key(x, key) == 1;

	ERR_clear_error();
	return same;
}

/* Is x signed by issuer?  Whether the last is trusted is not our matter: that
 * is for those who connect. */
static bool
is_signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool ok = key != NULL && X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(issuer)) == 0 && X509_verify(x, key) == 1;

	ERR_clear_error();
	return ok;
}

static bool
is_self_issued(const X509 *x)
{
	return X509_NAME_cmp(X509_get_issuer_name(x),
	    X509_get_subject_name(x)) == 0;
}

/* certs[from] comes to certs[to]; the others keep their order. */
static void
move_up(struct chain *chain, size_t from, size_t to)
{
	X509 *x = chain->certs[from];

	memmove(&chain->certs[to + 1], &chain->certs[to],
	    (from - to) * sizeof(x));
	chain->certs[to] = x;
}

static int
leaf_first(struct chain *chain, const EVP_PKEY *key, struct error *err)
{
	for (size_t i = 0; i < chain->n; i++) {
		if (has_key(chain->certs[i], key)) {
			move_up(chain, i, 0);
			return 0;
		}
	}
	return error_set(err, ERR_REJECTED, "cert:key",
	    "certificate: made for another key");
}

/* After the leaf its issuer, and so on; the rest goes. */
static int
follow_issuers(struct chain *chain, struct error *err)
{
	size_t n = 1;

	while (n < chain->n && !is_self_issued(chain->certs[n - 1])) {
		size_t i = n;

		while (i < chain->n &&
		    !is_signed_by(chain->certs[n - 1], chain->certs[i]))
			i++;
		if (i == chain->n)
			break;
		move_up(chain, i, n++);
	}
	if (n == 1 && chain->n > 1 && !is_self_issued(chain->certs[0]))
		return error_set(err, ERR_REJECTED, "cert:chain",
		    "certificate chain: the certificate is signed by none of "
		    "the others");
	while (chain->n > n)
		X509_free(chain->certs[--chain->n]);
	return 0;
}

static int
check_signatures(const struct chain *chain, struct error *err)
{
	for (size_t i = 0; i + 1 < chain->n; i++) {
		if (!is_signed_by(chain->certs[i], chain->certs[i + 1]))
			return error_set(err, ERR_REJECTED, "cert:chain",
			    "certificate chain: certificate %zu is not signed "
			    "by the next one", i + 1);
	}
	return 0;
}

/* --- all of it --- */

static int
check_leaf(const struct chain *chain, const char *const *names,
    size_t n_names, struct chain_fit *fit, struct error *err)
{
	struct cert_info info;
	int rc;

	if (cert_info_fill(chain->certs[0], &info, err) == -1)
		return -1;
	fit->not_after = info.not_after;
	rc = check_names(&info, names, n_names, fit->extra,
	    sizeof(fit->extra), err);
	if (rc == 0)
		rc = check_dates(&info, err);
	cert_info_clear(&info);
	return rc;
}

int
chain_fit(const char *pem, size_t len, EVP_PKEY *key,
    const char *const *names, size_t n_names, struct chain_fit *fit,
    struct error *err)
{
	struct chain chain;
	int rc;

	*fit = (struct chain_fit){ .pem = NULL };
	if (chain_parse(pem, len, &chain, err) == -1)
		return -1;
	rc = leaf_first(&chain, key, err);
	if (rc == 0)
		rc = check_leaf(&chain, names, n_names, fit, err);
	if (rc == 0)
		rc = follow_issuers(&chain, err);
	if (rc == 0)
		fit->pem = chain_to_pem(&chain, 0, chain.n);
	chain_clear(&chain);
	return rc;
}

int
chain_verify(const char *pem, size_t len, EVP_PKEY *key,
    const char *const *names, size_t n_names, struct error *err)
{
	struct chain_fit fit;
	struct chain chain;
	int rc;

	if (chain_parse(pem, len, &chain, err) == -1)
		return -1;
	if (!has_key(chain.certs[0], key))
		rc = error_set(err, ERR_REJECTED, "cert:key",
		    "certificate: made for another key");
	else
		rc = check_leaf(&chain, names, n_names, &fit, err);
	if (rc == 0 && fit.extra[0] != '\0')
		rc = error_set(err, ERR_REJECTED, "cert:names",
		    "certificate: %s was not asked for", fit.extra);
	if (rc == 0)
		rc = check_signatures(&chain, err);
	chain_clear(&chain);
	return rc;
}
