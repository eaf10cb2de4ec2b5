/* SPDX-License-Identifier: MIT */
/*
 * tls_pin - trust one certificate by its fingerprint, whoever issued it and
 * whatever names it has; others as usual, their host looked at here.  For
 * curl, which compares hosts only by itself (io/http_easy).
 */
#ifndef DAEMON_IO_TLS_PIN_H
#define DAEMON_IO_TLS_PIN_H

#include <stdbool.h>

struct tls_pin {
	unsigned char	 sha256[32];
	char		*host;		/* a name or an address; the caller's */
	bool		 is_refused;	/* another one was shown: */
	unsigned char	 shown[32];	/* ... its fingerprint */
};

/* hex: 64 digits, with colons or not; -1 if it is not. */
int	tls_pin_parse(const char *hex, struct tls_pin *);
/* ctx: an SSL_CTX; pin must live as long as it. */
void	tls_pin_install(void *ctx, struct tls_pin *);

#endif
