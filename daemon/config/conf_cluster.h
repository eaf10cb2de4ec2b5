/* SPDX-License-Identifier: MIT */
/*
 * conf_cluster - the section `cluster { }`: several daemons with one
 * configuration share the work through etcd.  Part of conf.h.
 */
#ifndef DAEMON_CONFIG_CONF_CLUSTER_H
#define DAEMON_CONFIG_CONF_CLUSTER_H

#include <stdint.h>

struct conf_etcd;

enum cluster_role {
	CLUSTER_BOTH,			/* renews and serves */
	CLUSTER_RENEW,
	CLUSTER_SERVE,			/* never renews */
	CLUSTER_ROLE_END
};

/* "both", ... */
const char	*cluster_role_name(enum cluster_role);

struct conf_cluster {
	struct conf_etcd *etcd;
	char		*prefix;	/* of all keys: "/acmed", no "/" at its
					   end */
	char		*secret_file;	/* encrypt_key_file, */
	char		*secret;	/* and what was in it when the
					   configuration was read; NULL: that
					   could not be */
	char		*name;		/* of this member; an object's name */
	enum cluster_role role;
	int		 lease_s;	/* after so long without a word from it
					   a member is taken for dead */
	/* As those of a repository, of all certificates of the cluster. */
	char		**waves;	/* NULL-terminated; NULL: all at once */
	size_t		 n_waves;
	int64_t		 wave_pause_s;
	uint64_t	 hash;		/* of the section but waves, and its
					   secrets */
};

/* Outlives the configuration. */
struct conf_cluster *conf_cluster_copy(const struct conf_cluster *);
/* NULL is allowed. */
void		 conf_cluster_free(struct conf_cluster *);

#endif
