/* SPDX-License-Identifier: MIT */
/*
 * manifest - the small object that says which version of a certificate is
 * published: written last by the publisher, read first by its subscribers.
 *
 *   PREFIX/NAME/manifest.json, a JSON object:
 *     "format": "acmed-1", "certificate": NAME, "names": [ ... ],
 *     "serial", "not_before", "not_after", "published_at" (epoch seconds),
 *     "encrypted": bool,
 *     and, of newer publishers, "waves": patterns of the hosts that may take
 *     it now, where not all may, "withdrawn": a serial that it replaces
 *     though that is newer, "publisher": its host's name, "renew_at":
 *     when it is going to renew the certificate;
 *     "files": { "fullchain.pem": {"path", "size", "sha256"},
 *                "privkey.pem": {"path", "size", "sha256"} },
 *     "mac": HMAC-SHA256 in hex of this object without "mac", its keys
 *            sorted and without white space
 *     of a pair of certificates also "second-fullchain.pem" and
 *     "second-privkey.pem", which older subscribers pass over
 *   PREFIX/NAME/SERIAL/fullchain.pem, privkey.pem: as they are, or sealed
 *   (store/seal.h) with aad "NAME/SERIAL/FILE".
 *
 * Where each host has a key of its own it is "format": "acmed-2": instead of
 * "mac" there is "signature", that of the publisher (store/identity.h) of the
 * same text, and among the files "keys": the secret that the others of this
 * publication are sealed with, 64 hex digits that stand for 32 bytes, wrapped
 * for each host that may open them (store/identity.h, aad "NAME/PATH").  Each
 * publication has a secret and files of its own: SERIAL/privkey-TAG.pem.  There
 * is none where the host has kept its key (request.h).
 *
 * With a shared secret there may be "csr.pem" in the place of "privkey.pem":
 * among the members of a cluster, none of which has the key (key_source).
 *
 * path is relative to PREFIX/NAME/; size and sha256 are of the object as it
 * is stored.
 */
#ifndef DAEMON_PUBLISH_MANIFEST_H
#define DAEMON_PUBLISH_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/names.h"

struct error;
struct repo_keys;

#define MANIFEST_MAX	32768		/* bytes of the object */
#define MANIFEST_FILE_MAX (512 * 1024)	/* bytes of a file */

/* In the order in which they are written and read. */
enum manifest_file_id {
	MANIFEST_KEYS,			/* of acmed-2 only */
	MANIFEST_FULLCHAIN,
	MANIFEST_PRIVKEY,
	MANIFEST_CSR,			/* of acmed-1 only */
	MANIFEST_SECOND_FULLCHAIN,
	MANIFEST_SECOND_PRIVKEY,
	MANIFEST_FILES
};
/* "keys", "fullchain.pem", ... */
const char	*manifest_file_name(enum manifest_file_id);

struct manifest_file {
	char		 path[160];	/* SERIAL/FILE; checked: no "..", no
					   leading "/" */
	size_t		 size;		/* 0: there is no such file */
	char		 sha256[65];
};

struct manifest {
	char		 certificate[128];
	char		**names;	/* NULL-terminated, canonical, sorted */
	char		 serial[64];
	time_t		 not_before, not_after, published_at;
	char		 publisher[DNAME_SIZE];	/* "": it does not say */
	time_t		 renew_at;	/* 0: it does not say */
	/* Who may take it now: hosts of these patterns; NULL: all. */
	char		**waves;	/* NULL-terminated */
	char		 withdrawn[64];	/* serial that it replaces though it is
					   older; "": none */
	bool		 encrypted;
	bool		 is_pair;	/* it has the files of a second */
	struct manifest_file files[MANIFEST_FILES];
};

void		 manifest_clear(struct manifest *);
/* May this host take it now? */
bool		 manifest_is_for(const struct manifest *, const char *host);

/* The object's text, signed; the caller frees. */
char		*manifest_make(const struct manifest *,
		    const struct repo_keys *);
/*
 * Read one that somebody has written: bounded, strict, and signed with these
 * keys, for this certificate.  ERR_REJECTED "manifest:syntax",
 * "manifest:mac", "manifest:name"; cleared on failure.
 */
int		 manifest_read(const char *text, size_t len,
		    const struct repo_keys *, const char *certificate,
		    struct manifest *, struct error *);
/* Is it not signed with the first line of the secret, but with the second? */
bool		 manifest_is_old(const char *text, size_t len,
		    const struct repo_keys *, const char *certificate);

#endif
