/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_manage.h"

#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "daemon/control/job.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
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

void
post_revoke(struct call *c)
{
	struct manage_args args = { .act = MANAGE_REVOKE };
	const char *reason = "unspecified", *by = "account";
	int in_use = 0;
	struct error err;
	json_t *body = request_body(c->req, "", &err);

	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s, s?s, s?s, s?b}", "name", &args.name, "serial",
	    &args.serial, "reason", &reason, "by", &by, "only", &in_use) ==
	    -1) {
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"serial\": SERIAL, \"reason\": REASON, \"by\": "
		    "\"account\" or \"certificate\", \"only\": true or "
		    "false}");
	} else if (revoke_reason_parse(reason, &args.reason) == -1) {
		bad_request(c, "\"reason\" is none of unspecified, "
		    "keyCompromise, affiliationChanged, superseded, "
		    "cessationOfOperation");
	} else if (strcmp(by, "account") != 0 &&
	    strcmp(by, "certificate") != 0) {
		bad_request(c, "\"by\" is neither account nor certificate");
	} else {
		struct log_ctx ctx = { .cert = args.name };

		log_notice(&ctx, "user id %lu asks to revoke %s, reason: %s",
		    (unsigned long)c->uid, args.serial != NULL ? args.serial :
		    "the installed certificate", reason);
		args.by_key = strcmp(by, "certificate") == 0;
		args.in_use = in_use != 0;
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
		[MANAGE_UPDATE] = "update",
		[MANAGE_ROLLOVER] = "rollover",
		[MANAGE_DEACTIVATE] = "deactivate",
	};
	struct manage_args args = { .act = MANAGE_SHOW };
	const char *act = "show";
	struct error err;
	json_t *body = request_body(c->req, "", &err);
	int i = MANAGE_SHOW;

	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s}", "name", &args.name, "do", &act) == -1) {
		bad_request(c, "the request is not {\"name\": ACCOUNT, "
		    "\"do\": ACTION}");
		json_decref(body);
		return;
	}
	while (i < MANAGE_ACT_END && strcmp(acts[i], act) != 0)
		i++;
	if (i == MANAGE_ACT_END) {
		bad_request(c, "\"do\" is none of show, update, rollover, "
		    "deactivate");
	} else {
		log_info(NULL, "user id %lu asks to %s account \"%s\"",
		    (unsigned long)c->uid, act, args.name);
		args.act = (enum manage_act)i;
		begin(c, &args);
	}
	json_decref(body);
}
