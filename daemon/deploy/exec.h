/* SPDX-License-Identifier: MIT */
/*
 * exec - the deploy action `exec`: run a program after a certificate was
 * installed.  No shell; the environment is PATH, HOME and
 *   ACMED_NAME, ACMED_NAMES (comma-separated), ACMED_LIVE_DIR,
 *   ACMED_PRIVKEY, ACMED_CERT, ACMED_CHAIN, ACMED_FULLCHAIN (paths),
 *   ACMED_SERIAL,
 *   RENEWED_LINEAGE, RENEWED_DOMAINS (space-separated), as certbot's deploy
 *   hooks know them.
 * Called by engine/deployer.
 */
#ifndef DAEMON_DEPLOY_EXEC_H
#define DAEMON_DEPLOY_EXEC_H

struct children;
struct conf_cert;
struct conf_deploy;
struct deploy_exec_op;
struct error;

struct deploy_exec_args {		/* borrowed */
	struct children	*children;
	const struct conf_cert *cert;
	const struct conf_deploy *action;
	const char	*live_dir;
	const char	*serial;
	/* Each line the program prints; may be NULL; gets done's arg. */
	void		(*line)(const char *line, void *arg);
};

/* ERR_TRANSIENT "deploy:exec" with exit status and the last lines it wrote to
 * stderr; ERR_CONFIG "deploy:exec" if it cannot be started. */
typedef void deploy_exec_done_cb(const struct error *err, void *arg);

struct deploy_exec_op *deploy_exec_start(const struct deploy_exec_args *,
		    deploy_exec_done_cb *done, void *arg);
void		 deploy_exec_cancel(struct deploy_exec_op *);

#endif
