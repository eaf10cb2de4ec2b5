/* SPDX-License-Identifier: MIT */
/*
 * conf - acmed.conf and what it includes, read and checked once, then
 * immutable and reference-counted: a run keeps the one it began with, a
 * reload makes a new one (conf_read.h).  doc/acmed.conf.5 is the user's
 * description.
 */
#ifndef DAEMON_CONFIG_CONF_H
#define DAEMON_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/log.h"
#include "daemon/config/conf_cluster.h"
#include "daemon/config/conf_deploy.h"
#include "daemon/config/conf_limits.h"
#include "daemon/config/conf_notify.h"
#include "daemon/config/conf_etcd.h"
#include "daemon/config/conf_realm.h"
#include "daemon/config/conf_host.h"
#include "daemon/config/conf_repository.h"
#include "daemon/config/conf_watch.h"

struct credentials_type;
struct provider;
struct provider_values;

enum key_type {
	KEY_EC256,
	KEY_EC384,
	KEY_RSA2048,
	KEY_RSA3072,
	KEY_RSA4096,
	KEY_TYPE_END
};

/* "ec256", ... */
const char	*key_type_name(enum key_type);
/* 0 and *type, or -1 if there is no such type. */
int		 key_type_parse(const char *name, enum key_type *type);
/* "ec" or "rsa": also the folder of the second certificate of a pair, in the
 * version of the first (store.h).  NULL for KEY_TYPE_END. */
const char	*key_type_family(enum key_type);

/* How a name is proved to be ours (RFC 8555 section 8). */
enum challenge_type {
	CHALLENGE_DNS_01,
	CHALLENGE_HTTP_01,
	CHALLENGE_DNS_PERSIST_01,
	CHALLENGE_TLS_ALPN_01,
	CHALLENGE_DNS_ACCOUNT_01,
	CHALLENGE_TYPE_END
};

/* As the CA calls it: "dns-01", ... */
const char	*challenge_type_name(enum challenge_type);
/* 0 and *type, or -1 if there is no such type. */
int		 challenge_type_parse(const char *name,
		    enum challenge_type *type);

struct conf_account {
	char		*name;
	char		*directory;	/* URL */
	char		*staging_directory;	/* for --dry-run; NULL: as
						   known of directory */
	char		**contact;	/* NULL-terminated URLs; never NULL */
	bool		 agree_tos;
	char		*ca_file;	/* NULL: the system's trust */
	char		*proxy;		/* NULL: the environment's; "": none */
	enum key_type	 key;
	char		*eab_kid;	/* NULL: none */
	char		*eab_hmac_key_file;
	bool		 ari;		/* RFC 9773: let the CA say when */
	char		*profile;	/* of certificates that name none; NULL:
					   the CA's default */
	bool		 profile_required;
	struct conf_limit limits[LIMIT_KIND_END];
	uint64_t	 hash;		/* of the section, and its secrets */
};

/* credentials "NAME" { type = ...; options of that type } */
struct conf_credentials {
	char		*name;
	const struct credentials_type *type;
	struct provider_values *values;
	bool		 is_used;
	uint64_t	 hash;		/* of the section, and its secrets */
};

/* provider "NAME" { type = ...; options of that type } */
struct conf_provider {
	char		*name;
	const struct provider *type;
	struct provider_values *values;	/* checked against type's table */
	const struct conf_credentials *credentials;	/* that lend; NULL */
	uint64_t	 hash;		/* of the section, and its secrets */
};

struct conf_name {
	char		*name;		/* canonical, may begin with "*." */
	enum challenge_type challenge;
	bool		 has_section;	/* name "..." { } was given */
	bool		 has_own_challenge;	/* ... with a challenge */
	bool		 has_own_provider;	/* ... with a provider: it goes
					   before the alias_provider */
	char		*webroot;	/* http-01; NULL: http_listen answers */
	const struct conf_provider *provider;	/* NULL: challenge needs none */
	char		*challenge_alias;	/* name of the TXT record; NULL:
					   by RFC 8555, CNAMEs followed */
};

/* Does it want a record in a zone of the name, and, unless it may be there
 * already, somebody to put it there? */
bool		 conf_name_needs_dns(const struct conf_name *);
/* Is it proved by a TXT record of the moment: dns-01, dns-account-01? */
bool		 challenge_is_txt(enum challenge_type);

/* Who must show a TXT record before the CA is asked to look. */
enum propagation {
	PROPAGATION_AUTHORITATIVE,
	PROPAGATION_RESOLVERS,
	PROPAGATION_BOTH,
	PROPAGATION_NONE,
	PROPAGATION_END
};

/* What becomes of a certificate of which some names cannot be validated. */
enum name_failure {
	NAME_FAILURE_FAIL,	/* it is not renewed */
	NAME_FAILURE_SHRINK,	/* near expiry, it is without them */
	NAME_FAILURE_END
};

/* Days of `freeze`: their first moment, and the first one after them, in epoch
 * seconds. */
struct conf_freeze {
	time_t		 from, end;
};

/* "2026-12-20 - 2027-01-05", the first and the last day. */
#define CONF_FREEZE_TEXT_MAX 64
const char	*conf_freeze_text(const struct conf_freeze *,
		    char out[CONF_FREEZE_TEXT_MAX]);

/* files { } of a certificate: somebody else has it made. */
struct conf_given {
	char		*fullchain;	/* NULL, with privkey: only by acmectl
					   put */
	char		*privkey;
};

/* The request of a certificate whose key is elsewhere (conf_csr.h). */
struct conf_csr {
	char		*path;
	char		 hash[65];	/* struct csr's, when it was read */
	bool		 gives_names;	/* the configuration has none */
	bool		 is_hosts;	/* path is ours: a host publishes its
					   request (key_source = host), */
	const struct conf_host *host;	/* this one, */
	const struct conf_repository *repository;	/* there */
	int		 line;
};

#define CONF_ISSUERS_MAX 8	/* of one certificate */
/* A CA that a certificate may come from. */
struct conf_issuer {
	const struct conf_account *account;
	const char	*profile;	/* draft-ietf-acme-profiles; NULL: the
					   CA's default */
	bool		 profile_required;	/* without it no order */
};

/* There may be 100,000: what is small stands together. */
struct conf_cert {
	char		*name;		/* also the directory in live/ */
	struct conf_name *names;	/* in the order of the file; in one
					   block with the texts of both */
	unsigned	 n_names;	/* 1 to 100; with given also 0 */
	unsigned	 n_deploys;
	struct conf_deploy **deploys;
	bool		 deploy_parallel;	/* not one after the other */
	bool		 reuse_key;
	bool		 is_pair;	/* two, one with each key */
	bool		 placeholder;	/* in live/ until the first is issued */
	bool		 profile_required;	/* of account */
	bool		 follow_cname;
	bool		 keeps_key;	/* with source: made here, and nowhere
					   else (key_source = host) */
	enum key_type	 key;		/* of csr: its; KEY_TYPE_END if it is
					   none of ours */
	enum key_type	 second_key;	/* of the other family */
	enum propagation propagation;
	enum name_failure on_name_failure;
	int		 propagation_timeout_s;
	int		 propagation_delay_s;	/* after that */
	int		 renew_before_s;
	int		 poll_s;	/* how often to look at source */
	/* Fetched from there, where another host publishes it: account, key
	   and all of proving names are not ours.  NULL: renewed here. */
	const struct conf_repository *source;
	/* Where the members of a cluster meet about it; NULL: it is none's, or
	   comes from source or given. */
	const struct conf_realm *realm;
	/* Taken from there, where nobody renews it here; names may be none. */
	struct conf_given *given;
	/* Patterns of the hosts that may open what is published; NULL: none. */
	char		**hosts;
	struct conf_csr	*csr;		/* NULL: keys are made here */
	const struct conf_account *account;	/* the first; NULL with
						   source or given */
	char		*profile;	/* of account */
	/* Those after it, in order of preference: which of them is asked is
	   accounts/choice.h's to say. */
	struct conf_issuer *others;
	unsigned	 n_others;
	char		*preferred_chain;	/* NULL: the CA's default */
	/* For records that are not in the zone of their name; NULL: none. */
	const struct conf_provider *alias_provider;
	char		**resolvers;	/* empty: those of struct conf */
	const struct conf_freeze *freezes;	/* in order, none meets the
						   next; its own, or all's */
	struct conf_freeze *own_freezes;
	unsigned	 n_freezes;
	const char	*file;		/* where it stands, for messages */
	int		 line, end_line;
	uint64_t	 hash;		/* of the section without deploys */
};

struct conf {
	unsigned	 refs;
	void		(*free)(struct conf *);	/* of who made it */
	char		*path;		/* the main file */
	char		*state_dir;
	char		*control_socket;
	char		*hooks_dir;	/* NULL: none */
	struct conf_deploy *hooks;	/* the target of that, of most
					   certificates; NULL: none */
	char		**resolvers;	/* "ADDRESS" or "ADDRESS:PORT", IPv6 in
					   brackets with a port;
					   NULL-terminated; empty:
					   resolv.conf */
	char		**http_listen;	/* as resolvers, or "systemd"; empty:
					   none */
	char		**status_listen;	/* the same */
	char		**status_hosts;	/* more names that it is asked by */
	char		**tls_alpn_listen;	/* the same */
	char		*metrics_textfile;	/* an absolute path, *.prom;
					   NULL: none */
	char		*host_name;	/* of this host, among others; never
					   NULL */
	enum log_level	 log_level;
	unsigned	 max_renewals;	/* at once; default 20 */
	enum name_failure on_name_failure;	/* the same */
	struct conf_freeze *freezes;	/* of certificates without their own */
	unsigned	 n_freezes;
	struct conf_account **accounts;
	size_t		 n_accounts;
	struct conf_credentials **credentials;
	size_t		 n_credentials;
	struct conf_provider **providers;
	size_t		 n_providers;
	struct conf_host **hosts;	/* sorted by name */
	size_t		 n_hosts;
	struct conf_repository **repositories;
	size_t		 n_repositories;
	struct conf_cert **certs;	/* sorted by name */
	size_t		 n_certs;
	struct conf_notify **notifies;	/* sorted by name */
	size_t		 n_notifies;
	struct conf_watch **watches;	/* sorted by name */
	size_t		 n_watches;
	struct conf_cluster *cluster;	/* NULL: it works alone */
	struct conf_realm **realms;
	size_t		 n_realms;
	struct conf_alarm alarm;
};

/* One more reference; returns its argument. */
const struct conf *conf_ref(const struct conf *);
/* Give one back; the last one frees.  NULL is allowed. */
void		 conf_unref(const struct conf *);

/* The wildcard among the certificate's names that stands for this name as
 * well, or NULL. */
const char	*conf_wildcard_over(const struct conf_cert *,
		    const char *name);

/* Are they of the same names, in any order? */
bool		 conf_same_names(const struct conf_cert *,
		    const struct conf_cert *);

/*
 * The same certificate without the names that skip says, which borrows all
 * else; free(3) frees it.  NULL: all would be there, or none.
 */
struct conf_cert *conf_cert_without(const struct conf_cert *,
		    bool (*skip)(const char *name, const void *arg),
		    const void *arg);

/* Is this the name of a host that may open what is published of it? */
bool		 conf_is_for_host(const struct conf_cert *, const char *host);

/* Is it renewed here?  Else it comes from source, or is given. */
bool		 conf_is_issued(const struct conf_cert *);
/* Is the name of a record made of the account (dns-account-01)? */
bool		 conf_needs_kid(const struct conf_cert *);
/* The CAs it may come from, the best first; none if it is not issued here. */
unsigned	 conf_n_issuers(const struct conf_cert *);
struct conf_issuer conf_issuer(const struct conf_cert *, unsigned i);
/* The one of the account of that name; the first, if it has none such. */
unsigned	 conf_issuer_index(const struct conf_cert *,
		    const char *account);
/* Is this the profile (NULL: the CA's default) that it is to have there? */
bool		 conf_has_profile(const struct conf_issuer *,
		    const char *profile);
/* Do both come from the same accounts in the same order and profiles? */
bool		 conf_same_issuers(const struct conf_cert *,
		    const struct conf_cert *);

/* The certificate of that name, or NULL. */
const struct conf_cert *conf_find_cert(const struct conf *, const char *name);
const struct conf_notify *conf_find_notify(const struct conf *,
		    const char *name);
const struct conf_provider *conf_find_provider(const struct conf *,
		    const char *name);

#endif
