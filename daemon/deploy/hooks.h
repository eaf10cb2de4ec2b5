/* SPDX-License-Identifier: MIT */
/*
 * hooks - directories of programs in certbot's manner: pre.d before a renewal,
 * deploy.d after an installation, post.d when the renewal is over.  In the
 * byte order of their names, one after the other.  So are those of different
 * certificates, for certbot's hooks know nothing else; but who has run for
 * patience_ms holds up the others no longer, and pre.d goes first.
 *
 * Run is what is a regular file (or leads to one) and executable, unless its
 * name ends in '~'.  A directory or hook that others than root and the user
 * of acmed can write to is not trusted: that is a failure.
 */
#ifndef DAEMON_DEPLOY_HOOKS_H
#define DAEMON_DEPLOY_HOOKS_H

#include <stdbool.h>

#include "daemon/deploy/kind.h"

#define HOOKS_PATIENCE_MS 60000

struct gate;
struct hooks;
struct hooks_op;

enum hooks_when {
	HOOKS_PRE,
	HOOKS_DEPLOY,
	HOOKS_POST_RENEWED,
	HOOKS_POST_FAILED,
	HOOKS_WHEN_END
};

struct hooks_args {			/* dir is copied, the rest borrowed */
	enum hooks_when	 when;
	const char	*dir;		/* that has pre.d, ...; they may be
					   missing */
	const struct conf_cert *cert;
	const char	*live_dir;
	const char	*serial;	/* "": none */
	bool		 is_dry_run;	/* ACMED_DRY_RUN=1: nothing is kept */
	void		(*line)(const char *line, void *arg);
};

/*
 * The environment is that of exec.h, where RENEWED_DOMAINS and RENEWED_LINEAGE
 * are of HOOKS_DEPLOY and HOOKS_POST_RENEWED only; HOOKS_POST_FAILED has
 * FAILED_DOMAINS and FAILED_LINEAGE in their place.
 *
 * err: of the first hook that failed, which it names; ERR_TRANSIENT or
 * ERR_CONFIG, "hooks:pre", "deploy:hooks" or "hooks:post".
 */
struct hooks	*hooks_new(struct loop *, struct children *, struct gate *,
		    unsigned patience_ms);
/* All operations must be finished or cancelled before.  NULL is allowed. */
void		 hooks_free(struct hooks *);
struct hooks_op	*hooks_start(struct hooks *, const struct hooks_args *,
		    deploy_done_cb *done, void *arg);
void		 hooks_cancel(struct hooks_op *);

/* Is there such a directory in dir now? */
bool		 hooks_exist(const char *dir, enum hooks_when);

/* The step of the target "deploy.d", which every certificate has where there
 * is such a directory. */
extern const struct deploy_kind deploy_hooks;

#endif
