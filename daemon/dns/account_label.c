/* SPDX-License-Identifier: MIT */
#include "daemon/dns/account_label.h"

#include <stdint.h>
#include <string.h>

#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/rest/sign.h"

#define HASH_BYTES 10			/* 16 letters */

/* base32 (RFC 4648 section 6), in lower case. */
static void
base32(const unsigned char bytes[HASH_BYTES], char out[HASH_BYTES * 8 / 5 + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < HASH_BYTES; i++) {
		bits = bits << 8 | bytes[i];
		for (n += 8; n >= 5; n -= 5)
			*out++ = letters[bits >> (n - 5) & 31];
	}
	*out = '\0';
}

void
challenge_fqdn(const struct conf_name *name, const char *kid,
    char out[CHALLENGE_FQDN_SIZE])
{
	unsigned char hash[SIGN_MAX];
	char label[HASH_BYTES * 8 / 5 + 1];

	if (name->challenge != CHALLENGE_DNS_ACCOUNT_01 || kid == NULL) {
		(void)text_printf(out, CHALLENGE_FQDN_SIZE,
		    "_acme-challenge.%s", dname_base(name->name));
		return;
	}
	(void)sign_hash(SIGN_SHA256, kid, strlen(kid), hash);
	base32(hash, label);
	(void)text_printf(out, CHALLENGE_FQDN_SIZE, "_%s._acme-challenge.%s",
	    label, dname_base(name->name));
}
