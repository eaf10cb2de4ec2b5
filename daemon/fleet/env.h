/* SPDX-License-Identifier: MIT */
/* env - what this folder uses; borrowed as long as it lives. */
#ifndef DAEMON_FLEET_ENV_H
#define DAEMON_FLEET_ENV_H

struct certs;
struct etcd;
struct http;
struct loop;
struct rollout;
struct store;

struct fleet_env {
	struct loop	*loop;
	struct store	*store;
	struct http	*http;
	struct etcd	*etcd;
	struct certs	*certs;
	struct rollout	*rollout;
	/* Something is wrong that was not before, or no more. */
	void		(*noticed)(void *arg);
	void		*arg;
};

#endif
