/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_deploy.h"

#include <jansson.h>
#include <stdbool.h>

#include "common/api.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"

struct wish {
	json_t		*body;		/* the strings are its */
	const char	*name, *target;
	bool		 is_rollback, force, follow;
};

static int
parse(struct evhttp_request *req, struct wish *w, struct error *err)
{
	int force = 0, follow = 0, rc;
	json_error_t why;

	w->body = request_body(req, "", err);
	if (w->body == NULL)
		return -1;
	rc = w->is_rollback ?
	    json_unpack_ex(w->body, &why, JSON_STRICT, "{s:s, s?b, s?b}",
	    "name", &w->name, "force", &force, "follow", &follow) :
	    json_unpack_ex(w->body, &why, JSON_STRICT, "{s:s, s?s, s?b}",
	    "name", &w->name, "target", &w->target, "follow", &follow);
	w->force = force != 0;
	w->follow = follow != 0;
	if (rc == 0)
		return 0;
	(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
	    "the request is not {\"name\": NAME, \"%s\", \"follow\": true or "
	    "false}: %s", w->is_rollback ? "force\": true or false" :
	    "target\": TARGET", why.text);
	json_decref(w->body);
	return -1;
}

static int
begin(struct call *c, const struct wish *w, struct error *err)
{
	struct log_ctx ctx = { .cert = w->name };

	log_info(&ctx, "user id %lu asks for a %s", (unsigned long)c->uid,
	    w->is_rollback ? "rollback" : "deployment");
	return w->is_rollback ?
	    engine_rollback(c->server->engine, w->name, w->force, err) :
	    engine_deploy_now(c->server->engine, w->name, w->target, err);
}

static void
follow(struct call *c, const struct wish *w)
{
	json_t *names = json_object();
	struct stream *s;
	struct error err;

	(void)json_object_set_new(names, w->name, json_true());
	/* First listen, then begin: no event is missed. */
	s = stream_follow(c->server, c->req, names);
	if (s == NULL)
		return;
	if (begin(c, w, &err) == -1) {
		stream_abort(s);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	stream_begin(s);
}

static void
grant(struct call *c, bool is_rollback)
{
	struct wish w = { .is_rollback = is_rollback };
	struct error err;

	if (parse(c->req, &w, &err) == -1) {
		reply_error(c->req, 400, &err, NULL);
		return;
	}
	if (w.follow)
		follow(c, &w);
	else if (begin(c, &w, &err) == -1)
		reply_error(c->req, reply_status(&err), &err, NULL);
	else
		reply_json(c->req, 202, json_pack("{s:[s]}", "started",
		    w.name));
	json_decref(w.body);
}

void
post_deploy(struct call *c)
{
	grant(c, false);
}

void
post_rollback(struct call *c)
{
	grant(c, true);
}
