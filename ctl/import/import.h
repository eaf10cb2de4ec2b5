/* SPDX-License-Identifier: MIT */
/*
 * import - what another ACME client has, in acmed's terms: filled by one reader
 * for each program, completed by prepare.c, shown by report.c, carried out by
 * write.c.  Everything in it is owned by the plan.
 */
#ifndef CTL_IMPORT_IMPORT_H
#define CTL_IMPORT_IMPORT_H

#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	IMPORT_CERTS_MAX = 10000,
	IMPORT_NONE = -1			/* no account, no provider */
};

struct import_account {
	char	*from;		/* where it was found, for people */
	char	*name;		/* in acmed.conf; prepare.c chooses it */
	char	*directory;	/* URL */
	char	*kid;		/* its URL; NULL: not known */
	char	*pem;		/* its key; NULL: in jwk */
	json_t	*jwk;
	char	*contact;	/* "mailto:..."; NULL: none */
	char	*eab_kid, *eab_hmac;	/* NULL: none */
	char	*ca_file;	/* NULL: the system's trust */
	char	*key;		/* its type, as the daemon says */
	bool	 is_there;	/* acmed.conf has this account */
	bool	 is_used;	/* a certificate to be imported has it */
	char	*refused;	/* why the daemon does not take it, or NULL */
};

/* An option of a provider; a secret goes into a file of its own. */
struct import_opt {
	char	*key, *value;
};

struct import_provider {
	char	*from;		/* "dns-cloudflare, /root/cf.ini" */
	char	*type;		/* acmed's */
	char	*name;		/* in acmed.conf; prepare.c chooses it */
	struct import_opt *opts;
	size_t	 n_opts;
	json_t	*table;		/* GET /v1/providers/TYPE; set by prepare.c */
	bool	 is_used;
	bool	 is_there;	/* acmed.conf has it: --provider */
};

/* What is done with a new certificate. */
enum import_step {
	IMPORT_RELOAD,		/* a unit */
	IMPORT_RESTART,		/* a unit */
	IMPORT_INSTALL,		/* a path; of what: format */
	IMPORT_ROOT_HOOKS,	/* acmed-hook@NAME.service; no text */
	IMPORT_STEP_END
};

struct import_deploy {
	enum import_step	 step;
	char		*text;
	const char	*format;	/* IMPORT_INSTALL: a literal */
};

struct import_cert {
	char	*name;
	char	*from;		/* the file that describes it */
	int	 account;	/* index, or IMPORT_NONE */
	int	 provider;	/* index, or IMPORT_NONE */
	char	*directory;	/* of the CA that issued it, or NULL */
	char	*key_pem, *chain_pem;
	bool	 is_http;	/* http-01; else dns-01 */
	char	*webroot;	/* http-01 of all names; NULL: acmed answers */
	json_t	*ways;		/* of single names that differ: {NAME: webroot,
				   or the index of a provider} */
	char	*alias;		/* challenge_alias, or NULL */
	bool	 reuse_key;
	char	*preferred_chain;	/* or NULL */
	char	*profile;	/* or NULL */
	bool	 profile_required;
	long	 renew_before_s;	/* 0: the default */
	long	 delay_s;	/* propagation_delay */
	struct import_deploy *deploys;
	size_t	 n_deploys;
	json_t	*facts;		/* the daemon's answer; set by prepare.c */
	bool	 is_there;	/* acmed.conf has it: only the files are
				   missing; set by prepare.c */
	char	*skipped;	/* why it is not imported; NULL: it is */
};

/* A program for /etc/acmed/root-hooks.d. */
struct import_hook {
	char	*name;		/* of the file there */
	char	*from;		/* where it was found, for people */
	char	*text;
	bool	 is_written;	/* by us, now */
};

/* What could not be mapped, and what to do about it. */
struct import_note {
	char	*about;		/* a certificate, or a file; "" for all */
	char	*text;
};

/* How the other program is kept from renewing, by --switch. */
struct import_switch {
	char	*what;		/* for people: "the timer certbot.timer" */
	char	*unit;		/* to be disabled and stopped, or NULL */
	char	*crontab;	/* a crontab's user whose line is taken out,
				   or NULL */
	char	*match;		/* in that line, which also names the
				   directory that is imported */
};

struct import {
	const char	*program;	/* "certbot" */
	char		*dir;
	char		*provider;	/* of --provider, or NULL */
	struct import_account *accounts;
	size_t		 n_accounts;
	struct import_provider *providers;
	size_t		 n_providers;
	struct import_cert *certs;
	size_t		 n_certs;
	struct import_hook *hooks;
	size_t		 n_hooks;
	struct import_note *notes;
	size_t		 n_notes;
	struct import_switch *switches;
	size_t		 n_switches;
	bool		 needs_http;	/* acmed must answer http-01 */
	bool		 opens_webroots;	/* what acmed may not do yet, */
	bool		 allows_units;	/* is allowed on the way (allow.h) */
	json_t		*config;	/* GET /v1/configuration; set by
				   prepare.c */
};

void	import_clear(struct import *);

/* Each adds a zeroed one and returns it; valid until the next is added. */
struct import_account	*import_add_account(struct import *);
struct import_provider	*import_add_provider(struct import *);
struct import_cert	*import_add_cert(struct import *, const char *name);
struct import_switch	*import_add_switch(struct import *, const char *what);
/* The same note is kept once. */
void	import_note(struct import *, const char *about, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* acmed puts files there: a note, unless that is allowed on the way. */
void	import_note_webroot(struct import *, const char *webroot);
/* It is not imported: why. */
void	import_skip(struct import_cert *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* All are copied; one of the same text is kept once. */
void	import_hook(struct import *, const char *name, const char *from,
	    const char *text);
/* text is copied; what is there already is not added again. */
void	import_deploy(struct import_cert *, enum import_step,
	    const char *format, const char *text);
/* value is copied. */
void	import_opt(struct import_provider *, const char *key,
	    const char *value);
const char *import_opt_get(const struct import_provider *, const char *key);

/* Drop the last that was added. */
void	import_drop_provider(struct import *);
/*
 * The provider's index: one of the same type and options is used again, and
 * this one, the last that was added, is dropped then.
 */
int	import_share_provider(struct import *);

#endif
