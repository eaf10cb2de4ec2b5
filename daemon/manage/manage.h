/* SPDX-License-Identifier: MIT */
/*
 * manage - what a person asks of a CA besides certificates: to revoke one, and
 * what there is to do with an account.  Called by control/; doc/control-api.md
 * has the replies.
 */
#ifndef DAEMON_MANAGE_MANAGE_H
#define DAEMON_MANAGE_MANAGE_H

#include <jansson.h>
#include <stdbool.h>

struct accounts;
struct certs;
struct error;
struct loop;
struct manage_job;
struct manage_jobs;
struct store;

/* What it uses; borrowed as long as it lives. */
struct manage_env {
	struct loop	*loop;
	struct store	*store;
	struct certs	*certs;
	struct accounts	*accounts;
};

enum manage_act {
	MANAGE_REVOKE,		/* of a certificate; all others of an account */
	MANAGE_SHOW,		/* what the CA says of it */
	MANAGE_REGISTER,	/* the same, but make it if there is none */
	MANAGE_UPDATE,		/* tell the CA the configured contacts */
	MANAGE_ROLLOVER,	/* another key (RFC 8555 section 7.3.5) */
	MANAGE_DEACTIVATE,	/* for good (RFC 8555 section 7.3.6) */
	MANAGE_ADOPT,		/* the key of one that the CA knows */
	MANAGE_ACT_END
};

struct manage_args {			/* borrowed; copied */
	enum manage_act act;
	const char	*name;		/* the certificate, or account */
	/* MANAGE_REVOKE: */
	const char	*serial;	/* of a version; NULL: the
					   installed one */
	int		 reason;	/* reason.h */
	bool		 by_key;	/* signed with the certificate's key,
					   not the account's */
	bool		 in_use;	/* it may be the installed one */
	const char	*account;	/* its CA; both NULL: the one that is */
	const char	*ca_directory;	/* configured for it now */
	bool		 tells;		/* the caller tells why it failed */
	/* MANAGE_ADOPT; not copied, but read by manage_start(): as in
	   account_adopt_args. */
	const char	*pem, *directory;
	const json_t	*jwk;
	bool		 force;
};

/*
 * The reply is borrowed.  Errors: ERR_CONFIG "engine:unknown-cert",
 * "manage:unknown-account", "manage:no-version" (nothing of that serial is in
 * the archive), "manage:in-use" (it, or its key, is installed),
 * "manage:other-ca", "manage:used" (certificates are of that account),
 * "manage:not-registered"; those of the account and of acme.h; ERR_TRANSIENT
 * "engine:stopping".
 */
typedef void manage_done_cb(const struct error *err, const json_t *reply,
    void *arg);

/* The jobs under way. */
struct manage_jobs *manage_jobs_new(const struct manage_env *);
/* End all of them, and each that is begun from now on. */
void		 manage_jobs_stop(struct manage_jobs *);
void		 manage_jobs_free(struct manage_jobs *);
/* Be told of each certificate that a job has had revoked; NULL: nobody is. */
typedef void manage_revoked_cb(const char *cert, const char *serial,
    void *arg);
void		 manage_jobs_tell(struct manage_jobs *, manage_revoked_cb *,
		    void *arg);

/* A certificate that is being revoked already is so only once. */
struct manage_job *manage_start(struct manage_jobs *,
		    const struct manage_args *, manage_done_cb *done,
		    void *arg);
/* What was sent to the CA may be done all the same.  NULL is allowed. */
void		 manage_cancel(struct manage_job *);

#endif
