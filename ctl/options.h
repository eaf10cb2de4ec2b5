/* SPDX-License-Identifier: MIT */
/* options - what acmectl was asked for, and with which code it exits. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

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
	EXIT_PLUGIN_UNKNOWN = 3,	/* of check-status */
	EXIT_DENIED = 4,
	EXIT_REFUSED = 5,	/* no such certificate, or another refusal */
	EXIT_FINDINGS = 6,	/* check found what would fail */
	EXIT_INTERRUPTED = 130
};

/* Members are set by main.c's table; lists are NULL-terminated, or NULL. */
struct options {
	const char	*socket;
	const char	*conf;		/* acmed.conf; NULL: ask the daemon */
	bool		 json;
	enum term_when	 colour;	/* --color */
	bool		 check;		/* status */
	bool		 failing, watch, all_hosts;	/* status */
	const char	*expires_within;	/* status; a span, or NULL */
	const char	*warning, *critical;	/* check-status; days */
	bool		 all, failed;	/* renew-now */
	const char	*due_within;	/* renew-now; a span, or NULL */
	const char	*days;		/* plan; or NULL */
	bool		 pem;		/* show */
	bool		 no_probe, write_caa;	/* check */
	bool		 write, remove;	/* persist */
	const char	*until;		/* persist, pause; or NULL */
	bool		 no_wait;	/* renew-now, deploy, rollback */
	bool		 force;		/* rollback, renew-now, add */
	bool		 yes;		/* do not ask */
	/* revoke */
	const char	*reason, *by, *serial;
	bool		 only, cancel;
	/* add */
	const char	*cert_name;
	const char	*challenge, *provider, *webroot, *key, *profile;
	const char	*csr;
	const char	*account, *directory, *email, *ca_file;
	bool		 staging, agree_tos;
	const char	**option;	/* "NAME=VALUE", of a new provider */
	const char	**listen;	/* for acmed's own answers */
	const char	**reload, **verify;
	const char	*format, *password_file;	/* export */
	/* import */
	bool		 dry_run, switch_over;
	const char	*dns, *env_file;
	struct term	 out;		/* standard output */
	const char *const *names;	/* arguments after the command */
	size_t		 n_names;
};

#endif
