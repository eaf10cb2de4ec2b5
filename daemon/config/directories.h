/* SPDX-License-Identifier: MIT */
/*
 * directories - the CAs that "directory" knows by a word: where they are, and
 * whether they want an external account (RFC 8555 section 7.3.4).
 */
#ifndef DAEMON_CONFIG_DIRECTORIES_H
#define DAEMON_CONFIG_DIRECTORIES_H

#include <stdbool.h>

#define DIRECTORY_ALL "letsencrypt, letsencrypt-staging, zerossl, google, " \
	"google-staging, sslcom, actalis"

/* The URL, or NULL if there is no such word. */
const char	*directory_url(const char *word);
/* The reverse. */
const char	*directory_word(const char *url);
/* The word nearest to that one, or NULL. */
const char	*directory_nearest(const char *word);
/* Why a CA of that name cannot be used any more; NULL: it is not known to be
 * gone. */
const char	*directory_ended(const char *word_or_url);
/* Do two directory URLs name the same CA?  Case of scheme and host, the port
 * 443 and a slash at the end make no difference. */
bool		 directory_same(const char *a, const char *b);
bool		 directory_is_at(const char *url, const char *host);
/* Where a person gets eab_kid and eab_hmac_key for it; NULL: it wants none, as
 * far as is known. */
const char	*directory_eab_page(const char *url);
/* ... which it also gives to who asks for a mail address. */
bool		 directory_gives_eab(const char *url);

#endif
