/* SPDX-License-Identifier: MIT */
/*
 * tsig_text - a TSIG key as other programs write it:
 *
 *	key "NAME" { algorithm hmac-sha256; secret "BASE64"; };
 *
 * of tsig-keygen(8) and ddns-confgen(8), alone or among other statements of
 * named.conf(5), with its comments; dns_rfc2136_name = NAME and so on of
 * certbot's ini files; RFC2136_TSIG_KEY=NAME and so on of lego; id: NAME,
 * algorithm: and secret: of keymgr(8), name: of nsd.conf(5);
 * hmac-sha256:NAME:BASE64 and key hmac-sha256:NAME BASE64 of nsupdate(1);
 * NAME hmac-sha256. BASE64 of pdnsutil(1); and both files of dnssec-keygen(8),
 * of which the private one has no name.  Called by the rfc2136 provider.
 */
#ifndef DAEMON_DNS_TSIG_TEXT_H
#define DAEMON_DNS_TSIG_TEXT_H

#include <stdbool.h>

struct error;

#define TSIG_TEXT_MAX 512		/* bytes of a name, secret, ... */

struct tsig_text {
	char	name[TSIG_TEXT_MAX];	/* "" if it is not told */
	char	algorithm[TSIG_TEXT_MAX];	/* likewise */
	char	secret[TSIG_TEXT_MAX];
};

/* Is it one of these, and not a secret alone? */
bool	tsig_text_is(const char *text);

/*
 * The key of that name (NULL: there must be only one) in text; wipe *out
 * afterwards.  ERR_CONFIG "dns:tsig-key" says what was looked for; the
 * message never shows a secret.
 */
int	tsig_text_read(const char *text, const char *name,
	    struct tsig_text *out, struct error *);

#endif
