/* SPDX-License-Identifier: MIT */
#include "daemon/config/directories.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

#define SCHEME "https://"

static const struct {
	const char	*word, *url;
	const char	*eab_page;	/* NULL: it wants none */
	bool		 gives_eab;
} list[] = {
	/* https://letsencrypt.org/getting-started/ */
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory",
	    NULL, false },
	{ "letsencrypt-staging",
	    "https://acme-staging-v02.api.letsencrypt.org/directory", NULL,
	    false },
	/* https://zerossl.com/documentation/acme/ */
	{ "zerossl", "https://acme.zerossl.com/v2/DV90",
	    "https://app.zerossl.com/developer", true },
	/* https://pki.goog/faq/, and its tutorial */
	{ "google", "https://dv.acme-v02.api.pki.goog/directory",
	    "https://cloud.google.com/certificate-manager/docs/"
	    "public-ca-tutorial", false },
	{ "google-staging", "https://dv.acme-v02.test-api.pki.goog/directory",
	    "https://cloud.google.com/certificate-manager/docs/"
	    "public-ca-tutorial", false },
	/* Its other directory is for RSA keys, sslcom-dv-rsa. */
	{ "sslcom", "https://acme.ssl.com/sslcom-dv-ecc",
	    "https://www.ssl.com/guide/"
	    "ssl-tls-certificate-issuance-and-revocation-with-acme/", false },
	{ "actalis", "https://acme-api.actalis.com/acme/directory",
	    "https://www.actalis.com/manage-with-acme", false },
};
#define N (sizeof(list) / sizeof(list[0]))

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
directory_same(const char *a, const char *b)
{
	size_t a_len, b_len;
	const char *a_rest, *b_rest;
	const char *a_host = split(a, &a_len, &a_rest);
	const char *b_host = split(b, &b_len, &b_rest);

	return a_len == b_len && strncasecmp(a_host, b_host, a_len) == 0 &&
	    without_slash(a_rest) == without_slash(b_rest) &&
	    strncmp(a_rest, b_rest, without_slash(a_rest)) == 0;
}

bool
directory_is_at(const char *url, const char *host)
{
	size_t len;
	const char *rest, *at = split(url, &len, &rest);

	return len == strlen(host) && strncasecmp(at, host, len) == 0;
}

const char *
directory_url(const char *word)
{
	for (size_t i = 0; i < N; i++) {
		if (strcmp(list[i].word, word) == 0)
			return list[i].url;
	}
	return NULL;
}

const char *
directory_word(const char *url)
{
	for (size_t i = 0; i < N; i++) {
		if (directory_same(url, list[i].url))
			return list[i].word;
	}
	return NULL;
}

const char *
directory_nearest(const char *word)
{
	const char *words[N];

	for (size_t i = 0; i < N; i++)
		words[i] = list[i].word;
	return text_nearest(word, words, N);
}

const char *
directory_ended(const char *s)
{
	/* https://www.buypass.com/products/tls-ssl-certificates */
	if (strcmp(s, "buypass") == 0 || strcmp(s, "buypass-staging") == 0 ||
	    strcasestr(s, "//api.buypass.com/") != NULL ||
	    strcasestr(s, ".buypass.no/") != NULL)
		return "Buypass issues no certificates since October 2025";
	return NULL;
}

const char *
directory_eab_page(const char *url)
{
	for (size_t i = 0; i < N; i++) {
		if (directory_same(url, list[i].url))
			return list[i].eab_page;
	}
	return NULL;
}

bool
directory_gives_eab(const char *url)
{
	for (size_t i = 0; i < N; i++) {
		if (directory_same(url, list[i].url))
			return list[i].gives_eab;
	}
	return false;
}
