/* SPDX-License-Identifier: MIT */
/*
 * fuzz_host - what hosts write into a repository for their publisher: requests
 * (key_source = host), and receipts.  Nobody guesses a signature: each input is
 * read as it is, and as a host that others have taken over would sign it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/publish/receipt.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/publish/request.h"
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"
#include "tests/fuzz/fuzz.h"

#define HOST "web-1"
#define CERT "www.example.com"
#define PLACE CERT "/csr/" HOST
#define RECEIPT "hosts/" HOST "/" CERT ".json"

static char secret[] = "0123456789abcdef0123456789abcdef";
static const struct repo_keys shared = { .secret = secret };
static struct repo_keys publisher, host;

static void
need(bool ok)
{
	if (!ok)
		abort();
}

/* --- requests --- */

/* What was taken has the promises of csr.h. */
static void
read_csr(const char *data, size_t len)
{
	struct error err;
	struct csr csr;
	char *pem;

	if (csr_parse(data, len, &csr, &err) == -1) {
		need(err.kind == ERR_CONFIG && csr.key == NULL &&
		    csr.names == NULL);
		return;
	}
	need(csr.n_names > 0 && csr.names[csr.n_names] == NULL &&
	    csr.hash[0] != '\0');
	pem = csr_to_pem(&csr);
	csr_clear(&csr);
	need(csr_parse(pem, strlen(pem), &csr, &err) == 0);
	csr_clear(&csr);
	free(pem);
}

static bool
read_request(const char *data, size_t len, time_t *at, char **csr)
{
	struct error err;

	if (request_read(&publisher, identity_public(host.me), PLACE, data,
	    len, csr, at, &err) == -1) {
		need(err.kind == ERR_REJECTED && *csr == NULL);
		return false;
	}
	need(strlen(*csr) <= CSR_MAX && *at >= 0);
	return true;
}

static void
signed_request(const char *data, size_t len)
{
	size_t n;
	char *sealed = identity_seal(host.me, host.publisher, PLACE, data, len,
	    &n), *csr, *again;
	time_t at, then;
	bool is_good = read_request(sealed, n, &at, &csr);

	free(sealed);
	if (!is_good)
		return;
	read_csr(csr, strlen(csr));
	sealed = request_make(&host, PLACE, csr, at, &n);
	need(read_request(sealed, n, &then, &again) && then == at &&
	    strcmp(again, csr) == 0);
	free(sealed);
	free(again);
	free(csr);
}

/* --- receipts --- */

static bool
read_receipt(const char *data, size_t len, const struct repo_keys *keys,
    struct receipt *r)
{
	struct error err;

	if (receipt_read(data, len, keys, keys->secret != NULL ? NULL :
	    identity_public(host.me), HOST, CERT, r, &err) == -1) {
		need(err.kind == ERR_REJECTED);
		return false;
	}
	need(strcmp(r->host, HOST) == 0 && strcmp(r->certificate, CERT) == 0);
	return true;
}

static void
signed_receipt(const char *data, size_t len, const struct repo_keys *writer,
    const struct repo_keys *reader)
{
	struct receipt r, again;
	size_t n;
	char *sealed = writer->secret != NULL ? seal_close(writer->secret,
	    RECEIPT, data, len, &n) : identity_seal(writer->me,
	    writer->publisher, RECEIPT, data, len, &n);
	bool is_good = read_receipt(sealed, n, reader, &r);

	free(sealed);
	if (!is_good)
		return;
	sealed = receipt_make(&r, writer, &n);
	need(read_receipt(sealed, n, reader, &again) &&
	    strcmp(again.serial, r.serial) == 0 && again.at == r.at &&
	    strcmp(again.error, r.error) == 0 && again.ok == r.ok);
	free(sealed);
}

/* What a list says lies there. */
static void
read_key(const char *data, size_t len)
{
	char *key = xstrndup(data, len), name[RECEIPT_HOST_SIZE];
	char certificate[RECEIPT_HOST_SIZE], *again;

	if (receipt_key_read(key, name, certificate)) {
		need(name[0] != '\0' && certificate[0] != '\0' &&
		    strchr(name, '/') == NULL && name[0] != '.' &&
		    strchr(certificate, '/') == NULL);
		again = receipt_key(name, certificate);
		need(strcmp(again, key) == 0);
		free(again);
	}
	free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct receipt r;
	time_t at;
	char *csr;

	if (host.me == NULL) {
		host.me = identity_new(HOST);
		publisher.me = identity_new("publisher");
		publisher.publisher = identity_public(publisher.me);
		host.publisher = publisher.publisher;
	}
	need(!read_request(text, len, &at, &csr));
	need(!read_receipt(text, len, &shared, &r));
	need(!read_receipt(text, len, &publisher, &r));
	read_csr(text, len);
	read_key(text, len);
	signed_request(text, len);
	signed_receipt(text, len, &shared, &shared);
	signed_receipt(text, len, &host, &publisher);
	return 0;
}
