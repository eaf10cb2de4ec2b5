/* SPDX-License-Identifier: MIT */
/* persist_env - what this folder uses; borrowed as long as it lives. */
#ifndef DAEMON_PERSIST_PERSIST_ENV_H
#define DAEMON_PERSIST_PERSIST_ENV_H

struct accounts;
struct certs;
struct dns;
struct http;
struct loop;
struct provider_env;
struct store;

struct persist_env {
	struct loop	*loop;
	struct store	*store;
	struct http	*ca_http;
	struct dns	*dns;
	struct provider_env *providers;
	struct accounts	*accounts;
	struct certs	*certs;
};

#endif
