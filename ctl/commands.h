/* SPDX-License-Identifier: MIT */
/* commands - what acmectl can do.  Each returns acmectl's exit code. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/term.h"

/* Documented in acmectl(1). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* the renewal, deployment, reload or check
				   failed */
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3,
	EXIT_DENIED = 4,
	EXIT_REFUSED = 5,	/* no such certificate, or another refusal */
	EXIT_FINDINGS = 6,	/* check found what would fail */
	EXIT_INTERRUPTED = 130
};

struct options {
	const char	*socket;
	bool		 json;
	bool		 check;		/* status */
	bool		 no_probe;	/* check */
	bool		 write, remove;	/* persist */
	const char	*until;		/* persist; or NULL */
	bool		 no_wait;	/* renew-now, deploy, rollback */
	bool		 force;		/* rollback */
	struct term	 out;		/* standard output */
	const char *const *names;	/* arguments after the command */
	size_t		 n_names;
};

int	cmd_status(const struct options *);
int	cmd_list(const struct options *);
int	cmd_renew_now(const struct options *);
int	cmd_check(const struct options *);
int	cmd_deploy(const struct options *);
int	cmd_rollback(const struct options *);
int	cmd_events(const struct options *);
int	cmd_persist(const struct options *);
int	cmd_reload(const struct options *);
int	cmd_providers(const struct options *);
int	cmd_notify_test(const struct options *);
int	cmd_version(const struct options *);

#endif
