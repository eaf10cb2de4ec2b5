/* SPDX-License-Identifier: MIT */
/* san - names and addresses as a subject alternative name (RFC 5280 section
 * 4.2.1.6), for store/ itself. */
#ifndef DAEMON_STORE_SAN_H
#define DAEMON_STORE_SAN_H

#include <openssl/x509v3.h>
#include <stddef.h>

/* The caller frees with GENERAL_NAMES_free(). */
GENERAL_NAMES	*san_make(const char *const *names, size_t n);

#endif
