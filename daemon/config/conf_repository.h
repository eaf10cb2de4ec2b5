/* SPDX-License-Identifier: MIT */
/*
 * conf_repository - the section `repository "NAME" { }`: a place where
 * certificates are published for other hosts, and fetched from.  Part of
 * conf.h.
 */
#ifndef DAEMON_CONFIG_CONF_REPOSITORY_H
#define DAEMON_CONFIG_CONF_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_etcd;
struct conf_host;

enum repository_type {
	REPOSITORY_S3,			/* AWS, or whatever speaks its API */
	REPOSITORY_OSS,			/* Aliyun OSS */
	REPOSITORY_HTTPS,		/* to fetch from only */
	REPOSITORY_DIRECTORY,
	REPOSITORY_ETCD,
	REPOSITORY_TYPE_END
};

struct conf_repository {
	char		*name;
	enum repository_type type;
	char		*url;		/* S3, OSS: the endpoint; HTTPS: before
					   prefix; no final "/"; else NULL */
	char		*path;		/* DIRECTORY; else NULL */
	struct conf_etcd *etcd;		/* ETCD; else NULL */
	char		*bucket, *region;	/* S3, OSS; else NULL */
	char		*prefix;	/* "" or ending in "/" */
	char		*access_key_id, *secret_access_key_file; /* S3, OSS */
	bool		 path_style;	/* URL/BUCKET/KEY, not BUCKET.HOST */
	char		*encryption;	/* by the server: "AES256", "aws:kms",
					   ...; NULL: as the bucket says */
	char		*kms_key_id;	/* NULL: the bucket's */
	char		*token_file;	/* HTTPS; NULL: none */
	char		*ca_file;	/* NULL: the system's trust */
	/* Who signs, and who can read: one of three. */
	char		*secret_file;	/* hmac_key_file or encrypt_key_file */
	const char	*secret;	/* of a cluster, whose parts must all
					   have the same; NULL: see the file */
	bool		 to_hosts;	/* to publish: signed by the key of this
					   acmed, for certificates' hosts */
	char		*host_key_file;	/* to fetch what is published so; */
	char		*host;		/* whose key that is, */
	char		*publisher_key;	/* and by whom it must be signed */
	bool		 encrypted;	/* not hmac_key_file */
	struct conf_host *const *hosts;	/* of to_hosts: all that there are */
	size_t		 n_hosts;
	bool		 of_cluster;	/* it has no section of its own */
	bool		 receipts;	/* hosts say there what they serve */
	int64_t		 behind_after_s;	/* a host without the newest is
					   wrong then */
	/* To publish: patterns of host names; those of the first take a new
	   version first. */
	char		**waves;	/* NULL-terminated; NULL: all at once */
	size_t		 n_waves;
	int64_t		 wave_pause_s;	/* before the next */
	uint64_t	 hash;		/* of the section, and its secrets */
};

/* Is the host in one of the first n waves? */
bool	conf_waves_have(char *const *waves, size_t n, const char *host);

#endif
