/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_hosts.h"

#include <event2/http.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/control/reply.h"
#include "daemon/control/request_import.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

void
get_hosts(struct call *c)
{
	struct error err;

	reply_answer(c, engine_hosts(c->server->engine, &err), &err);
}

void
get_host(struct call *c)
{
	char *name = evhttp_uridecode(c->path + strlen(API_PATH_HOST), 0,
	    NULL);
	struct error err;

	reply_answer(c, engine_host(c->server->engine, name != NULL ? name : "",
	    &err), &err);
	free(name);
}

void
post_host_key(struct call *c)
{
	const char *name = NULL;
	struct error err;
	json_t *body;
	int publisher = 0;

	if (!request_may_have_keys(c))
		return;
	body = request_body(c->req, "", &err);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?b}", "name", &name, "publisher", &publisher) == -1) {
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"publisher\": true or false}");
	} else {
		log_notice(NULL, "user id %lu makes a key for host \"%s\"",
		    (unsigned long)c->uid, name);
		reply_answer(c, engine_host_key(c->server->engine, name,
		    publisher != 0, &err), &err);
	}
	json_decref(body);
}
