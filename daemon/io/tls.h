/* SPDX-License-Identifier: MIT */
/*
 * tls - ask one address which certificate it serves: connect, STARTTLS if
 * wanted, shake hands, look, go.  The only user of libssl.  Nothing secret is
 * sent and the peer is not trusted: whatever it serves is told, and whether
 * it would be believed.  What it sends is bounded (256 KiB in all), and so is
 * the time.  Called by deploy/verify.
 */
#ifndef DAEMON_IO_TLS_H
#define DAEMON_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "daemon/io/starttls.h"
#include "daemon/io/tls_cert.h"

struct error;
struct loop;
struct tls_op;

/* Which one to ask a server for that has one of each. */
enum tls_key { TLS_KEY_ANY, TLS_KEY_EC, TLS_KEY_RSA };

/* Borrowed; tls_start() copies. */
struct tls_args {
	const struct sockaddr *addr;
	socklen_t	 addr_len;
	const char	*sni;		/* NULL: none is sent; nor an address,
					   which is only looked for */
	enum starttls	 starttls;
	enum tls_key	 key;
	const char	*alpn;		/* the protocol asked for; NULL: none */
	const char	*ca_file;	/* NULL: the system's trust */
	unsigned	 timeout_ms;	/* for all of it; > 0 */
};

/*
 * Errors, without the address: ERR_TRANSIENT "tls:refused" (nobody listens),
 * "tls:unroutable" (this host has no way to such addresses), "tls:connect",
 * "tls:timeout", "tls:starttls", "tls:closed", "tls:handshake",
 * "tls:no-shared" (the server has nothing for args.key, or for us),
 * "tls:no-name" (it says that it does not know sni); ERR_CONFIG
 * "tls:ca" (ca_file).
 */
typedef void tls_done_cb(const struct error *err, const struct tls_reply *,
    void *arg);
struct tls_op	*tls_start(struct loop *, const struct tls_args *,
		    tls_done_cb *done, void *arg);
void		 tls_cancel(struct tls_op *);

#endif
