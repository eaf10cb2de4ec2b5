/* SPDX-License-Identifier: MIT */
/*
 * exec - the deploy step `exec`: run a program.  No shell; the environment is
 * PATH, HOME and
 *   ACMED_NAME, ACMED_NAMES (comma-separated), ACMED_LIVE_DIR,
 *   ACMED_PRIVKEY, ACMED_CERT, ACMED_CHAIN, ACMED_FULLCHAIN (paths),
 *   ACMED_SERIAL,
 *   RENEWED_LINEAGE, RENEWED_DOMAINS (space-separated), as certbot's deploy
 *   hooks know them.
 */
#ifndef DAEMON_DEPLOY_EXEC_H
#define DAEMON_DEPLOY_EXEC_H

#include "daemon/deploy/kind.h"

/* ERR_TRANSIENT "deploy:exec" with exit status and the last lines it wrote to
 * stderr; ERR_CONFIG "deploy:exec" if it cannot be started. */
extern const struct deploy_kind deploy_exec;

/* PATH and HOME alone, with room for the others; NULL-terminated; free each
 * and the whole. */
char		**deploy_exec_base_env(void);
/* The whole environment, likewise. */
char		**deploy_exec_env(const struct deploy_args *);
void		 deploy_exec_env_free(char **);

#endif
