/* SPDX-License-Identifier: MIT */
/*
 * engine - the policy: which certificate when, by what steps, and what to do
 * when one fails.  Created by main, asked and commanded by control/.
 */
#ifndef DAEMON_ENGINE_ENGINE_H
#define DAEMON_ENGINE_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct account_import;
struct cert_import;
struct children;
struct cluster;
struct conf;
struct engine;
struct error;
struct event_sub;
struct http;
struct loop;
struct manage_jobs;
struct persist_jobs;
struct preflights;
struct sd;
struct sdbus;
struct store;

struct engine_args {
	struct loop	*loop;
	struct http	*ca_http;	/* pool for CAs */
	struct http	*http;		/* pool for provider APIs */
	struct children	*children;
	struct store	*store;
	struct sd	*sd;
	struct sdbus	*sdbus;		/* for deploy steps */
	const struct conf *conf;	/* one more reference is taken */
	/* The configuration depends on a file that has changed: to be read
	 * again, soon. */
	void		(*reread)(void *arg);
	void		*reread_arg;
};

/* NULL and ERR_CONFIG if the resolvers are malformed. */
struct engine	*engine_new(const struct engine_args *, struct error *);
void		 engine_free(struct engine *);
/* Read the state and begin to work. */
void		 engine_start(struct engine *);

/*
 * Stop: no new runs; those under way are cancelled (their orders are resumed
 * at the next start), but where the CA is just looking its verdict is waited
 * for; then TXT records are removed.  At most 8 seconds in all.  done once.
 */
void		 engine_stop(struct engine *, void (*done)(void *arg),
		    void *arg);

/*
 * Use another configuration from now on; runs under way keep theirs.  Returns
 * {"added": [names], "removed": [names], "changed": [names]}; the caller
 * decrefs.
 */
json_t		*engine_reload(struct engine *, const struct conf *);
/* The last reload failed with this text (NULL: it did not); for status. */
void		 engine_set_reload_error(struct engine *, const char *text);

/* The one in force; borrowed. */
const struct conf *engine_conf(const struct engine *);

/*
 * The configured certificates, one after the other, by name: the first behind
 * a name that need not exist ("" begins), NULL after the last.  Borrowed.
 */
const char	*engine_next_name(const struct engine *, const char *after);

/* The objects of doc/control-api.md; the caller decrefs.  The status without
 * the certificates, */
json_t		*engine_status(const struct engine *);
/* and one of those, in brief or with its steps; NULL if there is no
 * certificate of that name. */
json_t		*engine_cert_brief(const struct engine *, const char *name);
/* Is there one? */
bool		 engine_has_cert(const struct engine *, const char *name);
json_t		*engine_cert_status(const struct engine *, const char *name);

/* What hosts serve of a certificate that is published here, as an array: GET
 * /v1/hosts; the caller decrefs. */
json_t		*engine_receipts(const struct engine *, const char *cert);
/* A person decides on a roll-out in waves (fleet/waves.h, whose errors it has):
 * "continue", "stop", or "rollback", with engine_rollback()'s. */
int		 engine_rollout(struct engine *, const char *name,
		    const char *what, struct error *);
/* Forget one until it says something new; hosts_forget()'s errors. */
int		 engine_receipts_forget(struct engine *, const char *host,
		    struct error *);

/* Prometheus text, without what there is for each certificate; the caller
 * frees. */
char		*engine_metrics(const struct engine *);
enum engine_gauge {
	ENGINE_GAUGE_EXPIRY,	/* notAfter */
	ENGINE_GAUGE_BEGIN,	/* notBefore */
	ENGINE_GAUGE_SUCCESS,	/* when it was installed */
	ENGINE_GAUGE_NEXT,	/* when it will be attempted next */
	ENGINE_GAUGE_FAILURES,	/* in a row */
	ENGINE_GAUGE_CONDITION,
	ENGINE_GAUGE_SERVED,	/* when what targets serve ends */
	ENGINE_GAUGE_MATCH,	/* do they serve the installed one? */
	ENGINE_GAUGE_END
};
/* That, for one certificate; name NULL: the lines before the first. */
char		*engine_gauge(const struct engine *, enum engine_gauge,
		    const char *name);

/* -1 and engine_renew_now()'s errors if there is no such certificate. */
int		 engine_check_known(const struct engine *, const char *name,
		    struct error *);

/*
 * Begin to renew now, whatever the schedule says; if a run is under way, join
 * it.  Errors: ERR_CONFIG "engine:unknown-cert" (names the nearest known
 * one), ERR_TRANSIENT "engine:stopping".
 */
int		 engine_renew_now(struct engine *, const char *name,
		    struct error *);
/*
 * The same with a key that was never used, whatever reuse_key says; an order
 * under way, whose key may be the old one, is given up.  ERR_TRANSIENT
 * "engine:busy" if a run is under way.
 */
int		 engine_renew_with_new_key(struct engine *, const char *name,
		    struct error *);

/*
 * Try the whole renewal at a CA for tries, without a change of anything
 * (rehearse.h): the steps, and the end, are events of the certificate named
 * API_DRY_RUN and its name.  directory: that CA's, or NULL: its account's
 * staging_directory, or one that is known.  The check: ERR_CONFIG
 * "rehearse:..." where that cannot be done, and what to do; else, it is told as
 * the end.  One that is under way is joined.  Errors of the latter:
 * ERR_REJECTED "rehearse:busy" (it is, at another CA), ERR_TRANSIENT
 * "engine:stopping".
 */
int		 engine_rehearse_check(const struct engine *, const char *name,
		    const char *directory, struct error *);
int		 engine_rehearse(struct engine *, const char *name,
		    const char *directory, struct error *);

/*
 * engine_renew_with_new_key(), and have the CA revoke the certificate in use,
 * for that reason of manage/reason.h, when the new one is in use everywhere:
 * durable, see manage/revocations.h.  Errors besides: ERR_CONFIG
 * "engine:no-cert", "manage:other-ca".  cancel: ERR_CONFIG
 * "manage:no-revocation"; a renewal that
 * has begun goes on.
 */
int		 engine_replace_and_revoke(struct engine *, const char *name,
		    int reason, bool by_key, struct error *);
int		 engine_revoke_cancel(struct engine *, const char *name,
		    struct error *);

/* The renewal that is asked for next is not held by the CA's limits, as far as
 * we know them (limits). */
void		 engine_pass_limits(struct engine *, const char *name);
/*
 * -1 if the CA has asked to wait, and that time is not over: ERR_RATELIMIT
 * "engine:held" says until when, and the CA's words; or the limit that is used
 * up.  Of the former, engine_renew_now() would ask all the same.  Other errors:
 * as there.
 */
int		 engine_check_held(const struct engine *, const char *name,
		    struct error *);

/*
 * Deploy the installed certificate again: all targets, or one (not NULL),
 * whatever their state and their windows.  The end is an event with "end"; if
 * that is under way already, its end is.  Errors: as engine_renew_now(), and
 * ERR_CONFIG "engine:no-target", "engine:no-cert" (none is installed),
 * ERR_TRANSIENT "engine:busy" (a renewal is under way, and deploys itself).
 */
int		 engine_deploy_now(struct engine *, const char *name,
		    const char *target, struct error *);
/*
 * The previous version goes live, and is deployed as above; "end" comes also
 * where there are no targets.  It is not renewed for a day.  Errors: those,
 * and store_rollback()'s.
 */
int		 engine_rollback(struct engine *, const char *name,
		    bool force, struct error *);

/*
 * Begin no renewal by ourselves before until (0: before engine_resume()); one
 * that runs goes on, and so does what is installed already.  Errors: as
 * engine_renew_now().
 */
int		 engine_pause(struct engine *, const char *name, time_t until,
		    struct error *);
int		 engine_resume(struct engine *, const char *name,
		    struct error *);
/*
 * Remove all files, the state and the history of a certificate that is not
 * configured any more.  ERR_CONFIG "engine:configured" says where it is;
 * "engine:unknown-cert", ERR_TRANSIENT "engine:busy", store_files_delete()'s.
 */
int		 engine_delete(struct engine *, const char *name,
		    struct error *);

/*
 * Take over an account, or a certificate, of another ACME client: as
 * account_import() of accounts/ and cert_import() of renewal/; the caller
 * decrefs.  ERR_TRANSIENT "engine:stopping" besides.
 */
json_t		*engine_import_account(struct engine *,
		    const struct account_import *, struct error *);
json_t		*engine_import_cert(struct engine *,
		    const struct cert_import *, struct error *);
/*
 * Take over the certificate that somebody has had made (given.h): it is durable
 * when this returns, and then a run as of engine_renew_now() installs it.
 * Errors: as there; ERR_CONFIG "given:renewed", "given:older", those of
 * given_check(); ERR_TRANSIENT "engine:busy"; of the disk.
 */
int		 engine_put(struct engine *, const char *name,
		    const char *chain, const char *key, struct error *);
/*
 * What another ACME client must know of a certificate: doc/control-api.md,
 * POST /v1/export; the caller decrefs.  password: of PKCS#12, or NULL.  Errors:
 * as engine_renew_now(); ERR_CONFIG "engine:no-cert", "store:no-key".
 */
json_t		*engine_export(struct engine *, const char *name,
		    const char *password, struct error *);

/* An account of the configuration: account_export() of accounts/; besides
 * ERR_CONFIG "manage:unknown-account". */
json_t		*engine_export_account(struct engine *, const char *name,
		    struct error *);

/*
 * Hosts with keys of their own: doc/control-api.md, GET /v1/hosts, one of them
 * ("engine:unknown-host"), and a new key for one, which nobody keeps here; with
 * the publisher's in its file.  The caller decrefs.  NULL and
 * store_publisher()'s errors.
 */
json_t		*engine_hosts(struct engine *, struct error *);
json_t		*engine_host(struct engine *, const char *name,
		    struct error *);
json_t		*engine_host_key(struct engine *, const char *name,
		    bool with_publisher, struct error *);

/*
 * Send a test message now, on one channel or (NULL) on all.  {"started":
 * [names]}; the caller decrefs.  NULL and ERR_CONFIG "notify:none",
 * "notify:unknown-channel", ERR_TRANSIENT "notify:busy".
 */
json_t		*engine_notify_test(struct engine *, const char *channel,
		    struct error *);
/* What became of the last test; the caller decrefs. */
json_t		*engine_notify_results(const struct engine *);

/*
 * Events: one JSON object each as described in doc/control-api.md; event.h of
 * certs/.
 */
struct event_sub *engine_subscribe(struct engine *,
		    void (*cb)(const json_t *event, void *arg), void *arg);
/* For report_start(). */
struct cluster	*engine_cluster(const struct engine *);
/* For preflight_start(), persist_job_start() and manage_start(). */
struct preflights *engine_preflights(const struct engine *);
struct persist_jobs *engine_persist_jobs(const struct engine *);
struct manage_jobs *engine_manage_jobs(const struct engine *);

#endif
