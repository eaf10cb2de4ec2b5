/* SPDX-License-Identifier: MIT */
/*
 * check_deploy - the deploy sections of a certificate.  To add a kind of
 * step: its keys in schema.c, its fields in conf_deploy.h, its check in
 * check_deploy_KIND.c and a line in the table of check_deploy.c, its work in
 * deploy/KIND.c.
 */
#ifndef DAEMON_CONFIG_CHECK_DEPLOY_H
#define DAEMON_CONFIG_CHECK_DEPLOY_H

#include "daemon/config/check.h"

/* Fill cert->deploys. */
void	check_deploys(struct check *, const struct section *,
	    struct conf_cert *);
void	check_free_deploys(struct conf_cert *);
/* One of them, or conf.hooks. */
void	check_free_deploy(struct conf_deploy *);

/* One for each kind of step; the free functions take what was never set. */
void	check_deploy_exec(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_exec(struct conf_deploy *);
void	check_deploy_install(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_install(struct conf_deploy *);
void	check_deploy_ssh(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_ssh(struct conf_deploy *);
void	check_deploy_publish(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_publish(struct conf_deploy *);
void	check_deploy_kubernetes(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_kubernetes(struct conf_deploy *);
void	check_deploy_cloud(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_cloud(struct conf_deploy *);
void	check_deploy_recipe(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_recipe(struct conf_deploy *);
void	check_deploy_haproxy(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_haproxy(struct conf_deploy *);
void	check_deploy_docker(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_docker(struct conf_deploy *);
void	check_deploy_webhook(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_webhook(struct conf_deploy *);
void	check_deploy_reload(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_reload(struct conf_deploy *);
void	check_deploy_restart(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_restart(struct conf_deploy *);
void	check_deploy_start(struct check *, const struct section *,
	    struct conf_deploy *);
/* Frees config_test as well. */
void	check_free_deploy_start(struct conf_deploy *);

/* No step: what comes before reload and restart, after which it is called. */
void	check_deploy_config_test(struct check *, const struct section *,
	    struct conf_deploy *);

/* The sections of that kind in sec, as files of this machine (place NULL), or
 * of another one, where owners are numbers. */
struct conf_install *check_files(struct check *, const struct section *sec,
	    const char *kind, const char *place, unsigned *n);
void	check_free_files(struct conf_install *, size_t n);
/* The one section of that kind in sec; a second one is a mistake.  Not NULL
 * where there is one. */
const struct section *check_one_section(struct check *,
	    const struct section *sec, const char *kind);
void	check_deploy_verify(struct check *, const struct section *,
	    struct conf_deploy *);
void	check_free_deploy_verify(struct conf_deploy *);
/* One "HOST[:PORT] [OPTION=VALUE ...]" of key; *v is zero, and cleared by the
 * caller in any case. */
void	check_verify_entry(struct check *, const struct section *,
	    const char *key, const struct value *, struct conf_verify *v);
void	check_free_verify_entry(struct conf_verify *);
/* As if verify had named these hosts: those that are names, not patterns.  For
 * a target that says nothing itself. */
void	check_deploy_verify_hosts(struct check *, const struct section *,
	    struct conf_deploy *, const char *const *hosts);

/*
 * Somebody writes there, and nobody else may: what ("file", "Secret") at path,
 * in place (another host; NULL: here).  The second one is a mistake.
 */
void	check_claim(struct check *, const struct section *, const char *what,
	    const char *place, const char *path);
/* The same for targets: those of one certificate may write there together, as
 * long as all of them are told so. */
void	check_claim_shared(struct check *, const struct section *,
	    const char *what, const char *place, const char *path);
void	check_free_claims(struct check *);
/* One spelling of a file's path: links above it followed.  The caller
 * frees. */
char	*check_same_path(const char *path);

/* No step: which one of a pair of certificates the target is of, and each file
 * of it; called last. */
void	check_deploy_key(struct check *, const struct section *,
	    const struct conf_cert *, struct conf_deploy *);
/* Not kinds: deploy_window of a target or a certificate (unset: *d stays),
 * deploy_order (is it parallel?), and the hash of a target, with the order of
 * its steps unless that is_usual (so that older hashes stay). */
void	check_deploy_window(struct check *, const struct section *,
	    struct conf_deploy *);
bool	check_deploy_order(struct check *, const struct section *);
void	check_deploy_hash(const struct section *, bool is_usual,
	    struct conf_deploy *);

#endif
