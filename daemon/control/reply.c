/* SPDX-License-Identifier: MIT */
#include "daemon/control/reply.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

void
reply_answer(struct call *c, json_t *reply,
    const struct error *err)
{
	if (reply != NULL)
		reply_json(c->req, 200, reply);
	else
		reply_error(c->req, reply_status(err), err, NULL);
}

void
reply_buffer(struct evhttp_request *req, int status, const char *type,
    struct evbuffer *buf)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", type);
	/* evhttp would send a body even in answer to HEAD. */
	if (buf != NULL && evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		(void)evbuffer_drain(buf, evbuffer_get_length(buf));
	evhttp_send_reply(req, status, NULL, buf);
}

static int
add_cb(const char *text, size_t len, void *arg)
{
	return evbuffer_add(arg, text, len);
}

void
reply_json(struct evhttp_request *req, int status, json_t *j)
{
	struct evbuffer *buf = evbuffer_new();

	if (buf == NULL || json_dump_callback(j, add_cb, buf,
	    JSON_COMPACT) == -1 || evbuffer_add(buf, "\n", 1) == -1)
		abort();
	json_decref(j);
	reply_buffer(req, status, "application/json", buf);
	evbuffer_free(buf);
}

void
reply_error(struct evhttp_request *req, int status, const struct error *err,
    json_t *lines)
{
	json_t *j = json_pack("{s:{s:s, s:s, s:s}}", "error",
	    "kind", err_kind_name(err->kind), "code", err->code,
	    "msg", err->msg);

	if (j == NULL)		/* a text that is not UTF-8 */
		j = json_pack("{s:{s:s, s:s, s:s}}", "error",
		    "kind", err_kind_name(err->kind), "code", "sys:text",
		    "msg", "the error cannot be shown");
	if (lines != NULL)
		(void)json_object_set(j, "lines", lines);
	reply_json(req, status, j);
}

int
reply_status(const struct error *err)
{
	if (strcmp(err->code, API_ERR_UNKNOWN_CERT) == 0 ||
	    strcmp(err->code, API_ERR_UNKNOWN_CHANNEL) == 0 ||
	    strcmp(err->code, API_ERR_UNKNOWN_HOST) == 0)
		return 404;
	switch (err->kind) {
	case ERR_TRANSIENT:
	case ERR_RATELIMIT:
		return 503;
	case ERR_REJECTED:
	case ERR_CONFIG:
		return 409;
	case ERR_NONE:
	case ERR_INTERNAL:
	case ERR_KIND_END:
		break;
	}
	return 500;
}

void
bad_request(struct call *c, const char *why)
{
	struct error err;

	(void)error_set(&err, ERR_REJECTED, API_ERR_REQUEST, "%s", why);
	reply_error(c->req, 400, &err, NULL);
}

/* The engine knows best what to say about a name that it does not know. */
void
unknown_cert(struct call *c, const char *name)
{
	struct error err;

	if (engine_check_known(c->server->engine, name, &err) == 0)
		(void)error_set(&err, ERR_CONFIG, API_ERR_UNKNOWN_CERT,
		    "no certificate \"%s\" is configured", name);
	reply_error(c->req, reply_status(&err), &err, NULL);
}

bool
cert_exists(struct call *c, const char *name)
{
	return engine_has_cert(c->server->engine, name);
}
