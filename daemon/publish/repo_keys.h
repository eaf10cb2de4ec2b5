/* SPDX-License-Identifier: MIT */
/*
 * repo_keys - by which keys what lies in a repository is signed and encrypted:
 * a secret that all share, or the publisher's own key and those of the hosts
 * (store/identity.h).
 */
#ifndef DAEMON_PUBLISH_REPO_KEYS_H
#define DAEMON_PUBLISH_REPO_KEYS_H

#include <stdbool.h>

struct conf_repository;
struct error;
struct identity;
struct store;

struct repo_keys {
	char		*secret;	/* NULL: each has a key of its own: */
	struct identity	*me;		/* the publisher's, or this host's */
	const char	*publisher;	/* whose signature counts; borrowed of
					   me, or of the repository */
};

/*
 * Read what the repository names.  store: where the publisher's own key is, or
 * is made; only needed for one with to_hosts.  Errors: file_read_shared()'s,
 * identity_read()'s, store_publisher()'s; cleared on failure.
 */
int	repo_keys_read(const struct conf_repository *, struct store *,
	    struct repo_keys *, struct error *);
void	repo_keys_clear(struct repo_keys *);

#endif
