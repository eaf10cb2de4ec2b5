/* SPDX-License-Identifier: MIT */
/* request_cluster - GET /v1/cluster. */
#ifndef DAEMON_CONTROL_REQUEST_CLUSTER_H
#define DAEMON_CONTROL_REQUEST_CLUSTER_H

struct call;

void	get_cluster(struct call *);

#endif
