/* SPDX-License-Identifier: MIT */
/*
 * conf_realm - what the members of a cluster share about the certificates of
 * one CA: those of the staging CA never meet those of the live one.  Part of
 * conf.h; made of `cluster { }` and the accounts.
 */
#ifndef DAEMON_CONFIG_CONF_REALM_H
#define DAEMON_CONFIG_CONF_REALM_H

struct conf_deploy;
struct conf_repository;

/* First 8 hex digits of the SHA-256 of the directory's URL, as in the names of
 * accounts/. */
#define CONF_REALM_ID_SIZE 9

struct conf_realm {
	char		 id[CONF_REALM_ID_SIZE];
	/* PREFIX/ID/certs/ in the cluster's etcd, and the target that publishes
	 * there: none of a certificate's own. */
	struct conf_repository *certs;
	struct conf_deploy *publish;
};

#endif
