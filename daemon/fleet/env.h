/* SPDX-License-Identifier: MIT */
/* env - what this folder uses; borrowed as long as it lives. */
#ifndef DAEMON_FLEET_ENV_H
#define DAEMON_FLEET_ENV_H

#include <stdbool.h>
#include <stdint.h>

struct cert;
struct certs;
struct cluster;
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
	struct cluster	*cluster;
	/* May what the members of a cluster share of it be changed?  If not,
	 * that is being asked for: waves_look() when it may. */
	bool		(*hold)(struct cert *, void *arg);
	/* What etcd lets pass as long as it may; *key: the caller frees. */
	int64_t		(*fence)(const struct cert *, char **key, void *arg);
	/* What was decided about the roll-out of one of a cluster is done, as
	 * far as its row. */
	void		(*acted)(struct cert *, void *arg);
	/* Something is wrong that was not before, or no more. */
	void		(*noticed)(void *arg);
	void		*arg;
};

#endif
