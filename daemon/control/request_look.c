/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_look.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"

void
get_cert(struct call *c)
{
	size_t len;
	char *name = evhttp_uridecode(c->path + strlen(API_PATH_CERT), 0,
	    &len);
	json_t *j;

	if (name == NULL)
		abort();
	if (strlen(name) != len || len == 0) {
		bad_request(c, "the certificate's name is malformed");
	} else {
		j = engine_cert_status(c->server->engine, name);
		if (j != NULL)
			reply_json(c->req, 200, j);
		else
			unknown_cert(c, name);
	}
	free(name);
}

void
get_events(struct call *c)
{
	const char *query = evhttp_uri_get_query(
	    evhttp_request_get_evhttp_uri(c->req));
	struct evkeyvalq params = TAILQ_HEAD_INITIALIZER(params);
	const char *cert = NULL;
	struct stream *s;

	if (query != NULL && *query != '\0') {
		if (evhttp_parse_query_str(query, &params) == -1 ||
		    (cert = evhttp_find_header(&params, "cert")) == NULL) {
			evhttp_clear_headers(&params);
			bad_request(c, "the query is not cert=NAME");
			return;
		}
	}
	if (cert != NULL && !cert_exists(c, cert))
		unknown_cert(c, cert);
	else if (evhttp_request_get_command(c->req) == EVHTTP_REQ_HEAD)
		reply_buffer(c->req, 200, "application/jsonl", NULL);
	else if ((s = stream_new(c->server, c->req, cert)) != NULL)
		stream_begin(s);
	evhttp_clear_headers(&params);
}
