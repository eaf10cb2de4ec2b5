/* SPDX-License-Identifier: MIT */
/*
 * nonces - the Replay-Nonces that a CA has given and that are not yet used.
 * The newest goes out first: the older one is, the likelier the CA has
 * forgotten it.  None is thrown away for its age, since trying it costs no
 * more than asking for another.
 */
#ifndef DAEMON_ACME_NONCES_H
#define DAEMON_ACME_NONCES_H

#include <stdbool.h>
#include <stddef.h>

#define NONCES_MAX 64

struct nonces {
	char	*stack[NONCES_MAX];	/* the newest last */
	size_t	 n;
};

/*
 * Keep a copy.  A full pool forgets its oldest.  false, and nothing is kept,
 * if nonce is NULL or no base64url (RFC 8555 section 6.5.1).
 */
bool	 nonces_put(struct nonces *, const char *nonce);
/* The newest; the caller frees.  NULL if there is none. */
char	*nonces_take(struct nonces *);
void	 nonces_clear(struct nonces *);

#endif
