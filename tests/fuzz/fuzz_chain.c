/* SPDX-License-Identifier: MIT */
/* fuzz_chain - certificate chains as a CA could send them. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"
#include "tests/fuzz/fuzz.h"

static void
read_chain(const char *pem, size_t len)
{
	static const char *const names[] = { "example.test",
	    "*.example.test" };
	static EVP_PKEY *key;
	struct cert_info info;
	struct error err;

	if (key == NULL && (key = key_generate(KEY_EC256, &err)) == NULL)
		abort();
	if (cert_info_read(pem, len, &info, &err) == 0) {
		if (info.names == NULL || strlen(info.sha256) != 64 ||
		    info.serial[0] == '\0')
			abort();
		cert_info_clear(&info);
	} else if (err.kind != ERR_REJECTED) {
		abort();
	}
	/* Nobody made one for this key. */
	if (chain_verify(pem, len, key, names, 2, &err) == 0)
		abort();
	(void)chain_is_preferred(pem, len, "Test Root X1");
}

/* What fits has to pass for perfect, and stay as it is. */
static void
fit_chain(const char *pem, size_t len)
{
	struct chain_fit fit, again;
	struct cert_info info;
	struct chain chain;
	struct error err;
	EVP_PKEY *key;
	size_t n = 0;

	if (chain_parse(pem, len, &chain, &err) == -1)
		return;
	key = X509_get0_pubkey(chain.certs[chain.n - 1]);
	if (key != NULL && cert_info_fill(chain.certs[chain.n - 1], &info,
	    &err) == 0) {
		while (info.names[n] != NULL)
			n++;
		if (chain_fit(pem, len, key, (const char *const *)info.names,
		    n, &fit, &err) == 0) {
			if (chain_fit(fit.pem, strlen(fit.pem), key,
			    (const char *const *)info.names, n, &again,
			    &err) == -1 || strcmp(fit.pem, again.pem) != 0 ||
			    (fit.extra[0] == '\0' && chain_verify(fit.pem,
			    strlen(fit.pem), key,
			    (const char *const *)info.names, n, &err) == -1))
				abort();
			free(again.pem);
			free(fit.pem);
		} else if (err.kind != ERR_REJECTED) {
			abort();
		}
		cert_info_clear(&info);
	}
	chain_clear(&chain);
}

/* Once as the text it is, once as the DER inside a block: base64 would hide
 * the structure from the fuzzer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xmalloc(len / 3 * 4 + 5), *pem;

	read_chain((const char *)data, len);
	fit_chain((const char *)data, len);
	(void)EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	pem = xasprintf("-----BEGIN CERTIFICATE-----\n%s\n"
	    "-----END CERTIFICATE-----\n", text);
	read_chain(pem, strlen(pem));
	fit_chain(pem, strlen(pem));
	free(pem);
	free(text);
	return 0;
}
