/* SPDX-License-Identifier: MIT */
/*
 * tsig - signing an update and checking the signature of its reply, and the
 * same as the server of one (RFC 8945).  Ours because ldns' helpers take the
 * time from the system clock and do not tell the error field of a reply; the
 * MAC is OpenSSL's.  Used by update.c and responder_update.c.
 */
#ifndef DAEMON_DNS_TSIG_H
#define DAEMON_DNS_TSIG_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/names.h"

struct error;
struct tsig_alg;

#define TSIG_FUDGE 300			/* seconds */

/* The error field of a TSIG record. */
enum {
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22
};

struct tsig_key {
	char		 name[DNAME_SIZE];
	uint8_t		 wire[255];	/* the name in wire form */
	size_t		 wire_len;
	const struct tsig_alg *alg;
	uint8_t		*secret;
	size_t		 secret_len;
};

/*
 * name has one label or more, in any case, with a final dot or not;
 * algorithm, likewise, is "hmac-sha1", "hmac-sha224", "hmac-sha256",
 * "hmac-sha384" or "hmac-sha512"; secret is base64 (RFC 4648 section 4).
 * ERR_CONFIG "dns:tsig-key" names what is wrong with which, never the secret.
 * The caller clears the key.
 */
int	tsig_key_init(struct tsig_key *, const char *name,
	    const char *algorithm, const char *secret, struct error *);
/* Is that its algorithm? */
bool	tsig_key_has(const struct tsig_key *, const char *algorithm);
void	tsig_key_copy(struct tsig_key *to, const struct tsig_key *from);
void	tsig_key_clear(struct tsig_key *);

struct tsig_mac {
	uint8_t		 bytes[EVP_MAX_MD_SIZE];
	size_t		 len;
};

/*
 * Append the TSIG record to *msg (grown; the caller frees), signed at that
 * time (epoch seconds).  mac is kept for the reply.
 */
int	tsig_sign(const struct tsig_key *, uint64_t time, uint8_t **msg,
	    size_t *len, struct tsig_mac *, struct error *);

struct tsig_reply {
	bool		 is_signed;	/* it has a TSIG record */
	bool		 is_verified;	/* with the right MAC, by our key */
	unsigned	 error;		/* of the record; believe it as far as
					   is_verified goes */
	uint64_t	 server_time;	/* with TSIG_BADTIME, else 0 */
};

/*
 * Look at the reply to a message signed with that key and MAC.  -1 and
 * ERR_TRANSIENT "dns:reply" only if the message is malformed.
 */
int	tsig_check(const struct tsig_key *, const struct tsig_mac *request,
	    const uint8_t *msg, size_t len, struct tsig_reply *,
	    struct error *);

/* --- the server's side --- */

struct tsig_request {
	unsigned	 error;		/* 0: it is signed, now, with the key */
	uint64_t	 time;		/* that it was signed at */
	struct tsig_mac	 mac;
};

/* Look at a message; -1: it is malformed, or not signed. */
int	tsig_check_request(const struct tsig_key *, uint64_t now,
	    const uint8_t *msg, size_t len, struct tsig_request *);
/*
 * Append the TSIG record of a reply to that request, whose error it tells
 * (RFC 8945 section 5.3): signed, but for BADKEY and BADSIG.
 */
int	tsig_sign_reply(const struct tsig_key *, uint64_t now,
	    const struct tsig_request *, uint8_t **msg, size_t *len);

#endif
