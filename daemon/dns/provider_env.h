/* SPDX-License-Identifier: MIT */
/* provider_env - what the calls of providers work with; one per daemon. */
#ifndef DAEMON_DNS_PROVIDER_ENV_H
#define DAEMON_DNS_PROVIDER_ENV_H

#include <stdio.h>

struct children;
struct dns;
struct http;
struct leases;
struct loop;
struct responder;
struct tallies;

struct provider_env {
	struct loop	*loop;
	struct http	*http;
	struct dns	*dns;
	struct children	*children;
	struct provider_locks *locks;	/* made by provider_env_init(), */
	struct leases	*leases;	/* ... as this is, of credentials, */
	struct responder *responder;	/* ... this, */
	struct tallies	*tallies;	/* ... and this: how requests went */
	unsigned	 retry_ms[2];	/* ... and these, which tests */
	unsigned	 poll_ms;	/* ... shorten: pauses, and the limit */
	unsigned	 request_ms;	/* ... of one HTTP request */
};

void	provider_env_init(struct provider_env *, struct loop *, struct http *,
	    struct dns *, struct children *);
/* Prometheus text: how requests to providers went.  Of one that is no REST API
 * each change counts as one. */
void	provider_env_metrics(const struct provider_env *, FILE *);
/* All operations must be finished or cancelled before. */
void	provider_env_clear(struct provider_env *);

#endif
