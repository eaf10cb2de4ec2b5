/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_state.h"

#include <jansson.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

/* {"name": NAME} and, where it may be, "until"; *name is the result's, which
 * the caller decrefs.  NULL: answered. */
static json_t *
parse(struct call *c, const char **name, json_int_t *until)
{
	struct error err;
	json_t *body = request_body(c->req, "", &err);
	int rc = body == NULL ? -1 : until != NULL ?
	    json_unpack_ex(body, NULL, JSON_STRICT, "{s:s, s?I}", "name",
	    name, "until", until) :
	    json_unpack_ex(body, NULL, JSON_STRICT, "{s:s}", "name", name);

	if (rc == 0)
		return body;
	json_decref(body);
	bad_request(c, until != NULL ? "the request is not {\"name\": NAME, "
	    "\"until\": SECONDS}" : "the request is not {\"name\": NAME}");
	return NULL;
}

static void
say_who(const struct call *c, const char *name, const char *what)
{
	struct log_ctx ctx = { .cert = name };

	log_info(&ctx, "user id %lu asks %s", (unsigned long)c->uid, what);
}

/* The answer to all of them: the certificate as it is now, if it is. */
static void
answer(struct call *c, const char *name, int rc, const struct error *err)
{
	json_t *cert;

	if (rc == -1) {
		reply_error(c->req, reply_status(err), err, NULL);
		return;
	}
	cert = engine_cert_brief(c->server->engine, name);
	reply_json(c->req, 200, cert != NULL ? cert :
	    json_pack("{s:s}", "deleted", name));
}

void
post_pause(struct call *c)
{
	json_int_t until = 0;
	const char *name;
	struct error err;
	json_t *body = parse(c, &name, &until);

	if (body == NULL)
		return;
	if (until != 0 && until <= clock_now()) {
		bad_request(c, "\"until\" is not a future time");
	} else {
		say_who(c, name, "to pause the renewals");
		answer(c, name, engine_pause(c->server->engine, name,
		    (time_t)until, &err), &err);
	}
	json_decref(body);
}

void
post_resume(struct call *c)
{
	const char *name;
	struct error err;
	json_t *body = parse(c, &name, NULL);

	if (body == NULL)
		return;
	say_who(c, name, "to resume the renewals");
	answer(c, name, engine_resume(c->server->engine, name, &err), &err);
	json_decref(body);
}

void
post_delete(struct call *c)
{
	const char *name;
	struct error err;
	json_t *body = parse(c, &name, NULL);

	if (body == NULL)
		return;
	say_who(c, name, "to delete it");
	answer(c, name, engine_delete(c->server->engine, name, &err), &err);
	json_decref(body);
}

void
post_receipts_forget(struct call *c)
{
	const char *name;
	struct error err;
	json_t *body = parse(c, &name, NULL);

	if (body == NULL)
		return;
	log_notice(NULL, "user id %lu asks to forget host %s",
	    (unsigned long)c->uid, name);
	if (engine_receipts_forget(c->server->engine, name, &err) == -1)
		reply_error(c->req, reply_status(&err), &err, NULL);
	else
		reply_json(c->req, 200, json_pack("{s:s}", "forgotten",
		    name));
	json_decref(body);
}

void
post_rollout(struct call *c)
{
	const char *name = NULL, *what = NULL;
	struct error err;
	json_t *body = request_body(c->req, "", &err);

	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s:s}", "name", &name, "do", &what) == -1) {
		bad_request(c, "the request is not {\"name\": NAME, \"do\": "
		    "ACTION}");
	} else if (strcmp(what, "continue") != 0 && strcmp(what, "stop") != 0 &&
	    strcmp(what, "rollback") != 0) {
		bad_request(c, "\"do\" must be one of continue, stop, "
		    "rollback");
	} else {
		say_who(c, name, what[0] == 'c' ? "to open the next wave" :
		    what[0] == 's' ? "to open no further wave" :
		    "to roll all hosts back");
		answer(c, name, engine_rollout(c->server->engine, name, what,
		    &err), &err);
	}
	json_decref(body);
}
