/* SPDX-License-Identifier: MIT */
/* env - what a run uses; borrowed until its end. */
#ifndef DAEMON_RENEWAL_ENV_H
#define DAEMON_RENEWAL_ENV_H

#include <stdint.h>

struct accounts;
struct cert;
struct certs;
struct children;
struct cleanup;
struct rollout;
struct dns;
struct etcd;
struct gate;
struct holds;
struct hooks;
struct http;
struct loop;
struct provider_env;
struct store;
struct tls_alpn;
struct tokens;

struct renewal_env {
	struct loop	*loop;
	struct store	*store;
	struct children	*children;
	struct http	*http;		/* for repositories */
	struct etcd	*etcd;		/* likewise */
	struct dns	*dns;
	struct provider_env *providers;
	struct gate	*gate;
	struct hooks	*hooks;
	struct certs	*certs;
	struct accounts	*accounts;
	struct holds	*holds;
	struct cleanup	*cleanup;
	struct tokens	*tokens;
	struct tls_alpn	*tls_alpn;
	struct rollout	*rollout;
	/* The lock that keeps other members of the cluster from the run: the
	 * revision that made it, and its key, which the caller frees; NULL:
	 * there is no cluster. */
	int64_t		(*fence)(const struct cert *, char **key, void *arg);
	void		*arg;
};

#endif
