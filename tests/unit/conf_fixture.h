/* SPDX-License-Identifier: MIT */
/*
 * conf_fixture - configurations in a scratch directory, loaded, with what is
 * reported; and some fake DNS providers in place of the real registry.
 */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/conf.h"

/* Options of the fake provider "tsig". */
enum { TSIG_SERVER, TSIG_NAME, TSIG_SECRET, TSIG_TTL, TSIG_TCP, TSIG_WAIT,
    TSIG_ZONES };

/* Group set-up and tear-down of cmocka. */
int	fixture_setup(void **state);
int	fixture_teardown(void **state);

/* A file below the scratch directory, replaced. */
void	fixture_write(const char *name, mode_t mode, const char *text);
/* Its absolute path; good until the next call. */
const char *fixture_path(const char *name);
void	fixture_remove(const char *name);
/*
 * Load a file.  *reports becomes all lines, each with "\n" and without the
 * scratch directory in front of names; the caller frees.
 */
struct conf *fixture_load(const char *name, char **reports);
/* The same with warnings, each with "warning: " in front. */
struct conf *fixture_load_all(const char *name, char **reports);

/* The keys outside of sections, as an unknown one is answered. */
#define ELB "arn:aws:elasticloadbalancing:"
#define KEYS "credentials \"ali\" { type = aliyun access_key_id = x " \
    "access_key_secret = s3cret }\n"
#define CREDENTIALS "aliyun, aws, azure, baiducloud, cloudflare, gcp, " \
    "huaweicloud, jdcloud, qiniu, tencentcloud, upyun, vault, volcengine"
#define VAULT_PATH "allowed: a path such as acmed/www.example.com, without " \
    "\"/\" at its ends, empty segments, \".\" or \"..\"\n"
#define ROOT_KEYS "state_dir, control_socket, hooks_dir, resolvers, " \
    "http_listen, tls_alpn_listen, status_listen, status_hosts, " \
    "metrics_textfile, host_name, log_level, " \
    "max_renewals, freeze, on_name_failure, alarm_after_tries, " \
    "alarm_gather, alarm_repeat, " \
    "digest_at, include, account, credentials, provider, host, repository, " \
    "certificate, notify, watch, cluster"

#endif
