/* SPDX-License-Identifier: MIT */
/*
 * tls_alpn - the server that proves names by tls-alpn-01 (RFC 8737, RFC 8738):
 * a TLS handshake for "acme-tls/1" alone and for a name that is being proved is
 * answered with a certificate that says so; all else is refused in the
 * handshake.  Nothing is read or written afterwards.  A connection has 10
 * seconds in all, however slowly its bytes come; when there are too many, the
 * oldest makes room.  One in the engine.
 */
#ifndef DAEMON_IO_TLS_ALPN_H
#define DAEMON_IO_TLS_ALPN_H

#include <stdbool.h>

struct error;
struct loop;
struct tls_alpn;

/* In tls_alpn_listen: the sockets that systemd has passed
 * (acmed-alpn.socket). */
#define TLS_ALPN_SYSTEMD "systemd"

struct tls_alpn	*tls_alpn_new(struct loop *);
/* NULL is allowed. */
void		 tls_alpn_free(struct tls_alpn *);

/*
 * Listen there from now on, and nowhere else: "192.0.2.1:443",
 * "[2001:db8::1]:443", without a port 443; NULL-terminated, borrowed until the
 * next call.  Passed sockets are served whether they are asked for or not.
 * ERR_CONFIG "tls-alpn:listen": the first that failed; the others are served,
 * and those are tried again by tls_alpn_put().
 */
int		 tls_alpn_listen(struct tls_alpn *, char *const *addresses,
		    struct error *);

/*
 * Prove that name, a host's name or an address (canonical), by that key
 * authorization, until tls_alpn_drop() was called as often.  ERR_CONFIG
 * "tls-alpn:listen" if there is no open socket; ERR_TRANSIENT "tls-alpn:busy"
 * if the name is just being proved by another one.  A trial (a dry run) gives
 * way to one that is none.
 */
int		 tls_alpn_put(struct tls_alpn *, const char *name,
		    const char *key_authorization, bool is_trial,
		    struct error *);
/* Harmless if it is not there. */
void		 tls_alpn_drop(struct tls_alpn *, const char *name,
		    const char *key_authorization);

/* For tests: how long a connection may live. */
void		 tls_alpn_test_limit(struct tls_alpn *, unsigned life_ms);

#endif
