/* SPDX-License-Identifier: MIT */
/*
 * preflight - would a renewal work?  Looks at everything that one needs of
 * others, and changes nothing but a probe TXT value that it removes again:
 * the CA and the account, the zones and their servers, the delegation of
 * _acme-challenge, CAA, DNSSEC, and the provider's credentials.  Called by
 * control/; doc/control-api.md has the lines.
 */
#ifndef DAEMON_PREFLIGHT_PREFLIGHT_H
#define DAEMON_PREFLIGHT_PREFLIGHT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct accounts;
struct certs;
struct cluster;
struct conf;
struct cleanup;
struct rollout;
struct dns;
struct error;
struct etcd;
struct http;
struct loop;
struct preflight;
struct preflights;
struct provider_env;
struct store;
struct tls_alpn;
struct tokens;

/* What it uses; borrowed as long as it lives. */
struct preflight_env {
	struct loop	*loop;
	struct store	*store;
	struct http	*ca_http;
	struct http	*http;
	struct etcd	*etcd;
	struct dns	*dns;
	struct provider_env *providers;
	struct certs	*certs;
	const struct cluster *cluster;	/* NULL: there is none */
	struct accounts	*accounts;
	struct cleanup	*cleanup;
	struct tokens	*tokens;
	struct tls_alpn	*tls_alpn;
	struct rollout	*rollout;
};

/* The checks under way. */
struct preflights *preflights_new(const struct preflight_env *);
/* End all of them, and each that is begun from now on. */
void		 preflights_stop(struct preflights *);
void		 preflights_free(struct preflights *);

/* What becomes of the CAA records that would let only this account issue. */
enum preflight_caa {
	PREFLIGHT_CAA_HINT,	/* they are named, after all other checks */
	PREFLIGHT_CAA_SHOW,	/* only they: what would be written */
	PREFLIGHT_CAA_WRITE	/* only they: written, through the providers */
};

struct preflight_args {			/* borrowed; copied */
	const char *const *names;	/* certificates */
	size_t		 n_names;	/* 0: all that are configured */
	bool		 has_probe;
	enum preflight_caa caa;
	const struct conf *conf;	/* NULL: the one in force */
};

/* One result, or the end of one certificate; borrowed. */
typedef void preflight_line_cb(const json_t *line, void *arg);
/* err: ERR_CONFIG "engine:unknown-cert", ERR_TRANSIENT "engine:stopping". */
typedef void preflight_done_cb(const struct error *err, void *arg);

/*
 * The lines of a certificate come in order, and one certificate's after the
 * other's, each as soon as it is known.  line may cancel.
 */
struct preflight *preflight_start(struct preflights *,
		    const struct preflight_args *, preflight_line_cb *line,
		    preflight_done_cb *done, void *arg);
/* Its probe is removed all the same. */
void		 preflight_cancel(struct preflight *);

#endif
