/* SPDX-License-Identifier: MIT */
#include "daemon/control/job.h"

#include <event2/http.h>
#include <stdlib.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"

struct job {
	struct server		*server;
	struct conn		*conn;
	struct evhttp_request	*req;
	void			(*cancel)(void *op);
	void			*op;
};

static void
set_busy(struct job *j, bool is_busy)
{
	j->conn->is_busy = is_busy;
	j->conn->since_ms = clock_mono_ms();
	conn_limit(j->conn, is_busy ? 0 : j->server->idle_ms);
}

/* The client left, or server_free() closed the connection. */
static void
closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct job *j = arg;

	request_closed(j->req);
	j->cancel(j->op);
	j->conn->is_busy = false;
	j->server->n_jobs--;
	free(j);
}

struct job *
job_begin(struct call *c)
{
	struct server *server = c->server;
	struct error err;
	struct job *j;

	if (server->n_jobs >= JOB_MAX) {
		(void)error_set(&err, ERR_TRANSIENT, API_ERR_BUSY,
		    "%d such requests are under way already", JOB_MAX);
		reply_error(c->req, 503, &err, NULL);
		return NULL;
	}
	j = xcalloc(1, sizeof(*j));
	j->server = server;
	j->conn = conn_of(server, c->req);
	j->req = c->req;
	server->n_jobs++;
	set_busy(j, true);
	return j;
}

void
job_waits(struct job *j, void (*cancel)(void *op), void *op)
{
	j->cancel = cancel;
	j->op = op;
	evhttp_connection_set_closecb(evhttp_request_get_connection(j->req),
	    closed_cb, j);
}

void
job_done(const struct error *err, const json_t *reply, void *job)
{
	struct job *j = job;
	struct evhttp_request *req = j->req;

	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    NULL, NULL);
	set_busy(j, false);
	j->server->n_jobs--;
	free(j);
	if (err != NULL)
		reply_error(req, reply_status(err), err, NULL);
	else
		reply_json(req, 200, json_deep_copy(reply));
}
