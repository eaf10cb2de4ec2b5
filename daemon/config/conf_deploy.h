/* SPDX-License-Identifier: MIT */
/*
 * conf_deploy - the section `deploy "NAME" { }` of a certificate: one target,
 * which may ask for several steps.  Part of conf.h; read by deploy/, where
 * each kind of step has its file.
 */
#ifndef DAEMON_CONFIG_CONF_DEPLOY_H
#define DAEMON_CONFIG_CONF_DEPLOY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/io/starttls.h"

struct cloud;
struct conf_credentials;
struct conf_repository;
struct provider_values;
struct recipe;

/* Minutes of the local day; from > to: over midnight, and then the day is the
 * one on which it begins. */
struct conf_window {
	int		 from, to;
	unsigned	 days;	/* bits by tm_wday; 0: every day */
};

/* One entry of `verify`: who must serve the new certificate. */
struct conf_verify {
	char		*host;		/* name or address */
	uint16_t	 port;
	enum starttls	 starttls;
	bool		 has_sni;	/* false: the first name is sent */
	char		*sni;		/* NULL: none is sent */
	char		*connect;	/* go there instead; NULL: to host */
	uint16_t	 connect_port;	/* 0: port */
	char		*ca_file;	/* NULL: the system's trust */
};

/* What a file made from key and chain holds. */
enum bundle_format {
	BUNDLE_FULLCHAIN,	/* leaf and intermediates, PEM */
	BUNDLE_CERT,		/* the leaf, PEM */
	BUNDLE_CHAIN,		/* the intermediates, PEM */
	BUNDLE_PRIVKEY,		/* PKCS#8, PEM */
	BUNDLE_COMBINED,	/* fullchain and privkey, PEM, for HAProxy */
	BUNDLE_PKCS12,		/* all of it, under a password */
	BUNDLE_DER,		/* the leaf, DER */
	BUNDLE_FORMAT_END
};
/* "fullchain", ... */
const char	*bundle_format_name(enum bundle_format);
/* Is the private key in it? */
bool		 bundle_has_key(enum bundle_format);

/* install "PATH" { }, file "PATH" { } of ssh, copy "PATH" { } of docker */
struct conf_install {
	char		*path;
	enum bundle_format format;
	char		*password_file;	/* of BUNDLE_PKCS12; else NULL */
	char		*owner, *group;	/* NULL: the daemon's */
	uid_t		 uid;		/* of owner; (uid_t)-1: none given.  In
					   a container it is a number only */
	gid_t		 gid;
	mode_t		 mode;
	const char	*family;	/* of the one of a pair that it is made
					   of (key_type_family()); NULL: that of
					   the target, else the first */
};

/* ssh "[USER@]HOST" { } */
struct conf_ssh {
	char		*host;
	unsigned	 port;		/* 0: as ssh_config(5) says */
	char		*identity_file;	/* NULL: as ssh_config(5) says */
	char		*known_hosts_file;	/* the same */
	struct conf_install *files;	/* owner and group are unset */
	unsigned	 n_files;
	char		*command;	/* for the shell there; NULL: none */
};

/* haproxy "SOCKET" { } */
struct conf_haproxy {
	char		*socket;	/* path, or ADDRESS:PORT */
	char		*file;		/* as HAProxy knows the certificate */
};

/* docker { } */
struct conf_docker {
	char		*socket;	/* path of the engine's */
	char		**containers;	/* names, NULL-terminated; none: by
					   label */
	char		*label;		/* KEY or KEY=VALUE; NULL: by name */
	struct conf_install *files;	/* copied into each of them */
	unsigned	 n_files;
	/* One of them, or none. */
	char		*signal;	/* "HUP"; NULL: none */
	bool		 restart;
	char		**exec;		/* argv, NULL-terminated; empty: none */
};

/* kubernetes "URL" { } */
struct conf_kubernetes {
	char		*url;		/* of the API server; no final "/" */
	char		*namespace, *secret;
	char		*token_file;
	bool		 token_is_open;	/* a pod's own: all who are in the pod
					   may read it */
	char		*ca_file;	/* NULL: the system's trust */
	char		**labels;	/* "KEY=VALUE"; NULL-terminated */
};

/* cloud "PRODUCT" { } */
struct conf_cloud {
	const struct cloud *type;
	struct provider_values *values;
	const struct conf_credentials *credentials;
};

/* recipe "NAME" { } */
struct conf_recipe {
	const struct recipe *recipe;	/* NULL: it is mistaken */
	struct provider_values *values;
};

/* webhook "URL" { } */
struct conf_webhook {
	char		*url;
	char		*token_file;	/* NULL: none */
	char		*ca_file;	/* NULL: the system's trust */
	bool		 include_key;
};

/* A step that is not asked for is NULL, or none of them. */
struct conf_deploy {
	const char	*name;		/* in the same block */
	uint64_t	 hash;		/* of what it does; not of when */
	uint64_t	 whole_hash;	/* of all of its section */
	unsigned	 timeout_s;	/* of each step */
	unsigned	 verify_timeout_s;
	bool		 rollback;	/* if verify fails */
	bool		 at_holder;	/* of a cluster: it runs where the
					   certificate is renewed, not on all
					   hosts that serve it */
	bool		 is_shared;	/* conf.hooks: no certificate's own */
	const char	*family;	/* all is done with this one of a pair
					   (key_type_family()); NULL: with the
					   first, or both */
	unsigned	 n_windows;
	/* Names of the kinds of step that are asked for, as they are to run,
	 * NULL-terminated.  NULL: it is one, or those of deploy/kinds.c. */
	const char	**steps;
	/* When it may run, its own or the certificate's; none: always. */
	struct conf_window *windows;
	struct conf_install *installs;
	struct conf_verify *verify;
	unsigned	 n_installs;
	unsigned	 n_verify;
	struct conf_ssh	*ssh;
	struct conf_haproxy *haproxy;
	struct conf_docker *docker;
	const struct conf_repository *publish;
	struct conf_kubernetes *kubernetes;
	struct conf_cloud *cloud;
	struct conf_recipe *recipe;
	char		*hooks_dir;	/* of the target "deploy.d" */
	char		**exec;		/* NULL-terminated argv */
	char		**reload;	/* systemd's units, NULL-terminated */
	char		**restart;	/* the same */
	char		**start;	/* the same */
	char		**config_test;	/* NULL-terminated argv; empty: none;
					   NULL: what is known of the unit */
	struct conf_webhook *webhook;
};

#endif
