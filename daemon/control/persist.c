/* SPDX-License-Identifier: MIT */
#include "daemon/control/persist.h"

#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/control/job.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/dns/persist.h"
#include "daemon/engine/engine.h"
#include "daemon/persist/persist_job.h"

static void
cancel(void *op)
{
	persist_job_cancel(op);
}

/* args->cert is body's. */
static int
parse(json_t *body, struct persist_job_args *args, struct error *err)
{
	static const char *const acts[] = {
		[PERSIST_SHOW] = "show",
		[PERSIST_WRITE] = "write",
		[PERSIST_REMOVE] = "remove",
	};
	const char *act = "show";
	json_int_t until = 0;
	json_error_t why;
	size_t i = 0;

	if (json_unpack_ex(body, &why, JSON_STRICT,
	    "{s:s, s?s, s?I}", "name", &args->cert, "do", &act, "until",
	    &until) == -1)
		return error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "the request is not {\"name\": ..., \"do\": \"show\", "
		    "\"write\" or \"remove\", \"until\": SECONDS}: %s",
		    why.text);
	while (i < sizeof(acts) / sizeof(acts[0]) && strcmp(acts[i], act) != 0)
		i++;
	if (i == sizeof(acts) / sizeof(acts[0]))
		return error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"do\" must be one of show, write, remove");
	if (until != 0 && (until <= clock_now() || until > PERSIST_UNTIL_MAX))
		return error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"until\" is not a future time");
	args->act = (enum persist_act)i;
	args->until = (time_t)until;
	return 0;
}

void
post_persist(struct call *c)
{
	struct persist_job_args args;
	struct error err;
	struct job *j;
	json_t *body = request_body(c->req, "", &err);

	log_info(NULL, "user id %lu asks for dns-persist-01 records",
	    (unsigned long)c->uid);
	if (body == NULL || parse(body, &args, &err) == -1) {
		reply_error(c->req, 400, &err, NULL);
	} else if ((j = job_begin(c)) != NULL) {
		job_waits(j, cancel, persist_job_start(engine_persist_jobs(
		    c->server->engine), &args, job_done, j));
	}
	json_decref(body);
}
