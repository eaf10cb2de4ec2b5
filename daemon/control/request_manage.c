/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_manage.h"

#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "daemon/control/job.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"
#include "daemon/manage/manage.h"
#include "daemon/manage/reason.h"

static void
cancel(void *op)
{
	manage_cancel(op);
}

static void
begin(struct call *c, const struct manage_args *args)
{
	struct job *j = job_begin(c);

	if (j != NULL)
		job_waits(j, cancel, manage_start(engine_manage_jobs(
		    c->server->engine), args, job_done, j));
}

/* What a body of POST /v1/revoke asks for besides one revocation. */
struct wish {
	const char	*reason, *by;
	int		 only, replace, follow, force, cancel;
};

/* NULL: answered. */
static json_t *
parse_revoke(struct call *c, struct manage_args *args, struct wish *w)
{
	struct error err;
	json_t *body = request_body(c->req, "", &err);

	*w = (struct wish){ .reason = "unspecified", .by = "account" };
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s, s?s, s?s, s?b, s?b, s?b, s?b, s?b}", "name",
	    &args->name, "serial", &args->serial, "reason", &w->reason, "by",
	    &w->by, "only", &w->only, "replace", &w->replace, "follow",
	    &w->follow, "force", &w->force, "cancel", &w->cancel) == -1)
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"serial\": SERIAL, \"reason\": REASON, \"by\": "
		    "\"account\" or \"certificate\", \"only\": true or "
		    "false}, or with \"replace\": true, or \"cancel\": "
		    "true");
	else if (revoke_reason_parse(w->reason, &args->reason) == -1)
		bad_request(c, "\"reason\" must be one of unspecified, "
		    "keyCompromise, affiliationChanged, superseded, "
		    "cessationOfOperation");
	else if (strcmp(w->by, "account") != 0 &&
	    strcmp(w->by, "certificate") != 0)
		bad_request(c, "\"by\" is neither account nor certificate");
	else if (w->replace && (args->serial != NULL || w->only))
		bad_request(c, "\"replace\" is for the installed "
		    "certificate: neither \"serial\" nor \"only\"");
	else
		return body;
	json_decref(body);
	return NULL;
}

static void
refuse(struct call *c, const struct error *err)
{
	reply_error(c->req, reply_status(err), err, NULL);
}

/* Its replacement first; both outlive the request. */
static void
replace(struct call *c, const struct manage_args *args, const struct wish *w)
{
	struct engine *engine = c->server->engine;
	struct stream *s = NULL;
	struct error err;

	if (!w->force && engine_check_held(engine, args->name, &err) == -1) {
		refuse(c, &err);
		return;
	}
	if (w->force)
		engine_pass_limits(engine, args->name);
	/* First listen, then begin: no event is missed. */
	if (w->follow) {
		s = stream_follow(c->server, c->req, json_pack("{s:b}",
		    args->name, 1));
		if (s == NULL)
			return;
	}
	if (engine_replace_and_revoke(engine, args->name, args->reason,
	    args->by_key, &err) == -1) {
		if (s != NULL)
			stream_abort(s);
		refuse(c, &err);
	} else if (s != NULL) {
		stream_begin(s);
	} else {
		reply_json(c->req, 202, json_pack("{s:[s]}", "started",
		    args->name));
	}
}

/* One that is not configured any more has no status. */
static void
reply_cancelled(struct call *c, const char *name)
{
	json_t *cert = engine_cert_brief(c->server->engine, name);

	reply_json(c->req, 200, cert != NULL ? cert :
	    json_pack("{s:[]}", "started"));
}

void
post_revoke(struct call *c)
{
	struct manage_args args = { .act = MANAGE_REVOKE };
	struct error err;
	struct wish w;
	json_t *body = parse_revoke(c, &args, &w);
	struct log_ctx ctx = { .cert = args.name };

	if (body == NULL)
		return;
	args.by_key = strcmp(w.by, "certificate") == 0;
	args.in_use = w.only != 0;
	if (w.cancel) {
		log_notice(&ctx, "user id %lu asks not to revoke it",
		    (unsigned long)c->uid);
		if (engine_revoke_cancel(c->server->engine, args.name, &err) ==
		    -1)
			refuse(c, &err);
		else
			reply_cancelled(c, args.name);
	} else {
		log_notice(&ctx, "user id %lu asks to revoke %s%s, reason: %s",
		    (unsigned long)c->uid, args.serial != NULL ? args.serial :
		    "the installed certificate", w.replace ? " when it is "
		    "replaced" : "", w.reason);
		if (w.replace)
			replace(c, &args, &w);
		else
			begin(c, &args);
	}
	json_decref(body);
}

void
post_account(struct call *c)
{
	static const char *const acts[MANAGE_ACT_END] = {
		[MANAGE_REVOKE] = "",
		[MANAGE_SHOW] = "show",
		[MANAGE_REGISTER] = "register",
		[MANAGE_UPDATE] = "update",
		[MANAGE_ROLLOVER] = "rollover",
		[MANAGE_DEACTIVATE] = "deactivate",
		[MANAGE_ADOPT] = "",
	};
	struct manage_args args = { .act = MANAGE_SHOW };
	const char *act = "show";
	struct error err;
	json_t *body = request_body(c->req, "", &err);
	int i = 0;

	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s}", "name", &args.name, "do", &act) == -1) {
		bad_request(c, "the request is not {\"name\": ACCOUNT, "
		    "\"do\": ACTION}");
		json_decref(body);
		return;
	}
	while (i < MANAGE_ACT_END && (acts[i][0] == '\0' ||
	    strcmp(acts[i], act) != 0))
		i++;
	if (i == MANAGE_ACT_END) {
		bad_request(c, "\"do\" must be one of show, register, update, "
		    "rollover, deactivate");
	} else {
		log_info(NULL, "user id %lu asks to %s account \"%s\"",
		    (unsigned long)c->uid, act, args.name);
		args.act = (enum manage_act)i;
		begin(c, &args);
	}
	json_decref(body);
}
