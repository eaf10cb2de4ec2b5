/* SPDX-License-Identifier: MIT */
/*
 * receipt - the small object in which a host says what it serves of a
 * certificate that it takes from a repository:
 *
 *   PREFIX/hosts/HOST/CERTIFICATE.json (PREFIX/~hosts/... in etcd, where those
 *   who watch for certificates need not be told of it), with the aad
 *   "hosts/HOST/CERTIFICATE.json" sealed with the repository's secret
 *   (store/seal.h), or from the host to the publisher (store/identity.h):
 *   a JSON object with the members of struct receipt below, times in epoch
 *   seconds.
 *
 * Others are unknown to older readers, who pass over them.
 */
#ifndef DAEMON_PUBLISH_RECEIPT_H
#define DAEMON_PUBLISH_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct conf_repository;
struct error;
struct repo_keys;

#define RECEIPT_MAX	4096	/* bytes of the object */
#define RECEIPT_HOST_SIZE 101	/* object_name_check() */

struct receipt {
	char		 host[RECEIPT_HOST_SIZE];
	char		 certificate[RECEIPT_HOST_SIZE];
	/* Of the one installed; "" and 0: there is none. */
	char		 serial[64];
	char		 sha256[65];	/* fingerprint of the leaf, hex */
	char		 second[64];	/* of a pair, the other's serial; or
					   "" */
	time_t		 not_before, not_after;
	bool		 ok;		/* every target has it, verified where
					   they verify */
	time_t		 since;		/* ... since then */
	time_t		 next_at;	/* it goes on then, by its own plan (a
					   window, a freeze); 0: at once */
	/* The last thing that failed; "" if nothing has since it went well. */
	char		 code[64];
	char		 error[512];
	time_t		 at;		/* when this was written */
};

/* "hosts/", behind the prefix. */
const char	*receipt_folder(const struct conf_repository *);
/* "HOST/CERTIFICATE.json", behind the folder; the caller frees. */
char		*receipt_key(const char *host, const char *certificate);
/* The reverse; false if it is none. */
bool		 receipt_key_read(const char *key,
		    char host[RECEIPT_HOST_SIZE],
		    char certificate[RECEIPT_HOST_SIZE]);

/* The object, under this host's keys; the caller frees. */
char		*receipt_make(const struct receipt *,
		    const struct repo_keys *, size_t *len);
/*
 * Read one that somebody has written for this place: bounded and strict.
 * public_key: the host's, where each has its own; else NULL.  ERR_REJECTED
 * "receipt:syntax", "seal:open", "identity:open".
 */
int		 receipt_read(const char *data, size_t len,
		    const struct repo_keys *, const char *public_key,
		    const char *host, const char *certificate,
		    struct receipt *, struct error *);

#endif
