/* SPDX-License-Identifier: MIT */
/* provider_env - what the calls of providers work with; one per daemon. */
#ifndef DAEMON_DNS_PROVIDER_ENV_H
#define DAEMON_DNS_PROVIDER_ENV_H

struct children;
struct dns;
struct http;
struct loop;
struct responder;

struct provider_env {
	struct loop	*loop;
	struct http	*http;
	struct dns	*dns;
	struct children	*children;
	struct provider_locks *locks;	/* made by provider_env_init(), */
	struct responder *responder;	/* ... as this is, */
	unsigned	 retry_ms[2];	/* ... and these, which tests */
	unsigned	 poll_ms;	/* ... shorten: pauses, and the limit */
	unsigned	 request_ms;	/* ... of one HTTP request */
};

void	provider_env_init(struct provider_env *, struct loop *, struct http *,
	    struct dns *, struct children *);
/* All operations must be finished or cancelled before. */
void	provider_env_clear(struct provider_env *);

#endif
