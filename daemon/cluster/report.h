/* SPDX-License-Identifier: MIT */
/* report - what acmectl cluster status shows: the cluster as this member sees
 * it, and what each member of etcd answers just now. */
#ifndef DAEMON_CLUSTER_REPORT_H
#define DAEMON_CLUSTER_REPORT_H

#include <jansson.h>

struct cluster;
struct error;
struct report_op;

/* reply: "Cluster" of doc/openapi.json, borrowed.  ERR_CONFIG "cluster:none":
 * there is no cluster { }. */
typedef void report_done_cb(const struct error *err, const json_t *reply,
    void *arg);
struct report_op *report_start(struct cluster *, report_done_cb *done,
		    void *arg);
/* NULL is allowed. */
void		 report_cancel(struct report_op *);

#endif
