/* SPDX-License-Identifier: MIT */
/* env - what this folder uses; borrowed as long as it lives. */
#ifndef DAEMON_ALERTS_ENV_H
#define DAEMON_ALERTS_ENV_H

#include <time.h>

struct cert;
struct certs;
struct children;
struct cleanup;
struct cluster;
struct rollout;
struct http;
struct loop;
struct revocations;
struct store;
struct watches;
struct waves;

struct alerts_env {
	struct loop	*loop;
	struct store	*store;
	struct children	*children;
	struct http	*http;
	struct certs	*certs;
	struct cleanup	*cleanup;
	struct rollout	*rollout;
	const struct watches *watches;
	const struct waves *waves;
	const struct revocations *revocations;
	/* The last reload failed with this text; *NULL: it did not. */
	char		*const *reload_error;
	const struct cluster *cluster;
	/* When the certificate is worked at next; 0: now; -1: never. */
	time_t		(*next_at)(const struct cert *, void *arg);
	void		*arg;
};

#endif
