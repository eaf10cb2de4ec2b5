/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_cluster.h"

#include "daemon/cluster/report.h"
#include "daemon/control/job.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

static void
cancel(void *op)
{
	report_cancel(op);
}

void
get_cluster(struct call *c)
{
	struct job *j = job_begin(c);

	if (j != NULL)
		job_waits(j, cancel, report_start(engine_cluster(
		    c->server->engine), job_done, j));
}
