/* SPDX-License-Identifier: MIT */
#include "daemon/certs/cert_csr.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/certs/cert.h"
#include "daemon/config/conf.h"

const char *
cert_csr_wanted(const struct cert *c)
{
	if (c->conf == NULL || c->conf->csr == NULL)
		return NULL;
	return c->csr_seen != NULL ? c->csr_seen : c->conf->csr->hash;
}

bool
cert_csr_fits(const struct cert *c)
{
	const char *wanted = cert_csr_wanted(c);

	if (wanted == NULL)
		return c->row.csr == NULL && c->row.key == c->conf->key;
	return c->row.csr != NULL && strcmp(c->row.csr, wanted) == 0;
}

void
cert_csr_seen(struct cert *c, const char *hash)
{
	xstrset(&c->csr_seen, hash);
}

void
cert_csr_refused(struct cert *c, const struct error *err)
{
	free(c->csr_refused);
	c->csr_refused = err != NULL ? xmemdup(err, sizeof(*err)) : NULL;
}
