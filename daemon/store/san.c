/* SPDX-License-Identifier: MIT */
#include "daemon/store/san.h"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/names.h"

static void
fill_name(GENERAL_NAME *gn, const char *name)
{
	unsigned char bytes[16];
	size_t len = address_bytes(name, bytes);
	ASN1_STRING *s = len > 0 ? ASN1_OCTET_STRING_new() :
	    ASN1_IA5STRING_new();

	if (s == NULL || ASN1_STRING_set(s, len > 0 ? (const void *)bytes :
	    name, len > 0 ? (int)len : (int)strlen(name)) != 1)
		abort();
	GENERAL_NAME_set0_value(gn, len > 0 ? GEN_IPADD : GEN_DNS, s);
}

GENERAL_NAMES *
san_make(const char *const *names, size_t n)
{
	GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();

	if (san == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *gn = GENERAL_NAME_new();

		if (gn == NULL)
			abort();
		fill_name(gn, names[i]);
		if (sk_GENERAL_NAME_push(san, gn) == 0)
			abort();
	}
	return san;
}
