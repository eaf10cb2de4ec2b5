/* SPDX-License-Identifier: MIT */
#include "daemon/control/persist.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/dns/persist.h"
#include "daemon/engine/engine.h"
#include "daemon/persist/persist_job.h"

struct work {
	struct control		*ctl;
	struct conn		*conn;
	struct evhttp_request	*req;
	struct persist_job	*job;
};

/* Its connection has no time limits while it works. */
static void
set_busy(struct work *w, bool is_busy)
{
	w->conn->is_busy = is_busy;
	w->conn->since_ms = clock_mono_ms();
	conn_limit(w->conn, is_busy ? 0 : w->ctl->idle_ms);
}

/* The client left, or control_free() closed the connection. */
static void
closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct work *w = arg;

	request_closed(w->req);
	persist_job_cancel(w->job);
	w->conn->is_busy = false;
	w->ctl->n_jobs--;
	free(w);
}

static void
done(const struct error *err, const json_t *reply, void *arg)
{
	struct work *w = arg;
	struct evhttp_request *req = w->req;

	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    NULL, NULL);
	set_busy(w, false);
	w->ctl->n_jobs--;
	free(w);
	if (err != NULL)
		reply_error(req, reply_status(err), err, NULL);
	else
		reply_json(req, 200, json_deep_copy(reply));
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
		    "\"do\" is none of show, write, remove");
	if (until != 0 && (until <= clock_now() || until > PERSIST_UNTIL_MAX))
		return error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"until\" is no time to come");
	args->act = (enum persist_act)i;
	args->until = (time_t)until;
	return 0;
}

void
post_persist(struct call *c)
{
	struct evhttp_request *req = c->req;
	struct control *ctl = c->ctl;
	struct persist_job_args args;
	struct error err;
	struct work *w;
	json_t *body = request_body(req, "", &err);

	log_info(NULL, "user id %lu asks for dns-persist-01 records",
	    (unsigned long)c->uid);
	if (body == NULL || parse(body, &args, &err) == -1) {
		reply_error(req, 400, &err, NULL);
		json_decref(body);
		return;
	}
	if (ctl->n_jobs >= JOB_MAX) {
		(void)error_set(&err, ERR_TRANSIENT, API_ERR_BUSY,
		    "%d such requests are under way already", JOB_MAX);
		reply_error(req, 503, &err, NULL);
		json_decref(body);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->ctl = ctl;
	w->conn = conn_of(ctl, req);
	w->req = req;
	ctl->n_jobs++;
	set_busy(w, true);
	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    closed_cb, w);
	w->job = persist_job_start(engine_persist_jobs(ctl->engine), &args,
	    done, w);
	json_decref(body);
}
