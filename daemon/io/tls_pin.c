/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls_pin.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string.h>

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
tls_pin_parse(const char *hex, struct tls_pin *pin)
{
	size_t n = 0;

	memset(pin->sha256, 0, sizeof(pin->sha256));
	for (; *hex != '\0'; hex++) {
		int d = digit(*hex);

		if (*hex == ':')
			continue;
		if (d == -1 || n == 2 * sizeof(pin->sha256))
			return -1;
		pin->sha256[n / 2] = (unsigned char)(pin->sha256[n / 2] << 4 |
		    d);
		n++;
	}
	return n == 2 * sizeof(pin->sha256) ? 0 : -1;
}

static bool
is_trusted(X509_STORE_CTX *x, const struct tls_pin *pin)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(x);

	return (X509_VERIFY_PARAM_set1_ip_asc(param, pin->host) == 1 ||
	    X509_VERIFY_PARAM_set1_host(param, pin->host, 0) == 1) &&
	    X509_verify_cert(x) == 1;
}

/* Instead of OpenSSL's own look at the chain. */
static int
verify_cb(X509_STORE_CTX *x, void *arg)
{
	struct tls_pin *pin = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(x);
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len;

	if (leaf == NULL || X509_digest(leaf, EVP_sha256(), hash, &len) != 1 ||
	    len != sizeof(pin->sha256))
		return 0;
	if (memcmp(hash, pin->sha256, len) == 0) {
		X509_STORE_CTX_set_error(x, X509_V_OK);
		return 1;
	}
	if (is_trusted(x, pin))
		return 1;
	memcpy(pin->shown, hash, len);
	pin->is_refused = true;
	return 0;
}

void
tls_pin_install(void *ctx, struct tls_pin *pin)
{
	SSL_CTX_set_cert_verify_callback(ctx, verify_cb, pin);
}
