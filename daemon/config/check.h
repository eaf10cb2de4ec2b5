/* SPDX-License-Identifier: MIT */
/*
 * check - what a tree says becomes an object of struct conf.  Every one is
 * made, also a mistaken one, so that one mistake is told once; conf_read.c
 * drops the result if there was any.
 */
#ifndef DAEMON_CONFIG_CHECK_H
#define DAEMON_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/conf.h"
#include "daemon/config/table.h"
#include "daemon/config/tree.h"

struct check {
	struct conf	*conf;		/* to be filled */
	struct mistakes	*m;
	struct section	**files;	/* NULL: a syntax error */
	size_t		 n_files;
	bool		 is_partial;	/* a file is missing or unreadable:
					   references may lead there */
	struct table	 accounts, credentials, providers, hosts, repositories;
	struct table	 certs, notifies, watches;
	bool		 only_serves;	/* cluster { role = serve } */
	bool		 only_renews;	/* ... renew */
	const struct section *cluster;	/* the first; NULL: none */
	void		*claims;	/* tsearch(3); check_claims.c */
	void		*recipes;	/* recipe_of.c */
	char		*program;	/* what check_program() saw last, */
	char		*program_fault;	/* and what it found; NULL: nothing */
	char		**readers_of;	/* patterns of hosts, */
	uint64_t	 readers;	/* and who they are; check_host.c */
	uint64_t	 secrets;	/* hash of those that the section's
					   files hold */
};

/* Parts of check_all() (check_all.h). */
void	check_warnings(struct check *);	/* of the finished conf */
void	check_exposed(struct check *);	/* warnings of state_dir's modes */
void	check_globals(struct check *);
/* A warning if the program that a key names cannot be run. */
void	check_program(struct check *, const struct section *,
	    const char *key, const char *name, int line);
/* The same of all hooks below dir. */
void	check_hooks(struct check *, const struct section *, int line,
	    const char *dir);
struct conf_account *check_account(struct check *, const struct section *);
struct conf_credentials *check_credentials(struct check *,
	    const struct section *);
/* A warning for those that no provider and no deploy step has used. */
void	check_unused_credentials(struct check *);
struct conf_provider *check_provider(struct check *, const struct section *);
/* The keys of an etcd cluster in this section; is_sealed: what lies there can
 * be read by nobody. */
struct conf_etcd *check_etcd(struct check *, const struct section *,
	    bool is_sealed);
/* waves, left as it is where it is not given, and wave_pause. */
void	check_waves(struct check *, const struct section *, char ***waves,
	    size_t *n_waves, int64_t *pause_s);
struct conf_repository *check_repository(struct check *,
	    const struct section *);
/* accounts, providers and credentials are complete and sorted. */
struct conf_cert *check_cert(struct check *, const struct section *);

struct conf_watch *check_watch(struct check *, const struct section *);
struct conf_cluster *check_cluster(struct check *, const struct section *);
/* Is a secret that hosts share, in the file that key names (NULL: told
 * already), long enough not to be guessed? */
char	*check_shared_secret(struct check *, const struct section *,
	    const char *key, const char *file);

/* Where the members of the cluster meet; accounts and certificates are
 * complete. */
void	check_realms(struct check *);
void	check_free_realms(struct conf *);

/* The account or provider that key names, or the only one; NULL: told. */
void	*check_reference(struct check *, const struct section *,
	    const char *key, const struct table *);
/* ... that this value of key names. */
void	*check_reference_value(struct check *, const struct section *,
	    const char *key, const struct value *, const struct table *);
/* The key resolvers; free with opt_list_free(). */
char	**check_resolvers(struct check *, const struct section *);
/* Who puts the records of a certificate's names where, and who must see
 * them. */
void	check_cert_dns(struct check *, const struct section *,
	    struct conf_cert *);

/* By which challenge the names are proved: first as the certificate says, */
void	check_cert_challenge(struct check *, const struct section *,
	    struct conf_cert *);
/* then as a name's own section says, */
void	check_name_challenge(struct check *, const struct section *,
	    struct conf_name *);
/* and then: is it possible? */
void	check_challenges_end(struct check *, const struct section *,
	    const struct conf_cert *);

/* Is there room for "_acme-challenge." before the name, if it needs that? */
void	check_name_length(struct check *, const struct section *,
	    const struct conf_name *);

/*
 * What a section says, without the keys and sections that are not meant (NULL:
 * all are); stays the same from one version of acmed to the next.
 */
typedef bool check_hash_cb(const char *key);
uint64_t check_hash(const struct section *, check_hash_cb *is_meant);
/* A secret of a file counts for the hash of the section that names it. */
void	check_hash_secret(struct check *, const char *text);

/*
 * The key freeze: days in which nothing is renewed or deployed
 * (certs/freeze.h).  On the heap, in order; those that meet or overlap have
 * become one.  NULL and 0 if there are none.
 */
struct conf_freeze *check_freeze(struct check *, const struct section *,
	    unsigned *n);
/* That of a certificate; its account and profile are known. */
void	check_cert_freeze(struct check *, const struct section *,
	    struct conf_cert *);

/* The key limits of an account, whose directory is known. */
void	check_limits(struct check *, const struct section *,
	    struct conf_account *);

/* The key on_name_failure. */
enum name_failure check_name_failure(struct check *, const struct section *,
	    enum name_failure fallback);

/* Free what the functions above made; NULL is allowed. */
void	check_free_account(struct conf_account *);
void	check_free_credentials(struct conf_credentials *);
void	check_free_provider(struct conf_provider *);
void	check_free_repository(struct conf_repository *);
void	check_free_etcd(struct conf_etcd *);
void	check_free_cert(struct conf_cert *);
void	check_free_watch(struct conf_watch *);

#endif
